/**
 * Descriptor bits and helpers against retyped positions, and the word form against the bigint form.
 */
import { expect } from "chai";
import {
  DESC_AF,
  DESC_AP1,
  DESC_AP2,
  DESC_APTABLE0,
  DESC_APTABLE1,
  DESC_ATTRINDX,
  DESC_CONTIGUOUS,
  DESC_DBM,
  DESC_GP,
  DESC_NG,
  DESC_NS,
  DESC_NSTABLE,
  DESC_NT,
  DESC_POINDEX,
  DESC_PXN,
  DESC_PXNTABLE,
  DESC_SH,
  DESC_SOFTWARE,
  DESC_TABLE,
  DESC_UXN,
  DESC_UXNTABLE,
  DESC_VALID,
  HI_APTABLE0,
  HI_APTABLE1,
  HI_CONTIGUOUS,
  HI_DBM,
  HI_UXN,
  HI_UXNTABLE,
  LO_AF,
  LO_AP1,
  LO_AP2,
  LO_NG,
  LO_TABLE,
  LO_VALID,
  el0Permissions,
  frameOfWords,
  isContiguous,
  isLeaf,
  isTable,
  isValid,
  nextTable,
  nextTableMask,
  outputAddress,
  outputAddressMask,
} from "../../../emulator/arch/descriptor.js";
import { granule } from "../../../emulator/arch/granule.js";
import type { Level } from "../../../emulator/arch/granule.js";

const G4K = granule("4k");
const G16K = granule("16k");
const G64K = granule("64k");

describe("descriptor bits", () => {
  it("stand where VMSAv8-64 puts them", () => {
    const bits: [bigint, bigint][] = [
      [DESC_VALID, 0x1n],
      [DESC_TABLE, 0x2n],
      [DESC_ATTRINDX, 0x1cn],
      [DESC_NS, 0x20n],
      [DESC_AP1, 0x40n],
      [DESC_AP2, 0x80n],
      [DESC_SH, 0x300n],
      [DESC_AF, 0x400n],
      [DESC_NG, 0x800n],
      [DESC_NT, 0x10000n],
      [DESC_GP, 0x4_0000_0000_0000n],
      [DESC_DBM, 0x8_0000_0000_0000n],
      [DESC_CONTIGUOUS, 0x10_0000_0000_0000n],
      [DESC_PXN, 0x20_0000_0000_0000n],
      [DESC_UXN, 0x40_0000_0000_0000n],
      [DESC_SOFTWARE, 0x780_0000_0000_0000n],
      [DESC_POINDEX, 0x7000_0000_0000_0000n],
      [DESC_PXNTABLE, 0x800_0000_0000_0000n],
      [DESC_UXNTABLE, 0x1000_0000_0000_0000n],
      [DESC_APTABLE0, 0x2000_0000_0000_0000n],
      [DESC_APTABLE1, 0x4000_0000_0000_0000n],
      [DESC_NSTABLE, 0x8000_0000_0000_0000n],
    ];
    for (const [bit, expected] of bits) expect(bit).to.equal(expected);
  });

  it("are the same in the word form", () => {
    const low: [number, bigint][] = [[LO_VALID, DESC_VALID], [LO_TABLE, DESC_TABLE], [LO_AP1, DESC_AP1], [LO_AP2, DESC_AP2], [LO_AF, DESC_AF], [LO_NG, DESC_NG]];
    const high: [number, bigint][] = [[HI_DBM, DESC_DBM], [HI_CONTIGUOUS, DESC_CONTIGUOUS], [HI_UXN, DESC_UXN], [HI_UXNTABLE, DESC_UXNTABLE], [HI_APTABLE0, DESC_APTABLE0], [HI_APTABLE1, DESC_APTABLE1]];
    for (const [word, bit] of low) expect(BigInt(word)).to.equal(bit);
    for (const [word, bit] of high) expect(BigInt(word >>> 0) << 32n).to.equal(bit);
  });
});

