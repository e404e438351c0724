/**
 * Resource limits.
 *
 * Linux: include/uapi/asm-generic/resource.h, include/asm-generic/resource.h INIT_RLIMITS, kernel/sys.c do_prlimit().
 */
import type { MmLimits } from "../mm/mm-struct.js";

export const RLIMIT_CPU = 0;
export const RLIMIT_FSIZE = 1;
export const RLIMIT_DATA = 2;
export const RLIMIT_STACK = 3;
export const RLIMIT_CORE = 4;
export const RLIMIT_RSS = 5;
export const RLIMIT_NPROC = 6;
export const RLIMIT_NOFILE = 7;
export const RLIMIT_MEMLOCK = 8;
export const RLIMIT_AS = 9;
export const RLIMIT_LOCKS = 10;
export const RLIMIT_SIGPENDING = 11;
export const RLIMIT_MSGQUEUE = 12;
export const RLIMIT_NICE = 13;
export const RLIMIT_RTPRIO = 14;
export const RLIMIT_RTTIME = 15;
export const RLIM_NLIMITS = 16;

/** One limit; Infinity is RLIM_INFINITY. Units depend on the resource: bytes, seconds or a count. */
export interface RLimit {
  readonly soft: number;
  readonly hard: number;
}

const unlimited: RLimit = { soft: Infinity, hard: Infinity };
const both = (value: number): RLimit => ({ soft: value, hard: value });

/** Limits of the first process, indexed by RLIMIT_*. `nproc`: from the size of RAM, as fork_init() computes it. */
export function initialLimits(nproc: number): RLimit[] {
  return [
    unlimited,
    unlimited,
    unlimited,
    { soft: 8 * 2 ** 20, hard: Infinity },
    { soft: 0, hard: Infinity },
    unlimited,
    both(nproc),
    { soft: 1024, hard: 4096 },
    both(8 * 2 ** 20),
    unlimited,
    unlimited,
    both(nproc),
    both(819200),
    both(0),
    both(0),
    unlimited,
  ];
}

/** Bring the record that mm code reads up to date with `limits`. */
export function updateMmLimits(into: MmLimits, limits: readonly RLimit[]): void {
  into.stack = limits[RLIMIT_STACK]!.soft;
  into.data = limits[RLIMIT_DATA]!.soft;
  into.dataMax = limits[RLIMIT_DATA]!.hard;
  into.as = limits[RLIMIT_AS]!.soft;
  into.memlock = limits[RLIMIT_MEMLOCK]!.soft;
}

/** The record that mm code reads, for a group with `limits`. The guest is root and so privileged until it drops its ids. */
export function mmLimitsOf(limits: readonly RLimit[], privileged: boolean): MmLimits {
  const into: MmLimits = { stack: 0, data: 0, dataMax: 0, as: 0, memlock: 0, privileged };
  updateMmLimits(into, limits);
  return into;
}
