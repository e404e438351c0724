/**
 * Folios as parts of a file: where they lie, whom they belong to, how they are locked, stored in the cache and taken out of it.
 *
 * Linux: include/linux/pagemap.h, mm/filemap.c page_cache_delete(), __filemap_remove_folio(), folio_lock(). A folio in the cache
 * holds one reference per page.
 */
import type { Pa, Pfn } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import type { AddressSpace } from "../fs/file.js";
import { folioMapcount, folioPutRefs, folioRefAdd } from "./folio.js";
import type { MemorySystem } from "./memory-system.js";
import { NO_PFN, PG_DIRTY, PG_LOCKED, PG_SWAPBACKED } from "./page.js";

export const NONE = NO_PFN as Pfn;

/** Largest order of any page-cache folio: the XArray splits entries only below two chunks. Linux: MAX_XAS_ORDER. */
const MAX_XAS_ORDER = 11;

/** Block size of the file systems modelled here (mkfs default), bytes. */
export const FS_BLOCK_BYTES = 4096;

/** MAX_PAGECACHE_ORDER: the PMD order, at most 11 (which leaves 64K kernels without PMD-sized page-cache folios). */
export function maxPagecacheOrder(sys: MemorySystem): number {
  return Math.min(MAX_XAS_ORDER, sys.granule.pmdOrder);
}

/** mapping_max_folio_order(). */
export function mappingMaxFolioOrder(mapping: AddressSpace): number {
  return mapping.policy.largeFolios ? maxPagecacheOrder(mapping.sys) : 0;
}

/** shmem_mapping(): contents live in memory only. */
export function shmemMapping(mapping: AddressSpace): boolean {
  return mapping.policy.kind === "shmem";
}

/** mapping_can_writeback(): dirty folios are written to a backing and become clean. */
export function mappingCanWriteback(mapping: AddressSpace): boolean {
  return mapping.policy.kind === "pagecache";
}

/** The address_space that the folio belongs to; undefined for a folio that was truncated. Pre: not anonymous. */
export function folioMapping(sys: MemorySystem, folio: Pfn): AddressSpace | undefined {
  const id = sys.pages.mapping[folio]!;
  return id === 0 ? undefined : sys.mappings.addressSpace(id);
}

/** Number of pages up to i_size: the first index that may not be mapped. */
export function pagesInFile(mapping: AddressSpace): number {
  return Math.ceil(mapping.inode.size / mapping.sys.granule.pageSize);
}

/** folio_next_index(): index behind the folio. */
export function folioNextIndex(sys: MemorySystem, folio: Pfn): number {
  return sys.pages.index[folio]! + sys.pages.folioNrPages(folio);
}

/** folio_file_page(): the page of the folio at file index `index`. */
export function folioFilePage(sys: MemorySystem, folio: Pfn, index: number): Pfn {
  return (folio + (index - sys.pages.index[folio]!)) as Pfn;
}

/** folio_pos(): file offset of the folio, bytes. */
export function folioPos(sys: MemorySystem, folio: Pfn): number {
  return sys.pages.index[folio]! * sys.granule.pageSize;
}

/** folio_size(), bytes. */
export function folioSize(sys: MemorySystem, folio: Pfn): number {
  return sys.pages.folioNrPages(folio) * sys.granule.pageSize;
}

/** The bytes of the folio in guest RAM, not a copy. */
export function folioBytes(sys: MemorySystem, folio: Pfn): Uint8Array {
  return sys.memory.slice((folio * sys.granule.pageSize) as Pa, folioSize(sys, folio));
}

/** The kernel wrote into pages `first` to `last` (inclusive) of the folio. */
export function folioWritten(sys: MemorySystem, folio: Pfn, first: number, last: number): void {
  for (let i = first; i <= last; i++) sys.frameWritten((folio + i) as Pfn);
}

/** folio_mapped(): some page table maps the folio or a page of it. */
export function folioMapped(sys: MemorySystem, folio: Pfn): boolean {
  return folioMapcount(sys, folio) > 0;
}

