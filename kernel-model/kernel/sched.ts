/**
 * Which task runs on which CPU: a run queue per CPU, slices, and the turns in which the CPUs execute one after the other.
 *
 * One CPU executes at a time, so a run stays a function of program, configuration and seed. A turn that ends is no context switch: the
 * CPU's task goes on in its next turn.
 * Linux: kernel/sched/core.c pick_next_task(), kernel/sched/fair.c select_task_rq_fair(), sched_balance_newidle(). Differs: round robin with
 * fixed slices; an idle CPU pulls a waiting task, but busy CPUs are not balanced.
 */
import { ModelBug } from "../../emulator/arch/errors.js";
import type { MmStruct } from "../mm/mm-struct.js";
import type { SeededRandom } from "./random.js";
import { SCHED_FIFO, type Task } from "./task.js";

/** Instructions of a CPU's turn while other CPUs have something to run. */
const TURN = 100_000;

/** One CPU. Linux: struct rq. */
export interface RunQueue {
  readonly cpu: number;
  /** Tasks that wait for this CPU, in order. May hold tasks that can no longer run; they are dropped when they are met. */
  readonly waiting: Task[];
  /** The task that ran here last; it goes on if it can run and has not moved. */
  current: Task | undefined;
  /** Instructions left of the current task's slice. */
  sliceLeft: number;
  /** The address space that this CPU's translation uses. */
  activeMm: MmStruct | undefined;
  /** Nanoseconds of tasks and of the kernel on this CPU. */
  busy: number;
  switches: number;
}

export interface SchedulerOptions {
  readonly cpus: number;
  /** Slice in instructions. */
  readonly quantum: number;
  /** Varies each slice and turn between a half and one and a half; undefined: all are alike. */
  readonly jitter: SeededRandom | undefined;
}

const isAllowed = (task: Task, cpu: number): boolean => (task.cpusAllowed & (1n << BigInt(cpu))) !== 0n;

export class Scheduler {
  readonly queues: readonly RunQueue[];
  private readonly quantum: number;
  private readonly jitter: SeededRandom | undefined;
  /** The CPU whose turn it is. */
  private cpu = 0;
  private turnLeft: number;

  constructor({ cpus, quantum, jitter }: SchedulerOptions) {
    this.quantum = quantum;
    this.jitter = jitter;
    this.queues = Array.from({ length: cpus }, (_, cpu) => ({ cpu, waiting: [], current: undefined, sliceLeft: 0, activeMm: undefined, busy: 0, switches: 0 }));
    this.turnLeft = cpus === 1 ? Infinity : TURN;
  }

  /** The run queue of the CPU that executes. */
  get running(): RunQueue {
    return this.queues[this.cpu]!;
  }

  /** A new or woken task waits for a CPU. Linux: wake_up_new_task(), try_to_wake_up(). */
  enqueue(task: Task): void {
    if (this.queues[task.cpu]!.waiting.includes(task)) return;
    task.cpu = this.selectCpu(task);
    this.queues[task.cpu]!.waiting.push(task);
  }

  /** The CPU it ran on if that is idle, else an idle one, else the one with the fewest tasks. Linux: select_task_rq_fair(). */
  private selectCpu(task: Task): number {
    if (this.queues.length === 1) return 0;
    const order = [task.cpu, ...this.queues.keys()].filter((cpu) => isAllowed(task, cpu));
    let best = -1;
    let fewest = Infinity;
    for (const cpu of order) {
      const load = this.load(this.queues[cpu]!, task);
      if (load >= fewest) continue;
      best = cpu;
      fewest = load;
    }
    if (best < 0) throw new ModelBug(`Scheduler.selectCpu: task ${task.pid} may run on no CPU`);
    return best;
  }

  /** Tasks that this CPU runs or that wait for it, `except` left out. */
  private load({ cpu, current, waiting }: RunQueue, except?: Task): number {
    const running = current !== undefined && current !== except && current.cpu === cpu && current.state === "runnable" ? 1 : 0;
    return running + waiting.filter((task) => task !== current && task !== except && task.state === "runnable").length;
  }

