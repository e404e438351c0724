/**
 * madvise and the names of anonymous memory.
 *
 * Linux: mm/madvise.c do_madvise(), madvise_walk_vmas(), madvise_vma_behavior(), madvise_set_anon_name(); mm/khugepaged.c
 * hugepage_madvise(); mm/ksm.c ksm_madvise(). What touches pages is in madvise-pages.ts.
 */
import { alignUp, isAligned, type Va } from "../../emulator/arch/addr.js";
import { NotModelled } from "../../emulator/arch/errors.js";
import { pmdTable, pteIsSwap, swpOffset } from "../arch/arm64/pte.js";
import { EACCES, EAGAIN, EBADF, EFAULT, EINTR, EINVAL, ENOMEM, EPERM } from "../errno.js";
import { genericFadvise, POSIX_FADV_WILLNEED } from "./fadvise.js";
import { folioPut } from "./folio.js";
import { faultinPageRange } from "./gup.js";
import { TVA_ENFORCE_SYSFS, thpVmaAllowableOrders } from "./huge-memory.js";
import { khugepagedEnter } from "./khugepaged-slots.js";
import { madviseCollapse } from "./khugepaged.js";
import { advisePages } from "./madvise-pages.js";
import {
  MADV_COLD,
  MADV_COLLAPSE,
  MADV_DODUMP,
  MADV_DOFORK,
  MADV_DONTDUMP,
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_DONTNEED_LOCKED,
  MADV_FREE,
  MADV_HUGEPAGE,
  MADV_HWPOISON,
  MADV_KEEPONFORK,
  MADV_MERGEABLE,
  MADV_NOHUGEPAGE,
  MADV_NORMAL,
  MADV_PAGEOUT,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  MADV_RANDOM,
  MADV_REMOVE,
  MADV_SEQUENTIAL,
  MADV_SOFT_OFFLINE,
  MADV_UNMERGEABLE,
  MADV_WILLNEED,
  MADV_WIPEONFORK,
} from "./mman.js";
import type { MmStruct } from "./mm-struct.js";
import { NO_PFN } from "./page.js";
import { forEachPmd } from "./page-walk.js";
import { shmemFallocate } from "./shmem.js";
import { lruAddDrain } from "./swap-lru.js";
import { readSwapCache } from "./swap-state.js";
import { mayWriteFile } from "./util.js";
import { vmaModify } from "./vma-merge.js";
import {
  VM_DONTCOPY,
  VM_DONTDUMP,
  VM_DONTEXPAND,
  VM_HUGEPAGE,
  VM_IO,
  VM_LOCKED,
  VM_MAYSHARE,
  VM_MAYWRITE,
  VM_MERGEABLE,
  VM_MIXEDMAP,
  VM_NOHUGEPAGE,
  VM_PFNMAP,
  VM_RAND_READ,
  VM_SEQ_READ,
  VM_SHARED,
  VM_SPECIAL,
  VM_WIPEONFORK,
  VM_WRITE,
  vmaIsAnonymous,
  type Vma,
} from "./vma.js";
import { zapPageRangeSingle } from "./zap.js";

const U64 = 2 ** 64;
/** fallocate(2): punch a hole, keep the size. */
const PUNCH_HOLE_KEEP_SIZE = 0x3;

const VALID: ReadonlySet<number> = new Set([
  MADV_NORMAL,
  MADV_RANDOM,
  MADV_SEQUENTIAL,
  MADV_WILLNEED,
  MADV_DONTNEED,
  MADV_FREE,
  MADV_REMOVE,
  MADV_DONTFORK,
  MADV_DOFORK,
  MADV_MERGEABLE,
  MADV_UNMERGEABLE,
  MADV_HUGEPAGE,
  MADV_NOHUGEPAGE,
  MADV_DONTDUMP,
  MADV_DODUMP,
  MADV_WIPEONFORK,
  MADV_KEEPONFORK,
  MADV_COLD,
  MADV_PAGEOUT,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  MADV_DONTNEED_LOCKED,
  MADV_COLLAPSE,
  MADV_HWPOISON,
  MADV_SOFT_OFFLINE,
]);

