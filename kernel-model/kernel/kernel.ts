/**
 * The kernel of one machine: owns all tasks, and turns traps of the processor into faults, system calls and signals.
 *
 * Linux: arch/arm64/kernel/entry-common.c el0_svc(), el0_da(), el0_ia(), el0_undef(), el0_brk64(); kernel/sched/core.c.
 */
import { hex, type Va } from "../../emulator/arch/addr.js";
import { ModelBug, assertNever } from "../../emulator/arch/errors.js";
import type { Processor, Trap } from "../../emulator/processor.js";
import { readCounter } from "../arch/arm64/arch-timer.js";
import { emulateMrs } from "../arch/arm64/cpufeature.js";
import { doMemAbort } from "../arch/arm64/fault.js";
import { UserAccess } from "../arch/arm64/uaccess.js";
import { ERESTARTSYS, isErr } from "../errno.js";
import type { Mounter } from "../fs/mounts.js";
import { createIpc, type Ipc } from "../ipc/ipc.js";
import { createInternalFileSystems, type InternalFileSystems } from "../fs/internal-fs.js";
import type { OpenFile, Path } from "../fs/vfs.js";
import { getFile, putFile } from "../fs/vfs.js";
import { FdTable } from "../fs/fdtable.js";
import { shrinkHugeZeroFolio } from "../mm/huge-memory.js";
import type { MemorySystem } from "../mm/memory-system.js";
import type { MmStruct } from "../mm/mm-struct.js";
import type { SyscallTable } from "../syscalls/table.js";
import { SyscallArgs } from "../syscalls/abi.js";
import { AddressRandomizer } from "./aslr.js";
import { Clock, NANOSECONDS_PER_INSTRUCTION } from "./clock.js";
import type { ExecError } from "./elf.js";
import { execve } from "./exec.js";
import { killAll } from "./exit.js";
import { FutexTable } from "./futex-table.js";
import type { Outcome, CrashReport, RunLimits } from "./outcome.js";
import { SeededRandom } from "./random.js";
import { startKhugepaged } from "./khugepaged.js";
import { KernelTime } from "./kernel-time.js";
import { cpuTimerBudget, runCpuTimers } from "./posix-cpu-timers.js";
import { rseqEvent, rseqNotifyResume } from "./rseq.js";
import { Scheduler } from "./sched.js";
import { initialLimits, mmLimitsOf } from "./rlimit.js";
import { deliverSignals } from "./signal.js";
import { forceFault, forceSigsegv, signalFromHost } from "./signal-send.js";
import { defaultSigHand, signalPending } from "./signal-state.js";
import { BUS_ADRALN, ILL_ILLOPC, SIGBUS, SIGILL, SIGTRAP, TRAP_BRKPT } from "./signal-numbers.js";
import type { Sleep, ThreadGroup } from "./task.js";
import { ROOT_CREDENTIALS, Task, createThreadGroup } from "./task.js";
import { UserSpace } from "./user-space.js";
import type { Vdso } from "./vdso.js";
import { createVdso } from "./vdso.js";

export interface KernelOptions {
  readonly sys: MemorySystem;
  readonly processor: Processor;
  /** Instructions executed so far: the source of time. */
  readonly retired: () => number;
  readonly syscalls: SyscallTable;
  /** Root of the file system tree. */
  readonly root: Path;
  /** Descriptors 0, 1 and 2 of the first process. */
  readonly standardStreams: readonly [OpenFile, OpenFile, OpenFile];
  /** Makes random numbers, addresses (when randomised) and scheduler jitter. */
  readonly seed: number;
  /** Longest run of one task while others wait, in instructions. */
  readonly quantum?: number;
  /** Vary each quantum by the seed between a half and one and a half, so that seeds give different interleavings. */
  readonly jitter?: boolean;
  readonly randomizeAddresses?: boolean;
  /** CLOCK_REALTIME at the start, seconds. */
  readonly epochSeconds?: number;
  readonly hostname?: string;
  /** Largest number of tasks (RLIMIT_NPROC of the first process). */
  readonly maxTasks?: number;
  /** Set the working directory of the first process; default the root. */
  readonly cwd?: Path;
  /** Mounts and unmounts; without it that is not permitted. */
  readonly mounter?: Mounter;
  /**
   * Asked first when a program executes BRK: `immediate` is the instruction's 16 bits. True: the program goes on behind the instruction
   * and never learns of it. False, or no hook: SIGTRAP. Linux: the hooks of arch/arm64/kernel/debug-monitors.c call_break_hook().
   */
  readonly onBreakpoint?: (pc: Va, immediate: number) => boolean;
}

