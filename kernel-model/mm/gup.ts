/**
 * Faults on behalf of the kernel: pages of another address space (exec, ptrace), populating mappings.
 *
 * Linux: mm/gup.c __get_user_pages(), faultin_page(), follow_page_pte(), get_user_pages_remote(), populate_vma_page_range(),
 * faultin_page_range(), __mm_populate(). Pins (FOLL_PIN) do not exist in the model.
 */
import type { Pa, Pfn, Va } from "../../emulator/arch/addr.js";
import { pmdNone, pmdPresent, pmdProtnone, pmdTable, pmdWrite, pteDirty, ptePresent, pteProtnone, pteWrite } from "../arch/arm64/pte.js";
import { EAGAIN, EBUSY, EEXIST, EFAULT, EINVAL, ENOMEM } from "../errno.js";
import { folioRefAdd } from "./folio.js";
import { touchPmd } from "./huge-memory.js";
import { isCowMapping, vmNormalPage } from "./memory-common.js";
import { handleMmFault } from "./memory.js";
import type { MmStruct } from "./mm-struct.js";
import { NO_PFN, PG_ANON, PG_ANON_EXCLUSIVE, PG_DIRTY } from "./page.js";
import { folioMarkDirty } from "./page-writeback.js";
import { folioMarkAccessed, lruAddDrain } from "./swap-lru.js";
import {
  FAULT_FLAG_ALLOW_RETRY,
  FAULT_FLAG_KILLABLE,
  FAULT_FLAG_REMOTE,
  FAULT_FLAG_TRIED,
  FAULT_FLAG_WRITE,
  VM_EXEC,
  VM_FAULT_COMPLETED,
  VM_FAULT_ERROR,
  VM_FAULT_OOM,
  VM_FAULT_RETRY,
  VM_IO,
  VM_LOCKONFAULT,
  VM_MAYREAD,
  VM_MAYWRITE,
  VM_MAYSHARE,
  VM_PFNMAP,
  VM_READ,
  VM_SHARED,
  VM_WRITE,
  type Vma,
} from "./vma.js";

/** Linux: include/linux/mm_types.h FOLL_*; mm/internal.h for the last three. */
const FOLL_WRITE = 1 << 0;
const FOLL_GET = 1 << 1;
const FOLL_FORCE = 1 << 3;
const FOLL_TOUCH = 1 << 16;
const FOLL_TRIED = 1 << 17;
const FOLL_REMOTE = 1 << 18;
const FOLL_UNLOCKABLE = 1 << 21;
const FOLL_MADV_POPULATE = 1 << 22;

/** Whether the caller still holds the mmap_lock: a fault that must be retried drops it. */
interface Lock {
  held: boolean;
}

/** What stands at an address. */
type Followed = { readonly kind: "page"; readonly page: Pfn; readonly nr: number } | { readonly kind: "no-page" } | { readonly kind: "no-struct-page" };

const NO_PAGE: Followed = { kind: "no-page" };

/** The entry may be written through: writable, or FOLL_FORCE on a private copy that is ours alone. */
function canFollowWrite(vma: Vma, writable: boolean, page: Pfn, flags: number): boolean {
  if (writable) return true;
  if ((flags & FOLL_FORCE) === 0 || (vma.flags & (VM_MAYSHARE | VM_SHARED)) !== 0) return false;
  if ((vma.flags & VM_MAYWRITE) === 0 || (vma.flags & VM_WRITE) !== 0 || page === NO_PFN) return false;
  const { pages } = vma.mm.sys;
  return pages.test(pages.head(page), PG_ANON) && pages.test(page, PG_ANON_EXCLUSIVE);
}

function followPte(vma: Vma, address: number, pmd: bigint, flags: number): Followed {
  const { sys } = vma.mm;
  const { pgtable, pages } = sys;
  const pte = pgtable.ptepGet(pgtable.pteOffset(pmd, address as Va));
  if (!ptePresent(pte) || (pteProtnone(pte) && (flags & FOLL_FORCE) === 0)) return NO_PAGE;
  let page = vmNormalPage(vma, pte);
  if ((flags & FOLL_WRITE) !== 0 && !canFollowWrite(vma, pteWrite(pte), page, flags)) return NO_PAGE;
  if (page === NO_PFN) {
    if (pgtable.ptePfn(pte) !== sys.zeroPfn) return { kind: "no-struct-page" };
    page = sys.zeroPfn;
  }
  const folio = pages.head(page);
  if ((flags & FOLL_TOUCH) !== 0 && page !== sys.zeroPfn) {
    if ((flags & FOLL_WRITE) !== 0 && !pteDirty(pte) && !pages.test(folio, PG_DIRTY)) folioMarkDirty(sys, folio);
    folioMarkAccessed(sys, folio);
  }
  return { kind: "page", page, nr: 1 };
}

