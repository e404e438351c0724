/**
 * futex(2): wait, wake, requeue, wake-op, and what a dying thread does for the locks it holds.
 *
 * Linux: kernel/futex/waitwake.c, requeue.c, core.c exit_robust_list(), handle_futex_death(); kernel/futex/syscalls.c do_futex().
 * Priority inheritance is not modelled: the FUTEX_*_PI operations return -ENOSYS, as on a kernel without CONFIG_FUTEX_PI.
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EAGAIN, EFAULT, EINVAL, ENOSYS, ERESTARTSYS, ERESTART_RESTARTBLOCK, ETIMEDOUT } from "../errno.js";
import type { FutexKey, FutexWaiter } from "./futex-table.js";
import { FUTEX_BITSET_MATCH_ANY, privateKey, sharedKey } from "./futex-table.js";
import type { Kernel } from "./kernel.js";
import type { Sleep, Task } from "./task.js";

export const FUTEX_WAIT = 0;
export const FUTEX_WAKE = 1;
export const FUTEX_REQUEUE = 3;
export const FUTEX_CMP_REQUEUE = 4;
export const FUTEX_WAKE_OP = 5;
export const FUTEX_WAIT_BITSET = 9;
export const FUTEX_WAKE_BITSET = 10;
export const FUTEX_PRIVATE_FLAG = 128;
export const FUTEX_CLOCK_REALTIME = 256;

const FUTEX_WAITERS = 0x80000000;
const FUTEX_OWNER_DIED = 0x40000000;
const FUTEX_TID_MASK = 0x3fffffff;
/** Entries of a robust list that are looked at; longer ones are taken for a cycle. */
const ROBUST_LIST_LIMIT = 2048;

/** The key of a futex word, or -EINVAL, -EFAULT. Linux: get_futex_key(). `write`: the word will be changed. */
function futexKey(kernel: Kernel, task: Task, at: Va, isPrivate: boolean, write = false): FutexKey | number {
  if (at % 4 !== 0) return -EINVAL;
  if (!kernel.user.access.accessOk(at, 4)) return -EFAULT;
  const mm = task.mm!;
  if (isPrivate) return privateKey(mm, at);
  // The page must be there: a shared futex is found through it.
  if (kernel.user.access.translate(at, write) === -1) return -EFAULT;
  const vma = mm.vmas.find(at);
  return vma === undefined || vma.start > at ? -EFAULT : sharedKey(vma, at);
}

/** FUTEX_WAIT and FUTEX_WAIT_BITSET. `deadline`: monotonic nanoseconds. Linux: futex_wait(). */
export function futexWait(kernel: Kernel, task: Task, at: Va, isPrivate: boolean, expected: number, deadline: number | undefined, bitset: number): number | Sleep {
  if (bitset === 0) return -EINVAL;
  const key = futexKey(kernel, task, at, isPrivate);
  if (typeof key === "number") return key;
  const value = kernel.user.u32(at);
  if (value === undefined) return -EFAULT;
  if (value !== expected) return -EAGAIN;
  const waiter: FutexWaiter = { key, bitset, task, woken: false };
  kernel.futexes.add(waiter);
  return {
    queues: [],
    ...(deadline === undefined ? {} : { deadline }),
    poll: () => (waiter.woken ? 0 : undefined),
    timedOut: () => -ETIMEDOUT,
    interrupted: () => {
      if (deadline === undefined) return -ERESTARTSYS;
      task.restart = () => futexWait(kernel, task, at, isPrivate, expected, deadline, bitset);
      return -ERESTART_RESTARTBLOCK;
    },
    release: () => {
      kernel.futexes.remove(waiter);
    },
    what: `futex at 0x${at.toString(16)}`,
  };
}

/** FUTEX_WAKE and FUTEX_WAKE_BITSET: number of waiters woken, or -errno. Linux: futex_wake(). */
export function futexWake(kernel: Kernel, task: Task, at: Va, isPrivate: boolean, count: number, bitset: number): number {
  if (bitset === 0) return -EINVAL;
  const key = futexKey(kernel, task, at, isPrivate);
  if (typeof key === "number") return key;
  // As in Linux, a wake of zero or fewer wakes one.
  return kernel.futexes.wake(key, Math.max(count, 1), bitset);
}

/** FUTEX_REQUEUE and FUTEX_CMP_REQUEUE. `expected` undefined: no comparison. Linux: futex_requeue(). */
export function futexRequeue(kernel: Kernel, task: Task, at: Va, to: Va, isPrivate: boolean, wake: number, requeue: number, expected: number | undefined): number {
  if (wake < 0 || requeue < 0) return -EINVAL;
  const from = futexKey(kernel, task, at, isPrivate);
  if (typeof from === "number") return from;
  const target = futexKey(kernel, task, to, isPrivate);
  if (typeof target === "number") return target;
  if (expected !== undefined) {
    const value = kernel.user.u32(at);
    if (value === undefined) return -EFAULT;
    if (value !== expected) return -EAGAIN;
  }
  const woken = wake === 0 ? 0 : kernel.futexes.wake(from, wake, FUTEX_BITSET_MATCH_ANY);
  return woken + kernel.futexes.requeue(from, target, requeue);
}

