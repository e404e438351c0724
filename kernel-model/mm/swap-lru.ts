/**
 * Folios on the LRU lists: their flags, the list that follows from them, and its counters. No per-CPU batches.
 *
 * Linux: mm/swap.c folio_add_lru(), folio_mark_accessed(), folio_mark_lazyfree(), folio_deactivate(); mm/mlock.c
 * mlock_folio(), munlock_folio(); mm/page-writeback.c noop_dirty_folio().
 */
import type { Pfn } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import { folioGet, folioPut } from "./folio.js";
import { lruOf, lruStat } from "./lruvec.js";
import type { MemorySystem } from "./memory-system.js";
import {
  PG_ACTIVE,
  PG_DIRTY,
  PG_LRU,
  PG_MLOCKED,
  PG_REFERENCED,
  PG_SWAPBACKED,
  PG_SWAPCACHE,
  PG_UNEVICTABLE,
  PG_ANON,
  PG_WORKINGSET,
} from "./page.js";
import { VM_DONTEXPAND, VM_IO, VM_LOCKED, VM_MIXEDMAP, VM_PFNMAP, VM_RAND_READ, VM_SEQ_READ, type Vma } from "./vma.js";

/** Areas that are never locked or merged. Linux: include/linux/mm.h VM_SPECIAL. */
export const VM_SPECIAL = VM_IO | VM_DONTEXPAND | VM_PFNMAP | VM_MIXEDMAP;

/**
 * The folio becomes known to reclaim. Differs: at once; Linux holds up to 31 small folios per CPU in a batch, each with one more
 * reference, and drains the batch wherever that reference would matter.
 */
export function folioAddLru(sys: MemorySystem, folio: Pfn): void {
  const { pages } = sys;
  if (pages.test(folio, PG_LRU)) throw new ModelBug(`folio_add_lru: folio ${folio} is on a list already`);
  pages.flags[folio]! |= PG_LRU;
  sys.lru.add(folio);
  sys.vmstat.add(lruStat(lruOf(pages.flags[folio]!)), pages.folioNrPages(folio));
}

/** Take the folio off its list, for the caller alone, who gets a reference. Pre: on a list. Linux: folio_isolate_lru(). */
export function folioIsolateLru(sys: MemorySystem, folio: Pfn): void {
  const { pages } = sys;
  if (!pages.test(folio, PG_LRU)) throw new ModelBug(`folio_isolate_lru: folio ${folio} is on no list`);
  folioGet(sys, folio);
  sys.lru.remove(folio);
  sys.vmstat.add(lruStat(lruOf(pages.flags[folio]!)), -pages.folioNrPages(folio));
  pages.clear(folio, PG_LRU);
}

/** Give an isolated folio back to the list of its flags, together with the reference. Linux: folio_putback_lru(). */
export function folioPutbackLru(sys: MemorySystem, folio: Pfn): void {
  folioAddLru(sys, folio);
  folioPut(sys, folio);
}

/** Change flags that decide on which list a folio is, and the counters of the lists with them. */
export function changeFlags(sys: MemorySystem, folio: Pfn, clear: number, set: number): void {
  const { pages, vmstat, lru } = sys;
  const before = pages.flags[folio]!;
  const after = (before & ~clear) | set;
  const from = lruOf(before);
  const to = lruOf(after);
  if (from === to || (after & PG_LRU) === 0) {
    pages.flags[folio] = after;
    return;
  }
  lru.remove(folio);
  pages.flags[folio] = after;
  lru.add(folio);
  vmstat.add(lruStat(from), -pages.folioNrPages(folio));
  vmstat.add(lruStat(to), pages.folioNrPages(folio));
}

/** folio_add_lru() for a folio that was just mapped into `vma`: in a locked area it goes straight to the unevictable ones. */
export function folioAddLruVma(folio: Pfn, vma: Vma): void {
  const sys = vma.mm.sys;
  if ((vma.flags & (VM_LOCKED | VM_SPECIAL)) === VM_LOCKED) mlockFolio(sys, folio);
  folioAddLru(sys, folio);
}

/** vma_has_recency(): accesses through this area say something about future ones. */
export function vmaHasRecency(vma: Vma): boolean {
  if ((vma.flags & (VM_SEQ_READ | VM_RAND_READ)) !== 0) return false;
  return vma.file === undefined || !vma.file.advice.noreuse;
}

/** The folio was used: with the multi-generational LRU first referenced, then workingset. */
export function folioMarkAccessed(sys: MemorySystem, folio: Pfn): void {
  const { pages } = sys;
  const flags = pages.flags[folio]!;
  if ((flags & PG_UNEVICTABLE) !== 0) return;
  pages.flags[folio] = flags | ((flags & PG_REFERENCED) === 0 ? PG_REFERENCED : PG_WORKINGSET);
}

/** MADV_FREE: the folio may be dropped without being written anywhere, unless it is dirtied again. */
export function folioMarkLazyfree(sys: MemorySystem, folio: Pfn): void {
  const { pages } = sys;
  const flags = pages.flags[folio]!;
  const wanted = PG_ANON | PG_SWAPBACKED | PG_LRU;
  if ((flags & wanted) !== wanted || (flags & (PG_SWAPCACHE | PG_UNEVICTABLE)) !== 0) return;
  changeFlags(sys, folio, PG_ACTIVE | PG_REFERENCED | PG_SWAPBACKED, 0);
  sys.vmstat.add("pglazyfree", pages.folioNrPages(folio));
}

/** MADV_COLD: the folio becomes a candidate for reclaim. */
export function folioDeactivate(sys: MemorySystem, folio: Pfn): void {
  if (!sys.pages.test(folio, PG_UNEVICTABLE)) changeFlags(sys, folio, PG_ACTIVE | PG_REFERENCED, 0);
}

/** The folio is mapped into a locked area. */
export function mlockFolio(sys: MemorySystem, folio: Pfn): void {
  const { pages } = sys;
  if (pages.test(folio, PG_MLOCKED)) return;
  changeFlags(sys, folio, 0, PG_MLOCKED | PG_UNEVICTABLE);
  sys.vmstat.add("nr_mlock", pages.folioNrPages(folio));
  sys.vmstat.add("unevictable_pgs_mlocked", pages.folioNrPages(folio));
}

/** The folio leaves a locked area. Differs: no count of locked areas per folio, the first one that lets go unlocks. */
export function munlockFolio(sys: MemorySystem, folio: Pfn): void {
  const { pages } = sys;
  if (!pages.test(folio, PG_MLOCKED)) return;
  changeFlags(sys, folio, PG_MLOCKED | PG_UNEVICTABLE, 0);
  sys.vmstat.add("nr_mlock", -pages.folioNrPages(folio));
  sys.vmstat.add("unevictable_pgs_munlocked", pages.folioNrPages(folio));
}

/** folio_mark_dirty() for folios without write-back (anonymous and shmem). Returns true if the folio was clean. */
export function noopDirtyFolio(sys: MemorySystem, folio: Pfn): boolean {
  if (sys.pages.test(folio, PG_DIRTY)) return false;
  sys.pages.set(folio, PG_DIRTY);
  return true;
}
