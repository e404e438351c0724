/**
 * The swap cache: entering, leaving, who holds references, and when slots are given up.
 */
import { expect } from "chai";
import type { Order, Pfn } from "../../../emulator/arch/addr.js";
import { ModelBug } from "../../../emulator/arch/errors.js";
import { checkSystem } from "../../../kernel-model/mm/check.js";
import { folioAlloc, folioGet, folioPut } from "../../../kernel-model/mm/folio.js";
import type { MemorySystem } from "../../../kernel-model/mm/memory-system.js";
import { swapWriteFolio } from "../../../kernel-model/mm/page-io.js";
import {
  addToSwap,
  deleteFromSwapCache,
  folioFreeSwap,
  freeSwapAndCache,
  freeSwapCache,
  pageSwapEntry,
  readSwapCache,
  removeCleanFromSwapCache,
  swapOf,
} from "../../../kernel-model/mm/swap-state.js";
import { testMachine } from "../../support/areas.js";

const LOCKED = 1 << 0;
const DIRTY = 1 << 3;
const SWAPBACKED = 1 << 6;
const SWAPCACHE = 1 << 23;

const machine = (mib = 16): MemorySystem => testMachine({ swapBytes: mib * 2 ** 20 }).sys;

/** A locked folio in the swap cache, with the caller's reference. */
function cached(sys: MemorySystem, order = 0): { folio: Pfn; slot: number } {
  const folio = folioAlloc(sys, order as Order);
  sys.pages.set(folio, LOCKED | SWAPBACKED);
  expect(addToSwap(sys, folio)).to.equal(true);
  return { folio, slot: sys.pages.swap[folio]! };
}

const unlock = (sys: MemorySystem, folio: Pfn): void => {
  sys.pages.clear(folio, LOCKED);
};

