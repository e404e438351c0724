/**
 * Freeing page tables that no area needs any more.
 *
 * Linux: mm/memory.c free_pgtables(), free_pgd_range(). The rules for floor and ceiling are Linux's: a table goes only if
 * nothing between `floor` and `ceiling` outside the given range could use it.
 */
import type { Pa, Va } from "../../emulator/arch/addr.js";
import { tableIndex, type Level } from "../../emulator/arch/granule.js";
import type { MmStruct } from "./mm-struct.js";
import type { MmuGather } from "./mmu-gather.js";
import { tableAt } from "./page-walk.js";
import { unlinkAnonVmas } from "./rmap.js";
import type { Vma } from "./vma.js";

/**
 * Free what the table at `table` of `level` points to for [addr, end), and with it each lower table that lies wholly between
 * floor and ceiling.
 */
function freeRange(tlb: MmuGather, mm: MmStruct, table: Pa, level: Level, addr: number, end: number, floor: number, ceiling: number): void {
  const { granule, memory } = mm.sys;
  const geometry = granule.levels[level]!;
  while (addr < end) {
    const base = addr - (addr % geometry.size);
    const next = Math.min(base + geometry.size, end);
    const entry = (table + tableIndex(geometry, addr as Va) * 8) as Pa;
    const child = tableAt(memory.u32, entry, granule.pageSize);
    if (child !== -1) {
      if (level === 2) {
        mm.sys.pgtable.rawSet(entry, 0n);
        tlb.freeTable(3, child, addr);
      } else {
        freeRange(tlb, mm, child, (level + 1) as Level, addr, next, floor, ceiling);
        const roundedCeiling = ceiling - (ceiling % geometry.size);
        if (base >= floor && next <= roundedCeiling && roundedCeiling !== 0) {
          mm.sys.pgtable.rawSet(entry, 0n);
          tlb.freeTable((level + 1) as Level, child, base);
        }
      }
    }
    addr = next;
  }
}

/** free_pgd_range(). `ceiling`: the start of the next area, or the end of the address space. */
export function freePgdRange(tlb: MmuGather, start: number, end: number, floor: number, ceiling: number): void {
  const { mm } = tlb;
  const { pmdSize, startLevel } = mm.sys.granule;
  let addr = start - (start % pmdSize);
  if (addr < floor) addr += pmdSize;
  const top = ceiling - (ceiling % pmdSize);
  if (top === 0) return;
  if (end > top) end -= pmdSize;
  if (addr >= end) return;
  freeRange(tlb, mm, mm.pgd, startLevel, addr, end, floor, top);
}

/**
 * The areas (ascending, already out of the tree) go away: unlink them from their reverse mappings and free the page tables
 * between `floor` (end of the previous area that stays, or 0) and `ceiling` (start of the next one, or the end of user addresses).
 */
export function freePgtables(tlb: MmuGather, vmas: readonly Vma[], floor: Va, ceiling: Va): void {
  const { pmdSize } = tlb.mm.sys.granule;
  for (let i = 0; i < vmas.length; ) {
    const first = vmas[i]!;
    const { start } = first;
    let last = first;
    unlink(first);
    i++;
    // Neighbours are freed in one go, so that a table which they share is seen as unused.
    while (i < vmas.length && vmas[i]!.start <= last.end + pmdSize) {
      last = vmas[i]!;
      unlink(last);
      i++;
    }
    freePgdRange(tlb, start, last.end, floor, vmas[i]?.start ?? ceiling);
  }
}

function unlink(vma: Vma): void {
  unlinkAnonVmas(vma);
  vma.file?.inode.mapping?.mmaps.delete(vma);
}
