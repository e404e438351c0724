/**
 * semget, semop, semtimedop, semctl.
 *
 * Linux: ipc/sem.c; include/uapi/linux/sem.h struct sembuf, seminfo; include/uapi/asm-generic/sembuf.h struct semid64_ds.
 */
import type { Va } from "../../emulator/arch/addr.js";
import { E2BIG, EACCES, EAGAIN, EFAULT, EFBIG, EIDRM, EINTR, EINVAL, ENOSPC, ERANGE } from "../errno.js";
import { IPC_INFO, IPC_RMID, IPC_SET, IPC_STAT, PERM_BYTES, S_IRUGO, S_IWUGO, encodePerm, ipcPerms, updatePerm } from "../ipc/ids.js";
import { SEMMNI, SEMMNS, SEMMSL, SEMOPM, SEMVMX, WOULD_BLOCK, performSemOps, type SemOp, type SemWaiter, type SemaphoreSet } from "../ipc/sem.js";
import { CStruct } from "../kernel/c-struct.js";
import type { Kernel } from "../kernel/kernel.js";
import type { Sleep, Task } from "../kernel/task.js";
import type { SyscallArgs, SyscallFamily, SyscallResult } from "./abi.js";
import { deadlineAfter, readTimespec } from "./timespec.js";

const GETPID = 11;
const GETVAL = 12;
const GETALL = 13;
const GETNCNT = 14;
const GETZCNT = 15;
const SETVAL = 16;
const SETALL = 17;
const SEM_STAT = 18;
const SEM_INFO = 19;
const SEM_STAT_ANY = 20;
const SEMBUF_BYTES = 6;
const SEMID_DS_BYTES = 88;

function semget(kernel: Kernel, task: Task, args: SyscallArgs): number {
  const [key, count, flag] = [args.int(0), args.int(1), args.int(2)];
  if (count < 0 || count > SEMMSL) return -EINVAL;
  const { sem } = kernel.ipc;
  return sem.ids.getOrMake(
    key,
    flag,
    task.credentials,
    (perm) => {
      if (count === 0) return -EINVAL;
      return sem.total + count > SEMMNS ? -ENOSPC : sem.make(perm, count, kernel.clock.realtime.seconds);
    },
    (set) => (count > set.semaphores.length ? -EINVAL : 0),
  );
}

function readOps(kernel: Kernel, at: Va, count: number): SemOp[] | number {
  const raw = kernel.user.struct(at, count * SEMBUF_BYTES);
  if (raw === undefined) return -EFAULT;
  const signed = (value: number): number => (value < 0x8000 ? value : value - 0x10000);
  return Array.from({ length: count }, (_, i) => ({ num: raw.u16(i * SEMBUF_BYTES), op: signed(raw.u16(i * SEMBUF_BYTES + 2)), flags: raw.u16(i * SEMBUF_BYTES + 4) }));
}

/** Linux: __do_semtimedop(). */
function semtimedop(kernel: Kernel, task: Task, args: SyscallArgs, timeoutAt: Va): SyscallResult {
  const [id, count] = [args.int(0), args.uint(2)];
  const timeout = timeoutAt === 0 ? undefined : readTimespec(kernel, timeoutAt);
  if (typeof timeout === "number") return timeout;
  if (count > SEMOPM) return -E2BIG;
  const ops = readOps(kernel, args.address(1), count);
  if (typeof ops === "number") return ops;
  if (count < 1 || id < 0) return -EINVAL;
  const set = kernel.ipc.sem.ids.get(id);
  if (typeof set === "number") return set;
  if (ops.some(({ num }) => num >= set.semaphores.length)) return -EFBIG;
  const alters = ops.some(({ op }) => op !== 0);
  if (ipcPerms(set.perm, task.credentials, alters ? S_IWUGO : S_IRUGO) < 0) return -EACCES;
  const waiter: SemWaiter = { blocking: ops[0]! };
  const { group } = task;
  const attempt = (): number => {
    if (set.perm.deleted) return -EIDRM;
    const result = performSemOps(set, ops, group, group.tgid, waiter);
    if (result !== 0) return result;
    set.opTime = kernel.clock.realtime.seconds;
    if (alters) set.queue.wakeAll();
    return 0;
  };
  const now = attempt();
  if (now !== WOULD_BLOCK) return now;
  set.waiters.add(waiter);
  const sleep: Sleep = {
    queues: [set.queue],
    poll: () => {
      const result = attempt();
      return result === WOULD_BLOCK ? undefined : result;
    },
    // Never restarted, whatever the handler's flags say.
    interrupted: () => -EINTR,
    timedOut: () => -EAGAIN,
    release: () => {
      set.waiters.delete(waiter);
    },
    what: `semaphore ${waiter.blocking.num} of set ${id}`,
  };
  return timeout === undefined ? sleep : { ...sleep, deadline: deadlineAfter(kernel, timeout) };
}

/** Values of all semaphores, or of one, were set: adjustments of processes no longer apply. */
function forgetUndo(set: SemaphoreSet, num?: number): void {
  for (const adjust of set.undo.values()) {
    if (num === undefined) adjust.fill(0);
    else adjust[num] = 0;
  }
}

