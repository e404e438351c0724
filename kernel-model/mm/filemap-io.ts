/**
 * read() and write() on files in the page cache.
 *
 * Linux: mm/filemap.c filemap_read(), filemap_get_pages(), filemap_get_read_batch(), generic_perform_write();
 * fs/iomap/buffered-io.c iomap_write_iter(), iomap_write_begin(); mm/shmem.c shmem_file_read_iter(), shmem_write_begin(),
 * shmem_write_end(). Differs: user memory is copied by the caller, before a write and after a read, in one piece.
 *
 * A system call must hand over its whole count at once: the sizes of readahead windows and, on XFS, of folios follow from it.
 */
import type { Pfn } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import { ENXIO, EPERM } from "../errno.js";
import type { AddressSpace, File } from "../fs/file.js";
import { filemapGetFolio, filemapGetOrCreateFolio, filemapPeek, finishBlocks, prepareBlocks, readFolio } from "./filemap.js";
import { folioPut } from "./folio.js";
import { F_SEAL_FUTURE_WRITE, F_SEAL_WRITE } from "./mman.js";
import { folioMarkDirty } from "./page-writeback.js";
import { PG_READAHEAD, PG_UPTODATE } from "./page.js";
import {
  folioBytes,
  folioLock,
  folioNextIndex,
  folioPos,
  folioSize,
  folioUnlock,
  folioWritten,
  mappingMaxFolioOrder,
  NONE,
  shmemMapping,
} from "./pagemap.js";
import { pageCacheAsyncRa, pageCacheSyncRa } from "./readahead.js";
import { F_SEAL_GROW, shmemGetFolio } from "./shmem.js";
import { folioMarkAccessed } from "./swap-lru.js";
import { extendSize } from "./truncate.js";

/** Folios that one look-up of read() collects. Linux: PAGEVEC_SIZE. */
const PAGEVEC_SIZE = 31;

function mappingOf(file: File): AddressSpace {
  const { mapping } = file.inode;
  if (mapping === undefined) throw new ModelBug(`read or write: inode ${file.inode.ino} has no page cache`);
  return mapping;
}

// --- read ---------------------------------------------------------------------

/** Neighbouring folios from `index` to `last`, each referenced; ends at one that is not uptodate or carries the readahead mark. */
function getReadBatch(mapping: AddressSpace, index: number, last: number): Pfn[] {
  const { sys } = mapping;
  const batch: Pfn[] = [];
  for (let at = index; at <= last && batch.length < PAGEVEC_SIZE; ) {
    const folio = filemapGetFolio(mapping, at);
    if (folio === NONE) break;
    batch.push(folio);
    if (!sys.pages.test(folio, PG_UPTODATE) || sys.pages.test(folio, PG_READAHEAD)) break;
    at = folioNextIndex(sys, folio);
  }
  return batch;
}

/** The folios to copy from next, referenced and uptodate; or -errno. Linux: filemap_get_pages(). */
function getPages(file: File, mapping: AddressSpace, pos: number, count: number): Pfn[] | number {
  const { sys } = mapping;
  const { pageSize } = sys.granule;
  const index = Math.floor(pos / pageSize);
  const lastIndex = Math.ceil((pos + count) / pageSize);
  let batch = getReadBatch(mapping, index, lastIndex - 1);
  if (batch.length === 0) {
    pageCacheSyncRa(file, mapping, index, lastIndex - index);
    batch = getReadBatch(mapping, index, lastIndex - 1);
  }
  if (batch.length === 0) {
    const folio = filemapGetOrCreateFolio(mapping, index, { order: 0, lock: false });
    if (folio < 0) return folio;
    batch.push(folio as Pfn);
  }
  const last = batch[batch.length - 1]!;
  if (sys.pages.test(last, PG_READAHEAD)) {
    const from = sys.pages.index[last]!;
    pageCacheAsyncRa(file, mapping, from, last, lastIndex - from);
  }
  if (!sys.pages.test(last, PG_UPTODATE)) {
    folioLock(sys, last);
    readFolio(mapping, last);
    folioUnlock(sys, last);
  }
  return batch;
}

