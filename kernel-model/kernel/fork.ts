/**
 * clone: new processes and threads.
 *
 * Linux: kernel/fork.c kernel_clone(), copy_process(), copy_mm(); include/uapi/linux/sched.h.
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EAGAIN, EFAULT, EINVAL, ENOMEM } from "../errno.js";
import { getFile } from "../fs/vfs.js";
import { dupMm, mmGet } from "../mm/mm-lifecycle.js";
import type { Kernel } from "./kernel.js";
import { RLIMIT_NPROC, mmLimitsOf } from "./rlimit.js";
import { updateRlimitCpu } from "./posix-cpu-timers.js";
import { rseqEvent } from "./rseq.js";
import { copySigHand, flushSignalHandlers } from "./signal-state.js";
import type { Sleep } from "./task.js";
import { CTX_SP, CTX_TPIDR, NO_ALT_STACK, Task, createThreadGroup } from "./task.js";
import { WaitQueue } from "./wait-queue.js";

export const CSIGNAL = 0xff;
export const CLONE_VM = 0x100;
export const CLONE_FS = 0x200;
export const CLONE_FILES = 0x400;
export const CLONE_SIGHAND = 0x800;
export const CLONE_PIDFD = 0x1000;
export const CLONE_PTRACE = 0x2000;
export const CLONE_VFORK = 0x4000;
export const CLONE_PARENT = 0x8000;
export const CLONE_THREAD = 0x10000;
export const CLONE_NEWNS = 0x20000;
export const CLONE_SYSVSEM = 0x40000;
export const CLONE_SETTLS = 0x80000;
export const CLONE_PARENT_SETTID = 0x100000;
export const CLONE_CHILD_CLEARTID = 0x200000;
export const CLONE_DETACHED = 0x400000;
export const CLONE_UNTRACED = 0x800000;
export const CLONE_CHILD_SETTID = 0x1000000;
/** Bit 32 in Linux; apart, because flags are 32-bit here. */
export const CLONE_CLEAR_SIGHAND = 0x100000000;

/** Namespaces: a sandboxed guest has no privilege to make them. CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const NAMESPACES = CLONE_NEWNS | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000;

export interface CloneRequest {
  /** CLONE_* bits without the exit signal. */
  readonly flags: number;
  readonly clearSighand: boolean;
  readonly exitSignal: number;
  /** Stack pointer of the child; 0: the parent's. */
  readonly stack: number;
  readonly tls: bigint;
  readonly parentTid: Va;
  readonly childTid: Va;
  /** CLONE_PIDFD: where the descriptor goes. */
  readonly pidfdAt: Va;
  /** The lowest free descriptor, or -EMFILE. */
  readonly unusedFd: () => number;
  /** Installs the descriptor of CLONE_PIDFD there; `thread`: it stands for the thread alone. */
  readonly openPidFd: (child: Task, thread: boolean) => number;
}

/** Flags that contradict each other: -EINVAL. Linux: copy_process()'s first checks. */
function checkFlags(flags: number, clearSighand: boolean): number {
  const has = (bits: number): boolean => (flags & bits) === bits;
  if ((flags & NAMESPACES) !== 0) return -EINVAL;
  if (has(CLONE_THREAD) && !has(CLONE_SIGHAND)) return -EINVAL;
  if (has(CLONE_SIGHAND) && !has(CLONE_VM)) return -EINVAL;
  if (clearSighand && has(CLONE_SIGHAND)) return -EINVAL;
  if (has(CLONE_PIDFD) && has(CLONE_DETACHED)) return -EINVAL;
  return 0;
}

/** Make the child, give it memory and resources, and let it run. The child's pid, the wait of a vfork parent, or -errno. */
export function kernelClone(kernel: Kernel, parent: Task, request: CloneRequest): number | Sleep {
  const { flags } = request;
  const bad = checkFlags(flags, request.clearSighand);
  if (bad < 0) return bad;
  if (kernel.tasks.size >= Math.min(kernel.maxTasks, parent.group.limits[RLIMIT_NPROC]!.soft)) return -EAGAIN;
  const pid = kernel.allocatePid();
  if (pid === undefined) return -EAGAIN;

  if ((flags & CLONE_PIDFD) !== 0) {
    // What can fail fails before there is a child; the child's copy of the memory does not have the number yet.
    if ((flags & CLONE_PARENT_SETTID) !== 0 && request.pidfdAt === request.parentTid) return -EINVAL;
    const fd = request.unusedFd();
    if (fd < 0) return fd;
    const before = kernel.user.u32(request.pidfdAt);
    if (before === undefined || !kernel.user.putU32(request.pidfdAt, before)) return -EFAULT;
  }

  const isThread = (flags & CLONE_THREAD) !== 0;
  const { group: parentGroup } = parent;
  const limits = isThread ? parentGroup.mmLimits : mmLimitsOf(parentGroup.limits, parentGroup.mmLimits.privileged);
  const oldMm = parent.mm!;
  const mm = (flags & CLONE_VM) !== 0 ? mmGet(oldMm) : dupMm(oldMm, limits);
  if (mm === undefined) return -ENOMEM;

  let { sighand } = parent;
  if ((flags & CLONE_SIGHAND) !== 0) sighand.users++;
  else {
    sighand = copySigHand(sighand);
    if (request.clearSighand) flushSignalHandlers(sighand);
  }
  const makeTask = (group: Task["group"]): Task => new Task({ pid, group, sighand, credentials: parent.credentials, onWake: kernel.onWake, startTime: kernel.clock.monotonic });
  const child = isThread ? makeTask(parentGroup) : newProcess(parent, flags, pid, limits, makeTask);
  if (isThread) parentGroup.threads.push(child);
  child.mm = mm;
  copyResources(parent, child, flags);
  if (!isThread) {
    child.group.exitSignal = request.exitSignal;
    updateRlimitCpu(kernel, child.group);
  }

  kernel.processor.saveContext(child.context);
  child.context[0] = 0n;
  if (request.stack !== 0) child.context[CTX_SP] = BigInt(request.stack);
  if ((flags & CLONE_SETTLS) !== 0) child.context[CTX_TPIDR] = request.tls;
  if ((flags & CLONE_CHILD_CLEARTID) !== 0) child.clearChildTid = request.childTid;
  if ((flags & CLONE_CHILD_SETTID) !== 0) child.setChildTid = request.childTid;
  if ((flags & CLONE_VM) === 0) child.rseq = parent.rseq;
  rseqEvent(child);
  kernel.addTask(child);
  kernel.forks++;
  if ((flags & CLONE_PIDFD) !== 0) kernel.user.putU32(request.pidfdAt, request.openPidFd(child, isThread));
  // A parent that passed a bad address is not told.
  if ((flags & CLONE_PARENT_SETTID) !== 0) kernel.user.putU32(request.parentTid, pid);
  return (flags & CLONE_VFORK) === 0 ? pid : waitForVfork(child, pid);
}

