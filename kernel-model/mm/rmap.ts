/**
 * Reverse mapping: who maps a folio. Map counts of pages and folios, exclusivity of anonymous pages, and the anon_vma tree.
 *
 * Linux: mm/rmap.c, include/linux/rmap.h. Locks are left out: the model runs one kernel path at a time.
 */
import type { Order, Pfn, Va } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import type { AnonVma } from "./anon-vma.js";
import { deferredSplitFolio } from "./deferred-split.js";
import type { MemorySystem } from "./memory-system.js";
import type { MmStruct } from "./mm-struct.js";
import { PG_ANON, PG_ANON_EXCLUSIVE, PG_HEAD, PG_PARTIALLY_MAPPED, PG_SWAPBACKED } from "./page.js";
import { mlockFolio, munlockFolio, VM_SPECIAL } from "./swap-lru.js";
import { VM_EXEC, VM_LOCKED, VM_READ, VM_WRITE, type Vma } from "./vma.js";
import { vmstatIndex } from "./vmstat.js";

const NR_ANON_PAGES = vmstatIndex("nr_anon_pages");
const NR_MAPPED = vmstatIndex("nr_mapped");

/** Flag of folio_add_anon_rmap_*(): the pages are exclusive to this mm. Linux: rmap_t. */
export const RMAP_NONE = 0;
export const RMAP_EXCLUSIVE = 1;

/** Page offset of `address` in the object that `vma` maps. Linux: linear_page_index(). */
export function linearPageIndex(vma: Vma, address: number): number {
  return vma.pgoff + Math.floor((address - vma.start) / vma.mm.sys.granule.pageSize);
}

// --- map counts ---------------------------------------------------------------

function modStat(sys: MemorySystem, folio: Pfn, nr: number, nrPmdmapped: number): void {
  const flags = sys.pages.flags[folio]!;
  if (nr !== 0) sys.vmstat.addAt((flags & PG_ANON) !== 0 ? NR_ANON_PAGES : NR_MAPPED, nr);
  if (nrPmdmapped === 0) return;
  const thps = nrPmdmapped > 0 ? 1 : -1;
  if ((flags & PG_ANON) !== 0) sys.vmstat.add("nr_anon_transparent_hugepages", thps);
  else sys.vmstat.add((flags & PG_SWAPBACKED) !== 0 ? "nr_shmem_pmdmapped" : "nr_file_pmdmapped", thps);
}

/** One more PTE mapping of `nr` pages from `page`. Returns how many pages became mapped that were not. */
function addRmapPtes(sys: MemorySystem, folio: Pfn, page: Pfn, nr: number): number {
  const { pages } = sys;
  const { mapcount } = pages;
  if ((pages.flags[folio]! & PG_HEAD) === 0) return mapcount[folio]!++ === 0 ? 1 : 0;
  let first = 0;
  for (let i = page; i < page + nr; i++) if (mapcount[i]!++ === 0) first++;
  pages.nrPagesMapped[folio]! += first;
  pages.largeMapcount[folio]! += nr;
  return pages.entireMapcount[folio] === 0 ? first : 0;
}

/** One more PMD mapping. Returns how many pages became mapped that were not. */
function addRmapPmd(sys: MemorySystem, folio: Pfn): number {
  const { pages } = sys;
  pages.largeMapcount[folio]!++;
  return pages.entireMapcount[folio]!++ === 0 ? pages.folioNrPages(folio) - pages.nrPagesMapped[folio]! : 0;
}

function mlockSmallFolio(sys: MemorySystem, folio: Pfn, vma: Vma): void {
  if ((vma.flags & (VM_LOCKED | VM_SPECIAL)) !== VM_LOCKED) return;
  if (!sys.pages.isLarge(folio)) mlockFolio(sys, folio);
}

