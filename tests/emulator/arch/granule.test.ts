/** Geometry of the translation tables: the tables of DDI 0487 D8.2, typed in. */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { granule, GRANULE_NAMES, type GranuleName, tableIndex } from "../../../emulator/arch/granule.js";
import { seededRandom } from "../../support/seed.js";

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;
const TIB = 2 ** 40;

/** Per level: bytes that an entry maps, entries of the table, may be a block or page, contiguous entries. 48-bit addresses. */
const LEVELS_48: Readonly<Record<GranuleName, readonly (readonly [number, number, boolean, number] | undefined)[]>> = {
  "4k": [
    [512 * GIB, 512, false, 0],
    [GIB, 512, true, 16],
    [2 * MIB, 512, true, 16],
    [4 * KIB, 512, true, 16],
  ],
  "16k": [
    [128 * TIB, 2, false, 0],
    [64 * GIB, 2048, false, 0],
    [32 * MIB, 2048, true, 32],
    [16 * KIB, 2048, true, 128],
  ],
  "64k": [undefined, [4 * TIB, 64, false, 0], [512 * MIB, 8192, true, 32], [64 * KIB, 8192, true, 32]],
};

/** Linux: CONT_PTES, CONT_PTE_SIZE, PTRS_PER_PTE, HPAGE_PMD_ORDER, PMD_SIZE. */
const LINUX: Readonly<Record<GranuleName, readonly number[]>> = {
  "4k": [16, 64 * KIB, 512, 9, 2 * MIB],
  "16k": [128, 2 * MIB, 2048, 11, 32 * MIB],
  "64k": [32, 2 * MIB, 8192, 13, 512 * MIB],
};

describe("granule", () => {
  for (const name of GRANULE_NAMES) {
    it(`${name}: levels of 48-bit addresses`, () => {
      const { levels } = granule(name);
      expect(levels.map((level) => level && [level.size, level.entries, level.leaf, level.contEntries])).to.deep.equal(LEVELS_48[name]);
      levels.forEach((level, n) => {
        if (level !== undefined) expect([level.level, 2 ** level.shift]).to.deep.equal([n, level.size]);
      });
    });

    it(`${name}: contiguous run, table and block in Linux's terms`, () => {
      const { contPtes, contPteSize, ptrsPerTable, pmdOrder, pmdSize } = granule(name);
      expect([contPtes, contPteSize, ptrsPerTable, pmdOrder, pmdSize]).to.deep.equal(LINUX[name]);
    });
  }

  it("the start level follows the address width (TxSZ)", () => {
    // Number of levels: 4K 40 bits up: 4, 31-39: 3, 22-30: 2; 16K 48: 4, 37-47: 3, 26-36: 2; 64K 43-48: 3, 30-42: 2, to 29: 1.
    const starts: readonly (readonly [GranuleName, number, number])[] = [
      ["4k", 48, 0],
      ["4k", 40, 0],
      ["4k", 39, 1],
      ["4k", 31, 1],
      ["4k", 30, 2],
      ["16k", 48, 0],
      ["16k", 47, 1],
      ["16k", 37, 1],
      ["16k", 36, 2],
      ["64k", 48, 1],
      ["64k", 43, 1],
      ["64k", 42, 2],
      ["64k", 30, 2],
      ["64k", 29, 3],
    ];
    for (const [name, vaBits, level] of starts) {
      const { startLevel, levels } = granule(name, vaBits);
      expect(startLevel, `${name} ${vaBits}`).to.equal(level);
      expect(levels.findIndex((found) => found !== undefined), `${name} ${vaBits}: first level`).to.equal(level);
      expect(levels[level]!.size * levels[level]!.entries, `${name} ${vaBits}: reach of the root`).to.equal(2 ** vaBits);
    }
  });

  it("address widths that Armv8.0 does not have are refused", () => {
    for (const bits of [24, 49, 52, 39.5]) expect(() => granule("4k", bits), String(bits)).to.throw(RangeError);
  });

  it("table indexes are the bit fields of the address", () => {
    // 4K: bits 47:39, 38:30, 29:21, 20:12
    const { levels } = granule("4k");
    const address = (0x1a3 * 2 ** 39 + 0x0f1 * 2 ** 30 + 0x1ff * 2 ** 21 + 0x002 * 2 ** 12 + 0xabc) as Va;
    expect(levels.map((level) => tableIndex(level!, address))).to.deep.equal([0x1a3, 0x0f1, 0x1ff, 0x002]);
    const random = seededRandom(0x6124);
    for (const name of GRANULE_NAMES) {
      const { levels: all } = granule(name);
      for (let i = 0; i < 100; i++) {
        const value = random(2 ** 16) * 2 ** 32 + random(2 ** 32);
        for (const level of all) {
          if (level === undefined) continue;
          const expected = Number((BigInt(value) >> BigInt(level.shift)) & (BigInt(level.entries) - 1n));
          expect(tableIndex(level, value as Va), `${name} level ${level.level} 0x${value.toString(16)}`).to.equal(expected);
        }
      }
    }
  });
});
