/**
 * Tasks (threads) and thread groups (processes).
 *
 * Linux: include/linux/sched.h struct task_struct, include/linux/sched/signal.h struct signal_struct, sighand_struct.
 *
 * Life of a task: runnable -> (sleeping <-> runnable, stopped <-> runnable) -> zombie -> dead. A zombie has released its memory and
 * files and keeps its exit status until the parent waits; other threads than the leader go from runnable to dead at once.
 */
import type { Va } from "../../emulator/arch/addr.js";
import type { Context } from "../../emulator/engine/engine.js";
import { CONTEXT_WORDS } from "../../emulator/engine/engine.js";
import type { FdTable } from "../fs/fdtable.js";
import type { FsStruct, OpenFile } from "../fs/vfs.js";
import type { TaskFaults } from "../mm/memory-system.js";
import type { MmLimits, MmStruct } from "../mm/mm-struct.js";
import type { Capabilities } from "./capabilities.js";
import type { Timer } from "./clock.js";
import type { RLimit } from "./rlimit.js";
import { NO_RSEQ, type RseqState } from "./rseq.js";
import type { Waiter } from "./wait-queue.js";
import { WaitQueue } from "./wait-queue.js";

/* include/uapi/linux/sched.h */
export const SCHED_NORMAL = 0;
export const SCHED_FIFO = 1;
export const SCHED_RR = 2;
export const SCHED_BATCH = 3;
export const SCHED_IDLE = 5;

/* Words of a saved context (engine.ts CONTEXT_WORDS). */
export const CTX_SP = 31;
export const CTX_PC = 32;
export const CTX_NZCV = 33;
export const CTX_FPCR = 34;
export const CTX_FPSR = 35;
export const CTX_TPIDR = 36;
export const CTX_VECTORS = 37;

/** What a signal carries. Linux: struct kernel_siginfo; only the fields of its layout are set. */
export interface SigInfo {
  readonly signo: number;
  readonly errno: number;
  readonly code: number;
  /** Layout of the union: kill and queue (pid, uid, value), fault (addr), child (pid, uid, status, times), timer (id, overrun, value), poll. */
  readonly pid?: number;
  readonly uid?: number;
  readonly value?: bigint;
  readonly addr?: bigint;
  readonly status?: number;
  readonly utime?: number;
  readonly stime?: number;
  readonly timerId?: number;
  readonly overrun?: number;
  readonly band?: number;
  readonly fd?: number;
  readonly syscall?: number;
}

/** Signals that wait for delivery. Standard signals queue once, real-time signals each time. Linux: struct sigpending. */
export interface SigPending {
  queue: SigInfo[];
}

export interface SigAction {
  /** SIG_DFL, SIG_IGN or the handler's address. */
  readonly handler: bigint;
  readonly flags: number;
  readonly restorer: bigint;
  /** Signals blocked while the handler runs; bit n-1 is signal n. */
  readonly mask: bigint;
}

/** Handlers, shared by CLONE_SIGHAND. Linux: struct sighand_struct. */
export interface SigHand {
  /** Indexed by signal number; 0 unused. */
  readonly actions: SigAction[];
  users: number;
  /** Woken by every signal sent to a task of these handlers; made by the first wait on a signalfd. Linux: signalfd_wqh. */
  arrivals?: WaitQueue;
}

export interface AltStack {
  readonly sp: bigint;
  readonly size: bigint;
  /** SS_DISABLE or SS_AUTODISARM. */
  readonly flags: number;
}

export const NO_ALT_STACK: AltStack = { sp: 0n, size: 0n, flags: 2 };

/** Sums of a task or of tasks that are gone, for getrusage and wait4. Times in nanoseconds, RSS in pages. */
export interface ResourceUse {
  userTime: number;
  systemTime: number;
  minFlt: number;
  majFlt: number;
  maxRss: number;
  voluntarySwitches: number;
  involuntarySwitches: number;
}

export function noResourceUse(): ResourceUse {
  return { userTime: 0, systemTime: 0, minFlt: 0, majFlt: 0, maxRss: 0, voluntarySwitches: 0, involuntarySwitches: 0 };
}

/**
 * A system call that waits. When the task is woken and runs again, `poll` is asked; undefined means: go on sleeping.
 * `poll` may read and write user memory: the task is current when it is called.
 */
export interface Sleep {
  readonly queues: readonly WaitQueue[];
  /** Monotonic time at which the wait ends, nanoseconds; undefined or Infinity: never. */
  readonly deadline?: number;
  readonly poll: () => number | undefined;
  /** Result when the deadline passes. Required with a deadline. */
  readonly timedOut?: () => number;
  /** Result when a signal arrives; default -ERESTARTSYS. */
  readonly interrupted?: () => number;
  /** Called once when the wait ends, however it ends: result, signal, time-out or death. */
  readonly release?: () => void;
  /** Only a fatal signal ends the wait (vfork). */
  readonly killable?: boolean;
  /** What it waits for, for the report of a deadlock. */
  readonly what: string;
}

