/**
 * Areas as objects: splitting, entering and leaving an address space, and the sums that are kept of them.
 */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { EXT4_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { doMmap } from "../../../kernel-model/mm/mmap.js";
import {
  getMmRss,
  insertVmStruct,
  isDataMapping,
  isExecMapping,
  isStackMapping,
  mappingIsWritable,
  removeVma,
  splitVma,
  splitVmaUnchecked,
  unlinkFileVma,
  updateHiwaterRss,
  updateHiwaterVm,
  vmAreaAlloc,
  vmAreaDup,
  vmGetPageProt,
  vmStartGap,
  vmaIsAccessible,
  vmaSupportsMlock,
} from "../../../kernel-model/mm/vma-ops.js";
import type { VmOperations } from "../../../kernel-model/mm/vma.js";
import { areaAt, checkAreas, mapAnon, N1, pteAt, testMachine, testMm, touch, touchRange } from "../../support/areas.js";
import { createTestFile } from "../../support/page-cache.js";
import { drawAreas, picture } from "../../support/vma-picture.js";

const P = 4096;
const PMD = 2 ** 21;
const BASE = 0x5000000000;
const at = (page: number): Va => (BASE + page * P) as Va;

describe("splitting an area", () => {
  it("gives the new object the lower or the upper part", () => {
    for (const below of [true, false]) {
      const mm = testMm(testMachine().sys);
      mapAnon(mm, at(0), 5 * P);
      const vma = areaAt(mm, at(0));
      expect(splitVma(vma, at(2), below)).to.equal(0);
      expect(drawAreas(mm, BASE, 5)).to.equal(picture("WwWww"));
      expect(vma.start).to.equal(below ? at(2) : at(0));
      expect([...mm.vmas].map(({ pgoff }) => pgoff - BASE / P)).to.deep.equal([0, 2]);
      checkAreas(mm.sys, [mm]);
    }
  });

  it("doubles file reference, i_mmap and anon_vma, and tells the owner", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    const { file, mapping } = createTestFile(sys, { policy: EXT4_POLICY, size: 8 * P });
    doMmap(mm, { addr: at(0), len: 4 * P, prot: 3, flags: 0x12, file, pgoff: 0 });
    touch(mm, at(3));
    const vma = areaAt(mm, at(0));
    const opened: number[] = [];
    vma.ops = { ...vma.ops!, open: ({ start }) => void opened.push((start - BASE) / P) };
    splitVma(vma, at(2), false);
    expect([file.count, mapping.mmaps.size, opened]).to.deep.equal([3, 2, [2]]);
    const [low, high] = [areaAt(mm, at(0)), areaAt(mm, at(2))];
    expect(low.anonVma).to.equal(high.anonVma);
    expect([...low.anonVma!.vmas]).to.have.members([low, high]);
    checkAreas(sys, [mm]);
  });

  it("splits a block that the cut goes through, and no other", () => {
    const mm = testMm(testMachine({ hugepages: true }).sys);
    mapAnon(mm, BASE, 3 * PMD);
    touchRange(mm, BASE, 3 * PMD);
    splitVma(areaAt(mm, BASE), (BASE + PMD) as Va, true);
    expect(mm.sys.vmstat.get("thp_split_pmd")).to.equal(0);
    splitVma(areaAt(mm, BASE + PMD), (BASE + PMD + 5 * P) as Va, false);
    expect(mm.sys.vmstat.get("thp_split_pmd")).to.equal(1);
    expect([0, PMD, 2 * PMD].map((offset) => pteAt(mm, BASE + offset) & 2n)).to.deep.equal([0n, 2n, 0n]);
    checkAreas(mm.sys, [mm]);
  });

  it("can be refused, or be one area too many", () => {
    const mm = testMm(testMachine().sys);
    mapAnon(mm, at(0), 4 * P);
    const vma = areaAt(mm, at(0));
    mm.sys.tunables.maxMapCount = 1;
    expect(splitVma(vma, at(1), true)).to.equal(-12);
    const ops: VmOperations = { name: "test", fault: () => 0, maySplit: () => false };
    vma.ops = ops;
    expect(splitVmaUnchecked(vma, at(1), true)).to.equal(-22);
    expect(() => splitVmaUnchecked(vma, at(0), true)).to.throw("__split_vma");
    expect(drawAreas(mm, BASE, 4)).to.equal(picture("Wwww"));
  });
});

