/**
 * Finds the row of the decode table for an instruction.
 *
 * Where patterns overlap, the one with more fixed bits is meant, as in the Arm ARM's tables of an encoding class and its exceptions.
 */
import type { Encoding } from "./encoding.js";

const INDEX_BITS = 11;
const INDEX_LOW = 32 - INDEX_BITS;

function fixedBits({ mask }: Encoding): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest = (rest & (rest - 1)) >>> 0) count++;
  return count;
}

export class Decoder {
  readonly encodings: readonly Encoding[];
  /** Candidates by bits 31:21, most fixed bits first. */
  private readonly candidates: (readonly Encoding[])[];

  constructor(encodings: readonly Encoding[]) {
    this.encodings = [...encodings].sort((a, b) => fixedBits(b) - fixedBits(a));
    const lists: Encoding[][] = Array.from({ length: 1 << INDEX_BITS }, () => []);
    for (const row of this.encodings) {
      const mask = row.mask >>> INDEX_LOW;
      const value = row.value >>> INDEX_LOW;
      const free = ~mask & ((1 << INDEX_BITS) - 1);
      // All settings of the free bits.
      for (let bits = free; ; bits = (bits - 1) & free) {
        lists[value | bits]!.push(row);
        if (bits === 0) break;
      }
    }
    this.candidates = lists;
  }

  /** The row that the instruction belongs to; undefined: unallocated, or not implemented. */
  find(word: number): Encoding | undefined {
    for (const row of this.candidates[word >>> INDEX_LOW]!) {
      if ((word & row.mask) >>> 0 === row.value && row.legal(word)) return row;
    }
    return undefined;
  }
}
