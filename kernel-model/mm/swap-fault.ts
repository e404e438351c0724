/**
 * A fault on a swapped-out page: bring it back, as a large folio if it went out as one and the device needs no waiting.
 *
 * Linux: mm/memory.c do_swap_page(), alloc_swap_folio(), can_swapin_thp(), thp_swap_suitable_orders(), should_try_to_free_swap().
 */
import type { Order, Pa, Pfn, Va } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import { pteMkdirty, pteMkwrite, pteSwpExclusive, swpOffset } from "../arch/arm64/pte.js";
import { folioAlloc, folioGet, folioRefAdd } from "./folio.js";
import { thpVmaAllowableOrders, thpVmaSuitableOrders, TVA_ENFORCE_SYSFS, TVA_IN_PF } from "./huge-memory.js";
import { memCgroupCharge } from "./memcontrol.js";
import { faultServed, folioPrealloc } from "./memory-common.js";
import type { MemorySystem } from "./memory-system.js";
import { MM_ANONPAGES, MM_SWAPENTS } from "./mm-struct.js";
import { NO_PFN, PG_ANON, PG_ANON_EXCLUSIVE, PG_LOCKED, PG_MLOCKED, PG_SWAPBACKED, PG_SWAPCACHE } from "./page.js";
import { folioLock, folioUnlock } from "./pagemap.js";
import { swapReadFolio, swapZeromapBatch } from "./page-io.js";
import { folioAddAnonRmapPtes, folioAddNewAnonRmap, RMAP_EXCLUSIVE, RMAP_NONE } from "./rmap.js";
import { folioAddLru } from "./swap-lru.js";
import { swapCacheGetFolio, swapinReadahead } from "./swap-readahead.js";
import { folioFreeSwap, swapOf } from "./swap-state.js";
import { pteMoveSwpOffset, swapPteBatch } from "./swapops.js";
import { FAULT_FLAG_WRITE, VM_FAULT_ERROR, VM_FAULT_MAJOR, VM_FAULT_OOM, VM_LOCKED, VM_WRITE, type VmFault } from "./vma.js";
import { doWpPage } from "./wp-fault.js";

const highestOrder = (orders: number): number => 31 - Math.clz32(orders);

// --- a fresh folio ----------------------------------------------------------------

/** Without orders at which address and slot are not at the same place within a folio, as they were when a folio of that order went out. */
function swapSuitableOrders(sys: MemorySystem, slot: number, address: number, orders: number): number {
  const page = address / sys.granule.pageSize;
  let left = orders;
  while (left !== 0) {
    const nr = 2 ** highestOrder(left);
    if (page % nr === slot % nr) break;
    left &= ~nr;
  }
  return left;
}

/** The `nr` entries around the fault hold slots in a row, none of which the swap cache has, and all or none of which are zeros. */
function canSwapin(vmf: VmFault, nr: number): boolean {
  const { sys } = vmf.vma.mm;
  const swap = swapOf(sys);
  const index = (vmf.address / sys.granule.pageSize) % nr;
  const ptep = (vmf.pte - index * 8) as Pa;
  const pte = sys.pgtable.ptepGet(ptep);
  if (pte !== pteMoveSwpOffset(vmf.origPte, -index) || swapPteBatch(sys, ptep, nr, pte) !== nr) return false;
  const slot = swpOffset(pte);
  if (swapZeromapBatch(swap, slot, nr) !== nr) return false;
  for (let i = slot; i < slot + nr; i++) if (swap.hasCache(i)) return false;
  return true;
}

/** A folio for the slots around that of the fault: the largest enabled size that fits, else one page. NO_PFN: memory is out. */
function allocSwapFolio(vmf: VmFault): Pfn {
  const { vma, address } = vmf;
  const { sys, memcg } = vma.mm;
  let orders = thpVmaAllowableOrders(vma, vma.flags, TVA_IN_PF | TVA_ENFORCE_SYSFS, 2 ** sys.granule.pmdOrder - 1);
  if (orders !== 0) orders = thpVmaSuitableOrders(vma, address, orders);
  orders = swapSuitableOrders(sys, swpOffset(vmf.origPte), address, orders);
  while (orders !== 0 && !canSwapin(vmf, 2 ** highestOrder(orders))) orders &= ~(1 << highestOrder(orders));
  for (; orders !== 0; orders &= ~(1 << highestOrder(orders))) {
    const folio = folioAlloc(sys, highestOrder(orders) as Order);
    if (folio === NO_PFN) continue;
    memCgroupCharge(sys, folio, memcg);
    return folio;
  }
  return folioPrealloc(sys, false, memcg);
}

/** Read the slots of a folio that the swap cache never sees. Its slots stay marked until they are freed. */
function swapinDirect(vmf: VmFault): Pfn {
  const { sys } = vmf.vma.mm;
  const { pages } = sys;
  const swap = swapOf(sys);
  const folio = allocSwapFolio(vmf);
  if (folio === NO_PFN) return folio;
  pages.set(folio, PG_LOCKED | PG_SWAPBACKED);
  const nr = pages.folioNrPages(folio);
  const slot = swpOffset(vmf.origPte);
  const first = slot - (slot % nr);
  if (!swap.prepareCache(first, nr)) throw new ModelBug(`do_swap_page: one of ${nr} slots from ${first} on is marked`);
  folioAddLru(sys, folio);
  swapReadFolio(sys, swap, folio, first);
  return folio;
}

// --- mapping ----------------------------------------------------------------------