describe("areas as objects", () => {
  it("start with the protection of their flags", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    const vma = vmAreaAlloc(mm, { start: at(0), end: at(2), flags: 0xb, pgoff: 7, specialName: "[x]" });
    expect([vma.pageProt, vma.pgoff, vma.specialName, vma.droppable, vma.anonVmaChain]).to.deep.equal([0x68000000000fc3n, 7, "[x]", false, []]);
    const copy = vmAreaDup(vma);
    expect([copy.start, copy.mm === mm, copy.anonVmaChain === vma.anonVmaChain]).to.deep.equal([at(0), true, false]);
    // With LPA2 the shareability field holds address bits; 64K pages have no LPA2.
    expect(vmGetPageProt(testMachine({ cpu: { ...N1, lpa2: true } }).sys, 1)).to.equal(0x60000000000cc3n);
    expect(vmGetPageProt(testMachine({ granule: "64k", cpu: { ...N1, lpa2: true } }).sys, 1)).to.equal(0x60000000000fc3n);
  });

  it("enter an address space where there is room", () => {
    const mm = testMm(testMachine().sys);
    const vma = vmAreaAlloc(mm, { start: at(4), end: at(6), flags: 0x100073, pgoff: 0 });
    expect(insertVmStruct(mm, vma)).to.equal(0);
    expect([vma.pgoff, mm.sys.committedAs]).to.deep.equal([BASE / P + 4, 2]);
    expect(insertVmStruct(mm, vmAreaAlloc(mm, { start: at(5), end: at(7), flags: 0x73, pgoff: 0 }))).to.equal(-12);
    const large = vmAreaAlloc(mm, { start: at(100), end: (at(100) + 2 ** 30) as Va, flags: 0x100073, pgoff: 0 });
    expect(insertVmStruct(mm, large), "commit").to.equal(-12);
    expect(mm.vmas.count).to.equal(1);
  });

  it("leave with a close and the file's reference", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    const { file, mapping } = createTestFile(sys, { policy: EXT4_POLICY, size: P });
    doMmap(mm, { addr: at(0), len: P, prot: 1, flags: 0x11, file, pgoff: 0 });
    const vma = areaAt(mm, at(0));
    expect(mappingIsWritable(mapping.mmaps)).to.equal(true);
    const closed: unknown[] = [];
    vma.ops = { ...vma.ops!, close: (one) => void closed.push(one) };
    mm.vmas.remove(vma);
    unlinkFileVma(vma);
    removeVma(vma);
    expect([file.count, mapping.mmaps.size, closed]).to.deep.equal([1, 0, [vma]]);
    expect(mappingIsWritable(mapping.mmaps)).to.equal(false);
  });

  it("are data, code or stack by their flags", () => {
    // r, rw, rx, rwx, rw shared, growing rw, growing rwx
    const flags = [0x1, 0x3, 0x5, 0x7, 0xb, 0x103, 0x107];
    expect(flags.map(isDataMapping)).to.deep.equal([false, true, false, true, false, false, false]);
    expect(flags.map(isExecMapping)).to.deep.equal([false, false, true, false, false, false, false]);
    expect(flags.map(isStackMapping)).to.deep.equal([false, false, false, false, false, true, true]);
  });

  it("know their guard, accessibility and whether they can be locked", () => {
    const mm = testMm(testMachine().sys);
    const area = (start: number, flags: number, droppable = false) => vmAreaAlloc(mm, { start: start as Va, end: (start + P) as Va, flags, pgoff: 0, droppable });
    expect([vmStartGap(area(BASE, 0x3)), vmStartGap(area(BASE, 0x103)), vmStartGap(area(0x10000, 0x103))]).to.deep.equal([BASE, BASE - 256 * P, 0]);
    expect([0, 1, 2, 4].map((flags) => vmaIsAccessible(area(BASE, flags)))).to.deep.equal([false, true, true, true]);
    expect([0x3, 0x403, 0x4003, 0x40003, 0x10000003].map((flags) => vmaSupportsMlock(area(BASE, flags)))).to.deep.equal([true, false, false, false, false]);
    expect(vmaSupportsMlock(area(BASE, 0x3, true))).to.equal(false);
  });

  it("remember the largest sizes", () => {
    const mm = testMm(testMachine().sys);
    mapAnon(mm, at(0), 4 * P);
    touchRange(mm, at(0), 3 * P);
    expect(getMmRss(mm)).to.equal(3);
    updateHiwaterRss(mm);
    updateHiwaterVm(mm);
    mm.rss[1] = 1;
    mm.totalVm = 2;
    updateHiwaterRss(mm);
    updateHiwaterVm(mm);
    expect([mm.hiwaterRss, mm.hiwaterVm]).to.deep.equal([3, 4]);
  });
});
