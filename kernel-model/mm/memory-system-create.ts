/**
 * Makes the memory management of one machine: allocator, page tables, TLB maintenance, counters and knobs, wired together.
 *
 * Linux: init/main.c mm_core_init() and the initcalls of mm/.
 */
import type { Pa, Pfn } from "../../emulator/arch/addr.js";
import type { CpuFeatures } from "../../emulator/arch/cpu-features.js";
import { ConfigError } from "../../emulator/arch/errors.js";
import type { Granule } from "../../emulator/arch/granule.js";
import type { PhysicalMemory } from "../../emulator/memory/physical-memory.js";
import type { TlbiSink } from "../../emulator/mmu/tlbi.js";
import { MmuContext } from "../arch/arm64/mmu-context.js";
import { Pgtable } from "../arch/arm64/pgtable.js";
import { TlbFlush } from "../arch/arm64/tlbflush.js";
import { createHugeMemoryState } from "./huge-memory-state.js";
import { LruVecs } from "./lruvec.js";
import { createMappings } from "./mappings.js";
import { MemCgroups } from "./memcontrol.js";
import type { MemorySystem } from "./memory-system.js";
import { PageAllocator } from "./page-alloc.js";
import { Pages } from "./page.js";
import { bindSwap } from "./swap-state.js";
import { SwapInfo } from "./swapfile.js";
import { TransparentHugepage } from "./transparent-hugepage.js";
import { type VmStatName, VmStat } from "./vmstat.js";

export interface MemorySystemOptions {
  readonly granule: Granule;
  readonly cpu: CpuFeatures;
  readonly memory: PhysicalMemory;
  /** Receives every TLBI and DSB. */
  readonly sink: TlbiSink;
  /** CONFIG_ARM64_CONTPTE. */
  readonly contpte: boolean;
  /** Batched fork and zap; false: one page at a time. Default true. */
  readonly batch?: boolean;
  /** The engine must forget code translated from this frame. Default: nobody listens. */
  readonly frameWritten?: (page: Pfn) => void;
  /** Fill freed frames with junk. Default false. */
  readonly poison?: boolean;
  readonly kpti?: boolean;
  /** CPUs, each with an address space of its own. Default 1. */
  readonly cpus?: number;
  readonly repeatTlbi?: boolean;
  /** Memory at the bottom that is never free, in bytes: room for the zero page. Default: two pages, the least. */
  readonly reservedBytes?: number;
  /** Fragmentation before anything runs; see PageAllocator.fragment(). */
  readonly fragment?: string;
  /** Size of the zram device that is swapped on, in bytes. Default: none. */
  readonly swapBytes?: number;
  /** Memory cgroups beside the root. */
  readonly memoryCgroups?: readonly string[];
}

/** vm.dirty_ratio and vm.dirty_background_ratio, percent. */
const VM_DIRTY_RATIO = 20;
const DIRTY_BACKGROUND_RATIO = 10;

/** Zone counters that equal the node's, for there is one zone: nr_zone_<name> = nr_<name>. */
const ZONE_LRU = ["inactive_anon", "active_anon", "inactive_file", "active_file", "unevictable"] as const;

/** One machine, booted and idle: all frames free but the reserved ones, frame 1 is the zero page. */
export function createMemorySystem(options: MemorySystemOptions): MemorySystem {
  const { granule, cpu, memory, sink, contpte, batch = true, frameWritten = () => undefined, poison = false, kpti = false, repeatTlbi = false, fragment } = options;
  const { pageSize } = granule;
  const reserved = Math.ceil((options.reservedBytes ?? 0) / pageSize);
  const firstFree = Math.max(reserved, 2) as Pfn;
  const nr = Math.floor(memory.bytes / pageSize);
  if (firstFree >= nr) throw new ConfigError(`createMemorySystem: ${memory.bytes} bytes of memory leave nothing behind ${firstFree} reserved pages`);
  const pages = new Pages(nr);
  const vmstat = new VmStat();
  const buddy = new PageAllocator({ pages, granule, memory, poison });
  buddy.init(firstFree);
  const zeroPfn = 1 as Pfn;
  memory.fill((zeroPfn * pageSize) as Pa, pageSize, 0);
  if (fragment !== undefined) buddy.fragment(fragment);
  const tlb = new TlbFlush({ granule, cpu, sink, kpti, repeatTlbi });
  provideCounters(vmstat, buddy, pageSize);
  const memcgs = new MemCgroups(options.memoryCgroups ?? []);
  const sys: MemorySystem = {
    granule,
    cpu,
    memory,
    pages,
    buddy,
    pgtable: new Pgtable({ memory, granule, cpu, pages, buddy, tlb, vmstat, contpte }),
    tlb,
    mmuContext: new MmuContext({ cpu, tlb, cpus: options.cpus ?? 1 }),
    vmstat,
    thp: new TransparentHugepage(granule),
    tunables: {
      faultAroundBytes: Math.max(65536, pageSize),
      readAheadKb: 128,
      batch,
      overcommitMemory: 0,
      maxMapCount: 65530,
      mmapMinAddr: 65536,
    },
    zeroPfn,
    mappings: createMappings(),
    frameWritten,
    committedAs: 0,
    observer: undefined,
    hugeMemory: createHugeMemoryState(),
    current: undefined,
    nrMms: 0,
    lru: new LruVecs(pages, memcgs.names.length),
    lruBatches: { deactivate: [], lazyfree: [], mlock: [] },
    memcgs,
    swap: options.swapBytes === undefined || options.swapBytes === 0 ? undefined : new SwapInfo(options.swapBytes, granule),
  };
  bindSwap(sys);
  return sys;
}

/** Counters that the allocator keeps, and those of the only zone and node. RAM below 4 GiB is ZONE_DMA on arm64. */
function provideCounters(vmstat: VmStat, buddy: PageAllocator, pageSize: number): void {
  vmstat.provide("nr_free_pages", () => buddy.nrFree);
  vmstat.provide("pgalloc_dma", () => buddy.nrAllocated);
  vmstat.provide("pgfree", () => buddy.nrFreed);
  vmstat.provide("numa_hit", () => buddy.nrAllocations);
  vmstat.provide("numa_local", () => buddy.nrAllocations);
  for (const name of ZONE_LRU) {
    const node: VmStatName = `nr_${name}`;
    vmstat.provide(`nr_zone_${name}`, () => vmstat.get(node));
  }
  /* domain_dirty_limits(): a share of the pages that are free above the reserve or in the page cache. */
  const dirtyLimit = (percent: number): number => {
    const available = Math.max(buddy.nrFree - buddy.watermarks.high, 0) + vmstat.get("nr_inactive_file") + vmstat.get("nr_active_file") + 1;
    return Math.floor((Math.floor((percent * pageSize) / 100) * available) / pageSize);
  };
  vmstat.provide("nr_dirty_threshold", () => dirtyLimit(VM_DIRTY_RATIO));
  vmstat.provide("nr_dirty_background_threshold", () => dirtyLimit(DIRTY_BACKGROUND_RATIO));
  vmstat.provide("nr_zone_write_pending", () => vmstat.get("nr_dirty") + vmstat.get("nr_writeback"));
}
