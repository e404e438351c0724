/**
 * What a gather flushes, when it is full, and in which order it frees.
 */
import { expect } from "chai";
import type { Order, Pfn } from "../../../emulator/arch/addr.js";
import { folioAlloc } from "../../../kernel-model/mm/folio.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { MmuGather } from "../../../kernel-model/mm/mmu-gather.js";
import { CPU_RANGE } from "../../support/memory-system.js";
import { MmHarness, type HarnessOptions } from "../../support/mm-harness.js";

const P = 4096;
const BASE = 0x5000000000;
const PMD = 2 ** 21;

function machine(options: HarnessOptions = {}): { h: MmHarness; mm: MmStruct } {
  const h = new MmHarness(options);
  const mm = h.newMm();
  h.clear();
  return { h, mm };
}

/** What was issued: mnemonic, pages from BASE, level hint. */
function issued(h: MmHarness): (string | number | undefined)[][] {
  return h.sink.operations.map(({ op, start, end, level }) => (op === "aside1is" ? [op] : [op, (start - BASE) / P, (end - BASE) / P, level]));
}

describe("MmuGather", () => {
  it("flushes nothing if nothing was removed", () => {
    const { h, mm } = machine();
    new MmuGather(mm).finish();
    expect(h.sink.barriers).to.deep.equal([]);
    h.close();
  });

  it("flushes the span of removed entries with the hint of their level", () => {
    const { h, mm } = machine({ cpu: CPU_RANGE });
    const tlb = new MmuGather(mm);
    tlb.removeTlbEntries(BASE + 2 * P, 2);
    tlb.removeTlbEntries(BASE + 8 * P, 2);
    tlb.finish();
    expect(issued(h)).to.deep.equal([["rvale1is", 2, 10, 3]]);
    h.close();
  });

  it("uses the stride and the hint of blocks, and none when levels are mixed", () => {
    const { h, mm } = machine({ cpu: { ...CPU_RANGE, tlbiRange: false } });
    const tlb = new MmuGather(mm);
    tlb.removePmdTlbEntry(BASE);
    tlb.flushMmuTlbonly();
    expect(issued(h)).to.deep.equal([["vale1is", 0, 1, 2]]);
    h.sink.clear();
    tlb.flushPmdRange(BASE, PMD);
    tlb.flushPteRange(BASE + PMD, P);
    tlb.finish();
    expect(issued(h), "513 pages: beyond what single instructions are used for").to.deep.equal([["aside1is"]]);
    h.close();
  });

  it("invalidates walk caches when a table is freed, and frees it after that", () => {
    const { h, mm } = machine();
    const table = h.sys.pgtable.allocTable(mm, 3);
    const free = h.sys.buddy.nrFree;
    const tlb = new MmuGather(mm);
    tlb.freeTable(3, table, BASE);
    expect(h.sys.buddy.nrFree).to.equal(free);
    tlb.finish();
    expect(issued(h)).to.deep.equal([["vae1is", 0, 1, undefined]]);
    expect([h.sys.buddy.nrFree - free, mm.pgtablesBytes]).to.deep.equal([1, 0]);
    h.close();
  });

  it("flushes early when its list of tables is full", () => {
    const { h, mm } = machine();
    const tlb = new MmuGather(mm);
    for (let i = 0; i < 509; i++) tlb.freeTable(3, h.sys.pgtable.allocTable(mm, 3), BASE);
    expect(h.sink.operations.length).to.equal(1);
    tlb.finish();
    expect(h.sink.operations.length).to.equal(1);
    h.close();
  });

  it("of a whole mm flushes once, and only for tables", () => {
    const { h, mm } = machine();
    let tlb = new MmuGather(mm, true);
    tlb.removeTlbEntries(BASE, 1);
    tlb.endVma();
    tlb.finish();
    expect(issued(h)).to.deep.equal([]);
    tlb = new MmuGather(mm, true);
    tlb.freeTable(3, h.sys.pgtable.allocTable(mm, 3), BASE);
    tlb.finish();
    expect(issued(h)).to.deep.equal([["aside1is"]]);
    h.close();
  });

  it("says when it is full: 7 runs on the stack, 509 in each of 19 pages; runs of several pages count twice", () => {
    const { h, mm } = machine();
    const fill = (nr: number): number => {
      const tlb = new MmuGather(mm);
      const pages: Pfn[] = [];
      let full = false;
      while (!full) {
        const folio = folioAlloc(h.sys, (nr === 1 ? 0 : 1) as Order);
        h.sys.pages.refcount[folio] = nr;
        pages.push(folio);
        full = tlb.removeFolioPages(folio, nr, false);
      }
      tlb.finish();
      return pages.length;
    };
    expect(fill(1)).to.equal(7 + 19 * 509);
    // 8 slots hold 4 runs of two slots (7 is reached with the fourth), 510 hold 255.
    expect(fill(2)).to.equal(4 + 19 * 255);
    h.close();
  });

  it("begins no second page of runs while reverse mappings wait", () => {
    const { h, mm } = machine();
    const tlb = new MmuGather(mm);
    tlb.delayedRmap = true;
    let count = 0;
    for (let full = false; !full; count++) full = tlb.removeFolioPages(folioAlloc(h.sys, 0 as Order), 1, false);
    expect(count).to.equal(7 + 509);
    tlb.finish();
    h.close();
  });

  it("removes delayed reverse mappings when asked, and drops references only at the end", () => {
    const { h, mm } = machine();
    const vma = h.anon(mm, BASE, P);
    const folio = folioAlloc(h.sys, 0 as Order);
    h.sys.pages.mapcount[folio] = 1;
    h.sys.vmstat.add("nr_mapped", 1);
    const tlb = new MmuGather(mm);
    tlb.delayedRmap = true;
    tlb.removeFolioPages(folio, 1, true);
    expect(h.sys.pages.mapcount[folio]).to.equal(1);
    tlb.flushRmaps(vma);
    expect([h.sys.pages.mapcount[folio], h.sys.pages.refcount[folio]]).to.deep.equal([0, 1]);
    tlb.finish();
    expect(h.sys.pages.refcount[folio]).to.equal(0);
    h.close();
  });
});
