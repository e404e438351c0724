/**
 * Filling absent pages on behalf of a userfaultfd, and which areas it handles.
 *
 * Linux: mm/userfaultfd.c mfill_atomic(), mfill_atomic_pte_copy(), mfill_atomic_pte_zeropage(), mfill_atomic_install_pte(),
 * userfaultfd_register_range(), userfaultfd_clear_vma(), userfaultfd_release_all(); fs/userfaultfd.c userfaultfd_register(),
 * userfaultfd_unregister().
 */
import type { Order, Pa, Pfn, Va } from "../../emulator/arch/addr.js";
import { pmdNone, pmdTable, pteMkdirty, pteMkspecial, pteMkwrite, pteNone } from "../arch/arm64/pte.js";
import { EBUSY, EEXIST, EFAULT, EINVAL, ENOENT, ENOMEM, EPERM } from "../errno.js";
import { folioAlloc } from "./folio.js";
import { memCgroupCharge } from "./memcontrol.js";
import { MM_ANONPAGES, type MmStruct } from "./mm-struct.js";
import { NO_PFN, PG_UPTODATE } from "./page.js";
import { anonVmaPrepare, folioAddNewAnonRmap } from "./rmap.js";
import { folioAddLruVma } from "./swap-lru.js";
import type { Userfaultfd } from "./userfaultfd-context.js";
import { vmaModify } from "./vma-merge.js";
import { VM_MAYWRITE, VM_UFFD_MISSING, VM_WRITE, vmaIsAnonymous, type Vma } from "./vma.js";

/** The level-3 entry for `at`, its table made if need be: its place; -EEXIST if something is mapped there, -ENOMEM. */
function emptyEntry(vma: Vma, at: Va): Pa | number {
  const { mm } = vma;
  const { pgtable } = mm.sys;
  const pmdp = pgtable.pmdAlloc(mm, at);
  if (pmdp === -1) return -ENOMEM;
  const pmd = pgtable.pmdpGet(pmdp);
  if (!pmdNone(pmd) && !pmdTable(pmd)) return -EEXIST;
  if (pmdNone(pmd) && !pgtable.pteAlloc(mm, pmdp)) return -ENOMEM;
  const ptep = pgtable.pteOffset(pgtable.pmdpGet(pmdp), at);
  return pteNone(pgtable.ptepGet(ptep)) ? ptep : -EEXIST;
}

/** Map a page with these bytes at `at`. 0, -EEXIST, -ENOMEM. */
function fillWithCopy(vma: Vma, at: Va, bytes: Uint8Array): number {
  const { mm } = vma;
  const { sys } = mm;
  const ptep = emptyEntry(vma, at);
  if (ptep < 0) return ptep;
  const folio = folioAlloc(sys, 0 as Order);
  if (folio === NO_PFN) return -ENOMEM;
  anonVmaPrepare(vma);
  memCgroupCharge(sys, folio, mm.memcg);
  sys.memory.slice((folio * sys.granule.pageSize) as Pa, sys.granule.pageSize).set(bytes);
  sys.frameWritten(folio as Pfn);
  sys.pages.flags[folio]! |= PG_UPTODATE;
  let entry = pteMkdirty(sys.pgtable.pfnPte(folio, vma.pageProt));
  if ((vma.flags & VM_WRITE) !== 0) entry = pteMkwrite(entry);
  folioAddNewAnonRmap(folio, vma, at);
  folioAddLruVma(folio, vma);
  mm.rss[MM_ANONPAGES]!++;
  sys.pgtable.setPteAt(mm, at, ptep as Pa, entry);
  return 0;
}

function fillWithZeroPage(vma: Vma, at: Va): number {
  const { mm } = vma;
  const { pgtable, zeroPfn } = mm.sys;
  const ptep = emptyEntry(vma, at);
  if (ptep < 0) return ptep;
  pgtable.setPteAt(mm, at, ptep as Pa, pteMkspecial(pgtable.pfnPte(zeroPfn, vma.pageProt)));
  return 0;
}

