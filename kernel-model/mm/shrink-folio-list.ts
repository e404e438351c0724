/**
 * The heart of reclaim: what becomes of each folio that was taken off the LRU lists.
 *
 * Linux: mm/vmscan.c shrink_folio_list(), folio_check_references(), pageout(), __remove_mapping(); mm/rmap.c folio_referenced(); mm/shmem.c
 * shmem_writepage(). Classic LRU: references are looked for in the page tables of those who map the folio, and flushed. Shared memory and
 * tmpfs have no swap space.
 */
import type { Pfn, Va } from "../../emulator/arch/addr.js";
import { pmdTransHuge, ptePresent } from "../arch/arm64/pte.js";
import { folioMapcount, folioPut } from "./folio.js";
import type { MemorySystem } from "./memory-system.js";
import { swapWriteFolio } from "./page-io.js";
import {
  PG_ACTIVE,
  PG_ANON,
  PG_DIRTY,
  PG_MLOCKED,
  PG_PARTIALLY_MAPPED,
  PG_READAHEAD,
  PG_REFERENCED,
  PG_SWAPBACKED,
  PG_SWAPCACHE,
  PG_UNEVICTABLE,
} from "./page.js";
import { filemapRemoveFolio, folioMapped, folioTrylock, folioUnlock } from "./pagemap.js";
import { forEachEntryOf, pageOfFolio } from "./page-vma-mapped.js";
import { rmapWalk } from "./rmap.js";
import { canSplitFolio, splitFolio } from "./split-folio.js";
import { changeFlags, mlockFolio } from "./swap-lru.js";
import { addToSwap, folioFreeSwap, removeCleanFromSwapCache, swapOf } from "./swap-state.js";
import { tryToUnmap, tryToUnmapFlush, type UnmapBatch } from "./try-to-unmap.js";
import { VM_EXEC, VM_LOCKED, type Vma } from "./vma.js";

/** So many unmapped folios are freed together, after a wait for their TLBIs. Linux: PAGEVEC_SIZE. */
const PAGEVEC_SIZE = 31;

export interface ShrinkResult {
  /** Pages freed. */
  readonly reclaimed: number;
  /** Folios that stay: isolated, each with the reference of the caller. */
  readonly kept: readonly Pfn[];
}

/** What is to become of a folio. "clean": only if it need not be written. Linux: enum folio_references. */
type References = "reclaim" | "clean" | "keep" | "activate";

// --- references -------------------------------------------------------------------

/** Entries of one area that were young are counted, made old, and flushed. */
function referencedOne(vma: Vma, address: Va, folio: Pfn): boolean {
  const { mm } = vma;
  const { sys } = mm;
  const { pgtable, pages } = sys;
  const pmdp = pgtable.pmdOffset(mm, address);
  const pmd = pmdp === -1 ? 0n : pgtable.pmdpGet(pmdp);
  if (pmdTransHuge(pmd)) return pgtable.pmdPfn(pmd) === folio && pgtable.pmdpClearFlushYoung(vma, address, pmdp);
  const nr = pages.folioNrPages(folio);
  let referenced = false;
  forEachEntryOf(vma, pages.index[folio]!, nr, (at, ptep) => {
    const pte = pgtable.ptepGet(ptep);
    if (!ptePresent(pte) || pageOfFolio(folio, nr, pgtable.ptePfn(pte)) === undefined) return;
    if (pgtable.ptepClearFlushYoung(vma, at, ptep)) referenced = true;
  });
  return referenced;
}

/** How many areas used the folio since it was last asked, and the flags of those. "locked": it is in a locked area. Linux: folio_referenced(). */
export function folioReferenced(sys: MemorySystem, folio: Pfn): { readonly referenced: number; readonly vmFlags: number } {
  let referenced = 0;
  let vmFlags = 0;
  if (folioMapcount(sys, folio) === 0) return { referenced, vmFlags };
  rmapWalk(sys, folio, (vma, address) => {
    if ((vma.flags & VM_LOCKED) !== 0) {
      if (!sys.pages.isLarge(folio)) mlockFolio(sys, folio);
      vmFlags |= VM_LOCKED;
      return false;
    }
    if (referencedOne(vma, address, folio)) {
      referenced++;
      vmFlags |= vma.flags & ~VM_LOCKED;
    }
    return true;
  });
  return { referenced, vmFlags };
}

/** Mapped folios begin with a reference from their first fault, so it takes two looks to see which are used. */
function checkReferences(sys: MemorySystem, folio: Pfn): References {
  const { pages } = sys;
  const { referenced, vmFlags } = folioReferenced(sys, folio);
  const wasReferenced = pages.test(folio, PG_REFERENCED);
  const file = !pages.test(folio, PG_SWAPBACKED);
  pages.clear(folio, PG_REFERENCED);
  if ((vmFlags & VM_LOCKED) !== 0) return "activate";
  if (referenced > 0) {
    pages.set(folio, PG_REFERENCED);
    return wasReferenced || referenced > 1 || ((vmFlags & VM_EXEC) !== 0 && file) ? "activate" : "keep";
  }
  return wasReferenced && file ? "clean" : "reclaim";
}

// --- one folio --------------------------------------------------------------------

/** The folio stays, and is taken for one in use. Linux: activate_locked. */
function activate(sys: MemorySystem, folio: Pfn): void {
  const { pages } = sys;
  if (pages.test(folio, PG_SWAPCACHE) && (swapOf(sys).vmSwapFull || pages.test(folio, PG_MLOCKED))) folioFreeSwap(sys, folio);
  if (pages.test(folio, PG_MLOCKED)) return;
  changeFlags(sys, folio, 0, PG_ACTIVE);
  sys.vmstat.add("pgactivate", pages.folioNrPages(folio));
}

