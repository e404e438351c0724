/**
 * Finds the row of the decode table for an instruction.
 *
 * Where patterns overlap, the one with more fixed bits is meant, as in the Arm ARM's tables of an encoding class and its exceptions.
 */
import type { Encoding } from "./encoding.js";

const INDEX_BITS = 11;
const INDEX_LOW = 32 - INDEX_BITS;
/** Bits 28:25, by which the encodings are grouped. Arm: DDI 0487 C4.1. */
const GROUPS = 16;
const GROUP_LOW = 25 - INDEX_LOW;

/** Number of ones in the mask. */
function fixedBits({ mask }: Encoding): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** The rows whose fixed bits among those of `which`, of bits 31:21, are those of `index`. */
function agreeing(rows: readonly Encoding[], index: number, which: number): Encoding[] {
  return rows.filter(({ mask, value }) => (((value >>> INDEX_LOW) ^ index) & (mask >>> INDEX_LOW) & which) === 0);
}

export class Decoder {
  /** Most fixed bits first. */
  readonly encodings: readonly Encoding[];
  /** Candidates by bits 31:21, found when the first instruction with these bits is looked up. */
  private readonly candidates: (readonly Encoding[] | undefined)[] = new Array<readonly Encoding[] | undefined>(1 << INDEX_BITS).fill(undefined);

  private readonly groups: (readonly Encoding[] | undefined)[] = new Array<readonly Encoding[] | undefined>(GROUPS).fill(undefined);

  constructor(encodings: readonly Encoding[]) {
    const byFixedBits = Array.from({ length: 33 }, (): Encoding[] => []);
    for (const row of encodings) byFixedBits[32 - fixedBits(row)]!.push(row);
    this.encodings = byFixedBits.flat();
  }

  private candidatesFor(index: number): readonly Encoding[] {
    const group = (index >>> GROUP_LOW) & (GROUPS - 1);
    const rows = (this.groups[group] ??= agreeing(this.encodings, group << GROUP_LOW, (GROUPS - 1) << GROUP_LOW));
    return (this.candidates[index] ??= agreeing(rows, index, (1 << INDEX_BITS) - 1));
  }

  /** The row that the instruction belongs to; undefined: unallocated, or not implemented. */
  find(word: number): Encoding | undefined {
    for (const row of this.candidatesFor(word >>> INDEX_LOW)) {
      if ((word & row.mask) >>> 0 === row.value && row.legal(word)) return row;
    }
    return undefined;
  }
}
