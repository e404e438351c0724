/**
 * The processor as the kernel sees it: an engine, the translation tables it is told to use, and traps.
 *
 * This is the port between the kernel model and the machine. `emulator/cpu.ts` implements it over an engine and the
 * studied TLBs; tests of the kernel model implement it with a few lines.
 */
import type { Asid, Pa, Pfn, Va } from "./arch/addr.js";
import type { CpuFeatures } from "./arch/cpu-features.js";
import type { Context, Registers } from "./engine/engine.js";
import type { TlbiSink } from "./mmu/tlbi.js";

/** Why EL0 stopped executing. PC is exact: on the instruction for faults, behind it for svc. */
export type Trap =
  | { readonly kind: "svc" }
  /** Data or instruction abort. `esr` is ESR_EL1 as the hardware would report it, `far` the exact faulting address. */
  | { readonly kind: "abort"; readonly esr: number; readonly far: Va }
  | { readonly kind: "undefined-instruction" }
  | { readonly kind: "breakpoint" }
  | { readonly kind: "alignment"; readonly far: Va }
  | { readonly kind: "budget-spent" }
  | { readonly kind: "stopped" };

/** Result of a kernel access to user memory: the frame address, or the abort it raises. */
export type KernelAccess = { readonly ok: true; readonly pa: Pa } | { readonly ok: false; readonly esr: number };

export interface Processor extends TlbiSink {
  readonly features: CpuFeatures;
  /** AT_HWCAP: the user-visible instruction set that really executes. */
  readonly hwcap: number;
  readonly hwcap2: number;
  /** MIDR_EL1, for the kernel to show to programs that ask. */
  readonly midr: number;
  readonly registers: Registers;
  /** CPUs of the machine. One executes at a time; the registers are those of the running task, whatever the CPU. */
  readonly cpus: number;
  /** The CPU that executes from now on, 0 to cpus - 1: its translation tables, its TLBs. The first is 0. */
  selectCpu(cpu: number): void;
  /** Run EL0 for at most `budget` instructions. Aborts that the current tables resolve never surface. */
  run(budget: number): Trap;
  /** TTBR0_EL1 of the executing CPU: table root and ASID of the mm that runs there now. Issues no TLBI; entries of other ASIDs stay. */
  setAddressSpace(ttbr0: Pa, asid: Asid): void;
  /**
   * One access by the kernel to user address `at` (uaccess): permission checks as at EL0, hardware access-flag and dirty
   * update, no trace record. Arm: LDTR/STTR semantics. ESR has the EC of an abort taken from EL1.
   */
  kernelAccess(at: Va, write: boolean): KernelAccess;
  /** Code in this frame changed from the kernel side (page cache fill, copy, free). */
  discardCode(frame: Pfn): void;
  saveContext(into: Context): void;
  restoreContext(from: Context): void;
}