/** Give an anonymous folio slots; one that gets none as a whole, or is mapped in part only, is split. False: it has none. */
function getSlots(sys: MemorySystem, folio: Pfn, tails: Pfn[]): boolean {
  const { pages } = sys;
  if (pages.isLarge(folio)) {
    if (!canSplitFolio(sys, folio)) return false;
    if (pages.test(folio, PG_PARTIALLY_MAPPED) && splitFolio(sys, folio, tails) !== 0) return false;
  }
  if (addToSwap(sys, folio)) return true;
  if (!pages.isLarge(folio)) return false;
  const order = pages.folioOrder(folio);
  if (splitFolio(sys, folio, tails) !== 0) return false;
  if (order >= sys.granule.pmdOrder) sys.vmstat.inc("thp_swpout_fallback");
  sys.thp.statInc(order, "swpout_fallback");
  return addToSwap(sys, folio);
}

/** A dirty folio that nothing maps. True: it is clean now, and in its cache. Otherwise it stays, activated if it is not to come again soon. */
function pageout(sys: MemorySystem, folio: Pfn, references: References, batch: UnmapBatch): boolean {
  const { pages } = sys;
  const nr = pages.folioNrPages(folio);
  if (!pages.test(folio, PG_SWAPBACKED)) {
    // Disk files are written back by others; the folio is marked to go then (PG_reclaim, which is PG_readahead's bit).
    sys.vmstat.add("nr_vmscan_immediate_reclaim", nr);
    pages.set(folio, PG_READAHEAD);
    activate(sys, folio);
    return false;
  }
  if (references === "clean") return false;
  if (batch.writable) tryToUnmapFlush(sys, batch);
  if (!pages.test(folio, PG_SWAPCACHE)) {
    // shmem_writepage() finds no swap space and dirties the folio again.
    activate(sys, folio);
    return false;
  }
  if (pages.refcount[folio] !== 1 + nr) return false;
  pages.clear(folio, PG_DIRTY);
  sys.vmstat.add("nr_vmscan_write", nr);
  if (folioFreeSwap(sys, folio)) return false;
  swapWriteFolio(sys, swapOf(sys), folio);
  return true;
}

/** One folio, locked and with the reference of the caller. True: nothing but that reference holds it any more. `tails`: see splitFolio(). */
function shrinkFolio(sys: MemorySystem, folio: Pfn, ignoreReferences: boolean, batch: UnmapBatch, tails: Pfn[]): boolean {
  const { pages } = sys;
  if (pages.test(folio, PG_UNEVICTABLE | PG_MLOCKED)) {
    activate(sys, folio);
    return false;
  }
  const references = ignoreReferences ? "reclaim" : checkReferences(sys, folio);
  if (references === "activate") activate(sys, folio);
  if (references === "activate" || references === "keep") return false;
  const anon = pages.test(folio, PG_ANON);
  const swapBacked = pages.test(folio, PG_SWAPBACKED);
  if (anon && swapBacked && !pages.test(folio, PG_SWAPCACHE) && !getSlots(sys, folio, tails)) {
    activate(sys, folio);
    return false;
  }
  if (folioMapped(sys, folio) && !tryToUnmap(sys, folio, batch)) {
    activate(sys, folio);
    return false;
  }
  if (pages.test(folio, PG_DIRTY) && !(anon && !swapBacked) && !pageout(sys, folio, references, batch)) return false;
  if (anon && !swapBacked) {
    if (pages.refcount[folio] !== 1) return false;
    sys.vmstat.add("pglazyfreed", pages.folioNrPages(folio));
    return true;
  }
  if (pages.test(folio, PG_SWAPCACHE)) return removeCleanFromSwapCache(sys, folio);
  if (anon) return false;
  if (pages.refcount[folio] !== 1 + pages.folioNrPages(folio) || pages.test(folio, PG_DIRTY)) return false;
  filemapRemoveFolio(sys.mappings.addressSpace(pages.mapping[folio]!), folio);
  return true;
}

/**
 * Frees what can be freed of `folios`, which are isolated and not active, each with a reference of the caller. `ignoreReferences`: whether
 * they were used does not matter.
 */
export function shrinkFolioList(sys: MemorySystem, folios: readonly Pfn[], ignoreReferences: boolean): ShrinkResult {
  const { pages } = sys;
  const batch: UnmapBatch = { flushRequired: false, writable: false };
  const kept: Pfn[] = [];
  let reclaimed = 0;
  let free: Pfn[] = [];
  const freeThem = (): void => {
    tryToUnmapFlush(sys, batch);
    for (const folio of free) folioPut(sys, folio);
    free = [];
  };
  // Last in, first out: the pages of a folio that was split come next.
  const queue = [...folios].reverse();
  for (let folio = queue.pop(); folio !== undefined; folio = queue.pop()) {
    if (!folioTrylock(sys, folio)) {
      kept.push(folio);
      continue;
    }
    const tails: Pfn[] = [];
    const gone = shrinkFolio(sys, folio, ignoreReferences, batch, tails);
    folioUnlock(sys, folio);
    queue.push(...tails.reverse());
    if (!gone) {
      kept.push(folio);
      continue;
    }
    reclaimed += pages.folioNrPages(folio);
    free.push(folio);
    if (free.length === PAGEVEC_SIZE) freeThem();
  }
  freeThem();
  return { reclaimed, kept };
}
