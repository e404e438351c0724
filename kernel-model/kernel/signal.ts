/**
 * Acting on pending signals before a task returns to EL0.
 *
 * Linux: kernel/signal.c get_signal(), do_signal_stop(); arch/arm64/kernel/signal.c do_signal(), handle_signal().
 */
import type { Va } from "../../emulator/arch/addr.js";
import { hex } from "../../emulator/arch/addr.js";
import { EINTR, ERESTARTNOHAND, ERESTARTNOINTR, ERESTARTSYS, ERESTART_RESTARTBLOCK } from "../errno.js";
import { rseqEvent, rseqNotifyResume } from "./rseq.js";
import { doGroupExit } from "./exit.js";
import type { Kernel } from "./kernel.js";
import type { CrashReport } from "./outcome.js";
import { RLIMIT_CORE } from "./rlimit.js";
import { CLD_STOPPED, SA_NODEFER, SA_RESETHAND, SA_RESTART, SIGKILL, SIG_DFL, SIG_IGN, SI_USER, signalName } from "./signal-numbers.js";
import { setupRtFrame } from "./signal-frame.js";
import { forceSigsegv, notifyParentOfStop } from "./signal-send.js";
import { UNBLOCKABLE, dequeue, isCoreSignal, isIgnored, isStopSignal, sigmask, signalPending } from "./signal-state.js";
import type { SigAction, SigInfo, Task } from "./task.js";
import { CTX_NZCV, CTX_PC, CTX_SP } from "./task.js";

/** Number of restart_syscall in the arm64 table. */
const NR_RESTART_SYSCALL = 128;
/** WCOREDUMP bit of a wait status. */
const CORE_FLAG = 0x80;

/** What is known of a fatal signal, while the registers are still there. */
function crashReport(kernel: Kernel, task: Task, info: SigInfo): CrashReport {
  const context = new BigUint64Array(task.context.length);
  kernel.processor.saveContext(context);
  const pc = Number(context[CTX_PC]!);
  const fault = info.addr !== undefined;
  const word = kernel.user.peek32(pc as Va);
  return {
    signo: info.signo,
    code: info.code,
    pid: task.pid,
    comm: task.comm,
    pc,
    faultAddress: fault ? Number(info.addr) : undefined,
    esr: fault && task.faultCode !== 0 ? task.faultCode : undefined,
    reason: crashReason(info),
    x: Array.from(context.subarray(0, 31)),
    sp: context[CTX_SP]!,
    nzcv: Number(context[CTX_NZCV]!),
    instruction: word,
  };
}

const FAULT_REASONS: Readonly<Record<string, string>> = {
  "SIGSEGV:1": "address not mapped",
  "SIGSEGV:2": "access not permitted",
  "SIGBUS:1": "address not aligned",
  "SIGBUS:2": "no page behind the address (beyond the end of the file, or memory is used up)",
  "SIGILL:1": "undefined instruction",
  "SIGTRAP:1": "breakpoint",
};

function crashReason(info: SigInfo): string {
  const name = signalName(info.signo);
  if (info.addr !== undefined) {
    const what = FAULT_REASONS[`${name}:${info.code}`] ?? `si_code ${info.code}`;
    return `${name}: ${what} at ${hex(info.addr)}`;
  }
  if (info.code <= SI_USER && info.pid !== undefined) return `${name} sent by process ${info.pid}`;
  return `${name} sent by the kernel`;
}

/**
 * Would a core file be written: the process is dumpable, and RLIMIT_CORE leaves room for the smallest one. Linux: fs/coredump.c
 * do_coredump(), binfmt_elf.c min_coredump (ELF_EXEC_PAGESIZE, a page on arm64).
 * Differs: no file is written.
 */
const mayDump = (kernel: Kernel, task: Task): boolean => task.dumpable !== 0 && task.group.limits[RLIMIT_CORE]!.soft >= kernel.sys.granule.pageSize;

