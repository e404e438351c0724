/**
 * Folios: allocation of compound pages, references and map counts.
 *
 * A folio is named by the pfn of its head page. Its life: folioAlloc (one reference) -> mapped, cached, referenced any number of
 * times -> last reference dropped -> back to the buddy allocator.
 *
 * Linux: include/linux/mm.h folio_get(), folio_mapcount(), mm/page_alloc.c prep_compound_page(), free_pages_prepare(),
 * mm/swap.c __folio_put().
 */
import type { Order, Pa, Pfn } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import { lruOf, lruStatIndex } from "./lruvec.js";
import { ROOT_MEM_CGROUP } from "./memcontrol.js";
import type { MemorySystem } from "./memory-system.js";
import {
  NO_PFN,
  PG_ANON,
  PG_DEFERRED_SPLIT,
  PG_HEAD,
  PG_LOCKED,
  PG_LRU,
  PG_MLOCKED,
  PG_PARTIALLY_MAPPED,
  PG_SWAPCACHE,
  PG_TAIL,
  PG_WRITEBACK,
} from "./page.js";

/** A folio of 2^order pages with one reference, or NO_PFN. Its content is not defined: zeroFolio() or fill it. */
export function folioAlloc(sys: MemorySystem, order: Order): Pfn {
  const folio = sys.buddy.allocPages(order);
  if (folio === NO_PFN || order === 0) return folio;
  const { pages } = sys;
  const end = folio + (1 << order);
  pages.flags[folio] = PG_HEAD;
  pages.flags.fill(PG_TAIL, folio + 1, end);
  pages.compoundHead.fill(folio + 1, folio + 1, end);
  return folio;
}

/** Fill a new folio with zeros (folio_zero_user). Pre: its owner has not written to it. Frames that never had an owner are zeros already. */
export function zeroFolio(sys: MemorySystem, folio: Pfn): void {
  const { buddy, memory } = sys;
  const { pageSize } = sys.granule;
  const end = folio + sys.pages.folioNrPages(folio);
  for (let page: number = folio; page < end; ) {
    let stop = page;
    while (stop < end && !buddy.isPristine(stop as Pfn)) stop++;
    if (stop > page) memory.fill((page * pageSize) as Pa, (stop - page) * pageSize, 0);
    page = stop + 1;
  }
}

export function folioGet(sys: MemorySystem, folio: Pfn): void {
  folioRefAdd(sys, folio, 1);
}

/** `nr` more references. */
export function folioRefAdd(sys: MemorySystem, folio: Pfn, nr: number): void {
  const { refcount } = sys.pages;
  if (refcount[folio]! <= 0) throw new ModelBug(`folioRefAdd: folio ${folio} has ${refcount[folio]} references`);
  refcount[folio]! += nr;
}

export function folioPut(sys: MemorySystem, folio: Pfn): void {
  folioPutRefs(sys, folio, 1);
}

/** Drop `nr` references; the last one frees the folio. */
export function folioPutRefs(sys: MemorySystem, folio: Pfn, nr: number): void {
  const left = sys.pages.refcount[folio]! - nr;
  if (left < 0) throw new ModelBug(`folioPutRefs: folio ${folio} loses ${nr} of ${left + nr} references`);
  sys.pages.refcount[folio] = left;
  if (left === 0) freeFolio(sys, folio);
}

/** folio_mapcount(): page-table entries, of level 3 and level 2, that map any part of the folio. */
export function folioMapcount(sys: MemorySystem, folio: Pfn): number {
  const { pages } = sys;
  return pages.isLarge(folio) ? pages.largeMapcount[folio]! : pages.mapcount[folio]!;
}

/** folio_entire_mapcount(): level-2 entries that map the whole folio. */
export function folioEntireMapcount(sys: MemorySystem, folio: Pfn): number {
  return sys.pages.entireMapcount[folio]!;
}

/** folio_precise_page_mapcount(): entries of either level that map this very page. */
export function pageMapcount(sys: MemorySystem, page: Pfn): number {
  const { pages } = sys;
  const folio = pages.head(page);
  return pages.mapcount[page]! + (pages.isLarge(folio) ? pages.entireMapcount[folio]! : 0);
}

/** folio_likely_mapped_shared(): a guess from the map counts whether more than one mm maps the folio. */
export function folioLikelyMappedShared(sys: MemorySystem, folio: Pfn): boolean {
  const { pages } = sys;
  const mapcount = folioMapcount(sys, folio);
  if (!pages.isLarge(folio)) return mapcount > 1;
  if (mapcount <= 1) return false;
  if (pages.entireMapcount[folio]! > 0 || mapcount > pages.folioNrPages(folio)) return true;
  return pages.mapcount[folio]! > 1;
}

/** Linux: __folio_put(), free_pages_prepare(). The counters that follow a folio to its end are corrected here. */
function freeFolio(sys: MemorySystem, folio: Pfn): void {
  const { pages, vmstat } = sys;
  const flags = pages.flags[folio]!;
  const order = pages.folioOrder(folio);
  const nr = 1 << order;
  if ((flags & (PG_TAIL | PG_LOCKED | PG_WRITEBACK)) !== 0) throw new ModelBug(`folioPut: folio ${folio} freed with flags 0x${flags.toString(16)}`);
  if (folioMapcount(sys, folio) !== 0) throw new ModelBug(`folioPut: folio ${folio} freed while mapped ${folioMapcount(sys, folio)} times`);
  if ((flags & PG_SWAPCACHE) !== 0) throw new ModelBug(`folioPut: folio ${folio} freed while in the swap cache`);
  if ((flags & PG_LRU) !== 0) {
    sys.lru.remove(folio);
    vmstat.addAt(lruStatIndex(lruOf(flags)), -nr);
  }
  if (pages.memcg[folio] !== ROOT_MEM_CGROUP) {
    sys.memcgs.charged[pages.memcg[folio]!]! -= nr;
    pages.memcg[folio] = ROOT_MEM_CGROUP;
  }
  if ((flags & PG_MLOCKED) !== 0) {
    vmstat.add("nr_mlock", -nr);
    vmstat.add("unevictable_pgs_cleared", nr);
  }
  if ((flags & PG_DEFERRED_SPLIT) !== 0) {
    sys.hugeMemory.deferredSplit.delete(folio);
    if ((flags & PG_PARTIALLY_MAPPED) !== 0) sys.thp.statInc(order, "nr_anon_partially_mapped", -1);
  }
  if ((flags & PG_ANON) !== 0) {
    if (order > 0) sys.thp.statInc(order, "nr_anon", -1);
  } else if (pages.mapping[folio] !== 0) {
    throw new ModelBug(`folioPut: folio ${folio} freed while in the page cache`);
  }
  pages.mapping[folio] = 0;
  if (order > 0) {
    pages.flags.fill(0, folio, folio + nr);
    pages.compoundHead.fill(0, folio, folio + nr);
  }
  for (let page: number = folio; page < folio + nr; page++) sys.frameWritten(page as Pfn);
  sys.buddy.freePages(folio, order);
}
