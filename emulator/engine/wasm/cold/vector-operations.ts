/**
 * WebAssembly's vector instructions on the stack of words, as far as moves, comparisons and the string functions of C libraries need them.
 *
 * Source: WebAssembly Core Specification 2.0, sections 4.3.5 and 5.4.8.
 */
import { I16X8, I32X4, I64X2, I8X16, V128 } from "../binary/opcodes.js";
import { VALUE_WORDS, type OperandStack } from "./operations.js";

/** The words of the stack as lanes of each kind. */
export interface VectorStack extends OperandStack {
  readonly lanes: LaneViews;
}

export interface LaneViews {
  readonly s8: Int8Array;
  readonly u8: Uint8Array;
  readonly s16: Int16Array;
  readonly u16: Uint16Array;
  readonly s32: Int32Array;
  readonly u32: Uint32Array;
  readonly s64: BigInt64Array;
  readonly u64: BigUint64Array;
}

export function laneViews(words: Int32Array): LaneViews {
  const { buffer } = words;
  return {
    s8: new Int8Array(buffer), u8: new Uint8Array(buffer), s16: new Int16Array(buffer), u16: new Uint16Array(buffer),
    s32: words, u32: new Uint32Array(buffer), s64: new BigInt64Array(buffer), u64: new BigUint64Array(buffer),
  };
}

export type VectorOperation = (stack: VectorStack) => void;
export type LaneOperation = (stack: VectorStack, index: number) => void;
type Narrow = "s8" | "u8" | "s16" | "u16" | "s32" | "u32";
type Wide = "s64" | "u64";

const VECTOR_BYTES = 16;

/** Lanes of a vector. */
function countOf(view: Narrow): number {
  return (VECTOR_BYTES * 8) / Number(view.slice(1));
}

function binary(view: Narrow, compute: (a: number, b: number) => number): VectorOperation {
  const count = countOf(view);
  return (stack) => {
    const lanes = stack.lanes[view];
    stack.top -= VALUE_WORDS;
    const b = (stack.top / VALUE_WORDS) * count;
    for (let lane = b - count; lane < b; lane++) lanes[lane] = compute(lanes[lane]!, lanes[lane + count]!);
  };
}

function binaryWide(view: Wide, compute: (a: bigint, b: bigint) => bigint): VectorOperation {
  return (stack) => {
    const lanes = stack.lanes[view];
    stack.top -= VALUE_WORDS;
    const b = stack.top / 2;
    for (let lane = b - 2; lane < b; lane++) lanes[lane] = compute(lanes[lane]!, lanes[lane + 2]!);
  };
}

/** A shift of every lane by an i32, of which the bits below the lane's width count. */
function shift(view: Narrow, compute: (a: number, amount: number) => number): VectorOperation {
  const count = countOf(view);
  const mask = (VECTOR_BYTES * 8) / count - 1;
  return (stack) => {
    const lanes = stack.lanes[view];
    stack.top -= VALUE_WORDS;
    const amount = stack.words[stack.top]! & mask;
    const end = (stack.top / VALUE_WORDS) * count;
    for (let lane = end - count; lane < end; lane++) lanes[lane] = compute(lanes[lane]!, amount);
  };
}

function shiftWide(view: Wide, compute: (a: bigint, amount: bigint) => bigint): VectorOperation {
  return (stack) => {
    const lanes = stack.lanes[view];
    stack.top -= VALUE_WORDS;
    const amount = BigInt(stack.words[stack.top]! & 63);
    for (let lane = stack.top / 2 - 2; lane < stack.top / 2; lane++) lanes[lane] = compute(lanes[lane]!, amount);
  };
}

/** Lane 0, which is the low part of the value there, into all lanes. */
function splat(view: Narrow | Wide): VectorOperation {
  return ({ lanes, top }) => {
    const chosen = lanes[view];
    const count = VECTOR_BYTES / chosen.BYTES_PER_ELEMENT;
    const first = (top / VALUE_WORDS - 1) * count;
    // The size doubles with each copy.
    for (let filled = 1; filled < count; filled *= 2) chosen.copyWithin(first + filled, first, first + filled);
  };
}

/** The lane becomes the value. */
function extract(view: Narrow): LaneOperation {
  const count = countOf(view);
  return ({ lanes, words, top }, index) => {
    words[top - VALUE_WORDS] = lanes[view][(top / VALUE_WORDS - 1) * count + index]!;
  };
}

/** The value on top becomes the lane of the vector below. */
function replace(view: Narrow | Wide): LaneOperation {
  return (stack, index) => {
    const lanes = stack.lanes[view];
    const count = VECTOR_BYTES / lanes.BYTES_PER_ELEMENT;
    stack.top -= VALUE_WORDS;
    const from = (stack.top / VALUE_WORDS) * count;
    lanes.copyWithin(from - count + index, from, from + 1);
  };
}

/** (a, b, mask): bits of a where the mask is 1, of b elsewhere. */
function bitselect(stack: VectorStack): void {
  const { words } = stack;
  stack.top -= 2 * VALUE_WORDS;
  for (let word = stack.top - VALUE_WORDS; word < stack.top; word++) {
    const mask = words[word + 2 * VALUE_WORDS]!;
    words[word] = (words[word]! & mask) | (words[word + VALUE_WORDS]! & ~mask);
  }
}

