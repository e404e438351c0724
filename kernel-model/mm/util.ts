/**
 * Commit accounting and the layout of an address space.
 *
 * Linux: mm/util.c __vm_enough_memory(), arch_pick_mmap_layout(); arch/arm64/include/asm/processor.h.
 */
import { alignDown, alignUp, type Va } from "../../emulator/arch/addr.js";
import { ENOMEM } from "../errno.js";
import type { File } from "../fs/file.js";
import type { MemorySystem } from "./memory-system.js";
import type { MmStruct } from "./mm-struct.js";

/** Default vm.overcommit_ratio, percent of RAM that strict overcommit allows. */
const OVERCOMMIT_RATIO = 50;
const KIB = 1024;
const MIB = 1024 * KIB;

/** totalram_pages(): frames that the allocator manages. */
export function totalramPages(sys: MemorySystem): number {
  return sys.buddy.nrManaged;
}

export function vmAcctMemory(sys: MemorySystem, pages: number): void {
  sys.committedAs += pages;
}

export function vmUnacctMemory(sys: MemorySystem, pages: number): void {
  sys.committedAs -= pages;
}

/** total_swap_pages */
function totalSwapPages(sys: MemorySystem): number {
  return sys.swap?.pages ?? 0;
}

/** CommitLimit in pages: what strict overcommit (vm.overcommit_memory = 2) allows. Linux: vm_commit_limit(). */
export function vmCommitLimit(sys: MemorySystem): number {
  return Math.floor((totalramPages(sys) * OVERCOMMIT_RATIO) / 100) + totalSwapPages(sys);
}

/**
 * Charges `pages` to the commit account if the overcommit policy allows it: 0, or -ENOMEM with nothing charged.
 * Linux: security_vm_enough_memory_mm() -> __vm_enough_memory(). Differs: reserves of the administrator and the user are
 * the boot defaults, not tunable.
 */
export function vmEnoughMemory(mm: MmStruct, pages: number): number {
  const { sys } = mm;
  const { overcommitMemory } = sys.tunables;
  if (overcommitMemory === 0 && pages > totalramPages(sys) + totalSwapPages(sys)) return -ENOMEM;
  if (overcommitMemory === 2) {
    const { pageSize } = sys.granule;
    const ramKib = (totalramPages(sys) * pageSize) / KIB;
    const adminReserve = (Math.min(ramKib / 32, 8 * KIB) * KIB) / pageSize;
    const userReserve = (Math.min(ramKib / 32, 128 * KIB) * KIB) / pageSize;
    let allowed = vmCommitLimit(sys) - Math.min(Math.floor(mm.totalVm / 32), Math.floor(userReserve));
    if (!mm.rlimits.privileged) allowed -= Math.floor(adminReserve);
    if (sys.committedAs + pages >= allowed) return -ENOMEM;
  }
  vmAcctMemory(sys, pages);
  return 0;
}

/** Bytes that stay free below a growing stack: 256 pages. Linux: mm/mmap.c stack_guard_gap. */
export function stackGuardGap(sys: MemorySystem): number {
  return 256 * sys.granule.pageSize;
}

/** Lower end of the area that a bottom-up layout fills. */
export function taskUnmappedBase(mm: MmStruct): Va {
  return alignUp(mm.taskSize / 4, mm.sys.granule.pageSize) as Va;
}

/**
 * Chooses where mmap places areas: downwards from below the stack's limit plus guard gap, at least 128 MiB and at most 5/6 of
 * the address space below its top; upwards from a quarter of it if the stack is unlimited. No randomisation.
 * Linux: arch_pick_mmap_layout(), mmap_base(). The 47- and 48-bit kernels have STACK_TOP = TASK_SIZE.
 */
export function archPickMmapLayout(mm: MmStruct): void {
  const { pageSize } = mm.sys.granule;
  const stackTop = mm.taskSize;
  if (mm.rlimits.stack === Infinity) {
    mm.mmapBase = taskUnmappedBase(mm);
    mm.topDown = false;
    return;
  }
  const maxGap = Math.floor(stackTop / 6) * 5;
  const wanted = mm.rlimits.stack + stackGuardGap(mm.sys);
  const gap = Math.min(Math.max(wanted, Math.min(128 * MIB, maxGap)), maxGap);
  mm.mmapBase = alignUp(alignDown(stackTop, pageSize) - gap, pageSize) as Va;
  mm.topDown = true;
}

/**
 * The task owns the file or could open it for writing: only then mincore() and MADV_PAGEOUT tell or touch its page cache.
 * Linux: file_owner_or_capable(), file_permission(MAY_WRITE). Differs: without privilege, only a description open for writing counts.
 */
export function mayWriteFile(mm: MmStruct, file: File): boolean {
  return mm.rlimits.privileged || file.writable;
}
