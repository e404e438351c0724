/**
 * The parts of one machine's memory management, made once by `createMemorySystem()` and reached from every mm_struct.
 *
 * Linux keeps these as globals; here a record, so that two machines can live in one process and tests build small ones.
 */
import type { Pfn } from "../../emulator/arch/addr.js";
import type { CpuFeatures } from "../../emulator/arch/cpu-features.js";
import type { Granule } from "../../emulator/arch/granule.js";
import type { PhysicalMemory } from "../../emulator/memory/physical-memory.js";
import type { Pgtable } from "../arch/arm64/pgtable.js";
import type { TlbFlush } from "../arch/arm64/tlbflush.js";
import type { MmuContext } from "../arch/arm64/mmu-context.js";
import type { AddressSpace } from "../fs/file.js";
import type { AnonVma } from "./anon-vma.js";
import type { HugeMemoryState } from "./huge-memory-state.js";
import type { LruVecs } from "./lruvec.js";
import type { MemCgroups } from "./memcontrol.js";
import type { MmObserver } from "./observer.js";
import type { PageAllocator } from "./page-alloc.js";
import type { Pages } from "./page.js";
import type { LruBatches } from "./swap-lru.js";
import type { SwapInfo } from "./swapfile.js";
import type { TransparentHugepage } from "./transparent-hugepage.js";
import type { VmStat } from "./vmstat.js";

export interface MemorySystem {
  readonly granule: Granule;
  readonly cpu: CpuFeatures;
  readonly memory: PhysicalMemory;
  readonly pages: Pages;
  readonly buddy: PageAllocator;
  /** The ptep API: the contpte layer over raw entries, or raw entries alone when contpte is off. */
  readonly pgtable: Pgtable;
  readonly tlb: TlbFlush;
  readonly mmuContext: MmuContext;
  readonly vmstat: VmStat;
  /** LRU lists of every memory cgroup. */
  readonly lru: LruVecs;
  readonly lruBatches: LruBatches;
  readonly memcgs: MemCgroups;
  /** The swap area; undefined without one. */
  readonly swap: SwapInfo | undefined;
  /** THP knobs and per-size counters. */
  readonly thp: TransparentHugepage;
  /** Tunables of mm that are not THP's; names as in /proc/sys/vm and debugfs. */
  readonly tunables: MmTunables;
  /** The shared zero page (empty_zero_page), reserved. */
  readonly zeroPfn: Pfn;
  /** Objects that Pages.mapping names: an anon_vma or an address_space. Index 0 is unused. */
  readonly mappings: Mappings;
  /** The frame's contents were changed by the kernel side: the engine must forget code translated from it. */
  readonly frameWritten: (page: Pfn) => void;
  /** vm_committed_as: pages of all VM_ACCOUNT areas (Committed_AS). Written by util.ts. */
  committedAs: number;
  /** mm_structs made so far; the number of the newest. Written by mm-lifecycle.ts. */
  nrMms: number;
  observer: MmObserver | undefined;
  /** Huge zero folio, deferred split queue and deposited page tables; made by createHugeMemoryState(). */
  readonly hugeMemory: HugeMemoryState;
  /** Fault counters of the task that runs now (current->min_flt, maj_flt); set by the scheduler, undefined before the first task. */
  current: TaskFaults | undefined;
}

/** What mm_account_fault() counts for the task that raised the fault. */
export interface TaskFaults {
  minFlt: number;
  majFlt: number;
}

export interface MmTunables {
  /** /sys/kernel/debug/fault_around_bytes, default 65536. */
  faultAroundBytes: number;
  /** read_ahead_kb of every backing device, default 128. */
  readAheadKb: number;
  /** false: the behaviour before the series' batch patches, one page at a time in fork and zap (--batch off). */
  readonly batch: boolean;
  /** vm.overcommit_memory. */
  overcommitMemory: 0 | 1 | 2;
  /** vm.max_map_count, default 65530. */
  maxMapCount: number;
  /** vm.mmap_min_addr, default 65536 on Debian (32768 upstream default 4096). */
  mmapMinAddr: number;
}

export interface Mappings {
  /** Register an object and get the identifier to store in Pages.mapping. */
  allocate(object: AnonVma | AddressSpace): number;
  /** Announce an identifier first, for objects that carry it as a readonly field. */
  reserve(): number;
  put(id: number, object: AnonVma | AddressSpace): void;
  anonVma(id: number): AnonVma;
  addressSpace(id: number): AddressSpace;
  /** All page caches that exist, by identifier: for sync, drop_caches and reclaim. */
  addressSpaces(): AddressSpace[];
  release(id: number): void;
}
