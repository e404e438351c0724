/**
 * The one wiring file: a machine is guest RAM, an engine, a CPU with its TLB models, the kernel's mm, a file system tree and a kernel.
 */
import { cpuIdentity, HWCAP_CPUID, HWCAP_EVTSTRM } from "../emulator/arch/cpu-identity.js";
import { ConfigError, ModelBug } from "../emulator/arch/errors.js";
import { Cpu } from "../emulator/cpu.js";
import type { Granule } from "../emulator/arch/granule.js";
import type { Engine, EntryOrders } from "../emulator/engine/engine.js";
import { filterPagesFor, heldLimit } from "../emulator/engine/trace-filter.js";
import type { PhysicalMemory } from "../emulator/memory/physical-memory.js";
import { firstLevelOf, type CorePreset } from "../emulator/mmu/cores.js";
import { grouped } from "../emulator/mmu/mmu-group.js";
import { Mmu } from "../emulator/mmu/mmu.js";
import { entryOrders, orderMade } from "../emulator/mmu/tlb-cells.js";
import type { TlbListener } from "../emulator/mmu/tlb-listener.js";
import type { TlbSpec } from "../emulator/mmu/tlb.js";
import { TlbStorage } from "../emulator/mmu/tlb-storage.js";
import { UnitIndex } from "../emulator/mmu/unit-index.js";
import type { Streams } from "../kernel-model/fs/console.js";
import { GtDevice } from "../kernel-model/fs/gt-device.js";
import { buildNamespace, type EmptyMount, type HostView, type Namespace, type TreeType } from "../kernel-model/fs/mounts.js";
import { Kernel, type KernelOptions } from "../kernel-model/kernel/kernel.js";
import { createMemorySystem } from "../kernel-model/mm/memory-system-create.js";
import type { MemorySystem } from "../kernel-model/mm/memory-system.js";
import type { MmStruct } from "../kernel-model/mm/mm-struct.js";
import type { MmObserver } from "../kernel-model/mm/observer.js";
import type { TransparentHugepage } from "../kernel-model/mm/transparent-hugepage.js";
import { createSyscallTable } from "../kernel-model/syscalls/table.js";
import type { Analysis, AnalysisParts } from "./analysis.js";
import { configGranule, type RunConfig } from "./config.js";
import type { EngineFactory } from "./wasm-on-memory.js";
import { FanOut } from "./observers/fan-out.js";
import { attachChecker } from "./observers/checker.js";
import { FaultCounter } from "./observers/fault-counter.js";
export interface Machine {
  readonly config: RunConfig;
  readonly memory: PhysicalMemory;
  readonly engine: Engine;
  readonly cores: readonly CorePreset[];
  /** One TLB model per core, the kernel's CPU first; those of the guest's first CPU. */
  readonly mmus: readonly Mmu[];
  readonly cpu: Cpu;
  readonly sys: MemorySystem;
  readonly namespace: Namespace;
  readonly kernel: Kernel;
  readonly faults: FaultCounter;
  /** Free frames before anything was loaded. */
  readonly framesAtStart: number;
  /** End all processes, unmount everything, free the engine; returns the frames that did not come back, 0 unless the model leaks. */
  shutdown(): number;
}

export interface MachineParts {
  readonly config: RunConfig;
  /** The presets of `config.cores`, the CPU that the kernel runs on first. */
  readonly cores: readonly CorePreset[];
  /** Makes the engine of `config.engine`. */
  readonly createEngine: EngineFactory;
  readonly streams: Streams;
  /** Folio policy of the root and of what the guest sees of the host. */
  readonly rootType: TreeType;
  readonly view: HostView;
  readonly mounts: readonly EmptyMount[];
  readonly observers?: readonly Partial<MmObserver>[];
  /** Offer the recording device /proc/gt. */
  readonly recordingDevice?: boolean;
  /** Kernel page-table isolation. Default off. */
  readonly kpti?: boolean;
  /** Work round broken completion of broadcast TLBI. Default off. */
  readonly repeatTlbi?: boolean;
  readonly analyses?: readonly Analysis[];
  /** cgroup2: where it is mounted, and its groups beside the root. */
  readonly memoryCgroups?: { readonly directory: string; readonly names: readonly string[] };
  /** Asked first when the program executes BRK; see KernelOptions. */
  readonly onBreakpoint?: KernelOptions["onBreakpoint"];
}

