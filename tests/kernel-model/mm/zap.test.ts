/**
 * Removing mappings: pages, blocks, PMD mappings, files; batches and flushes.
 */
import { expect } from "chai";
import type { Order, Pfn, Va } from "../../../emulator/arch/addr.js";
import { EXT4_POLICY, TMPFS_POLICIES } from "../../../kernel-model/fs/folio-policies.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { MmuGather } from "../../../kernel-model/mm/mmu-gather.js";
import { unmapMappingFolio, unmapMappingPages, unmapVmas, zapPageRangeSingle } from "../../../kernel-model/mm/zap.js";
import { MmHarness, type HarnessOptions } from "../../support/mm-harness.js";
import { createTestFile, MAP_PRIVATE, MAP_SHARED, mapFile, PROT_READ, PROT_RW, type TestFile } from "../../support/page-cache.js";

const P = 4096;
const BASE = 0x5000000000;
const PG_DIRTY = 1 << 3;
const PG_REFERENCED = 1 << 1;

function machine(order = 0, options: HarnessOptions = {}): { h: MmHarness; mm: MmStruct } {
  const h = new MmHarness(options);
  h.sys.thp.enabled = "never";
  if (order > 0) h.sys.thp.setSizeEnabled(order as Order, "always");
  return { h, mm: h.newMm() };
}

/** "x" for each mapped page of [0, pages). */
function mapped(h: MmHarness, mm: MmStruct, pages: number): string {
  return Array.from({ length: pages }, (_, i) => (h.pte(mm, BASE + i * P) === 0n ? "." : "x")).join("");
}

function dispose(h: MmHarness, ...files: TestFile[]): void {
  for (const mm of [...h.mms]) h.exit(mm);
  for (const file of files) file.dispose();
  h.close();
}

describe("zap_page_range_single", () => {
  it("drops pages, their references and their counts", () => {
    const { h, mm } = machine();
    const vma = h.anon(mm, BASE, 8 * P);
    h.touchAll(mm, BASE, BASE + 8 * P, "write");
    const free = h.sys.buddy.nrFree;
    zapPageRangeSingle(vma, (BASE + 2 * P) as Va, 3 * P);
    expect(mapped(h, mm, 8)).to.equal("xx...xxx");
    expect(h.sys.buddy.nrFree - free).to.equal(3);
    expect([mm.rss[1], mm.hiwaterRss]).to.deep.equal([5, 8]);
    h.close();
  });

  it("drops the zero page without touching a count", () => {
    const { h, mm } = machine();
    const vma = h.anon(mm, BASE, 2 * P);
    h.touch(mm, BASE, "read");
    zapPageRangeSingle(vma, BASE as Va, P);
    expect(mapped(h, mm, 2)).to.equal("..");
    h.close();
  });

  it("sees nothing to do, and flushes nothing, in an untouched area of any size", () => {
    const { h, mm } = machine();
    const vma = h.anon(mm, 2 ** 40, 2 ** 45, 3, 0x4032);
    h.clear();
    zapPageRangeSingle(vma, vma.start, vma.end - vma.start);
    expect(h.maintenance()).to.deep.equal({ "dsb ish": 0 });
    h.close();
  });

  it("queues a large folio that lost some of its pages", () => {
    const { h, mm } = machine(4);
    const vma = h.anon(mm, BASE, 16 * P);
    h.touch(mm, BASE, "write");
    const stat = (name: "split_deferred" | "nr_anon_partially_mapped" | "nr_anon"): number => h.sys.thp.stat(4 as Order, name);
    zapPageRangeSingle(vma, BASE as Va, 4 * P);
    zapPageRangeSingle(vma, (BASE + 8 * P) as Va, 4 * P);
    expect([stat("split_deferred"), stat("nr_anon_partially_mapped"), stat("nr_anon")]).to.deep.equal([1, 1, 1]);
    expect(h.sys.hugeMemory.deferredSplit.size).to.equal(1);
    zapPageRangeSingle(vma, BASE as Va, 16 * P);
    expect([stat("split_deferred"), stat("nr_anon_partially_mapped"), stat("nr_anon")]).to.deep.equal([1, 0, 0]);
    expect(h.sys.hugeMemory.deferredSplit.size).to.equal(0);
    h.close();
  });

  it("splits a PMD mapping that it covers in part, and removes a whole one with its reserved table", () => {
    const { h, mm } = machine(9);
    const vma = h.anon(mm, BASE, 2 ** 22);
    h.touch(mm, BASE, "write");
    h.touch(mm, BASE + 2 ** 21, "write");
    h.clear();
    zapPageRangeSingle(vma, BASE as Va, 2 ** 21);
    expect(h.pmd(mm, BASE)).to.equal(0n);
    expect(h.maintenance(), "one block, level hint 2").to.deep.equal({ vale1is: 1, "dsb ish": 1 });
    zapPageRangeSingle(vma, (BASE + 2 ** 21) as Va, P);
    expect(h.pmd(mm, BASE + 2 ** 21) & 3n).to.equal(3n);
    expect(mm.rss[1]).to.equal(511);
    h.close();
  });

  it("carries dirty and young of file pages to the folio, with the rmap removed after the flush", () => {
    const { h, mm } = machine();
    const test = createTestFile(h.sys, { policy: TMPFS_POLICIES.never, size: 2 * P });
    mapFile(mm, BASE, 2 * P, PROT_RW, MAP_SHARED, test.file);
    h.touch(mm, BASE, "write");
    const folio = h.frame(mm, BASE) as Pfn;
    h.sys.pages.clear(folio, PG_DIRTY | PG_REFERENCED);
    h.clear();
    zapPageRangeSingle(mm.vmas.lookup(BASE)!, BASE as Va, P);
    expect(h.sys.pages.flags[folio]! & (PG_DIRTY | PG_REFERENCED)).to.equal(PG_DIRTY | PG_REFERENCED);
    expect(h.sys.pages.mapcount[folio]).to.equal(0);
    expect(h.maintenance()).to.deep.equal({ vale1is: 1, "dsb ish": 1 });
    dispose(h, test);
  });
});