const DEFAULT_QUANTUM = 1_000_000;
const DEFAULT_MAX_TASKS = 4096;
/** First process id: what comes before it is the host's init and shell. */
const FIRST_PID = 100;
const PID_MAX = 32768;
/** Virtual time that processes may go on after the first one has ended, nanoseconds. */
const ORPHAN_TIME = 10_000_000_000;

export class Kernel {
  readonly sys: MemorySystem;
  readonly processor: Processor;
  readonly clock: Clock;
  /** User memory of the current task. */
  readonly user: UserSpace;
  readonly random: SeededRandom;
  readonly addresses: AddressRandomizer;
  readonly vdso: Vdso;
  readonly sched: Scheduler;
  readonly futexes = new FutexTable();
  /** Where pipes, sockets and other files without a path live. */
  readonly internal: InternalFileSystems;
  readonly ipc: Ipc;
  /** Live and zombie tasks by pid. */
  readonly tasks = new Map<number, Task>();
  readonly groups = new Map<number, ThreadGroup>();
  readonly root: Path;
  readonly syscalls: SyscallTable;
  hostname: string;
  domainname = "(none)";
  /** Task whose registers are in the engine; undefined before the first and after the last. */
  current: Task | undefined;
  /** The first process; its end is the run's. */
  init: ThreadGroup | undefined;
  /** Report on the first process's fatal signal. */
  crash: CrashReport | undefined;
  /** Calls by system call number. */
  readonly syscallCounts = new Map<number, number>();
  contextSwitches = 0;
  forks = 0;
  private readonly options: KernelOptions;
  private readonly args: SyscallArgs;
  private readonly kernelTime: KernelTime;
  private lastPid = FIRST_PID - 1;
  private readonly framesAtStart: number;
  private orphanDeadline = Infinity;

  constructor(options: KernelOptions) {
    this.options = options;
    this.sys = options.sys;
    this.processor = options.processor;
    this.clock = new Clock(options.retired, options.epochSeconds);
    this.user = new UserSpace(new UserAccess(options.sys, options.processor, () => this.currentMm()));
    this.random = new SeededRandom(options.seed);
    this.addresses = new AddressRandomizer(options.randomizeAddresses === true ? new SeededRandom(options.seed, 1) : undefined);
    this.sched = new Scheduler({
      cpus: options.processor.cpus,
      quantum: options.quantum ?? DEFAULT_QUANTUM,
      jitter: options.jitter === true ? new SeededRandom(options.seed, 2) : undefined,
    });
    this.kernelTime = new KernelTime(options.sys, this.clock);
    startKhugepaged(options.sys, this.clock);
    this.root = options.root;
    this.syscalls = options.syscalls;
    this.hostname = options.hostname ?? "foliolab";
    this.args = new SyscallArgs(options.processor.registers);
    this.framesAtStart = options.sys.buddy.nrFree;
    this.vdso = createVdso(options.sys);
    this.internal = createInternalFileSystems(options.sys, () => this.clock.realtime);
    this.ipc = createIpc(options.sys, { pid: () => this.current?.group.tgid ?? 0, seconds: () => this.clock.realtime.seconds });
  }

  /** The address space that the processor uses now. */
  currentMm(): MmStruct {
    const { activeMm } = this.sched.running;
    if (activeMm === undefined) throw new ModelBug("Kernel.currentMm: no address space is active");
    return activeMm;
  }

  /** Next free process id. Linux: kernel/pid.c alloc_pid() with pid_max. Returns undefined if all are taken. */
  allocatePid(): number | undefined {
    for (let tried = 0; tried < PID_MAX; tried++) {
      this.lastPid = this.lastPid + 1 >= PID_MAX ? FIRST_PID : this.lastPid + 1;
      if (!this.tasks.has(this.lastPid) && !this.groups.has(this.lastPid)) return this.lastPid;
    }
    return undefined;
  }

  get mounter(): Mounter | undefined {
    return this.options.mounter;
  }

  get maxTasks(): number {
    return this.options.maxTasks ?? DEFAULT_MAX_TASKS;
  }

