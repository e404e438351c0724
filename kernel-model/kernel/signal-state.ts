/**
 * Signal dispositions, masks and queues: state and rules without side effects on tasks.
 *
 * Linux: include/linux/signal.h, kernel/signal.c sig_task_ignored(), next_signal(), flush_signal_handlers().
 */
import type { SigAction, SigHand, SigInfo, SigPending, Task } from "./task.js";
import {
  NSIG,
  SIGBUS,
  SIGCHLD,
  SIGCONT,
  SIGFPE,
  SIGILL,
  SIGKILL,
  SIGRTMIN,
  SIGSEGV,
  SIGSTOP,
  SIGSYS,
  SIGTRAP,
  SIGTSTP,
  SIGTTIN,
  SIGTTOU,
  SIGURG,
  SIGWINCH,
  SIG_DFL,
  SIG_IGN,
  SIGQUIT,
  SIGABRT,
  SIGXCPU,
  SIGXFSZ,
} from "./signal-numbers.js";

/** Bit of a signal in a mask. */
export const sigmask = (signo: number): bigint => 1n << BigInt(signo - 1);
const maskOf = (...signals: readonly number[]): bigint => signals.reduce((mask, signo) => mask | sigmask(signo), 0n);

/** Can neither be blocked, caught nor ignored. */
export const UNBLOCKABLE = maskOf(SIGKILL, SIGSTOP);
/** Stop the process by default. */
export const STOP_SIGNALS = maskOf(SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU);
/** Ignored by default. */
const IGNORED_BY_DEFAULT = maskOf(SIGCONT, SIGCHLD, SIGWINCH, SIGURG);
/** Faults of the task itself; delivered before other signals. Linux: SYNCHRONOUS_MASK. */
const SYNCHRONOUS = maskOf(SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS);
/** Default action is a core dump. */
const CORE_SIGNALS = maskOf(SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGSEGV, SIGBUS, SIGSYS, SIGXCPU, SIGXFSZ);

const DEFAULT_ACTION: SigAction = { handler: SIG_DFL, flags: 0, restorer: 0n, mask: 0n };

export function defaultSigHand(): SigHand {
  return { actions: Array.from({ length: NSIG + 1 }, () => DEFAULT_ACTION), users: 1 };
}

export function copySigHand(from: SigHand): SigHand {
  return { actions: [...from.actions], users: 1 };
}

/** exec and clone without CLONE_SIGHAND: handlers of one's own. */
export function unshareSighand(task: Task): void {
  if (task.sighand.users === 1) return;
  task.sighand.users--;
  task.sighand = copySigHand(task.sighand);
}

/** exec and CLONE_CLEAR_SIGHAND: caught signals get the default action, ignored ones stay ignored. Linux: flush_signal_handlers(). */
export function flushSignalHandlers({ actions }: SigHand): void {
  actions.forEach((action, signo) => {
    actions[signo] = action.handler === SIG_IGN ? { ...DEFAULT_ACTION, handler: SIG_IGN } : DEFAULT_ACTION;
  });
}

export const isStopSignal = (signo: number): boolean => (STOP_SIGNALS & sigmask(signo)) !== 0n;
export const isIgnoredByDefault = (signo: number): boolean => (IGNORED_BY_DEFAULT & sigmask(signo)) !== 0n;
export const isCoreSignal = (signo: number): boolean => (CORE_SIGNALS & sigmask(signo)) !== 0n;

/** The disposition throws the signal away. */
export function isIgnored(action: SigAction, signo: number): boolean {
  return action.handler === SIG_IGN || (action.handler === SIG_DFL && isIgnoredByDefault(signo));
}

/** Mask of queued signals. */
export function pendingMask(pending: SigPending): bigint {
  return pending.queue.reduce((mask, { signo }) => mask | sigmask(signo), 0n);
}

/** Queue a signal; a standard signal that is queued already stays alone. Returns false if it was dropped. */
export function enqueue(pending: SigPending, info: SigInfo): boolean {
  if (info.signo < SIGRTMIN && pending.queue.some(({ signo }) => signo === info.signo)) return false;
  pending.queue.push(info);
  return true;
}

/** Remove and return the next signal that `blocked` lets through: faults first, then by number, then by age. Linux: dequeue_signal(). */
export function dequeue(pending: SigPending, blocked: bigint): SigInfo | undefined {
  let best = -1;
  for (let i = 0; i < pending.queue.length; i++) {
    const info = pending.queue[i]!;
    if ((blocked & sigmask(info.signo)) !== 0n) continue;
    if (best < 0 || rank(info.signo) < rank(pending.queue[best]!.signo)) best = i;
  }
  return best < 0 ? undefined : pending.queue.splice(best, 1)[0];
}

const rank = (signo: number): number => ((SYNCHRONOUS & sigmask(signo)) !== 0n ? signo : signo + NSIG);

/** Remove all queued signals of `mask`. */
export function flushPending(pending: SigPending, mask: bigint): void {
  if (pending.queue.length > 0) pending.queue = pending.queue.filter(({ signo }) => (mask & sigmask(signo)) === 0n);
}

/** True if a signal waits that the task does not block. Linux: signal_pending() as recalc_sigpending() computes it. */
export function signalPending(task: Task): boolean {
  if (task.killed) return true;
  const { queue } = task.pending;
  const shared = task.group.sharedPending.queue;
  if (queue.length === 0 && shared.length === 0) return false;
  return queue.some(({ signo }) => (task.blocked & sigmask(signo)) === 0n) || shared.some(({ signo }) => (task.blocked & sigmask(signo)) === 0n);
}