export type TaskState = "runnable" | "sleeping" | "stopped" | "zombie" | "dead";

/** Credentials. Linux: struct cred. Immutable: changing them replaces the record. */
export interface Credentials {
  readonly uid: number;
  readonly euid: number;
  readonly suid: number;
  readonly fsuid: number;
  readonly gid: number;
  readonly egid: number;
  readonly sgid: number;
  readonly fsgid: number;
  readonly groups: readonly number[];
  /** Capability sets, where they are not those that go with the ids. See capabilities.ts. */
  readonly capabilities?: Capabilities;
}

export const ROOT_CREDENTIALS: Credentials = { uid: 0, euid: 0, suid: 0, fsuid: 0, gid: 0, egid: 0, sgid: 0, fsgid: 0, groups: [0] };

/** An interval timer of setitimer(ITIMER_REAL) or timer_create(). */
export interface IntervalTimer {
  /** Armed expiry; undefined: disarmed. */
  timer: Timer | undefined;
  /** Nanoseconds between expiries; 0: once. */
  interval: number;
}

export interface PosixTimer extends IntervalTimer {
  readonly id: number;
  readonly clock: number;
  /** Signal to send; 0: none (SIGEV_NONE). */
  readonly signo: number;
  readonly value: bigint;
  /** SIGEV_THREAD_ID: this thread, else the group. */
  readonly thread: Task | undefined;
  overrun: number;
  /** Of a timer on a CPU clock: whose time, and what runs if it is armed. */
  readonly cpu?: { readonly thread: Task | undefined; timer: CpuTimer | undefined };
}

/** What a timer of CPU time runs by: user time alone or all of it, of the process or of one thread. Linux: CPUCLOCK_VIRT, CPUCLOCK_PROF. */
export interface CpuTimer {
  readonly what: "virtual" | "prof";
  /** undefined: all threads of the process. */
  readonly thread: Task | undefined;
  /** CPU time at which it fires, nanoseconds. */
  expires: number;
  /** Nanoseconds between expiries; 0: once. */
  interval: number;
  /** Called with the number of expiries missed. */
  readonly fire: (missed: number) => void;
}

/** A process. Linux: struct signal_struct and what hangs on the group leader. */
export interface ThreadGroup {
  readonly tgid: number;
  leader: Task;
  /** Live threads, oldest first; empty once the last one has exited. */
  readonly threads: Task[];
  /** undefined: the parent is outside the model (the lab) or gone. */
  parent: ThreadGroup | undefined;
  readonly children: Set<ThreadGroup>;
  pgrp: number;
  session: number;
  readonly sharedPending: SigPending;
  /** Woken when a child changes state. Linux: wait_chldexit. */
  readonly waitChild: WaitQueue;
  /** Woken when the last thread has ended and when the group is forgotten; made by the first pidfd that is polled. Linux: wait_pidfd. */
  exitWaiters?: WaitQueue;
  /** Signal sent to the parent when the group ends: SIGCHLD unless clone asked for another. */
  exitSignal: number;
  /** Wait status of the whole group, once group exit has begun. */
  groupExitCode: number | undefined;
  /** Stop state of job control: signal that stopped the group; waited: the parent has seen it. */
  stopSignal: number;
  stopReported: boolean;
  continued: boolean;
  limits: RLimit[];
  readonly mmLimits: MmLimits;
  /** Use by threads of the group that have exited. */
  readonly exited: ResourceUse;
  /** Use by children that were waited for. */
  readonly childrenUse: ResourceUse;
  readonly realTimer: IntervalTimer;
  readonly posixTimers: Map<number, PosixTimer>;
  /** Timers of CPU time that are armed: setitimer, timer_create, RLIMIT_CPU. */
  readonly cpuTimers: CpuTimer[];
  /** setitimer(ITIMER_VIRTUAL), setitimer(ITIMER_PROF), and RLIMIT_CPU, as far as they are armed. */
  readonly cpuItimers: Record<CpuTimer["what"], CpuTimer | undefined>;
  cpuLimit: CpuTimer | undefined;
  /** execve has been called since fork (setpgid of the parent then fails). */
  execed: boolean;
  /** PR_SET_CHILD_SUBREAPER. */
  subreaper: boolean;
}

/** As many CPUs as a mask of the ABI has bits. */
export const ALL_CPUS = 2n ** 64n - 1n;

