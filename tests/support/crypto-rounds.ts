/**
 * AES, SHA-1 and SHA-2 instructions and PMULL in plain TypeScript, to compare WebAssembly with: vectors of four 32-bit words, lowest first, or of
 * two 64-bit words.
 *
 * Functions return the new value of the destination `d`. Arm: DDI 0487 C7.2, J1 (AESSubBytes, SHAhashupdate, SHA256hash).
 */
import { AES_INVERSE_SBOX, AES_SBOX, multiplyField } from "../../emulator/engine/wasm/soft/crypto-boxes.js";
import type { Words } from "../../emulator/engine/wasm/soft/sm3-sm4.js";

/** Two 64-bit words, unsigned. */
export type Doublewords = readonly [bigint, bigint];

function rol(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}
function ror(x: number, bits: number): number {
  return rol(x, 32 - bits);
}
function ror64(x: bigint, bits: bigint): bigint {
  return BigInt.asUintN(64, (x >> bits) | (x << (64n - bits)));
}

function bytesOf(words: Words): number[] {
  return words.flatMap((word) => [word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24]);
}
function wordsOf(bytes: readonly number[]): Words {
  const word = (at: number): number => bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  return [word(0), word(4), word(8), word(12)];
}

/** x times 2 in the field of AES. */
function doubleAes(x: number): number {
  return multiplyField(x, 2, 0x11b);
}

/** Byte `index` of the state comes from this one: row r (index modulo 4) is turned by r columns. */
function shiftedRow(index: number, decrypt: boolean): number {
  return (index + (decrypt ? -4 : 4) * (index % 4) + 64) % 16;
}

/** AESE, AESD: add the round key, shift rows, substitute bytes. */
export function aesRound(d: Words, n: Words, decrypt: boolean): Words {
  const state = bytesOf([d[0] ^ n[0], d[1] ^ n[1], d[2] ^ n[2], d[3] ^ n[3]]);
  const box = decrypt ? AES_INVERSE_SBOX : AES_SBOX;
  return wordsOf(state.map((_, index) => box[state[shiftedRow(index, decrypt)]!]!));
}

/** AESMC, AESIMC: each column times a fixed polynomial. */
export function aesMixColumns(n: Words, decrypt: boolean): Words {
  const state = bytesOf(n);
  // The inverse is the same after adding 4 times the sum of every second byte to each.
  const before = decrypt
    ? state.map((byte, index) => byte ^ doubleAes(doubleAes(byte ^ state[index ^ 2]!)))
    : state;
  const column = (index: number, row: number): number => before[(index & ~3) + ((index + row) & 3)]!;
  return wordsOf(before.map((byte, index) => doubleAes(byte ^ column(index, 1)) ^ column(index, 1) ^ column(index, 2) ^ column(index, 3)));
}

function choose(x: number, y: number, z: number): number {
  return ((y ^ z) & x) ^ z;
}
function parity(x: number, y: number, z: number): number {
  return x ^ y ^ z;
}
function majority(x: number, y: number, z: number): number {
  return (x & y) | ((x | y) & z);
}

/** SHA1C, SHA1P, SHA1M: four rounds; `n` holds e. */
export function sha1Rounds(d: Words, n: Words, m: Words, kind: "choose" | "parity" | "majority"): Words {
  const mix = { choose, parity, majority }[kind];
  let [a, b, c, x] = d;
  let e = n[0];
  for (const word of m) {
    const next = (rol(a, 5) + mix(b, c, x) + e + word) | 0;
    [a, b, c, x, e] = [next, a, rol(b, 30), c, x];
  }
  return [a, b, c, x];
}
export function sha1Schedule0(d: Words, n: Words, m: Words): Words {
  return [d[0] ^ d[2] ^ m[0], d[1] ^ d[3] ^ m[1], d[2] ^ n[0] ^ m[2], d[3] ^ n[1] ^ m[3]];
}
export function sha1Schedule1(d: Words, n: Words): Words {
  const first = rol(d[0] ^ n[1], 1);
  return [first, rol(d[1] ^ n[2], 1), rol(d[2] ^ n[3], 1), rol(d[3] ^ first, 1)];
}
/** SHA1H. */
export function sha1Fixed(n: Words): Words {
  return [rol(n[0], 30), 0, 0, 0];
}

