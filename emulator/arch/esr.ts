/**
 * ESR_EL1 of the aborts that a translation can cause.
 *
 * Arm: DDI 0487 D24.2.40 (ESR_EL1), "ISS encoding for an exception from a Data Abort" and "... from an Instruction Abort".
 * Linux: arch/arm64/include/asm/esr.h; the fault table of arch/arm64/mm/fault.c has one line per fault status code.
 */
import type { Level } from "./granule.js";
import { assertNever } from "./errors.js";

/** Bits 31:26: exception class. */
export const ESR_EC_SHIFT = 26;
export const ESR_EC_SVC64 = 0x15;
export const ESR_EC_INSTRUCTION_ABORT_LOWER = 0x20;
export const ESR_EC_INSTRUCTION_ABORT_SAME = 0x21;
export const ESR_EC_PC_ALIGNMENT = 0x22;
export const ESR_EC_DATA_ABORT_LOWER = 0x24;
export const ESR_EC_DATA_ABORT_SAME = 0x25;
export const ESR_EC_SP_ALIGNMENT = 0x26;
export const ESR_EC_BRK64 = 0x3c;
/** Bit 25: 32-bit instruction; 1 for every abort. */
export const ESR_IL = 1 << 25;
/** Bit 8: the fault comes from a cache maintenance instruction. WnR is then 1. */
export const ESR_CM = 1 << 8;
/** Bit 7: the fault was met on a stage-2 translation of a stage-1 walk. */
export const ESR_S1PTW = 1 << 7;
/** Bit 6: a write, not a read. */
export const ESR_WNR = 1 << 6;
/** Bits 5:0: fault status code, DFSC or IFSC. */
export const ESR_FSC = 0x3f;

/** Fault status codes; those with a level add it to the code. */
export const FSC_ADDRESS_SIZE = 0x00;
export const FSC_TRANSLATION = 0x04;
export const FSC_ACCESS_FLAG = 0x08;
export const FSC_PERMISSION = 0x0c;
export const FSC_EXTERNAL_ABORT_ON_WALK = 0x14;
export const FSC_ALIGNMENT = 0x21;
export const FSC_TLB_CONFLICT = 0x30;
export const FSC_UNSUPPORTED_ATOMIC_UPDATE = 0x31;

/** What a translation can end in besides an address. */
export const FAULT_KINDS = ["address-size", "translation", "access-flag", "permission", "external-abort"] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** Fault status code of a translation fault of this kind at this level. Arm: table of the DFSC field. */
export function faultStatusCode(kind: FaultKind, level: Level): number {
  switch (kind) {
    case "address-size":
      return FSC_ADDRESS_SIZE + level;
    case "translation":
      return FSC_TRANSLATION + level;
    case "access-flag":
      return FSC_ACCESS_FLAG + level;
    case "permission":
      return FSC_PERMISSION + level;
    case "external-abort":
      return FSC_EXTERNAL_ABORT_ON_WALK + level;
    default:
      return assertNever(kind, "faultStatusCode");
  }
}

function esr(exceptionClass: number, iss: number): number {
  return ((exceptionClass << ESR_EC_SHIFT) | ESR_IL | iss) >>> 0;
}

/**
 * ESR_EL1 of a data abort taken from `el` to EL1: 0x92000047 for a write at EL0 that finds an invalid level-3 descriptor.
 * EL1 stands for the kernel's own accesses to user memory. ISV and its fields stay 0, as for every stage-1 abort.
 */
export function dataAbortEsr(el: 0 | 1, kind: FaultKind, level: Level, write: boolean): number {
  return esr(el === 0 ? ESR_EC_DATA_ABORT_LOWER : ESR_EC_DATA_ABORT_SAME, (write ? ESR_WNR : 0) | faultStatusCode(kind, level));
}

/** ESR_EL1 of a data abort of a cache maintenance or `DC ZVA`-like address operation: WnR reads 1 whatever it would do. */
export function cacheMaintenanceAbortEsr(el: 0 | 1, kind: FaultKind, level: Level): number {
  return (dataAbortEsr(el, kind, level, true) | ESR_CM) >>> 0;
}

/** ESR_EL1 of an instruction abort taken from `el` to EL1. */
export function instructionAbortEsr(el: 0 | 1, kind: FaultKind, level: Level): number {
  return esr(el === 0 ? ESR_EC_INSTRUCTION_ABORT_LOWER : ESR_EC_INSTRUCTION_ABORT_SAME, faultStatusCode(kind, level));
}

/** ESR_EL1 of a data abort for an unaligned access. */
export function alignmentEsr(el: 0 | 1, write: boolean): number {
  return esr(el === 0 ? ESR_EC_DATA_ABORT_LOWER : ESR_EC_DATA_ABORT_SAME, (write ? ESR_WNR : 0) | FSC_ALIGNMENT);
}

/** Exception class of an ESR value. */
export function esrClass(value: number): number {
  return value >>> ESR_EC_SHIFT;
}

/** True if the abort was caused by a write, or by a cache maintenance instruction, which reads as one. */
export function esrIsWrite(value: number): boolean {
  return (value & ESR_WNR) !== 0;
}

/** True if the abort was caused by an instruction fetch. */
export function esrIsInstructionAbort(value: number): boolean {
  const exceptionClass = esrClass(value);
  return exceptionClass === ESR_EC_INSTRUCTION_ABORT_LOWER || exceptionClass === ESR_EC_INSTRUCTION_ABORT_SAME;
}

/** Kind and level of a translation-related abort, undefined for other fault status codes. */
export function esrFault(value: number): { readonly kind: FaultKind; readonly level: Level } | undefined {
  const code = value & ESR_FSC;
  const level = (code & 3) as Level;
  switch (code - level) {
    case FSC_ADDRESS_SIZE:
      return { kind: "address-size", level };
    case FSC_TRANSLATION:
      return { kind: "translation", level };
    case FSC_ACCESS_FLAG:
      return { kind: "access-flag", level };
    case FSC_PERMISSION:
      return { kind: "permission", level };
    case FSC_EXTERNAL_ABORT_ON_WALK:
      return { kind: "external-abort", level };
    default:
      return undefined;
  }
}