/** Advices that lose data, now or in children. Linux: mm/mseal.c is_madv_discard(). */
const DISCARDS: ReadonlySet<number> = new Set([MADV_FREE, MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_REMOVE, MADV_DONTFORK, MADV_WIPEONFORK]);

/** vma_is_anon_shmem(): shared anonymous memory or memfd. */
function vmaIsAnonShmem(vma: Vma): boolean {
  return vma.ops?.name === "shmem_anon_vm_ops";
}

/** Offset in bytes of `addr` in the area's file. */
function fileOffset(vma: Vma, addr: Va): number {
  return addr - vma.start + vma.pgoff * vma.mm.sys.granule.pageSize;
}

// --- advices that change flags ------------------------------------------------

/** Same flags, same name: nothing to do; else the range becomes an area of its own or joins a neighbour. Linux: madvise_update_vma(). */
function updateVma(vma: Vma, start: Va, end: Va, flags: number, name: string | undefined): Vma | number {
  if (flags === vma.flags && name === vma.anonName) return vma;
  const changed = vmaModify(vma, start, end, { flags, anonName: { name } });
  // madvise() reports a shortage of areas as "try again".
  if (typeof changed === "number") return changed === -ENOMEM ? -EAGAIN : changed;
  changed.flags = flags;
  if (changed.file === undefined || vmaIsAnonShmem(changed)) changed.anonName = name;
  return changed;
}

/** vma_ksm_compatible(). */
function ksmCompatible(vma: Vma): boolean {
  return (vma.flags & (VM_SHARED | VM_MAYSHARE | VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_MIXEDMAP)) === 0 && !vma.droppable;
}

/** The flags that an advice gives the area, or -errno in `error`. */
function adviceFlags(vma: Vma, advice: number): { readonly flags: number } | { readonly error: number } {
  const { flags } = vma;
  const invalid = { error: -EINVAL };
  switch (advice) {
    case MADV_NORMAL:
      return { flags: flags & ~(VM_RAND_READ | VM_SEQ_READ) };
    case MADV_SEQUENTIAL:
      return { flags: (flags & ~VM_RAND_READ) | VM_SEQ_READ };
    case MADV_RANDOM:
      return { flags: (flags & ~VM_SEQ_READ) | VM_RAND_READ };
    case MADV_DONTFORK:
      return { flags: flags | VM_DONTCOPY };
    case MADV_DOFORK:
      return (flags & VM_IO) !== 0 ? invalid : { flags: flags & ~VM_DONTCOPY };
    case MADV_WIPEONFORK:
      return vma.file !== undefined || (flags & VM_SHARED) !== 0 ? invalid : { flags: flags | VM_WIPEONFORK };
    case MADV_KEEPONFORK:
      return vma.droppable ? invalid : { flags: flags & ~VM_WIPEONFORK };
    case MADV_DONTDUMP:
      return { flags: flags | VM_DONTDUMP };
    case MADV_DODUMP:
      return (flags & VM_SPECIAL) !== 0 || vma.droppable ? invalid : { flags: flags & ~VM_DONTDUMP };
    case MADV_MERGEABLE:
      // ksmd is never started, so the flag is all there is.
      return { flags: ksmCompatible(vma) ? flags | VM_MERGEABLE : flags };
    case MADV_UNMERGEABLE:
      return { flags: flags & ~VM_MERGEABLE };
    case MADV_HUGEPAGE: {
      const huge = (flags & ~VM_NOHUGEPAGE) | VM_HUGEPAGE;
      if (thpVmaAllowableOrders(vma, huge, TVA_ENFORCE_SYSFS, 2 ** vma.mm.sys.granule.pmdOrder) !== 0) khugepagedEnter(vma.mm);
      return { flags: huge };
    }
    case MADV_NOHUGEPAGE:
      return { flags: (flags & ~VM_HUGEPAGE) | VM_NOHUGEPAGE };
    default:
      return invalid;
  }
}

// --- advices that act ---------------------------------------------------------

/** MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_FREE. Linux: madvise_dontneed_free(). */
function dontneedFree(vma: Vma, start: Va, end: Va, advice: number): number {
  const forbidden = VM_PFNMAP | (advice === MADV_DONTNEED_LOCKED ? 0 : VM_LOCKED);
  if ((vma.flags & forbidden) !== 0) return -EINVAL;
  if (advice !== MADV_FREE) {
    zapPageRangeSingle(vma, start, end - start);
    return 0;
  }
  if (!vmaIsAnonymous(vma)) return -EINVAL;
  advisePages("free", vma, start, end);
  return 0;
}

/** Locked areas and page frame maps know no LRU. Linux: can_madv_lru_vma(). */
function canMadvLru(vma: Vma): boolean {
  return (vma.flags & (VM_LOCKED | VM_PFNMAP)) === 0;
}

/** Paging out the pages of a file is only for those who could write it: it would tell others what it maps. Linux: madvise_pageout(). */
function pageout(vma: Vma, start: Va, end: Va): number {
  if (!canMadvLru(vma)) return -EINVAL;
  const fileToo = vmaIsAnonymous(vma) || (vma.file !== undefined && mayWriteFile(vma.mm, vma.file));
  if (!fileToo && (vma.flags & VM_MAYSHARE) !== 0) return 0;
  advisePages("pageout", vma, start, end, !fileToo);
  return 0;
}

/** Anonymous memory that is swapped out comes into the swap cache, page by page. Linux: swapin_walk_pmd_entry(). */
function swapin(vma: Vma, start: Va, end: Va): void {
  const { mm } = vma;
  const { sys } = mm;
  const { pgtable, granule } = sys;
  forEachPmd(mm, start, end, (pmdp, addr, next) => {
    const pmd = pgtable.pmdpGet(pmdp);
    if (!pmdTable(pmd)) return;
    for (let at: number = addr; at < next; at += granule.pageSize) {
      const pte = pgtable.ptepGet(pgtable.pteOffset(pmd, at as Va));
      if (!pteIsSwap(pte)) continue;
      const { folio } = readSwapCache(sys, swpOffset(pte), mm.memcg);
      if (folio !== NO_PFN) folioPut(sys, folio);
    }
  });
  lruAddDrain(sys);
}

/** Reads ahead; of anonymous memory what is swapped out. Shared memory has no swap space. Linux: madvise_willneed(). */
function willneed(vma: Vma, start: Va, end: Va): number {
  const { file } = vma;
  if (file === undefined) {
    swapin(vma, start, end);
    return 0;
  }
  if ( file.inode.mapping?.policy.kind === "shmem") return 0;
  genericFadvise(file, fileOffset(vma, start), end - start, POSIX_FADV_WILLNEED);
  return 0;
}

/** Punches a hole into the file. Linux: madvise_remove(). */
function remove(vma: Vma, start: Va, end: Va): number {
  if ((vma.flags & VM_LOCKED) !== 0) return -EINVAL;
  const mapping = vma.file?.inode.mapping;
  if (mapping === undefined) return -EINVAL;
  if ((vma.flags & (VM_SHARED | VM_MAYWRITE)) !== (VM_SHARED | VM_MAYWRITE)) return -EACCES;
  if (mapping.policy.kind !== "shmem") throw new NotModelled(`MADV_REMOVE on ${mapping.policy.name}`);
  return shmemFallocate(mapping, PUNCH_HOLE_KEEP_SIZE, fileOffset(vma, start), end - start);
}

/** MADV_POPULATE_READ and MADV_POPULATE_WRITE. Linux: madvise_populate(). */
function populate(mm: MmStruct, start: Va, end: Va, write: boolean): number {
  const { pageSize } = mm.sys.granule;
  for (let addr = start; addr < end; ) {
    const pages = faultinPageRange(mm, addr, end, write);
    if (pages < 0) return [-EINTR, -EINVAL, -EFAULT].includes(pages) ? pages : -ENOMEM;
    addr = (addr + pages * pageSize) as Va;
  }
  return 0;
}

/** What is lost cannot be written again by the program. Linux: mm/mseal.c is_ro_anon(). */
function isReadOnlyAnon(vma: Vma): boolean {
  return vma.file === undefined && (vma.flags & (VM_SHARED | VM_WRITE)) === 0;
}

