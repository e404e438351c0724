/**
 * fork: copying the page-table entries of one area.
 *
 * Linux: mm/memory.c copy_page_range(), copy_pte_range(), copy_present_ptes(), copy_nonpresent_pte().
 */
import type { Pa, Va } from "../../emulator/arch/addr.js";
import { pmdNone, pmdTable, pteMkclean, pteMkold, pteMkwrite, ptePresent, pteSwpClearExclusive, pteWrite, pteWrprotect, swpOffset } from "../arch/arm64/pte.js";
import { ENOMEM } from "../errno.js";
import { folioRefAdd } from "./folio.js";
import { copyHugePmd } from "./huge-pmd.js";
import { isCowMapping, mmCounter, vmNormalPage } from "./memory-common.js";
import { MM_ANONPAGES, MM_SWAPENTS } from "./mm-struct.js";
import { NO_PFN, PG_ANON, PG_HEAD } from "./page.js";
import { firstTable } from "./page-walk.js";
import { FPB_IGNORE_DIRTY, folioPteBatch, type BatchFacts } from "./pte-batch.js";
import { folioDupAnonRmapPtes, folioDupFileRmapPtes } from "./rmap.js";
import { swapOf } from "./swap-state.js";
import { VM_MIXEDMAP, VM_PFNMAP, VM_SHARED, type Vma } from "./vma.js";

/** Give `nr` entries to the child: old, write-protected in both if writes must copy, clean if the mapping is shared. */
function copyPtes(dstVma: Vma, srcVma: Vma, dstPte: Pa, srcPte: Pa, pte: bigint, addr: Va, nr: number): void {
  const { pgtable } = srcVma.mm.sys;
  let entry = pte;
  if (isCowMapping(srcVma.flags) && pteWrite(entry)) {
    pgtable.wrprotectPtes(srcVma.mm, addr, srcPte, nr);
    entry = pteWrprotect(entry);
  }
  if ((srcVma.flags & VM_SHARED) !== 0) entry = pteMkclean(entry);
  pgtable.setPtes(dstVma.mm, addr, dstPte, pteMkold(entry), nr);
}

/** Copy one present entry, together with its neighbours of the same large folio. Returns how many. */
function copyPresentPtes(dstVma: Vma, srcVma: Vma, dstPte: Pa, srcPte: Pa, pte: bigint, addr: Va, maxNr: number, facts: BatchFacts): number {
  const { sys } = srcVma.mm;
  const { pages } = sys;
  const page = vmNormalPage(srcVma, pte);
  let nr = 1;
  let entry = pte;
  if (page !== NO_PFN) {
    const folio = pages.head(page);
    const flags = pages.flags[folio]!;
    if ((flags & PG_HEAD) !== 0 && maxNr !== 1 && sys.tunables.batch) {
      nr = folioPteBatch(sys, folio, srcPte, pte, maxNr, (srcVma.flags & VM_SHARED) !== 0 ? FPB_IGNORE_DIRTY : 0, facts);
      if (facts.anyWritable) entry = pteMkwrite(entry);
    }
    folioRefAdd(sys, folio, nr);
    if ((flags & PG_ANON) !== 0) {
      folioDupAnonRmapPtes(sys, folio, page, nr);
      dstVma.mm.rss[MM_ANONPAGES]! += nr;
    } else {
      folioDupFileRmapPtes(sys, folio, page, nr);
      dstVma.mm.rss[mmCounter(sys, folio)]! += nr;
    }
  }
  copyPtes(dstVma, srcVma, dstPte, srcPte, entry, addr, nr);
  return nr;
}

/** Parent and child use the slot; the page is not the parent's alone any more. */
function copyNonpresentPte(dstVma: Vma, srcVma: Vma, dstPte: Pa, srcPte: Pa, pte: bigint, addr: Va): void {
  const { sys } = srcVma.mm;
  swapOf(sys).duplicate(swpOffset(pte));
  const shared = pteSwpClearExclusive(pte);
  if (shared !== pte) sys.pgtable.setPteAt(srcVma.mm, addr, srcPte, shared);
  dstVma.mm.rss[MM_SWAPENTS]!++;
  sys.pgtable.setPteAt(dstVma.mm, addr, dstPte, shared);
}

function copyPteRange(dstVma: Vma, srcVma: Vma, dstPmdp: Pa, srcPmd: bigint, start: number, end: number): number {
  const { sys } = srcVma.mm;
  const { pgtable, granule, memory } = sys;
  if (!pgtable.pteAlloc(dstVma.mm, dstPmdp)) return -ENOMEM;
  const facts: BatchFacts = { anyWritable: false, anyYoung: false, anyDirty: false };
  let srcPte = pgtable.pteOffset(srcPmd, start as Va) as number;
  let dstPte = pgtable.pteOffset(pgtable.pmdpGet(dstPmdp), start as Va) as number;
  for (let addr = start; addr < end; ) {
    let nr = 1;
    if (memory.u32[srcPte / 4] !== 0 || memory.u32[srcPte / 4 + 1] !== 0) {
      const pte = pgtable.ptepGet(srcPte as Pa);
      if (!ptePresent(pte)) copyNonpresentPte(dstVma, srcVma, dstPte as Pa, srcPte as Pa, pte, addr as Va);
      else nr = copyPresentPtes(dstVma, srcVma, dstPte as Pa, srcPte as Pa, pte, addr as Va, (end - addr) / granule.pageSize, facts);
    }
    srcPte += nr * 8;
    dstPte += nr * 8;
    addr += nr * granule.pageSize;
  }
  return 0;
}

/** vma_needs_copy(): entries of the area cannot be had again by faults. */
function vmaNeedsCopy(srcVma: Vma): boolean {
  return (srcVma.flags & (VM_PFNMAP | VM_MIXEDMAP)) !== 0 || srcVma.anonVma !== undefined;
}

/**
 * Copy the entries of `srcVma` into the child's `dstVma`. Private pages become write-protected in both; the caller flushes the
 * parent's TLB once at the end of fork. Returns 0 or -ENOMEM, which leaves a partial copy for the caller to tear down.
 */
export function copyPageRange(dstVma: Vma, srcVma: Vma): number {
  if (!vmaNeedsCopy(srcVma)) return 0;
  const srcMm = srcVma.mm;
  const dstMm = dstVma.mm;
  const { pgtable, granule } = srcMm.sys;
  const { end } = srcVma;
  let addr: number = srcVma.start;
  while ((addr = firstTable(srcMm, addr, end)) < end) {
    const next = Math.min(addr - (addr % granule.pmdSize) + granule.pmdSize, end);
    const srcPmdp = pgtable.pmdOffset(srcMm, addr as Va) as Pa;
    const dstPmdp = pgtable.pmdAlloc(dstMm, addr as Va);
    if (dstPmdp === -1) return -ENOMEM;
    const srcPmd = pgtable.pmdpGet(srcPmdp);
    if (!pmdNone(srcPmd)) {
      const error = pmdTable(srcPmd)
        ? copyPteRange(dstVma, srcVma, dstPmdp as Pa, srcPmd, addr, next)
        : copyHugePmd(dstVma, srcVma, dstPmdp as Pa, srcPmdp, addr as Va);
      if (error !== 0) return error;
    }
    addr = next;
  }
  return 0;
}