/** filemap_read(): bytes read from `pos` into `into`, 0 at the end of the file, or -errno. */
function filemapRead(file: File, mapping: AddressSpace, pos: number, into: Uint8Array): number {
  const { sys } = mapping;
  const { ra, inode } = file;
  let done = 0;
  let lastPos = ra.prevPos;
  let error = 0;
  while (done < into.length && pos + done < inode.size) {
    const batch = getPages(file, mapping, pos + done, into.length - done);
    if (typeof batch === "number") {
      error = batch;
      break;
    }
    const end = Math.min(inode.size, pos + into.length);
    batch.forEach((folio, i) => {
      const at = pos + done;
      const start = folioPos(sys, folio);
      const size = folioSize(sys, folio);
      if (i > 0 || Math.floor(at / size) !== Math.floor((lastPos - 1) / size)) folioMarkAccessed(sys, folio);
      const from = at - start;
      const bytes = Math.max(0, Math.min(end - at, size - from));
      into.set(folioBytes(sys, folio).subarray(from, from + bytes), done);
      done += bytes;
      folioPut(sys, folio);
    });
    lastPos = pos + done;
  }
  ra.prevPos = lastPos;
  return done > 0 ? done : error;
}

/** shmem_file_read_iter(): page by page; holes read as zeros and stay holes. */
function shmemRead(mapping: AddressSpace, pos: number, into: Uint8Array): number {
  const { sys } = mapping;
  const { pageSize } = sys.granule;
  const end = Math.min(mapping.inode.size, pos + into.length);
  let at = pos;
  while (at < end) {
    const index = Math.floor(at / pageSize);
    const offset = at - index * pageSize;
    const bytes = Math.min(end - at, pageSize - offset);
    const got = shmemGetFolio(mapping, index, 0, "read");
    if (got.folio === NONE) into.fill(0, at - pos, at - pos + bytes);
    else {
      const from = at - folioPos(sys, got.folio);
      into.set(folioBytes(sys, got.folio).subarray(from, from + bytes), at - pos);
      folioUnlock(sys, got.folio);
      if (offset === 0) folioMarkAccessed(sys, got.folio);
      folioPut(sys, got.folio);
    }
    at += bytes;
  }
  return Math.max(0, at - pos);
}

/**
 * read() of a file in the page cache, from byte `pos`: fills `into` as far as the file goes. Returns the bytes read, 0 at the end, or
 * -ENOMEM. Pre: `into` has the full count of the system call.
 */
export function pageCacheRead(file: File, pos: number, into: Uint8Array): number {
  const mapping = mappingOf(file);
  return shmemMapping(mapping) ? shmemRead(mapping, pos, into) : filemapRead(file, mapping, pos, into);
}

// --- write --------------------------------------------------------------------

/** A folio to write `length` bytes at `pos` into, locked and referenced, with what the write leaves of it in place; or -errno. */
function writeBegin(mapping: AddressSpace, pos: number, length: number): Pfn | number {
  const { sys } = mapping;
  const { pageSize } = sys.granule;
  const index = Math.floor(pos / pageSize);
  if (shmemMapping(mapping)) {
    const got = shmemGetFolio(mapping, index, pos + length, "write");
    return got.error !== 0 ? got.error : got.folio;
  }
  const order = mapping.policy.largeWriteFolios ? Math.max(0, Math.floor(Math.log2(length / pageSize))) : 0;
  const folio = filemapGetOrCreateFolio(mapping, index, { order, lock: true });
  if (folio < 0) return folio;
  const offset = pos - folioPos(sys, folio as Pfn);
  prepareBlocks(mapping, folio as Pfn, offset, Math.min(length, folioSize(sys, folio as Pfn) - offset));
  return folio;
}

