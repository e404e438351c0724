/**
 * One round of khugepaged's work. Who gives it time is kernel/khugepaged.ts.
 *
 * Linux: mm/khugepaged.c khugepaged_scan_mm_slot(), khugepaged_do_scan(). Anonymous memory only.
 */
import { alignDown, alignUp, type Va } from "../../emulator/arch/addr.js";
import { TVA_ENFORCE_SYSFS, thpVmaAllowableOrders } from "./huge-memory.js";
import { nextSlot } from "./khugepaged-slots.js";
import { collapseRange } from "./khugepaged.js";
import type { MemorySystem } from "./memory-system.js";
import { vmaIsAnonymous, type Vma } from "./vma.js";

function mayCollapse(vma: Vma): boolean {
  return vmaIsAnonymous(vma) && thpVmaAllowableOrders(vma, vma.flags, TVA_ENFORCE_SYSFS, 2 ** vma.mm.sys.granule.pmdOrder) !== 0;
}

/** Scan the current slot for at most `pages` pages. Returns how far that went, in pages. Linux: khugepaged_scan_mm_slot(). */
function scanMmSlot(sys: MemorySystem, pages: number): number {
  const state = sys.hugeMemory.khugepaged;
  const { pmdSize, ptrsPerTable } = sys.granule;
  const { khugepaged: knobs } = sys.thp;
  state.slot ??= [...state.slots][0];
  const mm = state.slot!;
  let progress = 1;
  for (let vma = mm.vmas.find(state.address as Va); vma !== undefined; vma = mm.vmas.next(vma)) {
    if (!mayCollapse(vma)) {
      progress++;
      continue;
    }
    const end = alignDown(vma.end, pmdSize);
    let at = alignUp(Math.max(vma.start, state.address) as Va, pmdSize);
    for (; at < end; at = (at + pmdSize) as Va) {
      if (progress >= pages) {
        state.address = at;
        return progress;
      }
      if (collapseRange(vma, at, knobs) === "succeed") knobs.pagesCollapsed++;
      progress += ptrsPerTable;
    }
    state.address = vma.end;
  }
  nextSlot(sys);
  return progress;
}

/** One round: pages_to_scan pages, or all that there is once. False: there is nothing to scan. Linux: khugepaged_do_scan(). */
export function khugepagedDoScan(sys: MemorySystem): boolean {
  const state = sys.hugeMemory.khugepaged;
  const { pagesToScan } = sys.thp.khugepaged;
  let passes = 0;
  for (let progress = 0; progress < pagesToScan && state.slots.size > 0; ) {
    if (state.slot === undefined && ++passes >= 2) break;
    progress += scanMmSlot(sys, pagesToScan - progress);
  }
  return state.slots.size > 0;
}
