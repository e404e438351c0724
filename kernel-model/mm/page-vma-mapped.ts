/**
 * The entries of one area that map a folio.
 *
 * Linux: mm/page_vma_mapped.c page_vma_mapped_walk().
 */
import type { Pa, Pfn, Va } from "../../emulator/arch/addr.js";
import { pmdTable } from "../arch/arm64/pte.js";
import { vmaAddress } from "./rmap.js";
import type { Vma } from "./vma.js";

/**
 * Call `visit` with each level-3 entry of `vma` that is not none and lies where page offsets `pgoff` to `pgoff + nr - 1` would be
 * mapped. What the entry holds is for the visitor to judge; PMD mappings are skipped.
 */
export function forEachEntryOf(vma: Vma, pgoff: number, nr: number, visit: (address: Va, ptep: Pa) => void): void {
  const { mm } = vma;
  const { pgtable, granule } = mm.sys;
  const first = vmaAddress(vma, pgoff, nr);
  if (first === -1) return;
  const end = Math.min(vma.end, vma.start + (pgoff + nr - vma.pgoff) * granule.pageSize);
  for (let address: number = first; address < end; ) {
    const boundary = Math.min(end, address - (address % granule.pmdSize) + granule.pmdSize);
    const pmdp = pgtable.pmdOffset(mm, address as Va);
    const pmd = pmdp < 0 ? 0n : pgtable.pmdpGet(pmdp);
    if (pmdTable(pmd)) {
      for (let at = address; at < boundary; at += granule.pageSize) {
        const ptep = pgtable.pteOffset(pmd, at as Va);
        if (!pgtable.rawIsNone(ptep)) visit(at as Va, ptep);
      }
    }
    address = boundary;
  }
}

/** The page of the folio [folio, folio + nr) that a frame number names, or undefined. */
export function pageOfFolio(folio: Pfn, nr: number, frame: Pfn): Pfn | undefined {
  return frame >= folio && frame < folio + nr ? frame : undefined;
}