/** What is mapped at once: `nr` pages from `page`, at `address`, of which the faulting one is the `index`th; their first slot. */
interface Batch {
  readonly nr: number;
  readonly page: Pfn;
  readonly address: Va;
  readonly ptep: Pa;
  readonly index: number;
  readonly slot: number;
}

/** All pages of a large folio if the entries around the fault hold its slots; else the one page. */
function batchOf(vmf: VmFault, folio: Pfn, first: number): Batch {
  const { vma, address } = vmf;
  const { sys } = vma.mm;
  const { pageSize, pmdSize } = sys.granule;
  const nr = sys.pages.folioNrPages(folio);
  const slot = swpOffset(vmf.origPte);
  const index = slot - first;
  const one: Batch = { nr: 1, page: (folio + index) as Pfn, address, ptep: vmf.pte, index: 0, slot };
  if (nr === 1) return one;
  const start = address - index * pageSize;
  const table = address - (address % pmdSize);
  if (start < Math.max(table, vma.start) || start + nr * pageSize > Math.min(table + pmdSize, vma.end)) return one;
  const ptep = (vmf.pte - index * 8) as Pa;
  const pte = sys.pgtable.ptepGet(ptep);
  if (pte !== pteMoveSwpOffset(vmf.origPte, -index) || swapPteBatch(sys, ptep, nr, pte) !== nr) return one;
  return { nr, page: folio, address: start as Va, ptep, index, slot: first };
}

/** Removing the swap cache's reference is worth while: swap is short, the page is locked in memory, or a write may find itself alone. */
function shouldTryToFreeSwap(vmf: VmFault, folio: Pfn): boolean {
  const { sys } = vmf.vma.mm;
  const { pages } = sys;
  if (!pages.test(folio, PG_SWAPCACHE)) return false;
  if (swapOf(sys).vmSwapFull || (vmf.vma.flags & VM_LOCKED) !== 0 || pages.test(folio, PG_MLOCKED)) return true;
  return (vmf.flags & FAULT_FLAG_WRITE) !== 0 && pages.refcount[folio] === 1 + pages.folioNrPages(folio);
}

/** Map a locked folio that the caller holds a reference on, which the mapping takes over. Clears FAULT_FLAG_WRITE if the write may go on. */
function mapFolio(vmf: VmFault, folio: Pfn, { nr, page, address, ptep, index, slot }: Batch, fromCache: boolean): void {
  const { vma } = vmf;
  const { mm } = vma;
  const { sys } = mm;
  const { pages, pgtable } = sys;
  const exclusive = !fromCache || pteSwpExclusive(vmf.origPte);
  swapOf(sys).freeEntries(slot, nr);
  if (shouldTryToFreeSwap(vmf, folio)) folioFreeSwap(sys, folio);
  mm.rss[MM_ANONPAGES]! += nr;
  mm.rss[MM_SWAPENTS]! -= nr;
  let pte = pgtable.pfnPte(page, vma.pageProt);
  const alone = exclusive || pages.refcount[folio] === 1;
  if (alone && (vma.flags & VM_WRITE) !== 0) {
    pte = pteMkwrite(pte);
    if ((vmf.flags & FAULT_FLAG_WRITE) !== 0) {
      pte = pteMkdirty(pte);
      vmf.flags &= ~FAULT_FLAG_WRITE;
    }
  }
  const rmapFlags = alone ? RMAP_EXCLUSIVE : RMAP_NONE;
  if (nr > 1) folioRefAdd(sys, folio, nr - 1);
  vmf.origPte = pgtable.pteAdvancePfn(pte, index);
  if (pages.test(folio, PG_ANON)) folioAddAnonRmapPtes(folio, page, nr, vma, address, rmapFlags);
  else folioAddNewAnonRmap(folio, vma, address, rmapFlags);
  pgtable.setPtes(mm, address, ptep, pte, nr);
}

/** The fault of vmf.origPte, a swap entry. Returns VM_FAULT_*. */
export function doSwapPage(vmf: VmFault): number {
  const { vma } = vmf;
  const { sys } = vma.mm;
  const { pages } = sys;
  const swap = swapOf(sys);
  const slot = swpOffset(vmf.origPte);
  let ret = 0;
  let folio = swapCacheGetFolio(vmf, slot);
  let fromCache = true;
  if (folio !== NO_PFN) {
    folioGet(sys, folio);
  } else {
    fromCache = swap.count(slot) !== 1;
    folio = fromCache ? swapinReadahead(vmf, slot) : swapinDirect(vmf);
    if (folio === NO_PFN) return VM_FAULT_OOM;
    ret = VM_FAULT_MAJOR;
    sys.vmstat.inc("pgmajfault");
  }
  if (fromCache) folioLock(sys, folio);
  const nr = pages.folioNrPages(folio);
  const first = fromCache ? pages.swap[folio]! : slot - (slot % nr);
  const batch = batchOf(vmf, folio, first);
  if (!fromCache && batch.nr !== nr) throw new ModelBug(`do_swap_page: ${nr} pages were read for ${batch.nr} entries`);
  if (pages.test(batch.page, PG_ANON_EXCLUSIVE)) throw new ModelBug(`do_swap_page: page ${batch.page} is exclusive and swapped out`);
  mapFolio(vmf, folio, batch, fromCache);
  folioUnlock(sys, folio);
  if (!fromCache) swap.clearCache(first, nr);
  if ((vmf.flags & FAULT_FLAG_WRITE) === 0) {
    // A write that has to copy is reported as what it becomes.
    faultServed(vmf, "swapIn", pages.folioOrder(folio));
    return ret;
  }
  ret |= doWpPage(vmf);
  return (ret & VM_FAULT_ERROR) !== 0 ? ret & VM_FAULT_ERROR : ret;
}