/** One area's part of the range: the area to go on behind, or -errno. Linux: madvise_vma_behavior(). */
function adviseVma(vma: Vma, start: Va, end: Va, advice: number): Vma | number {
  const done = (error: number): Vma | number => (error === 0 ? vma : error);
  if (vma.sealed && DISCARDS.has(advice) && isReadOnlyAnon(vma)) return -EPERM;
  switch (advice) {
    case MADV_REMOVE:
      return done(remove(vma, start, end));
    case MADV_WILLNEED:
      return done(willneed(vma, start, end));
    case MADV_COLD:
      if (!canMadvLru(vma)) return -EINVAL;
      advisePages("cold", vma, start, end);
      return vma;
    case MADV_PAGEOUT:
      return done(pageout(vma, start, end));
    case MADV_FREE:
    case MADV_DONTNEED:
    case MADV_DONTNEED_LOCKED:
      return done(dontneedFree(vma, start, end, advice));
    case MADV_COLLAPSE:
      return done(madviseCollapse(vma, start, end));
    default: {
      const result = adviceFlags(vma, advice);
      return "error" in result ? result.error : updateVma(vma, start, end, result.flags, vma.anonName);
    }
  }
}

/**
 * Visits the parts of all areas in the range. Holes are skipped, but make the result -ENOMEM. Linux: madvise_walk_vmas().
 */
function walkVmas(mm: MmStruct, start: Va, end: Va, visit: (vma: Vma, start: Va, end: Va) => Vma | number): number {
  let unmapped = 0;
  let from = start;
  let vma = mm.vmas.find(start);
  for (;;) {
    if (vma === undefined) return -ENOMEM;
    if (from < vma.start) {
      unmapped = -ENOMEM;
      from = vma.start;
      if (from >= end) return unmapped;
    }
    const to = end < vma.end ? end : vma.end;
    const visited = visit(vma, from, to);
    if (typeof visited === "number") return visited;
    from = to < visited.end ? visited.end : to;
    if (from >= end) return unmapped;
    vma = mm.vmas.find(from);
  }
}

/**
 * madvise(2): 0 or -errno; -EINVAL for an unknown advice or one that does not suit an area, -ENOMEM if the range has holes (the
 * rest is advised all the same), -EAGAIN if there are too many areas. Pre: `start` carries no tag. Linux: do_madvise().
 */
export function doMadvise(mm: MmStruct, start: Va, lenIn: number, advice: number): number {
  const { pageSize } = mm.sys.granule;
  if (!VALID.has(advice)) return -EINVAL;
  if (!isAligned(start, pageSize)) return -EINVAL;
  const len = alignUp(lenIn, pageSize);
  if (len >= U64 || start + len >= U64) return -EINVAL;
  if (len === 0) return 0;
  if (advice === MADV_HWPOISON || advice === MADV_SOFT_OFFLINE) {
    if (!mm.rlimits.privileged) return -EPERM;
    throw new NotModelled(`madvise: memory failure (advice ${advice})`);
  }
  const end = (start + len) as Va;
  if (advice === MADV_POPULATE_READ || advice === MADV_POPULATE_WRITE) return populate(mm, start, end, advice === MADV_POPULATE_WRITE);
  return walkVmas(mm, start, end, (vma, from, to) => adviseVma(vma, from, to, advice));
}

/**
 * prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME): names anonymous memory for /proc/PID/maps; undefined takes the name away. The caller
 * has checked the characters of the name. -EBADF for areas of files. Linux: madvise_set_anon_name().
 */
export function madviseSetAnonName(mm: MmStruct, start: Va, lenIn: number, name: string | undefined): number {
  const { pageSize } = mm.sys.granule;
  if (!isAligned(start, pageSize)) return -EINVAL;
  const len = alignUp(lenIn, pageSize);
  if (len >= U64 || start + len >= U64) return -EINVAL;
  if (len === 0) return 0;
  return walkVmas(mm, start, (start + len) as Va, (vma, from, to) => {
    if (vma.file !== undefined && !vmaIsAnonShmem(vma)) return -EBADF;
    return updateVma(vma, from, to, vma.flags, name);
  });
}
