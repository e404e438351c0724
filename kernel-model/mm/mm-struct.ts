/**
 * mm_struct: one address space. State only; the work is done by the files of mm/.
 *
 * Linux: include/linux/mm_types.h struct mm_struct.
 */
import type { Pa, Va } from "../../emulator/arch/addr.js";
import type { MemorySystem } from "./memory-system.js";
import type { Userfault } from "./userfaultfd-context.js";
import type { VmaTree } from "./vma-tree.js";
import type { Vma } from "./vma.js";

/** RSS counters. Linux: include/linux/mm_types_task.h. */
export const MM_FILEPAGES = 0;
export const MM_ANONPAGES = 1;
export const MM_SWAPENTS = 2;
export const MM_SHMEMPAGES = 3;
export const NR_MM_COUNTERS = 4;

export interface MmStruct {
  /** Number for reports, unique per run. */
  readonly id: number;
  readonly sys: MemorySystem;
  /** Table of the start level. */
  readonly pgd: Pa;
  readonly vmas: VmaTree;
  /** mm_context: generation << 16 | ASID, 0 before the first switch; written by mmu-context.ts. */
  contextId: number;
  /** mm_users: tasks that share this mm. The address space is torn down at 0. */
  users: number;
  /** Pages by kind, MM_*; equals the present entries of the tables, checked in tests. */
  readonly rss: Int32Array;
  /** Bytes of page-table pages (mm->pgtables_bytes). */
  pgtablesBytes: number;
  hiwaterRss: number;
  /** Highest totalVm so far, pages. */
  hiwaterVm: number;
  /** Pages of all areas; data, exec and stack: those that is_data_mapping() and relatives count; locked: those of VM_LOCKED areas. */
  totalVm: number;
  dataVm: number;
  execVm: number;
  stackVm: number;
  lockedVm: number;
  /** Default VM_LOCKED | VM_LOCKONFAULT for new areas (mlockall). */
  defFlags: number;
  startCode: Va;
  endCode: Va;
  startData: Va;
  endData: Va;
  startBrk: Va;
  brk: Va;
  startStack: Va;
  argStart: Va;
  argEnd: Va;
  envStart: Va;
  envEnd: Va;
  /** Top of the area that mmap fills downwards, or bottom of the one that it fills upwards. */
  mmapBase: Va;
  /** MMF_TOPDOWN: false for the legacy layout (unlimited stack). */
  topDown: boolean;
  /** End of user addresses (TASK_SIZE). */
  taskSize: Va;
  vdsoBase: Va;
  /** The auxiliary vector as written to the stack, for /proc/PID/auxv. */
  savedAuxv: readonly bigint[];
  /** prctl(PR_SET_THP_DISABLE). */
  thpDisabled: boolean;
  /** This mm holds a reference on the huge zero folio (MMF_HUGE_ZERO_PAGE); written by huge-memory.ts, dropped by mmPut. */
  hugeZeroHeld: boolean;
  /** The memory cgroup that pays for this mm: number in MemCgroups.names. */
  memcg: number;
  /** What the task that has just raised a fault must wait for before it tries again; taken by the kernel's main loop. */
  userfaultWait?: Userfault | undefined;
  /** prctl(PR_SET_MDWE) bits. */
  mdwe: number;
  /** MEMBARRIER_CMD_REGISTER_* bits of what the process has registered for; written by membarrier(). */
  membarrier: number;
  /** A TLB flush was deferred by reclaim; the next zap, mprotect or mremap flushes the mm (mm->tlb_flush_batched). */
  tlbFlushBatched: boolean;
  /** Address of the stack area while exec still builds it (vma_is_temporary_stack). */
  temporaryStack: Vma | undefined;
  /** RLIMIT values that mm code reads, bytes; Infinity = unlimited. Shared with the task's rlimits. */
  readonly rlimits: MmLimits;
  /** Faults of all tasks of this mm. */
  minFlt: number;
  majFlt: number;
}

export interface MmLimits {
  stack: number;
  data: number;
  /** Hard limit of RLIMIT_DATA. */
  dataMax: number;
  as: number;
  memlock: number;
  /** The task holds CAP_IPC_LOCK and CAP_SYS_ADMIN: memlock does not bind it, strict overcommit keeps no reserve from it. */
  privileged: boolean;
}
