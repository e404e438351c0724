/**
 * Map counts, exclusivity, anon_vma trees and walks.
 */
import { expect } from "chai";
import type { Order, Pfn, Va } from "../../../emulator/arch/addr.js";
import { ModelBug } from "../../../emulator/arch/errors.js";
import { folioAlloc } from "../../../kernel-model/mm/folio.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { doMunmap } from "../../../kernel-model/mm/munmap.js";
import { doMprotect } from "../../../kernel-model/mm/mprotect.js";
import {
  anonVmaPrepare,
  flushTlbBatchedPending,
  folioAddAnonRmapPtes,
  folioAddFileRmapPtes,
  folioAddNewAnonRmap,
  folioRemoveRmapPmd,
  folioRemoveRmapPtes,
  linearPageIndex,
  rmapWalk,
  RMAP_NONE,
  vmaAddress,
} from "../../../kernel-model/mm/rmap.js";
import type { Vma } from "../../../kernel-model/mm/vma.js";
import { MmHarness } from "../../support/mm-harness.js";

const P = 4096;
const BASE = 0x5000000000;
const EXCLUSIVE = 1 << 12;

function machine(): { h: MmHarness; mm: MmStruct } {
  const h = new MmHarness();
  return { h, mm: h.newMm() };
}

/** Map counts of a folio: [all, by PMD, pages mapped]. */
function counts(h: MmHarness, folio: Pfn): number[] {
  const { pages } = h.sys;
  return [pages.largeMapcount[folio]!, pages.entireMapcount[folio]!, pages.nrPagesMapped[folio]!];
}

/** A new anonymous folio mapped at BASE by counts only. Undo with drop(). */
function newFolio(h: MmHarness, vma: Vma, order: number): Pfn {
  const folio = folioAlloc(h.sys, order as Order);
  anonVmaPrepare(vma);
  folioAddNewAnonRmap(folio, vma, vma.start);
  return folio;
}

describe("map counts", () => {
  it("of a new folio mapped by PTEs: every page once, all exclusive", () => {
    const { h, mm } = machine();
    const vma = h.anon(mm, BASE, 16 * P);
    const folio = newFolio(h, vma, 4);
    expect(counts(h, folio)).to.deep.equal([16, 0, 16]);
    for (let i = 0; i < 16; i++) expect(h.sys.pages.test((folio + i) as Pfn, EXCLUSIVE)).to.equal(true);
    expect(h.sys.vmstat.get("nr_anon_pages")).to.equal(16);
    expect(h.sys.thp.stat(4 as Order, "nr_anon")).to.equal(1);
    folioRemoveRmapPtes(folio, folio, 16, vma);
    expect(h.sys.vmstat.get("nr_anon_pages")).to.equal(0);
  });

  it("of a new folio of PMD size: once as a whole", () => {
    const { h, mm } = machine();
    const vma = h.anon(mm, BASE, 512 * P);
    const folio = newFolio(h, vma, 9);
    expect(counts(h, folio)).to.deep.equal([1, 1, 0]);
    expect([h.sys.vmstat.get("nr_anon_pages"), h.sys.vmstat.get("nr_anon_transparent_hugepages")]).to.deep.equal([512, 1]);
    // Mapped by entries as well: nothing new is mapped, and nothing unmapped when the PMD goes.
    folioAddAnonRmapPtes(folio, folio, 512, vma, vma.start, RMAP_NONE);
    expect(counts(h, folio)).to.deep.equal([513, 1, 512]);
    expect(h.sys.vmstat.get("nr_anon_pages")).to.equal(512);
    folioRemoveRmapPmd(folio, vma);
    expect(counts(h, folio)).to.deep.equal([512, 0, 512]);
    expect([h.sys.vmstat.get("nr_anon_pages"), h.sys.vmstat.get("nr_anon_transparent_hugepages")]).to.deep.equal([512, 0]);
  });

  it("count a page as mapped from its first mapping to its last", () => {
    const { h, mm } = machine();
    const vma = h.anon(mm, BASE, 4 * P);
    const folio = folioAlloc(h.sys, 2 as Order);
    folioAddFileRmapPtes(folio, folio, 4, vma);
    folioAddFileRmapPtes(folio, (folio + 1) as Pfn, 2, vma);
    expect([counts(h, folio), h.sys.vmstat.get("nr_mapped")]).to.deep.equal([[6, 0, 4], 4]);
    folioRemoveRmapPtes(folio, folio, 3, vma);
    expect([counts(h, folio), h.sys.vmstat.get("nr_mapped")]).to.deep.equal([[3, 0, 3], 3]);
    folioRemoveRmapPtes(folio, (folio + 1) as Pfn, 1, vma);
    expect(h.sys.vmstat.get("nr_mapped")).to.equal(2);
    expect(() => folioRemoveRmapPtes(folio, folio, 1, vma)).to.throw(ModelBug, "not mapped");
  });

  it("queue an anonymous folio once some of its pages are unmapped, but not when a shared page loses one of its mappings", () => {
    const { h, mm } = machine();
    const vma = h.anon(mm, BASE, 16 * P);
    const folio = newFolio(h, vma, 4);
    folioAddAnonRmapPtes(folio, folio, 16, vma, vma.start, RMAP_NONE);
    folioRemoveRmapPtes(folio, folio, 8, vma);
    expect(h.sys.thp.stat(4 as Order, "split_deferred")).to.equal(0);
    folioRemoveRmapPtes(folio, folio, 1, vma);
    expect(h.sys.thp.stat(4 as Order, "split_deferred")).to.equal(1);
  });

  it("refuse an anonymous page at a wrong place", () => {
    const { h, mm } = machine();
    const vma = h.anon(mm, BASE, 8 * P);
    const folio = newFolio(h, vma, 0);
    expect(() => folioAddAnonRmapPtes(folio, folio, 1, vma, (BASE + P) as Va, RMAP_NONE)).to.throw(ModelBug, "not at its index");
  });
});

