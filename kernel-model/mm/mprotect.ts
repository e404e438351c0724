/**
 * mprotect: new permissions for areas and for the entries that map their pages.
 *
 * Linux: mm/mprotect.c do_mprotect_pkey(), mprotect_fixup(), change_protection(), can_change_pte_writable().
 * 6.12 works entry by entry, so a contiguous block is unfolded at its first entry and folded again at its last.
 */
import { alignUp, isAligned, type Pa, type Va } from "../../emulator/arch/addr.js";
import { pmdNone, pmdTransHuge, pteDirty, pteMkwrite, pteModify, ptePresent, pteWrite } from "../arch/arm64/pte.js";
import { EACCES, EINVAL, ENOMEM, EPERM } from "../errno.js";
import { populateVmaPageRange } from "./gup.js";
import { changeHugePmd, MM_CP_TRY_CHANGE_WRITABLE, splitHugePmd } from "./huge-pmd.js";
import { PROT_EXEC, PROT_GROWSDOWN, PROT_GROWSUP, PROT_READ, PROT_SEM, PROT_WRITE } from "./mman.js";
import { vmNormalPage } from "./memory-common.js";
import { calcVmProtBits, mapDenyWriteExec } from "./mmap.js";
import type { MmStruct } from "./mm-struct.js";
import { MmuGather } from "./mmu-gather.js";
import { firstTable } from "./page-walk.js";
import { NO_PFN, PG_ANON, PG_ANON_EXCLUSIVE } from "./page.js";
import { flushTlbBatchedPending } from "./rmap.js";
import { vmEnoughMemory, vmUnacctMemory } from "./util.js";
import { vmaModify } from "./vma-merge.js";
import { mayExpandVm, vmStatAccount, vmaSetPageProt, vmaWantsWritenotify } from "./vma-ops.js";
import { VM_ACCESS_FLAGS, VM_ACCOUNT, VM_GROWSDOWN, VM_LOCKED, VM_NORESERVE, VM_SHARED, VM_WRITE, vmaIsAnonymous, type Vma } from "./vma.js";

const U64 = 2 ** 64;

/**
 * A write to the page would be allowed without any work of a fault: the page is private to this mm, or shared and already dirty.
 * Pre: the area is writable, so the entry is not PROT_NONE. Linux: can_change_pte_writable().
 */
function canChangePteWritable(vma: Vma, pte: bigint): boolean {
  if ((vma.flags & VM_SHARED) !== 0) return pteDirty(pte);
  const { pages } = vma.mm.sys;
  const page = vmNormalPage(vma, pte);
  return page !== NO_PFN && pages.test(pages.head(page), PG_ANON) && pages.test(page, PG_ANON_EXCLUSIVE);
}

/** Entries of one level-3 table. Returns the number changed. Linux: change_pte_range(). */
function changePteRange(tlb: MmuGather, vma: Vma, pmd: bigint, start: number, end: number, newprot: bigint, cpFlags: number): number {
  const { pgtable, granule } = vma.mm.sys;
  const { pageSize } = granule;
  const tryWritable = (cpFlags & MM_CP_TRY_CHANGE_WRITABLE) !== 0;
  flushTlbBatchedPending(vma.mm);
  let changed = 0;
  let ptep = pgtable.pteOffset(pmd, start as Va) as number;
  for (let addr = start; addr < end; addr += pageSize, ptep += 8) {
    if (pgtable.rawIsNone(ptep as Pa) || !ptePresent(pgtable.ptepGet(ptep as Pa))) continue;
    const old = pgtable.ptepModifyProtStart(vma, addr as Va, ptep as Pa);
    let pte = pteModify(old, newprot);
    if (tryWritable && !pteWrite(pte) && canChangePteWritable(vma, pte)) pte = pteMkwrite(pte);
    pgtable.ptepModifyProtCommit(vma, addr as Va, ptep as Pa, old, pte);
    tlb.flushPteRange(addr, pageSize);
    changed++;
  }
  return changed;
}

/**
 * Gives the entries of [start, end) the protection of `vma.pageProt`, and flushes at the end of the area. A PMD mapping that is
 * only partly covered is split first. Swap entries keep their value: permission is looked up when the page comes back.
 * `cpFlags`: MM_CP_*. Returns the number of pages changed. Linux: change_protection().
 */
export function changeProtection(tlb: MmuGather, vma: Vma, start: Va, end: Va, cpFlags: number): number {
  const { mm } = vma;
  const { pgtable, granule } = mm.sys;
  const newprot = vma.pageProt;
  let changed = 0;
  let addr: number = start;
  while ((addr = firstTable(mm, addr, end)) < end) {
    const pmdp = pgtable.pmdOffset(mm, addr as Va);
    const next = Math.min(addr - (addr % granule.pmdSize) + granule.pmdSize, end);
    let pmd = pgtable.pmdpGet(pmdp);
    if (pmdTransHuge(pmd)) {
      if (next - addr === granule.pmdSize) {
        changed += changeHugePmd(tlb, vma, pmdp, addr as Va, newprot, cpFlags);
        addr = next;
        continue;
      }
      splitHugePmd(vma, pmdp, addr as Va);
      pmd = pgtable.pmdpGet(pmdp);
    }
    if (!pmdNone(pmd)) changed += changePteRange(tlb, vma, pmd, addr, next, newprot, cpFlags);
    addr = next;
  }
  tlb.endVma();
  return changed;
}

