/**
 * How a run ended, and what is known about a fatal signal.
 */

/** A program that died of a signal: enough to name the instruction and the reason. */
export interface CrashReport {
  readonly signo: number;
  /** si_code. */
  readonly code: number;
  readonly pid: number;
  readonly comm: string;
  readonly pc: number;
  /** si_addr of a fault; undefined for signals that were sent. */
  readonly faultAddress: number | undefined;
  /** ESR_EL1 of the exception; undefined for signals that were sent. */
  readonly esr: number | undefined;
  /** One line for a person. */
  readonly reason: string;
  /** X0 to X30. */
  readonly x: readonly bigint[];
  readonly sp: bigint;
  readonly nzcv: number;
  /** The instruction word at pc, undefined if it cannot be read. */
  readonly instruction: number | undefined;
}

export type Outcome =
  | { readonly kind: "exit"; readonly code: number }
  | { readonly kind: "signal"; readonly signo: number; readonly report: CrashReport | undefined }
  /** Every task waits for something that nothing will bring about. */
  | { readonly kind: "deadlock"; readonly waiting: readonly { readonly pid: number; readonly comm: string; readonly what: string }[] }
  /** The instruction limit of this call of run() is used up; run() may be called again. */
  | { readonly kind: "budget-spent" }
  /** The processor was asked to stop; run() may be called again. */
  | { readonly kind: "stopped" };

/** How far one call of Kernel.run() goes. */
export interface RunLimits {
  readonly instructions: number;
  /**
   * Asked after each trap and each jump of time, since a guest may keep the kernel busy without executing much. True ends the call as a
   * spent budget does, and the guest cannot tell.
   */
  readonly pause?: () => boolean;
}