function followPmd(vma: Vma, address: number, pmdp: Pa, pmd: bigint, flags: number): Followed {
  const { sys } = vma.mm;
  const { granule } = sys;
  if (!pmdPresent(pmd) || (pmdProtnone(pmd) && (flags & FOLL_FORCE) === 0)) return NO_PAGE;
  const folio = sys.pgtable.pmdPfn(pmd);
  if ((flags & FOLL_WRITE) !== 0 && !canFollowWrite(vma, pmdWrite(pmd), folio, flags)) return NO_PAGE;
  if ((flags & FOLL_TOUCH) !== 0) touchPmd(vma, address as Va, pmdp, (flags & FOLL_WRITE) !== 0);
  const index = Math.floor((address % granule.pmdSize) / granule.pageSize);
  return { kind: "page", page: (folio + index) as Pfn, nr: 2 ** granule.pmdOrder - index };
}

function followPage(vma: Vma, address: number, flags: number): Followed {
  const { mm } = vma;
  const { pgtable } = mm.sys;
  const pmdp = pgtable.pmdOffset(mm, address as Va);
  if (pmdp === -1) return NO_PAGE;
  const pmd = pgtable.pmdpGet(pmdp as Pa);
  if (pmdNone(pmd)) return NO_PAGE;
  return pmdTable(pmd) ? followPte(vma, address, pmd, flags) : followPmd(vma, address, pmdp as Pa, pmd, flags);
}

/** check_vma_flags(): 0 or -EFAULT. */
function checkVmaFlags(vma: Vma, flags: number): number {
  if ((vma.flags & (VM_IO | VM_PFNMAP)) !== 0) return -EFAULT;
  if ((flags & FOLL_WRITE) !== 0) {
    if ((vma.flags & VM_WRITE) === 0 && ((flags & FOLL_FORCE) === 0 || !isCowMapping(vma.flags))) return -EFAULT;
  } else if ((vma.flags & VM_READ) === 0 && ((flags & FOLL_FORCE) === 0 || (vma.flags & VM_MAYREAD) === 0)) {
    return -EFAULT;
  }
  return 0;
}

/** Fault the page in. 0, or -EBUSY / -EAGAIN with the lock dropped, or -EFAULT, -ENOMEM. */
function faultinPage(vma: Vma, address: number, flags: number, lock: Lock): number {
  let faultFlags = 0;
  if ((flags & FOLL_WRITE) !== 0) faultFlags |= FAULT_FLAG_WRITE;
  if ((flags & FOLL_REMOTE) !== 0) faultFlags |= FAULT_FLAG_REMOTE;
  if ((flags & FOLL_UNLOCKABLE) !== 0) faultFlags |= FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_KILLABLE;
  if ((flags & FOLL_TRIED) !== 0) faultFlags |= FAULT_FLAG_TRIED;
  const ret = handleMmFault(vma, address as Va, faultFlags);
  if ((ret & VM_FAULT_COMPLETED) !== 0) {
    lock.held = false;
    return -EAGAIN;
  }
  if ((ret & VM_FAULT_OOM) !== 0) return -ENOMEM;
  if ((ret & VM_FAULT_ERROR) !== 0) return -EFAULT;
  if ((ret & VM_FAULT_RETRY) !== 0) {
    lock.held = false;
    return -EBUSY;
  }
  return 0;
}

/** The area at `start`, checked; or -errno. */
function checkedArea(mm: MmStruct, start: number, flags: number): Vma | number {
  const vma = mm.vmas.lookup(start);
  const populate = (flags & FOLL_MADV_POPULATE) !== 0;
  if (vma === undefined) return populate ? -ENOMEM : -EFAULT;
  const error = checkVmaFlags(vma, flags);
  if (error === 0) return vma;
  return populate ? -EINVAL : error;
}

/** __get_user_pages(): number of pages reached, or -errno if none was; 0 if the first fault dropped the lock. */
function getUserPagesLocked(mm: MmStruct, start: number, nrPages: number, flags: number, lock: Lock, into: Pfn[] | undefined): number {
  const { sys } = mm;
  const { pageSize } = sys.granule;
  let vma: Vma | undefined;
  let done = 0;
  let at = start;
  while (done < nrPages) {
    if (vma === undefined || at >= vma.end) {
      const area = checkedArea(mm, at, flags);
      if (typeof area === "number") return done === 0 ? area : done;
      vma = area;
    }
    const followed = followPage(vma, at, flags);
    if (followed.kind === "no-page") {
      const error = faultinPage(vma, at, flags, lock);
      if (error === 0) continue;
      const retried = error === -EBUSY || error === -EAGAIN;
      return done > 0 || retried ? done : error;
    }
    if (followed.kind === "no-struct-page" && into !== undefined) return done === 0 ? -EEXIST : done;
    let nr = 1;
    if (followed.kind === "page") {
      nr = Math.min(followed.nr, nrPages - done);
      if (into !== undefined) {
        if ((flags & FOLL_GET) !== 0) folioRefAdd(sys, sys.pages.head(followed.page), nr);
        for (let i = 0; i < nr; i++) into.push((followed.page + i) as Pfn);
      }
    }
    done += nr;
    at += nr * pageSize;
  }
  return done;
}

export interface RemoteAccess {
  readonly write: boolean;
  /** Ignore the protection of the area, as ptrace and exec do (FOLL_FORCE). Default true. */
  readonly force?: boolean;
}

