/**
 * Moving page-table entries from one address range to another.
 *
 * Linux: mm/mremap.c move_page_tables(), move_ptes(), move_normal_pmd(), move_normal_pud(), try_realign_addr(). Whole tables
 * move where source and destination are congruent to the size that one holds; else 6.12 moves entry by entry.
 */
import type { Pa, Va } from "../../emulator/arch/addr.js";
import { tableIndex, type Level } from "../../emulator/arch/granule.js";
import { pmdNone, pmdTable, pmdTransHuge, ptePresent } from "../arch/arm64/pte.js";
import { moveHugePmd, splitHugePmd } from "./huge-pmd.js";
import type { MmStruct } from "./mm-struct.js";
import { firstTable, tableAt } from "./page-walk.js";
import { flushTlbBatchedPending } from "./rmap.js";
import type { Vma } from "./vma.js";

/** Entries [oldAddr, oldAddr + len) of one table go to one table; then the source range is flushed, once. Linux: move_ptes(). */
function movePtes(vma: Vma, oldPmd: bigint, oldAddr: number, newPmd: bigint, newAddr: number, len: number): void {
  const { mm } = vma;
  const { pgtable, tlb, granule } = mm.sys;
  let oldPte = pgtable.pteOffset(oldPmd, oldAddr as Va) as number;
  let newPte = pgtable.pteOffset(newPmd, newAddr as Va) as number;
  let forceFlush = false;
  flushTlbBatchedPending(mm);
  for (let offset = 0; offset < len; offset += granule.pageSize, oldPte += 8, newPte += 8) {
    if (pgtable.rawIsNone(oldPte as Pa)) continue;
    pgtable.ptepGet(oldPte as Pa);
    const pte = pgtable.ptepGetAndClear(mm, (oldAddr + offset) as Va, oldPte as Pa);
    if (ptePresent(pte)) forceFlush = true;
    pgtable.setPteAt(mm, (newAddr + offset) as Va, newPte as Pa, pte);
  }
  if (forceFlush) tlb.flushTlbRangeAllLevels(mm, oldAddr as Va, (oldAddr + len) as Va);
}

/** A level-3 table changes its place as a whole. Linux: move_normal_pmd(). */
function moveNormalPmd(mm: MmStruct, oldAddr: number, oldPmdp: Pa, newPmdp: Pa): boolean {
  const { pgtable, tlb, granule } = mm.sys;
  const pmd = pgtable.pmdpGet(oldPmdp);
  if (!pmdNone(pgtable.pmdpGet(newPmdp)) || !pmdTable(pmd)) return false;
  pgtable.rawSet(oldPmdp, 0n);
  pgtable.rawSet(newPmdp, pmd);
  tlb.flushTlbRangeAllLevels(mm, oldAddr as Va, (oldAddr + granule.pmdSize) as Va);
  return true;
}

/** Address of the level-1 entry for `addr`; -1 if there is no such level or a table above it is missing. */
function pudOffset(mm: MmStruct, addr: number): Pa | -1 {
  const { granule, memory } = mm.sys;
  if (granule.startLevel > 1) return -1;
  let table: Pa = mm.pgd;
  for (let level: Level = granule.startLevel; level < 1; level = (level + 1) as Level) {
    const child = tableAt(memory.u32, (table + tableIndex(granule.levels[level]!, addr as Va) * 8) as Pa, granule.pageSize);
    if (child === -1) return -1;
    table = child;
  }
  return (table + tableIndex(granule.levels[1]!, addr as Va) * 8) as Pa;
}

/**
 * A level-2 table changes its place as a whole, if the destination has a level-1 table with a free entry for it.
 * Linux: move_normal_pud(). Differs: Linux makes the missing level-1 table first; here such a move goes table by table.
 */
