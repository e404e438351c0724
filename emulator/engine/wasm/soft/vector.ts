/** Vector registers as lists of elements, for instructions that are carried out in TypeScript. Arm: DDI 0487 J1 (Elem, SatQ). */

const V0 = 37;
const FPSR = 35;
const FPSR_QC = 1n << 27n;

/** The first `count` elements of 2^size bytes of V`n`. */
export function elements(words: BigUint64Array, n: number, size: number, count: number, signed: boolean): bigint[] {
  const bits = 8 << size;
  return Array.from({ length: count }, (_, index) => {
    const value = words[V0 + 2 * n + ((index * bits) >> 6)]! >> BigInt((index * bits) & 63);
    return signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
  });
}

/** Sets V`n` to the elements, zeros behind them. */
export function setElements(words: BigUint64Array, n: number, size: number, values: readonly bigint[]): void {
  const bits = 8 << size;
  const pair = [0n, 0n];
  values.forEach((value, index) => {
    pair[(index * bits) >> 6]! |= BigInt.asUintN(bits, value) << BigInt((index * bits) & 63);
  });
  words[V0 + 2 * n] = pair[0]!;
  words[V0 + 2 * n + 1] = pair[1]!;
}

export function setQc(words: BigUint64Array): void {
  words[FPSR]! |= FPSR_QC;
}

/** Brings a number into the range of 2^size bytes, signed or not; FPSR.QC if it was outside. */
export function saturate(words: BigUint64Array, value: bigint, size: number, signed: boolean): bigint {
  const bits = BigInt(8 << size);
  const least = signed ? -(1n << (bits - 1n)) : 0n;
  const greatest = (1n << (signed ? bits - 1n : bits)) - 1n;
  if (value >= least && value <= greatest) return value;
  setQc(words);
  return value < least ? least : greatest;
}

/** Shifts left by the signed number in the low byte of `by`, right if it is negative. */
export function shiftBy(value: bigint, by: bigint, rounding: boolean): bigint {
  const shift = BigInt.asIntN(8, by);
  if (shift >= 0n) return value << shift;
  return (value + (rounding ? 1n << (-shift - 1n) : 0n)) >> -shift;
}