  /**
   * Create the first process and load `program` (a guest path) into it. Returns its pid, or why the program cannot be started.
   * Pre: called once.
   */
  spawn(program: string, argv: readonly string[], env: readonly string[]): number | ExecError {
    if (this.init !== undefined) throw new ModelBug("Kernel.spawn: the first process exists");
    const pid = this.allocatePid()!;
    const limits = initialLimits(this.maxTasks);
    const group = createThreadGroup(
      { tgid: pid, parent: undefined, pgrp: pid, session: pid, limits, mmLimits: mmLimitsOf(limits, true) },
      (owner) => new Task({ pid, group: owner, sighand: defaultSigHand(), credentials: ROOT_CREDENTIALS, onWake: this.onWake, startTime: this.clock.monotonic }),
    );
    const task = group.leader;
    task.fs = { root: this.root, cwd: this.options.cwd ?? this.root, umask: 0o022, users: 1 };
    task.files = new FdTable();
    this.options.standardStreams.forEach((file, fd) => {
      task.files!.install(fd, getFile(file), false);
    });
    this.addTask(task);
    this.init = group;
    this.switchTo(task);
    const failed = execve(this, task, program, argv, env);
    if (failed !== undefined) {
      killAll(this);
      return failed;
    }
    return pid;
  }

  /** Enter a new task into the pid table and the run queue. */
  addTask(task: Task): void {
    this.tasks.set(task.pid, task);
    this.groups.set(task.group.tgid, task.group);
    this.sched.enqueue(task);
  }

  /** The task that sleeps can run: put it at the end of the run queue. */
  readonly onWake = (task: Task): void => {
    task.state = "runnable";
    this.sched.enqueue(task);
  };

  /** A stopped task continues. */
  resumeStopped(task: Task): void {
    if (task.state !== "stopped") return;
    task.state = "runnable";
    this.sched.enqueue(task);
  }

  /** The current task gives the processor away (sched_yield). */
  yieldProcessor(): void {
    this.sched.yieldSlice();
  }

  /** Use `mm` for user accesses from now on. Linux: switch_mm(). */
  activateMm(mm: MmStruct): void {
    const { running } = this.sched;
    if (running.activeMm === mm) return;
    const { asid } = this.sys.mmuContext.checkAndSwitchContext(mm, running.cpu);
    this.processor.setAddressSpace(mm.pgd, asid);
    running.activeMm = mm;
  }

  /** The active mm may be freed now: no CPU uses it any more. */
  deactivateMm(): void {
    const mm = this.sched.running.activeMm;
    for (const queue of this.sched.queues) if (queue.activeMm === mm) queue.activeMm = undefined;
  }

  /** Let the running CPU execute `task`: its registers and its address space. Linux: context_switch(). */
  switchTo(task: Task): void {
    const { running } = this.sched;
    const previous = running.current;
    this.processor.selectCpu(running.cpu);
    if (previous !== task) {
      this.contextSwitches++;
      running.switches++;
      if (previous !== undefined && previous.state !== "dead" && previous.state !== "zombie") {
        rseqEvent(previous);
        if (previous.state === "runnable" && previous.cpu === running.cpu) previous.use.involuntarySwitches++;
        else previous.use.voluntarySwitches++;
      }
      // A task that moves to another CPU finds its own cache and TLB maintenance complete there. Linux: __switch_to().
      this.sys.tlb.dsb("ish");
      running.current = task;
    }
    if (task.ranOn !== running.cpu) {
      if (task.ranOn >= 0) {
        task.migrations++;
        rseqEvent(task);
      }
      task.ranOn = running.cpu;
    }
    this.loadRegisters(task);
    if (task.mm !== undefined) this.activateMm(task.mm);
  }

  private loadRegisters(task: Task): void {
    const previous = this.current;
    if (previous === task) return;
    if (previous !== undefined && previous.state !== "dead" && previous.state !== "zombie") this.processor.saveContext(previous.context);
    this.processor.restoreContext(task.context);
    this.current = task;
    this.sys.current = task;
  }

