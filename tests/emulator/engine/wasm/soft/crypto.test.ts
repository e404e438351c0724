/** Cryptographic rounds, put together to whole algorithms and compared with the host's library. */
import { createHash } from "node:crypto";
import { expect } from "chai";
import * as crypto from "../../../../../emulator/engine/wasm/soft/crypto.js";

type Words = crypto.Words;
const words = (values: readonly number[], at: number): Words => [values[at]!, values[at + 1]!, values[at + 2]!, values[at + 3]!];
const hex = (...states: Words[]): string => states.flat().map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
const add = (a: Words, b: Words): Words => [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]];

/** One padded block of a short message, as big-endian words. */
function block(message: string): number[] {
  const bytes = Buffer.alloc(64);
  bytes.write(message, "latin1");
  bytes[message.length] = 0x80;
  bytes.writeUInt32BE(8 * message.length, 60);
  return Array.from({ length: 16 }, (_, index) => bytes.readInt32BE(4 * index));
}

/** The first 32 bits of the fraction of a root of the first primes. */
function rootFractions(count: number, root: (prime: number) => number): number[] {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return primes.map((prime) => Math.floor((root(prime) % 1) * 2 ** 32) | 0);
}

describe("cryptographic rounds", () => {
  it("make SHA-1", () => {
    const schedule = [0, 4, 8, 12].map((at) => words(block("abc"), at));
    const start: Words = [0x6745_2301, 0xefcd_ab89 | 0, 0x98ba_dcfe | 0, 0x1032_5476];
    let state = start;
    let e: Words = [0xc3d2_e1f0 | 0, 0, 0, 0];
    const phases = [["choose", 0x5a82_7999], ["parity", 0x6ed9_eba1], ["majority", 0x8f1b_bcdc | 0], ["parity", 0xca62_c1d6 | 0]] as const;
    for (let round = 0; round < 20; round++) {
      const [kind, constant] = phases[Math.floor(round / 5)]!;
      if (round >= 4) {
        const partial = crypto.sha1Schedule0(schedule[0]!, schedule[1]!, schedule[2]!);
        schedule.push(crypto.sha1Schedule1(partial, schedule[3]!));
        schedule.shift();
      }
      const next = crypto.sha1Fixed(state);
      state = crypto.sha1Rounds(state, e, add(schedule[Math.min(round, 3)]!, [constant, constant, constant, constant]), kind);
      e = next;
    }
    const last = hex(add(state, start), [e[0] + (0xc3d2_e1f0 | 0), 0, 0, 0]).slice(0, 40);
    expect(last).to.equal(createHash("sha1").update("abc").digest("hex"));
  });

  it("make SHA-256", () => {
    const constants = rootFractions(64, Math.cbrt);
    const initial = rootFractions(8, Math.sqrt);
    const schedule = [0, 4, 8, 12].map((at) => words(block("abc"), at));
    let abcd = words(initial, 0);
    let efgh = words(initial, 4);
    for (let round = 0; round < 16; round++) {
      if (round >= 4) {
        const partial = crypto.sha256Schedule0(schedule[0]!, schedule[1]!);
        schedule.push(crypto.sha256Schedule1(partial, schedule[2]!, schedule[3]!));
        schedule.shift();
      }
      const input = add(schedule[Math.min(round, 3)]!, words(constants, 4 * round));
      [abcd, efgh] = [crypto.sha256Rounds(abcd, efgh, input, false), crypto.sha256Rounds(abcd, efgh, input, true)];
    }
    expect(hex(add(abcd, words(initial, 0)), add(efgh, words(initial, 4)))).to.equal(createHash("sha256").update("abc").digest("hex"));
  });

  it("make SM4 of the standard's example", () => {
    // GB/T 32907, appendix A.1
    const key: Words = [0x0123_4567, 0x89ab_cdef | 0, 0xfedc_ba98 | 0, 0x7654_3210];
    const family: Words = [0xa3b1_bac6 | 0, 0x56aa_3350, 0x677d_9197, 0xb270_22dc | 0];
    let keys: Words = [key[0] ^ family[0], key[1] ^ family[1], key[2] ^ family[2], key[3] ^ family[3]];
    let state = key;
    for (let round = 0; round < 8; round++) {
      const constants = [0, 1, 2, 3].map((step) => [0, 1, 2, 3].reduce((word, byte) => (word << 8) | ((7 * (4 * (4 * round + step) + byte)) & 0xff), 0));
      keys = crypto.sm4Rounds(keys, words(constants, 0), true);
      state = crypto.sm4Rounds(state, keys, false);
    }
    expect(hex([state[3], state[2], state[1], state[0]])).to.equal("681edf34d206965e86b3e94f536e4246");
  });

  it("multiply columns and their inverse", () => {
    // FIPS 197, appendix B, round 1
    const column = 0x305d_bfd4;
    expect(hex(crypto.aesMixColumns([column, 0, 0, 0], false))).to.match(/^e5816604/);
    expect(crypto.aesMixColumns(crypto.aesMixColumns([column, 1, -2, 3], false), true)).to.deep.equal([column, 1, -2, 3]);
  });

  it("multiply polynomials", () => {
    expect(crypto.multiplyPolynomials(3n, 7n)).to.deep.equal([9n, 0n]);
    expect(crypto.multiplyPolynomials(1n << 63n, 1n << 63n)).to.deep.equal([0n, 1n << 62n]);
  });
});