/** The bytes are in: the folio becomes uptodate as far as it was written, dirty, and is let go. */
function writeEnd(mapping: AddressSpace, folio: Pfn, offset: number, length: number): void {
  const { sys } = mapping;
  const { pageSize } = sys.granule;
  let first = Math.floor(offset / pageSize);
  let last = Math.floor((offset + length - 1) / pageSize);
  if (!shmemMapping(mapping)) finishBlocks(mapping, folio, offset, length);
  else if (!sys.pages.test(folio, PG_UPTODATE)) {
    const bytes = folioBytes(sys, folio);
    bytes.fill(0, 0, offset);
    bytes.fill(0, offset + length);
    first = 0;
    last = sys.pages.folioNrPages(folio) - 1;
    sys.pages.set(folio, PG_UPTODATE);
  }
  folioWritten(sys, folio, first, last);
  folioMarkDirty(sys, folio);
  folioUnlock(sys, folio);
  folioPut(sys, folio);
}

function sealedAgainst(mapping: AddressSpace, end: number): boolean {
  const seals = mapping.inode.seals ?? 0;
  return (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0 || ((seals & F_SEAL_GROW) !== 0 && end > mapping.inode.size);
}

/**
 * write() of a file in the page cache, at byte `pos`. Returns the bytes written, or -ENOMEM, -ENOSPC, -EPERM (sealed memfd). A new
 * folio is as large as what is left of the write where the file system allows it, aligned in the file.
 */
export function pageCacheWrite(file: File, pos: number, from: Uint8Array): number {
  const mapping = mappingOf(file);
  const { sys, inode } = mapping;
  if (pos > inode.size && from.length > 0 && !shmemMapping(mapping)) extendSize(mapping, pos);
  const chunk = 2 ** mappingMaxFolioOrder(mapping) * sys.granule.pageSize;
  let done = 0;
  while (done < from.length) {
    const at = pos + done;
    let length = Math.min(from.length - done, chunk - (at % chunk));
    if (sealedAgainst(mapping, at + length)) return done > 0 ? done : -EPERM;
    const folio = writeBegin(mapping, at, length);
    if (folio < 0) return done > 0 ? done : folio;
    const offset = at - folioPos(sys, folio as Pfn);
    length = Math.min(length, folioSize(sys, folio as Pfn) - offset);
    folioBytes(sys, folio as Pfn).set(from.subarray(done, done + length), offset);
    writeEnd(mapping, folio as Pfn, offset, length);
    done += length;
    if (pos + done > inode.size) inode.size = pos + done;
  }
  return done;
}

// --- seek ---------------------------------------------------------------------

/**
 * lseek(SEEK_DATA, SEEK_HOLE) on shmem: the next byte from `offset` with (`data`) or without a page behind it, -ENXIO behind the end.
 * Linux: mapping_seek_hole_data().
 */
export function mappingSeekHoleData(mapping: AddressSpace, offset: number, data: boolean): number {
  const { sys, inode } = mapping;
  const { pageSize } = sys.granule;
  if (offset < 0 || offset >= inode.size) return -ENXIO;
  const present = (index: number): boolean => {
    const folio = filemapPeek(mapping, index);
    return folio !== NONE && sys.pages.test(folio, PG_UPTODATE);
  };
  let index = Math.floor(offset / pageSize);
  if (data) {
    const resident = mapping.resident?.limit ?? 0;
    while (index < resident && !present(index)) index++;
    // A file may be a hole of any length: what is cached says where the next data is.
    if (index >= resident) index = [...mapping.pages.keys()].reduce((next, at) => (at >= index && at < next && present(at) ? at : next), Infinity);
    return index * pageSize < inode.size ? Math.max(offset, index * pageSize) : -ENXIO;
  }
  while (index * pageSize < inode.size && present(index)) index++;
  return Math.min(inode.size, Math.max(offset, index * pageSize));
}
