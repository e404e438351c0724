/**
 * The generic timer's counter at EL0: CNTVCT_EL0, CNTVCTSS_EL0 and CNTFRQ_EL0, from virtual time.
 *
 * Real hardware answers these reads itself; the engine traps them, because time is the kernel model's.
 * Arm: DDI 0487 D24.10 (CNTFRQ_EL0, CNTVCT_EL0). Linux: drivers/clocksource/arm_arch_timer.c arch_counter_set_user_access() allows them.
 */
import type { EmulatedMrs } from "./cpufeature.js";

/** Counter frequency in Hz: that of QEMU's virt machine, on which the recordings were made. */
export const CNTFRQ_HZ = 62_500_000;
const NANOSECONDS = 1_000_000_000;

/** The result of `word` if it is an MRS of one of the registers, else undefined. `nanoseconds`: CLOCK_MONOTONIC. */
export function readCounter(word: number, nanoseconds: number): EmulatedMrs | undefined {
  const rt = word & 31;
  switch ((word & ~31) >>> 0) {
    case 0xd53be000: // CNTFRQ_EL0
      return { rt, value: BigInt(CNTFRQ_HZ) };
    case 0xd53be040: // CNTVCT_EL0
    case 0xd53be0c0: // CNTVCTSS_EL0
      return { rt, value: (BigInt(Math.floor(nanoseconds)) * BigInt(CNTFRQ_HZ)) / BigInt(NANOSECONDS) };
    default:
      return undefined;
  }
}
