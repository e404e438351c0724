/**
 * mincore: which pages of a range an access would find in memory.
 *
 * Linux: mm/mincore.c do_mincore(), mincore_pte_range(), mincore_page().
 */
import type { Va } from "../../emulator/arch/addr.js";
import { pmdTable, pteNone, ptePresent, swpOffset } from "../arch/arm64/pte.js";
import { ENOMEM } from "../errno.js";
import type { AddressSpace } from "../fs/file.js";
import { filemapPeek } from "./filemap.js";
import type { MmStruct } from "./mm-struct.js";
import { NO_PFN, PG_UPTODATE } from "./page.js";
import { forEachPmd } from "./page-walk.js";
import { swapOf } from "./swap-state.js";
import { mayWriteFile } from "./util.js";
import { vmaPgoffOffset } from "./vma-merge.js";
import { vmaIsAnonymous, type Vma } from "./vma.js";

function mincorePage(mapping: AddressSpace, index: number): number {
  const folio = filemapPeek(mapping, index);
  return folio !== NO_PFN && mapping.sys.pages.test(folio, PG_UPTODATE) ? 1 : 0;
}

/**
 * One byte per page from `addr`, 1 if the page is mapped or in the page cache: up to `nr` pages, but none beyond the area. -ENOMEM
 * if nothing is mapped at `addr`. The page cache of a file that the caller could not write reads as 1 throughout.
 */
export function doMincore(mm: MmStruct, addr: Va, nr: number): Uint8Array | number {
  const { pageSize } = mm.sys.granule;
  const vma = mm.vmas.lookup(addr);
  if (vma === undefined) return -ENOMEM;
  const end = Math.min(vma.end, addr + nr * pageSize) as Va;
  const vector = new Uint8Array((end - addr) / pageSize);
  if (!vmaIsAnonymous(vma) && (vma.file === undefined || !mayWriteFile(mm, vma.file))) return vector.fill(1);
  // What no entry maps is looked up in the file.
  const mapping = vma.file?.inode.mapping;
  if (mapping !== undefined) vector.forEach((_, i) => (vector[i] = mincorePage(mapping, vmaPgoffOffset(vma, addr) + i)));
  markMapped(vma, addr, end, vector);
  return vector;
}

function markMapped(vma: Vma, start: Va, end: Va, vector: Uint8Array): void {
  const { pgtable, granule } = vma.mm.sys;
  forEachPmd(vma.mm, start, end, (pmdp, addr, next) => {
    const pmd = pgtable.pmdpGet(pmdp);
    const first = (addr - start) / granule.pageSize;
    const last = (next - start) / granule.pageSize;
    if (!pmdTable(pmd)) {
      vector.fill(1, first, last);
      return;
    }
    let ptep = pgtable.pteOffset(pmd, addr);
    for (let i = first; i < last; i++, ptep = (ptep + 8) as typeof ptep) {
      const pte = pgtable.rawGet(ptep);
      if (ptePresent(pte)) vector[i] = 1;
      // A swap entry: in memory if the swap cache has the page.
      else if (!pteNone(pte)) vector[i] = swapOf(vma.mm.sys).cache[swpOffset(pte)] === NO_PFN ? 0 : 1;
    }
  });
}