/**
 * The page at `address` of any mm, faulted in if need be, with one reference more on its folio: get_user_pages_remote() of one
 * page. Returns the page; negative: -EFAULT, -ENOMEM.
 */
export function getUserPagesRemote(mm: MmStruct, address: Va, { write, force = true }: RemoteAccess): Pfn {
  const { pageSize } = mm.sys.granule;
  const flags = FOLL_TOUCH | FOLL_REMOTE | FOLL_GET | (write ? FOLL_WRITE : 0) | (force ? FOLL_FORCE : 0);
  const pages: Pfn[] = [];
  const got = getUserPagesLocked(mm, address - (address % pageSize), 1, flags, { held: true }, pages);
  return got === 1 ? pages[0]! : (got as Pfn);
}

/**
 * Up to `nr` pages from `address` on, each with one reference more on its folio, faulted in if need be: get_user_pages_fast(). A read
 * takes the page as it is mapped, shared or not. Returns the pages in order; -EFAULT, -ENOMEM if there is not even one.
 */
export function getUserPages(mm: MmStruct, address: Va, nr: number, write: boolean): Pfn[] | number {
  const { pageSize } = mm.sys.granule;
  const flags = FOLL_TOUCH | FOLL_GET | (write ? FOLL_WRITE : 0);
  const pages: Pfn[] = [];
  const got = getUserPagesLocked(mm, address - (address % pageSize), nr, flags, { held: true }, pages);
  return got > 0 ? pages : got;
}

/** Writable private mappings are populated by write faults, so that no copy is needed later; others by reads. */
function populateFlags(vma: Vma): number {
  return FOLL_TOUCH | ((vma.flags & (VM_WRITE | VM_SHARED)) === VM_WRITE ? FOLL_WRITE : FOLL_FORCE);
}

/**
 * Populate part of an area: the pages reached, 0 if the first one must be tried again, or -errno. MAP_POPULATE, mlock(), and mprotect() of
 * locked memory, which may not give up the lock of the mm (`unlockable` false).
 */
export function populateVmaPageRange(vma: Vma, start: Va, end: Va, unlockable: boolean): number {
  const nr = (end - start) / vma.mm.sys.granule.pageSize;
  if ((vma.flags & VM_LOCKONFAULT) !== 0) return nr;
  if ((vma.flags & (VM_READ | VM_WRITE | VM_EXEC)) === 0) return -EFAULT;
  const got = getUserPagesLocked(vma.mm, start, nr, populateFlags(vma) | (unlockable ? FOLL_UNLOCKABLE : 0), { held: true }, undefined);
  lruAddDrain(vma.mm.sys);
  return got;
}

/** __mm_populate(): populate all areas in the range. `ignoreErrors`: go on behind what cannot be populated. Returns 0 or -errno. */
export function mmPopulate(mm: MmStruct, start: Va, length: number, ignoreErrors: boolean): number {
  const { pageSize } = mm.sys.granule;
  const end = start + length;
  let at: number = start;
  while (at < end) {
    const vma = mm.vmas.findIntersection(at, end);
    if (vma === undefined) return 0;
    const from = Math.max(at, vma.start);
    const to = Math.min(end, vma.end);
    at = to;
    if ((vma.flags & (VM_IO | VM_PFNMAP)) !== 0) continue;
    const ret = populateVmaPageRange(vma, from as Va, to as Va, true);
    if (ret >= 0) at = from + ret * pageSize;
    else if (!ignoreErrors) return ret;
  }
  return 0;
}

/**
 * faultin_page_range(): MADV_POPULATE_READ and MADV_POPULATE_WRITE. Returns the number of pages populated or -errno (-ENOMEM: no
 * area, -EINVAL: an area that cannot be populated so).
 */
export function faultinPageRange(mm: MmStruct, start: Va, end: Va, write: boolean): number {
  const done = faultinPages(mm, start, end, write);
  lruAddDrain(mm.sys);
  return done;
}

function faultinPages(mm: MmStruct, start: Va, end: Va, write: boolean): number {
  const { pageSize } = mm.sys.granule;
  const flags = FOLL_TOUCH | FOLL_UNLOCKABLE | FOLL_MADV_POPULATE | (write ? FOLL_WRITE : 0);
  let nr = (end - start) / pageSize;
  let at: number = start;
  let done = 0;
  while (nr > 0) {
    const lock: Lock = { held: true };
    const got = getUserPagesLocked(mm, at, nr, flags, lock, undefined);
    if (got < 0) return done === 0 ? got : done;
    done += got;
    nr -= got;
    at += got * pageSize;
    if (nr === 0) break;
    if (lock.held) break;
    // The lock was dropped for one page: that page again, as a second attempt.
    let one: number;
    do {
      lock.held = true;
      one = getUserPagesLocked(mm, at, 1, flags | FOLL_TRIED, lock, undefined);
    } while (!lock.held);
    if (one !== 1) return done === 0 ? one : done;
    done++;
    nr--;
    at += pageSize;
  }
  return done;
}
