/**
 * SM3 and SM4 on vectors of four 32-bit words, lowest first.
 *
 * Functions return the new value of the destination `d`. Arm: DDI 0487 C7.2 (SM3SS1, SM3TT1A, SM3PARTW1, SM4E, SM4EKEY).
 */
import { SM4_SBOX } from "./crypto-boxes.js";

/** Four 32-bit words; values may have either sign. */
export type Words = readonly [number, number, number, number];

function rol(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
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

/** SM3SS1: the value in the highest word. */
export function sm3Ss1(n: Words, m: Words, a: Words): Words {
  return [0, 0, 0, rol((rol(n[3], 12) + m[3] + a[3]) | 0, 7)];
}
/** SM3TT1A, 1B, 2A, 2B: half a round; `second` for the last two, `later` for the B forms; `word` of the schedule. */
export function sm3Round(d: Words, n: Words, word: number, second: boolean, later: boolean): Words {
  const mixed = !later ? parity(d[3], d[2], d[1]) : second ? choose(d[3], d[2], d[1]) : majority(d[3], d[2], d[1]);
  if (!second) return [d[1], rol(d[2], 9), d[3], mixed + d[0] + (n[3] ^ rol(d[3], 12)) + word];
  const sum = (mixed + d[0] + n[3] + word) | 0;
  return [d[1], rol(d[2], 19), d[3], sum ^ rol(sum, 9) ^ rol(sum, 17)];
}
function sm3Expand(x: number): number {
  return x ^ rol(x, 15) ^ rol(x, 23);
}
export function sm3Schedule1(d: Words, n: Words, m: Words): Words {
  const first = sm3Expand(d[0] ^ n[0] ^ rol(m[1], 15));
  return [first, sm3Expand(d[1] ^ n[1] ^ rol(m[2], 15)), sm3Expand(d[2] ^ n[2] ^ rol(m[3], 15)), sm3Expand(d[3] ^ n[3] ^ rol(first, 15))];
}
export function sm3Schedule2(d: Words, n: Words, m: Words): Words {
  const sums = [0, 1, 2, 3].map((index) => n[index]! ^ rol(m[index]!, 7));
  return [d[0] ^ sums[0]!, d[1] ^ sums[1]!, d[2] ^ sums[2]!, d[3] ^ sums[3]! ^ sm3Expand(rol(sums[0]!, 15))];
}

/** SM4E, SM4EKEY: four rounds with the words of `keys`. */
export function sm4Rounds(d: Words, keys: Words, expandsKey: boolean): Words {
  const state: number[] = [...d];
  keys.forEach((key, round) => {
    const sum = state[(round + 1) % 4]! ^ state[(round + 2) % 4]! ^ state[(round + 3) % 4]! ^ key;
    const s = SM4_SBOX[sum & 0xff]! | (SM4_SBOX[(sum >>> 8) & 0xff]! << 8) | (SM4_SBOX[(sum >>> 16) & 0xff]! << 16) | (SM4_SBOX[sum >>> 24]! << 24);
    state[round]! ^= expandsKey ? s ^ rol(s, 13) ^ rol(s, 23) : s ^ rol(s, 2) ^ rol(s, 10) ^ rol(s, 18) ^ rol(s, 24);
  });
  return [state[0]!, state[1]!, state[2]!, state[3]!];
}