  /** Run until the first process and its descendants have ended, or to a limit. May be called again after `budget-spent` and `stopped`. */
  run({ instructions, pause }: RunLimits): Outcome {
    // Asking the engine for its count is not free: only run() of the processor changes it.
    let retired = this.options.retired();
    const end = retired + instructions;
    for (;;) {
      this.clock.expire();
      const task = this.sched.pickNext();
      if (task === undefined) {
        const outcome = this.idle();
        if (outcome !== undefined) return outcome;
        if (pause?.() === true) return { kind: "budget-spent" };
        continue;
      }
      this.switchTo(task);
      if (!this.returnToUser(task)) continue;
      const left = end - retired;
      if (left <= 0) return { kind: "budget-spent" };
      const budget = Math.min(left, this.sched.budget, Math.max(1, this.clock.instructionsToNext), cpuTimerBudget(task));
      const trap = this.processor.run(budget);
      const executed = this.options.retired() - retired;
      retired += executed;
      const { running } = this.sched;
      this.sched.account(executed);
      const userTime = executed * NANOSECONDS_PER_INSTRUCTION;
      task.use.userTime += userTime;
      this.handleTrap(task, trap);
      running.busy += userTime + this.kernelTime.charge(task, trap);
      if (task.group.cpuTimers.length > 0) runCpuTimers(task);
      if (trap.kind === "stopped") return { kind: "stopped" };
      if (pause?.() === true) return { kind: "budget-spent" };
    }
  }

  /** No task can run. Jumps to the next timer, or says how the run ended. */
  private idle(): Outcome | undefined {
    const ended = this.init === undefined || this.init.threads.length === 0;
    const alone = ended && (this.tasks.size === 0 || this.clock.monotonic >= this.orphanDeadline);
    if (ended && !alone && this.orphanDeadline === Infinity) this.orphanDeadline = this.clock.monotonic + ORPHAN_TIME;
    if (!alone && this.clock.skipToNext()) return undefined;
    if (!ended) {
      const waiting = [...this.tasks.values()].map((task) => ({ pid: task.pid, comm: task.comm, what: task.sleep?.what ?? task.state }));
      return { kind: "deadlock", waiting };
    }
    killAll(this);
    const status = this.init?.groupExitCode ?? 0;
    if (status % 128 !== 0) return { kind: "signal", signo: status % 128, report: this.crash };
    return { kind: "exit", code: Math.floor(status / 256) % 256 };
  }

  /** All that happens before EL0 runs again: a finished sleep, signals. False if the task does not run now. Linux: do_notify_resume(). */
  private returnToUser(task: Task): boolean {
    if (task.sleep !== undefined && !this.resumeSleep(task)) return false;
    if (task.setChildTid !== 0) {
      this.user.putU32(task.setChildTid, task.pid);
      task.setChildTid = 0 as Va;
    }
    while (task.state === "runnable" && (task.syscall >= 0 || signalPending(task))) {
      if (!deliverSignals(this, task)) break;
    }
    // A mask that sigsuspend saved is put back when no handler took it over.
    if (task.state === "runnable" && task.savedMask !== undefined) {
      task.blocked = task.savedMask;
      task.savedMask = undefined;
      return this.returnToUser(task);
    }
    if (task.state === "runnable" && task.rseqNotify && !rseqNotifyResume(this, task)) {
      forceSigsegv(this, task, 0);
      return this.returnToUser(task);
    }
    return task.state === "runnable";
  }

  private handleTrap(task: Task, trap: Trap): void {
    switch (trap.kind) {
      case "svc":
        this.systemCall(task);
        break;
      case "abort": {
        const mm = this.currentMm();
        const signal = doMemAbort(mm, trap.far, trap.esr, { kernelMode: false });
        if (signal !== undefined) forceFault(this, task, signal.signo, signal.code, signal.addr, trap.esr);
        if (mm.userfaultWait !== undefined) this.waitForUserfault(task, mm, mm.userfaultWait);
        break;
      }
      case "alignment":
        forceFault(this, task, SIGBUS, BUS_ADRALN, trap.far, undefined);
        break;
      case "undefined-instruction":
        if (this.emulateMrs()) break;
        forceFault(this, task, SIGILL, ILL_ILLOPC, Number(this.processor.registers.pc) as Va, undefined);
        break;
      case "breakpoint":
        if (this.breakpointConsumed()) break;
        forceFault(this, task, SIGTRAP, TRAP_BRKPT, Number(this.processor.registers.pc) as Va, undefined);
        break;
      case "budget-spent":
      case "stopped":
        break;
      default:
        assertNever(trap, "Kernel.handleTrap");
    }
  }

  private waitForUserfault(task: Task, mm: MmStruct, fault: NonNullable<MmStruct["userfaultWait"]>): void {
    mm.userfaultWait = undefined;
    this.fallAsleep(task, { queues: [fault.queue], poll: () => (fault.resolved ? 0 : undefined), what: `userfault at ${hex(fault.address)}` });
  }

