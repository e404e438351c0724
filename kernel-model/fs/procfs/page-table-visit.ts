/**
 * Visits the entries of an area's page tables in address order: what the walkers of procfs need of mm/pagewalk.c.
 *
 * Linux: mm/pagewalk.c walk_page_vma(), walk_page_range().
 */
import type { Pa, Va } from "../../../emulator/arch/addr.js";
import { pmdNone, pmdTransHuge } from "../../arch/arm64/pte.js";
import type { Vma } from "../../mm/vma.js";

export interface PageTableVisitor {
  /** A PMD-mapped range: the part `address` to `end` of it lies inside the area. */
  pmd(address: Va, end: Va, pmd: bigint): void;
  /** One level-3 entry, as ptep_get() reads it; none entries too, where a table exists. */
  pte(address: Va, pte: bigint, ptep: Pa): void;
}

/** Calls the visitor for everything that tables hold between `start` and `end` of the area. Pre: the range lies inside it. */
export function visitPageTable(vma: Vma, start: number, end: number, visitor: PageTableVisitor): void {
  const { pgtable, granule } = vma.mm.sys;
  const { pageSize, pmdSize } = granule;
  for (let address = start; address < end; ) {
    const next = Math.min(end, address - (address % pmdSize) + pmdSize);
    const pmdp = pgtable.pmdOffset(vma.mm, address as Va);
    const pmd = pmdp < 0 ? 0n : pgtable.pmdpGet(pmdp);
    if (pmdTransHuge(pmd)) visitor.pmd(address as Va, next as Va, pmd);
    else if (!pmdNone(pmd)) {
      let ptep = pgtable.pteOffset(pmd, address as Va);
      for (let at = address; at < next; at += pageSize, ptep = (ptep + 8) as Pa) visitor.pte(at as Va, pgtable.ptepGet(ptep), ptep);
    }
    address = next;
  }
}