  /** The task may no longer run where it is: it waits for a CPU where it may. Linux: set_cpus_allowed_ptr(). */
  moveIfNotAllowed(task: Task): void {
    if (isAllowed(task, task.cpu)) return;
    const { waiting } = this.queues[task.cpu]!;
    const at = waiting.indexOf(task);
    if (at >= 0) waiting.splice(at, 1);
    task.cpu = this.selectCpu(task);
    if (task.state === "runnable") this.queues[task.cpu]!.waiting.push(task);
  }

  /** The current task gives its CPU away, and the CPU the rest of its turn. */
  yieldSlice(): void {
    this.running.sliceLeft = 0;
    if (this.queues.length > 1) this.turnLeft = 0;
  }

  /** Instructions that the current task may run now. */
  get budget(): number {
    const { waiting, sliceLeft } = this.running;
    return Math.max(1, Math.min(waiting.length === 0 ? Infinity : sliceLeft, this.turnLeft));
  }

  /** The current task has executed. */
  account(instructions: number): void {
    this.running.sliceLeft -= instructions;
    this.turnLeft -= instructions;
  }

  /** The policy of a task changed: if it runs, it starts a slice of the new kind. */
  policyChanged(task: Task): void {
    for (const queue of this.queues) if (queue.current === task) this.newSlice(queue, task);
  }

  /** The task to run now, of the CPU whose turn it is or of the next one that has one; undefined: all are idle. It becomes `running`'s. */
  pickNext(): Task | undefined {
    const nr = this.queues.length;
    if (nr === 1) return this.pickFrom(this.queues[0]!);
    const first = this.turnLeft > 0 ? this.cpu : this.cpu + 1;
    for (let i = 0; i < nr; i++) {
      const queue = this.queues[(first + i) % nr]!;
      const task = this.pickFrom(queue) ?? this.pull(queue);
      if (task === undefined) continue;
      if (queue.cpu !== this.cpu || this.turnLeft <= 0) {
        this.cpu = queue.cpu;
        this.turnLeft = this.vary(TURN);
      }
      return task;
    }
    return undefined;
  }

  /** Of those with the highest real-time priority the current one until its slice is used up, then the next. */
  private pickFrom(queue: RunQueue): Task | undefined {
    const { current, waiting } = queue;
    if (current?.state === "runnable" && current.cpu === queue.cpu) {
      const highest = highestOf(waiting);
      if (highest < current.rtPriority || (highest === current.rtPriority && queue.sliceLeft > 0)) {
        if (queue.sliceLeft <= 0) this.newSlice(queue, current);
        return current;
      }
      if (!waiting.includes(current)) waiting.push(current);
    }
    const priority = highestOf(waiting);
    for (let i = 0; i < waiting.length; ) {
      const next = waiting[i]!;
      if (next.state === "runnable" && next.rtPriority < priority) {
        i++;
        continue;
      }
      waiting.splice(i, 1);
      if (next.state !== "runnable") continue;
      this.newSlice(queue, next);
      return next;
    }
    return undefined;
  }

  /** An idle CPU takes a waiting task of the CPU that has the most. Linux: sched_balance_newidle(). */
  private pull(queue: RunQueue): Task | undefined {
    let busiest: RunQueue | undefined;
    let most = 1;
    for (const other of this.queues) {
      const load = this.load(other);
      if (load <= most) continue;
      busiest = other;
      most = load;
    }
    if (busiest === undefined) return undefined;
    const { waiting, current } = busiest;
    const at = waiting.findIndex((task) => task !== current && task.state === "runnable" && isAllowed(task, queue.cpu));
    if (at < 0) return undefined;
    const [task] = waiting.splice(at, 1) as [Task];
    task.cpu = queue.cpu;
    this.newSlice(queue, task);
    return task;
  }

  /** A FIFO task runs until it sleeps, yields or a higher one wakes. */
  private newSlice(queue: RunQueue, task: Task): void {
    queue.sliceLeft = task.policy === SCHED_FIFO ? Infinity : this.vary(this.quantum);
  }

  private vary(instructions: number): number {
    return this.jitter === undefined ? instructions : Math.max(1, Math.floor(instructions / 2) + this.jitter.below(instructions));
  }
}

/** Highest priority among tasks that wait to run; 0: normal ones only, -1: none. */
function highestOf(waiting: readonly Task[]): number {
  let highest = -1;
  for (const task of waiting) {
    if (task.state === "runnable" && task.rtPriority > highest) highest = task.rtPriority;
  }
  return highest;
}
