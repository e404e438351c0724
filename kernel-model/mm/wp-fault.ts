/**
 * Write faults on mapped, write-protected pages: reuse, copy, or make a shared page writable.
 *
 * Linux: mm/memory.c do_wp_page(), wp_can_reuse_anon_folio(), wp_page_reuse(), wp_page_copy(), wp_page_shared(),
 * do_page_mkwrite(), fault_dirty_shared_page().
 */
import type { Order, Pfn } from "../../emulator/arch/addr.js";
import { pteMkdirty, pteMkyoung } from "../arch/arm64/pte.js";
import { folioGet, folioPut } from "./folio.js";
import { copyPage, faultServed, folioPrealloc, maybeMkwrite, mmCounter, vmfAnonPrepare, vmNormalPage } from "./memory-common.js";
import { MM_ANONPAGES } from "./mm-struct.js";
import { NO_PFN, PG_ANON, PG_ANON_EXCLUSIVE, PG_LOCKED, PG_MLOCKED, PG_SWAPCACHE, PG_UNEVICTABLE } from "./page.js";
import { folioTrylock, folioUnlock } from "./pagemap.js";
import { folioMarkDirty } from "./page-writeback.js";
import { mayUnlockForIo } from "./readahead.js";
import { folioAddNewAnonRmap, folioMoveAnonRmap, folioRemoveRmapPtes, pageOrder } from "./rmap.js";
import { folioAddLruVma, lruAddDrain } from "./swap-lru.js";
import { folioFreeSwap } from "./swap-state.js";
import {
  FAULT_FLAG_MKWRITE,
  FAULT_FLAG_UNSHARE,
  FAULT_FLAG_VMA_LOCK,
  FAULT_FLAG_WRITE,
  VM_FAULT_COMPLETED,
  VM_FAULT_ERROR,
  VM_FAULT_LOCKED,
  VM_FAULT_NOPAGE,
  VM_FAULT_OOM,
  VM_FAULT_RETRY,
  VM_MAYSHARE,
  VM_SHARED,
  type VmFault,
} from "./vma.js";

/**
 * A handler that may sleep cannot be called under the per-VMA lock alone, unless the area has fault-around, whose file systems
 * were checked for it: VM_FAULT_RETRY then, and the fault comes again under the mmap_lock.
 */
export function vmfCanCallFault(vmf: VmFault): number {
  if (vmf.vma.ops!.mapPages !== undefined || (vmf.flags & FAULT_FLAG_VMA_LOCK) === 0) return 0;
  return VM_FAULT_RETRY;
}

/** Ask the file system to let the page become writable. 0: the page left the file meanwhile, try again. */
export function doPageMkwrite(vmf: VmFault, folio: Pfn): number {
  const { sys } = vmf.vma.mm;
  const oldFlags = vmf.flags;
  vmf.flags = FAULT_FLAG_WRITE | FAULT_FLAG_MKWRITE;
  const ret = vmf.vma.ops!.pageMkwrite!(vmf);
  vmf.flags = oldFlags;
  if ((ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE)) !== 0) return ret;
  if ((ret & VM_FAULT_LOCKED) !== 0) return ret;
  if (sys.pages.mapping[folio] === 0) return 0;
  sys.pages.set(folio, PG_LOCKED);
  return ret | VM_FAULT_LOCKED;
}

/**
 * A shared page was made writable: mark its folio dirty and unlock it. VM_FAULT_COMPLETED when the handler is done but gave up its
 * lock to let the writer be throttled: on a first try, if the folio became dirty or the file system wanted to know.
 */
export function faultDirtySharedPage(vmf: VmFault): number {
  const { sys } = vmf.vma.mm;
  const folio = sys.pages.head(vmf.page);
  const dirtied = folioMarkDirty(sys, folio);
  sys.pages.clear(folio, PG_LOCKED);
  const throttled = (dirtied || vmf.vma.ops?.pageMkwrite !== undefined) && sys.pages.mapping[folio] !== 0;
  return throttled && mayUnlockForIo(vmf) ? VM_FAULT_COMPLETED : 0;
}

/** The page may be written where it is: upgrade the entry. */
function wpPageReuse(vmf: VmFault): void {
  const { vma } = vmf;
  const { sys } = vma.mm;
  const entry = maybeMkwrite(pteMkdirty(pteMkyoung(vmf.origPte)), vma);
  sys.pgtable.ptepSetAccessFlags(vma, vmf.address, vmf.pte, entry, true);
  sys.vmstat.inc("pgreuse");
  if (sys.observer !== undefined) faultServed(vmf, "wpReuse", pageOrder(sys, sys.pgtable.ptePfn(vmf.origPte)));
}

