/**
 * Numbers of units: the same for the same tag, apart for others, and what happens when there are many.
 */
import { expect } from "chai";
import type { Asid } from "../../../emulator/arch/addr.js";
import { granule } from "../../../emulator/arch/granule.js";
import { Arena } from "../../../emulator/mmu/tlb-cells.js";
import { Tlb } from "../../../emulator/mmu/tlb.js";
import type { TlbSpec } from "../../../emulator/mmu/tlb.js";
import { TlbStorage } from "../../../emulator/mmu/tlb-storage.js";
import { UnitIndex, tagBits, unitLow } from "../../../emulator/mmu/unit-index.js";

const words = (...records: readonly (readonly [number, number])[]): Uint32Array =>
  Uint32Array.from(records.flatMap(([page, access]) => [page % 2 ** 32, Math.floor(page / 2 ** 32) * 4 + access]));
const GLOBAL = 32;

describe("UnitIndex", () => {
  it("resolves records to a number per page and ASID, and keeps the access", () => {
    const index = new UnitIndex(TlbStorage.inMemory());
    const pages = [5, 6, 0xf_ffff_ffff, 0x8000_0000, 5];
    const one = [...index.resolve(words(...pages.map((page, i) => [page, i % 3] as const)), 5, 1 as Asid)];
    expect(one.map((record) => record & 3)).to.deep.equal([0, 1, 2, 0, 1]);
    expect(one.map((record) => index.pageNumber(record >>> 10))).to.deep.equal(pages);
    expect(one[0]! >>> 10).to.equal(one[4]! >>> 10);
    expect(one[1]! >>> 10, "a neighbour").to.equal((one[0]! >>> 10) + 1);
    const two = index.resolve(words([5, 0]), 1, 2 as Asid);
    expect(two[0]! >>> 10).to.not.equal(one[0]! >>> 10);
    expect(index.find(5, 1 << 16)).to.equal(one[0]! >>> 10);
    expect(index.find(5, 3 << 16), "never asked for").to.equal(0);
  });

  it("merges a read and next a write of the same page, and nothing else", () => {
    const index = new UnitIndex(TlbStorage.inMemory());
    const [READ, WRITE, FETCH] = [1, 2, 0];
    const trace = [[5, READ], [5, WRITE], [5, WRITE], [5, READ], [6, WRITE], [6, READ], [6, READ], [6, WRITE], [6, FETCH], [6, WRITE], [4, READ], [5, WRITE], [5 + 2 ** 32, READ], [5, WRITE]] as const;
    const shown = (records: Int32Array): string[] => [...records].map((record) => `${index.pageNumber(record >>> 10)}:${record & 3}`);
    expect(shown(index.resolve(words(...trace), trace.length, 1 as Asid))).to.have.length(trace.length);
    const page = 5 + 2 ** 32;
    expect(shown(index.resolve(words(...trace), trace.length, 1 as Asid, true))).to.deep.equal(["5:3", "5:2", "5:1", "6:2", "6:1", "6:3", "6:0", "6:2", "4:1", "5:2", `${page}:1`, "5:2"]);
  });

  it("keeps the number of a held page, and makes a record without a page of one that leaves", () => {
    const index = new UnitIndex(TlbStorage.inMemory());
    const held = (...records: readonly (readonly [number, number, number])[]): Uint32Array =>
      Uint32Array.from(records.flatMap(([page, access, number]) => [page % 2 ** 32, access | (Math.floor(page / 2 ** 32) << 2) | (number << 10)]));
    const shown = (records: Int32Array): string[] => [...records].map((record) => `${record >>> 10 === 0 ? "-" : index.pageNumber(record >>> 10)}:${record & 3}:${(record >>> 2) & 255}`);
    const trace = [[5, 1, 7], [5, 2, 0], [6, 1, 3], [6, 2, 4], [2 ** 36 + 9, 0, 255], [0, 3, 7], [0, 3, 255], [5, 1, 1], [0, 3, 1], [5, 2, 0]] as const;
    expect(shown(index.resolve(held(...trace), trace.length, 1 as Asid))).to.deep.equal(["5:1:7", "5:2:0", "6:1:3", "6:2:4", `${2 ** 36 + 9}:0:255`, "-:0:7", "-:0:255", "5:1:1", "-:0:1", "5:2:0"]);
    expect(shown(index.resolve(held(...trace), trace.length, 1 as Asid, true))).to.deep.equal(["5:3:7", "6:1:3", "6:2:4", `${2 ** 36 + 9}:0:255`, "-:0:7", "-:0:255", "5:1:1", "-:0:1", "5:2:0"]);
  });

  it("the unit of a page in a class is the one with the shifted tag", () => {
    const index = new UnitIndex(TlbStorage.inMemory());
    for (const page of [0x3_1234_5678, 17, 16, 31, 0xf_ffff_fff7]) {
      for (const kind of [1, 2, 3, 4, 9, 13, 18, 27, 31, GLOBAL, GLOBAL | 4, 64 | 2, 128 | 9, 128 | 31]) {
        const number = index.number(page | 0, Math.floor(page / 2 ** 32) | (7 << 16));
        const unit = index.unit(number, kind);
        expect(index.pageNumber(unit), `${page} in class ${kind}`).to.equal(Math.floor(page / 2 ** (kind & 31)));
        expect(index.highOf(unit) >>> 16).to.equal((kind & GLOBAL) !== 0 ? 0 : 7);
        expect((index.highOf(unit) >>> 8) & 0xff).to.equal(kind);
        expect(index.unit(number, kind), "asked again").to.equal(unit);
        expect(index.number(index.lowOf(unit), index.highOf(unit))).to.equal(unit);
      }
      expect(index.unit(page & 0xfff, 0)).to.equal(page & 0xfff);
    }
  });

  it("grows without changing a number", () => {
    const index = new UnitIndex(TlbStorage.inMemory());
    const page = (i: number): number => i * 16 * 7919;
    const first = Array.from({ length: 3000 }, (_, i) => index.number(page(i) | 0, 1 << 16));
    expect(new Set(first).size).to.equal(3000);
    first.forEach((number, i) => {
      expect(index.find(page(i) | 0, 1 << 16)).to.equal(number);
    });
  });

  it("numbers anew what structures hold when there are many, and nothing is lost", () => {
    const spec: TlbSpec = { entries: 8, ways: 2, pageSizes: [4096, 65536], contiguous: "whole", splinter: "largest", coalescedPages: 4, policy: "lru" };
    const index = new UnitIndex(TlbStorage.inMemory(), 20);
    const tlb = new Tlb(spec, granule("4k"), 1, new Arena(Tlb.cellsOf(spec), 1, index));
    tlb.setAsid(1 as Asid);
    const fill = (page: number, order: number, pages: number): void => {
      tlb.fill(tlb.page(page, 0), false, order, (3 << 2) | 2, page, pages);
    };
    fill(1000, 0, 0);
    fill(2048, 4, 0);
    fill(4100, 0, 0b0101);
    const before = [...tlb];
    for (let page = 0; page < 400; page += 16) index.resolve(words([page, 1]), 1, 9 as Asid);
    const last = index.resolve(words([77777, 1]), 1, 9 as Asid)[0]! >>> 10;
    expect(last >> 4, "numbering has started anew").to.be.below(20);
    expect([...tlb]).to.deep.equal(before);
    for (const page of [1000, 2048, 2063, 4100, 4102]) expect(tlb.peek(tlb.page(page, 0)), `page ${page}`).to.be.greaterThan(-1);
    for (const page of [1001, 2064, 4101]) expect(tlb.peek(tlb.page(page, 0)), `page ${page}`).to.equal(-1);
  });
});

describe("tags", () => {
  it("unitLow shifts a page number of two words", () => {
    for (const page of [0, 1, 0xf_ffff_ffff, 0x8_0000_0000, 0x1234_5678]) {
      for (const order of [0, 1, 4, 9, 18, 27, 31]) {
        expect(unitLow(page | 0, Math.floor(page / 2 ** 32), order) >>> 0, `${page} >> ${order}`).to.equal(Math.floor(page / 2 ** order) % 2 ** 32);
      }
    }
  });

  it("a global class has no ASID", () => {
    expect(tagBits(4, 0xffff) >>> 0).to.equal(0xffff0400);
    expect(tagBits(GLOBAL | 4, 0xffff)).to.equal(0x2400);
  });
});
