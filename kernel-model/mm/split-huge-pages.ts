/**
 * debugfs split_huge_pages: folios of a process, a file or the whole machine are split on request.
 *
 * Linux: mm/huge_memory.c split_huge_pages_write(), split_huge_pages_pid(), split_huge_pages_in_file(), split_huge_pages_all(). Differs: always to
 * single pages, whatever order is asked for.
 */
import type { Pfn, Va } from "../../emulator/arch/addr.js";
import { pmdTable, pmdTransHuge, ptePresent } from "../arch/arm64/pte.js";
import type { AddressSpace } from "../fs/file.js";
import { folioGet, folioPut } from "./folio.js";
import { vmNormalPage } from "./memory-common.js";
import type { MemorySystem } from "./memory-system.js";
import type { MmStruct } from "./mm-struct.js";
import { NO_PFN, PG_ANON, PG_LOCKED } from "./page.js";
import { canSplitFolio, splitFolio } from "./split-folio.js";
import type { Vma } from "./vma.js";

/** Split a folio if it is large and no one else holds it. Pre: it has an owner. */
function trySplit(sys: MemorySystem, folio: Pfn): void {
  const { pages } = sys;
  if (!pages.isLarge(folio) || folio === sys.hugeMemory.hugeZeroPfn) return;
  folioGet(sys, folio);
  if (canSplitFolio(sys, folio) && !pages.test(folio, PG_LOCKED)) {
    pages.set(folio, PG_LOCKED);
    splitFolio(sys, folio);
    pages.clear(folio, PG_LOCKED);
  }
  folioPut(sys, folio);
}

/** The page that is mapped at `at`, NO_PFN if there is none. */
function mappedPage(vma: Vma, at: Va): Pfn {
  const { pgtable, granule } = vma.mm.sys;
  const pmdp = pgtable.pmdOffset(vma.mm, at);
  const pmd = pmdp === -1 ? 0n : pgtable.pmdpGet(pmdp);
  if (pmdTransHuge(pmd)) return (pgtable.pmdPfn(pmd) + Math.floor((at % granule.pmdSize) / granule.pageSize)) as Pfn;
  if (!pmdTable(pmd)) return NO_PFN as Pfn;
  const pte = pgtable.ptepGet(pgtable.pteOffset(pmd, at));
  return ptePresent(pte) ? vmNormalPage(vma, pte) : (NO_PFN as Pfn);
}

/** Every large folio that is mapped in [start, end) of an address space. */
export function splitHugePagesOf(mm: MmStruct, start: number, end: number): void {
  const { sys } = mm;
  const { pageSize } = sys.granule;
  const last = Math.min(end, mm.taskSize);
  for (let at = start - (start % pageSize); at < last; at += pageSize) {
    const vma = mm.vmas.find(at as Va);
    if (vma === undefined) return;
    at = Math.max(at, vma.start);
    if (at >= last) return;
    const page = mappedPage(vma, at as Va);
    if (page !== NO_PFN) trySplit(sys, sys.pages.head(page));
  }
}

/** Every large folio of a file's pages [first, last). */
export function splitHugePagesInFile(mapping: AddressSpace, first: number, last: number): void {
  const { sys } = mapping;
  const folios = new Set<Pfn>();
  for (const [index, page] of mapping.pages) if (index >= first && index < last) folios.add(sys.pages.head(page));
  for (const folio of folios) trySplit(sys, folio);
}

/** Every large anonymous folio of the machine. */
export function splitHugePagesAll(sys: MemorySystem): void {
  const { pages } = sys;
  for (let page = 0; page < pages.nr; page++) {
    const folio = page as Pfn;
    if (pages.refcount[folio]! > 0 && pages.isLarge(folio) && pages.head(folio) === folio && pages.test(folio, PG_ANON)) trySplit(sys, folio);
  }
}