describe("swap cache", () => {
  it("a folio enters with a reference per page, dirty, and is found at each slot", () => {
    const sys = machine();
    const { folio, slot } = cached(sys, 2);
    expect([sys.pages.refcount[folio], sys.pages.test(folio, SWAPCACHE), sys.pages.test(folio, DIRTY)]).to.deep.equal([5, true, true]);
    expect([...swapOf(sys).cache.subarray(slot, slot + 4)]).to.deep.equal([folio, folio, folio, folio]);
    expect(pageSwapEntry(sys, (folio + 3) as Pfn)).to.equal(slot + 3);
    expect([sys.vmstat.get("nr_swapcached"), sys.vmstat.get("nr_file_pages")]).to.deep.equal([4, 4]);
  });

  it("it leaves with its slots if nobody uses them", () => {
    const sys = machine();
    const { folio, slot } = cached(sys, 2);
    deleteFromSwapCache(sys, folio);
    expect([sys.pages.refcount[folio], sys.pages.test(folio, SWAPCACHE), sys.pages.swap[folio], swapOf(sys).map[slot], sys.vmstat.get("nr_swapcached")]).to.deep.equal([1, false, 0, 0, 0]);
    unlock(sys, folio);
    folioPut(sys, folio);
    checkSystem(sys, []);
  });

  it("without an area, or without room, there is no swap cache", () => {
    const without = testMachine().sys;
    const folio = folioAlloc(without, 0 as Order);
    expect(addToSwap(without, folio)).to.equal(false);
    expect(() => swapOf(without)).to.throw(ModelBug, "without a swap area");
    const sys = machine(1);
    expect(addToSwap(sys, folioAlloc(sys, 9 as Order)), "255 slots").to.equal(false);
  });

  it("folio_free_swap() gives slots up only when no entry uses any of them", () => {
    const sys = machine();
    const { folio, slot } = cached(sys, 2);
    swapOf(sys).duplicate(slot + 2);
    expect(folioFreeSwap(sys, folio)).to.equal(false);
    swapOf(sys).freeEntries(slot + 2, 1);
    sys.pages.clear(folio, DIRTY);
    expect(folioFreeSwap(sys, folio)).to.equal(true);
    expect(sys.pages.test(folio, DIRTY), "its contents are nowhere else now").to.equal(true);
    expect(folioFreeSwap(sys, folio), "not in the cache").to.equal(false);
  });

  it("an unmapped folio loses its slots when its mapper lets go, not while it is locked", () => {
    const sys = machine();
    const { folio } = cached(sys);
    freeSwapCache(sys, folio);
    expect(sys.pages.test(folio, SWAPCACHE), "locked").to.equal(true);
    unlock(sys, folio);
    freeSwapCache(sys, folio);
    expect([sys.pages.test(folio, SWAPCACHE), sys.pages.refcount[folio]]).to.deep.equal([false, 1]);
  });

  it("the last entry of a slot takes the cached folio with it", () => {
    const sys = machine();
    const free = sys.buddy.nrFree;
    const { folio, slot } = cached(sys, 4);
    for (let i = 0; i < 16; i++) swapOf(sys).duplicate(slot + i);
    unlock(sys, folio);
    folioPut(sys, folio);
    freeSwapAndCache(sys, slot, 7);
    expect(sys.pages.test(folio, SWAPCACHE), "nine entries are left").to.equal(true);
    freeSwapAndCache(sys, slot + 7, 9);
    expect(sys.buddy.nrFree).to.equal(free);
    checkSystem(sys, []);
  });

  it("a mapped folio keeps its slots until swap is half full", () => {
    const sys = machine(1);
    const { folio, slot } = cached(sys);
    sys.pages.mapcount[folio] = 1;
    unlock(sys, folio);
    swapOf(sys).duplicate(slot);
    freeSwapAndCache(sys, slot, 1);
    expect(sys.pages.test(folio, SWAPCACHE)).to.equal(true);
    while (!swapOf(sys).vmSwapFull) swapOf(sys).allocate(0);
    swapOf(sys).duplicate(slot);
    freeSwapAndCache(sys, slot, 1);
    expect(sys.pages.test(folio, SWAPCACHE)).to.equal(false);
  });

  it("an allocation in half-full swap takes slots away from the cache", () => {
    const sys = machine(1);
    const { folio, slot } = cached(sys);
    unlock(sys, folio);
    const slots = new Set<number>();
    for (let at = swapOf(sys).allocate(0); at !== 0; at = swapOf(sys).allocate(0)) slots.add(at);
    expect(slots.has(slot), "slot of the folio").to.equal(true);
    expect([slots.size, sys.pages.test(folio, SWAPCACHE), sys.pages.refcount[folio]]).to.deep.equal([255, false, 1]);
  });

  it("reclaim drops a clean folio that only the cache and the caller hold", () => {
    const sys = machine();
    const { folio, slot } = cached(sys);
    swapOf(sys).duplicate(slot);
    expect(removeCleanFromSwapCache(sys, folio), "dirty").to.equal(false);
    sys.pages.clear(folio, DIRTY);
    folioGet(sys, folio);
    expect(removeCleanFromSwapCache(sys, folio), "held by someone").to.equal(false);
    folioPut(sys, folio);
    expect(removeCleanFromSwapCache(sys, folio)).to.equal(true);
    expect([swapOf(sys).count(slot), swapOf(sys).hasCache(slot)]).to.deep.equal([1, false]);
  });

  it("reading finds what is cached, else reads one page and puts it on the inactive list", () => {
    const sys = machine();
    const { folio, slot } = cached(sys);
    sys.memory.u8[folio * 4096 + 5] = 77;
    expect(readSwapCache(sys, slot, 0)).to.deep.equal({ folio, fresh: false });
    folioPut(sys, folio);
    swapOf(sys).duplicate(slot);
    swapWriteFolio(sys, swapOf(sys), folio);
    sys.pages.clear(folio, DIRTY);
    removeCleanFromSwapCache(sys, folio);
    unlock(sys, folio);
    folioPut(sys, folio);
    const { folio: read, fresh } = readSwapCache(sys, slot, 0);
    expect([fresh, sys.memory.u8[read * 4096 + 5], sys.pages.refcount[read], sys.vmstat.get("nr_inactive_anon")]).to.deep.equal([true, 77, 2, 1]);
    expect(readSwapCache(sys, slot + 300, 0), "a slot that nobody uses").to.deep.equal({ folio: -1, fresh: false });
  });
});
