/**
 * struct timespec and struct timeval, and the clocks that programs name.
 *
 * Linux: kernel/time/time.c get_timespec64(), include/uapi/linux/time.h.
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EFAULT, EINVAL } from "../errno.js";
import type { Timespec } from "../fs/vfs.js";
import { CStruct } from "../kernel/c-struct.js";
import type { Kernel } from "../kernel/kernel.js";

export const TIMESPEC_BYTES = 16;
const NS_PER_SEC = 1_000_000_000;

export const CLOCK_REALTIME = 0;
export const CLOCK_MONOTONIC = 1;
export const CLOCK_PROCESS_CPUTIME_ID = 2;
export const CLOCK_THREAD_CPUTIME_ID = 3;
export const CLOCK_MONOTONIC_RAW = 4;
export const CLOCK_REALTIME_COARSE = 5;
export const CLOCK_MONOTONIC_COARSE = 6;
export const CLOCK_BOOTTIME = 7;
export const CLOCK_REALTIME_ALARM = 8;
export const CLOCK_BOOTTIME_ALARM = 9;
export const CLOCK_TAI = 11;

/** KTIME_MAX: what Linux makes of longer times. */
const KTIME_MAX: Timespec = { seconds: 9_223_372_036, nanoseconds: 854_775_807 };

export function timespecOf(nanoseconds: number): Timespec {
  if (nanoseconds === Infinity) return KTIME_MAX;
  const seconds = Math.floor(nanoseconds / NS_PER_SEC);
  return { seconds, nanoseconds: nanoseconds - seconds * NS_PER_SEC };
}

export function encodeTimespec({ seconds, nanoseconds }: Timespec): Uint8Array {
  return new CStruct(TIMESPEC_BYTES).setU64(0, seconds).setU64(8, nanoseconds).bytes;
}

/** struct timeval of a time. */
export function encodeTimeval({ seconds, nanoseconds }: Timespec): Uint8Array {
  return new CStruct(TIMESPEC_BYTES).setU64(0, seconds).setU64(8, Math.floor(nanoseconds / 1000)).bytes;
}

/** A valid timespec: -EFAULT, or -EINVAL for negative seconds or nanoseconds out of range. */
export function readTimespec(kernel: Kernel, at: Va): Timespec | number {
  const raw = kernel.user.struct(at, TIMESPEC_BYTES);
  if (raw === undefined) return -EFAULT;
  const seconds = raw.i64(0);
  const nanoseconds = raw.i64(8);
  if (seconds < 0 || nanoseconds < 0 || nanoseconds >= NS_PER_SEC) return -EINVAL;
  return { seconds, nanoseconds };
}

/** A valid timeval as seconds and nanoseconds. */
export function readTimeval(kernel: Kernel, at: Va): Timespec | number {
  const raw = kernel.user.struct(at, TIMESPEC_BYTES);
  if (raw === undefined) return -EFAULT;
  const seconds = raw.i64(0);
  const microseconds = raw.i64(8);
  if (seconds < 0 || microseconds < 0 || microseconds >= 1_000_000) return -EINVAL;
  return { seconds, nanoseconds: microseconds * 1000 };
}

/** A time span in nanoseconds; Infinity when it is beyond what the clock can count. */
export function nanosecondsOf({ seconds, nanoseconds }: Timespec): number {
  const total = seconds * NS_PER_SEC + nanoseconds;
  return total < 2 ** 53 ? total : Infinity;
}

/** Monotonic deadline of an absolute time on CLOCK_REALTIME or CLOCK_MONOTONIC. */
export function monotonicDeadline(kernel: Kernel, time: Timespec, realtime: boolean): number {
  if (!realtime) return nanosecondsOf(time);
  const at = kernel.clock.monotonicOfRealtime(time.seconds, time.nanoseconds);
  return at < 2 ** 53 ? at : Infinity;
}

/** Monotonic deadline `time` from now. */
export function deadlineAfter(kernel: Kernel, time: Timespec): number {
  return kernel.clock.monotonic + nanosecondsOf(time);
}
