/**
 * System V semaphores: sets, operations on several at once, and what is undone when a process ends.
 *
 * Linux: ipc/sem.c perform_atomic_semop(), exit_sem(), freeary(); include/uapi/linux/sem.h.
 */
import { EAGAIN, ERANGE } from "../errno.js";
import { WaitQueue } from "../kernel/wait-queue.js";
import { IPC_NOWAIT, IpcIds, type IpcObject, type IpcPerm } from "./ids.js";

export const SEMMNI = 32000;
export const SEMMSL = 32000;
export const SEMMNS = SEMMNI * SEMMSL;
export const SEMOPM = 500;
export const SEMVMX = 32767;
const SEMAEM = SEMVMX;
export const SEM_UNDO = 0x1000;

/** The result of operations that must wait. */
export const WOULD_BLOCK = 1;

export interface Semaphore {
  value: number;
  /** Process of the last operation. */
  pid: number;
}

/** One of the operations of semop(). */
export interface SemOp {
  readonly num: number;
  readonly op: number;
  readonly flags: number;
}

/** Someone who waits: which operation could not be done. */
export interface SemWaiter {
  blocking: SemOp;
}

export interface SemaphoreSet extends IpcObject {
  readonly semaphores: Semaphore[];
  readonly queue: WaitQueue;
  readonly waiters: Set<SemWaiter>;
  /** Adjustments to make at the end of a process, by process. Processes are their thread groups. */
  readonly undo: Map<object, Int32Array>;
  /** Seconds since 1970; 0: never. */
  opTime: number;
  changeTime: number;
}

export class SemaphoreSets {
  readonly ids = new IpcIds<SemaphoreSet>(SEMMNI);

  make(perm: IpcPerm, count: number, seconds: number): SemaphoreSet {
    const semaphores = Array.from({ length: count }, () => ({ value: 0, pid: 0 }));
    return { perm, semaphores, queue: new WaitQueue(), waiters: new Set(), undo: new Map(), opTime: 0, changeTime: seconds };
  }

  /** Semaphores of all sets. */
  get total(): number {
    return this.ids.all().reduce((sum, { semaphores }) => sum + semaphores.length, 0);
  }

  /** The set goes; who waits in it learns of it. Linux: freeary(). */
  remove(set: SemaphoreSet): void {
    this.ids.remove(set);
    set.queue.wakeAll();
  }

  /** A process has ended: its adjustments are made, as far as values stay in range. Linux: exit_sem(). */
  exit(process: object, pid: number): void {
    for (const set of this.ids.all()) {
      const adjust = set.undo.get(process);
      if (adjust === undefined) continue;
      set.undo.delete(process);
      set.semaphores.forEach((semaphore, i) => {
        if (adjust[i] === 0) return;
        semaphore.value = Math.max(0, Math.min(SEMVMX, semaphore.value + adjust[i]!));
        semaphore.pid = pid;
      });
      set.queue.wakeAll();
    }
  }
}

/** Adjustments of a process in a set, made with its first operation that asks for them. */
function undoOf(set: SemaphoreSet, process: object): Int32Array {
  let found = set.undo.get(process);
  if (found === undefined) {
    found = new Int32Array(set.semaphores.length);
    set.undo.set(process, found);
  }
  return found;
}

/**
 * All operations, one after the other, or none: 0, -ERANGE, -EAGAIN (IPC_NOWAIT), or WOULD_BLOCK with the one that cannot be done in
 * `waiter.blocking`. Pre: the numbers exist in the set. Linux: perform_atomic_semop_slow().
 */
export function performSemOps(set: SemaphoreSet, ops: readonly SemOp[], process: object, pid: number, waiter: SemWaiter): number {
  const { semaphores } = set;
  const adjust = ops.some(({ flags }) => (flags & SEM_UNDO) !== 0) ? undoOf(set, process) : undefined;
  let done = 0;
  const give = (): number => {
    for (; done < ops.length; done++) {
      const { num, op, flags } = ops[done]!;
      const semaphore = semaphores[num]!;
      const next = semaphore.value + op;
      if ((op === 0 && semaphore.value !== 0) || next < 0) {
        waiter.blocking = ops[done]!;
        return (flags & IPC_NOWAIT) !== 0 ? -EAGAIN : WOULD_BLOCK;
      }
      if (next > SEMVMX) return -ERANGE;
      if ((flags & SEM_UNDO) !== 0) {
        const undo = adjust![num]! - op;
        if (undo < -SEMAEM - 1 || undo > SEMAEM) return -ERANGE;
        adjust![num] = undo;
      }
      semaphore.value = next;
    }
    return 0;
  };
  const result = give();
  if (result === 0) {
    for (const { num } of ops) semaphores[num]!.pid = pid;
    return 0;
  }
  while (--done >= 0) {
    const { num, op, flags } = ops[done]!;
    semaphores[num]!.value -= op;
    if ((flags & SEM_UNDO) !== 0) adjust![num]! += op;
  }
  return result;
}
