/**
 * Which folio sizes an area may use, and anonymous memory mapped by PMD entries: faults, the huge zero folio, write faults.
 *
 * Linux: mm/huge_memory.c, include/linux/huge_mm.h. Zap, fork, mprotect and split of PMD mappings are in huge-pmd.ts.
 */
import type { Order, Pa, Pfn, Va } from "../../emulator/arch/addr.js";
import { pmdMkdirty, pmdMkhuge, pmdMkyoung } from "../arch/arm64/pte.js";
import { folioAlloc, folioPut, zeroFolio } from "./folio.js";
import { deferredSplitFolio } from "./deferred-split.js";
import { pgtableDeposit, splitHugePmd } from "./huge-pmd.js";
import { faultServed, maybeMkwrite, vmfAnonPrepare } from "./memory-common.js";
import { khugepagedEnter } from "./khugepaged-slots.js";
import { memCgroupCharge } from "./memcontrol.js";
import type { MemorySystem } from "./memory-system.js";
import { MM_ANONPAGES, type MmStruct } from "./mm-struct.js";
import { NO_PFN, PG_ANON_EXCLUSIVE, PG_SWAPCACHE, PG_UPTODATE } from "./page.js";
import { maxPagecacheOrder } from "./pagemap.js";
import { folioAddNewAnonRmap, folioMoveAnonRmap } from "./rmap.js";
import { folioAddLruVma } from "./swap-lru.js";
import { handleUserfault, userfaultfdMissing } from "./userfaultfd-context.js";
import { FAULT_FLAG_UNSHARE, FAULT_FLAG_WRITE, VM_FAULT_FALLBACK, VM_FAULT_OOM, VM_HUGEPAGE, VM_NOHUGEPAGE, vmaIsAnonymous, type VmFault, type Vma } from "./vma.js";

/** Who asks for the allowable orders: smaps (THPeligible), the fault handler; and whether the sysfs switches count. */
export const TVA_SMAPS = 1;
export const TVA_IN_PF = 2;
export const TVA_ENFORCE_SYSFS = 4;

// --- policy -------------------------------------------------------------------

/** Set of anonymous orders, as bits: all from 2 (order 1 has no room for the deferred list) to the PMD order. */
export function thpOrdersAllAnon(sys: MemorySystem): number {
  return ((1 << (sys.granule.pmdOrder + 1)) - 1) & ~3;
}

/** Set of page-cache orders, as bits: 1 to MAX_PAGECACHE_ORDER. */
export function thpOrdersAllFile(sys: MemorySystem): number {
  return (2 ** (maxPagecacheOrder(sys) + 1) - 1) & ~1;
}

/** Huge pages are off for this area or process: MADV_NOHUGEPAGE, PR_SET_THP_DISABLE. `vmFlags`: flags to assume for the area. */
export function vmaThpDisabled(vma: Vma, vmFlags: number): boolean {
  return (vmFlags & VM_NOHUGEPAGE) !== 0 || vma.mm.thpDisabled;
}

/** The sizes of anonymous folios that the sysfs switches allow for an area with these flags, as bits. */
function sysfsAnonOrders(sys: MemorySystem, vmFlags: number): number {
  const { thp } = sys;
  let mask = thp.ordersAlways;
  if ((vmFlags & VM_HUGEPAGE) !== 0) mask |= thp.ordersMadvise;
  if (thp.enabled === "always" || (thp.enabled === "madvise" && (vmFlags & VM_HUGEPAGE) !== 0)) mask |= thp.ordersInherit;
  return mask;
}

/** The order's naturally aligned range around `addr` lies in the area and, for a file, at an aligned offset. */
export function thpVmaSuitableOrder(vma: Vma, addr: number, order: number): boolean {
  const { pageSize } = vma.mm.sys.granule;
  const bytes = pageSize * 2 ** order;
  if (!vmaIsAnonymous(vma) && (vma.start / pageSize - vma.pgoff) % 2 ** order !== 0) return false;
  const haddr = addr - (addr % bytes);
  return haddr >= vma.start && haddr + bytes <= vma.end;
}

/** Drop orders from the largest down until one is suitable at `addr`; all smaller ones are as well. Orders as bits. */
export function thpVmaSuitableOrders(vma: Vma, addr: number, orders: number): number {
  while (orders !== 0) {
    const order = 31 - Math.clz32(orders);
    if (thpVmaSuitableOrder(vma, addr, order)) break;
    orders &= ~(1 << order);
  }
  return orders;
}

