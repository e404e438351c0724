/**
 * The account of a slice in one i64: instructions that are left, loads and stores that were made.
 *
 * A block pays for all its instructions when it starts, with one addition, and may not start if fewer are left: the account is negative
 * then. What a block that is left inside has not done is taken back by whoever leaves.
 */
import type { Code } from "./binary/code.js";
import { I32, I64 } from "./binary/opcodes.js";

const LEFT_SHIFT = 44;
const LOADS_SHIFT = 22;
const COUNT_MASK = (1 << LOADS_SHIFT) - 1;
/** Instructions of a slice: with 64 accesses each, the most that one makes, no field overflows. */
export const MAX_SLICE = 65535;
/** Set in an account that has something left, these bits make it negative, and leave the rest to be read. */
export const STOP_BITS_SET = -1n << 61n;
/** What they have taken from the instructions left. */
const STOPPED_LEFT = 2 ** 17;

export { LEFT_SHIFT };

/** What a block adds. */
export function blockCost(instructions: number, loads: number, stores: number): bigint {
  return (BigInt(loads) << BigInt(LOADS_SHIFT)) + BigInt(stores) - (BigInt(instructions) << BigInt(LEFT_SHIFT));
}

/** Turns the account on the stack into the time of accesses (held-pages.ts), an i32 that counts down: at least 2^12 for each instruction. */
export function pushTime(code: Code): Code {
  return code.i64(32).op(I64.shrS).op(I32.wrapI64);
}

export interface Account {
  left: number;
  loads: number;
  stores: number;
}

/** Reads an account from its two words. */
export function readAccount(low: number, high: number, into: Account): void {
  into.stores = low & COUNT_MASK;
  into.loads = ((low >>> LOADS_SHIFT) | (high << (32 - LOADS_SHIFT))) & COUNT_MASK;
  into.left = high >> (LEFT_SHIFT - 32);
  if (into.left < -(2 ** 16)) into.left += STOPPED_LEFT;
}
