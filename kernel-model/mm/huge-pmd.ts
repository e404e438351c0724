/**
 * PMD entries that map a whole folio: zap, fork, mprotect, mremap, and splitting one into page entries.
 *
 * Linux: mm/huge_memory.c zap_huge_pmd(), copy_huge_pmd(), change_huge_pmd(), move_huge_pmd(), __split_huge_pmd(),
 * madvise_free_huge_pmd(); mm/pgtable-generic.c pgtable_trans_huge_deposit().
 */
import type { Pa, Pfn, Va } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import {
  pmdDirty,
  pmdMkclean,
  pmdMkhuge,
  pmdMkold,
  pmdMkwrite,
  pmdModify,
  pmdNone,
  pmdPresent,
  pmdProtnone,
  pmdTable,
  pmdTransHuge,
  pmdWrite,
  pmdWrprotect,
  pmdYoung,
  pteMkdirty,
  pteMkold,
  pteMkspecial,
  pteMkwrite,
  swpEntryToPte,
} from "../arch/arm64/pte.js";
import { ENOMEM } from "../errno.js";
import { folioGet, folioPut, folioRefAdd } from "./folio.js";
import { mmCounter } from "./memory-common.js";
import type { MemorySystem } from "./memory-system.js";
import { MM_ANONPAGES, type MmStruct } from "./mm-struct.js";
import type { MmuGather } from "./mmu-gather.js";
import { PG_ANON, PG_ANON_EXCLUSIVE, PG_DIRTY, PG_REFERENCED } from "./page.js";
import { folioMarkDirty } from "./page-writeback.js";
import { folioAddAnonRmapPtes, folioDupAnonRmapPmd, folioRemoveRmapPmd, RMAP_EXCLUSIVE, RMAP_NONE } from "./rmap.js";
import { MIGRATION_DIRTY, MIGRATION_READ, MIGRATION_READ_EXCLUSIVE, MIGRATION_WRITE, MIGRATION_YOUNG } from "./swapops.js";
import { VM_SHARED, VM_WRITE, vmaIsAnonymous, type Vma } from "./vma.js";

/** Result bits of mprotect's walk: try to make entries writable at once. Linux: MM_CP_TRY_CHANGE_WRITABLE. */
export const MM_CP_TRY_CHANGE_WRITABLE = 1;

function pmdTableFrame(sys: MemorySystem, pmdp: Pa): Pfn {
  return Math.floor(pmdp / sys.granule.pageSize) as Pfn;
}

/** Keep a level-3 table in reserve for the PMD entry that is about to map a folio, so that splitting it cannot fail. */
export function pgtableDeposit(sys: MemorySystem, pmdp: Pa, table: Pa): void {
  const frame = pmdTableFrame(sys, pmdp);
  const deposited = sys.hugeMemory.deposited.get(frame);
  const entry = Math.floor(table / sys.granule.pageSize) as Pfn;
  if (deposited === undefined) sys.hugeMemory.deposited.set(frame, [entry]);
  else deposited.push(entry);
}

/** Take a reserved table back. */
export function pgtableWithdraw(sys: MemorySystem, pmdp: Pa): Pa {
  const frame = pmdTableFrame(sys, pmdp);
  const deposited = sys.hugeMemory.deposited.get(frame);
  const table = deposited?.pop();
  if (deposited === undefined || table === undefined) throw new ModelBug(`pgtable_trans_huge_withdraw: none for PMD table ${frame}`);
  if (deposited.length === 0) sys.hugeMemory.deposited.delete(frame);
  return (table * sys.granule.pageSize) as Pa;
}

function zapDepositedTable(mm: MmStruct, pmdp: Pa): void {
  mm.sys.pgtable.freeTable(mm, 3, pgtableWithdraw(mm.sys, pmdp));
}

/** The entry maps the huge zero folio. */
export function isHugeZeroPmd(sys: MemorySystem, pmd: bigint): boolean {
  return sys.hugeMemory.hugeZeroRefcount > 0 && sys.pgtable.pmdPfn(pmd) === sys.hugeMemory.hugeZeroPfn;
}