describe("anon_vma", () => {
  it("is made by the first write, and shared with a neighbour that could be merged", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, 4 * P);
    h.touch(mm, BASE, "write");
    const first = mm.vmas.lookup(BASE)!;
    doMprotect(mm, (BASE + 2 * P) as Va, 2 * P, 1);
    const upper = mm.vmas.lookup(BASE + 2 * P)!;
    expect(upper.anonVma, "the cut clones it").to.equal(first.anonVma);
    h.anon(mm, BASE + 4 * P, P);
    h.touch(mm, BASE + 4 * P, "write");
    expect(mm.vmas.lookup(BASE + 4 * P)!.anonVma, "lent by the neighbour").to.equal(first.anonVma);
    expect(first.anonVma!.vmas.size).to.equal(3);
    expect(first.anonVma!.numActiveVmas).to.equal(3);
    h.close();
  });

  it("of a child hangs below the parent's", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, P);
    h.touch(mm, BASE, "write");
    const parent = mm.vmas.lookup(BASE)!;
    const child = h.fork(mm).vmas.lookup(BASE)!;
    expect(child.anonVma).to.not.equal(parent.anonVma);
    expect(child.anonVma!.parent).to.equal(parent.anonVma);
    expect(child.anonVma!.root).to.equal(parent.anonVma);
    expect(child.anonVmaChain).to.deep.equal([child.anonVma, parent.anonVma]);
    expect([...parent.anonVma!.vmas]).to.deep.equal([parent, child]);
    expect(parent.anonVma!.numChildren, "itself and the child").to.equal(2);
    h.close();
  });

  it("without areas of its own and with one child is taken over, so a line of forks does not grow without end", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, P);
    h.touch(mm, BASE, "write");
    let current = mm;
    const depths: number[] = [];
    for (let i = 0; i < 6; i++) {
      const next = h.fork(current);
      h.exit(current);
      current = next;
      depths.push(current.vmas.lookup(BASE)!.anonVmaChain.length);
    }
    expect(depths).to.deep.equal([2, 3, 3, 3, 3, 3]);
    h.close();
  });

  it("goes with its last area", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, 2 * P);
    h.touch(mm, BASE, "write");
    const id = mm.vmas.lookup(BASE)!.anonVma!.id;
    doMunmap(mm, BASE as Va, P);
    expect(h.sys.mappings.anonVma(id).vmas.size).to.equal(1);
    doMunmap(mm, (BASE + P) as Va, P);
    expect(() => h.sys.mappings.anonVma(id)).to.throw(ModelBug);
    h.close();
  });
});

describe("rmap_walk", () => {
  it("visits every area that may map the folio, with the address of its first page there", () => {
    const { h, mm } = machine();
    h.sys.thp.setSizeEnabled(2 as Order, "always");
    h.anon(mm, BASE, 16 * P);
    h.touch(mm, BASE + 4 * P, "write");
    const folio = h.frame(mm, BASE + 4 * P) as Pfn;
    const child = h.fork(mm);
    doMunmap(child, (BASE + 2 * P) as Va, 3 * P);
    const seen: [MmStruct, number][] = [];
    rmapWalk(h.sys, folio, (vma, address) => {
      seen.push([vma.mm, (address - BASE) / P]);
      return true;
    });
    // The child's lower area ends below the folio; the upper one begins inside it.
    expect(seen.map(([who, page]) => [who === mm ? "parent" : "child", page])).to.deep.equal([
      ["parent", 4],
      ["child", 5],
    ]);
    let visits = 0;
    rmapWalk(h.sys, folio, () => ++visits > 1);
    expect(visits, "stops on false").to.equal(1);
    h.close();
  });

  it("computes addresses from page offsets", () => {
    const { h, mm } = machine();
    const vma = h.anon(mm, BASE, 8 * P);
    const first = BASE / P;
    expect(linearPageIndex(vma, BASE + 3 * P)).to.equal(first + 3);
    expect(vmaAddress(vma, first + 3, 1)).to.equal(BASE + 3 * P);
    expect(vmaAddress(vma, first + 8, 1)).to.equal(-1);
    expect(vmaAddress(vma, first - 4, 4)).to.equal(-1);
    expect(vmaAddress(vma, first - 4, 5)).to.equal(BASE);
    h.close();
  });
});

describe("flush_tlb_batched_pending", () => {
  it("flushes the mm once", () => {
    const { h, mm } = machine();
    mm.tlbFlushBatched = true;
    h.clear();
    flushTlbBatchedPending(mm);
    flushTlbBatchedPending(mm);
    expect(h.maintenance()).to.deep.equal({ aside1is: 1, "dsb ish": 1 });
    h.close();
  });
});
