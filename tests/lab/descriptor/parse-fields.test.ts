/** The words of `descriptor encode`. */
import { expect } from "chai";
import { ConfigError } from "../../../emulator/arch/errors.js";
import { granule, type Level } from "../../../emulator/arch/granule.js";
import { encodeFields } from "../../../lab/descriptor/parse-fields.js";

const encode = (words: string, level: Level = 3, lpa2 = false): bigint => encodeFields(words.split(" "), { granule: granule("4k"), level, lpa2, mair: 0x04_00_44_ff_ffn });

describe("fields of a descriptor on the command line", () => {
  it("make the entries that Linux writes, by Arm's names and by Linux's", () => {
    const anon = 0x00f8_0000_4000_0f43n;
    expect(encode("page pa=0x40000000 ap=rw-el0 sh=inner af ng dbm cont pxn uxn sw=1")).to.equal(anon);
    expect(encode("page pa=0x40000000 user shared young ng write cont pxn uxn dirty")).to.equal(anon);
    expect(encode("page pa=0x40000000 user rdonly shared af ng pxn attr=normal")).to.equal(0x0020_0000_4000_0fc3n);
    expect(encode("block pa=0x40200000 ap=ro-el0 sh=3 af ng pxn uxn", 2)).to.equal(0x0060_0000_4020_0fc1n);
    expect(encode("table pa=0x41000000 pxntable", 2)).to.equal(0x0800_0000_4100_0003n);
    expect(encode("table pa=0x41000000 uxntable aptable=both nstable", 1)).to.equal(0xf000_0000_4100_0003n);
    expect(encode("prot-none pa=0x12345000")).to.equal(0x0060_0000_1234_5f82n);
    expect(encode("prot-none pa=0x12345000 dirty special")).to.equal(0x01e0_0000_1234_5f82n);
    expect(encode("swap type=3 offset=0x1234 exclusive uffd-wp")).to.equal(0x0123_40ccn);
    expect(encode("page attr=device-ngnre uffd-wp devmap bit63 bit59 poindex=5")).to.equal((4n << 2n) | 3n | (1n << 58n) | (1n << 57n) | (1n << 63n) | (1n << 59n) | (5n << 60n));
    expect(encode("page pa=0x4000012345000", 3, true)).to.equal(0x0000_0000_1234_5103n);
  });

  const bad: readonly (readonly [string, RegExp, Level?])[] = [
    ["sheet pa=0", /first word must be one of page, block/],
    ["page pa=zz", /pa=zz: "zz" is not a number/],
    ["page pa=0x123", /address 0x123/],
    ["page pa=0x10000000000000", /at most 52 bits/],
    ["page ap=mine", /must be a number or one of rw-el1/],
    ["page attr=wood", /must be a number or one of normal/],
    ["page attr=device-gre", /MAIR 0x.* has no attribute for device-gre/],
    ["page attr=9", /attr=0x9 does not fit/],
    ["page frob", /no field frob/],
    ["page toString=1", /no field toString/],
    ["page dirty=1", /takes no value/],
    ["block pa=0", /no block may stand at level 3/],
    ["table dirty", /no field dirty/, 2],
    ["swap type=32", /0 to 31/],
    ["swap offset=0x4000000000000", /50 bits/],
    ["swap af", /a swap entry has/],
  ];
  for (const [words, message, level] of bad) it(`refuses ${words}`, () => expect(() => encode(words, level)).to.throw(ConfigError, message));
});
