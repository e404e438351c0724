/**
 * Taking a folio out of all page tables, so that it can be given up.
 *
 * Linux: mm/rmap.c try_to_unmap_one(), try_to_unmap_flush(); mm/huge_memory.c __discard_anon_folio_pmd_locked().
 */
import type { Pa, Pfn, Va } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import { pmdDirty, pmdTransHuge, pteDirty, ptePresent, pteValid } from "../arch/arm64/pte.js";
import { folioMapcount, folioPut } from "./folio.js";
import { pgtableWithdraw, splitHugePmd } from "./huge-pmd.js";
import { mmCounter } from "./memory-common.js";
import type { MemorySystem } from "./memory-system.js";
import { MM_ANONPAGES, MM_SWAPENTS } from "./mm-struct.js";
import { PG_ANON, PG_ANON_EXCLUSIVE, PG_DIRTY, PG_SWAPBACKED, PG_SWAPCACHE } from "./page.js";
import { forEachEntryOf, pageOfFolio } from "./page-vma-mapped.js";
import { folioMarkDirty } from "./page-writeback.js";
import { folioRemoveRmapPmd, folioRemoveRmapPtes, rmapWalk } from "./rmap.js";
import { changeFlags, mlockFolio } from "./swap-lru.js";
import { pageSwapEntry, swapOf } from "./swap-state.js";
import { makeSwapPte } from "./swapops.js";
import { updateHiwaterRss } from "./vma-ops.js";
import { VM_LOCKED, type Vma } from "./vma.js";

/** TLBIs that were issued and not waited for. Linux: struct tlbflush_unmap_batch. */
export interface UnmapBatch {
  flushRequired: boolean;
  /** An entry among them was dirty: nothing may be written out before the wait. */
  writable: boolean;
}

/** Waits for the TLBIs of the batch. Linux: try_to_unmap_flush(). */
export function tryToUnmapFlush(sys: MemorySystem, batch: UnmapBatch): void {
  if (!batch.flushRequired) return;
  sys.tlb.tlbbatchFlush();
  batch.flushRequired = false;
  batch.writable = false;
}

/** Anonymous memory after MADV_FREE, or droppable: held by nothing but its mappings and the caller, and not dirtied again. */
function isDiscardable(sys: MemorySystem, folio: Pfn, vma: Vma): boolean {
  const { pages } = sys;
  return pages.refcount[folio] === 1 + folioMapcount(sys, folio) && (!pages.test(folio, PG_DIRTY) || vma.droppable);
}

/** Drops a PMD mapping of memory that may be lost; false: it must be split. Linux: unmap_huge_pmd_locked(). */
function discardHugePmd(vma: Vma, address: Va, folio: Pfn): boolean {
  const { mm } = vma;
  const { sys } = mm;
  const { pgtable, pages } = sys;
  if (!pages.test(folio, PG_ANON) || pages.test(folio, PG_SWAPBACKED)) return false;
  const pmdp = pgtable.pmdOffset(mm, address);
  if (pages.test(folio, PG_DIRTY) || pmdDirty(pgtable.pmdpGet(pmdp))) return false;
  const pmd = pgtable.pmdpHugeClearFlush(vma, address, pmdp);
  if (pages.refcount[folio] !== 1 + folioMapcount(sys, folio)) {
    pgtable.setPmdAt(mm, address, pmdp, pmd);
    return false;
  }
  folioRemoveRmapPmd(folio, vma);
  pgtable.freeTable(mm, 3, pgtableWithdraw(sys, pmdp));
  mm.rss[MM_ANONPAGES]! -= pages.folioNrPages(folio);
  folioPut(sys, folio);
  return true;
}

