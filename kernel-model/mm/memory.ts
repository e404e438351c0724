/**
 * The page-fault handler: from handle_mm_fault() to the handler for the kind of fault; anonymous memory is handled here.
 *
 * Linux: mm/memory.c handle_mm_fault(), __handle_mm_fault(), handle_pte_fault(), do_anonymous_page(), alloc_anon_folio(),
 * mm_account_fault(). Parts of that file live in wp-fault.ts, file-fault.ts, fork-copy.ts, zap.ts and memory-common.ts.
 * do_swap_page() is in swap-fault.ts. Left out, because the model has none of it: userfaultfd, NUMA hinting.
 */
import { alignDown, type Order, type Pa, type Pfn, type Va } from "../../emulator/arch/addr.js";
import { NotModelled } from "../../emulator/arch/errors.js";
import { pmdNone, pmdWrite, pteMkdirty, pteMkspecial, pteMkwrite, pteMkyoung, ptePresent, pteProtnone, pteWrite } from "../arch/arm64/pte.js";
import { doFault } from "./file-fault.js";
import { folioAlloc, folioPut, folioRefAdd, zeroFolio } from "./folio.js";
import {
  doHugePmdAnonymousPage,
  doHugePmdWpPage,
  hugePmdSetAccessed,
  thpVmaAllowableOrders,
  thpVmaSuitableOrders,
  TVA_ENFORCE_SYSFS,
  TVA_IN_PF,
} from "./huge-memory.js";
import { splitHugePmd } from "./huge-pmd.js";
import { faultServed, folioPrealloc, isCowMapping, pteRangeNone, vmfAnonPrepare, vmfPteChanged } from "./memory-common.js";
import { memCgroupCharge } from "./memcontrol.js";
import type { MemorySystem } from "./memory-system.js";
import { MM_ANONPAGES } from "./mm-struct.js";
import { NO_PFN, PG_UPTODATE } from "./page.js";
import { folioAddNewAnonRmap, linearPageIndex, pageOrder } from "./rmap.js";
import { handleUserfault, userfaultfdMissing } from "./userfaultfd-context.js";
import { doSwapPage } from "./swap-fault.js";
import { folioAddLruVma } from "./swap-lru.js";
import {
  FAULT_FLAG_ORIG_PTE_VALID,
  FAULT_FLAG_TRIED,
  FAULT_FLAG_UNSHARE,
  FAULT_FLAG_WRITE,
  VM_EXEC,
  VM_FAULT_ERROR,
  VM_FAULT_FALLBACK,
  VM_FAULT_MAJOR,
  VM_FAULT_OOM,
  VM_FAULT_RETRY,
  VM_FAULT_SIGBUS,
  VM_FAULT_SIGSEGV,
  VM_MAYSHARE,
  VM_MAYWRITE,
  VM_READ,
  VM_SHARED,
  VM_WRITE,
  vmaIsAnonymous,
  type AnonEntries,
  type VmFault,
  type Vma,
} from "./vma.js";
import { balancePgdat } from "./vmscan.js";
import { vmstatIndex } from "./vmstat.js";
import { doWpPage } from "./wp-fault.js";

const PGFAULT = vmstatIndex("pgfault");

/** A table for level-3 entries is there afterwards; false: memory is out. */
function pteAlloc(vmf: VmFault): boolean {
  return vmf.vma.mm.sys.pgtable.pteAlloc(vmf.vma.mm, vmf.pmd);
}

function ptepOf(sys: MemorySystem, vmf: VmFault, address: number): Pa {
  return sys.pgtable.pteOffsetAt(vmf.pmd, address as Va);
}

/**
 * A folio for an anonymous write fault: the largest enabled size whose naturally aligned range around the address lies in the
 * area, has no entry yet and can be allocated; else one page. NO_PFN: memory is out.
 */
