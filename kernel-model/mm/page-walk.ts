/**
 * Finding the parts of an address range that have page tables.
 *
 * Linux: the pgd/p4d/pud loops that every walker of mm/ repeats (pgd_none_or_clear_bad() and relatives).
 */
import type { Pa, Va } from "../../emulator/arch/addr.js";
import { tableIndex } from "../../emulator/arch/granule.js";
import type { MmStruct } from "./mm-struct.js";

/** Address of the table that the descriptor at `entry` points to; -1 if the entry is none. Tables lie below 4 GiB. */
export function tableAt(u32: Uint32Array, entry: Pa, pageSize: number): Pa | -1 {
  const low = u32[entry / 4]!;
  if ((low & 1) === 0) return -1;
  return (low - (low % pageSize)) as Pa;
}

/** The first address from `start` on whose level-2 entry exists; `end` or beyond if there is none. Ranges without tables are skipped whole. */
export function firstTable(mm: MmStruct, start: number, end: number): number {
  const { granule, memory } = mm.sys;
  const { levels } = granule;
  let addr = start;
  next: while (addr < end) {
    let table: Pa = mm.pgd;
    for (let level = granule.startLevel as number; level < 2; level++) {
      const geometry = levels[level]!;
      const child = tableAt(memory.u32, (table + tableIndex(geometry, addr as Va) * 8) as Pa, granule.pageSize);
      if (child === -1) {
        addr = addr - (addr % geometry.size) + geometry.size;
        continue next;
      }
      table = child;
    }
    return addr;
  }
  return addr;
}

/**
 * Calls `visit` for every level-2 entry of the range that is not empty, with its part of the range. An entry that the visit before
 * has emptied is left out. Linux: mm/pagewalk.c walk_page_range() with a pmd_entry.
 */
export function forEachPmd(mm: MmStruct, start: number, end: number, visit: (pmdp: Pa, addr: Va, next: Va) => void): void {
  const { pgtable, granule } = mm.sys;
  let addr = start;
  while ((addr = firstTable(mm, addr, end)) < end) {
    const next = Math.min(addr - (addr % granule.pmdSize) + granule.pmdSize, end);
    const pmdp = pgtable.pmdOffset(mm, addr as Va);
    if (!pgtable.rawIsNone(pmdp)) visit(pmdp, addr as Va, next as Va);
    addr = next;
  }
}