/** (bytes, indices): the bytes with these numbers, 0 for numbers above 15. */
function swizzle(stack: VectorStack): void {
  const { u8 } = stack.lanes;
  stack.top -= VALUE_WORDS;
  const indices = 4 * stack.top;
  const bytes = indices - VECTOR_BYTES;
  const chosen = Array.from({ length: VECTOR_BYTES }, (_, byte) => (u8[indices + byte]! < VECTOR_BYTES ? u8[bytes + u8[indices + byte]!]! : 0));
  u8.set(chosen, bytes);
}

const ALL_ONES = -1;
const mask = (holds: boolean): number => (holds ? ALL_ONES : 0);
const wideMask = (holds: boolean): bigint => (holds ? -1n : 0n);

const SHAPES = [
  { shape: I8X16, signed: "s8", unsigned: "u8" },
  { shape: I16X8, signed: "s16", unsigned: "u16" },
  { shape: I32X4, signed: "s32", unsigned: "u32" },
] as const;

/** By opcode. */
export const VECTOR_OPERATIONS: ReadonlyMap<number, VectorOperation> = new Map<number, VectorOperation>([
  [V128.not, ({ words, top }) => {
    for (let word = top - VALUE_WORDS; word < top; word++) words[word] = ~words[word]!;
  }],
  [V128.and, binary("s32", (a, b) => a & b)],
  [V128.andnot, binary("s32", (a, b) => a & ~b)],
  [V128.or, binary("s32", (a, b) => a | b)],
  [V128.xor, binary("s32", (a, b) => a ^ b)],
  [V128.bitselect, bitselect],
  [V128.anyTrue, ({ words, top }) => {
    const at = top - VALUE_WORDS;
    words[at] = (words[at]! | words[at + 1]! | words[at + 2]! | words[at + 3]!) === 0 ? 0 : 1;
  }],
  [I8X16.swizzle, swizzle],
  ...SHAPES.flatMap(({ shape, signed, unsigned }): [number, VectorOperation][] => [
    [shape.splat, splat(unsigned)],
    [shape.add, binary(signed, (a, b) => a + b)],
    [shape.sub, binary(signed, (a, b) => a - b)],
    [shape.eq, binary(signed, (a, b) => mask(a === b))],
    [shape.ne, binary(signed, (a, b) => mask(a !== b))],
    [shape.gtS, binary(signed, (a, b) => mask(a > b))],
    [shape.geS, binary(signed, (a, b) => mask(a >= b))],
    [shape.ltS, binary(signed, (a, b) => mask(a < b))],
    [shape.leS, binary(signed, (a, b) => mask(a <= b))],
    [shape.gtU, binary(unsigned, (a, b) => mask(a > b))],
    [shape.geU, binary(unsigned, (a, b) => mask(a >= b))],
    [shape.ltU, binary(unsigned, (a, b) => mask(a < b))],
    [shape.leU, binary(unsigned, (a, b) => mask(a <= b))],
    [shape.minS, binary(signed, Math.min)],
    [shape.maxS, binary(signed, Math.max)],
    [shape.minU, binary(unsigned, Math.min)],
    [shape.maxU, binary(unsigned, Math.max)],
    [shape.shl, shift(signed, (a, amount) => a << amount)],
    [shape.shrS, shift(signed, (a, amount) => a >> amount)],
    [shape.shrU, shift(unsigned, (a, amount) => a >>> amount)],
  ]),
  [I64X2.splat, splat("u64")],
  [I64X2.add, binaryWide("s64", (a, b) => a + b)],
  [I64X2.sub, binaryWide("s64", (a, b) => a - b)],
  [I64X2.eq, binaryWide("s64", (a, b) => wideMask(a === b))],
  [I64X2.ne, binaryWide("s64", (a, b) => wideMask(a !== b))],
  [I64X2.gtS, binaryWide("s64", (a, b) => wideMask(a > b))],
  [I64X2.geS, binaryWide("s64", (a, b) => wideMask(a >= b))],
  [I64X2.ltS, binaryWide("s64", (a, b) => wideMask(a < b))],
  [I64X2.leS, binaryWide("s64", (a, b) => wideMask(a <= b))],
  [I64X2.shl, shiftWide("u64", (a, amount) => a << amount)],
  [I64X2.shrS, shiftWide("s64", (a, amount) => a >> amount)],
  [I64X2.shrU, shiftWide("u64", (a, amount) => a >> amount)],
]);

/** extract_lane and replace_lane, by opcode. */
export const LANE_OPERATIONS: ReadonlyMap<number, LaneOperation> = new Map<number, LaneOperation>([
  [I8X16.extractLaneS, extract("s8")],
  [I8X16.extractLaneU, extract("u8")],
  [I16X8.extractLaneS, extract("s16")],
  [I16X8.extractLaneU, extract("u16")],
  [I32X4.extractLane, extract("s32")],
  [I64X2.extractLane, ({ words, top }, index) => {
    const at = top - VALUE_WORDS;
    words[at] = words[at + 2 * index]!;
    words[at + 1] = words[at + 2 * index + 1]!;
  }],
  [I8X16.replaceLane, replace("u8")],
  [I16X8.replaceLane, replace("u16")],
  [I32X4.replaceLane, replace("u32")],
  [I64X2.replaceLane, replace("u64")],
]);
