/**
 * posix_fadvise: what a program says about its use of a file.
 *
 * Linux: mm/fadvise.c generic_fadvise().
 */
import { EINVAL, ESPIPE } from "../errno.js";
import type { File } from "../fs/file.js";
import { filemapWriteAndWait } from "./page-writeback.js";
import { shmemMapping } from "./pagemap.js";
import { bdiRaPages, forcePageCacheReadahead } from "./readahead.js";
import { lruAddDrain } from "./swap-lru.js";
import { invalidateMappingPages } from "./truncate.js";

/* Linux: include/uapi/linux/fadvise.h. */
export const POSIX_FADV_NORMAL = 0;
export const POSIX_FADV_RANDOM = 1;
export const POSIX_FADV_SEQUENTIAL = 2;
export const POSIX_FADV_WILLNEED = 3;
export const POSIX_FADV_DONTNEED = 4;
export const POSIX_FADV_NOREUSE = 5;

const S_IFMT = 0o170000;
const S_IFIFO = 0o010000;

/** Drop whole pages of the range; its first and last page only if it covers them, the last also if it ends with the file. */
function dontNeed(file: File, offset: number, endByte: number): void {
  const { mapping, size } = file.inode;
  if (mapping === undefined) return;
  const { pageSize } = mapping.sys.granule;
  const busy = new Set(filemapWriteAndWait(mapping, Math.floor(offset / pageSize), Math.floor(endByte / pageSize)));
  const start = Math.ceil(offset / pageSize);
  let end = Math.floor(endByte / pageSize);
  if (endByte !== Infinity && (endByte + 1) % pageSize !== 0 && endByte !== size - 1) {
    if (end === 0) return;
    end--;
  }
  if (end < start) return;
  lruAddDrain(mapping.sys);
  invalidateMappingPages(mapping, start, end, busy);
}

/**
 * posix_fadvise(2): `offset` and `length` in bytes, length 0: to the end. 0 or -errno. Advice on tmpfs has no effect.
 * Differs: POSIX_FADV_DONTNEED starts write-back of what is dirty and does not wait; here, as there, those folios stay this time.
 */
export function genericFadvise(file: File, offset: number, length: number, advice: number): number {
  const { inode, ra } = file;
  if ((inode.mode & S_IFMT) === S_IFIFO) return -ESPIPE;
  const { mapping } = inode;
  if (mapping === undefined || length < 0) return -EINVAL;
  if (advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE) return -EINVAL;
  if (shmemMapping(mapping)) return 0;
  const { sys } = mapping;
  const { pageSize } = sys.granule;
  const endByte = length === 0 ? Infinity : offset + length - 1;
  // A negative offset is a page index far behind every file.
  if (offset < 0 && (advice === POSIX_FADV_WILLNEED || advice === POSIX_FADV_DONTNEED)) return 0;
  switch (advice) {
    case POSIX_FADV_NORMAL:
      ra.raPages = bdiRaPages(sys);
      file.advice.random = false;
      file.advice.noreuse = false;
      break;
    case POSIX_FADV_RANDOM:
      file.advice.random = true;
      break;
    case POSIX_FADV_SEQUENTIAL:
      ra.raPages = bdiRaPages(sys) * 2;
      file.advice.random = false;
      break;
    case POSIX_FADV_WILLNEED: {
      const start = Math.floor(offset / pageSize);
      forcePageCacheReadahead(file, start, Math.floor(endByte / pageSize) - start + 1);
      break;
    }
    case POSIX_FADV_NOREUSE:
      file.advice.noreuse = true;
      break;
    case POSIX_FADV_DONTNEED:
      dontNeed(file, offset, endByte);
      break;
  }
  return 0;
}
