/**
 * Readahead: which pages are read together, and in folios of which order.
 *
 * Linux: mm/readahead.c page_cache_sync_ra(), page_cache_async_ra(), page_cache_ra_order(), page_cache_ra_unbounded(),
 * force_page_cache_ra(); mm/filemap.c do_sync_mmap_readahead(), do_async_mmap_readahead().
 *
 * Units are pages. The window of one stream is [start, start + size); reading its folio marked PG_readahead, asyncSize pages before
 * the end, starts the next window with folios two orders larger.
 */
import type { Pfn } from "../../emulator/arch/addr.js";
import type { AddressSpace, File, FileRaState } from "../fs/file.js";
import { ENOMEM } from "../errno.js";
import { filemapAddFolio, filemapAllocFolio, filemapPeek, readFolio } from "./filemap.js";
import { folioPut } from "./folio.js";
import type { MemorySystem } from "./memory-system.js";
import { pageCacheNextMiss, pageCachePrevMiss } from "./page-cache-scan.js";
import { PG_READAHEAD, PG_WRITEBACK } from "./page.js";
import { folioNextIndex, folioUnlock, mappingMaxFolioOrder, maxPagecacheOrder, NONE } from "./pagemap.js";
import {
  FAULT_FLAG_ALLOW_RETRY,
  FAULT_FLAG_RETRY_NOWAIT,
  FAULT_FLAG_TRIED,
  VM_HUGEPAGE,
  VM_RAND_READ,
  VM_SEQ_READ,
  type VmFault,
} from "./vma.js";

/** Misses of one file through mmap beyond which reading around them is given up. Linux: MMAP_LOTSAMISS. */
const MMAP_LOTSAMISS = 100;
/** bdi->io_pages in bytes: the largest request of a disk without a limit of its own. Linux: BLK_DEF_MAX_SECTORS_CAP. */
const IO_BYTES = 2560 * 512;
/** Forced readahead goes in pieces of this many bytes. */
const FORCE_CHUNK_BYTES = 2 * 1024 * 1024;

/** read_ahead_kb in pages (bdi->ra_pages). */
export function bdiRaPages(sys: MemorySystem): number {
  return Math.floor((sys.tunables.readAheadKb * 1024) / sys.granule.pageSize);
}

/** file_ra_state_init(): the readahead state of a description just opened. */
export function fileRaStateInit(sys: MemorySystem): FileRaState {
  return { start: 0, size: 0, asyncSize: 0, raPages: bdiRaPages(sys), mmapMiss: 0, prevPos: -1 };
}

/** One readahead request on its way. Linux: struct readahead_control. */
interface ReadaheadControl {
  readonly mapping: AddressSpace;
  readonly ra: FileRaState;
  /** FMODE_RANDOM of the file. */
  readonly random: boolean;
  /** First page of the folios that were added but not read yet. */
  index: number;
  nrPages: number;
}

function control(file: File, mapping: AddressSpace, index: number): ReadaheadControl {
  return { mapping, ra: file.ra, random: file.advice.random, index, nrPages: 0 };
}

/** Read the folios that were added. Linux: read_pages(). */
function readPages(ractl: ReadaheadControl): void {
  const { mapping } = ractl;
  const { sys } = mapping;
  const end = ractl.index + ractl.nrPages;
  while (ractl.index < end) {
    const folio = mapping.pages.get(ractl.index)!;
    readFolio(mapping, folio);
    folioUnlock(sys, folio);
    ractl.index = folioNextIndex(sys, folio);
  }
  ractl.nrPages = 0;
}

/** Add a folio to the request: 0 or -errno. It keeps only the references of the cache. */
function addFolio(ractl: ReadaheadControl, index: number, mark: number, order: number): number {
  const { mapping } = ractl;
  const { sys } = mapping;
  const folio = filemapAllocFolio(sys, order);
  if (folio === NONE) return -ENOMEM;
  const nr = 2 ** order;
  if (index === mark - (mark % nr)) sys.pages.set(folio, PG_READAHEAD);
  const error = filemapAddFolio(mapping, folio, index);
  folioPut(sys, folio);
  if (error === 0) ractl.nrPages += nr;
  return error;
}

/**
 * Read `nrToRead` pages one by one; those in the cache are skipped. The page `lookaheadSize` before the end gets the mark, unless it
 * is in the cache already.
 */
export function pageCacheRaUnbounded(ractl: ReadaheadControl, nrToRead: number, lookaheadSize: number): void {
  const { mapping } = ractl;
  const { index } = ractl;
  const mark = index + nrToRead - lookaheadSize;
  let i = 0;
  while (i < nrToRead) {
    if (filemapPeek(mapping, index + i) !== NONE) {
      readPages(ractl);
      ractl.index++;
      i = ractl.index - index;
      continue;
    }
    if (addFolio(ractl, index + i, mark, 0) !== 0) break;
    i++;
  }
  readPages(ractl);
}

