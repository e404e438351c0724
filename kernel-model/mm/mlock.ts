/**
 * mlock and relatives: areas whose pages stay in memory.
 *
 * Linux: mm/mlock.c do_mlock(), mlock_fixup(), mlock_pte_range(), apply_mlockall_flags().
 */
import { alignDown, alignUp, type Pfn, type Va } from "../../emulator/arch/addr.js";
import { pmdTable, pmdTransHuge, ptePresent } from "../arch/arm64/pte.js";
import { EAGAIN, EFAULT, EINVAL, ENOMEM, EPERM } from "../errno.js";
import { mmPopulate } from "./gup.js";
import { isHugeZeroPmd } from "./huge-pmd.js";
import { MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT, MLOCK_ONFAULT } from "./mman.js";
import { vmNormalPage } from "./memory-common.js";
import { canDoMlock } from "./mmap.js";
import type { MmStruct } from "./mm-struct.js";
import { NO_PFN } from "./page.js";
import { forEachPmd } from "./page-walk.js";
import { FPB_IGNORE_DIRTY, folioPteBatch } from "./pte-batch.js";
import { lruAddDrain, mlockFolio, munlockFolio } from "./swap-lru.js";
import { vmaModify } from "./vma-merge.js";
import { vmaSupportsMlock } from "./vma-ops.js";
import { VM_LOCKED, VM_LOCKED_MASK, VM_LOCKONFAULT, vmaPages, type Vma } from "./vma.js";

const U64 = 2 ** 64;

/** The whole folio lies in [start, end) of the area. Linux: folio_within_range(). */
function folioWithinRange(vma: Vma, folio: Pfn, start: number, end: number): boolean {
  const { pages, granule } = vma.mm.sys;
  const index = pages.index[folio]!;
  if (index < vma.pgoff || index >= vma.pgoff + vmaPages(vma)) return false;
  const addr = vma.start + (index - vma.pgoff) * granule.pageSize;
  return addr >= start && end - addr >= pages.folioNrPages(folio) * granule.pageSize;
}

/** One level-3 table. A large folio is locked only if the range holds and the table maps all of it; unlocked in any case. */
function mlockPteRange(vma: Vma, pmd: bigint, start: Va, end: Va): void {
  const { sys } = vma.mm;
  const { pages, pgtable, granule } = sys;
  const lock = (vma.flags & VM_LOCKED) !== 0;
  let ptep = pgtable.pteOffset(pmd, start);
  let step = 1;
  for (let addr: number = start; addr < end; addr += step * granule.pageSize, ptep = (ptep + step * 8) as typeof ptep) {
    step = 1;
    if (pgtable.rawIsNone(ptep)) continue;
    const pte = pgtable.ptepGet(ptep);
    if (!ptePresent(pte)) continue;
    const page = vmNormalPage(vma, pte);
    if (page === NO_PFN) continue;
    const folio = pages.head(page);
    if (pages.isLarge(folio)) {
      step = folioPteBatch(sys, folio, ptep, pgtable.ptepGet(ptep), (end - addr) / granule.pageSize, FPB_IGNORE_DIRTY);
      if (lock && (!folioWithinRange(vma, folio, start, end) || step !== pages.folioNrPages(folio))) continue;
    }
    if (lock) mlockFolio(sys, folio);
    else munlockFolio(sys, folio);
  }
}

/** Locks or unlocks the pages that are there, as the area's flags say. Linux: mlock_vma_pages_range(). */
function mlockVmaPagesRange(vma: Vma, start: Va, end: Va): void {
  const { sys } = vma.mm;
  const { pgtable } = sys;
  lruAddDrain(sys);
  forEachPmd(vma.mm, start, end, (pmdp, addr, next) => {
    const pmd = pgtable.pmdpGet(pmdp);
    if (pmdTable(pmd)) {
      mlockPteRange(vma, pmd, addr, next);
    } else if (pmdTransHuge(pmd) && !isHugeZeroPmd(sys, pmd)) {
      if ((vma.flags & VM_LOCKED) !== 0) mlockFolio(sys, pgtable.pmdPfn(pmd));
      else munlockFolio(sys, pgtable.pmdPfn(pmd));
    }
  });
  lruAddDrain(sys);
}

/** Gives [start, end) of the area the flags; areas that are never locked are passed over. Linux: mlock_fixup(). */
function mlockFixup(vma: Vma, start: Va, end: Va, newflags: number): Vma | number {
  const { mm } = vma;
  const oldflags = vma.flags;
  if (newflags === oldflags || !vmaSupportsMlock(vma)) return vma;
  const changed = vmaModify(vma, start, end, { flags: newflags });
  if (typeof changed === "number") return changed;
  const pages = (end - start) / mm.sys.granule.pageSize;
  const isLocked = (newflags & VM_LOCKED) !== 0;
  const wasLocked = (oldflags & VM_LOCKED) !== 0;
  if (!isLocked) mm.lockedVm -= pages;
  else if (!wasLocked) mm.lockedVm += pages;
  changed.flags = newflags;
  if (!(isLocked && wasLocked)) mlockVmaPagesRange(changed, start, end);
  return changed;
}

