/**
 * What the mm tells anyone who listens: the recording device, reports, checkers. All methods are called synchronously.
 *
 * The points are those where the kernel module of the recordings probes a real kernel.
 */
import type { Order, Va } from "../../emulator/arch/addr.js";
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

/**
 * What a fault turned out to be, one per handle_mm_fault() that changed a table (file faults: do_read_fault, do_cow_fault and
 * do_shared_fault; dirtying: a write to a writable-clean entry on a CPU without hardware dirty state).
 */
export const FAULT_KINDS = [
  "anonRead",
  "anonWrite",
  "fileRead",
  "fileCow",
  "fileWrite",
  "wpCopy",
  "wpReuse",
  "swapIn",
  "accessFlag",
  "dirty",
  "spurious",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface MmObserver {
  /** do_mem_abort() entered. */
  abort(mm: MmStruct, far: Va, esr: number): void;
  /** handle_mm_fault() entered and left; `address` exact, `result` a VM_FAULT_* set. */
  faultEnter(mm: MmStruct, address: Va, flags: number): void;
  faultExit(mm: MmStruct, vma: Vma, address: Va, flags: number, result: number): void;
  /** The fault mapped or changed something: its kind and the order of the folio that is mapped there now (PMD mapping: PMD order). */
  faultServed(mm: MmStruct, address: Va, kind: FaultKind, order: Order): void;
  /** contpte_convert(): `target` is the value that is about to be painted (PTE_CONT set: fold). `address` as passed by the caller. */
  contpteConvert(mm: MmStruct, address: Va, target: bigint): void;
  contpteCall(mm: MmStruct, call: ContpteCall, address: Va, nr: number): void;
  /** exit_mmap() entered: the last task that used the address space is gone, its pages are still mapped. */
  mmExit?(mm: MmStruct): void;
}