/** Remove the PMD mapping at `addr` (aligned); its folio goes to the gather. */
export function zapHugePmd(tlb: MmuGather, vma: Vma, pmdp: Pa, addr: Va): void {
  const { mm } = vma;
  const { sys } = mm;
  const { pgtable, pages } = sys;
  const pmd = pgtable.pmdpHugeGetAndClear(mm, addr, pmdp);
  tlb.removePmdTlbEntry(addr);
  if (isHugeZeroPmd(sys, pmd)) {
    zapDepositedTable(mm, pmdp);
    return;
  }
  const folio = pgtable.pmdPfn(pmd);
  folioRemoveRmapPmd(folio, vma);
  mm.rss[mmCounter(sys, folio)]! -= pages.folioNrPages(folio);
  if (pages.test(folio, PG_ANON)) zapDepositedTable(mm, pmdp);
  tlb.removePmdPage(folio);
}

/**
 * fork(): the PMD mapping is write-protected in both. A file mapping is left out, faults bring it back. Returns 0 or -ENOMEM.
 */
export function copyHugePmd(dstVma: Vma, srcVma: Vma, dstPmdp: Pa, srcPmdp: Pa, addr: Va): number {
  const { sys } = srcVma.mm;
  const { pgtable, pages } = sys;
  const dstMm = dstVma.mm;
  if (!vmaIsAnonymous(dstVma)) return 0;
  const table = pgtable.allocTable(dstMm, 3);
  if (table === -1) return -ENOMEM;
  const pmd = pgtable.pmdpGet(srcPmdp);
  if (isHugeZeroPmd(sys, pmd)) {
    if (!dstMm.hugeZeroHeld) {
      dstMm.hugeZeroHeld = true;
      sys.hugeMemory.hugeZeroRefcount++;
    }
  } else {
    const folio = pgtable.pmdPfn(pmd);
    folioGet(sys, folio);
    folioDupAnonRmapPmd(sys, folio);
    dstMm.rss[MM_ANONPAGES]! += pages.folioNrPages(folio);
  }
  pgtableDeposit(sys, dstPmdp, table);
  pgtable.pmdpSetWrprotect(srcVma.mm, addr, srcPmdp);
  pgtable.setPmdAt(dstMm, addr, dstPmdp, pmdMkold(pmdWrprotect(pmd)));
  return 0;
}

/** mremap: the PMD mapping moves to another aligned address, if nothing is there. The source range is flushed. */
export function moveHugePmd(vma: Vma, oldAddr: Va, newAddr: Va, oldPmdp: Pa, newPmdp: Pa): boolean {
  const { mm } = vma;
  const { sys } = mm;
  const { pgtable } = sys;
  if (!pmdNone(pgtable.pmdpGet(newPmdp)) || !pmdTransHuge(pgtable.pmdpGet(oldPmdp))) return false;
  const pmd = pgtable.pmdpHugeGetAndClear(mm, oldAddr, oldPmdp);
  if (vmaIsAnonymous(vma) && pmdTableFrame(sys, oldPmdp) !== pmdTableFrame(sys, newPmdp)) {
    pgtableDeposit(sys, newPmdp, pgtableWithdraw(sys, oldPmdp));
  }
  pgtable.setPmdAt(mm, newAddr, newPmdp, pmd);
  if (pmdPresent(pmd)) sys.tlb.flushPmdTlbRange(mm, oldAddr, (oldAddr + sys.granule.pmdSize) as Va);
  return true;
}

/** mprotect to a writable area: the entry may be made writable without a fault. */
function canChangePmdWritable(vma: Vma, pmd: bigint): boolean {
  if ((vma.flags & VM_WRITE) === 0 || pmdProtnone(pmd)) return false;
  const { sys } = vma.mm;
  if ((vma.flags & VM_SHARED) !== 0) return pmdDirty(pmd);
  if (isHugeZeroPmd(sys, pmd)) return false;
  const folio = sys.pgtable.pmdPfn(pmd);
  return sys.pages.test(folio, PG_ANON) && sys.pages.test(folio, PG_ANON_EXCLUSIVE);
}

