/**
 * WebAssembly's integer instructions on a stack of 32-bit words: what rows of the decode table consist of, for code that is not worth a module.
 *
 * A value has `VALUE_WORDS` words, low word first: an i32 uses one, an i64 two, a v128 all. No bigint where it can be helped: each one is an object.
 * Source: WebAssembly Core Specification 2.0, section 4.3.2.
 */
import { CONTROL, I32, I64 } from "../binary/opcodes.js";

export const VALUE_WORDS = 4;

/** The stack; `top` is the first word behind it. */
export interface OperandStack {
  readonly words: Int32Array;
  top: number;
}

export type Operation = (stack: OperandStack) => void;

const LOW_HALF = 0xffff;

/** Upper half of the unsigned product of two words. */
function highProduct(a: number, b: number): number {
  const aLow = a & LOW_HALF;
  const aHigh = a >>> 16;
  const bLow = b & LOW_HALF;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const other = aLow * bHigh + (middle & LOW_HALF);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(other / 65536)) | 0;
}

function rotateLeft(value: number, amount: number): number {
  return (value << amount) | (value >>> (32 - amount));
}

// --- shapes of i32 instructions ---------------------------------------------------------------------------------------------

function unary32(compute: (a: number) => number): Operation {
  return ({ words, top }) => {
    words[top - VALUE_WORDS] = compute(words[top - VALUE_WORDS]!);
  };
}

function binary32(compute: (a: number, b: number) => number): Operation {
  return (stack) => {
    const { words } = stack;
    const b = stack.top - VALUE_WORDS;
    words[b - VALUE_WORDS] = compute(words[b - VALUE_WORDS]!, words[b]!);
    stack.top = b;
  };
}

// --- shapes of i64 instructions ---------------------------------------------------------------------------------------------

/** Each word for itself. */
function bitwise64(compute: (a: number, b: number) => number): Operation {
  return (stack) => {
    const { words } = stack;
    const b = stack.top - VALUE_WORDS;
    const a = b - VALUE_WORDS;
    words[a] = compute(words[a]!, words[b]!);
    words[a + 1] = compute(words[a + 1]!, words[b + 1]!);
    stack.top = b;
  };
}

/** A comparison: `compare` gets both values as low and high words, and says what becomes the i32. */
function compare64(compare: (aLow: number, aHigh: number, bLow: number, bHigh: number) => boolean): Operation {
  return (stack) => {
    const { words } = stack;
    const b = stack.top - VALUE_WORDS;
    const a = b - VALUE_WORDS;
    words[a] = compare(words[a]!, words[a + 1]!, words[b]!, words[b + 1]!) ? 1 : 0;
    stack.top = b;
  };
}

/** A shift by 0 to 63; `shift` writes the two words at `at`. */
function shift64(shift: (words: Int32Array, at: number, amount: number) => void): Operation {
  return (stack) => {
    const { words } = stack;
    const b = stack.top - VALUE_WORDS;
    const amount = words[b]! & 63;
    if (amount !== 0) shift(words, b - VALUE_WORDS, amount);
    stack.top = b;
  };
}

/** What is rare enough for bigints. */
function wide64(compute: (a: bigint, b: bigint) => bigint): Operation {
  return (stack) => {
    const { words } = stack;
    const b = stack.top - VALUE_WORDS;
    const a = b - VALUE_WORDS;
    const value = (at: number): bigint => (BigInt(words[at + 1]! >>> 0) << 32n) | BigInt(words[at]! >>> 0);
    const result = compute(value(a), value(b));
    words[a] = Number(BigInt.asIntN(32, result));
    words[a + 1] = Number(BigInt.asIntN(32, result >> 32n));
    stack.top = b;
  };
}

/** The i64 becomes a sign-extended number of 32 bits, which `narrow` makes of its low word. */
function extend64(narrow: (low: number) => number): Operation {
  return ({ words, top }) => {
    const low = narrow(words[top - VALUE_WORDS]!);
    words[top - VALUE_WORDS] = low;
    words[top - VALUE_WORDS + 1] = low >> 31;
  };
}

function add64(stack: OperandStack): void {
  const { words } = stack;
  const b = stack.top - VALUE_WORDS;
  const a = b - VALUE_WORDS;
  const first = words[a]!;
  const low = (first + words[b]!) | 0;
  const carry = low >>> 0 < first >>> 0 ? 1 : 0;
  words[a] = low;
  words[a + 1] = words[a + 1]! + words[b + 1]! + carry;
  stack.top = b;
}

