/**
 * Removing mappings: munmap, MADV_DONTNEED, truncation, exit.
 *
 * Linux: mm/memory.c unmap_vmas(), unmap_page_range(), zap_pte_range(), zap_present_ptes(), zap_page_range_single(),
 * unmap_mapping_pages().
 */
import type { Pa, Pfn, Va } from "../../emulator/arch/addr.js";
import { pmdNone, pmdTable, pteDirty, ptePresent, pteYoung, swpOffset } from "../arch/arm64/pte.js";
import type { AddressSpace } from "../fs/file.js";
import { splitHugePmd, zapHugePmd } from "./huge-pmd.js";
import { mmCounter, vmNormalPage } from "./memory-common.js";
import type { MemorySystem } from "./memory-system.js";
import { MM_ANONPAGES, MM_SWAPENTS } from "./mm-struct.js";
import { MmuGather } from "./mmu-gather.js";
import { NO_PFN, PG_ANON, PG_HEAD, PG_TAIL } from "./page.js";
import { folioMarkDirty } from "./page-writeback.js";
import { FPB_IGNORE_DIRTY, folioPteBatch } from "./pte-batch.js";
import { firstTable } from "./page-walk.js";
import { flushTlbBatchedPending, folioRemoveRmapPtes } from "./rmap.js";
import { folioMarkAccessed, lruAddDrain, vmaHasRecency } from "./swap-lru.js";
import { freeSwapAndCache } from "./swap-state.js";
import { swapPteBatch } from "./swapops.js";
import { updateHiwaterRss } from "./vma-ops.js";
import type { Vma } from "./vma.js";

/** What to spare. Linux: struct zap_details. */
export interface ZapDetails {
  /** false: only page-cache pages go, private copies stay. */
  readonly evenCows: boolean;
}

const ALL: ZapDetails = { evenCows: true };

/** Work of one zap_pte_range() call; made once per unmapped area. */
interface ZapWork {
  readonly tlb: MmuGather;
  readonly vma: Vma;
  readonly sys: MemorySystem;
  readonly details: ZapDetails;
  forceFlush: boolean;
  forceBreak: boolean;
}

/** Clear `nr` entries that map `nr` pages of one folio from `page`. */
function zapPresentFolioPtes(work: ZapWork, folio: Pfn, page: Pfn, ptep: Pa, nr: number, addr: number): void {
  const { tlb, vma, sys } = work;
  const { pgtable, pages } = sys;
  const mm = tlb.mm;
  let delayRmap = false;
  if ((pages.flags[folio]! & PG_ANON) !== 0) {
    pgtable.clearFullPtes(mm, addr as Va, ptep, nr, tlb.fullmm);
    mm.rss[MM_ANONPAGES]! -= nr;
  } else {
    const pte = pgtable.getAndClearFullPtes(mm, addr as Va, ptep, nr, tlb.fullmm);
    if (pteDirty(pte)) {
      folioMarkDirty(sys, folio);
      delayRmap = true;
      tlb.delayedRmap = true;
      work.forceFlush = true;
    }
    if (pteYoung(pte) && vmaHasRecency(vma)) folioMarkAccessed(sys, folio);
    mm.rss[mmCounter(sys, folio)]! -= nr;
  }
  tlb.removeTlbEntries(addr, nr);
  if (!delayRmap) folioRemoveRmapPtes(folio, page, nr, vma);
  if (tlb.removeFolioPages(page, nr, delayRmap)) {
    work.forceFlush = true;
    work.forceBreak = true;
  }
}

/** Zap or skip at least one present entry, with its neighbours of the same folio. Returns how many. */
function zapPresentPtes(work: ZapWork, ptep: Pa, pte: bigint, maxNr: number, addr: number): number {
  const { tlb, vma, sys } = work;
  const page = vmNormalPage(vma, pte);
  if (page === NO_PFN) {
    sys.pgtable.ptepGetAndClear(tlb.mm, addr as Va, ptep);
    tlb.removeTlbEntries(addr, 1);
    return 1;
  }
  const folio = sys.pages.head(page);
  const flags = sys.pages.flags[folio]!;
  if (!work.details.evenCows && (flags & PG_ANON) !== 0) return 1;
  const batch = (flags & PG_HEAD) !== 0 && maxNr !== 1 && sys.tunables.batch;
  const nr = batch ? folioPteBatch(sys, folio, ptep, pte, maxNr, FPB_IGNORE_DIRTY) : 1;
  zapPresentFolioPtes(work, folio, page, ptep, nr, addr);
  return nr;
}

/** The same for an entry that maps a small folio, whose value need not be looked at. False: it is another one, and nothing was done. */
function zapSmallFolioPte(work: ZapWork, ptep: Pa, addr: number): boolean {
  const { pgtable, pages } = work.sys;
  if (!pgtable.rawIsNormal(ptep)) return false;
  const page = pgtable.rawPfn(ptep);
  const flags = pages.flags[page]!;
  if ((flags & (PG_HEAD | PG_TAIL)) !== 0) return false;
  pgtable.ptepGetUnused(ptep);
  if (work.details.evenCows || (flags & PG_ANON) === 0) zapPresentFolioPtes(work, page, page, ptep, 1, addr);
  return true;
}