/** mprotect: give the PMD entry the protection `newprot`. `cpFlags`: MM_CP_*. Returns the number of pages changed. */
export function changeHugePmd(tlb: MmuGather, vma: Vma, pmdp: Pa, addr: Va, newprot: bigint, cpFlags: number): number {
  const { mm } = vma;
  const { pgtable, granule } = mm.sys;
  const old = pgtable.pmdpInvalidate(vma, addr, pmdp);
  let entry = pmdModify(old, pmdMkhuge(newprot));
  if ((cpFlags & MM_CP_TRY_CHANGE_WRITABLE) !== 0 && !pmdWrite(entry) && canChangePmdWritable(vma, entry)) entry = pmdMkwrite(entry);
  pgtable.setPmdAt(mm, addr, pmdp, entry);
  tlb.flushPmdRange(addr, granule.pmdSize);
  return 2 ** granule.pmdOrder;
}

/** MADV_FREE of a whole PMD mapping whose folio is ours alone: clean and old. */
export function cleanHugePmd(tlb: MmuGather, vma: Vma, pmdp: Pa, addr: Va): void {
  const { mm } = vma;
  const { pgtable } = mm.sys;
  const pmd = pgtable.pmdpGet(pmdp);
  if (!pmdYoung(pmd) && !pmdDirty(pmd)) return;
  pgtable.pmdpInvalidate(vma, addr, pmdp);
  pgtable.setPmdAt(mm, addr, pmdp, pmdMkclean(pmdMkold(pmd)));
  tlb.removePmdTlbEntry(addr);
}

// --- split --------------------------------------------------------------------

/** A file mapping is simply removed; faults bring its pages back one by one. */
function splitFilePmd(vma: Vma, pmdp: Pa, haddr: Va): void {
  const { mm } = vma;
  const { sys } = mm;
  const { pgtable, pages } = sys;
  const old = pgtable.pmdpHugeGetAndClear(mm, haddr, pmdp);
  sys.tlb.flushPmdTlbRange(mm, haddr, (haddr + sys.granule.pmdSize) as Va);
  const folio = pgtable.pmdPfn(old);
  if (!pages.test(folio, PG_DIRTY) && pmdDirty(old)) folioMarkDirty(sys, folio);
  if (pmdYoung(old)) pages.set(folio, PG_REFERENCED);
  folioRemoveRmapPmd(folio, vma);
  mm.rss[mmCounter(sys, folio)]! -= pages.folioNrPages(folio);
  folioPut(sys, folio);
}

function splitHugeZeroPmd(vma: Vma, pmdp: Pa, haddr: Va): void {
  const { mm } = vma;
  const { sys } = mm;
  const { pgtable, granule } = sys;
  pgtable.pmdpHugeGetAndClear(mm, haddr, pmdp);
  sys.tlb.flushPmdTlbRange(mm, haddr, (haddr + granule.pmdSize) as Va);
  const table = pgtableWithdraw(sys, pmdp);
  const entry = pteMkspecial(pgtable.pfnPte(sys.zeroPfn, vma.pageProt));
  for (let i = 0; i < granule.ptrsPerTable; i++) {
    pgtable.setPteAt(mm, (haddr + i * granule.pageSize) as Va, (table + i * 8) as Pa, entry);
  }
  pgtable.pmdPopulate(mm, pmdp, table);
}

/**
 * Replace the PMD mapping around `address` by entries of a level-3 table. One set_ptes() of all pages, so every aligned block
 * becomes contiguous at once. Linux: __split_huge_pmd().
 */
