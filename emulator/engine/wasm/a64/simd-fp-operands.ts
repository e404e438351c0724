/** What the rows of vector floating point share: lanes by fields, and operations lane by lane on the register words. */
import { DOUBLE, HALF, SINGLE, type FloatEnvironment, type FloatFormat } from "../soft/float.js";
import { lane, lanes, setLanes, withFloat } from "../soft/registers.js";

/** One operation of the lanes of two registers. */
export type LaneBinary = (env: FloatEnvironment, format: FloatFormat, a: bigint, b: bigint) => bigint;
export type LaneUnary = (env: FloatEnvironment, format: FloatFormat, a: bigint) => bigint;
/** The same with the lane of the destination before. */
export type LaneTernary = (env: FloatEnvironment, format: FloatFormat, d: bigint, a: bigint, b: bigint) => bigint;

/** The fields of a row: Q of vectors, sz of single and double precision. A row without Q is scalar, one without sz half precision. */
export interface ShapeFields {
  readonly Q?: number;
  readonly sz?: number;
}

/** Format and number of lanes. */
export interface Shape {
  readonly format: FloatFormat;
  readonly count: number;
}

export function shapeOf({ Q, sz }: ShapeFields): Shape {
  const format = sz === undefined ? HALF : sz === 1 ? DOUBLE : SINGLE;
  return { format, count: Q === undefined ? 1 : (Q === 1 ? 128 : 64) / format.width };
}

/** There is no vector of one double. */
export function isShape({ Q, sz }: ShapeFields): boolean {
  return !(Q === 0 && sz === 1);
}

/** The true result of a comparison: all ones. */
export function truth(format: FloatFormat, holds: boolean): bigint {
  return holds ? (1n << BigInt(format.width)) - 1n : 0n;
}

export function mapLanes(words: BigUint64Array, { format, count }: Shape, n: number, d: number, soft: LaneUnary): void {
  const { width } = format;
  const a = lanes(words, n, width, width * count);
  setLanes(words, d, width, withFloat(words, (env) => a.map((value) => soft(env, format, value))));
}

export function zipLanes(words: BigUint64Array, { format, count }: Shape, n: number, m: number, d: number, soft: LaneBinary): void {
  const { width } = format;
  const a = lanes(words, n, width, width * count);
  const b = lanes(words, m, width, width * count);
  setLanes(words, d, width, withFloat(words, (env) => a.map((value, i) => soft(env, format, value, b[i]!))));
}

/** Neighbours in Vm:Vn, Vn first. */
export function zipPairs(words: BigUint64Array, { format, count }: Shape, n: number, m: number, d: number, soft: LaneBinary): void {
  const { width } = format;
  const all = [...lanes(words, n, width, width * count), ...lanes(words, m, width, width * count)];
  setLanes(words, d, width, withFloat(words, (env) => Array.from({ length: count }, (_, i) => soft(env, format, all[2 * i]!, all[2 * i + 1]!))));
}

/** `m` as a register number, or the one value that all lanes meet. */
export function accumulateLanes(words: BigUint64Array, { format, count }: Shape, n: number, m: number | bigint, d: number, soft: LaneTernary): void {
  const { width } = format;
  const before = lanes(words, d, width, width * count);
  const a = lanes(words, n, width, width * count);
  const b = typeof m === "bigint" ? a.map(() => m) : lanes(words, m, width, width * count);
  setLanes(words, d, width, withFloat(words, (env) => before.map((value, i) => soft(env, format, value, a[i]!, b[i]!))));
}

/** Reduce: halves first, as the pseudocode's recursion. */
export function reduceLanes(words: BigUint64Array, { format, count }: Shape, n: number, d: number, soft: LaneBinary): void {
  const { width } = format;
  const result = withFloat(words, (env) => {
    const reduce = (from: number, length: number): bigint =>
      length === 1 ? lane(words, n, from, width) : soft(env, format, reduce(from, length / 2), reduce(from + length / 2, length / 2));
    return reduce(0, count);
  });
  setLanes(words, d, width, [result]);
}