/** Free the slots of at least one swap entry, with its neighbours that hold the slots behind. Returns how many. */
function zapSwapPtes({ tlb, sys, details }: ZapWork, ptep: Pa, pte: bigint, maxNr: number, addr: number): number {
  const nr = swapPteBatch(sys, ptep, maxNr, pte);
  // Swapped-out pages are private copies.
  if (!details.evenCows) return nr;
  tlb.mm.rss[MM_SWAPENTS]! -= nr;
  freeSwapAndCache(sys, swpOffset(pte), nr);
  for (let i = 0; i < nr; i++) sys.pgtable.pteClear(tlb.mm, (addr + i * sys.granule.pageSize) as Va, (ptep + i * 8) as Pa);
  return nr;
}

/** Zap the entries of one level-3 table from `start`; returns the address reached, short of `end` if the gather was full. */
function zapPteRange(work: ZapWork, pmd: bigint, start: number, end: number): number {
  const { tlb, sys } = work;
  const { pgtable, granule, memory } = sys;
  flushTlbBatchedPending(tlb.mm);
  let ptep = pgtable.pteOffset(pmd, start as Va) as number;
  let addr = start;
  while (addr < end) {
    const word = ptep / 4;
    let nr = 1;
    if (memory.u32[word] !== 0 || memory.u32[word + 1] !== 0) {
      if (!zapSmallFolioPte(work, ptep as Pa, addr)) {
        const pte = pgtable.ptepGet(ptep as Pa);
        const maxNr = (end - addr) / granule.pageSize;
        nr = ptePresent(pte) ? zapPresentPtes(work, ptep as Pa, pte, maxNr, addr) : zapSwapPtes(work, ptep as Pa, pte, maxNr, addr);
      }
    }
    ptep += nr * 8;
    addr += nr * granule.pageSize;
    if (work.forceBreak) break;
  }
  if (work.forceFlush) {
    tlb.flushMmuTlbonly();
    tlb.flushRmaps(work.vma);
    tlb.flushMmu();
    work.forceFlush = false;
    work.forceBreak = false;
  }
  return addr;
}

/** Remove all mappings of the area between `start` and `end`. Linux: unmap_page_range(). */
function unmapPageRange(tlb: MmuGather, vma: Vma, start: number, end: number, details: ZapDetails): void {
  const { sys } = vma.mm;
  const { pgtable } = sys;
  const { pmdSize } = sys.granule;
  const work: ZapWork = { tlb, vma, sys, details, forceFlush: false, forceBreak: false };
  let addr = start;
  while (addr < end) {
    addr = firstTable(vma.mm, addr, end);
    if (addr >= end) break;
    const pmdp = pgtable.pmdOffset(vma.mm, addr as Va) as Pa;
    const next = Math.min(addr - (addr % pmdSize) + pmdSize, end);
    let pmd = pgtable.pmdpGet(pmdp);
    if (!pmdNone(pmd) && !pmdTable(pmd)) {
      if (next - addr !== pmdSize) {
        splitHugePmd(vma, pmdp, addr as Va);
        pmd = pgtable.pmdpGet(pmdp);
      } else if (!(details.evenCows || !sys.pages.test(pgtable.pmdPfn(pmd), PG_ANON))) {
        addr = next;
        continue;
      } else {
        zapHugePmd(tlb, vma, pmdp, addr as Va);
        addr = next;
        continue;
      }
    }
    addr = pmdNone(pmd) ? next : zapPteRange(work, pmd, addr, next);
  }
  tlb.endVma();
}

function unmapSingleVma(tlb: MmuGather, vma: Vma, startAddr: number, endAddr: number, details: ZapDetails): void {
  const start = Math.max(vma.start, startAddr);
  const end = Math.min(vma.end, endAddr);
  if (start < end) unmapPageRange(tlb, vma, start, end, details);
}

/** Remove all mappings of the given areas (ascending) between `start` and `end`; the caller finishes the gather. */
export function unmapVmas(tlb: MmuGather, vmas: Iterable<Vma>, start: Va, end: Va): void {
  for (const vma of vmas) unmapSingleVma(tlb, vma, start, end, ALL);
}

/** Remove the mappings of `size` bytes from `address`, all in one area, and flush. */
export function zapPageRangeSingle(vma: Vma, address: Va, size: number, details: ZapDetails = ALL): void {
  lruAddDrain(vma.mm.sys);
  const tlb = new MmuGather(vma.mm);
  updateHiwaterRss(vma.mm);
  unmapSingleVma(tlb, vma, address, address + size, details);
  tlb.finish();
}

/**
 * Unmap the pages `start` to `start + nr - 1` of a file from every process (`nr` 0: to the end of the file). `evenCows`: private
 * copies too, as truncation wants.
 */
export function unmapMappingPages(mapping: AddressSpace, start: number, nr: number, evenCows: boolean): void {
  const last = nr === 0 ? Infinity : start + nr - 1;
  const details: ZapDetails = { evenCows };
  for (const vma of [...mapping.mmaps]) {
    const { pageSize } = vma.mm.sys.granule;
    const vba = vma.pgoff;
    const vea = vba + (vma.end - vma.start) / pageSize - 1;
    if (vba > last || vea < start) continue;
    const zba = Math.max(start, vba);
    const zea = Math.min(last, vea);
    zapPageRangeSingle(vma, (vma.start + (zba - vba) * pageSize) as Va, (zea - zba + 1) * pageSize, details);
  }
}

/** Unmap one folio of the page cache from every process; private copies stay. */
export function unmapMappingFolio(sys: MemorySystem, folio: Pfn): void {
  const mapping = sys.mappings.addressSpace(sys.pages.mapping[folio]!);
  unmapMappingPages(mapping, sys.pages.index[folio]!, sys.pages.folioNrPages(folio), false);
}
