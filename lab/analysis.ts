/**
 * What an analysis of a run is: something that listens while the program runs and has its own result afterwards. `run` makes those that
 * its options ask for; createMachine() and runProgram() know no more of them than this.
 */
import type { Granule } from "../emulator/arch/granule.js";
import type { Engine } from "../emulator/engine/engine.js";
import type { PhysicalMemory } from "../emulator/memory/physical-memory.js";
import type { Mmu } from "../emulator/mmu/mmu.js";
import type { TlbListener } from "../emulator/mmu/tlb-listener.js";
import type { MmObserver } from "../kernel-model/mm/observer.js";
import type { Machine } from "./machine.js";

/** The machine as far as it exists when the TLB models have been made. */
export interface AnalysisParts {
  readonly memory: PhysicalMemory;
  readonly granule: Granule;
  readonly engine: Engine;
  readonly mmus: readonly Mmu[];
}

export interface Analysis {
  /** The engine keeps the PC of each trace record. */
  readonly needsPcs?: boolean;
  /** Pages of data, and of code, that the trace filter may hold before this listener (EngineOptions.filterPages, fetchPages). */
  readonly filterPages?: number;
  /** Instructions between two calls of `sample`, at most. */
  readonly sampleEvery?: number;
  readonly observer?: Partial<MmObserver>;
  /** A listener in place of the first TLB model, to which it passes everything on. One analysis of a run may have it. */
  around?(parts: AnalysisParts): TlbListener;
  /** A listener beside the TLB models. */
  beside?(parts: AnalysisParts): TlbListener;
  /** The machine is complete, nothing has run. */
  attach?(machine: Machine): void;
  /** The program runs; the engine's counters are exact. */
  sample?(machine: Machine): void;
  /** The program has ended, the machine has not been shut down. */
  finish?(machine: Machine): void;
}
