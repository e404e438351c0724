/** Words of 64 bits among the engine's cells (layout.ts), moved and read as two of 32: a bigint for each is what an exit cannot afford. */
import type { Va } from "../../arch/addr.js";

const TWO_32 = 2 ** 32;
/** Upper word of the first address that no user page has, 2^48. */
export const VA_LIMIT_HIGH = 2 ** 16;

export function copyWord(cells: Uint32Array, from: number, to: number): void {
  cells[to / 4] = cells[from / 4]!;
  cells[to / 4 + 1] = cells[from / 4 + 1]!;
}

export function clearWord(cells: Uint32Array, at: number): void {
  cells[at / 4] = 0;
  cells[at / 4 + 1] = 0;
}

/** Sets the word to a number below 2^53. True if it was another one. */
export function setWord(cells: Uint32Array, at: number, value: number): boolean {
  const low = value >>> 0;
  const high = Math.floor(value / TWO_32);
  if (cells[at / 4] === low && cells[at / 4 + 1] === high) return false;
  cells[at / 4] = low;
  cells[at / 4 + 1] = high;
  return true;
}

/** True if the word is below 2^48. */
export function isUserAddress(cells: Uint32Array, at: number): boolean {
  return cells[at / 4 + 1]! < VA_LIMIT_HIGH;
}

/**
 * The address in a word, without its tag. Arm: D8.8.1, TBI: bits 63:56 are copies of bit 55. At and above 2^48 there are no user pages; such an
 * address is not always a multiple of its own precision as a number: only the word has the bits.
 */
export function addressAt(cells: Uint32Array, at: number): Va {
  const low = cells[at / 4]!;
  const high = cells[at / 4 + 1]!;
  if (high < VA_LIMIT_HIGH) return (high * TWO_32 + low) as Va;
  const untagged = ((high << 8) >> 8) >>> 0;
  return Number((BigInt(untagged) << 32n) | BigInt(low)) as Va;
}
