/**
 * /proc/PID/clear_refs: makes the pages of a process old without a TLB flush, or resets the peak RSS.
 *
 * Linux: fs/proc/task_mmu.c clear_refs_write(), clear_refs_pte_range().
 */
import { pmdPresent, ptePresent } from "../../arch/arm64/pte.js";
import type { Pfn } from "../../../emulator/arch/addr.js";
import { vmNormalPage } from "../../mm/memory-common.js";
import type { MmStruct } from "../../mm/mm-struct.js";
import { MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES } from "../../mm/mm-struct.js";
import { NO_PFN, PG_REFERENCED } from "../../mm/page.js";
import { visitPageTable } from "./page-table-visit.js";

export const CLEAR_REFS_ALL = 1;
export const CLEAR_REFS_ANON = 2;
export const CLEAR_REFS_MAPPED = 3;
export const CLEAR_REFS_SOFT_DIRTY = 4;
export const CLEAR_REFS_MM_HIWATER_RSS = 5;
export type ClearRefsType = 1 | 2 | 3 | 4 | 5;

/** What a write of `type` does. arm64 has no soft-dirty bit, so type 4 is but a flush of the mm. */
export function clearRefs(mm: MmStruct, type: ClearRefsType): void {
  const { sys } = mm;
  const { pages, pgtable } = sys;
  if (type === CLEAR_REFS_MM_HIWATER_RSS) {
    mm.hiwaterRss = mm.rss[MM_FILEPAGES]! + mm.rss[MM_ANONPAGES]! + mm.rss[MM_SHMEMPAGES]!;
    return;
  }
  if (type === CLEAR_REFS_SOFT_DIRTY) {
    sys.tlb.flushTlbMm(mm);
    return;
  }
  const forget = (page: Pfn): void => {
    pages.clear(pages.head(page), PG_REFERENCED);
  };
  for (const vma of mm.vmas) {
    if (type === CLEAR_REFS_ANON && vma.file !== undefined) continue;
    if (type === CLEAR_REFS_MAPPED && vma.file === undefined) continue;
    visitPageTable(vma, vma.start, vma.end, {
      pmd(address, _end, pmd) {
        if (!pmdPresent(pmd)) return;
        pgtable.pmdpTestAndClearYoung(vma, address, pgtable.pmdOffset(mm, address));
        forget(pgtable.pmdPfn(pmd));
      },
      pte(address, pte, ptep) {
        if (!ptePresent(pte)) return;
        const page = vmNormalPage(vma, pte);
        if (page === NO_PFN) return;
        pgtable.ptepTestAndClearYoung(vma, address, ptep);
        forget(page);
      },
    });
  }
}