function moveNormalPud(mm: MmStruct, oldAddr: number, newAddr: number): boolean {
  const { pgtable, tlb, granule } = mm.sys;
  const oldPudp = pudOffset(mm, oldAddr);
  const newPudp = pudOffset(mm, newAddr);
  if (oldPudp === -1 || newPudp === -1 || pgtable.rawIsNone(oldPudp) || !pgtable.rawIsNone(newPudp)) return false;
  pgtable.rawSet(newPudp, pgtable.rawGet(oldPudp));
  pgtable.rawSet(oldPudp, 0n);
  tlb.flushTlbRangeAllLevels(mm, oldAddr as Va, (oldAddr + granule.levels[1]!.size) as Va);
  return true;
}

/** Bytes from here that stay within one entry of `size` bytes on both sides. Linux: get_extent(). */
function getExtent(size: number, oldAddr: number, oldEnd: number, newAddr: number): number {
  return Math.min(size - (oldAddr % size), oldEnd - oldAddr, size - (newAddr % size));
}

/** Rounding `addr` down to `size` touches no other area: it starts `vma`, and below it nothing is mapped. Linux: can_align_down(). */
function canAlignDown(vma: Vma, addr: number, size: number): boolean {
  return vma.start === addr && vma.mm.vmas.findIntersection(addr - (addr % size), addr) === undefined;
}

/**
 * Moves the entries of [oldAddr, oldAddr + len) in `vma` to newAddr in `newVma`. Returns the bytes done: less than `len` if a
 * table could not be made. Differs: exec builds the stack at its final place, so it is never shifted within one area.
 */
export function movePageTables(vma: Vma, oldAddr: Va, newVma: Vma, newAddr: Va, len: number): number {
  const { mm } = vma;
  const { pgtable, granule } = mm.sys;
  const { pmdSize } = granule;
  const pudSize = granule.levels[1]?.size ?? Infinity;
  const oldEnd = oldAddr + len;
  let from: number = oldAddr;
  let to: number = newAddr;
  if (len === 0) return 0;
  // Both start at the same place within a table and nothing lies before them in it: move the whole first table.
  const within = from % pmdSize;
  if (len >= pmdSize - within && within !== 0 && within === to % pmdSize) {
    if (canAlignDown(vma, from, pmdSize) && canAlignDown(newVma, to, pmdSize)) {
      from -= within;
      to -= within;
    }
  }
  while (from < oldEnd) {
    const populated = Math.min(firstTable(mm, from, oldEnd), oldEnd);
    to += populated - from;
    from = populated;
    if (from >= oldEnd) break;
    if (getExtent(pudSize, from, oldEnd, to) === pudSize && moveNormalPud(mm, from, to)) {
      from += pudSize;
      to += pudSize;
      continue;
    }
    const extent = getExtent(pmdSize, from, oldEnd, to);
    const oldPmdp = pgtable.pmdOffset(mm, from as Va);
    if (!pmdNone(pgtable.pmdpGet(oldPmdp))) {
      const newPmdp = pgtable.pmdAlloc(mm, to as Va);
      if (newPmdp === -1) break;
      if (!moveOnePmd(vma, oldPmdp, from, newPmdp, to, extent)) break;
    }
    from += extent;
    to += extent;
  }
  return Math.max(0, len + from - oldEnd);
}

/** The part of one level-2 entry: false if a level-3 table could not be made. */
function moveOnePmd(vma: Vma, oldPmdp: Pa, from: number, newPmdp: Pa, to: number, extent: number): boolean {
  const { mm } = vma;
  const { pgtable, granule } = mm.sys;
  const whole = extent === granule.pmdSize;
  if (pmdTransHuge(pgtable.pmdpGet(oldPmdp))) {
    if (whole && moveHugePmd(vma, from as Va, to as Va, oldPmdp, newPmdp)) return true;
    splitHugePmd(vma, oldPmdp, from as Va);
  } else if (whole && moveNormalPmd(mm, from, oldPmdp, newPmdp)) {
    return true;
  }
  const oldPmd = pgtable.pmdpGet(oldPmdp);
  if (pmdNone(oldPmd)) return true;
  if (!pgtable.pteAlloc(mm, newPmdp)) return false;
  movePtes(vma, oldPmd, from, pgtable.pmdpGet(newPmdp), to, extent);
  return true;
}