function checkAnonRmap(sys: MemorySystem, folio: Pfn, page: Pfn, vma: Vma, address: number): void {
  const anonVma = sys.mappings.anonVma(sys.pages.mapping[folio]!);
  if (anonVma.root !== vma.anonVma?.root) throw new ModelBug(`folio_add_anon_rmap: folio ${folio} belongs to another anon_vma tree`);
  if (sys.pages.index[folio]! + (page - folio) !== linearPageIndex(vma, address)) {
    throw new ModelBug(`folio_add_anon_rmap: page ${page} at ${address.toString(16)} is not at its index`);
  }
}

/** Map `nr` pages of an anonymous folio, starting with `page` at `address`, by PTEs. `flags`: RMAP_*. */
export function folioAddAnonRmapPtes(folio: Pfn, page: Pfn, nr: number, vma: Vma, address: Va, flags: number): void {
  const sys = vma.mm.sys;
  const mapped = addRmapPtes(sys, folio, page, nr);
  checkAnonRmap(sys, folio, page, vma, address);
  modStat(sys, folio, mapped, 0);
  if ((flags & RMAP_EXCLUSIVE) !== 0) for (let i = page; i < page + nr; i++) sys.pages.flags[i]! |= PG_ANON_EXCLUSIVE;
  mlockSmallFolio(sys, folio, vma);
}

/** Map an anonymous folio by a PMD entry at `address`. `flags`: RMAP_*. */
export function folioAddAnonRmapPmd(folio: Pfn, vma: Vma, address: Va, flags: number): void {
  const sys = vma.mm.sys;
  const first = sys.pages.entireMapcount[folio] === 0;
  const mapped = addRmapPmd(sys, folio);
  checkAnonRmap(sys, folio, folio, vma, address);
  modStat(sys, folio, mapped, first ? sys.pages.folioNrPages(folio) : 0);
  if ((flags & RMAP_EXCLUSIVE) !== 0) sys.pages.set(folio, PG_ANON_EXCLUSIVE);
}

/**
 * First mapping of a new anonymous folio: by PTEs, or by a PMD entry if it has PMD order. Every page becomes exclusive, unless `flags` say
 * that others have entries for the folio's slots. Pre: `vma` has an anon_vma and covers the folio.
 */
export function folioAddNewAnonRmap(folio: Pfn, vma: Vma, address: Va, flags = RMAP_EXCLUSIVE): void {
  const sys = vma.mm.sys;
  const { pages } = sys;
  const anonVma = vma.anonVma;
  if (anonVma === undefined) throw new ModelBug(`folio_add_new_anon_rmap: area at ${vma.start.toString(16)} has no anon_vma`);
  pages.flags[folio]! |= vma.droppable ? PG_ANON : PG_ANON | PG_SWAPBACKED;
  const exclusive = (flags & RMAP_EXCLUSIVE) !== 0 ? PG_ANON_EXCLUSIVE : 0;
  pages.mapping[folio] = exclusive !== 0 ? anonVma.id : anonVma.root.id;
  pages.index[folio] = linearPageIndex(vma, address);
  if ((pages.flags[folio]! & PG_HEAD) === 0) {
    pages.mapcount[folio] = 1;
    pages.flags[folio]! |= exclusive;
    sys.vmstat.addAt(NR_ANON_PAGES, 1);
    return;
  }
  const order = pages.folioOrder(folio);
  const nr = 1 << order;
  const pmdMapped = order >= sys.granule.pmdOrder;
  if (pmdMapped) {
    pages.entireMapcount[folio] = 1;
    pages.largeMapcount[folio] = 1;
    pages.nrPagesMapped[folio] = 0;
    pages.flags[folio]! |= exclusive;
  } else {
    for (let i = folio; i < folio + nr; i++) {
      pages.mapcount[i] = 1;
      pages.flags[i]! |= exclusive;
    }
    pages.largeMapcount[folio] = nr;
    pages.nrPagesMapped[folio] = nr;
  }
  modStat(sys, folio, nr, pmdMapped ? nr : 0);
  sys.thp.statInc(order, "nr_anon");
}

