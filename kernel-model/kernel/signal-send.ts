/**
 * Sending signals: which thread takes them, who is woken, and the signals that the kernel itself sends.
 *
 * Linux: kernel/signal.c send_signal_locked(), prepare_signal(), complete_signal(), force_sig_info_to_task(), do_notify_parent_cldstop().
 */
import type { Va } from "../../emulator/arch/addr.js";
import type { Kernel } from "./kernel.js";
import {
  CLD_CONTINUED,
  CLD_DUMPED,
  CLD_EXITED,
  CLD_KILLED,
  CLD_STOPPED,
  SA_NOCLDSTOP,
  SIGCHLD,
  SIGCONT,
  SIGKILL,
  SIGSEGV,
  SIG_DFL,
  SIG_IGN,
  SI_KERNEL,
} from "./signal-numbers.js";
import { STOP_SIGNALS, enqueue, flushPending, isIgnored, isStopSignal, sigmask } from "./signal-state.js";
import type { SigInfo, Task, ThreadGroup } from "./task.js";

/** Plain siginfo of kill(). */
export function userSignal(signo: number, code: number, from: Task): SigInfo {
  return { signo, errno: 0, code, pid: from.group.tgid, uid: from.credentials.uid };
}

export function kernelSignal(signo: number): SigInfo {
  return { signo, errno: 0, code: SI_KERNEL, pid: 0, uid: 0 };
}

/** A stop signal removes a pending SIGCONT and the other way round; SIGCONT continues. Linux: prepare_signal(). */
function prepareSignal(kernel: Kernel, group: ThreadGroup, signo: number): void {
  const remove = (mask: bigint): void => {
    flushPending(group.sharedPending, mask);
    for (const thread of group.threads) flushPending(thread.pending, mask);
  };
  if (isStopSignal(signo)) remove(sigmask(SIGCONT));
  else if (signo === SIGCONT) {
    remove(STOP_SIGNALS);
    continueGroup(kernel, group);
  }
}

function continueGroup(kernel: Kernel, group: ThreadGroup): void {
  if (group.stopSignal === 0) return;
  group.stopSignal = 0;
  group.stopReported = false;
  group.continued = true;
  for (const thread of group.threads) kernel.resumeStopped(thread);
  notifyParentOfStop(kernel, group, CLD_CONTINUED, SIGCONT);
}

/** True if sending the signal has no effect. A blocked signal is kept: the disposition may change. Linux: sig_ignored(). */
function ignoredBy(task: Task, signo: number): boolean {
  if ((task.blocked & sigmask(signo)) !== 0n) return false;
  return isIgnored(task.sighand.actions[signo]!, signo);
}

/** Let a sleeping task see its signal. A fatal one also ends waits that only death ends. */
function signalWakeUp(kernel: Kernel, task: Task, fatal: boolean): void {
  if (fatal) {
    task.killed = true;
    kernel.resumeStopped(task);
  }
  if (task.sleep === undefined || task.sleep.killable !== true || task.killed) task.wake();
}

/** Send to a process: any thread that does not block the signal takes it. Linux: send_signal_locked(PIDTYPE_TGID), complete_signal(). */
export function sendGroupSignal(kernel: Kernel, group: ThreadGroup, info: SigInfo): void {
  const { signo } = info;
  if (group.threads.length === 0) return;
  prepareSignal(kernel, group, signo);
  const { leader } = group;
  if (signo !== SIGKILL && ignoredBy(leader, signo)) return;
  if (signo === SIGKILL) {
    killGroup(kernel, group, SIGKILL);
    return;
  }
  if (!enqueue(group.sharedPending, info)) return;
  leader.sighand.arrivals?.wakeAll();
  const taker = group.threads.find((thread) => (thread.blocked & sigmask(signo)) === 0n);
  const waiter = group.threads.find((thread) => (thread.sigWait & sigmask(signo)) !== 0n);
  if (waiter !== undefined) waiter.wake();
  else if (taker !== undefined) signalWakeUp(kernel, taker, false);
}

