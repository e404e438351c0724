/**
 * mmap, brk and stack growth: new areas and the limits that they must respect.
 *
 * Linux: mm/mmap.c do_mmap(), __mmap_region(), do_brk_flags(), expand_downwards(). munmap is in munmap.ts, the choice of
 * addresses in unmapped-area.ts. One task runs at a time, so mmap_lock and the per-VMA locks are left out.
 */
import { alignDown, alignUp, type Va } from "../../emulator/arch/addr.js";
import { NotModelled } from "../../emulator/arch/errors.js";
import { EACCES, EAGAIN, EEXIST, EFAULT, EINVAL, ENODEV, ENOMEM, EOPNOTSUPP, EOVERFLOW, EPERM } from "../errno.js";
import type { File } from "../fs/file.js";
import { getFile } from "../fs/vfs.js";
import { mmPopulate } from "./gup.js";
import {
  F_SEAL_FUTURE_WRITE,
  F_SEAL_WRITE,
  MAP_ANONYMOUS,
  MAP_DENYWRITE,
  MAP_DROPPABLE,
  MAP_EXECUTABLE,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_HUGETLB,
  MAP_HUGE_MASK,
  MAP_HUGE_SHIFT,
  MAP_LOCKED,
  MAP_NONBLOCK,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  MAP_STACK,
  MAP_TYPE,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  PR_MDWE_REFUSE_EXEC_GAIN,
} from "./mman.js";
import { hugetlbSizes } from "./hugetlb.js";
import type { MmStruct } from "./mm-struct.js";
import { doVmiAlignMunmap, vmsClearPtes, vmsCompleteMunmapVmas, vmsDetach, vmsGatherMunmapVmas } from "./munmap.js";
import { anonVmaPrepare } from "./rmap.js";
import { shmemFileSetup } from "./shmem.js";
import { getUnmappedArea } from "./unmapped-area.js";
import { stackGuardGap, vmEnoughMemory } from "./util.js";
import { vmaMergeNewRange } from "./vma-merge.js";
import {
  mayExpandVm,
  mlockFutureOk,
  vmAreaAlloc,
  vmStatAccount,
  vmaIsAccessible,
  vmaLink,
  vmaSetPageProt,
  vmaSupportsMlock,
  vmStartGap,
} from "./vma-ops.js";
import {
  VM_ACCOUNT,
  VM_DATA_DEFAULT_FLAGS,
  VM_DONTDUMP,
  VM_EXEC,
  VM_GROWSDOWN,
  VM_LOCKED,
  VM_LOCKED_MASK,
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_MAYSHARE,
  VM_MAYWRITE,
  VM_NOHUGEPAGE,
  VM_NORESERVE,
  VM_READ,
  VM_SHARED,
  VM_WIPEONFORK,
  VM_WRITE,
  type Vma,
} from "./vma.js";

const LEGACY_MAP_MASK =
  MAP_SHARED |
  MAP_PRIVATE |
  MAP_FIXED |
  MAP_ANONYMOUS |
  MAP_DENYWRITE |
  MAP_EXECUTABLE |
  MAP_GROWSDOWN |
  MAP_LOCKED |
  MAP_NORESERVE |
  MAP_POPULATE |
  MAP_NONBLOCK |
  MAP_STACK |
  MAP_HUGETLB |
  /* MAP_UNINITIALIZED, MAP_HUGE_2MB, MAP_HUGE_1GB */
  0x4000000 |
  (21 << MAP_HUGE_SHIFT) |
  (30 << MAP_HUGE_SHIFT);

const MAX_LFS_FILESIZE = 2 ** 63 - 1;
const U64 = 2 ** 64;

/** The arguments of mmap(2) after decoding. */
export interface MmapRequest {
  /** Hint, or with MAP_FIXED the address. */
  readonly addr: number;
  /** Bytes. */
  readonly len: number;
  readonly prot: number;
  readonly flags: number;
  /** undefined with MAP_ANONYMOUS. */
  readonly file: File | undefined;
  /** Offset in the file, pages. */
  readonly pgoff: number;
}

/** calc_vm_prot_bits(): PROT_* to VM_*. */
export function calcVmProtBits(prot: number): number {
  return ((prot & PROT_READ) !== 0 ? VM_READ : 0) | ((prot & PROT_WRITE) !== 0 ? VM_WRITE : 0) | ((prot & PROT_EXEC) !== 0 ? VM_EXEC : 0);
}

