/**
 * What the mm tells anyone who listens: the recording device, reports, checkers. All methods are called synchronously.
 *
 * The points are those where the kernel module of the recordings probes a real kernel.
 */
import type { Va } from "../../emulator/arch/addr.js";
import type { MmStruct } from "./mm-struct.js";
import type { Vma } from "./vma.js";

/** Entry points of the contpte layer that are counted. Linux: arch/arm64/mm/contpte.c functions. */
export const CONTPTE_CALLS = [
  "tryFold",
  "tryUnfold",
  "setPtes",
  "clearFullPtes",
  "getAndClearFullPtes",
  "wrprotectPtes",
  "setAccessFlags",
  "testClearYoung",
  "clearFlushYoung",
  "clearYoungDirty",
  "unfoldPartial",
] as const;
export type ContpteCall = (typeof CONTPTE_CALLS)[number];

export interface MmObserver {
  /** do_mem_abort() entered. */
  abort(mm: MmStruct, far: Va, esr: number): void;
  /** handle_mm_fault() entered and left; `address` exact, `result` a VM_FAULT_* set. */
  faultEnter(mm: MmStruct, address: Va, flags: number): void;
  faultExit(mm: MmStruct, vma: Vma, address: Va, flags: number, result: number): void;
  /** contpte_convert(): `target` is the value that is about to be painted (PTE_CONT set: fold). `address` as passed by the caller. */
  contpteConvert(mm: MmStruct, address: Va, target: bigint): void;
  contpteCall(mm: MmStruct, call: ContpteCall, address: Va, nr: number): void;
}
