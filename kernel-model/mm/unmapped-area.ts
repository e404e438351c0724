/**
 * Choosing the address of a new area.
 *
 * Linux: mm/mmap.c __get_unmapped_area(), generic_get_unmapped_area_topdown(), vm_unmapped_area(); mm/huge_memory.c
 * thp_get_unmapped_area_vmflags(); mm/shmem.c shmem_get_unmapped_area(). All return an address or -errno.
 */
import { alignUp, isAligned, type Va } from "../../emulator/arch/addr.js";
import { EINVAL, ENOMEM, EPERM } from "../errno.js";
import type { File } from "../fs/file.js";
import { MAP_FIXED, MAP_SHARED } from "./mman.js";
import type { MmStruct } from "./mm-struct.js";
import { shmemPlacementOrder } from "./shmem-placement.js";
import { taskUnmappedBase } from "./util.js";
import { vmStartGap } from "./vma-ops.js";
import { VM_GROWSDOWN } from "./vma.js";

/** Bottom-up search of [low, high). Linux: unmapped_area(). */
function unmappedArea(mm: MmStruct, low: number, high: number, length: number): number {
  let from = Math.max(low, mm.sys.tunables.mmapMinAddr);
  for (;;) {
    const start = mm.vmas.lowestGap(from, high, length);
    if (start === undefined) return -ENOMEM;
    const above = mm.vmas.find(start);
    if (above === undefined || (above.flags & VM_GROWSDOWN) === 0 || vmStartGap(above) >= start + length - 1) return start;
    from = above.end;
  }
}

/** Top-down search of [low, high). Linux: unmapped_area_topdown(). */
function unmappedAreaTopdown(mm: MmStruct, low: number, high: number, length: number): number {
  const from = Math.max(low, mm.sys.tunables.mmapMinAddr);
  let to = high;
  for (;;) {
    const end = mm.vmas.highestGap(from, to, length);
    if (end === undefined) return -ENOMEM;
    const above = mm.vmas.find(end);
    if (above === undefined || (above.flags & VM_GROWSDOWN) === 0 || vmStartGap(above) >= end) return end - length;
    to = vmStartGap(above);
  }
}

/**
 * The hint, if it is free with all guard gaps; else the highest free place below mmap_base, or for the legacy layout the
 * lowest above it. `len` in bytes, page aligned. Linux: mm_get_unmapped_area_vmflags().
 */
export function mmGetUnmappedArea(mm: MmStruct, addr: number, len: number, flags: number): number {
  const { pageSize } = mm.sys.granule;
  const { mmapMinAddr } = mm.sys.tunables;
  const mmapEnd = mm.taskSize;
  if (len > mmapEnd - mmapMinAddr) return -ENOMEM;
  if ((flags & MAP_FIXED) !== 0) return addr;
  if (addr !== 0) {
    const hint = alignUp(addr, pageSize);
    const vma = mm.vmas.find(hint);
    const prev = mm.vmas.findPrev(hint);
    const free = (vma === undefined || hint + len <= vmStartGap(vma)) && (prev === undefined || hint >= prev.end);
    if (mmapEnd - len >= hint && hint >= mmapMinAddr && free) return hint;
  }
  if (!mm.topDown) return unmappedArea(mm, mm.mmapBase, mmapEnd, len);
  const found = unmappedAreaTopdown(mm, pageSize, mm.mmapBase, len);
  return found >= 0 ? found : unmappedArea(mm, taskUnmappedBase(mm), mmapEnd, len);
}

/**
 * A place congruent to file offset `offset` (bytes) modulo PMD_SIZE, if the mapping holds at least one whole aligned block.
 * Linux: thp_get_unmapped_area_vmflags().
 */
export function thpGetUnmappedArea(mm: MmStruct, addr: number, len: number, offset: number, flags: number): number {
  const { pmdSize } = mm.sys.granule;
  const offEnd = offset + len;
  const offAlign = alignUp(offset, pmdSize);
  if (offEnd > offAlign && offEnd - offAlign >= pmdSize) {
    const padded = mmGetUnmappedArea(mm, addr, len + pmdSize, flags);
    if (padded >= 0) {
      if (padded === addr) return addr;
      const shift = (((offset - padded) % pmdSize) + pmdSize) % pmdSize;
      if (mm.topDown && shift === 0) return padded + pmdSize;
      return padded + shift;
    }
  }
  return mmGetUnmappedArea(mm, addr, len, flags);
}

/**
 * Shared anonymous memory (`file` undefined) and tmpfs: aligned to the largest folio that the mount or the per-size switches
 * allow, if the mapping is at least as long. Linux: shmem_get_unmapped_area().
 */
function shmemGetUnmappedArea(mm: MmStruct, file: File | undefined, hint: number, len: number, offset: number, flags: number): number {
  const addr = mmGetUnmappedArea(mm, hint, len, flags);
  const { pageSize } = mm.sys.granule;
  if (addr < 0 || !isAligned(addr, pageSize) || addr > mm.taskSize - len) return addr;
  const order = shmemPlacementOrder(mm.sys, file);
  if (order === undefined || (flags & MAP_FIXED) !== 0 || hint === addr) return addr;
  const hpageSize = pageSize * 2 ** order;
  if (len < hpageSize) return addr;
  const within = offset % hpageSize;
  if (within !== 0 && within + len < 2 * hpageSize) return addr;
  if (addr % hpageSize === within) return addr;
  const inflatedLen = len + hpageSize - pageSize;
  if (inflatedLen > mm.taskSize) return addr;
  const inflated = mmGetUnmappedArea(mm, hint, inflatedLen, flags);
  if (inflated < 0 || !isAligned(inflated, pageSize)) return addr;
  const inflatedOffset = inflated % hpageSize;
  const aligned = inflated + within - inflatedOffset + (inflatedOffset > within ? hpageSize : 0);
  return aligned > mm.taskSize - len ? addr : aligned;
}

/**
 * The address for a mapping of `len` bytes (page aligned) of `file` from page `pgoff`; with MAP_FIXED `addr` itself after
 * checks. Linux: __get_unmapped_area() with security_mmap_addr().
 */
export function getUnmappedArea(mm: MmStruct, file: File | undefined, addr: number, len: number, pgoff: number, flags: number): Va | number {
  const { pageSize, pmdSize } = mm.sys.granule;
  if (len > mm.taskSize) return -ENOMEM;
  const policy = file?.inode.mapping?.policy;
  const offset = file === undefined ? 0 : pgoff * pageSize;
  let found: number;
  if (policy?.kind === "shmem" || (file === undefined && (flags & MAP_SHARED) !== 0)) {
    found = shmemGetUnmappedArea(mm, file, addr, len, offset, flags);
  } else if (policy?.thpPlacement === true) {
    found = thpGetUnmappedArea(mm, addr, len, offset, flags);
  } else if (file === undefined && addr === 0 && isAligned(len, pmdSize)) {
    found = thpGetUnmappedArea(mm, addr, len, 0, flags);
  } else {
    found = mmGetUnmappedArea(mm, addr, len, flags);
  }
  if (found < 0) return found;
  if (found > mm.taskSize - len) return -ENOMEM;
  if (!isAligned(found, pageSize)) return -EINVAL;
  if (found < mm.sys.tunables.mmapMinAddr && !mm.rlimits.privileged) return -EPERM;
  return found as Va;
}