/** calc_vm_flag_bits(): MAP_* to VM_*. Stacks of threads take no huge pages. */
export function calcVmFlagBits(flags: number): number {
  return (
    ((flags & MAP_GROWSDOWN) !== 0 ? VM_GROWSDOWN : 0) |
    ((flags & MAP_LOCKED) !== 0 ? VM_LOCKED : 0) |
    ((flags & MAP_STACK) !== 0 ? VM_NOHUGEPAGE : 0)
  );
}

/** prctl(PR_SET_MDWE) forbids this: executable areas that are writable or that were not executable before. */
export function mapDenyWriteExec(mm: MmStruct, oldFlags: number, newFlags: number): boolean {
  if ((mm.mdwe & PR_MDWE_REFUSE_EXEC_GAIN) === 0 || (newFlags & VM_EXEC) === 0) return false;
  return (newFlags & VM_WRITE) !== 0 || (oldFlags & VM_EXEC) === 0;
}

/** can_do_mlock(). */
export function canDoMlock(mm: MmStruct): boolean {
  return mm.rlimits.memlock !== 0 || mm.rlimits.privileged;
}

/** The area that contains `addr`, or the next one above. */
export function findVma(mm: MmStruct, addr: number): Vma | undefined {
  return mm.vmas.find(addr);
}

// --- mmap ---------------------------------------------------------------------

/** A kernel with huge page sizes but no page reserved for them: -EINVAL for a size that it does not have, else -ENOMEM. */
function hugetlbAnswer(mm: MmStruct, flags: number): number {
  const sizeLog = (flags >>> MAP_HUGE_SHIFT) & MAP_HUGE_MASK;
  if (sizeLog !== 0 && !hugetlbSizes(mm.sys.granule).includes(2 ** sizeLog)) return -EINVAL;
  if ((flags & MAP_NORESERVE) !== 0) throw new NotModelled("mmap: MAP_HUGETLB with MAP_NORESERVE");
  return -ENOMEM;
}

