/**
 * /proc/PID/pagemap: 64 bits per virtual page.
 *
 * Linux: fs/proc/task_mmu.c pte_to_pagemap_entry(), pagemap_pmd_range(), pagemap_read();
 * Documentation/admin-guide/mm/pagemap.rst.
 */
import type { Pfn, Va } from "../../../emulator/arch/addr.js";
import { pteIsSwap, ptePresent, swpOffset, swpType } from "../../arch/arm64/pte.js";
import { pageMapcount } from "../../mm/folio.js";
import { vmNormalPage } from "../../mm/memory-common.js";
import type { MmStruct } from "../../mm/mm-struct.js";
import { NO_PFN, PG_ANON } from "../../mm/page.js";
import type { Vma } from "../../mm/vma.js";
import { visitPageTable } from "./page-table-visit.js";

/** Bits 54:0 frame number, or swap type and offset; 56 exclusively mapped; 61 file page or shared anonymous; 62 swapped; 63 present. */
const PM_MMAP_EXCLUSIVE = 1n << 56n;
const PM_FILE = 1n << 61n;
const PM_SWAP = 1n << 62n;
const PM_PRESENT = 1n << 63n;
/** Bits of the swap type. */
const MAX_SWAPFILES_SHIFT = 5n;

function pageBits(vma: Vma, page: Pfn): bigint {
  const { sys } = vma.mm;
  const file = sys.pages.test(sys.pages.head(page), PG_ANON) ? 0n : PM_FILE;
  return file | (pageMapcount(sys, page) === 1 ? PM_MMAP_EXCLUSIVE : 0n);
}

/**
 * Entries for `into.length` pages from page number `first` on. arm64 has no soft-dirty bit in 6.12, so bit 55 stays 0;
 * userfaultfd entries cannot exist.
 */
export function readPagemap(mm: MmStruct, first: number, into: BigUint64Array): void {
  const { pageSize } = mm.sys.granule;
  const { pgtable } = mm.sys;
  into.fill(0n);
  const start = first * pageSize;
  const end = start + into.length * pageSize;
  for (const vma of mm.vmas.inRange(start, end)) {
    visitPageTable(vma, Math.max(start, vma.start), Math.min(end, vma.end), {
      pmd(address: Va, stop: Va, pmd: bigint) {
        const inside = (address % mm.sys.granule.pmdSize) / pageSize;
        const frame = (pgtable.pmdPfn(pmd) + inside) as Pfn;
        for (let i = 0; i < (stop - address) / pageSize; i++) {
          const page = (frame + i) as Pfn;
          // pmd_page(), not vm_normal_page_pmd(): the huge zero folio shows as a file page.
          into[(address - start) / pageSize + i] = BigInt(page) | PM_PRESENT | pageBits(vma, page);
        }
      },
      pte(address: Va, pte: bigint) {
        const at = (address - start) / pageSize;
        if (pteIsSwap(pte)) into[at] = BigInt(swpType(pte)) | (BigInt(swpOffset(pte)) << MAX_SWAPFILES_SHIFT) | PM_SWAP;
        if (!ptePresent(pte)) return;
        const page = vmNormalPage(vma, pte);
        into[at] = BigInt(pgtable.ptePfn(pte)) | PM_PRESENT | (page === NO_PFN ? 0n : pageBits(vma, page));
      },
    });
  }
}
