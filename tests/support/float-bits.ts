/** Numbers as the bits of vector registers, for tests. */
export function doubleBits(value: number): bigint {
  return new BigUint64Array(Float64Array.of(value).buffer)[0]!;
}

export function singleBits(value: number): bigint {
  return BigInt(new Uint32Array(Float32Array.of(value).buffer)[0]!);
}

/** Lane 0 first. */
export function doubles(low: number, high = 0): bigint {
  return doubleBits(low) | (doubleBits(high) << 64n);
}

export function singles(...values: readonly number[]): bigint {
  return values.reduce((bits, value, i) => bits | (singleBits(value) << BigInt(32 * i)), 0n);
}