/** Copy the page, or zero a new one for the zero page, and map the copy writable. Consumes a reference on the old folio. */
function wpPageCopy(vmf: VmFault): number {
  const { vma } = vmf;
  const { mm } = vma;
  const { sys } = mm;
  const { pgtable, pages } = sys;
  const oldFolio = vmf.page === NO_PFN ? (NO_PFN as Pfn) : pages.head(vmf.page);
  vmfAnonPrepare(vmf);
  const fromZero = oldFolio === NO_PFN && pgtable.ptePfn(vmf.origPte) === sys.zeroPfn;
  const newFolio = folioPrealloc(sys, fromZero, mm.memcg);
  if (newFolio === NO_PFN) {
    if (oldFolio !== NO_PFN) folioPut(sys, oldFolio);
    return VM_FAULT_OOM;
  }
  if (!fromZero) copyPage(sys, newFolio, oldFolio === NO_PFN ? pgtable.ptePfn(vmf.origPte) : vmf.page);

  pgtable.ptepGet(vmf.pte);
  if (oldFolio === NO_PFN) {
    mm.rss[MM_ANONPAGES]!++;
  } else if ((pages.flags[oldFolio]! & PG_ANON) === 0) {
    mm.rss[mmCounter(sys, oldFolio)]!--;
    mm.rss[MM_ANONPAGES]!++;
  }
  let entry = pgtable.pfnPte(newFolio, vma.pageProt);
  if ((vmf.flags & FAULT_FLAG_UNSHARE) === 0) entry = maybeMkwrite(pteMkdirty(entry), vma);
  pgtable.ptepClearFlush(vma, vmf.address, vmf.pte);
  folioAddNewAnonRmap(newFolio, vma, vmf.address);
  folioAddLruVma(newFolio, vma);
  pgtable.setPteAt(mm, vmf.address, vmf.pte, entry);
  if (oldFolio !== NO_PFN) {
    folioRemoveRmapPtes(oldFolio, vmf.page, 1, vma);
    folioPut(sys, oldFolio); // the mapping's reference
    folioPut(sys, oldFolio); // the caller's
  }
  faultServed(vmf, "wpCopy", 0 as Order);
  return 0;
}

/** The page became ready for writing outside the page-table lock: upgrade the entry if it is still the same. */
function finishMkwriteFault(vmf: VmFault): number {
  if (vmf.vma.mm.sys.pgtable.ptepGet(vmf.pte) !== vmf.origPte) return VM_FAULT_NOPAGE;
  wpPageReuse(vmf);
  return 0;
}

/** Shared mapping without a struct page behind it. */
function wpPfnShared(vmf: VmFault): number {
  const { ops } = vmf.vma;
  if (ops?.pfnMkwrite === undefined) {
    wpPageReuse(vmf);
    return 0;
  }
  const retry = vmfCanCallFault(vmf);
  if (retry !== 0) return retry;
  vmf.flags |= FAULT_FLAG_MKWRITE;
  const ret = ops.pfnMkwrite(vmf);
  return (ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE)) !== 0 ? ret : finishMkwriteFault(vmf);
}

/** Shared mapping of a page-cache page. */
function wpPageShared(vmf: VmFault, folio: Pfn): number {
  const { sys } = vmf.vma.mm;
  if (vmf.vma.ops?.pageMkwrite === undefined) {
    wpPageReuse(vmf);
    sys.pages.set(folio, PG_LOCKED);
    return faultDirtySharedPage(vmf);
  }
  folioGet(sys, folio);
  let ret = vmfCanCallFault(vmf);
  if (ret === 0) {
    ret = doPageMkwrite(vmf, folio);
    if (ret !== 0 && (ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE)) === 0) {
      ret = finishMkwriteFault(vmf);
      if (ret === 0) ret = faultDirtySharedPage(vmf);
      else sys.pages.clear(folio, PG_LOCKED);
    }
  }
  folioPut(sys, folio);
  return ret;
}

/**
 * The only reference on a small folio is this mapping, besides the swap cache's, which is dropped if it can be: it may be written again. 6.12 never reuses a page of a large folio that
 * was shared, even if nobody else maps it any more.
 */
function wpCanReuseAnonFolio(vmf: VmFault, folio: Pfn): boolean {
  const { sys } = vmf.vma.mm;
  const { pages } = sys;
  if (pages.isLarge(folio)) return false;
  // A folio that is not on its list yet is held by the batch it waits in.
  if ((pages.flags[folio]! & (PG_MLOCKED | PG_UNEVICTABLE)) === PG_MLOCKED) lruAddDrain(sys);
  if (pages.refcount[folio]! > (pages.test(folio, PG_SWAPCACHE) ? 2 : 1)) return false;
  if (!folioTrylock(sys, folio)) return false;
  if (pages.test(folio, PG_SWAPCACHE)) folioFreeSwap(sys, folio);
  const alone = pages.refcount[folio] === 1;
  if (alone) folioMoveAnonRmap(folio, vmf.vma);
  folioUnlock(sys, folio);
  return alone;
}

/** A write (or with FAULT_FLAG_UNSHARE a pin for reading) hits an entry without write permission. Returns VM_FAULT_*. */
export function doWpPage(vmf: VmFault): number {
  const { vma } = vmf;
  const { sys } = vma.mm;
  const { pages } = sys;
  const unshare = (vmf.flags & FAULT_FLAG_UNSHARE) !== 0;
  vmf.page = vmNormalPage(vma, vmf.origPte);
  const folio = vmf.page === NO_PFN ? (NO_PFN as Pfn) : pages.head(vmf.page);
  if ((vma.flags & (VM_SHARED | VM_MAYSHARE)) !== 0) return folio === NO_PFN ? wpPfnShared(vmf) : wpPageShared(vmf, folio);
  if (folio !== NO_PFN && pages.test(folio, PG_ANON)) {
    if (pages.test(vmf.page, PG_ANON_EXCLUSIVE) || wpCanReuseAnonFolio(vmf, folio)) {
      pages.set(vmf.page, PG_ANON_EXCLUSIVE);
      if (!unshare) wpPageReuse(vmf);
      return 0;
    }
  }
  if (folio !== NO_PFN) folioGet(sys, folio);
  return wpPageCopy(vmf);
}
