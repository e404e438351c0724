/**
 * Scheduling calls: one CPU, one policy, honest answers.
 *
 * Linux: kernel/sched/syscalls.c, kernel/sys.c sys_getpriority().
 */
import { EFAULT, EINVAL, EPERM, ESRCH } from "../errno.js";
import { CStruct } from "../kernel/c-struct.js";
import type { Kernel } from "../kernel/kernel.js";
import type { Task } from "../kernel/task.js";
import type { SyscallFamily } from "./abi.js";
import { encodeTimespec } from "./timespec.js";

const SCHED_NORMAL = 0;
const SCHED_FIFO = 1;
const SCHED_RR = 2;
const SCHED_BATCH = 3;
const SCHED_IDLE = 5;
const SCHED_DEADLINE = 6;
const PRIO_PROCESS = 0;
const PRIO_PGRP = 1;
const PRIO_USER = 2;
/** Bytes of the kernel's CPU mask. */
const CPUMASK_BYTES = 8;
const SCHED_ATTR_BYTES = 56;

const taskOf = (kernel: Kernel, task: Task, pid: number): Task | undefined => (pid === 0 ? task : kernel.tasks.get(pid));

function selected(kernel: Kernel, task: Task, which: number, who: number): Task[] {
  const all = [...kernel.tasks.values()];
  if (which === PRIO_PROCESS) return all.filter(({ pid }) => pid === (who === 0 ? task.pid : who));
  if (which === PRIO_PGRP) return all.filter(({ group }) => group.pgrp === (who === 0 ? task.group.pgrp : who));
  return all.filter(({ credentials }) => credentials.uid === (who === 0 ? task.credentials.uid : who));
}

/** Normal policies are all the same here; real-time ones need a privilege that the guest does not have. */
function checkPolicy(policy: number, priority: number): number {
  if (policy === SCHED_NORMAL || policy === SCHED_BATCH || policy === SCHED_IDLE) return priority === 0 ? 0 : -EINVAL;
  if (policy === SCHED_FIFO || policy === SCHED_RR) return priority >= 1 && priority <= 99 ? -EPERM : -EINVAL;
  return policy === SCHED_DEADLINE ? -EPERM : -EINVAL;
}

export const SCHED_SYSCALLS: SyscallFamily = {
  sched_yield: (kernel) => {
    kernel.yieldProcessor();
    return 0;
  },

  sched_getaffinity: (kernel, task, args) => {
    const bytes = args.uint(1);
    if (bytes < CPUMASK_BYTES || bytes % 8 !== 0) return -EINVAL;
    if (taskOf(kernel, task, args.int(0)) === undefined) return -ESRCH;
    return kernel.user.putU64(args.address(2), 1) ? CPUMASK_BYTES : -EFAULT;
  },

  sched_setaffinity: (kernel, task, args) => {
    const bytes = Math.min(args.uint(1), CPUMASK_BYTES);
    const mask = kernel.user.read(args.address(2), bytes);
    if (typeof mask === "number") return mask;
    if (taskOf(kernel, task, args.int(0)) === undefined) return -ESRCH;
    return ((mask[0] ?? 0) & 1) !== 0 ? 0 : -EINVAL;
  },

  sched_getscheduler: (kernel, task, args) => (args.int(0) < 0 ? -EINVAL : taskOf(kernel, task, args.int(0)) === undefined ? -ESRCH : SCHED_NORMAL),

  sched_setscheduler: (kernel, task, args) => {
    const policy = args.int(1);
    const priority = kernel.user.i32(args.address(2));
    if (args.int(0) < 0 || policy < 0) return -EINVAL;
    if (priority === undefined) return -EFAULT;
    if (taskOf(kernel, task, args.int(0)) === undefined) return -ESRCH;
    return checkPolicy(policy & ~0x40000000, priority);
  },

  sched_getparam: (kernel, task, args) => {
    if (args.int(0) < 0) return -EINVAL;
    if (taskOf(kernel, task, args.int(0)) === undefined) return -ESRCH;
    return kernel.user.putU32(args.address(1), 0) ? 0 : -EFAULT;
  },

  sched_setparam: (kernel, task, args) => {
    const priority = kernel.user.i32(args.address(1));
    if (args.int(0) < 0) return -EINVAL;
    if (priority === undefined) return -EFAULT;
    return taskOf(kernel, task, args.int(0)) === undefined ? -ESRCH : checkPolicy(SCHED_NORMAL, priority);
  },

  sched_getattr: (kernel, task, args) => {
    const size = args.uint(2);
    if (size < 48 || size > kernel.sys.granule.pageSize || args.uint(3) !== 0) return -EINVAL;
    const of = taskOf(kernel, task, args.int(0));
    if (of === undefined) return -ESRCH;
    const bytes = Math.min(size, SCHED_ATTR_BYTES);
    const out = new CStruct(SCHED_ATTR_BYTES).setU32(0, bytes).setU32(16, of.nice >>> 0);
    return kernel.user.put(args.address(1), out.bytes.subarray(0, bytes)) ? 0 : -EFAULT;
  },

  sched_get_priority_max: (_, __, args) => priorityBound(args.int(0), 99),
  sched_get_priority_min: (_, __, args) => priorityBound(args.int(0), 1),

  sched_rr_get_interval: (kernel, task, args) => {
    if (args.int(0) < 0) return -EINVAL;
    if (taskOf(kernel, task, args.int(0)) === undefined) return -ESRCH;
    return kernel.user.put(args.address(1), encodeTimespec({ seconds: 0, nanoseconds: 4_000_000 })) ? 0 : -EFAULT;
  },

  /** The kernel returns 20 - nice, so that the result is never negative. */
  getpriority: (kernel, task, args) => {
    const which = args.int(0);
    if (which < PRIO_PROCESS || which > PRIO_USER) return -EINVAL;
    const tasks = selected(kernel, task, which, args.int(1));
    return tasks.length === 0 ? -ESRCH : Math.max(...tasks.map(({ nice }) => 20 - nice));
  },

  setpriority: (kernel, task, args) => {
    const which = args.int(0);
    if (which < PRIO_PROCESS || which > PRIO_USER) return -EINVAL;
    const nice = Math.max(-20, Math.min(19, args.int(2)));
    const tasks = selected(kernel, task, which, args.int(1));
    for (const one of tasks) one.nice = nice;
    return tasks.length === 0 ? -ESRCH : 0;
  },

  getcpu: (kernel, _, args) => {
    for (const to of [args.address(0), args.address(1)]) {
      if (to !== 0 && !kernel.user.putU32(to, 0)) return -EFAULT;
    }
    return 0;
  },
};

function priorityBound(policy: number, realtime: number): number {
  if (policy === SCHED_FIFO || policy === SCHED_RR) return realtime;
  return policy === SCHED_NORMAL || policy === SCHED_BATCH || policy === SCHED_IDLE || policy === SCHED_DEADLINE ? 0 : -EINVAL;
}