  /** MRS of an identification register or of the counter: set the destination and step over it. Linux: try_emulate_mrs(). */
  private emulateMrs(): boolean {
    const { registers, hwcap, midr } = this.processor;
    const word = this.user.peek32(Number(registers.pc) as Va);
    const result = word === undefined ? undefined : (emulateMrs(word, hwcap, midr) ?? readCounter(word, this.clock.monotonic));
    if (result === undefined) return false;
    if (result.rt !== 31) registers.setX(result.rt, result.value);
    registers.pc += 4n;
    return true;
  }

  /** Offers BRK to the machine's hook; steps over it if the hook takes it. */
  private breakpointConsumed(): boolean {
    const { onBreakpoint } = this.options;
    if (onBreakpoint === undefined) return false;
    const { registers } = this.processor;
    const pc = Number(registers.pc) as Va;
    const word = this.user.peek32(pc);
    if (word === undefined || !onBreakpoint(pc, Math.floor(word / 32) % 65536)) return false;
    registers.pc += 4n;
    return true;
  }

  private systemCall(task: Task): void {
    const { registers } = this.processor;
    const nr = Number(BigInt.asIntN(32, registers.x(8)));
    this.syscallCounts.set(nr, (this.syscallCounts.get(nr) ?? 0) + 1);
    task.syscall = nr;
    task.syscallX0 = registers.x(0);
    const result = this.syscalls.dispatch(this, task, nr, this.args);
    if (typeof result === "number") this.finishSyscall(task, result);
    else this.fallAsleep(task, result);
  }

  /** Deliver the result of a call, unless the call replaced the registers (execve, rt_sigreturn) or ended the task. */
  private finishSyscall(task: Task, result: number): void {
    if (task.state === "dead" || task.state === "zombie" || task.syscall < 0) return;
    this.processor.registers.setX(0, BigInt.asUintN(64, BigInt(result)));
    if (!isErr(result) || result > -ERESTARTSYS) task.syscall = -1;
  }

  private fallAsleep(task: Task, sleep: Sleep): void {
    task.sleep = sleep;
    if (!this.resumeSleep(task)) {
      for (const queue of sleep.queues) queue.add(task);
      if (sleep.deadline !== undefined && sleep.deadline !== Infinity) {
        task.sleepTimer = this.clock.add(sleep.deadline, () => {
          task.wake();
        });
      }
    }
  }

  /** Look whether the wait is over; if so the call gets its result. Pre: the task is current. */
  private resumeSleep(task: Task): boolean {
    const sleep = task.sleep!;
    let result = sleep.poll();
    if (result === undefined && (sleep.killable === true ? task.killed : signalPending(task))) {
      result = sleep.interrupted?.() ?? -ERESTARTSYS;
    }
    if (result === undefined && sleep.deadline !== undefined && this.clock.monotonic >= sleep.deadline) {
      if (sleep.timedOut === undefined) throw new ModelBug(`Kernel.resumeSleep: ${sleep.what} has a deadline and no result for it`);
      result = sleep.timedOut();
    }
    if (result === undefined) {
      task.state = "sleeping";
      // With nothing else to run the idle task takes over: a switch all the same.
      rseqEvent(task);
      return false;
    }
    this.endSleep(task);
    this.finishSyscall(task, result);
    return true;
  }

  /** Forget what the task waits for. */
  endSleep(task: Task): void {
    const { sleep } = task;
    if (sleep === undefined) return;
    for (const queue of sleep.queues) queue.remove(task);
    if (task.sleepTimer !== undefined) this.clock.cancel(task.sleepTimer);
    task.sleep = undefined;
    task.sleepTimer = undefined;
    sleep.release?.();
  }

  /** Ctrl-C on the lab's terminal and relatives: send `signo` to the first process's foreground group. */
  interrupt(signo: number): void {
    const group = this.init;
    if (group === undefined || group.threads.length === 0) return;
    for (const member of this.groups.values()) {
      if (member.pgrp === group.pgrp) signalFromHost(this, member, signo);
    }
  }

  /**
   * End every task and give back what the kernel itself holds. Returns the number of frames still missing since the kernel was made: 0
   * unless something leaks, if the file systems were disposed of before.
   */
  shutdown(): number {
    killAll(this);
    this.deactivateMm();
    for (const file of this.options.standardStreams) putFile(file);
    this.ipc.shm.dispose();
    this.vdso.dispose();
    shrinkHugeZeroFolio(this.sys);
    return this.framesAtStart - this.sys.buddy.nrFree;
  }
}
