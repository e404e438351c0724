/**
 * What the kernel's own work costs in virtual time: a fixed price for every entry, and one for every byte of memory handed out.
 *
 * The figures are round ones of the order of a 3 GHz server core; they are indicative, no model of one. They make time go on for a program
 * that spends it in the kernel, and give system time a meaning. Linux: kernel/sched/cputime.c account_system_time() has the name.
 */
import type { Trap } from "../../emulator/processor.js";
import type { MemorySystem } from "../mm/memory-system.js";
import type { Clock } from "./clock.js";
import type { Task } from "./task.js";

/** From the exception to its return, nanoseconds: a system call, and any other exception. */
export const SYSCALL_NANOSECONDS = 200;
export const EXCEPTION_NANOSECONDS = 500;
/** Memory is cleared, copied or filled when it is handed out: bytes per nanosecond. */
export const BYTES_PER_NANOSECOND = 4;

export class KernelTime {
  private readonly sys: MemorySystem;
  private readonly clock: Clock;
  /** Pages handed out when the last entry was charged. */
  private allocated: number;

  constructor(sys: MemorySystem, clock: Clock) {
    this.sys = sys;
    this.clock = clock;
    this.allocated = sys.buddy.nrAllocated;
  }

  /** The kernel has served `trap` of `task`: the clock goes on by its cost, which is system time of the task. Returns nanoseconds. */
  charge(task: Task, trap: Trap): number {
    if (trap.kind === "budget-spent" || trap.kind === "stopped") return 0;
    const { buddy, granule } = this.sys;
    const bytes = (buddy.nrAllocated - this.allocated) * granule.pageSize;
    this.allocated = buddy.nrAllocated;
    const cost = (trap.kind === "svc" ? SYSCALL_NANOSECONDS : EXCEPTION_NANOSECONDS) + bytes / BYTES_PER_NANOSECOND;
    this.clock.spend(cost);
    task.use.systemTime += cost;
    return cost;
  }
}
