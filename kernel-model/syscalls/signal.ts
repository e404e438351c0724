/**
 * Signal system calls.
 *
 * Linux: kernel/signal.c sys_rt_sigaction() and relatives, arch/arm64/kernel/signal.c sys_rt_sigreturn().
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EAGAIN, EFAULT, EINTR, EINVAL, ENOMEM, EPERM, ERESTARTNOHAND, ESRCH } from "../errno.js";
import { CStruct } from "../kernel/c-struct.js";
import type { Kernel } from "../kernel/kernel.js";
import { SIGINFO_BYTES, altStackFlags, decodeSigInfo, encodeSigInfo, onSigStack, restoreRtFrame } from "../kernel/signal-frame.js";
import {
  MINSIGSTKSZ,
  NSIG,
  SIGKILL,
  SIGSEGV,
  SIGSTOP,
  SIG_BLOCK,
  SIG_SETMASK,
  SIG_UNBLOCK,
  SI_TKILL,
  SI_USER,
  SS_AUTODISARM,
  SS_DISABLE,
  SS_ONSTACK,
} from "../kernel/signal-numbers.js";
import { forceSigsegv, sendGroupSignal, sendThreadSignal, userSignal } from "../kernel/signal-send.js";
import { UNBLOCKABLE, dequeue, flushPending, isIgnored, pendingMask, sigmask } from "../kernel/signal-state.js";
import type { SigInfo, Sleep, Task, ThreadGroup } from "../kernel/task.js";
import { NO_ALT_STACK } from "../kernel/task.js";
import type { SyscallFamily } from "./abi.js";
import { deadlineAfter, readTimespec } from "./timespec.js";

const SIGSET_BYTES = 8;
const SIGACTION_BYTES = 32;
const STACK_T_BYTES = 24;

/** A signal set in user memory; undefined: fault. */
export function readSigset(kernel: Kernel, at: Va): bigint | undefined {
  return kernel.user.u64(at);
}

/** Block `mask` until the call ends: the old mask comes back when no handler has to run. Linux: set_user_sigmask(). */
export function setTemporaryMask(task: Task, mask: bigint): void {
  task.savedMask = task.blocked;
  task.blocked = mask & ~UNBLOCKABLE;
}

/** Process groups that kill() can name. */
function groupsOf(kernel: Kernel, pgrp: number): ThreadGroup[] {
  return [...kernel.groups.values()].filter((group) => group.pgrp === pgrp && group.threads.length > 0);
}

/** The guest is alone and root unless it dropped its ids: the same user or root may signal. Linux: kill_ok_by_cred(). */
export function mayKill(from: Task, group: ThreadGroup): boolean {
  const { euid, uid } = from.credentials;
  const target = group.leader.credentials;
  return euid === 0 || euid === target.uid || euid === target.suid || uid === target.uid || uid === target.suid;
}

/** One thread by tgid (0: any) and tid. Linux: do_send_specific(). */
function sendSpecific(kernel: Kernel, task: Task, tgid: number, tid: number, info: SigInfo): number {
  const target = kernel.tasks.get(tid);
  if (target === undefined || target.state === "dead" || (tgid !== 0 && target.group.tgid !== tgid)) return -ESRCH;
  if (!mayKill(task, target.group)) return -EPERM;
  if (info.signo !== 0 && target.state !== "zombie") sendThreadSignal(kernel, target, info);
  return 0;
}

/** Take a signal of `wanted` off the queues, although it is blocked. */
function takeSignal(task: Task, wanted: bigint): SigInfo | undefined {
  return dequeue(task.pending, ~wanted) ?? dequeue(task.group.sharedPending, ~wanted);
}

const validSignal = (signo: number): boolean => signo >= 0 && signo <= NSIG;

