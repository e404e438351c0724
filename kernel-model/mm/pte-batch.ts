/**
 * How many neighbouring page-table entries map neighbouring pages of one folio in the same way.
 *
 * Linux: mm/internal.h folio_pte_batch().
 */
import type { Pa, Pfn } from "../../emulator/arch/addr.js";
import { pteDirty, pteMkclean, pteMkold, pteWrite, pteWrprotect, pteYoung } from "../arch/arm64/pte.js";
import type { MemorySystem } from "./memory-system.js";

/** Compare entries after pte_mkclean(). arm64 has no soft-dirty bit, so that flag of Linux has no twin. */
export const FPB_IGNORE_DIRTY = 1;

/** What the entries of a batch except the first had; reset by folioPteBatch(). */
export interface BatchFacts {
  anyWritable: boolean;
  anyYoung: boolean;
  anyDirty: boolean;
}

function clearIgnored(pte: bigint, flags: number): bigint {
  return pteWrprotect(pteMkold((flags & FPB_IGNORE_DIRTY) !== 0 ? pteMkclean(pte) : pte));
}

/**
 * Length of the batch that starts with `pte` at `startPtep`, at most `maxNr` (which must not leave the table) and not beyond
 * the folio. Access flag and write permission may differ; the dirty state too with FPB_IGNORE_DIRTY.
 */
export function folioPteBatch(sys: MemorySystem, folio: Pfn, startPtep: Pa, pte: bigint, maxNr: number, flags: number, facts?: BatchFacts): number {
  const { pgtable, pages } = sys;
  if (facts !== undefined) facts.anyWritable = facts.anyYoung = facts.anyDirty = false;
  const pageBytes = BigInt(sys.granule.pageSize);
  const limit = Math.min(maxNr, folio + pages.folioNrPages(folio) - pgtable.ptePfn(pte));
  let nr = pgtable.pteBatchHint(startPtep, pte);
  if (nr >= limit) return limit;
  let expected = clearIgnored(pte + pageBytes * BigInt(nr), flags);
  while (nr < limit) {
    const ptep = (startPtep + nr * 8) as Pa;
    const raw = pgtable.ptepGet(ptep);
    const current = clearIgnored(raw, flags);
    if (current !== expected) break;
    if (facts !== undefined) {
      facts.anyWritable ||= pteWrite(raw);
      facts.anyYoung ||= pteYoung(raw);
      facts.anyDirty ||= pteDirty(raw);
    }
    const step = pgtable.pteBatchHint(ptep, current);
    expected += pageBytes * BigInt(step);
    nr += step;
  }
  return Math.min(nr, limit);
}
