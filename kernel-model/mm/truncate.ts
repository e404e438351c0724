/**
 * Taking pages out of the page cache: truncation, holes, invalidation of what is clean, drop_caches.
 *
 * Linux: mm/truncate.c truncate_inode_pages_range(), truncate_inode_partial_folio(), truncate_pagecache(), truncate_setsize(),
 * mapping_try_invalidate(); mm/shmem.c shmem_undo_range(); mm/swap.c deactivate_file_folio(); fs/drop_caches.c. shmem and other files
 * share one routine here. Offsets are bytes, ends of byte ranges inclusive as in Linux, page ranges exclusive.
 */
import type { Pfn } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import type { AddressSpace } from "../fs/file.js";
import { filemapPeek } from "./filemap.js";
import { folioGet, folioPut } from "./folio.js";
import type { MemorySystem } from "./memory-system.js";
import { mappingEvictFolio } from "./page-cache-reclaim.js";
import { folioCancelDirty, folioMarkDirty, pagecacheIsizeExtended } from "./page-writeback.js";
import { PG_ACTIVE, PG_DIRTY, PG_LOCKED, PG_LRU, PG_READAHEAD, PG_REFERENCED, PG_UNEVICTABLE, PG_UPTODATE, PG_WRITEBACK } from "./page.js";
import {
  filemapRemoveFolio,
  folioBytes,
  folioLock,
  folioMapped,
  folioNextIndex,
  folioPos,
  folioSize,
  folioUnlock,
  foliosInRange,
  folioWritten,
  mappingCanWriteback,
  shmemMapping,
} from "./pagemap.js";
import { splitFolio } from "./split-folio.js";
import { changeFlags, lruAddDrain } from "./swap-lru.js";
import { unmapMappingFolio, unmapMappingPages } from "./zap.js";

/** truncate_inode_folio(): unmap the folio and drop it with what was written to it. Pre: locked and referenced. */
function truncateInodeFolio(mapping: AddressSpace, folio: Pfn): void {
  if (folioMapped(mapping.sys, folio)) unmapMappingFolio(mapping.sys, folio);
  folioCancelDirty(mapping, folio);
  filemapRemoveFolio(mapping, folio);
}

/** The folio, locked and referenced for the time of `work`. */
function withFolio<T>(sys: MemorySystem, folio: Pfn, work: () => T): T {
  folioGet(sys, folio);
  folioLock(sys, folio);
  const result = work();
  folioUnlock(sys, folio);
  folioPut(sys, folio);
  return result;
}

/** Fill part of the folio with zeros. `offset`, `length` in bytes within it. Linux: folio_zero_range(). */
function folioZeroRange(sys: MemorySystem, folio: Pfn, offset: number, length: number): void {
  folioBytes(sys, folio).fill(0, offset, offset + length);
  const { pageSize } = sys.granule;
  folioWritten(sys, folio, Math.floor(offset / pageSize), Math.floor((offset + length - 1) / pageSize));
}

/**
 * truncate_inode_partial_folio(): of a folio that [start, end] cuts, zero what is cut and split a large one so that the pages can go.
 * False: it could not be split, so nothing more of it may be dropped. Pre: locked and referenced.
 */
function truncateInodePartialFolio(mapping: AddressSpace, folio: Pfn, start: number, end: number): boolean {
  const { sys } = mapping;
  const pos = folioPos(sys, folio);
  const size = folioSize(sys, folio);
  const offset = Math.max(0, start - pos);
  const length = (pos + size <= end ? size : end + 1 - pos) - offset;
  if (length === size) {
    truncateInodeFolio(mapping, folio);
    return true;
  }
  folioZeroRange(sys, folio, offset, length);
  if (!sys.pages.isLarge(folio) || splitFolio(sys, folio) === 0) return true;
  if (!shmemMapping(mapping) && folioMapped(sys, folio)) unmapMappingFolio(sys, folio);
  if (sys.pages.test(folio, PG_DIRTY)) return false;
  truncateInodeFolio(mapping, folio);
  return true;
}

