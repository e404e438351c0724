/**
 * What reclaim does to each folio: references, slots, waits, and what stays.
 */
import { expect } from "chai";
import type { Order, Pfn, Va } from "../../../emulator/arch/addr.js";
import { folioGet, folioPut } from "../../../kernel-model/mm/folio.js";
import { doMlock } from "../../../kernel-model/mm/mlock.js";
import { dupMm } from "../../../kernel-model/mm/mm-lifecycle.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { doMunmap } from "../../../kernel-model/mm/munmap.js";
import { folioReferenced, shrinkFolioList } from "../../../kernel-model/mm/shrink-folio-list.js";
import { folioIsolateLru, folioPutbackLru } from "../../../kernel-model/mm/swap-lru.js";
import { checkAreas, frameAt, limits, mapAnon, pteAt, releaseAll, testMachine, type TestMachine, testMm, touchRange } from "../../support/areas.js";

const P = 4096;
const BASE = 0x5000000000;
const at = (page: number): Va => (BASE + page * P) as Va;
const YOUNG = 1n << 10n;
const REFERENCED = 1 << 1;
const ACTIVE = 1 << 5;

/** `pages` written pages in folios of `order`, with swap space unless asked otherwise. */
function world(pages: number, order = 0, swapMib = 16): TestMachine & { mm: MmStruct; folio: (page: number) => Pfn } {
  const machine = testMachine({ swapBytes: swapMib * 2 ** 20 });
  for (const each of machine.sys.thp.anonOrders) machine.sys.thp.setSizeEnabled(each, each === order ? "always" : "never");
  const mm = testMm(machine.sys);
  mapAnon(mm, at(0), pages * P);
  touchRange(mm, at(0), pages * P);
  machine.takeTlbi();
  return { ...machine, mm, folio: (page) => machine.sys.pages.head(frameAt(mm, at(page)) as Pfn) };
}

/** Isolates the folios, shrinks them, and puts back what stays. */
function shrink({ sys }: TestMachine, folios: readonly Pfn[], ignoreReferences: boolean): { reclaimed: number; kept: Pfn[] } {
  for (const folio of folios) folioIsolateLru(sys, folio);
  const { reclaimed, kept } = shrinkFolioList(sys, folios, ignoreReferences);
  for (const folio of kept) folioPutbackLru(sys, folio);
  return { reclaimed, kept: [...kept] };
}

describe("references", () => {
  it("it takes two looks: the first finds the page young and flushes it, the second takes it", () => {
    const w = world(2);
    const folios = [w.folio(0), w.folio(1)];
    expect(shrink(w, folios, false)).to.deep.equal({ reclaimed: 0, kept: folios });
    expect(w.takeTlbi(), "without waits").to.deep.equal({ vale1is: 2 });
    expect([pteAt(w.mm, at(0)) & YOUNG, w.sys.pages.test(folios[0]!, REFERENCED)]).to.deep.equal([0n, true]);
    expect(shrink(w, folios, false)).to.deep.equal({ reclaimed: 2, kept: [] });
    expect(w.takeTlbi()).to.deep.equal({ vale1is: 2, dsb: 2 });
    checkAreas(w.sys, [w.mm]);
  });

  it("a page used again between two looks becomes active", () => {
    const w = world(1);
    const folio = w.folio(0);
    shrink(w, [folio], false);
    const { pgtable } = w.sys;
    const ptep = pgtable.pteOffset(pgtable.pmdpGet(pgtable.pmdOffset(w.mm, at(0))), at(0));
    pgtable.rawSet(ptep, pgtable.rawGet(ptep) | YOUNG);
    expect(shrink(w, [folio], false).kept).to.deep.equal([folio]);
    expect([w.sys.pages.test(folio, ACTIVE), w.sys.vmstat.get("pgactivate"), w.sys.vmstat.get("nr_active_anon")]).to.deep.equal([true, 1, 1]);
  });

  it("one look makes a contiguous block old: one flush of the block, one reference", () => {
    const w = world(16, 4);
    expect(folioReferenced(w.sys, w.folio(0)).referenced).to.equal(1);
    expect(w.takeTlbi()).to.deep.equal({ vale1is: 16 });
    expect(Array.from({ length: 16 }, (_, page) => pteAt(w.mm, at(page)) & YOUNG).every((bit) => bit === 0n)).to.equal(true);
    expect(folioReferenced(w.sys, w.folio(0)).referenced).to.equal(0);
    expect(w.takeTlbi()).to.deep.equal({});
  });

  it("each process that used the page is a reference; two of them make it active at once", () => {
    const w = world(1);
    const child = dupMm(w.mm, limits())!;
    w.sys.mmuContext.checkAndSwitchContext(child);
    const { pgtable } = w.sys;
    const ptep = pgtable.pteOffset(pgtable.pmdpGet(pgtable.pmdOffset(child, at(0))), at(0));
    pgtable.rawSet(ptep, pgtable.rawGet(ptep) | YOUNG);
    shrink(w, [w.folio(0)], false);
    expect(w.sys.pages.test(w.folio(0), ACTIVE)).to.equal(true);
  });

  it("a folio in a locked area is not looked at further, and stays", () => {
    const w = world(1);
    const folio = w.folio(0);
    expect(doMlock(w.mm, at(0), P, 0)).to.equal(0);
    w.takeTlbi();
    expect(shrink(w, [folio], false)).to.deep.equal({ reclaimed: 0, kept: [folio] });
    expect(w.takeTlbi()).to.deep.equal({});
    checkAreas(w.sys, [w.mm]);
  });
});

