/**
 * Timers that run by the CPU time of a process or thread: setitimer(ITIMER_VIRTUAL, ITIMER_PROF), timer_create() on CPU clocks, RLIMIT_CPU.
 *
 * Linux: kernel/time/posix-cpu-timers.c run_posix_cpu_timers(), check_process_timers(), check_rlimit(), set_cpu_itimer(). They are looked at
 * where the kernel is left, so one fires at the first exit at or behind its time.
 */
import { groupUse } from "./resource-use.js";
import type { Kernel } from "./kernel.js";
import { RLIMIT_CPU } from "./rlimit.js";
import { SIGKILL, SIGPROF, SIGVTALRM, SIGXCPU } from "./signal-numbers.js";
import { kernelSignal, sendGroupSignal } from "./signal-send.js";
import type { CpuTimer, ResourceUse, Task, ThreadGroup } from "./task.js";

export type CpuTimerKind = CpuTimer["what"];

const timeOf = (what: CpuTimerKind, use: ResourceUse): number => (what === "virtual" ? use.userTime : use.userTime + use.systemTime);

/** CPU time by which a timer of this kind runs, nanoseconds. */
export function cpuTime(group: ThreadGroup, what: CpuTimerKind, thread: Task | undefined): number {
  return timeOf(what, thread === undefined ? groupUse(group) : thread.use);
}

export function armCpuTimer(group: ThreadGroup, timer: CpuTimer): void {
  if (!group.cpuTimers.includes(timer)) group.cpuTimers.push(timer);
}

export function disarmCpuTimer(group: ThreadGroup, timer: CpuTimer | undefined): void {
  const at = timer === undefined ? -1 : group.cpuTimers.indexOf(timer);
  if (at >= 0) group.cpuTimers.splice(at, 1);
}

/** CPU time until the timer fires, nanoseconds; 0 if it is not armed. */
export function cpuTimeLeft(group: ThreadGroup, timer: CpuTimer | undefined): number {
  if (timer === undefined || !group.cpuTimers.includes(timer)) return 0;
  return Math.max(1, timer.expires - cpuTime(group, timer.what, timer.thread));
}

/** Instructions that `task` may run before a timer of CPU time is due; Infinity if none is armed. */
export function cpuTimerBudget(task: Task): number {
  const { group } = task;
  if (group.cpuTimers.length === 0) return Infinity;
  const use = groupUse(group);
  let least = Infinity;
  for (const { what, thread, expires } of group.cpuTimers) {
    if (thread !== undefined && thread !== task) continue;
    least = Math.min(least, expires - timeOf(what, thread?.use ?? use));
  }
  return Math.max(1, Math.ceil(least));
}

/** Fire what is due, after `task` has run. */
export function runCpuTimers(task: Task): void {
  const { group } = task;
  const use = groupUse(group);
  for (const timer of [...group.cpuTimers]) {
    const now = timeOf(timer.what, timer.thread?.use ?? use);
    if (now < timer.expires) continue;
    const missed = timer.interval > 0 ? Math.floor((now - timer.expires) / timer.interval) : 0;
    if (timer.interval > 0) timer.expires += (missed + 1) * timer.interval;
    else disarmCpuTimer(group, timer);
    timer.fire(missed);
  }
}

/** setitimer() of ITIMER_VIRTUAL or ITIMER_PROF: `value` nanoseconds of CPU time from now, 0 disarms. */
export function setCpuItimer(kernel: Kernel, group: ThreadGroup, what: CpuTimerKind, value: number, interval: number): void {
  disarmCpuTimer(group, group.cpuItimers[what]);
  group.cpuItimers[what] = undefined;
  if (value === 0) return;
  const signo = what === "virtual" ? SIGVTALRM : SIGPROF;
  const timer: CpuTimer = {
    what,
    thread: undefined,
    expires: cpuTime(group, what, undefined) + value,
    interval,
    fire: () => {
      sendGroupSignal(kernel, group, kernelSignal(signo));
    },
  };
  group.cpuItimers[what] = timer;
  armCpuTimer(group, timer);
}

/** RLIMIT_CPU has been set or inherited: SIGXCPU at the soft limit and every second from then on, SIGKILL at the hard one. */
export function updateRlimitCpu(kernel: Kernel, group: ThreadGroup): void {
  disarmCpuTimer(group, group.cpuLimit);
  group.cpuLimit = undefined;
  const { soft, hard } = group.limits[RLIMIT_CPU]!;
  if (soft === Infinity) return;
  const timer: CpuTimer = {
    what: "prof",
    thread: undefined,
    // A limit of 0 is one of a second. Linux: update_rlimit_cpu().
    expires: Math.max(1, soft) * 1e9,
    interval: 1e9,
    fire: () => {
      const seconds = cpuTime(group, "prof", undefined) / 1e9;
      sendGroupSignal(kernel, group, kernelSignal(seconds >= hard ? SIGKILL : SIGXCPU));
    },
  };
  group.cpuLimit = timer;
  armCpuTimer(group, timer);
}