/** Map `nr` pages of a page-cache folio from `page` by PTEs. */
export function folioAddFileRmapPtes(folio: Pfn, page: Pfn, nr: number, vma: Vma): void {
  const sys = vma.mm.sys;
  modStat(sys, folio, addRmapPtes(sys, folio, page, nr), 0);
  mlockSmallFolio(sys, folio, vma);
}

/** Map a whole page-cache folio by one PMD entry. */
export function folioAddFileRmapPmd(folio: Pfn, vma: Vma): void {
  const sys = vma.mm.sys;
  const wasEntirely = sys.pages.entireMapcount[folio]! > 0;
  modStat(sys, folio, addRmapPmd(sys, folio), wasEntirely ? 0 : 1);
}

/** A large anonymous folio of which this removal left some pages mapped and some not goes to the deferred split queue. */
function queueIfPartial(sys: MemorySystem, folio: Pfn, partiallyMapped: boolean): void {
  const flags = sys.pages.flags[folio]!;
  if (partiallyMapped && (flags & PG_ANON) !== 0 && (flags & PG_PARTIALLY_MAPPED) === 0) deferredSplitFolio(sys, folio, true);
}

/** Remove the PTE mappings of `nr` pages of the folio from `page`. */
export function folioRemoveRmapPtes(folio: Pfn, page: Pfn, nr: number, vma: Vma): void {
  const sys = vma.mm.sys;
  const { pages } = sys;
  const { mapcount } = pages;
  let unmapped: number;
  if ((pages.flags[folio]! & PG_HEAD) === 0) {
    if (mapcount[folio]! <= 0) throw new ModelBug(`folio_remove_rmap_ptes: page ${folio} is not mapped`);
    unmapped = --mapcount[folio]! === 0 ? 1 : 0;
  } else {
    let last = 0;
    for (let i = page; i < page + nr; i++) {
      if (mapcount[i]! <= 0) throw new ModelBug(`folio_remove_rmap_ptes: page ${i} is not mapped`);
      if (--mapcount[i]! === 0) last++;
    }
    pages.largeMapcount[folio]! -= nr;
    pages.nrPagesMapped[folio]! -= last;
    unmapped = pages.entireMapcount[folio] === 0 ? last : 0;
    queueIfPartial(sys, folio, unmapped > 0 && pages.nrPagesMapped[folio]! > 0);
  }
  modStat(sys, folio, -unmapped, 0);
  if ((vma.flags & VM_LOCKED) !== 0) munlockFolio(sys, folio);
}

/** Remove a PMD mapping of the folio. */
export function folioRemoveRmapPmd(folio: Pfn, vma: Vma): void {
  const sys = vma.mm.sys;
  const { pages } = sys;
  if (pages.entireMapcount[folio]! <= 0) throw new ModelBug(`folio_remove_rmap_pmd: folio ${folio} is not mapped by a PMD`);
  pages.largeMapcount[folio]!--;
  if (--pages.entireMapcount[folio]! === 0) {
    const nr = pages.folioNrPages(folio);
    const unmapped = nr - pages.nrPagesMapped[folio]!;
    queueIfPartial(sys, folio, unmapped > 0 && unmapped < nr);
    modStat(sys, folio, -unmapped, -nr);
  }
  if ((vma.flags & VM_LOCKED) !== 0) munlockFolio(sys, folio);
}

/** fork(): `nr` PTE mappings of an anonymous folio are duplicated; none of the pages is exclusive any more. Pins do not exist here, so it never fails. */
export function folioDupAnonRmapPtes(sys: MemorySystem, folio: Pfn, page: Pfn, nr: number): void {
  const { pages } = sys;
  const { flags, mapcount } = pages;
  for (let i = page; i < page + nr; i++) {
    flags[i]! &= ~PG_ANON_EXCLUSIVE;
    mapcount[i]!++;
  }
  if ((flags[folio]! & PG_HEAD) !== 0) pages.largeMapcount[folio]! += nr;
}