export function allocAnonFolio(vmf: VmFault): Pfn {
  const { vma, address } = vmf;
  const { sys } = vma.mm;
  const { pageSize, pmdOrder, pmdSize } = sys.granule;
  let orders = thpVmaAllowableOrders(vma, vma.flags, TVA_IN_PF | TVA_ENFORCE_SYSFS, (1 << pmdOrder) - 1);
  if (orders !== 0) orders = thpVmaSuitableOrders(vma, address, orders);
  if (orders !== 0) {
    const table = ptepOf(sys, vmf, address - (address % pmdSize));
    const index = (address % pmdSize) / pageSize;
    let order = 31 - Math.clz32(orders);
    while (orders !== 0) {
      const nr = 1 << order;
      if (pteRangeNone(sys, (table + (index - (index % nr)) * 8) as Pa, nr)) break;
      orders &= ~(1 << order);
      order = 31 - Math.clz32(orders);
    }
    while (orders !== 0) {
      const folio = folioAlloc(sys, order as Order);
      if (folio !== NO_PFN) {
        memCgroupCharge(sys, folio, vma.mm.memcg);
        zeroFolio(sys, folio);
        sys.pages.flags[folio]! |= PG_UPTODATE;
        return folio;
      }
      sys.thp.statInc(order as Order, "anon_fault_fallback");
      orders &= ~(1 << order);
      order = 31 - Math.clz32(orders);
    }
  }
  return folioPrealloc(sys, true, vma.mm.memcg);
}

/** Entries of anonymous pages, which change with the area's protection only: they are kept there. */
function anonEntries(vma: Vma): AnonEntries {
  const { pageProt, anonEntries: known } = vma;
  if (known?.pageProt === pageProt) return known;
  const { pgtable, zeroPfn } = vma.mm.sys;
  return (vma.anonEntries = { pageProt, written: pteMkwrite(pteMkdirty(pageProt)), zero: pteMkspecial(pgtable.pfnPte(zeroPfn, pageProt)) });
}

function doAnonymousRead(vmf: VmFault): number {
  const { vma, address } = vmf;
  const { mm } = vma;
  vmf.pte = ptepOf(mm.sys, vmf, address);
  if (vmfPteChanged(vmf)) return 0;
  mm.sys.pgtable.setPteAt(mm, address, vmf.pte, anonEntries(vma).zero);
  faultServed(vmf, "anonRead", 0 as Order);
  return 0;
}

/** First touch of anonymous memory: a read maps the shared zero page, a write a new zeroed folio. Returns VM_FAULT_*. */
export function doAnonymousPage(vmf: VmFault): number {
  const { vma } = vmf;
  const { mm } = vma;
  const { sys } = mm;
  const { pgtable, pages } = sys;
  if ((vma.flags & VM_SHARED) !== 0) return VM_FAULT_SIGBUS;
  if (!pteAlloc(vmf)) return VM_FAULT_OOM;
  if (userfaultfdMissing(vma)) return handleUserfault(vmf);
  if ((vmf.flags & FAULT_FLAG_WRITE) === 0) return doAnonymousRead(vmf);

  vmfAnonPrepare(vmf);
  const folio = allocAnonFolio(vmf);
  if (folio === NO_PFN) return VM_FAULT_OOM;
  const order = pages.folioOrder(folio);
  const nr = 1 << order;
  const addr = nr === 1 ? vmf.address : alignDown(vmf.address, nr * sys.granule.pageSize);
  const entry = pgtable.pfnPte(folio, (vma.flags & VM_WRITE) !== 0 ? anonEntries(vma).written : vma.pageProt);

  vmf.pte = ptepOf(sys, vmf, addr);
  if (nr === 1 ? vmfPteChanged(vmf) : !pteRangeNone(sys, vmf.pte, nr)) {
    folioPut(sys, folio);
    return 0;
  }
  if (nr > 1) {
    folioRefAdd(sys, folio, nr - 1);
    sys.thp.statInc(order, "anon_fault_alloc");
  }
  mm.rss[MM_ANONPAGES]! += nr;
  folioAddNewAnonRmap(folio, vma, addr);
  folioAddLruVma(folio, vma);
  pgtable.setPtes(mm, addr, vmf.pte, entry, nr);
  faultServed(vmf, "anonWrite", order);
  return 0;
}

