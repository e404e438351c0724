/**
 * Folios on the LRU lists: their flags, the list that follows from them, and its counters. Batches only for folios that leave the active part.
 *
 * Linux: mm/swap.c folio_add_lru(), folio_mark_accessed(), folio_mark_lazyfree(), folio_deactivate(), lru_add_drain(); mm/mlock.c
 * mlock_folio(), munlock_folio(); mm/page-writeback.c noop_dirty_folio().
 */
import type { Pfn } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import { folioGet, folioPut } from "./folio.js";
import { lruOf, lruStat, lruStatIndex } from "./lruvec.js";
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
  sys.vmstat.addAt(lruStatIndex(lruOf(pages.flags[folio]!)), pages.folioNrPages(folio));
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

/** folio_add_lru() for a folio that was just mapped into `vma`: in a locked area it goes to the unevictable ones. */
export function folioAddLruVma(folio: Pfn, vma: Vma): void {
  const sys = vma.mm.sys;
  folioAddLru(sys, folio);
  if ((vma.flags & (VM_LOCKED | VM_SPECIAL)) === VM_LOCKED) mlockNewFolio(sys, folio);
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

// --- batches ------------------------------------------------------------------------

/** So many small folios wait for the same move. Linux: PAGEVEC_SIZE. */
const PAGEVEC_SIZE = 31;

/** Folios that wait to be moved between lists together, each with a reference. Linux: struct cpu_fbatches. */
export interface LruBatches {
  deactivate: Pfn[];
  lazyfree: Pfn[];
  /** New folios of locked areas, on their way to the unevictable ones. */
  mlock: Pfn[];
}

function canBeLazyfree(sys: MemorySystem, folio: Pfn): boolean {
  const flags = sys.pages.flags[folio]!;
  const wanted = PG_ANON | PG_SWAPBACKED | PG_LRU;
  return (flags & wanted) === wanted && (flags & (PG_SWAPCACHE | PG_UNEVICTABLE)) === 0;
}

/** Moves one folio of a batch. */
const MOVES: Readonly<Record<keyof LruBatches, (sys: MemorySystem, folio: Pfn) => void>> = {
  deactivate(sys, folio) {
    if (!sys.pages.test(folio, PG_LRU) || sys.pages.test(folio, PG_UNEVICTABLE)) return;
    changeFlags(sys, folio, PG_ACTIVE | PG_REFERENCED, 0);
    sys.vmstat.add("pgdeactivate", sys.pages.folioNrPages(folio));
  },
  lazyfree(sys, folio) {
    if (!canBeLazyfree(sys, folio)) return;
    changeFlags(sys, folio, PG_ACTIVE | PG_REFERENCED | PG_SWAPBACKED, 0);
    sys.vmstat.add("pglazyfree", sys.pages.folioNrPages(folio));
  },
  mlock(sys, folio) {
    if ((sys.pages.flags[folio]! & (PG_LRU | PG_MLOCKED)) === (PG_LRU | PG_MLOCKED)) changeFlags(sys, folio, 0, PG_UNEVICTABLE);
  },
};

/** Linux: folio_batch_move_lru(). */
function batchMoveLru(sys: MemorySystem, batch: keyof LruBatches): void {
  const folios = sys.lruBatches[batch];
  if (folios.length === 0) return;
  sys.lruBatches[batch] = [];
  for (const folio of folios) MOVES[batch](sys, folio);
  for (const folio of folios) folioPut(sys, folio);
}

/** Linux: folio_batch_add_and_move(). A large folio does not wait, nor do those before it then. */
function batchAddAndMove(sys: MemorySystem, batch: keyof LruBatches, folio: Pfn): void {
  folioGet(sys, folio);
  sys.lruBatches[batch].push(folio);
  if (sys.lruBatches[batch].length === PAGEVEC_SIZE || sys.pages.isLarge(folio)) batchMoveLru(sys, batch);
}

/** The batches are emptied. Called where Linux calls lru_add_drain(). */
export function lruAddDrain(sys: MemorySystem): void {
  batchMoveLru(sys, "deactivate");
  batchMoveLru(sys, "lazyfree");
  batchMoveLru(sys, "mlock");
}

/** MADV_FREE: the folio may be dropped without being written anywhere, unless it is dirtied again. */
export function folioMarkLazyfree(sys: MemorySystem, folio: Pfn): void {
  if (canBeLazyfree(sys, folio)) batchAddAndMove(sys, "lazyfree", folio);
}

/** MADV_COLD: the folio becomes a candidate for reclaim. Linux: folio_deactivate() with the generations of the LRU on. */
export function folioDeactivate(sys: MemorySystem, folio: Pfn): void {
  if (sys.pages.test(folio, PG_LRU) && !sys.pages.test(folio, PG_UNEVICTABLE)) batchAddAndMove(sys, "deactivate", folio);
}

// --- mlock and dirty folios ---------------------------------------------------------

/** The folio is mapped into a locked area. */
export function mlockFolio(sys: MemorySystem, folio: Pfn): void {
  const { pages } = sys;
  if (pages.test(folio, PG_MLOCKED)) return;
  changeFlags(sys, folio, 0, PG_MLOCKED | PG_UNEVICTABLE);
  sys.vmstat.add("nr_mlock", pages.folioNrPages(folio));
  sys.vmstat.add("unevictable_pgs_mlocked", pages.folioNrPages(folio));
}

/** A folio that was just made for a locked area: it is locked, and unevictable a little later. Linux: mlock_new_folio(). */
function mlockNewFolio(sys: MemorySystem, folio: Pfn): void {
  const { pages } = sys;
  pages.set(folio, PG_MLOCKED);
  sys.vmstat.add("nr_mlock", pages.folioNrPages(folio));
  sys.vmstat.add("unevictable_pgs_mlocked", pages.folioNrPages(folio));
  batchAddAndMove(sys, "mlock", folio);
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