/** Stop the whole group. Linux: do_signal_stop(). */
function stopGroup(kernel: Kernel, task: Task, signo: number): void {
  const { group } = task;
  group.stopSignal = signo;
  group.stopReported = false;
  group.continued = false;
  for (const thread of group.threads) {
    if (thread.state === "runnable" || thread.state === "sleeping") thread.state = "stopped";
  }
  notifyParentOfStop(kernel, group, CLD_STOPPED, signo);
}

type Action = { readonly info: SigInfo; readonly action: SigAction };

/** Take signals off the queues and carry out default actions until one has a handler. Linux: get_signal(). */
function getSignal(kernel: Kernel, task: Task): Action | undefined {
  for (;;) {
    if (task.killed || task.group.groupExitCode !== undefined) {
      doGroupExit(kernel, task, task.group.groupExitCode ?? SIGKILL);
      return undefined;
    }
    const info = dequeue(task.pending, task.blocked) ?? dequeue(task.group.sharedPending, task.blocked);
    if (info === undefined) return undefined;
    const { signo } = info;
    const action = task.sighand.actions[signo]!;
    if (action.handler !== SIG_DFL && action.handler !== SIG_IGN) {
      if ((action.flags & SA_RESETHAND) !== 0) task.sighand.actions[signo] = { ...action, handler: SIG_DFL };
      return { info, action };
    }
    if (isIgnored(action, signo)) continue;
    if (isStopSignal(signo)) {
      stopGroup(kernel, task, signo);
      return undefined;
    }
    if (task.group === kernel.init) kernel.crash ??= crashReport(kernel, task, info);
    doGroupExit(kernel, task, isCoreSignal(signo) && mayDump(kernel, task) ? signo | CORE_FLAG : signo);
    return undefined;
  }
}

/**
 * Act on the pending signals of the current task: restart or finish the interrupted system call, run default actions, or enter a
 * handler. False if the task does not return to EL0 now, or nothing was left to do. Linux: do_signal().
 */
export function deliverSignals(kernel: Kernel, task: Task): boolean {
  const { registers } = kernel.processor;
  const interrupted = task.syscall >= 0;
  const continueAt = registers.pc;
  const result = interrupted ? Number(BigInt.asIntN(64, registers.x(0))) : 0;
  let restarts = false;
  if (interrupted) {
    task.syscall = -1;
    restarts = result === -ERESTARTNOHAND || result === -ERESTARTSYS || result === -ERESTARTNOINTR || result === -ERESTART_RESTARTBLOCK;
    if (restarts) {
      registers.setX(0, task.syscallX0);
      registers.pc = continueAt - 4n;
    }
  }
  const taken = getSignal(kernel, task);
  if (task.state !== "runnable") return false;
  if (taken === undefined) {
    if (restarts && result === -ERESTART_RESTARTBLOCK) registers.setX(8, BigInt(NR_RESTART_SYSCALL));
    return false;
  }
  const { info, action } = taken;
  const noRestart = result === -ERESTARTNOHAND || result === -ERESTART_RESTARTBLOCK || (result === -ERESTARTSYS && (action.flags & SA_RESTART) === 0);
  if (restarts && noRestart) {
    registers.setX(0, BigInt.asUintN(64, BigInt(-EINTR)));
    registers.pc = continueAt;
  }
  rseqEvent(task);
  if (task.rseqNotify && !rseqNotifyResume(kernel, task)) {
    forceSigsegv(kernel, task, info.signo);
    return true;
  }
  const oldMask = task.savedMask ?? task.blocked;
  task.savedMask = undefined;
  if (!setupRtFrame(kernel, task, info, action, oldMask)) {
    forceSigsegv(kernel, task, info.signo);
    return true;
  }
  const own = (action.flags & SA_NODEFER) === 0 ? sigmask(info.signo) : 0n;
  task.blocked = (task.blocked | action.mask | own) & ~UNBLOCKABLE;
  return signalPending(task);
}