/** vma_wants_manual_pte_write_upgrade(): the area's protection does not make entries writable, but single ones may become so. */
function wantsManualPteWriteUpgrade(vma: Vma): boolean {
  return (vma.flags & VM_SHARED) !== 0 ? vmaWantsWritenotify(vma) : (vma.flags & VM_WRITE) !== 0;
}

/** Gives [start, end) of `vma` the flags `wanted`: the area that holds the range afterwards, or -errno. Linux: mprotect_fixup(). */
function fixup(tlb: MmuGather, vma: Vma, start: Va, end: Va, wanted: number): Vma | number {
  const { mm } = vma;
  const oldflags = vma.flags;
  const nrpages = (end - start) / mm.sys.granule.pageSize;
  let newflags = wanted;
  let charged = 0;
  if (vma.sealed) return -EPERM;
  if (newflags === oldflags) return vma;
  if ((newflags & VM_WRITE) !== 0) {
    // Only what turns into data is checked; an area over the limit already may still change.
    if (!mayExpandVm(mm, newflags, nrpages) && mayExpandVm(mm, oldflags, nrpages)) return -ENOMEM;
    if ((oldflags & (VM_ACCOUNT | VM_WRITE | VM_SHARED | VM_NORESERVE)) === 0) {
      charged = nrpages;
      if (vmEnoughMemory(mm, charged) !== 0) return -ENOMEM;
      newflags |= VM_ACCOUNT;
    }
  } else if ((oldflags & VM_ACCOUNT) !== 0 && vmaIsAnonymous(vma) && vma.anonVma === undefined) {
    newflags &= ~VM_ACCOUNT;
  }
  const changed = vmaModify(vma, start, end, { flags: newflags });
  if (typeof changed === "number") {
    vmUnacctMemory(mm.sys, charged);
    return changed;
  }
  changed.flags = newflags;
  const cpFlags = wantsManualPteWriteUpgrade(changed) ? MM_CP_TRY_CHANGE_WRITABLE : 0;
  vmaSetPageProt(changed);
  changeProtection(tlb, changed, start, end, cpFlags);
  if ((oldflags & VM_ACCOUNT) !== 0 && (newflags & VM_ACCOUNT) === 0) vmUnacctMemory(mm.sys, nrpages);
  // Locked private memory that becomes writable is copied now, so that no later access faults.
  if ((oldflags & (VM_WRITE | VM_SHARED | VM_LOCKED)) === VM_LOCKED && (newflags & VM_WRITE) !== 0) populateVmaPageRange(changed, start, end, false);
  vmStatAccount(mm, oldflags, -nrpages);
  vmStatAccount(mm, newflags, nrpages);
  return changed;
}

/** Changes the flags of [start, end) of one area outside mprotect(2), as exec does with the stack: 0 or -errno. */
export function mprotectFixup(vma: Vma, start: Va, end: Va, newflags: number): number {
  const tlb = new MmuGather(vma.mm);
  const result = fixup(tlb, vma, start, end, newflags);
  tlb.finish();
  return typeof result === "number" ? result : 0;
}

/**
 * mprotect(2): 0, -EINVAL (address, flags), -ENOMEM (a hole in the range, limits; what precedes it is changed) -EACCES (not
 * allowed by the file or by MDWE) or -EPERM (sealed). Pre: `start` carries no tag. Linux: do_mprotect_pkey().
 */
export function doMprotect(mm: MmStruct, start: Va, len: number, protection: number): number {
  const { pageSize } = mm.sys.granule;
  const grows = protection & (PROT_GROWSDOWN | PROT_GROWSUP);
  const prot = protection & ~(PROT_GROWSDOWN | PROT_GROWSUP);
  if (grows === (PROT_GROWSDOWN | PROT_GROWSUP)) return -EINVAL;
  if (!isAligned(start, pageSize)) return -EINVAL;
  if (len === 0) return 0;
  const aligned = alignUp(len, pageSize);
  if (aligned >= U64 || start + aligned >= U64) return -ENOMEM;
  if ((prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM)) !== 0) return -EINVAL;

  const end = (start + aligned) as Va;
  let vma = mm.vmas.findIntersection(start, end);
  if (vma === undefined) return -ENOMEM;
  let from = start;
  if ((grows & PROT_GROWSDOWN) !== 0) {
    from = vma.start;
    if ((vma.flags & VM_GROWSDOWN) === 0) return -EINVAL;
  } else {
    if (vma.start > start) return -ENOMEM;
    if ((grows & PROT_GROWSUP) !== 0) return -EINVAL;
  }
  const tlb = new MmuGather(mm);
  let error = 0;
  let reached: Va = vma.start;
  while (vma !== undefined && vma.start < end) {
    if (vma.start !== reached) {
      error = -ENOMEM;
      break;
    }
    const newflags = calcVmProtBits(prot) | (vma.flags & ~VM_ACCESS_FLAGS);
    // VM_MAY* lie four bits above VM_*.
    if ((newflags & ~(newflags >> 4) & VM_ACCESS_FLAGS) !== 0 || mapDenyWriteExec(mm, vma.flags, newflags)) {
      error = -EACCES;
      break;
    }
    const changed = fixup(tlb, vma, from, vma.end < end ? vma.end : end, newflags);
    if (typeof changed === "number") {
      error = changed;
      break;
    }
    reached = changed.end;
    from = reached;
    vma = mm.vmas.find(reached);
  }
  tlb.finish();
  return error === 0 && reached < end ? -ENOMEM : error;
}