/** What a mapping of a file may be; the flags to use or -errno. The part of do_mmap() for files. */
function fileVmFlags(file: File, prot: number, mapFlags: number, vmFlags: number, len: number, pgoff: number, pageSize: number): number {
  let flags = mapFlags;
  let vm = vmFlags;
  if (len > MAX_LFS_FILESIZE || pgoff > Math.floor((MAX_LFS_FILESIZE - len) / pageSize)) return -EOVERFLOW;
  const type = flags & MAP_TYPE;
  if (type === MAP_SHARED || type === MAP_SHARED_VALIDATE) {
    // Plain MAP_SHARED ignores flags that it does not know; the validating form names them.
    if (type === MAP_SHARED) flags &= LEGACY_MAP_MASK;
    if ((flags & ~LEGACY_MAP_MASK) !== 0) return -EOPNOTSUPP;
    if ((prot & PROT_WRITE) !== 0 && !file.writable) return -EACCES;
    vm |= VM_SHARED | VM_MAYSHARE;
    if (!file.writable) vm &= ~(VM_MAYWRITE | VM_SHARED);
  } else if (type !== MAP_PRIVATE) {
    return -EINVAL;
  }
  if (!file.readable) return -EACCES;
  if (file.mapsZero !== true && file.mmapOps({ flags: vm }) === undefined) return -ENODEV;
  if ((vm & VM_GROWSDOWN) !== 0) return -EINVAL;
  // memfd_check_seals_mmap()
  if (((file.inode.seals ?? 0) & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0 && (vm & VM_SHARED) !== 0) {
    if ((vm & VM_WRITE) !== 0) return -EPERM;
    vm &= ~VM_MAYWRITE;
  }
  return vm;
}

/** The same for anonymous memory. */
function anonVmFlags(mapFlags: number, vmFlags: number): number {
  switch (mapFlags & MAP_TYPE) {
    case MAP_SHARED:
      if ((vmFlags & VM_GROWSDOWN) !== 0) return -EINVAL;
      return vmFlags | VM_SHARED | VM_MAYSHARE;
    case MAP_DROPPABLE:
      // Pages that may vanish at any time are neither locked nor a stack, and not worth a reserve, a copy or a dump.
      if ((mapFlags & (MAP_LOCKED | MAP_HUGETLB)) !== 0 || (vmFlags & VM_GROWSDOWN) !== 0) return -EINVAL;
      return vmFlags | VM_NORESERVE | VM_WIPEONFORK | VM_DONTDUMP;
    case MAP_PRIVATE:
      return vmFlags;
    default:
      return -EINVAL;
  }
}

/**
 * mmap(2): the address of the mapping or -errno. The caller has looked up the file (-EBADF) and checked that the offset is a
 * multiple of the page size (-EINVAL); the file keeps the caller's reference and gets one for the area.
 * MAP_POPULATE and locked memory are faulted in before it returns, errors of that ignored.
 */
export function doMmap(mm: MmStruct, request: MmapRequest): Va | number {
  const { file, prot } = request;
  if ((request.flags & MAP_HUGETLB) !== 0) return file === undefined ? hugetlbAnswer(mm, request.flags) : -EINVAL;
  const { pageSize } = mm.sys.granule;
  const { mmapMinAddr, maxMapCount, overcommitMemory } = mm.sys.tunables;
  if (request.len === 0) return -EINVAL;
  const flags = (request.flags & MAP_FIXED_NOREPLACE) !== 0 ? request.flags | MAP_FIXED : request.flags;
  let hint = request.addr;
  if ((flags & MAP_FIXED) === 0) {
    // A hint below what is allowed is meant as "low".
    hint = alignDown(hint, pageSize);
    if (hint !== 0 && hint < mmapMinAddr) hint = alignUp(mmapMinAddr, pageSize);
  }
  const len = alignUp(request.len, pageSize);
  if (len >= U64) return -ENOMEM;
  if (request.pgoff + len / pageSize >= U64) return -EOVERFLOW;
  if (mm.vmas.count > maxMapCount) return -ENOMEM;

  let vmFlags = calcVmProtBits(prot) | calcVmFlagBits(flags) | mm.defFlags | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
  const addr = getUnmappedArea(mm, file, hint, len, request.pgoff, flags);
  if (addr < 0) return addr;
  if ((flags & MAP_FIXED_NOREPLACE) !== 0 && mm.vmas.findIntersection(addr, addr + len) !== undefined) return -EEXIST;
  if ((flags & MAP_LOCKED) !== 0 && !canDoMlock(mm)) return -EPERM;
  if (!mlockFutureOk(mm, vmFlags, len)) return -EAGAIN;

  // No flag here reaches bit 31, so a negative result is an error.
  const checked = file === undefined ? anonVmFlags(flags, vmFlags) : fileVmFlags(file, prot, flags, vmFlags, len, request.pgoff, pageSize);
  if (checked < 0) return checked;
  vmFlags = checked;
  const droppable = file === undefined && (flags & MAP_TYPE) === MAP_DROPPABLE;
  let pgoff = request.pgoff;
  if (file === undefined) pgoff = (vmFlags & VM_SHARED) !== 0 ? 0 : addr / pageSize;
  if ((flags & MAP_NORESERVE) !== 0 && overcommitMemory !== 2) vmFlags |= VM_NORESERVE;

  const mapped = mmapRegion(mm, { file, addr: addr as Va, len, flags: vmFlags, droppable, pgoff });
  if (mapped >= 0 && ((vmFlags & VM_LOCKED) !== 0 || (flags & (MAP_POPULATE | MAP_NONBLOCK)) === MAP_POPULATE)) {
    mmPopulate(mm, addr as Va, len, true);
  }
  return mapped;
}

interface Region {
  readonly file: File | undefined;
  readonly addr: Va;
  /** Bytes, page aligned. */
  readonly len: number;
  readonly flags: number;
  readonly droppable: boolean;
  readonly pgoff: number;
}

/** accountable_mapping(): private writable memory is charged to the commit account. */
function accountableMapping(flags: number): boolean {
  return (flags & (VM_NORESERVE | VM_SHARED | VM_WRITE)) === VM_WRITE;
}

/** Enters a mapping at a chosen place, unmapping what is there. Linux: mmap_region(), __mmap_region(). */
function mmapRegion(mm: MmStruct, region: Region): Va | number {
  const { addr, len, droppable, pgoff } = region;
  const { pageSize } = mm.sys.granule;
  const end = (addr + len) as Va;
  const pages = len / pageSize;
  let { flags } = region;
  if (mapDenyWriteExec(mm, flags, flags)) return -EACCES;
  const vms = vmsGatherMunmapVmas(mm, addr, end);
  if (typeof vms === "number") return vms;
  if (!mayExpandVm(mm, flags, pages - vms.nrPages)) return -ENOMEM;
  if (accountableMapping(flags)) {
    const charge = pages - vms.nrAccounted;
    if (charge !== 0 && vmEnoughMemory(mm, charge) !== 0) return -ENOMEM;
    vms.nrAccounted = 0;
    flags |= VM_ACCOUNT;
  }
  let file = region.file;
  const sharedAnonymous = (file === undefined || file.mapsZero === true) && (flags & VM_SHARED) !== 0;
  vmsClearPtes(vms);
  vmsDetach(vms);

  let vma = sharedAnonymous
    ? undefined
    : vmaMergeNewRange({ mm, start: addr, end, pgoff, flags, droppable, sealed: false, file, anonVma: undefined, anonName: undefined, prev: vms.prev, next: vms.next });
  if (vma === undefined) {
    vma = vmAreaAlloc(mm, { start: addr, end, flags, pgoff, droppable });
    if (sharedAnonymous) {
      file = shmemFileSetup(mm.sys, "dev/zero", len);
      vma.file = file;
    } else if (file !== undefined) {
      vma.file = getFile(file);
    }
    // A private mapping of /dev/zero keeps its file and is anonymous memory all the same.
    vma.ops = file?.mapsZero === true ? undefined : vma.file?.mmapOps(vma);
    vmaLink(vma);
  }
  vmsCompleteMunmapVmas(vms);
  vmStatAccount(mm, flags, pages);
  if ((flags & VM_LOCKED) !== 0) {
    if (vmaSupportsMlock(vma)) mm.lockedVm += pages;
    else vma.flags &= ~VM_LOCKED_MASK;
  }
  vmaSetPageProt(vma);
  return addr;
}

// --- brk ----------------------------------------------------------------------

/**
 * Adds [addr, addr + len) to the heap: `prev` grows if it ends there and fits, else a new area is made. 0 or -ENOMEM.
 * Linux: do_brk_flags().
 */
function doBrkFlags(mm: MmStruct, prev: Vma | undefined, addr: Va, len: number, extraFlags: number): number {
  const pages = len / mm.sys.granule.pageSize;
  const pgoff = addr / mm.sys.granule.pageSize;
  const end = (addr + len) as Va;
  const flags = extraFlags | VM_DATA_DEFAULT_FLAGS | VM_ACCOUNT | mm.defFlags;
  if (!mayExpandVm(mm, flags, pages)) return -ENOMEM;
  if (mm.vmas.count > mm.sys.tunables.maxMapCount) return -ENOMEM;
  if (vmEnoughMemory(mm, pages) !== 0) return -ENOMEM;
  // The area behind the heap is never joined: it is withheld from the merge.
  const range = { mm, start: addr, end, pgoff, flags, droppable: false, sealed: false, file: undefined, anonVma: undefined, anonName: undefined, prev, next: undefined };
  if (prev === undefined || vmaMergeNewRange(range) === undefined) vmaLink(vmAreaAlloc(mm, { start: addr, end, flags, pgoff }));
  mm.totalVm += pages;
  mm.dataVm += pages;
  if ((flags & VM_LOCKED) !== 0) mm.lockedVm += pages;
  return 0;
}

/** Address and memlock limits for growing the heap. Linux: check_brk_limits(). */
function checkBrkLimits(mm: MmStruct, addr: Va, len: number): number {
  const mapped = getUnmappedArea(mm, undefined, addr, len, 0, MAP_FIXED);
  if (mapped < 0) return mapped;
  return mlockFutureOk(mm, mm.defFlags, len) ? 0 : -EAGAIN;
}

/** brk(2): the new end of the heap if it could be set, else the old one. */
export function doBrk(mm: MmStruct, brk: number): Va {
  const { pageSize } = mm.sys.granule;
  if (brk < mm.startBrk) return mm.brk;
  if (brk - mm.startBrk + (mm.endData - mm.startData) > mm.rlimits.data) return mm.brk;
  const newbrk = alignUp(brk, pageSize) as Va;
  const oldbrk = alignUp(mm.brk, pageSize);
  if (oldbrk === newbrk) return (mm.brk = brk as Va);
  if (brk <= mm.brk) {
    if (mm.vmas.findIntersection(newbrk, oldbrk) === undefined) return mm.brk;
    if (doVmiAlignMunmap(mm, newbrk, oldbrk) === 0) mm.brk = brk as Va;
    return mm.brk;
  }
  if (checkBrkLimits(mm, oldbrk, newbrk - oldbrk) !== 0) return mm.brk;
  const next = mm.vmas.findIntersection(oldbrk, newbrk + pageSize + stackGuardGap(mm.sys));
  if (next !== undefined && newbrk + pageSize > vmStartGap(next)) return mm.brk;
  const below = mm.vmas.findPrev(oldbrk);
  const heap = below !== undefined && below.end > mm.startBrk ? below : undefined;
  if (doBrkFlags(mm, heap, oldbrk, newbrk - oldbrk, 0) < 0) return mm.brk;
  mm.brk = brk as Va;
  if ((mm.defFlags & VM_LOCKED) !== 0) mmPopulate(mm, oldbrk, newbrk - oldbrk, true);
  return mm.brk;
}

/** Anonymous memory at a given place, as exec wants it for bss: 0 or -errno. `flags`: 0 or VM_EXEC. Linux: vm_brk_flags(). */
export function vmBrkFlags(mm: MmStruct, addr: Va, request: number, flags: number): number {
  const len = alignUp(request, mm.sys.granule.pageSize);
  if (len === 0) return 0;
  if ((flags & ~VM_EXEC) !== 0) return -EINVAL;
  const limits = checkBrkLimits(mm, addr, len);
  if (limits !== 0) return limits;
  const unmapped = doVmiAlignMunmap(mm, addr, (addr + len) as Va);
  if (unmapped !== 0) return unmapped;
  const error = doBrkFlags(mm, mm.vmas.findPrev(addr), addr, len, flags);
  if (error === 0 && (mm.defFlags & VM_LOCKED) !== 0) mmPopulate(mm, addr, len, true);
  return error;
}

// --- stack --------------------------------------------------------------------

/** Limits on a stack of `size` bytes that grows by `grow` pages: 0 or -ENOMEM. Linux: acct_stack_growth(). */
function acctStackGrowth(vma: Vma, size: number, grow: number): number {
  const { mm } = vma;
  if (!mayExpandVm(mm, vma.flags, grow)) return -ENOMEM;
  if (size > mm.rlimits.stack) return -ENOMEM;
  if (!mlockFutureOk(mm, vma.flags, grow * mm.sys.granule.pageSize)) return -ENOMEM;
  return vmEnoughMemory(mm, grow);
}

/**
 * Grows a VM_GROWSDOWN area so that it covers `address`: 0, -EFAULT (not such an area), -EPERM (below mmap_min_addr) or
 * -ENOMEM (guard gap, limits). Linux: expand_downwards().
 */
export function expandDownwards(vma: Vma, address: number): number {
  const { mm } = vma;
  const { pageSize } = mm.sys.granule;
  if ((vma.flags & VM_GROWSDOWN) === 0) return -EFAULT;
  const start = alignDown(address, pageSize);
  if (start < mm.sys.tunables.mmapMinAddr) return -EPERM;
  const prev = mm.vmas.prev(vma);
  if (prev !== undefined && (prev.flags & VM_GROWSDOWN) === 0 && vmaIsAccessible(prev)) {
    if (start - prev.end < stackGuardGap(mm.sys)) return -ENOMEM;
  }
  anonVmaPrepare(vma);
  if (start >= vma.start) return 0;
  const grow = (vma.start - start) / pageSize;
  if (grow > vma.pgoff) return -ENOMEM;
  const error = acctStackGrowth(vma, vma.end - start, grow);
  if (error !== 0) return error;
  if ((vma.flags & VM_LOCKED) !== 0) mm.lockedVm += grow;
  vmStatAccount(mm, vma.flags, grow);
  vma.start = start as Va;
  vma.pgoff -= grow;
  return 0;
}

/** The area that contains `addr`, after growing a stack above it if need be; undefined: a segmentation fault. */
export function expandStack(mm: MmStruct, addr: number): Vma | undefined {
  const vma = mm.vmas.find(addr);
  if (vma === undefined || vma.start <= addr) return vma;
  return expandDownwards(vma, addr) === 0 ? vma : undefined;
}