/**
 * Which of `orders` (as bits) the area may use. `tva`: TVA_*. Differs: khugepaged and MADV_COLLAPSE callers, which ask without
 * TVA_IN_PF and TVA_SMAPS for file areas, get 0 (CONFIG_READ_ONLY_THP_FOR_FS is not modelled).
 */
export function thpVmaAllowableOrders(vma: Vma, vmFlags: number, tva: number, orders: number): number {
  const { sys } = vma.mm;
  const anonymous = vmaIsAnonymous(vma);
  const enforce = (tva & TVA_ENFORCE_SYSFS) !== 0;
  if (enforce && anonymous) orders &= sysfsAnonOrders(sys, vmFlags);
  orders &= anonymous ? thpOrdersAllAnon(sys) : thpOrdersAllFile(sys);
  if (orders === 0 || vmaThpDisabled(vma, vmFlags)) return 0;
  const inPf = (tva & TVA_IN_PF) !== 0;
  if (!inPf) {
    while (orders !== 0) {
      const order = 31 - Math.clz32(orders);
      if (thpVmaSuitableOrder(vma, vma.end - sys.granule.pageSize * 2 ** order, order)) break;
      orders &= ~(1 << order);
    }
    if (orders === 0) return 0;
  }
  if (!anonymous) {
    if (enforce && (sys.thp.enabled === "never" || ((vmFlags & VM_HUGEPAGE) === 0 && sys.thp.enabled !== "always"))) return 0;
    return vma.ops!.hugeFault !== undefined ? orders : 0;
  }
  if (vma.mm.temporaryStack === vma) return 0;
  if (vma.anonVma === undefined) return (tva & (TVA_SMAPS | TVA_IN_PF)) !== 0 ? orders : 0;
  return orders;
}

// --- the huge zero folio ------------------------------------------------------

/** The folio of zeros that read faults of PMD size share; NO_PFN if it does not exist and cannot be allocated. Counts once per mm. */
export function mmGetHugeZeroFolio(mm: MmStruct): Pfn {
  const { sys } = mm;
  const state = sys.hugeMemory;
  if (mm.hugeZeroHeld) return state.hugeZeroPfn;
  if (state.hugeZeroRefcount === 0) {
    const folio = folioAlloc(sys, sys.granule.pmdOrder as Order);
    if (folio === NO_PFN) {
      sys.vmstat.inc("thp_zero_page_alloc_failed");
      return folio;
    }
    zeroFolio(sys, folio);
    state.hugeZeroPfn = folio;
    state.hugeZeroRefcount = 1; // the shrinker's
    sys.vmstat.inc("thp_zero_page_alloc");
  }
  state.hugeZeroRefcount++;
  mm.hugeZeroHeld = true;
  return state.hugeZeroPfn;
}

/** The mm is destroyed: give its reference back. The folio itself stays for the next user. */
export function mmPutHugeZeroFolio(mm: MmStruct): void {
  if (!mm.hugeZeroHeld) return;
  mm.hugeZeroHeld = false;
  mm.sys.hugeMemory.hugeZeroRefcount--;
}

/** The shrinker's part: free the huge zero folio if no mm uses it. Returns true if it was freed. */
export function shrinkHugeZeroFolio(sys: MemorySystem): boolean {
  const state = sys.hugeMemory;
  if (state.hugeZeroRefcount !== 1) return false;
  folioPut(sys, state.hugeZeroPfn);
  state.hugeZeroPfn = NO_PFN as Pfn;
  state.hugeZeroRefcount = 0;
  return true;
}

// --- faults -------------------------------------------------------------------

function hugeAddress(vmf: VmFault): Va {
  return (vmf.address - (vmf.address % vmf.vma.mm.sys.granule.pmdSize)) as Va;
}

function mapHugeZero(vmf: VmFault): number {
  const { vma } = vmf;
  const { mm } = vma;
  const { sys } = mm;
  const table = sys.pgtable.allocTable(mm, 3);
  if (table === -1) return VM_FAULT_OOM;
  const folio = mmGetHugeZeroFolio(mm);
  if (folio === NO_PFN) {
    sys.pgtable.freeTable(mm, 3, table);
    sys.vmstat.inc("thp_fault_fallback");
    return VM_FAULT_FALLBACK;
  }
  pgtableDeposit(sys, vmf.pmd, table);
  sys.pgtable.setPmdAt(mm, hugeAddress(vmf), vmf.pmd, pmdMkhuge(sys.pgtable.pfnPte(folio, vma.pageProt)));
  faultServed(vmf, "anonRead", sys.granule.pmdOrder as Order);
  return 0;
}