/** Linux: do_page_cache_ra(): not past the page that holds the last byte of the file. */
function doPageCacheRa(ractl: ReadaheadControl, nrToRead: number, lookaheadSize: number): void {
  const { size } = ractl.mapping.inode;
  if (size === 0) return;
  const endIndex = Math.floor((size - 1) / ractl.mapping.sys.granule.pageSize);
  if (ractl.index > endIndex) return;
  const left = endIndex - ractl.index;
  pageCacheRaUnbounded(ractl, nrToRead > left ? left + 1 : nrToRead, lookaheadSize);
}

function maxRequestPages(sys: MemorySystem): number {
  return Math.floor(IO_BYTES / sys.granule.pageSize);
}

/** Linux: force_page_cache_ra(). The request is cut to what one disk request may hold. */
function forcePageCacheRa(ractl: ReadaheadControl, nrToRead: number): void {
  const { sys } = ractl.mapping;
  const chunk = FORCE_CHUNK_BYTES / sys.granule.pageSize;
  let left = Math.min(nrToRead, Math.max(maxRequestPages(sys), ractl.ra.raPages));
  while (left > 0) {
    const now = Math.min(chunk, left);
    doPageCacheRa(ractl, now, 0);
    left -= now;
  }
}

/** force_page_cache_readahead(): POSIX_FADV_WILLNEED, MADV_WILLNEED and readahead(2). */
export function forcePageCacheReadahead(file: File, index: number, nrToRead: number): void {
  const { mapping } = file.inode;
  if (mapping !== undefined) forcePageCacheRa(control(file, mapping, index), nrToRead);
}

/** First window of a stream. `size`: pages asked for. */
export function getInitRaSize(size: number, max: number): number {
  const rounded = 2 ** Math.ceil(Math.log2(size));
  if (rounded <= Math.floor(max / 32)) return rounded * 4;
  if (rounded <= Math.floor(max / 4)) return rounded * 2;
  return max;
}

/** Next window of a stream whose last one had `current` pages. */
export function getNextRaSize(current: number, max: number): number {
  if (current < Math.floor(max / 16)) return 4 * current;
  if (current <= Math.floor(max / 2)) return 2 * current;
  return max;
}

/** Linux: ractl_max_pages(). A large read may exceed the window up to one disk request. */
function maxPages(ractl: ReadaheadControl, requested: number): number {
  const ioPages = maxRequestPages(ractl.mapping.sys);
  const { raPages } = ractl.ra;
  return requested > raPages && ioPages > raPages ? Math.min(requested, ioPages) : raPages;
}

/** Number of trailing zero bits: the largest order at which `index` is aligned. Pre: not 0. */
function alignmentOrder(index: number): number {
  let order = 0;
  for (let rest = index; rest % 2 === 0; rest /= 2) order++;
  return order;
}

/**
 * Read the window in folios of up to `newOrder` + 2, as far as mapping, window, alignment and the end of the file allow. What is in
 * the way or cannot be allocated is left to single pages.
 */
export function pageCacheRaOrder(ractl: ReadaheadControl, newOrder: number): void {
  const { mapping, ra } = ractl;
  const { sys } = mapping;
  const maxOrder = mappingMaxFolioOrder(mapping);
  if (maxOrder === 0 || ra.size < 4) {
    doPageCacheRa(ractl, ra.size, ra.asyncSize);
    return;
  }
  let { index } = ractl;
  const mark = index + ra.size - ra.asyncSize;
  const lastOfFile = Math.floor((mapping.inode.size - 1) / sys.granule.pageSize);
  const limit = Math.min(lastOfFile, index + ra.size - 1);
  let wanted = newOrder < maxOrder ? newOrder + 2 : newOrder;
  wanted = Math.min(wanted, maxOrder, Math.floor(Math.log2(ra.size)));
  let error = 0;
  while (index <= limit) {
    let order = wanted;
    if (index % 2 ** order !== 0) order = alignmentOrder(index);
    while (order > 0 && index + 2 ** order - 1 > limit) order--;
    error = addFolio(ractl, index, mark, order);
    if (error !== 0) break;
    index += 2 ** order;
  }
  readPages(ractl);
  if (error !== 0) doPageCacheRa(ractl, ra.size, ra.asyncSize);
}

