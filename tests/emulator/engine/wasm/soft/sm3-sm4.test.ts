/** SM3 and SM4 rounds, put together to the examples of the standards. */
import { expect } from "chai";
import * as sm from "../../../../../emulator/engine/wasm/soft/sm3-sm4.js";

type Words = sm.Words;
const hex = (words: Words): string => words.map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
const rol = (x: number, bits: number): number => (bits % 32 === 0 ? x : (x << (bits % 32)) | (x >>> (32 - (bits % 32))));
const reversed = ([a, b, c, d]: Words): Words => [d, c, b, a];

describe("SM3 and SM4 rounds", () => {
  it("make SM3 of the standard's example", () => {
    // GB/T 32905, appendix A.1: "abc". Words of the schedule lie in the order of memory, the state the other way round.
    const schedule = [0x6162_6380, ...Array.from({ length: 14 }, () => 0), 24];
    while (schedule.length < 68) {
      const at = schedule.length - 16;
      const take = (first: number): Words => [schedule[at + first]!, schedule[at + first + 1]!, schedule[at + first + 2]!, schedule[at + first + 3]!];
      const partial = sm.sm3Schedule1(take(0), take(7), take(12));
      schedule.push(...sm.sm3Schedule2(partial, take(10), take(3)));
    }
    const initial: readonly [Words, Words] = [[0x7380_166f, 0x4914_b2b9, 0x1724_42d7, 0xda8a_0600 | 0], [0xa96f_30bc | 0, 0x1631_38aa, 0xe38d_ee4d | 0, 0xb0fb_0e4e | 0]];
    let abcd = reversed(initial[0]);
    let efgh = reversed(initial[1]);
    for (let round = 0; round < 64; round++) {
      const later = round >= 16;
      const constant = rol(later ? 0x7a87_9d8a : 0x79cc_4519, round);
      const ss1 = sm.sm3Ss1(abcd, [0, 0, 0, constant], efgh);
      [abcd, efgh] = [
        sm.sm3Round(abcd, ss1, schedule[round]! ^ schedule[round + 4]!, false, later),
        sm.sm3Round(efgh, ss1, schedule[round]!, true, later),
      ];
    }
    const digest = hex(reversed(abcd).map((word, index) => word ^ initial[0][index]!) as unknown as Words) + hex(reversed(efgh).map((word, index) => word ^ initial[1][index]!) as unknown as Words);
    expect(digest).to.equal("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
  });

  it("make SM4 of the standard's example", () => {
    // GB/T 32907, appendix A.1
    const key: Words = [0x0123_4567, 0x89ab_cdef | 0, 0xfedc_ba98 | 0, 0x7654_3210];
    const family: Words = [0xa3b1_bac6 | 0, 0x56aa_3350, 0x677d_9197, 0xb270_22dc | 0];
    let keys: Words = [key[0] ^ family[0], key[1] ^ family[1], key[2] ^ family[2], key[3] ^ family[3]];
    let state = key;
    for (let round = 0; round < 8; round++) {
      const constants = [0, 1, 2, 3].map((step) => [0, 1, 2, 3].reduce((word, byte) => (word << 8) | ((7 * (4 * (4 * round + step) + byte)) & 0xff), 0));
      keys = sm.sm4Rounds(keys, [constants[0]!, constants[1]!, constants[2]!, constants[3]!], true);
      state = sm.sm4Rounds(state, keys, false);
    }
    expect(hex(reversed(state))).to.equal("681edf34d206965e86b3e94f536e4246");
  });
});