describe("descriptor types", () => {
  it("an invalid descriptor is nothing, whatever its other bits", () => {
    expect(isValid(0xffff_ffff_ffff_fffen)).to.equal(false);
    for (const level of [0, 1, 2, 3] as Level[]) {
      expect(isTable(0xffff_ffff_ffff_fffen, level)).to.equal(false);
      expect(isLeaf(0xffff_ffff_ffff_fffen, G4K, level)).to.equal(false);
    }
  });

  it("11 is a table above level 3 and a page at level 3", () => {
    expect([0, 1, 2, 3].map((level) => isTable(3n, level as Level))).to.deep.equal([true, true, true, false]);
    expect(isLeaf(3n, G4K, 3)).to.equal(true);
    expect(isLeaf(3n, G4K, 2)).to.equal(false);
  });

  it("01 is a block only where the granule allows one", () => {
    const blocks = (g: typeof G4K): boolean[] => [0, 1, 2, 3].map((level) => isLeaf(1n, g, level as Level));
    expect(blocks(G4K)).to.deep.equal([false, true, true, false]);
    expect(blocks(G16K)).to.deep.equal([false, false, true, false]);
    expect(blocks(G64K)).to.deep.equal([false, false, true, false]);
  });

  it("the contiguous bit counts only where runs exist", () => {
    expect(isContiguous(0x10_0000_0000_0003n, G4K, 3)).to.equal(true);
    expect(isContiguous(0x10_0000_0000_0001n, G4K, 1)).to.equal(true);
    expect(isContiguous(0x10_0000_0000_0003n, G4K, 2), "a table").to.equal(false);
    expect(isContiguous(0x10_0000_0000_0002n, G4K, 3), "invalid").to.equal(false);
    expect(isContiguous(0x3n, G4K, 3)).to.equal(false);
  });
});

describe("descriptor addresses", () => {
  it("masks end at the size that the descriptor maps", () => {
    expect(outputAddressMask(G4K, 3)).to.equal(0x0000_ffff_ffff_f000n);
    expect(outputAddressMask(G4K, 2)).to.equal(0x0000_ffff_ffe0_0000n);
    expect(outputAddressMask(G4K, 1)).to.equal(0x0000_ffff_c000_0000n);
    expect(outputAddressMask(G16K, 3)).to.equal(0x0000_ffff_ffff_c000n);
    expect(outputAddressMask(G16K, 2)).to.equal(0x0000_ffff_fe00_0000n);
    expect(outputAddressMask(G64K, 3)).to.equal(0x0000_ffff_ffff_0000n);
    expect(outputAddressMask(G64K, 2)).to.equal(0x0000_ffff_e000_0000n);
    expect(nextTableMask(G16K)).to.equal(0x0000_ffff_ffff_c000n);
    expect(() => outputAddressMask(granule("4k", 39), 0)).to.throw(RangeError);
  });

  it("a recorded Linux PTE gives its frame", () => {
    expect(outputAddress(0x00e8_0000_461e_4f43n, G4K, 3)).to.equal(0x461e4000);
    expect(outputAddress(0x00e8_0000_43ba_0f43n & ~0x3000n, G16K, 3)).to.equal(0x43ba0000);
    expect(outputAddress(0x00e8_0002_3d97_0f43n, G64K, 3)).to.equal(0x2_3d97_0000);
    expect(nextTable(0x0800_0000_4567_8003n, G4K)).to.equal(0x45678000);
  });

  it("a 64K descriptor has address bits 51:48 in bits 15:12", () => {
    expect(outputAddress(0x1234_0000_0000_5003n & ~0xffff_0000_0000_0000n, G64K, 3)).to.equal(5 * 2 ** 48);
    expect(frameOfWords(0x5003, 0, 16)).to.equal(5 * 2 ** 32);
  });

  it("the word form agrees with the bigint form on random descriptors", () => {
    let state = 0x1234567n;
    const next = (): bigint => (state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffff_ffff_ffff_ffffn);
    for (let i = 0; i < 1000; i++) {
      const descriptor = next();
      const lo = Number(descriptor & 0xffff_ffffn);
      const hi = Number(descriptor >> 32n);
      for (const g of [G4K, G16K, G64K]) expect(frameOfWords(lo, hi, g.pageShift) * g.pageSize).to.equal(outputAddress(descriptor, g, 3));
    }
  });
});

describe("el0Permissions", () => {
  it("of the values that Linux writes", () => {
    expect(el0Permissions(0x0060_0000_0000_0fc3n), "PAGE_READONLY").to.deep.equal({ read: true, write: false, execute: false });
    expect(el0Permissions(0x0020_0000_0000_0fc3n), "PAGE_READONLY_EXEC").to.deep.equal({ read: true, write: false, execute: true });
    expect(el0Permissions(0x0020_0000_0000_0f83n), "PAGE_EXECONLY").to.deep.equal({ read: false, write: false, execute: true });
    expect(el0Permissions(0x00e8_0000_0000_0f43n), "anonymous after a write").to.deep.equal({ read: true, write: true, execute: false });
  });
});
