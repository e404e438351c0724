/**
 * Splitting a large folio into single pages, without moving them: take all mappings away, cut the folio, and map the pages again.
 *
 * Linux: mm/huge_memory.c split_huge_page_to_list_to_order() with new_order 0, unmap_folio(), __split_huge_page(), remap_page().
 */
import type { Order, Pfn } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import { EAGAIN, EBUSY } from "../errno.js";
import type { AddressSpace } from "../fs/file.js";
import { folioUnqueueDeferredSplit } from "./deferred-split.js";
import { folioGet, folioMapcount, folioPut } from "./folio.js";
import { splitHugePmdAddress, splitHugePmdFrozen } from "./huge-pmd.js";
import type { MemorySystem } from "./memory-system.js";
import { removeMigrationPte, tryToMigrateOne } from "./migrate.js";
import {
  PG_ACTIVE,
  PG_ANON,
  PG_DIRTY,
  PG_LOCKED,
  PG_LRU,
  PG_MLOCKED,
  PG_REFERENCED,
  PG_SHMEM,
  PG_SWAPBACKED,
  PG_SWAPCACHE,
  PG_UNEVICTABLE,
  PG_UPTODATE,
  PG_WORKINGSET,
  PG_WRITEBACK,
} from "./page.js";
import { folioCancelDirty } from "./page-writeback.js";
import { rmapWalk } from "./rmap.js";
import { freeSwapCache, swapOf } from "./swap-state.js";

/** Flags that every page of the folio inherits. Linux: __split_huge_page_tail(). */
const INHERITED =
  PG_REFERENCED | PG_SWAPBACKED | PG_MLOCKED | PG_UPTODATE | PG_ACTIVE | PG_WORKINGSET | PG_LOCKED | PG_UNEVICTABLE | PG_DIRTY | PG_LRU | PG_SHMEM | PG_ANON | PG_SWAPCACHE;

/** References beyond those of mappings and callers: one per page of the page cache or the swap cache. */
function extraPins(sys: MemorySystem, folio: Pfn): number {
  return inCache(sys, folio) ? sys.pages.folioNrPages(folio) : 0;
}

function inCache(sys: MemorySystem, folio: Pfn): boolean {
  return (sys.pages.flags[folio]! & (PG_ANON | PG_SWAPCACHE)) !== PG_ANON;
}

/** can_split_folio(): nobody else holds the folio but its mappings, the page cache and the caller. */
export function canSplitFolio(sys: MemorySystem, folio: Pfn): boolean {
  return folioMapcount(sys, folio) === sys.pages.refcount[folio]! - extraPins(sys, folio) - 1;
}

// --- take the mappings away ---------------------------------------------------

/** unmap_folio() */
function unmapFolio(sys: MemorySystem, folio: Pfn): void {
  const nr = sys.pages.folioNrPages(folio);
  const pmdSized = sys.pages.folioOrder(folio) >= sys.granule.pmdOrder;
  let pending = false;
  rmapWalk(sys, folio, (vma, address) => {
    if (pmdSized) {
      if (sys.pages.test(folio, PG_ANON)) splitHugePmdFrozen(vma, address, folio);
      else splitHugePmdAddress(vma, address);
    }
    if (tryToMigrateOne(vma, folio, nr)) pending = true;
    return true;
  });
  if (pending) sys.tlb.tlbbatchFlush();
}

// --- cut ----------------------------------------------------------------------

/** The page becomes a folio of its own, with one reference, and one more for the page cache. Linux: __split_huge_page_tail(). */
function cutTail(sys: MemorySystem, head: Pfn, page: Pfn): void {
  const { pages } = sys;
  const flags = pages.flags[head]!;
  pages.flags[page] = flags & INHERITED;
  pages.compoundHead[page] = 0;
  pages.order[page] = 0;
  pages.mapping[page] = pages.mapping[head]!;
  pages.index[page] = pages.index[head]! + (page - head);
  pages.refcount[page] = inCache(sys, head) ? 2 : 1;
  pages.mapcount[page] = 0;
  pages.memcg[page] = pages.memcg[head]!;
  if ((flags & PG_SWAPCACHE) !== 0) {
    pages.swap[page] = pages.swap[head]! + (page - head);
    swapOf(sys).cache[pages.swap[page]!] = page;
  }
}

/** A page behind the end of the file leaves the page cache. */
function dropBeyondEof(mapping: AddressSpace, page: Pfn, index: number): void {
  const { sys } = mapping;
  folioCancelDirty(mapping, page);
  mapping.pages.delete(index);
  mapping.nrPages--;
  sys.pages.mapping[page] = 0;
  sys.vmstat.add("nr_file_pages", -1);
  if (sys.pages.test(page, PG_SHMEM)) {
    sys.vmstat.add("nr_shmem", -1);
    mapping.charge?.(-1);
  }
  folioPut(sys, page);
}