describe("swapping out", () => {
  it("a dirty page waits for its TLBI before it is written: one wait per page", () => {
    const w = world(5);
    shrink(w, [0, 1, 2, 3, 4].map(w.folio), true);
    expect(w.takeTlbi()).to.deep.equal({ vale1is: 5, dsb: 5 });
    expect([w.sys.vmstat.get("pswpout"), w.sys.vmstat.get("nr_vmscan_write")]).to.deep.equal([5, 5]);
  });

  it("a contiguous folio: unfolded, its pages one by one, one wait for all", () => {
    const w = world(16, 4);
    expect(shrink(w, [w.folio(0)], true).reclaimed).to.equal(16);
    expect(w.takeTlbi()).to.deep.equal({ vale1is: 32, dsb: 2 });
    checkAreas(w.sys, [w.mm]);
  });

  it("a folio of which a part is unmapped is split first, and only what is mapped goes to swap", () => {
    const w = world(16, 4);
    const folio = w.folio(0);
    doMunmap(w.mm, at(4), 3 * P);
    expect(shrink(w, [folio], true).reclaimed).to.equal(13);
    const { thp, vmstat } = w.sys;
    expect([thp.stat(4 as Order, "split"), thp.stat(4 as Order, "swpout_fallback"), thp.stat(4 as Order, "swpout"), vmstat.get("pswpout"), w.mm.rss[2]]).to.deep.equal([1, 0, 0, 13, 13]);
    checkAreas(w.sys, [w.mm]);
  });

  it("where no slots in a row are left, it is split and goes page by page", () => {
    const w = world(16, 4, 8);
    const { swap } = w.sys;
    // One slot of each group of sixteen stays taken.
    for (let slot = swap!.allocate(4), groups: number[] = []; ; slot = swap!.allocate(4)) {
      if (slot !== 0) {
        groups.push(slot);
        continue;
      }
      for (const group of groups) for (let i = 1; i < 16; i++) swap!.putFolio(group + i, 1);
      break;
    }
    w.takeTlbi();
    expect(shrink(w, [w.folio(0)], true).reclaimed).to.equal(16);
    expect(w.sys.thp.stat(4 as Order, "swpout_fallback")).to.equal(1);
    expect(w.takeTlbi(), "unfold 16, split 16, pages 16; one wait each for block, split, page").to.deep.equal({ vale1is: 48, dsb: 18 });
    expect(w.mm.rss[2]).to.equal(16);
  });

  it("with swap full, pages stay and become active", () => {
    const w = world(3, 0, 1);
    while (w.sys.swap!.allocate(0) !== 0);
    const folios = [0, 1, 2].map(w.folio);
    expect(shrink(w, folios, true)).to.deep.equal({ reclaimed: 0, kept: folios });
    expect(w.sys.vmstat.get("nr_active_anon")).to.equal(3);
  });

  it("a folio that somebody holds stays: with its slots if it was unmapped", () => {
    const w = world(1);
    const folio = w.folio(0);
    folioGet(w.sys, folio);
    expect(shrink(w, [folio], true).reclaimed).to.equal(0);
    expect([w.mm.rss[2], w.sys.vmstat.get("nr_swapcached")]).to.deep.equal([1, 1]);
    folioPut(w.sys, folio);
    expect(shrink(w, [folio], true).reclaimed, "nobody holds it now").to.equal(1);
    expect([w.mm.rss[2], w.sys.vmstat.get("nr_swapcached"), w.sys.vmstat.get("pswpout")]).to.deep.equal([1, 0, 1]);
    checkAreas(w.sys, [w.mm]);
  });

  it("a page shared after fork goes out of both, and both have the slot", () => {
    const w = world(2);
    const child = dupMm(w.mm, limits())!;
    shrink(w, [w.folio(0)], true);
    expect([w.mm.rss[2], child.rss[2], pteAt(w.mm, at(0)), pteAt(w.mm, at(0)) & 4n]).to.deep.equal([1, 1, pteAt(child, at(0)), 0n]);
    checkAreas(w.sys, [w.mm, child]);
  });

  it("everything comes back at the end", () => {
    const { sys } = testMachine({ swapBytes: 2 ** 24 });
    const free = sys.buddy.nrFree;
    const mm = testMm(sys);
    mapAnon(mm, at(0), 64 * P);
    touchRange(mm, at(0), 64 * P);
    const machine: TestMachine = { sys, takeTlbi: () => ({}) };
    shrink(machine, Array.from({ length: 40 }, (_, page) => frameAt(mm, at(page)) as Pfn), true);
    releaseAll(sys, [mm], free);
    expect(sys.swap!.inusePages).to.equal(sys.swap!.slotsWaiting.length);
  });
});