function subtract64(stack: OperandStack): void {
  const { words } = stack;
  const b = stack.top - VALUE_WORDS;
  const a = b - VALUE_WORDS;
  const borrow = words[a]! >>> 0 < words[b]! >>> 0 ? 1 : 0;
  words[a] = words[a]! - words[b]!;
  words[a + 1] = words[a + 1]! - words[b + 1]! - borrow;
  stack.top = b;
}

function multiply64(stack: OperandStack): void {
  const { words } = stack;
  const b = stack.top - VALUE_WORDS;
  const a = b - VALUE_WORDS;
  const aLow = words[a]!;
  const bLow = words[b]!;
  words[a + 1] = highProduct(aLow, bLow) + Math.imul(words[a + 1]!, bLow) + Math.imul(aLow, words[b + 1]!);
  words[a] = Math.imul(aLow, bLow);
  stack.top = b;
}

function shiftLeft(words: Int32Array, at: number, amount: number): void {
  const low = words[at]!;
  words[at + 1] = amount < 32 ? (words[at + 1]! << amount) | (low >>> (32 - amount)) : low << (amount - 32);
  words[at] = amount < 32 ? low << amount : 0;
}

function shiftRightUnsigned(words: Int32Array, at: number, amount: number): void {
  const high = words[at + 1]!;
  words[at] = amount < 32 ? (words[at]! >>> amount) | (high << (32 - amount)) : high >>> (amount - 32);
  words[at + 1] = amount < 32 ? high >>> amount : 0;
}

function shiftRightSigned(words: Int32Array, at: number, amount: number): void {
  const high = words[at + 1]!;
  words[at] = amount < 32 ? (words[at]! >>> amount) | (high << (32 - amount)) : high >> (amount - 32);
  words[at + 1] = amount < 32 ? high >> amount : high >> 31;
}

function rotateLeft64(words: Int32Array, at: number, amount: number): void {
  const swap = amount >= 32;
  const low = words[swap ? at + 1 : at]!;
  const high = words[swap ? at : at + 1]!;
  const turn = amount & 31;
  words[at] = turn === 0 ? low : (low << turn) | (high >>> (32 - turn));
  words[at + 1] = turn === 0 ? high : (high << turn) | (low >>> (32 - turn));
}

const lessUnsigned = (aLow: number, aHigh: number, bLow: number, bHigh: number): boolean => (aHigh === bHigh ? aLow >>> 0 < bLow >>> 0 : aHigh >>> 0 < bHigh >>> 0);
const lessSigned = (aLow: number, aHigh: number, bLow: number, bHigh: number): boolean => (aHigh === bHigh ? aLow >>> 0 < bLow >>> 0 : aHigh < bHigh);

/** (a, b, which): a if `which` is not 0. */
function select(stack: OperandStack): void {
  const { words } = stack;
  const which = stack.top - VALUE_WORDS;
  const a = which - 2 * VALUE_WORDS;
  if (words[which] === 0) words.copyWithin(a, which - VALUE_WORDS, which);
  stack.top = which - VALUE_WORDS;
}