/** fork(): the PMD mapping of an anonymous folio is duplicated. */
export function folioDupAnonRmapPmd(sys: MemorySystem, folio: Pfn): void {
  const { pages } = sys;
  pages.flags[folio]! &= ~PG_ANON_EXCLUSIVE;
  pages.entireMapcount[folio]!++;
  pages.largeMapcount[folio]!++;
}

/** fork(): `nr` PTE mappings of a page-cache folio are duplicated. */
export function folioDupFileRmapPtes(sys: MemorySystem, folio: Pfn, page: Pfn, nr: number): void {
  const { pages } = sys;
  for (let i = page; i < page + nr; i++) pages.mapcount[i]!++;
  if (pages.isLarge(folio)) pages.largeMapcount[folio]! += nr;
}

/** folio_move_anon_rmap(): the folio is exclusive now, so only this area's own anon_vma needs to be searched for it. */
export function folioMoveAnonRmap(folio: Pfn, vma: Vma): void {
  if (vma.anonVma === undefined) throw new ModelBug("folio_move_anon_rmap: area without anon_vma");
  vma.mm.sys.pages.mapping[folio] = vma.anonVma.id;
}

// --- anon_vma -----------------------------------------------------------------

function anonVmaAlloc(sys: MemorySystem, parent: AnonVma | undefined): AnonVma {
  const id = sys.mappings.reserve();
  const fresh: { -readonly [K in keyof AnonVma]: AnonVma[K] } = {
    id,
    parent,
    root: undefined as unknown as AnonVma,
    vmas: new Set(),
    numChildren: 0,
    numActiveVmas: 0,
  };
  fresh.root = parent === undefined ? fresh : parent.root;
  sys.mappings.put(id, fresh);
  return fresh;
}

function anonVmaCompatible(a: Vma, b: Vma): boolean {
  return (
    a.end === b.start &&
    a.file === b.file &&
    ((a.flags ^ b.flags) & ~(VM_READ | VM_WRITE | VM_EXEC)) === 0 &&
    a.droppable === b.droppable &&
    a.sealed === b.sealed &&
    b.pgoff === a.pgoff + (b.start - a.start) / a.mm.sys.granule.pageSize
  );
}

/** A neighbour whose anon_vma never saw a fork lends it, so that a later mprotect() can merge the areas again. */
function findMergeableAnonVma(vma: Vma): AnonVma | undefined {
  const next = vma.mm.vmas.next(vma);
  if (next?.anonVma !== undefined && next.anonVmaChain.length === 1 && anonVmaCompatible(vma, next)) return next.anonVma;
  const prev = vma.mm.vmas.prev(vma);
  if (prev?.anonVma !== undefined && prev.anonVmaChain.length === 1 && anonVmaCompatible(prev, vma)) return prev.anonVma;
  return undefined;
}

/** Give the area an anon_vma if it has none: a neighbour's, or a new one. */
export function anonVmaPrepare(vma: Vma): void {
  if (vma.anonVma !== undefined) return;
  let anonVma = findMergeableAnonVma(vma);
  if (anonVma === undefined) {
    anonVma = anonVmaAlloc(vma.mm.sys, undefined);
    anonVma.numChildren++; // the root counts itself, so that it is never taken over by the reuse rule
  }
  vma.anonVma = anonVma;
  vma.anonVmaChain.unshift(anonVma);
  anonVma.vmas.add(vma);
  anonVma.numActiveVmas++;
}

/**
 * `dst` may map every folio that `src` may map. Used when an area is split, copied or merged (dst.anonVma as src's), and by
 * fork (dst.anonVma undefined): there an anon_vma that lost its own areas and has at most one child is taken over.
 */
export function anonVmaClone(dst: Vma, src: Vma): void {
  if (dst.anonVmaChain === src.anonVmaChain) dst.anonVmaChain = [];
  const reuse = dst.anonVma === undefined && src.anonVma !== undefined;
  for (let i = src.anonVmaChain.length - 1; i >= 0; i--) {
    const anonVma = src.anonVmaChain[i]!;
    dst.anonVmaChain.unshift(anonVma);
    anonVma.vmas.add(dst);
    if (reuse && dst.anonVma === undefined && anonVma.numChildren < 2 && anonVma.numActiveVmas === 0) dst.anonVma = anonVma;
  }
  if (dst.anonVma !== undefined) dst.anonVma.numActiveVmas++;
}

