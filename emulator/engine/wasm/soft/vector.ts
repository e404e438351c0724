/** Vector registers as lists of elements, for instructions that are carried out in TypeScript. Arm: DDI 0487 J1 (Elem). */

const V0 = 37;

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
