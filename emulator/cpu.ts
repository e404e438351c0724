/**
 * The CPUs of a machine: one engine that executes for all of them, and for each the translation tables it is told to use and the studied
 * TLBs that listen.
 *
 * Two roads meet here and do not mix. Functional: a translation miss of the engine is walked without side effects and cached
 * in the engine, or becomes an abort. Studied: the engine's access trace feeds every TLB model; the first of them makes the
 * hardware's updates of access flag and dirty state.
 *
 * One CPU executes at a time. The engine's own translations are dropped when a CPU with another address space takes over.
 */
import { alignDown, type Asid, type Pa, type Pfn, type Va } from "./arch/addr.js";
import type { CpuFeatures } from "./arch/cpu-features.js";
import { dataAbortEsr, instructionAbortEsr } from "./arch/esr.js";
import type { Granule } from "./arch/granule.js";
import { ModelBug, assertNever } from "./arch/errors.js";
import type { Access, Context, Engine, EntryOrders, Registers } from "./engine/engine.js";
import { ACCESS_FETCH, ACCESS_READ, ACCESS_WRITE, NO_ORDERS, OWN_DIRTY, PERM_WRITE } from "./engine/engine.js";
import { hearsWritesOnce } from "./engine/trace-filter.js";
import type { PhysicalMemory } from "./memory/physical-memory.js";
import { grouped } from "./mmu/mmu-group.js";
import type { Mmu } from "./mmu/mmu.js";
import type { TlbListener } from "./mmu/tlb-listener.js";
import type { Barrier, Tlbi } from "./mmu/tlbi.js";
import { isBroadcast, isByAddress, isEverything } from "./mmu/tlbi.js";
import { newWalkResult, walk } from "./mmu/walk.js";
import type { TranslationRegime, WalkResult } from "./mmu/walk.js";
import type { KernelAccess, Processor, Trap } from "./processor.js";

export interface CpuOptions {
  readonly memory: PhysicalMemory;
  readonly granule: Granule;
  readonly features: CpuFeatures;
  readonly engine: Engine;
  readonly hwcap: number;
  readonly hwcap2: number;
  readonly midr: number;
  /**
   * TLB models that listen to the trace. The first must make the descriptor updates (`updatesDescriptors`). Empty: no trace is
   * needed, and the functional road makes the updates when it caches a translation.
   */
  readonly mmus: readonly Mmu[];
  /**
   * Who hears the trace, the changes of tables and the maintenance, in this order, if not the `mmus` themselves: whatever stands around
   * one of them and passes everything on, and listeners of other kinds.
   */
  readonly listeners?: readonly TlbListener[];
  /** The TLB models of the CPUs behind the first, each as `mmus` are for the first. Default none. */
  readonly others?: readonly (readonly Mmu[])[];
  /**
   * What the limits on held pages ask for (EngineOptions.filterLimit): orders of the entries for a translation whose descriptor maps 2^leafOrder pages, and whose run
   * 2^unitOrder. Default: there are no limits.
   */
  readonly entryOrders?: (unitOrder: number, leafOrder: number) => EntryOrders;
}

/** What is a CPU's own. */
export interface CpuCore {
  readonly mmus: readonly Mmu[];
  readonly listeners: readonly TlbListener[];
  /** What executed here, up to the last change of CPUs. */
  readonly executed: { instructions: number; loads: number; stores: number };
  /** Broadcast TLBI that other CPUs have issued and this one has served, by mnemonic. */
  readonly received: Record<string, number>;
  regime: TranslationRegime;
}

/** Width of output addresses: 48 bits, as every CPU of the presets without FEAT_LPA2 in use. */
const OA_BITS = 48;
const NO_ASID = 0 as Asid;