/** fork(): the child's area joins the parent's anon_vmas and gets one of its own for the pages it will copy. */
export function anonVmaFork(vma: Vma, pvma: Vma): void {
  if (pvma.anonVma === undefined) {
    vma.anonVmaChain = [];
    return;
  }
  vma.anonVma = undefined;
  anonVmaClone(vma, pvma);
  if (vma.anonVma !== undefined) return;
  const anonVma = anonVmaAlloc(vma.mm.sys, pvma.anonVma);
  anonVma.numActiveVmas++;
  vma.anonVma = anonVma;
  vma.anonVmaChain.unshift(anonVma);
  anonVma.vmas.add(vma);
  pvma.anonVma.numChildren++;
}

/** The area goes away, or leaves its anon_vmas after a failed operation. An anon_vma without areas is dropped. */
export function unlinkAnonVmas(vma: Vma): void {
  const empty: AnonVma[] = [];
  for (const anonVma of vma.anonVmaChain) {
    anonVma.vmas.delete(vma);
    if (anonVma.vmas.size !== 0) continue;
    (anonVma.parent ?? anonVma).numChildren--;
    empty.push(anonVma);
  }
  if (vma.anonVma !== undefined) {
    vma.anonVma.numActiveVmas--;
    vma.anonVma = undefined;
  }
  vma.anonVmaChain = [];
  for (const anonVma of empty) {
    if (anonVma.numChildren !== 0 || anonVma.numActiveVmas !== 0) {
      throw new ModelBug(`unlink_anon_vmas: empty anon_vma ${anonVma.id} with ${anonVma.numChildren} children and ${anonVma.numActiveVmas} active areas`);
    }
    vma.mm.sys.mappings.release(anonVma.id);
  }
}

// --- walks --------------------------------------------------------------------

/** Where the first page of `nr` pages from page offset `pgoff` would lie in `vma`; -1 if none of them does. Linux: vma_address(). */
export function vmaAddress(vma: Vma, pgoff: number, nr: number): Va | -1 {
  const { pageSize } = vma.mm.sys.granule;
  if (pgoff >= vma.pgoff) {
    const address = vma.start + (pgoff - vma.pgoff) * pageSize;
    return address < vma.end ? (address as Va) : -1;
  }
  return pgoff + nr > vma.pgoff ? vma.start : -1;
}

/**
 * Call `visit` for every area that may map the folio, with the address at which its first page there would be; stop when it
 * returns false. A mapping need not exist: the visitor looks at the page table.
 */
export function rmapWalk(sys: MemorySystem, folio: Pfn, visit: (vma: Vma, address: Va) => boolean): void {
  const { pages } = sys;
  const id = pages.mapping[folio]!;
  if (id === 0) return;
  const vmas = pages.test(folio, PG_ANON) ? sys.mappings.anonVma(id).vmas : sys.mappings.addressSpace(id).mmaps;
  const nr = pages.folioNrPages(folio);
  for (const vma of [...vmas]) {
    const address = vmaAddress(vma, pages.index[folio]!, nr);
    if (address !== -1 && !visit(vma, address)) return;
  }
}

/**
 * Reclaim has cleared entries of this mm and waits for the TLB only at the end of its batch: whoever changes entries of the mm
 * next must not rely on that, and flushes the whole address space once.
 */
export function flushTlbBatchedPending(mm: MmStruct): void {
  if (!mm.tlbFlushBatched) return;
  mm.tlbFlushBatched = false;
  mm.sys.tlb.flushTlbMm(mm);
}

/** folio_order() of the folio that contains `page`. */
export function pageOrder(sys: MemorySystem, page: Pfn): Order {
  return sys.pages.folioOrder(sys.pages.head(page));
}