/** A miss: decide from the file's history whether a stream begins or goes on, and read. `requested`: pages wanted from `index` on. */
function syncRa(ractl: ReadaheadControl, requested: number): void {
  const { mapping, ra, index } = ractl;
  const { pageSize } = mapping.sys.granule;
  if (ra.raPages === 0 || ractl.random) {
    forcePageCacheRa(ractl, ra.raPages === 0 ? 1 : requested);
    return;
  }
  const max = maxPages(ractl, requested);
  const sincePrevious = ra.prevPos < 0 ? Infinity : index - Math.floor(ra.prevPos / pageSize);
  if (index === 0 || requested > max || sincePrevious === 0 || sincePrevious === 1) {
    ra.start = index;
    ra.size = getInitRaSize(requested, max);
    ra.asyncSize = ra.size > requested ? ra.size - requested : Math.floor(ra.size / 2);
  } else {
    const miss = pageCachePrevMiss(mapping, index - 1, max);
    let contiguous = index - miss - 1;
    if (contiguous <= requested) {
      doPageCacheRa(ractl, requested, 0);
      return;
    }
    if (miss === -1) contiguous *= 2;
    ra.start = index;
    ra.size = Math.min(contiguous + requested, max);
    ra.asyncSize = 1;
  }
  ractl.index = ra.start;
  pageCacheRaOrder(ractl, 0);
}

/** page_cache_sync_ra(): `index` is not in the cache. */
export function pageCacheSyncRa(file: File, mapping: AddressSpace, index: number, requested: number): void {
  syncRa(control(file, mapping, index), requested);
}

/** page_cache_async_ra(): `index` lies in a folio with the mark; read the next window, two orders larger than that folio. */
export function pageCacheAsyncRa(file: File, mapping: AddressSpace, index: number, folio: Pfn, requested: number): void {
  const ractl = control(file, mapping, index);
  const { ra } = ractl;
  const { sys } = mapping;
  if (ra.raPages === 0 || sys.pages.test(folio, PG_WRITEBACK)) return;
  sys.pages.clear(folio, PG_READAHEAD);
  const max = maxPages(ractl, requested);
  const order = sys.pages.folioOrder(folio);
  const trigger = ra.start + ra.size - ra.asyncSize;
  if (index === trigger - (trigger % 2 ** order)) {
    ra.start += ra.size;
    ra.size = Math.max(ra.size, getNextRaSize(ra.size, max));
  } else {
    const start = pageCacheNextMiss(mapping, index + 1, max);
    if (start === 0 || start - index > max) return;
    ra.start = start;
    ra.size = getNextRaSize(start - index + requested, max);
  }
  ra.asyncSize = ra.size;
  ractl.index = ra.start;
  pageCacheRaOrder(ractl, order);
}

// --- faults -------------------------------------------------------------------

/** maybe_unlock_mmap_for_io(): a first try that may be repeated gives up its lock before I/O and returns VM_FAULT_RETRY. */
export function mayUnlockForIo(vmf: VmFault): boolean {
  return (vmf.flags & (FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_TRIED | FAULT_FLAG_RETRY_NOWAIT)) === FAULT_FLAG_ALLOW_RETRY;
}

/** do_sync_mmap_readahead(): the page of the fault is not in the cache. Returns true if the lock was given up for it. */
export function doSyncMmapReadahead(vmf: VmFault, file: File, mapping: AddressSpace): boolean {
  const { sys } = mapping;
  const { ra } = file;
  const { flags } = vmf.vma;
  const ractl = control(file, mapping, vmf.pgoff);
  const { pmdOrder } = sys.granule;
  if ((flags & VM_HUGEPAGE) !== 0 && pmdOrder <= maxPagecacheOrder(sys)) {
    const nr = 2 ** pmdOrder;
    ractl.index -= ractl.index % nr;
    ra.size = (flags & VM_RAND_READ) !== 0 ? nr : 2 * nr;
    ra.asyncSize = nr;
    pageCacheRaOrder(ractl, pmdOrder);
    return mayUnlockForIo(vmf);
  }
  if ((flags & VM_RAND_READ) !== 0 || ra.raPages === 0) return false;
  if ((flags & VM_SEQ_READ) !== 0) {
    syncRa(ractl, ra.raPages);
    return mayUnlockForIo(vmf);
  }
  if (ra.mmapMiss < MMAP_LOTSAMISS * 10) ra.mmapMiss++;
  if (ra.mmapMiss > MMAP_LOTSAMISS) return false;
  ra.start = Math.max(0, vmf.pgoff - Math.floor(ra.raPages / 2));
  ra.size = ra.raPages;
  ra.asyncSize = Math.floor(ra.raPages / 4);
  ractl.index = ra.start;
  pageCacheRaOrder(ractl, 0);
  return mayUnlockForIo(vmf);
}

/** do_async_mmap_readahead(): the page of the fault is in the cache; its folio may carry the mark. Returns true if the lock was given up. */
export function doAsyncMmapReadahead(vmf: VmFault, file: File, mapping: AddressSpace, folio: Pfn): boolean {
  const { ra } = file;
  if ((vmf.vma.flags & VM_RAND_READ) !== 0 || ra.raPages === 0) return false;
  if (ra.mmapMiss > 0) ra.mmapMiss--;
  if (!mapping.sys.pages.test(folio, PG_READAHEAD)) return false;
  pageCacheAsyncRa(file, mapping, vmf.pgoff, folio, ra.raPages);
  return mayUnlockForIo(vmf);
}
