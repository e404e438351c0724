/**
 * Scheduling calls: FIFO and RR tasks run before all others, the normal policies are all the same.
 *
 * Linux: kernel/sched/syscalls.c, kernel/sys.c sys_getpriority().
 */
import { EFAULT, EINVAL, EPERM, ESRCH } from "../errno.js";
import { CStruct } from "../kernel/c-struct.js";
import type { Kernel } from "../kernel/kernel.js";
import { SCHED_BATCH, SCHED_FIFO, SCHED_IDLE, SCHED_NORMAL, SCHED_RR, type Task } from "../kernel/task.js";
import type { SyscallFamily } from "./abi.js";
import { encodeTimespec } from "./timespec.js";

const SCHED_DEADLINE = 6;
const PRIO_PROCESS = 0;
const PRIO_PGRP = 1;
const PRIO_USER = 2;
/** Bytes of the kernel's CPU mask. */
const CPUMASK_BYTES = 8;
const SCHED_ATTR_BYTES = 56;

/** CPUs of the machine; bit n is CPU n. */
const onlineMask = (kernel: Kernel): bigint => 2n ** BigInt(kernel.processor.cpus) - 1n;

const taskOf = (kernel: Kernel, task: Task, pid: number): Task | undefined => (pid === 0 ? task : kernel.tasks.get(pid));

function selected(kernel: Kernel, task: Task, which: number, who: number): Task[] {
  const all = [...kernel.tasks.values()];
  if (which === PRIO_PROCESS) return all.filter(({ pid }) => pid === (who === 0 ? task.pid : who));
  if (which === PRIO_PGRP) return all.filter(({ group }) => group.pgrp === (who === 0 ? task.group.pgrp : who));
  return all.filter(({ credentials }) => credentials.uid === (who === 0 ? task.credentials.uid : who));
}

/** Flag of a policy: children get the normal one. */
const SCHED_RESET_ON_FORK = 0x40000000;

const isRealTime = (policy: number): boolean => policy === SCHED_FIFO || policy === SCHED_RR;

/** Give `of` the policy, as the running task `by`. Linux: __sched_setscheduler(), user_check_sched_setscheduler(). */
function setPolicy(kernel: Kernel, by: Task, of: Task, policy: number, priority: number, resetOnFork: boolean): number {
  if (policy === SCHED_DEADLINE) return -EINVAL;
  if (isRealTime(policy) ? priority < 1 || priority > 99 : priority !== 0) return -EINVAL;
  if (!isRealTime(policy) && policy !== SCHED_NORMAL && policy !== SCHED_BATCH && policy !== SCHED_IDLE) return -EINVAL;
  // RLIMIT_RTPRIO is 0: without the privilege a priority can only go down.
  if (by.credentials.euid !== 0 && (priority > of.rtPriority || (isRealTime(policy) && !isRealTime(of.policy)))) return -EPERM;
  of.policy = policy;
  of.rtPriority = priority;
  of.resetOnFork = resetOnFork;
  kernel.sched.policyChanged(of);
  return 0;
}

export const SCHED_SYSCALLS: SyscallFamily = {
  sched_yield: (kernel) => {
    kernel.yieldProcessor();
    return 0;
  },

  sched_getaffinity: (kernel, task, args) => {
    const bytes = args.uint(1);
    if (bytes < CPUMASK_BYTES || bytes % 8 !== 0) return -EINVAL;
    const of = taskOf(kernel, task, args.int(0));
    if (of === undefined) return -ESRCH;
    return kernel.user.putU64(args.address(2), of.cpusAllowed & onlineMask(kernel)) ? CPUMASK_BYTES : -EFAULT;
  },

  sched_setaffinity: (kernel, task, args) => {
    const bytes = Math.min(args.uint(1), CPUMASK_BYTES);
    const mask = kernel.user.read(args.address(2), bytes);
    if (typeof mask === "number") return mask;
    const of = taskOf(kernel, task, args.int(0));
    if (of === undefined) return -ESRCH;
    let wanted = 0n;
    mask.forEach((byte, i) => {
      wanted |= BigInt(byte) << BigInt(8 * i);
    });
    if ((wanted & onlineMask(kernel)) === 0n) return -EINVAL;
    of.cpusAllowed = wanted;
    kernel.sched.moveIfNotAllowed(of);
    return 0;
  },

  sched_getscheduler: (kernel, task, args) => {
    if (args.int(0) < 0) return -EINVAL;
    const of = taskOf(kernel, task, args.int(0));
    if (of === undefined) return -ESRCH;
    return of.policy + (of.resetOnFork ? SCHED_RESET_ON_FORK : 0);
  },

  sched_setscheduler: (kernel, task, args) => {
    const policy = args.int(1);
    const priority = kernel.user.i32(args.address(2));
    if (args.int(0) < 0 || policy < 0) return -EINVAL;
    if (priority === undefined) return -EFAULT;
    const of = taskOf(kernel, task, args.int(0));
    if (of === undefined) return -ESRCH;
    return setPolicy(kernel, task, of, policy & ~SCHED_RESET_ON_FORK, priority, (policy & SCHED_RESET_ON_FORK) !== 0);
  },

  sched_getparam: (kernel, task, args) => {
    if (args.int(0) < 0) return -EINVAL;
    const of = taskOf(kernel, task, args.int(0));
    if (of === undefined) return -ESRCH;
    return kernel.user.putU32(args.address(1), of.rtPriority) ? 0 : -EFAULT;
  },

  sched_setparam: (kernel, task, args) => {
    const priority = kernel.user.i32(args.address(1));
    if (args.int(0) < 0) return -EINVAL;
    if (priority === undefined) return -EFAULT;
    const of = taskOf(kernel, task, args.int(0));
    return of === undefined ? -ESRCH : setPolicy(kernel, task, of, of.policy, priority, of.resetOnFork);
  },

  sched_getattr: (kernel, task, args) => {
    const size = args.uint(2);
    if (size < 48 || size > kernel.sys.granule.pageSize || args.uint(3) !== 0) return -EINVAL;
    const of = taskOf(kernel, task, args.int(0));
    if (of === undefined) return -ESRCH;
    const bytes = Math.min(size, SCHED_ATTR_BYTES);
    const out = new CStruct(SCHED_ATTR_BYTES).setU32(0, bytes).setU32(4, of.policy).setU32(8, of.resetOnFork ? 1 : 0).setU32(16, of.nice >>> 0).setU32(20, of.rtPriority);
    return kernel.user.put(args.address(1), out.bytes.subarray(0, bytes)) ? 0 : -EFAULT;
  },

  sched_get_priority_max: (_, __, args) => priorityBound(args.int(0), 99),
  sched_get_priority_min: (_, __, args) => priorityBound(args.int(0), 1),

  sched_rr_get_interval: (kernel, task, args) => {
    if (args.int(0) < 0) return -EINVAL;
    const of = taskOf(kernel, task, args.int(0));
    if (of === undefined) return -ESRCH;
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

  getcpu: (kernel, task, args) => {
    const [cpu, node] = [args.address(0), args.address(1)];
    if (cpu !== 0 && !kernel.user.putU32(cpu, task.ranOn)) return -EFAULT;
    return node === 0 || kernel.user.putU32(node, 0) ? 0 : -EFAULT;
  },
};

function priorityBound(policy: number, realtime: number): number {
  if (policy === SCHED_FIFO || policy === SCHED_RR) return realtime;
  return policy === SCHED_NORMAL || policy === SCHED_BATCH || policy === SCHED_IDLE || policy === SCHED_DEADLINE ? 0 : -EINVAL;
}
