/**
 * TLB maintenance operations as values, and the port through which the kernel model issues them.
 *
 * Arm: DDI 0487 D8.17 (TLB maintenance), C5.5 (TLBI instructions).
 */
import type { Asid, Va } from "../arch/addr.js";
import type { Level } from "../arch/granule.js";

/** The operations that Linux 6.12 issues for user memory, by mnemonic. */
export const TLBI_OPS = ["vae1is", "vale1is", "rvae1is", "rvale1is", "aside1is", "vmalle1is"] as const;
export type TlbiOp = (typeof TLBI_OPS)[number];

export interface Tlbi {
  readonly op: TlbiOp;
  readonly asid: Asid;
  /** First byte of the range; ignored by aside1is and vmalle1is. */
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
  return op !== "aside1is" && op !== "vmalle1is";
}

export type Barrier = "ish" | "ishst" | "nsh" | "nshst";

/** Where the kernel model sends its TLB maintenance. The sink counts it and invalidates the TLBs and the engine. */
export interface TlbiSink {
  tlbi(operation: Tlbi): void;
  dsb(domain: Barrier): void;
}