/** By opcode; what rows outside of integer, system, and load and store instructions need is not there. */
export const OPERATIONS: readonly (Operation | undefined)[] = (() => {
  const table: (Operation | undefined)[] = new Array<Operation | undefined>(256).fill(undefined);
  const define = (opcode: number, operation: Operation): void => {
    table[opcode] = operation;
  };
  define(CONTROL.drop, (stack) => {
    stack.top -= VALUE_WORDS;
  });
  define(CONTROL.select, select);

  define(I32.add, binary32((a, b) => a + b));
  define(I32.sub, binary32((a, b) => a - b));
  define(I32.mul, binary32(Math.imul));
  // What would trap, rows keep out.
  define(I32.divS, binary32((a, b) => (a / b) | 0));
  define(I32.divU, binary32((a, b) => Math.floor((a >>> 0) / (b >>> 0))));
  define(I32.and, binary32((a, b) => a & b));
  define(I32.or, binary32((a, b) => a | b));
  define(I32.xor, binary32((a, b) => a ^ b));
  define(I32.shl, binary32((a, b) => a << b));
  define(I32.shrS, binary32((a, b) => a >> b));
  define(I32.shrU, binary32((a, b) => a >>> b));
  define(I32.rotl, binary32((a, b) => rotateLeft(a, b & 31)));
  define(I32.rotr, binary32((a, b) => rotateLeft(a, -b & 31)));
  define(I32.clz, unary32(Math.clz32));
  define(I32.eqz, unary32((a) => (a === 0 ? 1 : 0)));
  define(I32.eq, binary32((a, b) => (a === b ? 1 : 0)));
  define(I32.ne, binary32((a, b) => (a !== b ? 1 : 0)));
  define(I32.ltS, binary32((a, b) => (a < b ? 1 : 0)));
  define(I32.gtS, binary32((a, b) => (a > b ? 1 : 0)));
  define(I32.leS, binary32((a, b) => (a <= b ? 1 : 0)));
  define(I32.geS, binary32((a, b) => (a >= b ? 1 : 0)));
  define(I32.ltU, binary32((a, b) => (a >>> 0 < b >>> 0 ? 1 : 0)));
  define(I32.gtU, binary32((a, b) => (a >>> 0 > b >>> 0 ? 1 : 0)));
  define(I32.leU, binary32((a, b) => (a >>> 0 <= b >>> 0 ? 1 : 0)));
  define(I32.geU, binary32((a, b) => (a >>> 0 >= b >>> 0 ? 1 : 0)));
  define(I32.extend8S, unary32((a) => (a << 24) >> 24));
  define(I32.extend16S, unary32((a) => (a << 16) >> 16));
  // The low word stands where it stood.
  define(I32.wrapI64, () => undefined);

  define(I64.add, add64);
  define(I64.sub, subtract64);
  define(I64.mul, multiply64);
  define(I64.divS, wide64((a, b) => BigInt.asIntN(64, a) / BigInt.asIntN(64, b)));
  define(I64.divU, wide64((a, b) => a / b));
  define(I64.and, bitwise64((a, b) => a & b));
  define(I64.or, bitwise64((a, b) => a | b));
  define(I64.xor, bitwise64((a, b) => a ^ b));
  define(I64.shl, shift64(shiftLeft));
  define(I64.shrU, shift64(shiftRightUnsigned));
  define(I64.shrS, shift64(shiftRightSigned));
  define(I64.rotl, shift64(rotateLeft64));
  define(I64.rotr, shift64((words, at, amount) => {
    rotateLeft64(words, at, 64 - amount);
  }));
  define(I64.clz, ({ words, top }) => {
    const at = top - VALUE_WORDS;
    words[at] = words[at + 1] === 0 ? 32 + Math.clz32(words[at]!) : Math.clz32(words[at + 1]!);
    words[at + 1] = 0;
  });
  define(I64.eqz, ({ words, top }) => {
    const at = top - VALUE_WORDS;
    words[at] = (words[at]! | words[at + 1]!) === 0 ? 1 : 0;
  });
  define(I64.eq, compare64((aLow, aHigh, bLow, bHigh) => aLow === bLow && aHigh === bHigh));
  define(I64.ne, compare64((aLow, aHigh, bLow, bHigh) => aLow !== bLow || aHigh !== bHigh));
  define(I64.ltU, compare64(lessUnsigned));
  define(I64.ltS, compare64(lessSigned));
  define(I64.gtU, compare64((aLow, aHigh, bLow, bHigh) => lessUnsigned(bLow, bHigh, aLow, aHigh)));
  define(I64.gtS, compare64((aLow, aHigh, bLow, bHigh) => lessSigned(bLow, bHigh, aLow, aHigh)));
  define(I64.leU, compare64((aLow, aHigh, bLow, bHigh) => !lessUnsigned(bLow, bHigh, aLow, aHigh)));
  define(I64.leS, compare64((aLow, aHigh, bLow, bHigh) => !lessSigned(bLow, bHigh, aLow, aHigh)));
  define(I64.geU, compare64((aLow, aHigh, bLow, bHigh) => !lessUnsigned(aLow, aHigh, bLow, bHigh)));
  define(I64.geS, compare64((aLow, aHigh, bLow, bHigh) => !lessSigned(aLow, aHigh, bLow, bHigh)));
  define(I64.extend8S, extend64((low) => (low << 24) >> 24));
  define(I64.extend16S, extend64((low) => (low << 16) >> 16));
  define(I64.extend32S, extend64((low) => low));
  define(I64.extendI32S, extend64((low) => low));
  define(I64.extendI32U, ({ words, top }) => {
    words[top - VALUE_WORDS + 1] = 0;
  });
  return table;
})();