export class Cpu implements Processor {
  readonly features: CpuFeatures;
  readonly hwcap: number;
  readonly hwcap2: number;
  readonly midr: number;
  readonly registers: Registers;
  readonly engine: Engine;
  /** TLB models of the first CPU. */
  readonly mmus: readonly Mmu[];
  /** TLBI operations by mnemonic and barriers by domain, as issued. */
  readonly tlbiCounts: Record<string, number> = {};
  readonly dsbCounts: Record<string, number> = {};
  /** One per CPU. */
  readonly cores: readonly CpuCore[];
  private core: CpuCore;
  /** The engine's counters when the executing CPU took over. */
  private since = { instructions: 0, loads: 0, stores: 0 };
  private readonly memory: PhysicalMemory;
  private readonly granule: Granule;
  private readonly entryOrders: (unitOrder: number, leafOrder: number) => EntryOrders;
  /** OWN_DIRTY, where no TLB model needs to hear of a second write. */
  private readonly ownDirty: number;
  private readonly result = newWalkResult();
  /** What the last abort was raised for, until the engine runs again. */
  private refused: { readonly at: Va; readonly access: Access; readonly regime: TranslationRegime } | undefined;
  /** How the functional road walks. */
  private readonly functional: { readonly sideEffects: boolean; readonly into: WalkResult };
  /** Level-2 blocks of which the engine caches pages, by first address: a TLBI by any address in one drops all of it. */
  private readonly blocks = new Set<number>();

  constructor(options: CpuOptions) {
    this.memory = options.memory;
    this.granule = options.granule;
    this.features = options.features;
    this.engine = options.engine;
    this.registers = options.engine.registers;
    this.hwcap = options.hwcap;
    this.hwcap2 = options.hwcap2;
    this.midr = options.midr;
    this.mmus = options.mmus;
    this.functional = { sideEffects: options.mmus.length === 0, into: this.result };
    this.entryOrders = options.entryOrders ?? (() => NO_ORDERS);
    const hearing = [options.mmus, ...(options.others ?? [])].flat();
    this.ownDirty = hearing.length > 0 && hearing.every(({ core }) => hearsWritesOnce(core)) ? OWN_DIRTY : 0;
    const makeCore = (mmus: readonly Mmu[], listeners: readonly TlbListener[]): CpuCore => ({
      mmus,
      listeners,
      executed: { instructions: 0, loads: 0, stores: 0 },
      received: {},
      regime: this.makeRegime(0 as Pa, NO_ASID),
    });
    this.cores = [makeCore(options.mmus, options.listeners ?? grouped(options.mmus)), ...(options.others ?? []).map((mmus) => makeCore(mmus, grouped(mmus)))];
    this.core = this.cores[0]!;
    this.listen();
  }

  get cpus(): number {
    return this.cores.length;
  }

  /** The trace goes to the listeners of the executing CPU. */
  private listen(): void {
    const { listeners } = this.core;
    if (listeners.length === 1) {
      const [only] = listeners as [TlbListener];
      this.engine.setTraceSink((words, count) => {
        only.consume(words, count);
      });
    } else {
      this.engine.setTraceSink((words, count) => {
        for (const listener of listeners) listener.consume(words, count);
      });
    }
  }

  selectCpu(cpu: number): void {
    const core = this.cores[cpu];
    if (core === undefined) throw new ModelBug(`Cpu.selectCpu: no CPU ${cpu}`);
    if (core === this.core) return;
    this.settle();
    // Threads of one process have the same translations on every CPU.
    const { ttbr0, asid } = this.core.regime;
    this.core = core;
    this.listen();
    if (core.regime.ttbr0 !== ttbr0 || core.regime.asid !== asid) this.forgetTranslations();
  }

  /** Bring the executing CPU's sums up to date. */
  settle(): void {
    const { instructions, loads, stores } = this.engine.counters;
    const { executed } = this.core;
    executed.instructions += instructions - this.since.instructions;
    executed.loads += loads - this.since.loads;
    executed.stores += stores - this.since.stores;
    this.since = { instructions, loads, stores };
  }

  private makeRegime(ttbr0: Pa, asid: Asid): TranslationRegime {
    return { granule: this.granule, ttbr0, asid, ha: this.features.hardwareAf, hd: this.features.hardwareDirty, oaBits: OA_BITS };
  }

  run(budget: number): Trap {
    const { engine } = this;
    this.retry();
    const end = engine.counters.instructions + budget;
    let left = budget;
    for (;;) {
      const exit = engine.run(left);
      switch (exit.reason) {
        case "svc":
          return { kind: "svc" };
        case "translation-miss": {
          const esr = this.resolve(exit.va, exit.access);
          if (esr !== 0) {
            this.refused = { at: exit.va, access: exit.access, regime: this.core.regime };
            return { kind: "abort", esr, far: exit.va };
          }
          left = end - engine.counters.instructions;
          break;
        }
        case "budget-spent":
          return { kind: "budget-spent" };
        case "undefined-instruction":
          return { kind: "undefined-instruction" };
        case "breakpoint":
          return { kind: "breakpoint" };
        case "alignment":
          return { kind: "alignment", far: exit.va };
        case "stopped":
          return { kind: "stopped" };
        default:
          return assertNever(exit, "Cpu.run");
      }
    }
  }