/** Send to one thread. Linux: send_signal_locked(PIDTYPE_PID). */
export function sendThreadSignal(kernel: Kernel, task: Task, info: SigInfo): void {
  const { signo } = info;
  prepareSignal(kernel, task.group, signo);
  if (signo === SIGKILL) {
    killGroup(kernel, task.group, SIGKILL);
    return;
  }
  if (ignoredBy(task, signo)) return;
  if (!enqueue(task.pending, info)) return;
  task.sighand.arrivals?.wakeAll();
  if (((task.blocked & ~task.sigWait) & sigmask(signo)) === 0n) signalWakeUp(kernel, task, false);
}

/** Every thread of the group dies of `signo` as soon as it runs. */
export function killGroup(kernel: Kernel, group: ThreadGroup, signo: number): void {
  group.groupExitCode ??= signo;
  for (const thread of group.threads) signalWakeUp(kernel, thread, true);
}

/** A signal from outside the guest (Ctrl-C). */
export function signalFromHost(kernel: Kernel, group: ThreadGroup, signo: number): void {
  sendGroupSignal(kernel, group, kernelSignal(signo));
}

/** Every process dies of SIGKILL as soon as it can, whatever session it is in. Linux: drivers/tty/sysrq.c send_sig_all(). */
export function killEverything(kernel: Kernel): void {
  for (const group of kernel.groups.values()) signalFromHost(kernel, group, SIGKILL);
}

/**
 * A fault of the current task: cannot be ignored or blocked; where it is, the task dies of it.
 * Linux: force_sig_info_to_task(), arm64_force_sig_fault().
 */
export function forceFault(kernel: Kernel, task: Task, signo: number, code: number, at: Va, esr: number | undefined): void {
  task.faultAddress = at;
  task.faultCode = esr ?? 0;
  forceSignal(kernel, task, { signo, errno: 0, code, addr: BigInt(at) });
}

/** Deliver `info` to the task whatever it thinks of it. Linux: force_sig_info_to_task(HANDLER_CURRENT). */
export function forceSignal(kernel: Kernel, task: Task, info: SigInfo): void {
  const { signo } = info;
  if (signo === SIGKILL) {
    killGroup(kernel, task.group, signo);
    return;
  }
  const action = task.sighand.actions[signo]!;
  const blocked = (task.blocked & sigmask(signo)) !== 0n;
  if (blocked || action.handler === SIG_IGN) {
    task.sighand.actions[signo] = { ...action, handler: SIG_DFL };
    task.blocked &= ~sigmask(signo);
  }
  flushPending(task.pending, sigmask(signo));
  task.pending.queue.push(info);
}

/** As force_sig(SIGSEGV) when a frame cannot be written: if SIGSEGV itself was to be delivered, it becomes fatal. Linux: force_sigsegv(). */
export function forceSigsegv(kernel: Kernel, task: Task, signo: number): void {
  if (signo === SIGSEGV) task.sighand.actions[SIGSEGV] = { ...task.sighand.actions[SIGSEGV]!, handler: SIG_DFL };
  forceSignal(kernel, task, kernelSignal(SIGSEGV));
}

/** Clock ticks of `nanoseconds`, for si_utime. */
const ticks = (nanoseconds: number): number => Math.floor(nanoseconds / 10_000_000);

/** siginfo of a child's end. */
export function childSignal(group: ThreadGroup, signo: number, status: number): SigInfo {
  const signal = status % 128;
  const code = signal === 0 ? CLD_EXITED : status % 256 >= 128 ? CLD_DUMPED : CLD_KILLED;
  const use = group.exited;
  return {
    signo,
    errno: 0,
    code,
    pid: group.tgid,
    uid: group.leader.credentials.uid,
    status: signal === 0 ? Math.floor(status / 256) % 256 : signal,
    utime: ticks(use.userTime),
    stime: ticks(use.systemTime),
  };
}

/** Tell the parent that the group has stopped or continued. Linux: do_notify_parent_cldstop(). */
export function notifyParentOfStop(kernel: Kernel, group: ThreadGroup, code: number, signo: number): void {
  const { parent } = group;
  if (parent === undefined) return;
  const action = parent.leader.sighand.actions[SIGCHLD]!;
  if (action.handler !== SIG_IGN && (action.flags & SA_NOCLDSTOP) === 0) {
    const status = code === CLD_STOPPED ? group.stopSignal : signo;
    sendGroupSignal(kernel, parent, { signo: SIGCHLD, errno: 0, code, pid: group.tgid, uid: group.leader.credentials.uid, status, utime: 0, stime: 0 });
  }
  parent.waitChild.wakeAll();
}