export const SIGNAL_SYSCALLS: SyscallFamily = {
  rt_sigaction: (kernel, task, args) => {
    if (args.size(3) !== SIGSET_BYTES) return -EINVAL;
    const signo = args.int(0);
    const from = args.address(1);
    const to = args.address(2);
    let next: CStruct | undefined;
    if (from !== 0) {
      next = kernel.user.struct(from, SIGACTION_BYTES);
      if (next === undefined) return -EFAULT;
    }
    if (signo < 1 || signo > NSIG || (next !== undefined && (signo === SIGKILL || signo === SIGSTOP))) return -EINVAL;
    const old = task.sighand.actions[signo]!;
    if (next !== undefined) {
      const action = { handler: next.u64(0), flags: next.u32(8), restorer: next.u64(16), mask: next.u64(24) & ~UNBLOCKABLE };
      task.sighand.actions[signo] = action;
      if (isIgnored(action, signo)) {
        flushPending(task.group.sharedPending, sigmask(signo));
        for (const thread of task.group.threads) flushPending(thread.pending, sigmask(signo));
      }
    }
    if (to === 0) return 0;
    const out = new CStruct(SIGACTION_BYTES).setU64(0, old.handler).setU64(8, old.flags).setU64(16, old.restorer).setU64(24, old.mask);
    return kernel.user.put(to, out.bytes) ? 0 : -EFAULT;
  },

  rt_sigprocmask: (kernel, task, args) => {
    if (args.size(3) !== SIGSET_BYTES) return -EINVAL;
    const from = args.address(1);
    const to = args.address(2);
    const old = task.blocked;
    if (from !== 0) {
      const set = readSigset(kernel, from);
      if (set === undefined) return -EFAULT;
      const mask = set & ~UNBLOCKABLE;
      switch (args.int(0)) {
        case SIG_BLOCK:
          task.blocked = old | mask;
          break;
        case SIG_UNBLOCK:
          task.blocked = old & ~mask;
          break;
        case SIG_SETMASK:
          task.blocked = mask;
          break;
        default:
          return -EINVAL;
      }
    }
    return to === 0 || kernel.user.putU64(to, old) ? 0 : -EFAULT;
  },

  rt_sigpending: (kernel, task, args) => {
    if (args.size(1) > SIGSET_BYTES) return -EINVAL;
    const mask = (pendingMask(task.pending) | pendingMask(task.group.sharedPending)) & task.blocked;
    return kernel.user.putU64(args.address(0), mask) ? 0 : -EFAULT;
  },

  rt_sigsuspend: (kernel, task, args) => {
    if (args.size(1) !== SIGSET_BYTES) return -EINVAL;
    const mask = readSigset(kernel, args.address(0));
    if (mask === undefined) return -EFAULT;
    setTemporaryMask(task, mask);
    return { queues: [], poll: () => undefined, interrupted: () => -ERESTARTNOHAND, what: "a signal" };
  },

  rt_sigtimedwait: (kernel, task, args) => {
    if (args.size(3) !== SIGSET_BYTES) return -EINVAL;
    const set = readSigset(kernel, args.address(0));
    if (set === undefined) return -EFAULT;
    const wanted = set & ~UNBLOCKABLE;
    const infoTo = args.address(1);
    const timeout = args.address(2);
    let deadline: number | undefined;
    if (timeout !== 0) {
      const time = readTimespec(kernel, timeout);
      if (typeof time === "number") return time;
      deadline = deadlineAfter(kernel, time);
    }
    const finish = (result: number): number => {
      task.sigWait = 0n;
      return result;
    };
    const poll = (): number | undefined => {
      const info = takeSignal(task, wanted);
      if (info === undefined) return undefined;
      if (infoTo !== 0 && !kernel.user.put(infoTo, encodeSigInfo(info))) return finish(-EFAULT);
      return finish(info.signo);
    };
    task.sigWait = wanted;
    const sleep: Sleep = { queues: [], poll, interrupted: () => finish(-EINTR), timedOut: () => finish(-EAGAIN), what: "a signal of a set" };
    return deadline === undefined ? sleep : { ...sleep, deadline };
  },

  rt_sigreturn: (kernel, task) => {
    if (restoreRtFrame(kernel, task)) return 0;
    task.syscall = -1;
    forceSigsegv(kernel, task, SIGSEGV);
    return 0;
  },

  kill: (kernel, task, args) => {
    const pid = args.int(0);
    const signo = args.int(1);
    if (!validSignal(signo)) return -EINVAL;
    let targets: ThreadGroup[];
    if (pid > 0) {
      const group = kernel.groups.get(pid) ?? kernel.tasks.get(pid)?.group;
      targets = group === undefined ? [] : [group];
    } else if (pid === -1) {
      targets = [...kernel.groups.values()].filter((group) => group !== task.group && group !== kernel.init);
    } else targets = groupsOf(kernel, pid === 0 ? task.group.pgrp : -pid);
    if (targets.length === 0) return -ESRCH;
    const allowed = targets.filter((group) => mayKill(task, group));
    if (allowed.length === 0) return -EPERM;
    if (signo !== 0) for (const group of allowed) sendGroupSignal(kernel, group, userSignal(signo, SI_USER, task));
    return 0;
  },

  tgkill: (kernel, task, args) => {
    const [tgid, tid, signo] = [args.int(0), args.int(1), args.int(2)];
    if (tgid <= 0 || tid <= 0 || !validSignal(signo)) return -EINVAL;
    return sendSpecific(kernel, task, tgid, tid, userSignal(signo, SI_TKILL, task));
  },

  tkill: (kernel, task, args) => {
    const [tid, signo] = [args.int(0), args.int(1)];
    if (tid <= 0 || !validSignal(signo)) return -EINVAL;
    return sendSpecific(kernel, task, 0, tid, userSignal(signo, SI_TKILL, task));
  },

  rt_sigqueueinfo: (kernel, task, args) => {
    const pid = args.int(0);
    const signo = args.int(1);
    const bytes = kernel.user.read(args.address(2), SIGINFO_BYTES);
    if (typeof bytes === "number") return bytes;
    if (signo < 1 || signo > NSIG) return -EINVAL;
    const info = decodeSigInfo(bytes, signo);
    const group = kernel.groups.get(pid);
    // Only a process itself may claim that the kernel or kill() sent the signal.
    if ((info.code >= 0 || info.code === SI_TKILL) && pid !== task.group.tgid) return -EPERM;
    if (group === undefined) return -ESRCH;
    if (!mayKill(task, group)) return -EPERM;
    sendGroupSignal(kernel, group, info);
    return 0;
  },

  rt_tgsigqueueinfo: (kernel, task, args) => {
    const [tgid, tid, signo] = [args.int(0), args.int(1), args.int(2)];
    const bytes = kernel.user.read(args.address(3), SIGINFO_BYTES);
    if (typeof bytes === "number") return bytes;
    if (tgid <= 0 || tid <= 0 || signo < 1 || signo > NSIG) return -EINVAL;
    const info = decodeSigInfo(bytes, signo);
    if ((info.code >= 0 || info.code === SI_TKILL) && tid !== task.pid) return -EPERM;
    return sendSpecific(kernel, task, tgid, tid, info);
  },

  sigaltstack: (kernel, task, args) => {
    const from = args.address(0);
    const to = args.address(1);
    const { sp } = kernel.processor.registers;
    const old = task.altStack;
    if (from !== 0) {
      const next = kernel.user.struct(from, STACK_T_BYTES);
      if (next === undefined) return -EFAULT;
      if (onSigStack(old, sp)) return -EPERM;
      const flags = next.u32(8);
      const mode = (flags & ~SS_AUTODISARM) >>> 0;
      if (mode !== SS_DISABLE && mode !== SS_ONSTACK && mode !== 0) return -EINVAL;
      if (mode === SS_DISABLE) task.altStack = NO_ALT_STACK;
      else {
        if (next.u64(16) < BigInt(MINSIGSTKSZ)) return -ENOMEM;
        task.altStack = { sp: next.u64(0), size: next.u64(16), flags: flags & SS_AUTODISARM };
      }
    }
    if (to === 0) return 0;
    const out = new CStruct(STACK_T_BYTES).setU64(0, old.sp).setU32(8, (altStackFlags(old, sp) | (old.flags & SS_AUTODISARM)) >>> 0).setU64(16, old.size);
    return kernel.user.put(to, out.bytes) ? 0 : -EFAULT;
  },

  restart_syscall: (_, task) => {
    const { restart } = task;
    task.restart = undefined;
    return restart === undefined ? -EINTR : restart();
  },
};