/** A vfork parent waits until the child executes a program or ends. Linux: wait_for_vfork_done(). */
function waitForVfork(child: Task, pid: number): Sleep {
  const done = new WaitQueue();
  child.vforkDone = done;
  return {
    queues: [done],
    killable: true,
    poll: () => (child.vforkDone === done ? undefined : pid),
    what: `vfork: process ${pid} to execute a program or to end`,
  };
}

function newProcess(parent: Task, flags: number, pid: number, mmLimits: Task["group"]["mmLimits"], makeTask: (group: Task["group"]) => Task): Task {
  const { group: parentGroup } = parent;
  const realParent = (flags & CLONE_PARENT) !== 0 ? parentGroup.parent : parentGroup;
  const group = createThreadGroup(
    { tgid: pid, parent: realParent, pgrp: parentGroup.pgrp, session: parentGroup.session, limits: parentGroup.limits, mmLimits },
    makeTask,
  );
  realParent?.children.add(group);
  return group.leader;
}

/**
 * The task has to itself from now on what CLONE_* of `flags` name: working directory and mask, descriptors, undo lists of semaphores. Its
 * address space, signal handlers and threads it may not share already. 0 or -errno; namespaces are -EINVAL, as those of clone().
 * Linux: ksys_unshare(), check_unshare_flags().
 */
export function unshare(kernel: Kernel, task: Task, flags: number): number {
  const known = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM;
  if ((flags & ~known) !== 0) return -EINVAL;
  const alone = task.group.threads.length === 1;
  if ((flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) !== 0 && !alone) return -EINVAL;
  if ((flags & (CLONE_SIGHAND | CLONE_VM)) !== 0 && task.sighand.users > 1) return -EINVAL;
  if ((flags & CLONE_VM) !== 0 && task.mm!.users > 1) return -EINVAL;
  if ((flags & CLONE_SYSVSEM) !== 0 && alone) kernel.ipc.sem.exit(task.group, task.group.tgid);
  if ((flags & CLONE_FS) !== 0 && task.fs!.users > 1) {
    task.fs!.users--;
    task.fs = { ...task.fs!, users: 1 };
  }
  if ((flags & CLONE_FILES) !== 0) unshareFiles(task);
  return 0;
}

/** Linux: unshare_files(). */
export function unshareFiles(task: Task): void {
  if (task.files!.users === 1) return;
  task.files!.users--;
  task.files = task.files!.duplicate();
}

/** What the child has in common with or takes over from its parent. Linux: copy_files(), copy_fs(), copy_signal(). */
function copyResources(parent: Task, child: Task, flags: number): void {
  if ((flags & CLONE_FILES) !== 0) {
    child.files = parent.files!;
    child.files.users++;
  } else child.files = parent.files!.duplicate();
  if ((flags & CLONE_FS) !== 0) {
    child.fs = parent.fs!;
    child.fs.users++;
  } else child.fs = { ...parent.fs!, users: 1 };
  if (parent.exe !== undefined) child.exe = getFile(parent.exe);
  child.comm = parent.comm;
  child.blocked = parent.blocked;
  inheritPolicy(parent, child);
  child.personality = parent.personality;
  child.cpu = parent.cpu;
  child.mempolicy = parent.mempolicy;
  child.cpusAllowed = parent.cpusAllowed;
  child.timerSlack = parent.timerSlack;
  child.noNewPrivileges = parent.noNewPrivileges;
  child.dumpable = parent.dumpable;
  // The alternate stack is of use only to who has the memory for itself, or waits (vfork).
  child.altStack = (flags & (CLONE_VM | CLONE_VFORK)) === CLONE_VM ? NO_ALT_STACK : parent.altStack;
}

/** Linux: sched_fork(). */
function inheritPolicy(parent: Task, child: Task): void {
  if (!parent.resetOnFork) {
    child.policy = parent.policy;
    child.rtPriority = parent.rtPriority;
    child.nice = parent.nice;
  } else if (parent.rtPriority === 0) {
    child.policy = parent.policy;
    child.nice = Math.max(parent.nice, 0);
  }
}