/** Write the THP knobs that the configuration names. Sizes not named keep Linux's defaults. */
export function applyThp(thp: TransparentHugepage, settings: RunConfig["thp"]): void {
  const set = (path: string, value: string): void => {
    if (thp.set(path, value) < 0) throw new ConfigError(`--thp: the kernel refuses ${value} for ${path}`);
  };
  set("enabled", settings.enabled);
  for (const [size, mode] of Object.entries(settings.sizes)) set(`hugepages-${Number(size) / 1024}kB/enabled`, mode);
}

/** The TLB models, the first of them with what an analysis puts around it, then what listens beside them. */
function listenersOf(analyses: readonly Analysis[], parts: AnalysisParts): TlbListener[] {
  const around = analyses.flatMap((analysis) => analysis.around?.(parts) ?? []);
  if (around.length > 1) throw new ModelBug("createMachine: two analyses around the first TLB model");
  const [inPlaceOfFirst] = around;
  const models = inPlaceOfFirst === undefined ? grouped(parts.mmus) : [inPlaceOfFirst, ...grouped(parts.mmus.slice(1))];
  return [...models, ...analyses.flatMap((analysis) => analysis.beside?.(parts) ?? [])];
}

/** What the limits on held pages ask for: the orders of the entries that these structures make of a translation. */
function entryOrdersOf(data: TlbSpec | undefined, code: TlbSpec | undefined, { pageSize }: Granule): (unitOrder: number, leafOrder: number) => EntryOrders {
  const [dataOrder, codeOrder] = [data, code].map((spec) => {
    if (spec === undefined) return () => 0;
    const orders = entryOrders(spec.pageSizes, spec.splinter === "page", pageSize);
    return (unitOrder: number, leafOrder: number): number => orderMade(orders, spec.contiguous === "whole", unitOrder, leafOrder);
  }) as [(unitOrder: number, leafOrder: number) => number, (unitOrder: number, leafOrder: number) => number];
  return (unitOrder, leafOrder) => ({ data: dataOrder(unitOrder, leafOrder), code: codeOrder(unitOrder, leafOrder) });
}