/** Pages of the initramfs in [start, end) that no one has looked at go as well. `partial`: indexes that keep part of their bytes. */
function forgetResident(mapping: AddressSpace, start: number, end: number, partial: readonly number[]): void {
  const { resident } = mapping;
  if (resident === undefined) return;
  for (const index of partial) filemapPeek(mapping, index);
  if (end === Infinity) resident.limit = Math.min(resident.limit, start);
  else for (let index = start; index < Math.min(end, resident.limit); index++) resident.taken.add(index);
}

/**
 * Drop the bytes `lstart` to `lend` (inclusive, Infinity: to the end) from the page cache: whole pages go, parts of pages become
 * zeros, large folios that are cut are split.
 */
export function truncateInodePagesRange(mapping: AddressSpace, lstart: number, lend: number): void {
  const { sys } = mapping;
  const { pageSize } = sys.granule;
  const { pages } = sys;
  const firstIndex = Math.floor(lstart / pageSize);
  const lastIndex = Math.floor(lend / pageSize);
  let start = Math.ceil(lstart / pageSize);
  let end = lend === Infinity ? Infinity : Math.floor((lend + 1) / pageSize);
  forgetResident(mapping, start, end, lend === Infinity || end > lastIndex ? [firstIndex] : [firstIndex, lastIndex]);
  if (mapping.nrPages === 0) return;
  lruAddDrain(sys);

  for (const folio of foliosInRange(mapping, start, end - 1)) {
    if (pages.index[folio]! < start || folioNextIndex(sys, folio) > end || pages.test(folio, PG_LOCKED)) continue;
    withFolio(sys, folio, () => {
      truncateInodeFolio(mapping, folio);
    });
  }

  const cut = (index: number): { readonly folioEnd: number; readonly index: number; readonly done: boolean } | undefined => {
    const folio = mapping.pages.get(index);
    if (folio === undefined) return undefined;
    const folioEnd = folioPos(sys, folio) + folioSize(sys, folio);
    const base = pages.index[folio]!;
    const done = withFolio(sys, folio, () => {
      if (shmemMapping(mapping)) folioMarkDirty(sys, folio);
      return truncateInodePartialFolio(mapping, folio, lstart, lend);
    });
    return { folioEnd, index: base, done };
  };
  let sameFolio = firstIndex === lastIndex;
  const head = cut(firstIndex);
  if (head !== undefined) {
    sameFolio = lend < head.folioEnd;
    if (!head.done) {
      start = head.folioEnd / pageSize;
      if (sameFolio) end = head.index;
    }
  }
  if (!sameFolio && lend !== Infinity) {
    const tail = cut(lastIndex);
    if (tail !== undefined && !tail.done) end = tail.index;
  }

  for (const folio of foliosInRange(mapping, start, end - 1)) {
    withFolio(sys, folio, () => {
      if (pages.isLarge(folio) && shmemMapping(mapping)) truncateInodePartialFolio(mapping, folio, lstart, lend);
      else truncateInodeFolio(mapping, folio);
    });
  }
}

/** truncate_inode_pages(): from byte `lstart` to the end. */
export function truncateInodePages(mapping: AddressSpace, lstart: number): void {
  truncateInodePagesRange(mapping, lstart, Infinity);
}

/** truncate_pagecache(): the file has its new, smaller size; pages behind it are unmapped, private copies too, and dropped. */
export function truncatePagecache(mapping: AddressSpace, newSize: number): void {
  const { pageSize } = mapping.sys.granule;
  const hole = Math.ceil(newSize / pageSize);
  unmapMappingPages(mapping, hole, 0, true);
  truncateInodePages(mapping, newSize);
  unmapMappingPages(mapping, hole, 0, true);
}

/** truncate_pagecache_range(), shmem_truncate_range(): punch a hole over bytes `lstart` to `lend` (inclusive). Private copies stay. */
export function truncatePagecacheRange(mapping: AddressSpace, lstart: number, lend: number): void {
  const { pageSize } = mapping.sys.granule;
  const first = Math.ceil(lstart / pageSize);
  const end = Math.floor((lend + 1) / pageSize);
  if (end > first) unmapMappingPages(mapping, first, end - first, false);
  truncateInodePagesRange(mapping, lstart, lend);
  if (mappingCanWriteback(mapping)) {
    if (mapping.backing?.punchHole === undefined) throw new ModelBug(`hole in inode ${mapping.inode.ino}, whose backing cannot have one`);
    mapping.backing.punchHole(lstart, lend + 1 - lstart);
  }
}

