/**
 * pidfd_open, pidfd_send_signal, pidfd_getfd: processes by descriptor.
 *
 * Linux: kernel/pid.c sys_pidfd_open(), sys_pidfd_getfd(), kernel/signal.c sys_pidfd_send_signal().
 */
import { EBADF, EINVAL, EPERM, ESRCH } from "../errno.js";
import { PidFd, pidFdOf } from "../fs/pidfd.js";
import { O_CLOEXEC, O_EXCL, O_NONBLOCK, getFile } from "../fs/vfs.js";
import type { Kernel } from "../kernel/kernel.js";
import { SIGINFO_BYTES, decodeSigInfo } from "../kernel/signal-frame.js";
import { NSIG, SI_TKILL, SI_USER } from "../kernel/signal-numbers.js";
import { sendGroupSignal, sendThreadSignal, userSignal } from "../kernel/signal-send.js";
import type { Task, ThreadGroup } from "../kernel/task.js";
import type { SyscallArgs, SyscallFamily } from "./abi.js";
import { anonInodeFd } from "./eventfd.js";
import { fileOf, installFile } from "./file.js";
import { mayKill } from "./signal.js";

const PIDFD_NONBLOCK = O_NONBLOCK;
export const PIDFD_THREAD = O_EXCL;
const PIDFD_SIGNAL_THREAD = 1;
const PIDFD_SIGNAL_THREAD_GROUP = 2;
const PIDFD_SIGNAL_PROCESS_GROUP = 4;

/** A descriptor of `target`, closed by execve. `flags`: PIDFD_*. */
export function pidFdOpen(kernel: Kernel, task: Task, target: Task, flags: number): number {
  const state = new PidFd(target, (flags & PIDFD_THREAD) !== 0);
  return anonInodeFd(kernel, task, "[pidfd]", state.operations, state, O_CLOEXEC | (flags & PIDFD_NONBLOCK));
}

/** The pidfd at a descriptor, or -EBADF. */
export function pidFdAt(task: Task, fd: number): PidFd | number {
  const file = fileOf(task, fd);
  return file === undefined ? -EBADF : pidFdOf(file);
}

function pidfdSendSignal(kernel: Kernel, task: Task, args: SyscallArgs): number {
  const [fd, signo, infoAt, flags] = [args.int(0), args.int(1), args.address(2), args.uint(3)];
  if (![0, PIDFD_SIGNAL_THREAD, PIDFD_SIGNAL_THREAD_GROUP, PIDFD_SIGNAL_PROCESS_GROUP].includes(flags)) return -EINVAL;
  const found = pidFdAt(task, fd);
  if (typeof found === "number") return found;
  const target = found.task;
  const scope = flags !== 0 ? flags : found.thread ? PIDFD_SIGNAL_THREAD : PIDFD_SIGNAL_THREAD_GROUP;
  let info = userSignal(signo, scope === PIDFD_SIGNAL_THREAD ? SI_TKILL : SI_USER, task);
  if (infoAt !== 0) {
    const bytes = kernel.user.read(infoAt, SIGINFO_BYTES);
    if (typeof bytes === "number") return bytes;
    if (new DataView(bytes.buffer).getInt32(0, true) !== signo) return -EINVAL;
    info = decodeSigInfo(bytes, signo);
    // Only to itself may a process send what looks like the kernel's own.
    if ((target !== task || scope === PIDFD_SIGNAL_PROCESS_GROUP) && (info.code >= 0 || info.code === SI_TKILL)) return -EPERM;
  }
  if (signo < 0 || signo > NSIG) return -EINVAL;
  const groups: ThreadGroup[] = scope === PIDFD_SIGNAL_PROCESS_GROUP ? [...kernel.groups.values()].filter(({ pgrp }) => pgrp === target.pid) : [target.group];
  if (target.state === "dead" || groups.length === 0) return -ESRCH;
  const allowed = groups.filter((group) => mayKill(task, group));
  if (allowed.length === 0) return -EPERM;
  if (signo === 0) return 0;
  if (scope === PIDFD_SIGNAL_THREAD) sendThreadSignal(kernel, target, info);
  else for (const group of allowed) sendGroupSignal(kernel, group, info);
  return 0;
}

export const PIDFD_SYSCALLS: SyscallFamily = {
  pidfd_open: (kernel, task, args) => {
    const [pid, flags] = [args.int(0), args.uint(1)];
    if ((flags & ~(PIDFD_NONBLOCK | PIDFD_THREAD)) !== 0 || pid <= 0) return -EINVAL;
    const target = kernel.tasks.get(pid);
    if (target === undefined) return -ESRCH;
    return target.isLeader || (flags & PIDFD_THREAD) !== 0 ? pidFdOpen(kernel, task, target, flags) : -EINVAL;
  },

  pidfd_send_signal: pidfdSendSignal,

  pidfd_getfd: (_, task, args) => {
    if (args.uint(2) !== 0) return -EINVAL;
    const found = pidFdAt(task, args.int(0));
    if (typeof found === "number") return found;
    const { files } = found.task;
    if (files === undefined) return -ESRCH;
    const file = files.get(args.int(1));
    return file === undefined ? -EBADF : installFile(task, getFile(file), O_CLOEXEC);
  },
};
