/**
 * TLB maintenance operations as values, and the port through which the kernel model issues them.
 *
 * Arm: DDI 0487 D8.17 (TLB maintenance), C5.5 (TLBI instructions).
 */
import type { Asid, Va } from "../arch/addr.js";
import { assertNever } from "../arch/errors.js";
import type { Level } from "../arch/granule.js";

/** The operations that Linux 6.12 issues for user memory, by mnemonic. */
export const TLBI_OPS = ["vae1is", "vale1is", "rvae1is", "rvale1is", "aside1is", "vmalle1is", "vmalle1"] as const;
export type TlbiOp = (typeof TLBI_OPS)[number];

export interface Tlbi {
  readonly op: TlbiOp;
  readonly asid: Asid;
  /** First byte of the range; ignored by aside1is, vmalle1is and vmalle1. */
  readonly start: Va;
  /** End of the range, exclusive; one page for vae1is and vale1is. */
  readonly end: Va;
  /** Level hint (TTL field), undefined when none is encoded. A wrong hint may invalidate nothing. */
  readonly level: Level | undefined;
}

/** True if the operation reaches only entries from the last level of the walk, not the walk caches. */
export function isLastLevelOnly(op: TlbiOp): boolean {
  return op === "vale1is" || op === "rvale1is";
}

/** True if the operation names addresses; false if it takes a whole ASID or everything. */
export function isByAddress(op: TlbiOp): boolean {
  return op !== "aside1is" && !isEverything(op);
}

/** True if the operation takes every entry of every ASID. */
export function isEverything(op: TlbiOp): boolean {
  return op === "vmalle1is" || op === "vmalle1";
}

/** True if the operation reaches all CPUs of the inner shareable domain, false if only the one that issues it. */
export function isBroadcast(op: TlbiOp): boolean {
  return op !== "vmalle1";
}

/** What TLB maintenance can see of one cached translation: a leaf, or a table descriptor kept by a walk cache. */
export interface CachedTranslation {
  readonly asid: Asid;
  /** nG was clear: belongs to every ASID. Never true of a table descriptor. */
  readonly global: boolean;
  /** Addresses it translates, end exclusive. */
  readonly start: Va;
  readonly end: Va;
  /** Level of the descriptor that it was made from. */
  readonly level: Level;
  /** True for a walk-cache entry, false for the last level of a walk. */
  readonly table: boolean;
}

/**
 * True if the operation removes this entry. An entry that the range touches anywhere goes as a whole, a contiguous run or a
 * block too. By address, a global entry matches whatever the ASID; by ASID, it stays. With a level hint only leaves of that level and tables
 * above it are reached.
 * Arm: D8.17 (scope of TLB maintenance instructions; TTL hint; the VALE forms reach the last level only).
 * Differs: hardware may always remove more; here exactly this much goes.
 */
export function matchTlbi(operation: Tlbi, entry: CachedTranslation): boolean {
  switch (operation.op) {
    case "vmalle1is":
    case "vmalle1":
      return true;
    case "aside1is":
      return !entry.global && entry.asid === operation.asid;
    case "vae1is":
    case "rvae1is":
    case "vale1is":
    case "rvale1is": {
      if (entry.table && isLastLevelOnly(operation.op)) return false;
      if (!entry.global && entry.asid !== operation.asid) return false;
      if (entry.end <= operation.start || entry.start >= operation.end) return false;
      if (operation.level === undefined) return true;
      return entry.table ? entry.level < operation.level : entry.level === operation.level;
    }
    default:
      return assertNever(operation.op, "matchTlbi");
  }
}

export type Barrier = "ish" | "ishst" | "nsh" | "nshst";

/** Where the kernel model sends its TLB maintenance. The sink counts it and invalidates the TLBs and the engine. */
export interface TlbiSink {
  tlbi(operation: Tlbi): void;
  dsb(domain: Barrier): void;
}