function stat(kernel: Kernel, task: Task, id: number, command: number, to: Va): number {
  const { ids } = kernel.ipc.sem;
  const set = command === IPC_STAT ? ids.get(id) : ids.at(id);
  if (typeof set === "number") return set;
  if (command !== SEM_STAT_ANY && ipcPerms(set.perm, task.credentials, S_IRUGO) < 0) return -EACCES;
  const out = new CStruct(SEMID_DS_BYTES);
  encodePerm(out, set.perm);
  out.setU64(48, set.opTime).setU64(56, set.changeTime).setU64(64, set.semaphores.length);
  if (!kernel.user.put(to, out.bytes)) return -EFAULT;
  return command === IPC_STAT ? 0 : set.perm.id;
}

function info(kernel: Kernel, command: number, to: Va): number {
  const { sem } = kernel.ipc;
  const out = new CStruct(40).setU32(0, SEMMNS).setU32(4, SEMMNI).setU32(8, SEMMNS).setU32(12, SEMMNS).setU32(16, SEMMSL);
  out.setU32(20, SEMOPM).setU32(24, SEMOPM).setU32(28, 20).setU32(32, SEMVMX).setU32(36, SEMVMX);
  if (command === SEM_INFO) out.setU32(28, sem.ids.inUse).setU32(36, sem.total);
  return kernel.user.put(to, out.bytes) ? Math.max(0, sem.ids.maxIndex) : -EFAULT;
}

/** Waiters for a semaphore to grow, or to become zero. */
const waiting = (set: SemaphoreSet, num: number, zero: boolean): number => [...set.waiters].filter(({ blocking }) => blocking.num === num && (blocking.op === 0) === zero).length;

/** Commands about one semaphore. Linux: semctl_main(), semctl_setval(). */
function onOne(kernel: Kernel, task: Task, set: SemaphoreSet, num: number, command: number, value: number): number {
  const semaphore = num < 0 ? undefined : set.semaphores[num];
  if (semaphore === undefined) return -EINVAL;
  switch (command) {
    case GETVAL:
      return semaphore.value;
    case GETPID:
      return semaphore.pid;
    case GETNCNT:
      return waiting(set, num, false);
    case GETZCNT:
      return waiting(set, num, true);
    default:
      if (value < 0 || value > SEMVMX) return -ERANGE;
      semaphore.value = value;
      semaphore.pid = task.group.tgid;
      forgetUndo(set, num);
      set.changeTime = kernel.clock.realtime.seconds;
      set.queue.wakeAll();
      return 0;
  }
}

function onAll(kernel: Kernel, task: Task, set: SemaphoreSet, command: number, at: Va): number {
  const { semaphores } = set;
  const out = new CStruct(semaphores.length * 2);
  if (command === GETALL) {
    semaphores.forEach(({ value }, i) => out.setU16(i * 2, value));
    return kernel.user.put(at, out.bytes) ? 0 : -EFAULT;
  }
  const from = kernel.user.struct(at, semaphores.length * 2);
  if (from === undefined) return -EFAULT;
  if (semaphores.some((_, i) => from.u16(i * 2) > SEMVMX)) return -ERANGE;
  semaphores.forEach((semaphore, i) => {
    semaphore.value = from.u16(i * 2);
    semaphore.pid = task.group.tgid;
  });
  forgetUndo(set);
  set.changeTime = kernel.clock.realtime.seconds;
  set.queue.wakeAll();
  return 0;
}

function semctl(kernel: Kernel, task: Task, args: SyscallArgs): number {
  const [id, num, command, at] = [args.int(0), args.int(1), args.int(2), args.address(3)];
  const { sem } = kernel.ipc;
  if (id < 0) return -EINVAL;
  switch (command) {
    case IPC_INFO:
    case SEM_INFO:
      return info(kernel, command, at);
    case IPC_STAT:
    case SEM_STAT:
    case SEM_STAT_ANY:
      return stat(kernel, task, id, command, at);
    case IPC_RMID:
    case IPC_SET: {
      const set = sem.ids.owned(id, task.credentials);
      if (typeof set === "number") return set;
      if (command === IPC_RMID) {
        sem.remove(set);
        return 0;
      }
      const from = kernel.user.struct(at, PERM_BYTES);
      if (from === undefined) return -EFAULT;
      updatePerm(set.perm, from);
      set.changeTime = kernel.clock.realtime.seconds;
      return 0;
    }
    case GETVAL:
    case GETPID:
    case GETNCNT:
    case GETZCNT:
    case SETVAL:
    case GETALL:
    case SETALL: {
      const set = sem.ids.get(id);
      if (typeof set === "number") return set;
      const writes = command === SETVAL || command === SETALL;
      if (ipcPerms(set.perm, task.credentials, writes ? S_IWUGO : S_IRUGO) < 0) return -EACCES;
      return command === GETALL || command === SETALL ? onAll(kernel, task, set, command, at) : onOne(kernel, task, set, num, command, args.int(3));
    }
    default:
      return -EINVAL;
  }
}

export const SEM_SYSCALLS: SyscallFamily = {
  semget,
  semop: (kernel, task, args) => semtimedop(kernel, task, args, 0 as Va),
  semtimedop: (kernel, task, args) => semtimedop(kernel, task, args, args.address(3)),
  semctl,
};