  /** The access that was refused last is going to be made again, if the kernel has served it: the engine need not miss it once more. */
  private retry(): void {
    const { refused } = this;
    if (refused === undefined) return;
    this.refused = undefined;
    // Where the walk itself sets AF and dirty state, the access has to be made.
    if (refused.regime === this.core.regime && !this.functional.sideEffects) this.resolve(refused.at, refused.access);
  }

  /** Cache the translation of `at` in the engine, or return the ESR of the abort that the access raises. */
  private resolve(at: Va, access: Access): number {
    const { result } = this;
    walk(this.memory, this.core.regime, at, access, this.functional);
    if (result.fault !== "none") {
      return access === ACCESS_FETCH ? instructionAbortEsr(0, result.fault, result.level) : dataAbortEsr(0, result.fault, result.level, access === ACCESS_WRITE);
    }
    if (result.level !== 3) this.blocks.add(alignDown(at, this.granule.pmdSize));
    // Without a listener no one would see a later first write, so it has to miss again to set the dirty state.
    const withheld = this.mmus.length === 0 && !result.dirty ? PERM_WRITE : 0;
    const perms = result.perms & ~withheld;
    const ownDirty = (perms & PERM_WRITE) !== 0 && result.level === 3 && !result.contiguous ? this.ownDirty : 0;
    this.engine.installTranslation(at, alignDown(result.pa as Pa, this.granule.pageSize), perms | ownDirty, this.entryOrders(result.unitOrder, result.leafOrder));
    return 0;
  }

  kernelAccess(at: Va, write: boolean): KernelAccess {
    const { result } = this;
    walk(this.memory, this.core.regime, at, write ? ACCESS_WRITE : ACCESS_READ, { sideEffects: true, into: result });
    if (result.fault !== "none") return { ok: false, esr: dataAbortEsr(1, result.fault, result.level, write) };
    return { ok: true, pa: result.pa as Pa };
  }

  setAddressSpace(ttbr0: Pa, asid: Asid): void {
    const { core } = this;
    if (core.regime.ttbr0 === ttbr0 && core.regime.asid === asid) return;
    core.regime = this.makeRegime(ttbr0, asid);
    for (const listener of core.listeners) listener.setRegime(core.regime);
    this.forgetTranslations();
  }

  private forgetTranslations(): void {
    this.blocks.clear();
    this.engine.invalidateAll();
  }

  discardCode(frame: Pfn): void {
    this.engine.discardCode(frame);
  }

  tlbi(operation: Tlbi): void {
    this.tlbiCounts[operation.op] = (this.tlbiCounts[operation.op] ?? 0) + 1;
    if (this.cores.length === 1 || !isBroadcast(operation.op)) for (const listener of this.core.listeners) listener.tlbi(operation);
    else this.broadcast(operation);
    if (!isEverything(operation.op) && operation.asid !== this.core.regime.asid) return;
    if (!isByAddress(operation.op)) {
      this.forgetTranslations();
      return;
    }
    this.engine.invalidateRange(operation.start, operation.end);
    if (this.blocks.size > 0) this.forgetBlocks(operation.start, operation.end);
  }

  /** Arm: D8.17, the Inner Shareable forms: every CPU of the domain performs the operation, the issuing one too. */
  private broadcast(operation: Tlbi): void {
    for (const core of this.cores) {
      for (const listener of core.listeners) listener.tlbi(operation);
      if (core !== this.core) core.received[operation.op] = (core.received[operation.op] ?? 0) + 1;
    }
  }

  /** Drop every block that the range touches. Arm: a TLBI by address reaches the entry that translates it, whatever its size. */
  private forgetBlocks(start: number, end: number): void {
    const { pmdSize } = this.granule;
    for (let block = start - (start % pmdSize); block < end; block += pmdSize) {
      if (this.blocks.delete(block)) this.engine.invalidateRange(block as Va, (block + pmdSize) as Va);
    }
  }

  dsb(domain: Barrier): void {
    this.dsbCounts[domain] = (this.dsbCounts[domain] ?? 0) + 1;
  }

  saveContext(into: Context): void {
    this.engine.saveContext(into);
  }

  restoreContext(from: Context): void {
    this.engine.restoreContext(from);
  }
}
