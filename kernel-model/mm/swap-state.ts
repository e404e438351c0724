/**
 * The swap cache: folios that have slots in the swap area, and how they get and lose them.
 *
 * Linux: mm/swap_state.c; mm/swapfile.c folio_free_swap(), free_swap_and_cache_nr(), __try_to_reclaim_swap(). A folio in the swap cache
 * holds one reference per page, as in the page cache.
 */
import type { Order, Pfn } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import { folioAlloc, folioGet, folioMapcount, folioPut, folioPutRefs, folioRefAdd } from "./folio.js";
import { memCgroupCharge } from "./memcontrol.js";
import type { MemorySystem } from "./memory-system.js";
import { NO_PFN, PG_DIRTY, PG_LOCKED, PG_SWAPBACKED, PG_SWAPCACHE, PG_UPTODATE, PG_WRITEBACK } from "./page.js";
import { swapReadFolio } from "./page-io.js";
import { folioAddLru } from "./swap-lru.js";
import { SWAP_HAS_CACHE, type SwapInfo } from "./swapfile.js";

/** Lets the swap area take slots back from the swap cache. Called once, by createMemorySystem(). */
export function bindSwap(sys: MemorySystem): void {
  if (sys.swap !== undefined) sys.swap.reclaim = (offset) => tryToReclaimSwap(sys, offset, true);
}

/** The machine's swap area. Throws ModelBug if there is none: only swap entries lead here. */
export function swapOf(sys: MemorySystem): SwapInfo {
  if (sys.swap === undefined) throw new ModelBug("swap: a swap entry without a swap area");
  return sys.swap;
}

/** page_swap_entry(): slot of a page of a folio in the swap cache. */
export function pageSwapEntry(sys: MemorySystem, page: Pfn): number {
  const folio = sys.pages.head(page);
  return sys.pages.swap[folio]! + (page - folio);
}

// --- in and out -------------------------------------------------------------------

/** Enter the folio at the slots from `slot` on, which are marked for it. Linux: add_to_swap_cache(). */
export function addToSwapCache(sys: MemorySystem, folio: Pfn, slot: number): void {
  const { pages, vmstat } = sys;
  const nr = pages.folioNrPages(folio);
  folioRefAdd(sys, folio, nr);
  pages.set(folio, PG_SWAPCACHE);
  pages.swap[folio] = slot;
  swapOf(sys).cache.fill(folio, slot, slot + nr);
  vmstat.add("nr_file_pages", nr);
  vmstat.add("nr_swapcached", nr);
}

/** __delete_from_swap_cache(): the slots stay marked and the references stay. Returns the first slot. */
function removeFromSwapCache(sys: MemorySystem, folio: Pfn): number {
  const { pages, vmstat } = sys;
  if (!pages.test(folio, PG_SWAPCACHE) || !pages.test(folio, PG_LOCKED)) throw new ModelBug(`delete_from_swap_cache: folio ${folio} is not locked in the swap cache`);
  const nr = pages.folioNrPages(folio);
  const slot = pages.swap[folio]!;
  swapOf(sys).cache.fill(NO_PFN, slot, slot + nr);
  pages.swap[folio] = 0;
  pages.clear(folio, PG_SWAPCACHE);
  vmstat.add("nr_file_pages", -nr);
  vmstat.add("nr_swapcached", -nr);
  return slot;
}

/** Take the folio out of the swap cache; slots that no entry uses are free then. The caller keeps a reference. */
export function deleteFromSwapCache(sys: MemorySystem, folio: Pfn): void {
  const nr = sys.pages.folioNrPages(folio);
  swapOf(sys).putFolio(removeFromSwapCache(sys, folio), nr);
  folioPutRefs(sys, folio, nr);
}

/** Give the folio slots and enter it; it is dirty then. False: there is no swap area, or no room for a folio of its size. Pre: locked. */
export function addToSwap(sys: MemorySystem, folio: Pfn): boolean {
  const slot = sys.swap?.allocate(sys.pages.folioOrder(folio)) ?? 0;
  if (slot === 0) return false;
  addToSwapCache(sys, folio, slot);
  sys.pages.set(folio, PG_DIRTY);
  return true;
}

// --- giving slots up --------------------------------------------------------------

/** An entry somewhere uses a slot of the folio. Linux: folio_swapped(). */
function folioSwapped(sys: MemorySystem, folio: Pfn): boolean {
  const swap = swapOf(sys);
  const slot = sys.pages.swap[folio]!;
  for (let i = 0; i < sys.pages.folioNrPages(folio); i++) if (swap.count(slot + i) > 0) return true;
  return false;
}

/** Free the folio's slots if no entry uses them; it is dirty then. True if it has none any more. Pre: locked. Linux: folio_free_swap(). */
export function folioFreeSwap(sys: MemorySystem, folio: Pfn): boolean {
  const { pages } = sys;
  if (!pages.test(folio, PG_SWAPCACHE) || pages.test(folio, PG_WRITEBACK) || folioSwapped(sys, folio)) return false;
  deleteFromSwapCache(sys, folio);
  pages.set(folio, PG_DIRTY);
  return true;
}