/** FUTEX_WAKE_OP: change the second word, wake waiters of the first, and of the second if its old value compares. Linux: futex_wake_op(). */
export function futexWakeOp(kernel: Kernel, task: Task, at: Va, second: Va, isPrivate: boolean, wake: number, wakeSecond: number, encoded: number): number {
  const key = futexKey(kernel, task, at, isPrivate);
  if (typeof key === "number") return key;
  const secondKey = futexKey(kernel, task, second, isPrivate, true);
  if (typeof secondKey === "number") return secondKey;
  const op = (encoded >>> 28) & 7;
  const compare = (encoded >>> 24) & 15;
  const shifted = encoded >>> 31 !== 0;
  const rawArgument = ((encoded << 8) >> 20) | 0;
  const argument = shifted ? 1 << (rawArgument & 31) : rawArgument;
  const compareWith = (encoded << 20) >> 20;
  const old = kernel.user.i32(second);
  if (old === undefined) return -EFAULT;
  const results: readonly number[] = [argument, (old + argument) | 0, old | argument, old & ~argument, old ^ argument];
  const result = results[op];
  if (result === undefined) return -ENOSYS;
  if (!kernel.user.putU32(second, result)) return -EFAULT;
  const comparisons: readonly boolean[] = [old === compareWith, old !== compareWith, old < compareWith, old <= compareWith, old > compareWith, old >= compareWith];
  const holds = comparisons[compare];
  if (holds === undefined) return -ENOSYS;
  let woken = kernel.futexes.wake(key, Math.max(wake, 1), FUTEX_BITSET_MATCH_ANY);
  if (holds) woken += kernel.futexes.wake(secondKey, Math.max(wakeSecond, 1), FUTEX_BITSET_MATCH_ANY);
  return woken;
}

/** One lock of a dying thread: mark it and wake a waiter. False if the list cannot be followed further. Linux: handle_futex_death(). */
function futexDeath(kernel: Kernel, task: Task, at: Va, isPi: boolean, pendingOp: boolean): boolean {
  if (at % 4 !== 0) return false;
  const value = kernel.user.u32(at);
  if (value === undefined) return false;
  const owner = value & FUTEX_TID_MASK;
  const waiters = (value & FUTEX_WAITERS) !== 0;
  if (owner !== task.pid) {
    if (pendingOp && !isPi && (owner === 0 || !waiters)) futexWake(kernel, task, at, false, 1, FUTEX_BITSET_MATCH_ANY);
    return true;
  }
  if (!kernel.user.putU32(at, ((waiters ? FUTEX_WAITERS : 0) | FUTEX_OWNER_DIED) >>> 0)) return false;
  if (!isPi && waiters) {
    // Waiters of private and shared futexes lie under different keys; the list does not say which it is.
    const woken = futexWake(kernel, task, at, true, 1, FUTEX_BITSET_MATCH_ANY);
    if (woken <= 0) futexWake(kernel, task, at, false, 1, FUTEX_BITSET_MATCH_ANY);
  }
  return true;
}

/** Walk the robust list of the current task, which is dying or replaces its program. Linux: exit_robust_list(). */
export function exitRobustList(kernel: Kernel, task: Task): void {
  const head = task.robustList;
  if (head === 0) return;
  task.robustList = 0 as Va;
  const fetch = (at: number): { readonly entry: number; readonly isPi: boolean } | undefined => {
    const value = kernel.user.u64(at as Va);
    return value === undefined ? undefined : { entry: Number(value & ~1n), isPi: (value & 1n) !== 0n };
  };
  let current = fetch(head);
  const offset = kernel.user.u64((head + 8) as Va);
  const pending = fetch(head + 16);
  if (current === undefined || offset === undefined || pending === undefined) return;
  const lock = (entry: number): Va => (entry + Number(BigInt.asIntN(64, offset))) as Va;
  for (let n = 0; current.entry !== head && n < ROBUST_LIST_LIMIT; n++) {
    const next = fetch(current.entry);
    if (current.entry !== pending.entry && !futexDeath(kernel, task, lock(current.entry), current.isPi, false)) return;
    if (next === undefined) return;
    current = next;
  }
  if (pending.entry !== 0) futexDeath(kernel, task, lock(pending.entry), pending.isPi, true);
}