/** SHA256H, or with `second` SHA256H2: four rounds; the state is abcd and efgh. */
export function sha256Rounds(abcd: Words, efgh: Words, m: Words, second: boolean): Words {
  let [a, b, c, d] = abcd;
  let [e, f, g, h] = efgh;
  for (const word of m) {
    const first = (h + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + choose(e, f, g) + word) | 0;
    const next = (first + (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) + majority(a, b, c)) | 0;
    [a, b, c, d, e, f, g, h] = [next, a, b, c, (d + first) | 0, e, f, g];
  }
  return second ? [e, f, g, h] : [a, b, c, d];
}
export function sha256Schedule0(d: Words, n: Words): Words {
  const sigma = (x: number): number => ror(x, 7) ^ ror(x, 18) ^ (x >>> 3);
  return [d[0] + sigma(d[1]), d[1] + sigma(d[2]), d[2] + sigma(d[3]), d[3] + sigma(n[0])];
}
export function sha256Schedule1(d: Words, n: Words, m: Words): Words {
  const sigma = (x: number): number => ror(x, 17) ^ ror(x, 19) ^ (x >>> 10);
  const first = (d[0] + sigma(m[2]) + n[1]) | 0;
  const second = (d[1] + sigma(m[3]) + n[2]) | 0;
  return [first, second, d[2] + sigma(first) + n[3], d[3] + sigma(second) + m[0]];
}

export function sha512Hash(d: Doublewords, n: Doublewords, m: Doublewords): Doublewords {
  const sigma = (x: bigint): bigint => ror64(x, 14n) ^ ror64(x, 18n) ^ ror64(x, 41n);
  const mix = (x: bigint, y: bigint, z: bigint): bigint => ((y ^ z) & x) ^ z;
  const high = BigInt.asUintN(64, d[1] + sigma(m[1]) + mix(m[1], n[0], n[1]));
  const e = BigInt.asUintN(64, high + m[0]);
  return [d[0] + sigma(e) + mix(e, m[1], n[0]), high];
}
export function sha512Hash2(d: Doublewords, n: Doublewords, m: Doublewords): Doublewords {
  const sigma = (x: bigint): bigint => ror64(x, 28n) ^ ror64(x, 34n) ^ ror64(x, 39n);
  const mix = (x: bigint, y: bigint, z: bigint): bigint => (x & y) | ((x | y) & z);
  const high = BigInt.asUintN(64, d[1] + sigma(m[0]) + mix(n[0], m[1], m[0]));
  return [d[0] + sigma(high) + mix(high, m[0], m[1]), high];
}
export function sha512Schedule0(d: Doublewords, n: Doublewords): Doublewords {
  const sigma = (x: bigint): bigint => ror64(x, 1n) ^ ror64(x, 8n) ^ (x >> 7n);
  return [d[0] + sigma(d[1]), d[1] + sigma(n[0])];
}
export function sha512Schedule1(d: Doublewords, n: Doublewords, m: Doublewords): Doublewords {
  const sigma = (x: bigint): bigint => ror64(x, 19n) ^ ror64(x, 61n) ^ (x >> 6n);
  return [d[0] + sigma(n[0]) + m[0], d[1] + sigma(n[1]) + m[1]];
}

/** PMULL of doublewords: the product of polynomials over {0, 1}. */
export function multiplyPolynomials(n: bigint, m: bigint): Doublewords {
  let product = 0n;
  for (let bit = 0n; bit < 64n; bit++) if (((m >> bit) & 1n) === 1n) product ^= n << bit;
  return [BigInt.asUintN(64, product), product >> 64n];
}