/** First touch of a PMD-sized range where that size is enabled. VM_FAULT_FALLBACK: go on with smaller folios. */
export function doHugePmdAnonymousPage(vmf: VmFault): number {
  const { vma } = vmf;
  const { mm } = vma;
  const { sys } = mm;
  const order = sys.granule.pmdOrder as Order;
  const haddr = hugeAddress(vmf);
  if (!thpVmaSuitableOrder(vma, haddr, order)) return VM_FAULT_FALLBACK;
  vmfAnonPrepare(vmf);
  khugepagedEnter(mm);
  if (userfaultfdMissing(vma)) return handleUserfault(vmf);
  if ((vmf.flags & FAULT_FLAG_WRITE) === 0 && sys.thp.useZeroPage) return mapHugeZero(vmf);
  const folio = folioAlloc(sys, order);
  if (folio === NO_PFN) {
    sys.vmstat.inc("thp_fault_fallback");
    sys.thp.statInc(order, "anon_fault_fallback");
    return VM_FAULT_FALLBACK;
  }
  const table = sys.pgtable.allocTable(mm, 3);
  if (table === -1) {
    folioPut(sys, folio);
    return VM_FAULT_OOM;
  }
  memCgroupCharge(sys, folio, mm.memcg);
  zeroFolio(sys, folio);
  sys.pages.set(folio, PG_UPTODATE);
  const entry = maybeMkwrite(pmdMkdirty(pmdMkhuge(sys.pgtable.pfnPte(folio, vma.pageProt))), vma);
  folioAddNewAnonRmap(folio, vma, haddr);
  folioAddLruVma(folio, vma);
  pgtableDeposit(sys, vmf.pmd, table);
  sys.pgtable.setPmdAt(mm, haddr, vmf.pmd, entry);
  mm.rss[MM_ANONPAGES]! += 2 ** order;
  deferredSplitFolio(sys, folio, false);
  sys.vmstat.inc("thp_fault_alloc");
  sys.thp.statInc(order, "anon_fault_alloc");
  faultServed(vmf, "anonWrite", order);
  return 0;
}

/** The PMD entry allows the access and lacks only its access flag or dirty state. */
export function hugePmdSetAccessed(vmf: VmFault): void {
  const { sys } = vmf.vma.mm;
  const write = (vmf.flags & FAULT_FLAG_WRITE) !== 0;
  const changed = touchPmd(vmf.vma, vmf.address, vmf.pmd, write);
  faultServed(vmf, !changed ? "spurious" : write ? "dirty" : "accessFlag", sys.granule.pmdOrder as Order);
}

/** touch_pmd(): young, and dirty for a write. Returns true if the entry changed. */
export function touchPmd(vma: Vma, address: Va, pmdp: Pa, write: boolean): boolean {
  const { pgtable, granule } = vma.mm.sys;
  const young = pmdMkyoung(pgtable.pmdpGet(pmdp));
  return pgtable.pmdpSetAccessFlags(vma, (address - (address % granule.pmdSize)) as Va, pmdp, write ? pmdMkdirty(young) : young, write);
}

/** A write to a write-protected anonymous PMD mapping: reuse if the folio is this mapping's alone, else split (VM_FAULT_FALLBACK). */
export function doHugePmdWpPage(vmf: VmFault): number {
  const { vma } = vmf;
  const { sys } = vma.mm;
  const { pgtable, pages } = sys;
  const folio = pgtable.pmdPfn(vmf.origPmd);
  if (folio !== sys.hugeMemory.hugeZeroPfn) {
    const exclusive = pages.test(folio, PG_ANON_EXCLUSIVE);
    if (exclusive || (pages.refcount[folio] === 1 && !pages.test(folio, PG_SWAPCACHE))) {
      if (!exclusive) {
        folioMoveAnonRmap(folio, vma);
        pages.set(folio, PG_ANON_EXCLUSIVE);
      }
      if ((vmf.flags & FAULT_FLAG_UNSHARE) === 0) {
        const entry = maybeMkwrite(pmdMkdirty(pmdMkyoung(vmf.origPmd)), vma);
        pgtable.pmdpSetAccessFlags(vma, hugeAddress(vmf), vmf.pmd, entry, true);
        faultServed(vmf, "wpReuse", sys.granule.pmdOrder as Order);
      }
      return 0;
    }
  }
  splitHugePmd(vma, vmf.pmd, vmf.address);
  return VM_FAULT_FALLBACK;
}