/** In the cache, the bytes of the last page behind the end of the file become zeros before the file grows over them. */
function zeroBehindEof(mapping: AddressSpace, size: number): void {
  const { sys } = mapping;
  const { pageSize } = sys.granule;
  if (shmemMapping(mapping) || size % pageSize === 0) return;
  const folio = mapping.pages.get(Math.floor(size / pageSize));
  if (folio === undefined || !sys.pages.test(folio, PG_UPTODATE)) return;
  const offset = size - folioPos(sys, folio);
  folioZeroRange(sys, folio, offset, folioSize(sys, folio) - offset);
}

/** The file grows from its size to `newSize` without data in between (ftruncate, write behind the end). */
export function extendSize(mapping: AddressSpace, newSize: number): void {
  const oldSize = mapping.inode.size;
  zeroBehindEof(mapping, oldSize);
  mapping.inode.size = newSize;
  pagecacheIsizeExtended(mapping, oldSize, newSize);
}

/** truncate_setsize() with the file system's part: set the size; shrinking drops pages here and contents in the backing. */
export function truncateSetsize(mapping: AddressSpace, newSize: number): void {
  const oldSize = mapping.inode.size;
  if (newSize > oldSize) {
    extendSize(mapping, newSize);
    return;
  }
  mapping.inode.size = newSize;
  truncatePagecache(mapping, newSize);
  if (newSize === oldSize || !mappingCanWriteback(mapping)) return;
  if (mapping.backing?.truncate === undefined) throw new ModelBug(`truncation of inode ${mapping.inode.ino}, whose backing cannot shrink`);
  mapping.backing.truncate(newSize);
}

// --- invalidation -------------------------------------------------------------

/** deactivate_file_folio(): it could not be dropped; a dirty one that no one maps is marked to go when written (PG_reclaim). */
function deactivateFileFolio(sys: MemorySystem, folio: Pfn): void {
  const flags = sys.pages.flags[folio]!;
  if ((flags & PG_UNEVICTABLE) !== 0 || (flags & PG_LRU) === 0 || folioMapped(sys, folio)) return;
  changeFlags(sys, folio, PG_ACTIVE | PG_REFERENCED, 0);
  if ((flags & (PG_DIRTY | PG_WRITEBACK)) !== 0) sys.pages.set(folio, PG_READAHEAD);
  else sys.vmstat.add("pgrotated", sys.pages.folioNrPages(folio));
  if ((flags & PG_ACTIVE) !== 0) sys.vmstat.add("pgdeactivate", sys.pages.folioNrPages(folio));
}

/**
 * invalidate_mapping_pages(): drop clean, unused folios that lie wholly in pages `start` to `end` (inclusive). Returns the pages
 * dropped. `busy`: folios that are under write-back and cannot go now.
 */
export function invalidateMappingPages(mapping: AddressSpace, start: number, end: number, busy: ReadonlySet<Pfn> = new Set()): number {
  const { sys } = mapping;
  let count = 0;
  for (const folio of foliosInRange(mapping, start, end)) {
    if (sys.pages.index[folio]! < start || folioNextIndex(sys, folio) - 1 > end || busy.has(folio)) continue;
    const dropped = mappingEvictFolio(mapping, folio);
    if (dropped === 0) deactivateFileFolio(sys, folio);
    count += dropped;
  }
  return count;
}

/** /proc/sys/vm/drop_caches, bit 0: invalidate every file. Dirty tmpfs folios that no one maps keep the mark of PG_reclaim. */
export function dropPagecache(sys: MemorySystem): void {
  lruAddDrain(sys);
  for (const mapping of sys.mappings.addressSpaces()) {
    invalidateMappingPages(mapping, 0, Infinity);
    if (mapping.resident !== undefined) mapping.resident.reclaim = true;
  }
  sys.vmstat.inc("drop_pagecache");
}