/** Builds a machine that is ready to spawn its program. Throws ConfigError for a configuration that cannot be. */
export function createMachine({ config, cores, createEngine, streams, rootType, view, mounts, observers = [], recordingDevice = false, kpti = false, repeatTlbi = false, memoryCgroups, analyses = [], onBreakpoint }: MachineParts): Machine {
  const granule = configGranule(config);
  const [main] = cores;
  if (main === undefined) throw new ConfigError("--core: at least one preset is needed");
  const unable = cores.find((core) => !core.granules.includes(granule.name));
  if (unable !== undefined) throw new ConfigError(`--core ${unable.name}: has no ${granule.name} pages (${unable.granules.join(", ")})`);
  const heldBack = Math.min(...analyses.map(({ filterPages = Infinity }) => filterPages));
  const data = filterPagesFor(cores.map((core) => firstLevelOf(core, "data")));
  const code = filterPagesFor(cores.map((core) => firstLevelOf(core, "instruction")));
  const { memory, engine, hwcap } = createEngine(config.memory, {
    pageSize: granule.pageSize,
    trace: true,
    filterPages: Math.min(data.pages, heldBack),
    fetchPages: Math.min(code.pages, heldBack),
    ...(data.limit === undefined ? {} : { filterLimit: heldLimit(data.limit) }),
    ...(code.limit === undefined ? {} : { fetchLimit: heldLimit(code.limit) }),
    tracePcs: analyses.some(({ needsPcs }) => needsPcs),
  });
  if (config.cpus > 1 && analyses.length > 0) throw new ConfigError("--cpus: --top, --report, --curve, --perfetto and --pprof look at one CPU only");
  const [mmus = [], ...others] = Array.from({ length: config.cpus }, (_, cpu) => {
    const index = new UnitIndex(TlbStorage.inMemory(cores.length));
    return cores.map((core, i) => new Mmu({ core, memory, granule, updatesDescriptors: i === 0, seed: config.seed + cpu, index }));
  });
  const listeners = listenersOf(analyses, { memory, granule, engine, mmus });
  const identity = cpuIdentity(main.name);
  const cpu = new Cpu({
    memory,
    granule,
    features: main.features,
    engine,
    hwcap: identity.hwcap & (hwcap | HWCAP_CPUID | HWCAP_EVTSTRM),
    hwcap2: 0,
    midr: identity.midr,
    mmus,
    listeners,
    others,
    ...(data.limit === undefined && code.limit === undefined ? {} : { entryOrders: entryOrdersOf(data.limit, code.limit, granule) }),
  });
  const faults = new FaultCounter();
  const sys = createMemorySystem({
    granule,
    cpu: main.features,
    memory,
    sink: cpu,
    contpte: config.contpte,
    batch: config.batch,
    kpti,
    repeatTlbi,
    cpus: config.cpus,
    swapBytes: config.swap,
    ...(memoryCgroups === undefined ? {} : { memoryCgroups: memoryCgroups.names }),
    frameWritten: (page) => {
      cpu.discardCode(page);
    },
    ...(config.fragment === undefined ? {} : { fragment: config.fragment }),
  });
  // The tree is made before the kernel that mounts it, and both before the device that asks the kernel for its tasks.
  const made: { kernel?: Kernel } = {};
  const gt = recordingDevice
    ? new GtDevice({
        currentPid: () => made.kernel?.current?.group.tgid ?? 0,
        mmOf: (pid) => made.kernel?.groups.get(pid)?.leader.mm,
      })
    : undefined;
  sys.observer = new FanOut([faults, ...(gt === undefined ? [] : [gt]), ...observers, ...analyses.flatMap(({ observer }) => (observer === undefined ? [] : [observer]))]);
  applyThp(sys.thp, config.thp);
  const framesAtStart = sys.buddy.nrFree;
  const namespace = buildNamespace({
    sys,
    kernel: () => made.kernel,
    rootType,
    view,
    mounts,
    streams,
    cpus: config.cpus,
    ...(gt === undefined ? {} : { gt }),
    ...(memoryCgroups === undefined ? {} : { cgroupDirectory: memoryCgroups.directory }),
  });
  const kernel = new Kernel({
    sys,
    processor: cpu,
    retired: () => engine.counters.instructions,
    syscalls: createSyscallTable(),
    root: namespace.root,
    cwd: namespace.cwd,
    mounter: namespace.mounter,
    standardStreams: namespace.standardStreams,
    seed: config.seed,
    quantum: config.quantum,
    jitter: config.jitter,
    randomizeAddresses: config.aslr,
    ...(onBreakpoint === undefined ? {} : { onBreakpoint }),
  });
  made.kernel = kernel;
  if (config.check) {
    const mms = (): MmStruct[] => [...new Set([...kernel.tasks.values()].flatMap(({ mm }) => (mm === undefined ? [] : [mm])))];
    attachChecker({ sys, sink: cpu, processor: cpu, mmus: [mmus, ...others].flat(), mms });
  }
  const machine: Machine = {
    config,
    memory,
    engine,
    cores,
    mmus,
    cpu,
    sys,
    namespace,
    kernel,
    faults,
    framesAtStart,
    shutdown() {
      kernel.shutdown();
      namespace.dispose();
      engine.dispose();
      return framesAtStart - sys.buddy.nrFree;
    },
  };
  for (const analysis of analyses) analysis.attach?.(machine);
  return machine;
}
