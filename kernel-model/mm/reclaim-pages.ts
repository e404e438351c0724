/**
 * Reclaiming a given set of folios at once, as MADV_PAGEOUT wants.
 *
 * Linux: mm/vmscan.c reclaim_pages(), shrink_folio_list() with ignore_references; mm/shmem.c shmem_writepage(). There is no swap
 * space here, so anonymous and shared memory cannot leave; what reclaim does to it all the same is done.
 */
import type { Pfn } from "../../emulator/arch/addr.js";
import { folioGet, folioPut } from "./folio.js";
import type { MemorySystem } from "./memory-system.js";
import { mappingEvictFolio } from "./page-cache-reclaim.js";
import { PG_ACTIVE, PG_ANON, PG_DIRTY, PG_MLOCKED, PG_READAHEAD, PG_SWAPBACKED, PG_UNEVICTABLE } from "./page.js";
import { folioMapped, folioTrylock, folioUnlock } from "./pagemap.js";
import { splitFolio } from "./split-folio.js";
import { changeFlags } from "./swap-lru.js";
import { tryToUnmap, tryToUnmapFlush, type UnmapBatch } from "./try-to-unmap.js";

/** The folio stays, and is taken for one in use. */
function activate(sys: MemorySystem, folio: Pfn): void {
  if (sys.pages.test(folio, PG_MLOCKED)) return;
  changeFlags(sys, folio, 0, PG_ACTIVE);
  sys.vmstat.add("pgactivate", sys.pages.folioNrPages(folio));
}

/** Adding to swap fails: a large folio is split, and all pages stay. Pre: locked and referenced. */
function keepAnon(sys: MemorySystem, folio: Pfn): void {
  const { pages } = sys;
  const nr = pages.folioNrPages(folio);
  const order = pages.folioOrder(folio);
  if (nr > 1 && splitFolio(sys, folio) === 0) {
    if (order >= sys.granule.pmdOrder) sys.vmstat.inc("thp_swpout_fallback");
    sys.thp.statInc(order, "swpout_fallback");
    for (let page = folio + nr - 1; page > folio; page--) activate(sys, page as Pfn);
  }
  activate(sys, folio);
}

/** One folio, locked and with a reference of the caller. True if nothing but that reference and the page cache holds it any more. */
function shrinkFolio(sys: MemorySystem, folio: Pfn, batch: UnmapBatch): boolean {
  const { pages } = sys;
  const anon = pages.test(folio, PG_ANON);
  if (pages.test(folio, PG_UNEVICTABLE | PG_MLOCKED)) {
    activate(sys, folio);
    return false;
  }
  if (anon && pages.test(folio, PG_SWAPBACKED)) {
    keepAnon(sys, folio);
    return false;
  }
  if (folioMapped(sys, folio) && !tryToUnmap(sys, folio, batch)) {
    activate(sys, folio);
    return false;
  }
  if (!pages.test(folio, PG_DIRTY)) return true;
  if (pages.test(folio, PG_SWAPBACKED)) {
    // shmem_writepage() finds no swap space and dirties the folio again; before it, writers must not come through the TLB.
    if (batch.writable) tryToUnmapFlush(sys, batch);
  } else if (!anon) {
    // Disk files are written back by others; the folio is marked to go then (PG_reclaim, which is PG_readahead's bit).
    sys.vmstat.add("nr_vmscan_immediate_reclaim", pages.folioNrPages(folio));
    pages.set(folio, PG_READAHEAD);
  }
  activate(sys, folio);
  return false;
}

/** Reclaims what can be reclaimed of `folios`, in order; each carries a reference, which is given up. Returns the pages freed. */
export function reclaimPages(sys: MemorySystem, folios: readonly Pfn[]): number {
  const { pages } = sys;
  const batch: UnmapBatch = { flushRequired: false, writable: false };
  let freed = 0;
  for (const folio of folios) {
    if (!folioTrylock(sys, folio)) {
      folioPut(sys, folio);
      continue;
    }
    changeFlags(sys, folio, PG_ACTIVE, 0);
    const anon = pages.test(folio, PG_ANON);
    const nr = pages.folioNrPages(folio);
    const free = shrinkFolio(sys, folio, batch);
    folioUnlock(sys, folio);
    if (!free || anon) {
      if (free) sys.vmstat.add("pglazyfreed", nr);
      folioPut(sys, folio);
      if (free) freed += nr;
      continue;
    }
    const mapping = sys.mappings.addressSpace(pages.mapping[folio]!);
    folioPut(sys, folio);
    freed += mappingEvictFolio(mapping, folio);
  }
  tryToUnmapFlush(sys, batch);
  return freed;
}

/** A folio that reclaimPages() shall get: one reference more. Linux: folio_isolate_lru(). */
export function folioIsolate(sys: MemorySystem, folio: Pfn): Pfn {
  folioGet(sys, folio);
  return folio;
}
