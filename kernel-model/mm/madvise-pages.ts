/**
 * The advices that look at every page: MADV_COLD, MADV_PAGEOUT, MADV_FREE.
 *
 * Linux: mm/madvise.c madvise_cold_or_pageout_pte_range(), madvise_free_pte_range(); mm/huge_memory.c madvise_free_huge_pmd().
 * A large folio that the range or the page table holds only in part is split first; one that others map as well is left alone.
 */
import type { Pa, Pfn, Va } from "../../emulator/arch/addr.js";
import { pmdMkold, pmdTable, pmdTransHuge, pmdYoung, pteDirty, pteMkdirty, pteMkyoung, ptePresent, pteYoung, swpOffset } from "../arch/arm64/pte.js";
import { folioGet, folioLikelyMappedShared, folioMapcount, folioPut } from "./folio.js";
import { cleanHugePmd, isHugeZeroPmd } from "./huge-pmd.js";
import { vmNormalPage } from "./memory-common.js";
import type { MemorySystem } from "./memory-system.js";
import { MM_SWAPENTS } from "./mm-struct.js";
import { MmuGather } from "./mmu-gather.js";
import { NO_PFN, PG_ACTIVE, PG_ANON, PG_DIRTY, PG_LRU, PG_REFERENCED, PG_SWAPCACHE, PG_UNEVICTABLE, PG_WORKINGSET } from "./page.js";
import { folioTrylock, folioUnlock } from "./pagemap.js";
import { forEachPmd } from "./page-walk.js";
import { FPB_IGNORE_DIRTY, folioPteBatch, type BatchFacts } from "./pte-batch.js";
import { reclaimPages } from "./reclaim-pages.js";
import { flushTlbBatchedPending } from "./rmap.js";
import { splitFolio } from "./split-folio.js";
import { folioDeactivate, folioIsolateLru, folioMarkLazyfree, lruAddDrain } from "./swap-lru.js";
import { folioFreeSwap, freeSwapAndCache } from "./swap-state.js";
import { swapPteBatch } from "./swapops.js";
import { updateHiwaterRss } from "./vma-ops.js";
import type { Vma } from "./vma.js";

/** What happens to the pages. */
type Advice = "cold" | "pageout" | "free";

interface Walk {
  readonly advice: Advice;
  readonly tlb: MmuGather;
  readonly vma: Vma;
  readonly sys: MemorySystem;
  /** Pages of the file may not be paged out, only private copies. */
  readonly anonOnly: boolean;
}

/** Splits a folio that nobody has locked; the lock and reference of the caller are given back. False: it could not be split. */
function trySplit(sys: MemorySystem, folio: Pfn): boolean {
  if (!folioTrylock(sys, folio)) return false;
  folioGet(sys, folio);
  const split = splitFolio(sys, folio) === 0;
  folioUnlock(sys, folio);
  folioPut(sys, folio);
  return split;
}

/** Deactivates the folio or takes it off for reclaim. */
function coldOrIsolate({ advice, sys }: Walk, folio: Pfn, isolated: Pfn[]): void {
  const { pages } = sys;
  pages.clear(folio, PG_REFERENCED);
  if (pages.test(folio, PG_ACTIVE)) pages.set(folio, PG_WORKINGSET);
  if (advice === "cold") folioDeactivate(sys, folio);
  else if (pages.test(folio, PG_LRU) && !pages.test(folio, PG_UNEVICTABLE)) {
    folioIsolateLru(sys, folio);
    isolated.push(folio);
  }
}

/** A block. True: done with; false: it was split, go on with its entries. */
function visitHugePmd(walk: Walk, pmdp: Pa, addr: Va, next: Va): boolean {
  const { advice, tlb, vma, sys, anonOnly } = walk;
  const { pgtable, pages, granule } = sys;
  const pmd = pgtable.pmdpGet(pmdp);
  if (isHugeZeroPmd(sys, pmd)) return true;
  const folio = pgtable.pmdPfn(pmd);
  if (folioLikelyMappedShared(sys, folio)) return true;
  if (anonOnly && !pages.test(folio, PG_ANON)) return true;
  if (next - addr !== granule.pmdSize) return !trySplit(sys, folio);
  if (advice === "free") {
    pages.clear(folio, PG_DIRTY);
    cleanHugePmd(tlb, vma, pmdp, addr);
    folioMarkLazyfree(sys, folio);
    return true;
  }
  if (advice === "cold" && pmdYoung(pmd)) {
    pgtable.pmdpInvalidate(vma, addr, pmdp);
    pgtable.setPmdAt(vma.mm, addr, pmdp, pmdMkold(pmd));
    tlb.removePmdTlbEntry(addr);
  }
  const isolated: Pfn[] = [];
  coldOrIsolate(walk, folio, isolated);
  reclaimPages(sys, isolated);
  return true;
}