/**
 * Fill [start, start + length): with what `read` gives for a distance from the start (-EFAULT if it cannot be read), or with zero pages
 * without it. The bytes filled; if there are none, -ENOENT (not one registered area), -EEXIST, -EFAULT or -ENOMEM.
 */
export function mfillAtomic(mm: MmStruct, start: Va, length: number, read?: (distance: number) => Uint8Array | number): number {
  const { pageSize } = mm.sys.granule;
  const vma = mm.vmas.lookup(start);
  if (vma?.uffd === undefined || start + length > vma.end) return -ENOENT;
  for (let done = 0; done < length; done += pageSize) {
    const at = (start + done) as Va;
    const bytes = read?.(done);
    let error: number;
    if (typeof bytes === "number") error = -EFAULT;
    else error = bytes === undefined ? fillWithZeroPage(vma, at) : fillWithCopy(vma, at, bytes);
    if (error < 0) return done > 0 ? done : error;
  }
  return length;
}

/** The areas that overlap [start, end); -EINVAL if one is nothing for a userfaultfd, or there is none. */
function areasOf(mm: MmStruct, start: Va, end: Va): Vma[] | number {
  const areas: Vma[] = [];
  for (let vma = mm.vmas.findIntersection(start, end); vma !== undefined && vma.start < end; vma = mm.vmas.next(vma)) {
    if (!vmaIsAnonymous(vma) || vma.droppable) return -EINVAL;
    areas.push(vma);
  }
  return areas.length === 0 ? -EINVAL : areas;
}

/** Change whether a userfaultfd handles the part of an area that lies in [start, end). 0 or -errno. */
function setHandler(vma: Vma, start: Va, end: Va, uffd: Userfaultfd | undefined): number {
  const flags = uffd === undefined ? vma.flags & ~VM_UFFD_MISSING : vma.flags | VM_UFFD_MISSING;
  const area = vmaModify(vma, Math.max(start, vma.start) as Va, Math.min(end, vma.end) as Va, { flags });
  if (typeof area === "number") return area;
  area.flags = flags;
  area.uffd = uffd;
  return 0;
}

/** UFFDIO_REGISTER for absent pages. 0; -EINVAL, -EPERM for areas that can never be written, -EBUSY if another one has them, -ENOMEM. */
export function registerRange(uffd: Userfaultfd, start: Va, end: Va): number {
  const areas = areasOf(uffd.mm, start, end);
  if (typeof areas === "number") return areas;
  if (areas.some(({ flags }) => (flags & VM_MAYWRITE) === 0)) return -EPERM;
  if (areas.some((vma) => vma.uffd !== undefined && vma.uffd !== uffd)) return -EBUSY;
  for (const vma of areas) {
    const error = vma.uffd === uffd ? 0 : setHandler(vma, start, end, uffd);
    if (error < 0) return error;
  }
  return 0;
}

/** UFFDIO_UNREGISTER: faults in the range are the kernel's again, and who waits tries again. */
export function unregisterRange(uffd: Userfaultfd, start: Va, end: Va): number {
  const areas = areasOf(uffd.mm, start, end);
  if (typeof areas === "number") return areas;
  for (const vma of areas) {
    if (vma.uffd === undefined) continue;
    vma.uffd.wake(Math.max(start, vma.start), Math.min(end, vma.end));
    const error = setHandler(vma, start, end, undefined);
    if (error < 0) return error;
  }
  return 0;
}

/** The last descriptor is closed. Linux: userfaultfd_release(). */
export function releaseUserfaultfd(uffd: Userfaultfd): void {
  const { mm } = uffd;
  uffd.released = true;
  if (mm.users > 0) {
    const areas: Vma[] = [];
    for (let vma = mm.vmas.find(0 as Va); vma !== undefined; vma = mm.vmas.next(vma)) if (vma.uffd === uffd) areas.push(vma);
    for (const vma of areas) setHandler(vma, vma.start, vma.end, undefined);
  }
  uffd.wake(0, Infinity);
  uffd.queue.wakeAll();
}
