/**
 * The substitution boxes of AES and SM4, from their definitions: inversion in a field of 256 elements between affine maps.
 *
 * FIPS 197 section 5.1.1; GB/T 32907 section 6.2.
 */

const AES_POLYNOMIAL = 0x11b;
const SM4_POLYNOMIAL = 0x1f5;

/** Product of polynomials over {0, 1} modulo one of degree 8. */
export function multiplyField(a: number, b: number, polynomial: number): number {
  let product = 0;
  for (let bit = 0; bit < 8; bit++) if (((b >> bit) & 1) === 1) product ^= a << bit;
  for (let bit = 14; bit >= 8; bit--) if (((product >> bit) & 1) === 1) product ^= polynomial << (bit - 8);
  return product;
}

/** a^254, which is the inverse, and 0 for 0. */
function invert(a: number, polynomial: number): number {
  let result = 1;
  let power = a;
  // 254 is the sum of 2, 4, 8 to 128.
  for (let step = 0; step < 7; step++) {
    power = multiplyField(power, power, polynomial);
    result = multiplyField(result, power, polynomial);
  }
  return result;
}

/** A circulant matrix of bits: bit i of the result is the parity of `value` and `row` turned left by i. */
function circulant(value: number, row: number): number {
  let result = 0;
  for (let bit = 0; bit < 8; bit++) {
    const turned = ((row << bit) | (row >> (8 - bit))) & 0xff;
    let parity = value & turned;
    parity ^= parity >> 4;
    parity ^= parity >> 2;
    parity ^= parity >> 1;
    result |= (parity & 1) << bit;
  }
  return result;
}

export const AES_SBOX: Uint8Array = Uint8Array.from({ length: 256 }, (_, x) => circulant(invert(x, AES_POLYNOMIAL), 0xf1) ^ 0x63);
export const AES_INVERSE_SBOX: Uint8Array = Uint8Array.from({ length: 256 }, (_, x) => AES_SBOX.indexOf(x));
export const SM4_SBOX: Uint8Array = Uint8Array.from({ length: 256 }, (_, x) => circulant(invert(circulant(x, 0xa7) ^ 0xd3, SM4_POLYNOMIAL), 0xa7) ^ 0xd3);