export function splitHugePmd(vma: Vma, pmdp: Pa, address: Va): void {
  const { mm } = vma;
  const { sys } = mm;
  const { pgtable, pages, granule } = sys;
  const current = pgtable.pmdpGet(pmdp);
  if (!pmdTransHuge(current)) return;
  const haddr = (address - (address % granule.pmdSize)) as Va;
  sys.vmstat.inc("thp_split_pmd");
  if (!vmaIsAnonymous(vma)) {
    splitFilePmd(vma, pmdp, haddr);
    return;
  }
  if (isHugeZeroPmd(sys, current)) {
    splitHugeZeroPmd(vma, pmdp, haddr);
    return;
  }
  const old = pgtable.pmdpInvalidate(vma, haddr, pmdp);
  const folio = pgtable.pmdPfn(old);
  const nr = granule.ptrsPerTable;
  if (pmdDirty(old)) pages.set(folio, PG_DIRTY);
  folioRefAdd(sys, folio, nr - 1);
  const exclusive = pages.test(folio, PG_ANON_EXCLUSIVE);
  folioAddAnonRmapPtes(folio, folio, nr, vma, haddr, exclusive ? RMAP_EXCLUSIVE : RMAP_NONE);
  const table = pgtableWithdraw(sys, pmdp);
  let entry = pgtable.pfnPte(folio, vma.pageProt);
  if (pmdWrite(old)) entry = pteMkwrite(entry);
  if (!pmdYoung(old)) entry = pteMkold(entry);
  if (pmdDirty(old)) entry = pteMkdirty(entry);
  pgtable.setPtes(mm, haddr, table, entry, nr);
  folioRemoveRmapPmd(folio, vma);
  pgtable.pmdPopulate(mm, pmdp, table);
}

/**
 * The folio is about to be split and is mapped by a PMD entry at `address`: put migration entries for all its pages in its place.
 * Nothing happens if another folio, or a table, is there. Linux: split_huge_pmd_address() with freeze.
 */
export function splitHugePmdFrozen(vma: Vma, address: Va, folio: Pfn): void {
  const { mm } = vma;
  const { sys } = mm;
  const { pgtable, pages, granule } = sys;
  const pmdp = pgtable.pmdOffset(mm, address);
  if (pmdp === -1) return;
  const current = pgtable.pmdpGet(pmdp);
  if (!pmdTransHuge(current) || pgtable.pmdPfn(current) !== folio) return;
  const haddr = (address - (address % granule.pmdSize)) as Va;
  sys.vmstat.inc("thp_split_pmd");
  const old = pgtable.pmdpInvalidate(vma, haddr, pmdp);
  if (pmdDirty(old)) pages.set(folio, PG_DIRTY);
  const exclusive = pages.test(folio, PG_ANON_EXCLUSIVE);
  pages.clear(folio, PG_ANON_EXCLUSIVE);
  const type = pmdWrite(old) ? MIGRATION_WRITE : exclusive ? MIGRATION_READ_EXCLUSIVE : MIGRATION_READ;
  const bits = (pmdYoung(old) ? MIGRATION_YOUNG : 0) + (pmdDirty(old) ? MIGRATION_DIRTY : 0);
  const table = pgtableWithdraw(sys, pmdp);
  for (let i = 0; i < granule.ptrsPerTable; i++) {
    pgtable.setPteAt(mm, (haddr + i * granule.pageSize) as Va, (table + i * 8) as Pa, swpEntryToPte(type, folio + i + bits));
  }
  folioRemoveRmapPmd(folio, vma);
  folioPut(sys, folio);
  pgtable.pmdPopulate(mm, pmdp, table);
}

/** split_huge_pmd_address(): split the PMD mapping that covers `address`, if there is one. */
export function splitHugePmdAddress(vma: Vma, address: Va): void {
  const pmdp = vma.mm.sys.pgtable.pmdOffset(vma.mm, address);
  if (pmdp === -1) return;
  const pmd = vma.mm.sys.pgtable.pmdpGet(pmdp as Pa);
  if (!pmdNone(pmd) && !pmdTable(pmd)) splitHugePmd(vma, pmdp as Pa, address);
}