/** A folio that nothing maps any more gives its slots up if it can. Linux: free_swap_cache(). */
export function freeSwapCache(sys: MemorySystem, folio: Pfn): void {
  const { pages } = sys;
  if (!pages.test(folio, PG_SWAPCACHE) || folioMapcount(sys, folio) > 0 || pages.test(folio, PG_LOCKED)) return;
  pages.set(folio, PG_LOCKED);
  folioFreeSwap(sys, folio);
  pages.clear(folio, PG_LOCKED);
}

/**
 * Take the folio at a slot out of the swap cache: `anyway`, or if nothing maps it or swap is half full; and only if no entry uses its
 * slots. Returns its pages, negative if it stays, 0 if there is none. Linux: __try_to_reclaim_swap().
 */
function tryToReclaimSwap(sys: MemorySystem, offset: number, anyway: boolean): number {
  const { pages } = sys;
  const swap = swapOf(sys);
  const folio = swap.cache[offset]! as Pfn;
  if (folio === NO_PFN) return 0;
  const nr = pages.folioNrPages(folio);
  if (pages.test(folio, PG_LOCKED)) return -nr;
  const wanted = anyway || folioMapcount(sys, folio) === 0 || swap.vmSwapFull;
  if (!wanted || pages.test(folio, PG_WRITEBACK)) return -nr;
  const slot = pages.swap[folio]!;
  for (let i = slot; i < slot + nr; i++) if (swap.map[i] !== SWAP_HAS_CACHE) return -nr;
  folioGet(sys, folio);
  pages.set(folio, PG_LOCKED);
  if (anyway) {
    swap.freeRange(removeFromSwapCache(sys, folio), nr);
    folioPutRefs(sys, folio, nr);
  } else {
    deleteFromSwapCache(sys, folio);
  }
  pages.set(folio, PG_DIRTY);
  pages.clear(folio, PG_LOCKED);
  folioPut(sys, folio);
  return nr;
}

/** One entry less for each of `nr` slots from `slot` on; folios that only the swap cache still holds go. Linux: free_swap_and_cache_nr(). */
export function freeSwapAndCache(sys: MemorySystem, slot: number, nr: number): void {
  const swap = swapOf(sys);
  if (!swap.freeEntriesLast(slot, nr)) return;
  for (let offset = slot; offset < slot + nr; ) {
    const pages = swap.map[offset] === SWAP_HAS_CACHE ? Math.abs(tryToReclaimSwap(sys, offset, false)) : 1;
    // Folios lie aligned to their size in the area: go on behind this one.
    const step = Math.max(pages, 1);
    offset += step - (offset % step);
  }
}

/** Drop a clean folio that nothing but the swap cache and the caller holds. False: it must stay. Linux: __remove_mapping(). */
export function removeCleanFromSwapCache(sys: MemorySystem, folio: Pfn): boolean {
  const { pages } = sys;
  const nr = pages.folioNrPages(folio);
  if (pages.refcount[folio] !== 1 + nr || pages.test(folio, PG_DIRTY)) return false;
  deleteFromSwapCache(sys, folio);
  return true;
}

// --- reading ----------------------------------------------------------------------

/**
 * The folio at a slot, with a reference for the caller: from the swap cache, or read into it as a single page. NO_PFN: memory is out, or
 * nothing uses the slot. `fresh`: it was read. Linux: __read_swap_cache_async() and swap_read_folio().
 */
export function readSwapCache(sys: MemorySystem, slot: number, memcg: number): { readonly folio: Pfn; readonly fresh: boolean } {
  const swap = swapOf(sys);
  const { pages } = sys;
  const cached = swap.cache[slot]! as Pfn;
  if (cached !== NO_PFN) {
    folioGet(sys, cached);
    return { folio: cached, fresh: false };
  }
  const nothing = { folio: NO_PFN as Pfn, fresh: false };
  if (swap.count(slot) === 0) return nothing;
  const folio = folioAlloc(sys, 0 as Order);
  if (folio === NO_PFN) return nothing;
  if (!swap.prepareCache(slot, 1)) throw new ModelBug(`read_swap_cache_async: slot ${slot} is marked, but the swap cache has no folio`);
  pages.set(folio, PG_LOCKED | PG_SWAPBACKED);
  memCgroupCharge(sys, folio, memcg);
  addToSwapCache(sys, folio, slot);
  folioAddLru(sys, folio);
  swapReadFolio(sys, swap, folio, slot);
  pages.clear(folio, PG_LOCKED);
  if (!pages.test(folio, PG_UPTODATE)) throw new ModelBug(`swap_read_folio: folio ${folio} was not read`);
  return { folio, fresh: true };
}
