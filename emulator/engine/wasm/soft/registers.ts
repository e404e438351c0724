/** Lanes of vector registers and the floating-point environment, read from and written to the register words (CONTEXT_WORDS). */
import { FloatEnvironment } from "./float.js";

const NZCV = 33;
const FPCR = 34;
const FPSR = 35;
const V0 = 37;

/** Lane `index` of V[n], lanes of `width` bits. */
export function lane(words: BigUint64Array, n: number, index: number, width: number): bigint {
  const bit = index * width;
  const word = words[V0 + 2 * n + (bit >> 6)]!;
  return width === 64 ? word : BigInt.asUintN(width, word >> BigInt(bit & 63));
}

/** All lanes of the low `bits` bits of V[n]. */
export function lanes(words: BigUint64Array, n: number, width: number, bits: number): bigint[] {
  return Array.from({ length: bits / width }, (_, index) => lane(words, n, index, width));
}

/** Sets V[n] to these lanes of `width` bits; what is above them becomes zero. */
export function setLanes(words: BigUint64Array, n: number, width: number, values: readonly bigint[]): void {
  let low = 0n;
  let high = 0n;
  for (let index = 0; index < values.length; index++) {
    const bit = index * width;
    const value = values[index]! << BigInt(bit & 63);
    if (bit < 64) low |= value;
    else high |= value;
  }
  words[V0 + 2 * n] = low;
  words[V0 + 2 * n + 1] = high;
}

/** X[n], 31: zero. */
export function readX(words: BigUint64Array, n: number): bigint {
  return n === 31 ? 0n : words[n]!;
}

export function writeX(words: BigUint64Array, n: number, value: bigint): void {
  if (n !== 31) words[n] = value;
}

/** NZCV in bits 31:28. */
export function readNzcv(words: BigUint64Array): number {
  return Number(words[NZCV]!);
}

export function writeNzcv(words: BigUint64Array, value: number): void {
  words[NZCV] = BigInt(value >>> 0);
}

/** Runs `body` with the FPCR and adds to the FPSR what it raises. */
export function withFloat<T>(words: BigUint64Array, body: (env: FloatEnvironment) => T): T {
  const env = new FloatEnvironment(Number(words[FPCR]!), Number(words[FPSR]!));
  const result = body(env);
  words[FPSR] = BigInt(env.fpsr >>> 0);
  return result;
}

/** ConditionHolds. */
export function conditionHolds(nzcv: number, condition: number): boolean {
  const [n, z, c, v] = [31, 30, 29, 28].map((bit) => ((nzcv >>> bit) & 1) === 1) as [boolean, boolean, boolean, boolean];
  const holds = [z, c, n, v, c && !z, n === v, n === v && !z, true][condition >> 1]!;
  return (condition & 1) === 1 && condition !== 15 ? !holds : holds;
}
