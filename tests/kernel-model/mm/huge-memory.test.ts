/**
 * Which folio sizes an area may use, and faults on PMD ranges.
 */
import { expect } from "chai";
import type { Order, Pfn, Va } from "../../../emulator/arch/addr.js";
import { folioAlloc, folioPut } from "../../../kernel-model/mm/folio.js";
import {
  mmGetHugeZeroFolio,
  shrinkHugeZeroFolio,
  thpOrdersAllAnon,
  thpOrdersAllFile,
  thpVmaAllowableOrders,
  thpVmaSuitableOrder,
  thpVmaSuitableOrders,
  touchPmd,
  TVA_ENFORCE_SYSFS,
  TVA_IN_PF,
  TVA_SMAPS,
} from "../../../kernel-model/mm/huge-memory.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { EXT4_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile, MAP_PRIVATE, mapFile, PROT_READ } from "../../support/page-cache.js";

const P = 4096;
const PMD = 2 ** 21;
const BASE = 0x5000000000;
const HUGEPAGE = 0x20000000;
const NOHUGEPAGE = 0x40000000;

function machine(): { h: MmHarness; mm: MmStruct } {
  const h = new MmHarness();
  return { h, mm: h.newMm() };
}

const bits = (...orders: number[]): number => orders.reduce((set, order) => set | (1 << order), 0);

describe("orders", () => {
  it("that exist: anonymous from 2, page cache from 1 to at most 11, both up to the PMD's", () => {
    for (const [granule, anon, file] of [["4k", 9, 9], ["16k", 11, 11], ["64k", 13, 11]] as const) {
      const { sys } = new MmHarness({ granule });
      expect(thpOrdersAllAnon(sys)).to.equal(2 ** (anon + 1) - 4);
      expect(thpOrdersAllFile(sys)).to.equal(2 ** (file + 1) - 2);
    }
  });

  it("that suit an address: aligned range inside the area", () => {
    const { h, mm } = machine();
    const vma = h.anon(mm, BASE + 4 * P, 20 * P);
    expect(thpVmaSuitableOrder(vma, BASE + 5 * P, 2)).to.equal(true);
    expect(thpVmaSuitableOrder(vma, BASE + 5 * P, 3)).to.equal(false);
    expect(thpVmaSuitableOrders(vma, BASE + 9 * P, bits(2, 3, 4))).to.equal(bits(2, 3));
    expect(thpVmaSuitableOrders(vma, BASE + 9 * P, bits(4, 5))).to.equal(0);
    h.close();
  });

  it("that suit a file: its offset must be aligned as well", () => {
    const { h, mm } = machine();
    const test = createTestFile(h.sys, { policy: EXT4_POLICY, size: 64 * P });
    mapFile(mm, BASE, 32 * P, PROT_READ, MAP_PRIVATE, test.file, 4 * P);
    const vma = mm.vmas.lookup(BASE)!;
    expect([2, 3].map((order) => thpVmaSuitableOrder(vma, BASE + 8 * P, order))).to.deep.equal([true, false]);
    expect(thpVmaAllowableOrders(vma, vma.flags, TVA_IN_PF | TVA_ENFORCE_SYSFS, bits(9)), "no huge_fault").to.equal(0);
    h.exit(mm);
    test.dispose();
    h.close();
  });

  it("that sysfs allows: always, madvise with advice, inherit by the top-level switch", () => {
    const { h, mm } = machine();
    const vma = h.anon(mm, BASE, PMD);
    const { thp } = h.sys;
    thp.setSizeEnabled(4 as Order, "always");
    thp.setSizeEnabled(5 as Order, "madvise");
    thp.setSizeEnabled(6 as Order, "inherit");
    thp.setSizeEnabled(9 as Order, "never");
    const allowed = (flags: number): number => thpVmaAllowableOrders(vma, vma.flags | flags, TVA_IN_PF | TVA_ENFORCE_SYSFS, bits(2, 4, 5, 6, 9));
    thp.enabled = "never";
    expect([allowed(0), allowed(HUGEPAGE)]).to.deep.equal([bits(4), bits(4, 5)]);
    thp.enabled = "madvise";
    expect([allowed(0), allowed(HUGEPAGE)]).to.deep.equal([bits(4), bits(4, 5, 6)]);
    thp.enabled = "always";
    expect([allowed(0), allowed(HUGEPAGE), allowed(HUGEPAGE | NOHUGEPAGE)]).to.deep.equal([bits(4, 6), bits(4, 5, 6), 0]);
    expect(thpVmaAllowableOrders(vma, vma.flags, TVA_IN_PF, bits(2, 5)), "without sysfs").to.equal(bits(2, 5));
    h.close();
  });

  it("that smaps shows: those with room for one folio", () => {
    const { h, mm } = machine();
    const vma = h.anon(mm, BASE + P, 10 * P);
    expect(thpVmaAllowableOrders(vma, vma.flags, TVA_SMAPS, bits(2, 3, 4))).to.equal(bits(2));
    expect(thpVmaAllowableOrders(vma, vma.flags, 0, bits(2)), "khugepaged wants an anon_vma").to.equal(0);
    mm.temporaryStack = vma;
    expect(thpVmaAllowableOrders(vma, vma.flags, TVA_IN_PF, bits(2)), "exec's stack").to.equal(0);
    h.close();
  });
});