export class Task implements TaskFaults, Waiter {
  /** Thread id. Changes only when a thread executes a program and becomes its group's leader. */
  pid: number;
  readonly group: ThreadGroup;
  state: TaskState = "runnable";
  /** The address space; undefined once released. */
  mm: MmStruct | undefined;
  fs: FsStruct | undefined;
  files: FdTable | undefined;
  sighand: SigHand;
  /** Registers while another task runs. */
  readonly context: Context = new BigUint64Array(CONTEXT_WORDS);
  minFlt = 0;
  majFlt = 0;
  readonly use: ResourceUse = noResourceUse();
  comm = "";
  /** The executable, for /proc/PID/exe. Holds a reference. */
  exe: OpenFile | undefined;
  credentials: Credentials;
  /** Blocked signals; bit n-1 is signal n. */
  blocked = 0n;
  /** Mask to restore after a handler that interrupted sigsuspend, ppoll, pselect or epoll_pwait. */
  savedMask: bigint | undefined;
  readonly pending: SigPending = { queue: [] };
  /** Signals that rt_sigtimedwait waits for although they are blocked. */
  sigWait = 0n;
  /** thread.fault_address and fault_code: of the last fault that became a signal. */
  faultAddress = 0;
  faultCode = 0;
  altStack: AltStack = NO_ALT_STACK;
  /** The system call it sleeps in. */
  sleep: Sleep | undefined;
  sleepTimer: Timer | undefined;
  /** Number of the call being served and its first argument, for restart; -1 outside a call. */
  syscall = -1;
  syscallX0 = 0n;
  /** What restart_syscall() continues. */
  restart: (() => number | Sleep) | undefined;
  /** CLONE_CHILD_CLEARTID: zeroed, and its futex woken, at exit. */
  clearChildTid = 0 as Va;
  /** CLONE_CHILD_SETTID: where the thread writes its pid when it first runs. */
  setChildTid = 0 as Va;
  robustList = 0 as Va;
  rseq: RseqState = NO_RSEQ;
  /** Something happened that a restartable sequence must not survive; written by rseq.ts. */
  rseqEvent = false;
  /** The rseq area is stale; it is written before the task returns to user mode. */
  rseqNotify = false;
  /** Who waits until this task releases its mm (vfork). */
  vforkDone: WaitQueue | undefined;
  /** The CPU that it runs on or waits for; written by the scheduler. */
  cpu = 0;
  /** The CPU on which it ran last, -1: none yet; and how often that was another one than before. */
  ranOn = -1;
  migrations = 0;
  /** CPUs it may run on; bit n is CPU n. */
  cpusAllowed = ALL_CPUS;
  /** set_mempolicy(): MPOL_* mode, and whether node 0 was named. */
  mempolicy: { readonly mode: number; readonly node0: boolean } = { mode: 0, node0: false };
  /** CLOCK_MONOTONIC when it was made, nanoseconds. */
  readonly startTime: number;
  nice = 0;
  /** Scheduling policy: SCHED_NORMAL, FIFO, RR, BATCH or IDLE, and 1 to 99 under FIFO and RR, else 0. */
  policy = SCHED_NORMAL;
  rtPriority = 0;
  /** Children get the normal policy (SCHED_RESET_ON_FORK). */
  resetOnFork = false;
  personality = 0;
  deathSignal = 0;
  /** A fatal signal is on its way; sleeps end whatever they wait for. */
  killed = false;
  exitCode = 0;
  timerSlack = 50_000;
  noNewPrivileges = false;
  dumpable = 1;
  /** PR_SET_KEEPCAPS and relatives are accepted and kept. */
  readonly prctlFlags = new Map<number, number>();
  /** Called when the task can run again; set by the scheduler. */
  private readonly onWake: (task: Task) => void;

  constructor(options: {
    readonly pid: number;
    readonly group: ThreadGroup;
    readonly sighand: SigHand;
    readonly credentials: Credentials;
    readonly onWake: (task: Task) => void;
    readonly startTime?: number;
  }) {
    this.startTime = options.startTime ?? 0;
    this.pid = options.pid;
    this.group = options.group;
    this.sighand = options.sighand;
    this.credentials = options.credentials;
    this.onWake = options.onWake;
  }

  /** Linux: wake_up_process(). Nothing happens unless it sleeps. */
  wake(): void {
    if (this.state === "sleeping") this.onWake(this);
  }

  get isLeader(): boolean {
    return this.group.leader === this;
  }
}

/** A new process and its first thread, which `makeLeader` builds for it. */
export function createThreadGroup(
  options: {
    readonly tgid: number;
    readonly parent: ThreadGroup | undefined;
    readonly pgrp: number;
    readonly session: number;
    readonly limits: readonly RLimit[];
    readonly mmLimits: MmLimits;
  },
  makeLeader: (group: ThreadGroup) => Task,
): ThreadGroup {
  const group = {
    ...options,
    threads: [],
    children: new Set(),
    sharedPending: { queue: [] },
    waitChild: new WaitQueue(),
    exitSignal: 0,
    groupExitCode: undefined,
    stopSignal: 0,
    stopReported: false,
    continued: false,
    limits: [...options.limits],
    exited: noResourceUse(),
    childrenUse: noResourceUse(),
    realTimer: { timer: undefined, interval: 0 },
    posixTimers: new Map(),
    cpuTimers: [],
    cpuItimers: { virtual: undefined, prof: undefined },
    cpuLimit: undefined,
    execed: false,
    subreaper: false,
  } as Omit<ThreadGroup, "leader"> as ThreadGroup;
  group.leader = makeLeader(group);
  group.threads.push(group.leader);
  return group;
}