/** Every page becomes a folio of order 0; pages of a file are entered one by one. Linux: __split_huge_page(). */
function cutFolio(sys: MemorySystem, folio: Pfn, mapping: AddressSpace | undefined): void {
  const { pages, lru } = sys;
  const nr = pages.folioNrPages(folio);
  const onLru = pages.test(folio, PG_LRU);
  const cached = inCache(sys, folio);
  if (onLru) lru.shrink(folio, nr - 1);
  const first = pages.index[folio]!;
  const end = mapping === undefined ? Infinity : Math.ceil(mapping.inode.size / sys.granule.pageSize);
  const dirty = mapping !== undefined && mapping.dirty.has(first);
  for (let page = folio + nr - 1; page > folio; page--) {
    cutTail(sys, folio, page as Pfn);
    if (onLru) lru.addBeside(page as Pfn, folio);
    if (mapping === undefined) continue;
    const index = first + (page - folio);
    mapping.pages.set(index, page as Pfn);
    if (dirty) mapping.dirty.add(index);
    if (index >= end) dropBeyondEof(mapping, page as Pfn, index);
  }
  pages.flags[folio]! &= INHERITED;
  pages.order[folio] = 0;
  pages.nrPagesMapped[folio] = 0;
  pages.refcount[folio] = cached ? 2 : 1;
}

/**
 * Split a large folio into single pages. Pre: locked, with one reference of the caller, which stays on the head page, as does the
 * lock. Returns 0; -EAGAIN if somebody else holds a reference; -EBUSY for the huge zero folio, folios under write-back or no
 * longer in their file, and anonymous ones that nothing maps. `tails`: the folio was isolated, and so are the other pages then, each with a
 * reference for the caller, in ascending order. Linux: split_folio_to_list().
 */
export function splitFolio(sys: MemorySystem, folio: Pfn, tails?: Pfn[]): number {
  const { pages } = sys;
  if (!pages.test(folio, PG_LOCKED) || !pages.isLarge(folio)) throw new ModelBug(`split_folio: folio ${folio} is not locked or not large`);
  const order = pages.folioOrder(folio);
  const anon = pages.test(folio, PG_ANON);
  if (!anon && pages.mapping[folio] === 0) return -EBUSY;
  if (anon && folioMapcount(sys, folio) === 0) return -EBUSY;
  if (folio === sys.hugeMemory.hugeZeroPfn || pages.test(folio, PG_WRITEBACK)) return -EBUSY;
  const ret = canSplitFolio(sys, folio) ? 0 : -EAGAIN;
  if (ret === 0) splitMapped(sys, folio, order, anon, tails);
  if (order === sys.granule.pmdOrder) sys.vmstat.inc(ret === 0 ? "thp_split_page" : "thp_split_page_failed");
  sys.thp.statInc(order, ret === 0 ? "split" : "split_failed");
  return ret;
}

function splitMapped(sys: MemorySystem, folio: Pfn, order: Order, anon: boolean, tails: Pfn[] | undefined): void {
  const { pages } = sys;
  const nr = 2 ** order;
  const mapping = anon ? undefined : sys.mappings.addressSpace(pages.mapping[folio]!);
  unmapFolio(sys, folio);
  if (pages.refcount[folio] !== 1 + extraPins(sys, folio)) throw new ModelBug(`split_folio: folio ${folio} has ${pages.refcount[folio]} references after unmapping`);
  folioUnqueueDeferredSplit(sys, folio);
  if (anon) sys.thp.statInc(order, "nr_anon", -1);
  else if (order === sys.granule.pmdOrder) sys.vmstat.add(pages.test(folio, PG_SWAPBACKED) ? "nr_shmem_hugepages" : "nr_file_hugepages", -1);
  sys.buddy.splitAllocation(folio, order, 0 as Order);
  cutFolio(sys, folio, mapping);
  if (anon) {
    for (let page: number = folio; page < folio + nr; page++) {
      rmapWalk(sys, page as Pfn, (vma) => {
        removeMigrationPte(vma, { folio: page as Pfn, page: page as Pfn, from: page as Pfn, useZeroPage: true });
        return true;
      });
    }
  }
  for (let page = folio + 1; page < folio + nr; page++) {
    pages.clear(page as Pfn, PG_LOCKED);
    if (tails !== undefined) {
      folioGet(sys, page as Pfn);
      tails.push(page as Pfn);
    }
    freeSwapCache(sys, page as Pfn);
    folioPut(sys, page as Pfn);
  }
}