/** The entry is there and allows the kind of access, or lacks only what software must set: access flag, dirty state. */
function spuriousOrAccessFlags(vmf: VmFault): number {
  const { vma } = vmf;
  const { sys } = vma.mm;
  const write = (vmf.flags & FAULT_FLAG_WRITE) !== 0;
  const entry = pteMkyoung(write ? pteMkdirty(vmf.origPte) : vmf.origPte);
  const changed = sys.pgtable.ptepSetAccessFlags(vma, vmf.address, vmf.pte, entry, write);
  if (sys.observer !== undefined) {
    // Without a change Linux flushes the TLB on some architectures; on arm64 flush_tlb_fix_spurious_fault() is empty.
    const kind = !changed ? "spurious" : write ? "dirty" : "accessFlag";
    faultServed(vmf, kind, pageOrder(sys, sys.pgtable.ptePfn(entry)));
  }
  return 0;
}

function handlePteFault(vmf: VmFault): number {
  const { vma } = vmf;
  const { pgtable } = vma.mm.sys;
  if (pgtable.rawIsNone(vmf.pmd)) {
    vmf.flags &= ~FAULT_FLAG_ORIG_PTE_VALID;
    return vmaIsAnonymous(vma) ? doAnonymousPage(vmf) : doFault(vmf);
  }
  const ptep = pgtable.pteOffsetAt(vmf.pmd, vmf.address);
  vmf.flags |= FAULT_FLAG_ORIG_PTE_VALID;
  // What the fault is created with stands for an empty entry: no table entry looked at, the value 0.
  if (pgtable.rawIsNone(ptep)) return vmaIsAnonymous(vma) ? doAnonymousPage(vmf) : doFault(vmf);
  vmf.pte = ptep;
  vmf.origPte = pgtable.ptepGetLockless(ptep);
  if (!ptePresent(vmf.origPte)) return doSwapPage(vmf);
  if (pteProtnone(vmf.origPte) && (vma.flags & (VM_READ | VM_WRITE | VM_EXEC)) !== 0) {
    throw new NotModelled("handle_pte_fault: NUMA hinting fault");
  }
  // Under the lock Linux reads the entry once more; nothing can have changed here, but the gather of a block is counted.
  pgtable.ptepGet(vmf.pte);
  if ((vmf.flags & (FAULT_FLAG_WRITE | FAULT_FLAG_UNSHARE)) !== 0 && !pteWrite(vmf.origPte)) return doWpPage(vmf);
  return spuriousOrAccessFlags(vmf);
}

/** A write to a PMD-mapped page that is write-protected. VM_FAULT_FALLBACK: the PMD was split, go on with its entries. */
function wpHugePmd(vmf: VmFault): number {
  const { vma } = vmf;
  if (vmaIsAnonymous(vma)) return doHugePmdWpPage(vmf);
  if ((vma.flags & (VM_SHARED | VM_MAYSHARE)) !== 0 && vma.ops!.hugeFault !== undefined) {
    const ret = vma.ops!.hugeFault(vmf, vma.mm.sys.granule.pmdOrder);
    if ((ret & VM_FAULT_FALLBACK) === 0) return ret;
  }
  splitHugePmd(vma, vmf.pmd, vmf.address);
  return VM_FAULT_FALLBACK;
}

