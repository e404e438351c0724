/**
 * msync: writing changes of shared file mappings back.
 *
 * Linux: mm/msync.c.
 */
import { alignUp, isAligned, type Va } from "../../emulator/arch/addr.js";
import { EBUSY, EINVAL, ENOMEM } from "../errno.js";
import { MS_ASYNC, MS_INVALIDATE, MS_SYNC } from "./mman.js";
import type { MmStruct } from "./mm-struct.js";
import { filemapWriteAndWait } from "./page-writeback.js";
import { vmaPgoffOffset } from "./vma-merge.js";
import { VM_LOCKED, VM_SHARED } from "./vma.js";

const U64 = 2 ** 64;

/**
 * msync(2): with MS_SYNC writes back and waits; MS_ASYNC starts nothing, write-back comes by itself. 0, -EINVAL, -EBUSY
 * (MS_INVALIDATE on locked memory) or -ENOMEM for holes (the rest is done all the same, except with MS_ASYNC alone).
 */
export function doMsync(mm: MmStruct, addr: Va, lenIn: number, flags: number): number {
  const { pageSize } = mm.sys.granule;
  if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) !== 0 || !isAligned(addr, pageSize)) return -EINVAL;
  if ((flags & MS_ASYNC) !== 0 && (flags & MS_SYNC) !== 0) return -EINVAL;
  const len = alignUp(lenIn, pageSize);
  // A length that wraps round to 0 is an empty range.
  if (len === 0 || len >= U64) return 0;
  const end = addr + len;
  if (end >= U64) return -ENOMEM;
  let start: Va = addr;
  let unmapped = 0;
  for (let vma = mm.vmas.find(start); ; vma = mm.vmas.find(start)) {
    if (vma === undefined) return -ENOMEM;
    if (start < vma.start) {
      if (flags === MS_ASYNC || vma.start >= end) return -ENOMEM;
      start = vma.start;
      unmapped = -ENOMEM;
    }
    if ((flags & MS_INVALIDATE) !== 0 && (vma.flags & VM_LOCKED) !== 0) return -EBUSY;
    const first = vmaPgoffOffset(vma, start);
    const last = first + (Math.min(end, vma.end) - start) / pageSize - 1;
    start = vma.end;
    const mapping = vma.file?.inode.mapping;
    if ((flags & MS_SYNC) !== 0 && mapping !== undefined && (vma.flags & VM_SHARED) !== 0) filemapWriteAndWait(mapping, first, last);
    if (start >= end) return unmapped;
  }
}
