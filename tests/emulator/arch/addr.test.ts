/** Arithmetic on addresses wider than the 32 bits of JavaScript's bit operators. */
import { expect } from "chai";
import { alignDown, alignUp, asid, hex, isAligned, log2, order, pa, pfn, shiftRight, va, vpn } from "../../../emulator/arch/addr.js";
import { seededRandom } from "../../support/seed.js";

/** The last page of a 48-bit address space, and of a 52-bit one. */
const LAST_48 = 0xffff_ffff_f000;
const LAST_52 = 0xf_ffff_ffff_f000;

describe("addresses", () => {
  it("constructors pass exact unsigned integers and refuse everything else, by name", () => {
    const constructors = { va, pa, vpn, pfn, order, asid };
    for (const [name, make] of Object.entries(constructors)) {
      for (const good of [0, 1, 4096, LAST_48, LAST_52, 2 ** 53 - 1]) expect(make(good), name).to.equal(good);
      for (const bad of [-1, 0.5, NaN, Infinity, 2 ** 53]) expect(() => make(bad), `${name}(${bad})`).to.throw(RangeError, new RegExp(`^${name}: `));
    }
  });

  it("aligning keeps the bits above the 32nd", () => {
    expect(alignDown(LAST_48 + 0xabc, 4096)).to.equal(LAST_48);
    expect(alignDown(LAST_48, 4096)).to.equal(LAST_48);
    expect(alignUp(LAST_48 + 1, 4096)).to.equal(2 ** 48);
    expect(alignUp(LAST_48, 4096)).to.equal(LAST_48);
    expect(alignUp(0, 65536)).to.equal(0);
    expect([isAligned(LAST_48, 4096), isAligned(LAST_48, 8192), isAligned(0, 2 ** 40)]).to.deep.equal([true, false, true]);
  });

  it("equal the same arithmetic in bigint for random 52-bit values", () => {
    const random = seededRandom(0xadd2);
    for (let i = 0; i < 500; i++) {
      const value = random(2 ** 20) * 2 ** 32 + random(2 ** 32);
      const wide = BigInt(value);
      const bits = random(53);
      const size = 2 ** bits;
      const mask = (1n << BigInt(bits)) - 1n;
      expect(BigInt(shiftRight(value, bits)), `${hex(value)} >> ${bits}`).to.equal(wide >> BigInt(bits));
      expect(BigInt(alignDown(value, size)), `${hex(value)} down to 2^${bits}`).to.equal(wide & ~mask);
      expect(BigInt(alignUp(value, size)), `${hex(value)} up to 2^${bits}`).to.equal((wide + mask) & ~mask);
      expect(isAligned(value, size)).to.equal((wide & mask) === 0n);
    }
  });

  it("log2 is exact for every power of two, and nothing else has one", () => {
    for (let bits = 0; bits <= 52; bits++) expect(log2(2 ** bits)).to.equal(bits);
    for (const bad of [0, 3, 4097, 2 ** 40 + 1]) expect(() => log2(bad), String(bad)).to.throw(RangeError);
  });

  it("are written as C writes them", () => {
    expect(hex(LAST_52)).to.equal("0xffffffffff000");
    expect(hex(0xffff_ffff_ffff_ffffn)).to.equal("0xffffffffffffffff");
    expect(hex(0)).to.equal("0x0");
  });
});