/** folio_lock(). One kernel path runs at a time, so a folio that is locked already is locked by the caller: a bug. */
export function folioLock(sys: MemorySystem, folio: Pfn): void {
  if (sys.pages.test(folio, PG_LOCKED)) throw new ModelBug(`folio_lock: folio ${folio} is locked already`);
  sys.pages.set(folio, PG_LOCKED);
}

/** folio_trylock(). */
export function folioTrylock(sys: MemorySystem, folio: Pfn): boolean {
  if (sys.pages.test(folio, PG_LOCKED)) return false;
  sys.pages.set(folio, PG_LOCKED);
  return true;
}

/** folio_unlock(). */
export function folioUnlock(sys: MemorySystem, folio: Pfn): void {
  if (!sys.pages.test(folio, PG_LOCKED)) throw new ModelBug(`folio_unlock: folio ${folio} is not locked`);
  sys.pages.clear(folio, PG_LOCKED);
}

/** Folios in the cache that overlap pages `start` to `end` (inclusive), ascending, without references. Nothing is made for it. */
export function foliosInRange(mapping: AddressSpace, start: number, end: number): Pfn[] {
  const { sys, pages } = mapping;
  if (pages.size === 0 || end < start) return [];
  const found: Pfn[] = [];
  if (end - start < pages.size) {
    for (let index = start; index <= end; ) {
      const folio = pages.get(index);
      if (folio === undefined) {
        index++;
        continue;
      }
      found.push(folio);
      index = folioNextIndex(sys, folio);
    }
    return found;
  }
  const seen = new Set<Pfn>();
  for (const [index, folio] of pages) if (index >= start && index <= end) seen.add(folio);
  for (const folio of seen) found.push(folio);
  return found.sort((a, b) => sys.pages.index[a]! - sys.pages.index[b]!);
}

/** Store the folio at `index`, with one reference per page. Pre: the range is empty and naturally aligned. */
export function attachFolio(mapping: AddressSpace, folio: Pfn, index: number): void {
  const { sys } = mapping;
  const { pages } = sys;
  const nr = pages.folioNrPages(folio);
  if (index % nr !== 0) throw new ModelBug(`attach_folio: index ${index} is not aligned to ${nr} pages`);
  folioRefAdd(sys, folio, nr);
  pages.mapping[folio] = mapping.id;
  pages.index[folio] = index;
  for (let i = 0; i < nr; i++) mapping.pages.set(index + i, folio);
  mapping.nrPages += nr;
  sys.vmstat.add("nr_file_pages", nr);
}

/** filemap_remove_folio(): take the folio out of the cache and drop the cache's references. Pre: locked, the caller holds a reference. */
export function filemapRemoveFolio(mapping: AddressSpace, folio: Pfn): void {
  const { sys } = mapping;
  const { pages } = sys;
  const index = pages.index[folio]!;
  const nr = pages.folioNrPages(folio);
  if (folioMapped(sys, folio)) throw new ModelBug(`filemap_remove_folio: folio ${folio} is still mapped`);
  for (let i = index; i < index + nr; i++) mapping.pages.delete(i);
  mapping.nrPages -= nr;
  mapping.blocks.delete(index);
  if (mapping.dirty.delete(index) && mappingCanWriteback(mapping)) sys.vmstat.add("nr_dirty", -nr);
  sys.vmstat.add("nr_file_pages", -nr);
  const thp = pages.folioOrder(folio) >= sys.granule.pmdOrder ? -1 : 0;
  if (pages.test(folio, PG_SWAPBACKED)) {
    sys.vmstat.add("nr_shmem", -nr);
    if (thp !== 0) sys.vmstat.add("nr_shmem_hugepages", thp);
    mapping.charge?.(-nr);
  } else if (thp !== 0) sys.vmstat.add("nr_file_hugepages", thp);
  pages.mapping[folio] = 0;
  pages.clear(folio, PG_DIRTY);
  folioPutRefs(sys, folio, nr);
}
