/**
 * The address spaces that khugepaged goes through.
 *
 * Linux: mm/khugepaged.c __khugepaged_enter(), __khugepaged_exit(); include/linux/khugepaged.h khugepaged_fork(). A slot is entered by a fault in
 * an area that may get PMD mappings and by MADV_HUGEPAGE.
 */
import type { MemorySystem } from "./memory-system.js";
import type { MmStruct } from "./mm-struct.js";

/** An area of `mm` may get PMD mappings: it is scanned from now on. */
export function khugepagedEnter(mm: MmStruct): void {
  const { khugepaged } = mm.sys.hugeMemory;
  khugepaged.slots.add(mm);
  khugepaged.wakeUp?.();
}

/** A forked child is scanned if its parent is. */
export function khugepagedFork(mm: MmStruct, oldmm: MmStruct): void {
  const { slots } = mm.sys.hugeMemory.khugepaged;
  if (slots.has(oldmm)) slots.add(mm);
}

/** The address space goes. */
export function khugepagedExit(mm: MmStruct): void {
  const state = mm.sys.hugeMemory.khugepaged;
  if (state.slot === mm) nextSlot(mm.sys);
  state.slots.delete(mm);
}

/** On to the slot behind the current one; behind the last one a full scan is complete. */
export function nextSlot(sys: MemorySystem): void {
  const state = sys.hugeMemory.khugepaged;
  const slots = [...state.slots];
  const after = state.slot === undefined ? 0 : slots.indexOf(state.slot) + 1;
  state.slot = slots[after];
  state.address = 0;
  if (state.slot === undefined) sys.thp.khugepaged.fullScans++;
}