/** Level 2: try a PMD mapping, or handle one that exists. Returns VM_FAULT_FALLBACK if the fault goes on at level 3. */
function handlePmdFault(vmf: VmFault, flags: number): number {
  const { vma } = vmf;
  const { sys } = vma.mm;
  if (sys.pgtable.rawIsTable(vmf.pmd)) return VM_FAULT_FALLBACK;
  const pmd = sys.pgtable.pmdpGet(vmf.pmd);
  if (pmdNone(pmd)) {
    if (thpVmaAllowableOrders(vma, vma.flags, TVA_IN_PF | TVA_ENFORCE_SYSFS, 1 << sys.granule.pmdOrder) === 0) return VM_FAULT_FALLBACK;
    if (vmaIsAnonymous(vma)) return doHugePmdAnonymousPage(vmf);
    return vma.ops!.hugeFault?.(vmf, sys.granule.pmdOrder) ?? VM_FAULT_FALLBACK;
  }
  vmf.origPmd = pmd;
  if ((flags & (FAULT_FLAG_WRITE | FAULT_FLAG_UNSHARE)) !== 0 && !pmdWrite(pmd)) return wpHugePmd(vmf);
  hugePmdSetAccessed(vmf);
  return 0;
}

function handleMmFaultLocked(vma: Vma, address: Va, flags: number): number {
  const { mm } = vma;
  const { pgtable, granule } = mm.sys;
  const pmd = pgtable.pmdAlloc(mm, address);
  if (pmd === -1) return VM_FAULT_OOM;
  const page = alignDown(address, granule.pageSize);
  const vmf: VmFault = {
    vma,
    address: page,
    realAddress: address,
    flags,
    pgoff: linearPageIndex(vma, page),
    pmd: pmd as Pa,
    pte: -1 as Pa,
    origPte: 0n,
    origPmd: 0n,
    page: NO_PFN as Pfn,
    cowPage: NO_PFN as Pfn,
  };
  const ret = handlePmdFault(vmf, flags);
  return (ret & VM_FAULT_FALLBACK) === 0 ? ret : handlePteFault(vmf);
}

/** A write needs an area that may be written at all; without VM_WRITE only a private one (FOLL_FORCE). */
function sanitizeFaultFlags(vma: Vma, flags: number): boolean {
  if ((flags & FAULT_FLAG_WRITE) === 0) return true;
  if ((vma.flags & VM_MAYWRITE) === 0) return false;
  return (vma.flags & VM_WRITE) !== 0 || isCowMapping(vma.flags);
}

/** Major: the last attempt did I/O, or an earlier attempt had to be retried for it. Failed faults count in pgfault only. */
function mmAccountFault(vma: Vma, flags: number, ret: number): void {
  if ((ret & VM_FAULT_RETRY) !== 0) return;
  const { mm } = vma;
  const { sys } = mm;
  sys.vmstat.addAt(PGFAULT, 1);
  if ((ret & VM_FAULT_ERROR) !== 0) return;
  if ((ret & VM_FAULT_MAJOR) !== 0 || (flags & FAULT_FLAG_TRIED) !== 0) {
    mm.majFlt++;
    if (sys.current !== undefined) sys.current.majFlt++;
  } else {
    mm.minFlt++;
    if (sys.current !== undefined) sys.current.minFlt++;
  }
}

/**
 * Resolve a fault at `address` in `vma`; the caller has checked that the area allows the access. `flags`: FAULT_FLAG_*.
 * Returns VM_FAULT_*; the fault is counted unless it must be retried.
 */
export function handleMmFault(vma: Vma, address: Va, flags: number): number {
  const { mm } = vma;
  const { observer } = mm.sys;
  observer?.faultEnter(mm, address, flags);
  balancePgdat(mm.sys, 1);
  let ret: number;
  if (!sanitizeFaultFlags(vma, flags)) {
    ret = VM_FAULT_SIGSEGV;
  } else {
    const effective = (flags & FAULT_FLAG_UNSHARE) !== 0 && !isCowMapping(vma.flags) ? flags & ~FAULT_FLAG_UNSHARE : flags;
    ret = handleMmFaultLocked(vma, address, effective);
    if (vma.droppable) ret &= ~VM_FAULT_OOM;
  }
  mmAccountFault(vma, flags, ret);
  observer?.faultExit(mm, vma, address, flags, ret);
  return ret;
}