/** The whole range gets `flags` of VM_LOCKED_MASK. 0 or -ENOMEM for a hole (what precedes it is changed). */
function applyVmaLockFlags(mm: MmStruct, start: Va, len: number, flags: number): number {
  if (start + len >= U64) return -EINVAL;
  if (len === 0) return 0;
  const end = (start + len) as Va;
  let vma = mm.vmas.lookup(start);
  if (vma === undefined) return -ENOMEM;
  let reached: Va = vma.start;
  let from = start;
  while (vma !== undefined && vma.start < end) {
    if (vma.start !== reached) return -ENOMEM;
    const changed = mlockFixup(vma, from, vma.end < end ? vma.end : end, (vma.flags & ~VM_LOCKED_MASK) | flags);
    if (typeof changed === "number") return changed;
    reached = changed.end;
    from = reached;
    vma = mm.vmas.find(reached);
  }
  return reached < end ? -ENOMEM : 0;
}

/** Pages of the range that are locked already. Linux: count_mm_mlocked_page_nr(). */
function countMlockedPages(mm: MmStruct, start: Va, len: number): number {
  let bytes = 0;
  for (const vma of mm.vmas.inRange(start, start + len)) {
    if ((vma.flags & VM_LOCKED) !== 0) bytes += Math.min(vma.end, start + len) - Math.max(vma.start, start);
  }
  return bytes / mm.sys.granule.pageSize;
}

/** Pages the range spans, from the page of `start` on; bytes. */
function spannedBytes(mm: MmStruct, start: Va, len: number): number {
  const { pageSize } = mm.sys.granule;
  return alignUp(len + (start % pageSize), pageSize);
}

/**
 * mlock(2) and mlock2(2): locks the pages of the range and faults them in (MLOCK_ONFAULT: only marks it). 0, -EINVAL, -EPERM (no
 * memory may be locked), -ENOMEM (limit, hole, memory out of reach) or -EAGAIN. Pre: `start` carries no tag. Linux: do_mlock().
 */
export function doMlock(mm: MmStruct, start: Va, len: number, flags: number): number {
  const { pageSize } = mm.sys.granule;
  if ((flags & ~MLOCK_ONFAULT) !== 0) return -EINVAL;
  if (!canDoMlock(mm)) return -EPERM;
  const bytes = spannedBytes(mm, start, len);
  const from = alignDown(start, pageSize);
  const limit = Math.floor(mm.rlimits.memlock / pageSize);
  let locked = bytes / pageSize + mm.lockedVm;
  if (locked > limit && !mm.rlimits.privileged) locked -= countMlockedPages(mm, from, bytes);
  if (locked > limit && !mm.rlimits.privileged) return -ENOMEM;
  const error = applyVmaLockFlags(mm, from, bytes, VM_LOCKED | ((flags & MLOCK_ONFAULT) !== 0 ? VM_LOCKONFAULT : 0));
  if (error !== 0) return error;
  // POSIX's view of what populating says: an address that cannot be had is "no memory", no memory is "try again".
  const populated = mmPopulate(mm, from, bytes, false);
  if (populated === -EFAULT) return -ENOMEM;
  return populated === -ENOMEM ? -EAGAIN : populated;
}

/** munlock(2). */
export function doMunlock(mm: MmStruct, start: Va, len: number): number {
  return applyVmaLockFlags(mm, alignDown(start, mm.sys.granule.pageSize), spannedBytes(mm, start, len), 0);
}

/** Flags of all present areas (MCL_CURRENT) and future ones (MCL_FUTURE). Areas that cannot be changed are passed over. */
function applyMlockallFlags(mm: MmStruct, flags: number): void {
  const onFault = (flags & MCL_ONFAULT) !== 0 ? VM_LOCKONFAULT : 0;
  mm.defFlags &= ~VM_LOCKED_MASK;
  if ((flags & MCL_FUTURE) !== 0) {
    mm.defFlags |= VM_LOCKED | onFault;
    if ((flags & MCL_CURRENT) === 0) return;
  }
  const toAdd = (flags & MCL_CURRENT) !== 0 ? VM_LOCKED | onFault : 0;
  let vma = mm.vmas.first();
  while (vma !== undefined) {
    const changed = mlockFixup(vma, vma.start, vma.end, (vma.flags & ~VM_LOCKED_MASK) | toAdd);
    vma = mm.vmas.next(typeof changed === "number" ? vma : changed);
  }
}

/** mlockall(2): 0, -EINVAL, -EPERM or -ENOMEM (limit). Pages that cannot be faulted in are no error. */
export function doMlockall(mm: MmStruct, flags: number): number {
  if (flags === 0 || flags === MCL_ONFAULT || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) !== 0) return -EINVAL;
  if (!canDoMlock(mm)) return -EPERM;
  const limit = Math.floor(mm.rlimits.memlock / mm.sys.granule.pageSize);
  if ((flags & MCL_CURRENT) !== 0 && mm.totalVm > limit && !mm.rlimits.privileged) return -ENOMEM;
  applyMlockallFlags(mm, flags);
  if ((flags & MCL_CURRENT) !== 0) mmPopulate(mm, 0 as Va, mm.taskSize, true);
  return 0;
}

/** munlockall(2). */
export function doMunlockall(mm: MmStruct): number {
  applyMlockallFlags(mm, 0);
  return 0;
}