describe("faults on PMD ranges", () => {
  it("map a folio of PMD size", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, PMD);
    h.clear();
    expect(h.touchAll(mm, BASE, BASE + PMD, "write")).to.equal(1);
    expect(h.pmd(mm, BASE) & ~0x0000fffffffff000n).to.equal(0x00e8000000000f41n);
    expect(h.served).to.deep.equal([{ address: BASE, kind: "anonWrite", order: 9 }]);
    expect([h.sys.vmstat.get("thp_fault_alloc"), h.sys.thp.stat(9 as Order, "anon_fault_alloc"), mm.rss[1]]).to.deep.equal([1, 1, 512]);
    expect(mm.pgtablesBytes, "levels 1 and 2, and one of level 3 in reserve").to.equal(3 * P);
    h.close();
  });

  it("read through the huge zero folio, which all share", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, 2 * PMD);
    h.touch(mm, BASE, "read");
    h.touch(mm, BASE + PMD, "read");
    const other = h.fork(mm);
    expect([h.sys.vmstat.get("thp_zero_page_alloc"), h.sys.hugeMemory.hugeZeroRefcount, mm.rss[1]]).to.deep.equal([1, 3, 0]);
    expect(h.pmd(other, BASE) & 0x0000fffffffff000n).to.equal(h.pmd(mm, BASE + PMD) & 0x0000fffffffff000n);
    h.clear();
    h.writeByte(mm, BASE + 5 * P, 1);
    expect(h.served.map(({ kind, order }) => [kind, order]), "the write splits and copies one page").to.deep.equal([["wpCopy", 0]]);
    expect(h.sys.vmstat.get("thp_split_pmd")).to.equal(1);
    expect(shrinkHugeZeroFolio(h.sys), "in use").to.equal(false);
    h.exit(mm);
    h.exit(other);
    expect(shrinkHugeZeroFolio(h.sys)).to.equal(true);
    h.close();
  });

  it("without use_zero_page allocate for reads too", () => {
    const { h, mm } = machine();
    h.sys.thp.useZeroPage = false;
    h.anon(mm, BASE, PMD);
    h.touch(mm, BASE, "read");
    expect(h.sys.vmstat.get("thp_fault_alloc")).to.equal(1);
    h.close();
  });

  it("go on with smaller folios where the area has no PMD range or memory no block", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE + P, PMD);
    h.touch(mm, BASE + P, "write");
    expect(h.sys.vmstat.get("thp_fault_fallback"), "not a failure").to.equal(0);
    const held: Pfn[] = [];
    for (let folio = folioAlloc(h.sys, 9 as Order); folio !== -1; folio = folioAlloc(h.sys, 9 as Order)) held.push(folio);
    h.anon(mm, BASE + 4 * PMD, PMD);
    h.touch(mm, BASE + 4 * PMD, "write");
    expect([h.sys.vmstat.get("thp_fault_fallback"), h.sys.thp.stat(9 as Order, "anon_fault_fallback"), mm.rss[1]]).to.deep.equal([1, 1, 2]);
    for (const folio of held) folioPut(h.sys, folio);
    h.close();
  });

  it("report a missing huge zero folio", () => {
    const { h, mm } = machine();
    const held: Pfn[] = [];
    for (let folio = folioAlloc(h.sys, 9 as Order); folio !== -1; folio = folioAlloc(h.sys, 9 as Order)) held.push(folio);
    expect(mmGetHugeZeroFolio(mm)).to.equal(-1);
    expect(h.sys.vmstat.get("thp_zero_page_alloc_failed")).to.equal(1);
    for (const folio of held) folioPut(h.sys, folio);
    h.close();
  });

  it("split a folio that a child maps, and copy one page", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, PMD);
    h.writeByte(mm, BASE, 9);
    h.fork(mm);
    h.clear();
    h.writeByte(mm, BASE + 3 * P, 1);
    expect(h.pmd(mm, BASE) & 3n).to.equal(3n);
    expect(h.maintenance(), "the block, the contiguous run, the page").to.deep.equal({ vae1is: 1, vale1is: 17, "dsb ish": 3 });
    expect(h.readByte(mm, BASE)).to.equal(9);
    h.close();
  });

  it("set flags of the whole block", () => {
    const { h, mm } = machine();
    const vma = h.anon(mm, BASE, PMD);
    h.touch(mm, BASE, "write");
    const { pgtable } = h.sys;
    const pmdp = pgtable.pmdOffset(mm, BASE as Va);
    pgtable.pmdpTestAndClearYoung(vma, BASE as Va, pmdp);
    expect(touchPmd(vma, (BASE + 7 * P) as Va, pmdp, false)).to.equal(true);
    expect(touchPmd(vma, (BASE + 7 * P) as Va, pmdp, false)).to.equal(false);
    h.close();
  });
});