/** The entry, just cleared, becomes that of the page's slot. */
function swapOut(vma: Vma, address: Va, ptep: Pa, folio: Pfn, page: Pfn): void {
  const { mm } = vma;
  const { sys } = mm;
  const { pages } = sys;
  const slot = pageSwapEntry(sys, page);
  swapOf(sys).duplicate(slot);
  const exclusive = pages.test(page, PG_ANON_EXCLUSIVE);
  pages.clear(page, PG_ANON_EXCLUSIVE);
  mm.rss[MM_ANONPAGES]!--;
  mm.rss[MM_SWAPENTS]!++;
  sys.pgtable.setPteAt(mm, address, ptep, makeSwapPte(slot, exclusive));
  folioRemoveRmapPtes(folio, page, 1, vma);
  folioPut(sys, folio);
}

/** The mappings of one area. False: give up, the folio stays mapped. */
function tryToUnmapOne(vma: Vma, address: Va, folio: Pfn, batch: UnmapBatch): boolean {
  const { mm } = vma;
  const { sys } = mm;
  const { pgtable, pages } = sys;
  const nr = pages.folioNrPages(folio);
  const pmdp = pgtable.pmdOffset(mm, address);
  const pmd = pmdp === -1 ? 0n : pgtable.pmdpGet(pmdp);
  const isBlock = pmdTransHuge(pmd) && pgtable.pmdPfn(pmd) === folio;
  if (isBlock && (vma.flags & VM_LOCKED) !== 0) return false;
  if (isBlock) {
    if (discardHugePmd(vma, address, folio)) return true;
    splitHugePmd(vma, pmdp, address);
  }
  let unmapped = true;
  forEachEntryOf(vma, pages.index[folio]!, nr, (at, ptep) => {
    const current = pgtable.ptepGet(ptep);
    if (!unmapped || !ptePresent(current)) return;
    const page = pageOfFolio(folio, nr, pgtable.ptePfn(current));
    if (page === undefined) return;
    if ((vma.flags & VM_LOCKED) !== 0) {
      if (nr === 1) mlockFolio(sys, folio);
      unmapped = false;
      return;
    }
    const pte = pgtable.ptepGetAndClear(mm, at, ptep);
    if (pteValid(pte)) {
      sys.tlb.tlbbatchAddPending(mm, at);
      mm.tlbFlushBatched = true;
      batch.flushRequired = true;
      batch.writable ||= pteDirty(pte);
    }
    if (pteDirty(pte)) folioMarkDirty(sys, folio);
    updateHiwaterRss(mm);
    if (pages.test(folio, PG_SWAPBACKED) && pages.test(folio, PG_ANON)) {
      swapOut(vma, at, ptep, folio, page);
      return;
    }
    if (pages.test(folio, PG_ANON) && !isDiscardable(sys, folio, vma)) {
      // Dirtied since MADV_FREE: it is ordinary memory again.
      pgtable.setPteAt(mm, at, ptep, pte);
      if (!vma.droppable) changeFlags(sys, folio, 0, PG_SWAPBACKED);
      unmapped = false;
      return;
    }
    mm.rss[mmCounter(sys, folio)]!--;
    folioRemoveRmapPtes(folio, page, 1, vma);
    folioPut(sys, folio);
  });
  return unmapped;
}

/**
 * Unmaps the folio everywhere. True if nothing maps it any more. The TLBIs are issued; the caller waits for them with
 * tryToUnmapFlush(). Pre: locked, the caller holds one reference; in the swap cache if it is anonymous and swap-backed.
 */
export function tryToUnmap(sys: MemorySystem, folio: Pfn, batch: UnmapBatch): boolean {
  const { pages } = sys;
  if (pages.test(folio, PG_ANON) && pages.test(folio, PG_SWAPBACKED) !== pages.test(folio, PG_SWAPCACHE)) {
    throw new ModelBug(`try_to_unmap: folio ${folio} needs slots, or has some and is not swap-backed`);
  }
  rmapWalk(sys, folio, (vma, address) => tryToUnmapOne(vma, address, folio, batch) && folioMapcount(sys, folio) > 0);
  return folioMapcount(sys, folio) === 0;
}
