/**
 * Small steps that every fault handler, fork and zap share.
 *
 * Linux: mm/memory.c vm_normal_page(), folio_prealloc(), vmf_pte_changed(), pte_range_none(), __vmf_anon_prepare();
 * include/linux/mm.h maybe_mkwrite().
 */
import type { Order, Pa, Pfn } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import { pteMkwrite, pteNone, pteSpecial } from "../arch/arm64/pte.js";
import { folioAlloc, zeroFolio } from "./folio.js";
import { memCgroupCharge } from "./memcontrol.js";
import type { MemorySystem } from "./memory-system.js";
import { MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES } from "./mm-struct.js";
import type { FaultKind } from "./observer.js";
import { NO_PFN, PG_ANON, PG_SWAPBACKED, PG_UPTODATE } from "./page.js";
import { shrinkPageCache } from "./page-cache-reclaim.js";
import { anonVmaPrepare } from "./rmap.js";
import { FAULT_FLAG_ORIG_PTE_VALID, VM_MAYWRITE, VM_MIXEDMAP, VM_PFNMAP, VM_SHARED, VM_WRITE, type VmFault, type Vma } from "./vma.js";

/** The page that an entry maps as ordinary memory; NO_PFN for the zero page and for raw frames of special areas. */
export function vmNormalPage(vma: Vma, pte: bigint): Pfn {
  const { pgtable, zeroPfn } = vma.mm.sys;
  const pfn = pgtable.ptePfn(pte);
  if (!pteSpecial(pte)) return pfn;
  if ((vma.flags & (VM_PFNMAP | VM_MIXEDMAP)) === 0 && pfn !== zeroPfn) throw new ModelBug(`vm_normal_page: special entry for frame ${pfn}`);
  return NO_PFN as Pfn;
}

/** is_cow_mapping(): writes to the area create private copies. */
export function isCowMapping(flags: number): boolean {
  return (flags & (VM_SHARED | VM_MAYWRITE)) === VM_MAYWRITE;
}

/** The entry becomes writable if the area is. */
export function maybeMkwrite(pte: bigint, vma: Vma): bigint {
  return (vma.flags & VM_WRITE) !== 0 ? pteMkwrite(pte) : pte;
}

/** mm_counter(): which RSS counter the folio's pages count in. */
export function mmCounter(sys: MemorySystem, folio: Pfn): number {
  const flags = sys.pages.flags[folio]!;
  if ((flags & PG_ANON) !== 0) return MM_ANONPAGES;
  return (flags & PG_SWAPBACKED) !== 0 ? MM_SHMEMPAGES : MM_FILEPAGES;
}

/**
 * An order-0 folio for an anonymous page of a memory cgroup, zeroed if wanted and marked uptodate; NO_PFN if memory is out. Clean page cache that
 * nobody maps gives way first, as in Linux's direct reclaim.
 */
export function folioPrealloc(sys: MemorySystem, needZero: boolean, memcg: number): Pfn {
  let folio = folioAlloc(sys, 0 as Order);
  if (folio === NO_PFN) {
    const { buddy } = sys;
    if (shrinkPageCache(sys, buddy.watermarks.high + 1 - buddy.nrFree) > 0) folio = folioAlloc(sys, 0 as Order);
    if (folio === NO_PFN) return folio;
  }
  memCgroupCharge(sys, folio, memcg);
  if (needZero) zeroFolio(sys, folio);
  sys.pages.flags[folio]! |= PG_UPTODATE;
  return folio;
}

/** copy_user_highpage(): the bytes of one page. */
export function copyPage(sys: MemorySystem, to: Pfn, from: Pfn): void {
  const { pageSize } = sys.granule;
  sys.memory.copy((to * pageSize) as Pa, (from * pageSize) as Pa, pageSize);
  sys.frameWritten(to);
}

/**
 * vmf_anon_prepare(): the area has an anon_vma afterwards. Under the per-VMA lock Linux takes the mmap_lock by trylock, which
 * always succeeds here; kernels before that made the fault retry.
 */
export function vmfAnonPrepare(vmf: VmFault): void {
  if (vmf.vma.anonVma === undefined) anonVmaPrepare(vmf.vma);
}

/** The entry is not what the fault saw when it started. */
export function vmfPteChanged(vmf: VmFault): boolean {
  const { pgtable } = vmf.vma.mm.sys;
  if (pgtable.rawIsNone(vmf.pte)) {
    pgtable.ptepGetUnused(vmf.pte);
    return (vmf.flags & FAULT_FLAG_ORIG_PTE_VALID) !== 0 && vmf.origPte !== 0n;
  }
  const pte = pgtable.ptepGet(vmf.pte);
  return (vmf.flags & FAULT_FLAG_ORIG_PTE_VALID) !== 0 ? pte !== vmf.origPte : !pteNone(pte);
}

/** All `nr` entries from `ptep` are none. */
export function pteRangeNone(sys: MemorySystem, ptep: Pa, nr: number): boolean {
  const { u32 } = sys.memory;
  const first = ptep / 4;
  for (let i = first; i < first + nr * 2; i++) if (u32[i] !== 0) return false;
  return true;
}

/** Tell the observer what the fault has mapped or changed at its address. */
export function faultServed(vmf: VmFault, kind: FaultKind, order: Order): void {
  vmf.vma.mm.sys.observer?.faultServed(vmf.vma.mm, vmf.realAddress, kind, order);
}