/** MADV_FREE of `nr` entries that map all of a folio: clean and old, to be dropped when memory is short. */
function freeEntries({ tlb, vma, sys }: Walk, folio: Pfn, ptep: Pa, pte: bigint, nr: number, addr: Va): void {
  const { pages, pgtable } = sys;
  if (pages.test(folio, PG_SWAPCACHE | PG_DIRTY)) {
    if (folioMapcount(sys, folio) !== pages.folioNrPages(folio) || !folioTrylock(sys, folio)) return;
    const freed = !pages.test(folio, PG_SWAPCACHE) || folioFreeSwap(sys, folio);
    if (freed) pages.clear(folio, PG_DIRTY);
    folioUnlock(sys, folio);
    if (!freed) return;
  }
  if (pteYoung(pte) || pteDirty(pte)) {
    pgtable.clearYoungDirtyPtes(vma, addr, ptep, nr, { young: true, dirty: true });
    tlb.removeTlbEntries(addr, nr);
  }
  folioMarkLazyfree(sys, folio);
}

/** MADV_FREE of what is swapped out: the slots go, and a later access finds zeros. Returns the number of entries, which are none then. */
function freeSwapped(vma: Vma, addr: Va, ptep: Pa, pte: bigint, maxNr: number): number {
  const { mm } = vma;
  const { sys } = mm;
  const nr = swapPteBatch(sys, ptep, maxNr, pte);
  mm.rss[MM_SWAPENTS]! -= nr;
  freeSwapAndCache(sys, swpOffset(pte), nr);
  for (let i = 0; i < nr; i++) sys.pgtable.pteClear(mm, (addr + i * sys.granule.pageSize) as Va, (ptep + i * 8) as Pa);
  return nr;
}

/** MADV_COLD and MADV_PAGEOUT of `nr` entries that map all of a folio. */
function coldEntries(walk: Walk, folio: Pfn, ptep: Pa, pte: bigint, nr: number, addr: Va, isolated: Pfn[]): void {
  const { advice, tlb, vma, sys, anonOnly } = walk;
  const { pages, pgtable } = sys;
  if (!pages.test(folio, PG_LRU) || folioMapcount(sys, folio) !== pages.folioNrPages(folio)) return;
  if (anonOnly && !pages.test(folio, PG_ANON)) return;
  if (advice === "cold" && pteYoung(pte)) {
    pgtable.clearYoungDirtyPtes(vma, addr, ptep, nr, { young: true, dirty: false });
    tlb.removeTlbEntries(addr, nr);
  }
  coldOrIsolate(walk, folio, isolated);
}

/** Entries of one level-3 table. */
function visitPteRange(walk: Walk, pmdp: Pa, start: Va, end: Va): void {
  const { advice, vma, sys, anonOnly } = walk;
  const { pages, pgtable, granule } = sys;
  const facts: BatchFacts = { anyWritable: false, anyYoung: false, anyDirty: false };
  const isolated: Pfn[] = [];
  flushTlbBatchedPending(vma.mm);
  let addr = start;
  while (addr < end) {
    const ptep = pgtable.pteOffset(pgtable.pmdpGet(pmdp), addr);
    const here = addr;
    addr = (addr + granule.pageSize) as Va;
    if (pgtable.rawIsNone(ptep)) continue;
    let pte = pgtable.ptepGet(ptep);
    if (!ptePresent(pte)) {
      if (advice === "free") addr = (here + freeSwapped(vma, here, ptep, pte, (end - here) / granule.pageSize) * granule.pageSize) as Va;
      continue;
    }
    const page = vmNormalPage(vma, pte);
    if (page === NO_PFN) continue;
    const folio = pages.head(page);
    let nr = 1;
    if (pages.isLarge(folio)) {
      nr = folioPteBatch(sys, folio, ptep, pte, (end - here) / granule.pageSize, FPB_IGNORE_DIRTY, facts);
      addr = (here + nr * granule.pageSize) as Va;
      if (nr < pages.folioNrPages(folio)) {
        if (folioLikelyMappedShared(sys, folio) || (anonOnly && !pages.test(folio, PG_ANON))) continue;
        // Split: look at the same address again. Splitting has deferred a flush of this very mm.
        if (trySplit(sys, folio)) addr = here;
        if (!pmdTable(pgtable.pmdpGet(pmdp))) break;
        flushTlbBatchedPending(vma.mm);
        continue;
      }
      if (facts.anyYoung) pte = pteMkyoung(pte);
      if (facts.anyDirty && advice === "free") pte = pteMkdirty(pte);
    }
    if (advice === "free") freeEntries(walk, folio, ptep, pte, nr, here);
    else coldEntries(walk, folio, ptep, pte, nr, here, isolated);
  }
  reclaimPages(sys, isolated);
}

/**
 * Applies the advice to the pages of [start, end), all in one area, and flushes at its end. `anonOnly`: see MADV_PAGEOUT of files
 * that the caller could not write.
 */
export function advisePages(advice: Advice, vma: Vma, start: Va, end: Va, anonOnly = false): void {
  const { mm } = vma;
  const { pgtable } = mm.sys;
  lruAddDrain(mm.sys);
  const tlb = new MmuGather(mm);
  const walk: Walk = { advice, tlb, vma, sys: mm.sys, anonOnly };
  if (advice === "free") updateHiwaterRss(mm);
  forEachPmd(mm, start, end, (pmdp, addr, next) => {
    if (pmdTransHuge(pgtable.pmdpGet(pmdp)) && visitHugePmd(walk, pmdp, addr, next)) return;
    if (pmdTable(pgtable.pmdpGet(pmdp))) visitPteRange(walk, pmdp, addr, next);
  });
  tlb.endVma();
  tlb.finish();
}