describe("unmap_vmas", () => {
  it("flushes at the end of each area", () => {
    const { h, mm } = machine();
    const areas = [h.anon(mm, BASE, P), h.anon(mm, BASE + 4 * P, P, 1)];
    h.touch(mm, BASE, "write");
    h.touch(mm, BASE + 4 * P, "read");
    h.clear();
    const tlb = new MmuGather(mm);
    unmapVmas(tlb, areas, BASE as Va, (BASE + 5 * P) as Va);
    expect(h.maintenance()).to.deep.equal({ vale1is: 2, "dsb ish": 2 });
    tlb.finish();
    expect(h.maintenance()).to.deep.equal({ vale1is: 2, "dsb ish": 2 });
    h.close();
  });

  it("flushes in between when the gather is full", () => {
    // 7 slots on the stack, then 19 pages of 509 slots: 9678 pages.
    const { h, mm } = machine(0, { memoryMib: 64 });
    const vma = h.anon(mm, BASE, 9700 * P);
    h.touchAll(mm, BASE, BASE + 9700 * P, "write");
    h.clear();
    zapPageRangeSingle(vma, BASE as Va, 9700 * P);
    expect(h.sink.operations.map(({ op }) => op)).to.deep.equal(["aside1is", ...Array<string>(22).fill("vale1is")]);
    h.close();
  });

  it("honours what reclaim has deferred", () => {
    const { h, mm } = machine();
    const vma = h.anon(mm, BASE, P);
    h.touch(mm, BASE, "write");
    mm.tlbFlushBatched = true;
    h.clear();
    zapPageRangeSingle(vma, BASE as Va, P);
    expect(h.maintenance()).to.deep.equal({ aside1is: 1, vale1is: 1, "dsb ish": 2 });
    expect(mm.tlbFlushBatched).to.equal(false);
    h.close();
  });

  it("without batches takes each page by itself", () => {
    const { h, mm } = machine(4, { batch: false });
    const vma = h.anon(mm, BASE, 16 * P);
    h.touch(mm, BASE, "write");
    h.clear();
    zapPageRangeSingle(vma, BASE as Va, 16 * P);
    expect(h.maintenance(), "the first page unfolds the block").to.deep.equal({ vale1is: 32, "dsb ish": 2 });
    h.close();
  });
});

describe("unmap_mapping_pages", () => {
  it("unmaps pages of a file everywhere, private copies only if asked", () => {
    const { h, mm } = machine();
    const test = createTestFile(h.sys, { policy: EXT4_POLICY, size: 8 * P });
    mapFile(mm, BASE, 8 * P, PROT_RW, MAP_PRIVATE, test.file);
    const other = h.newMm();
    mapFile(other, BASE, 4 * P, PROT_READ, MAP_SHARED, test.file, 4 * P);
    h.touchAll(mm, BASE, BASE + 8 * P, "read");
    h.touchAll(other, BASE, BASE + 4 * P, "read");
    h.writeByte(mm, BASE + 5 * P, 1);
    unmapMappingPages(test.mapping, 4, 3, false);
    expect([mapped(h, mm, 8), mapped(h, other, 4)]).to.deep.equal(["xxxx.x.x", "...x"]);
    unmapMappingPages(test.mapping, 5, 0, true);
    expect([mapped(h, mm, 8), mapped(h, other, 4)]).to.deep.equal(["xxxx....", "...."]);
    h.touch(mm, BASE + 6 * P, "read");
    unmapMappingFolio(h.sys, h.frame(mm, BASE + 6 * P) as Pfn);
    expect(h.pte(mm, BASE + 6 * P)).to.equal(0n);
    dispose(h, test);
  });
});
