/**
 * Interval timers that send signals: alarm, setitimer(ITIMER_REAL) and timer_create(). Those on CPU clocks run by posix-cpu-timers.ts.
 *
 * Linux: kernel/time/itimer.c it_real_fn(), kernel/time/posix-timers.c.
 */
import type { Kernel } from "./kernel.js";
import { SIGALRM, SI_TIMER } from "./signal-numbers.js";
import { kernelSignal, sendGroupSignal, sendThreadSignal } from "./signal-send.js";
import { armCpuTimer, cpuTime, cpuTimeLeft, disarmCpuTimer } from "./posix-cpu-timers.js";
import type { IntervalTimer, PosixTimer, ThreadGroup } from "./task.js";

export function cancelTimer(kernel: Kernel, timer: IntervalTimer): void {
  if (timer.timer !== undefined) kernel.clock.cancel(timer.timer);
  timer.timer = undefined;
}

/** Arm `timer` for `expires` (monotonic nanoseconds) and then every `interval`; `fire` gets the number of expiries missed. */
function arm(kernel: Kernel, timer: IntervalTimer, expires: number, interval: number, fire: (missed: number) => void): void {
  cancelTimer(kernel, timer);
  timer.interval = interval;
  const expire = (at: number): void => {
    let next = at + interval;
    let missed = 0;
    if (interval > 0 && next <= kernel.clock.monotonic) {
      missed = Math.floor((kernel.clock.monotonic - at) / interval);
      next = at + (missed + 1) * interval;
    }
    timer.timer = interval > 0 ? kernel.clock.add(next, () => { expire(next); }) : undefined;
    fire(missed);
  };
  timer.timer = kernel.clock.add(expires, () => { expire(expires); });
}

/** ITIMER_REAL and alarm. */
export function armRealTimer(kernel: Kernel, group: ThreadGroup, expires: number, interval: number): void {
  arm(kernel, group.realTimer, expires, interval, () => {
    sendGroupSignal(kernel, group, kernelSignal(SIGALRM));
  });
}

/** timer_settime. */
export function armPosixTimer(kernel: Kernel, group: ThreadGroup, timer: PosixTimer, expires: number, interval: number): void {
  timer.overrun = 0;
  const fire = (missed: number): void => {
    timer.overrun = missed;
    if (timer.signo === 0) return;
    const info = { signo: timer.signo, errno: 0, code: SI_TIMER, timerId: timer.id, overrun: missed, value: timer.value };
    if (timer.thread !== undefined && timer.thread.state !== "dead") sendThreadSignal(kernel, timer.thread, info);
    else sendGroupSignal(kernel, group, info);
  };
  const { cpu } = timer;
  if (cpu === undefined) {
    arm(kernel, timer, expires, interval, fire);
    return;
  }
  disarmCpuTimer(group, cpu.timer);
  cpu.timer = { what: "prof", thread: cpu.thread, expires, interval, fire };
  armCpuTimer(group, cpu.timer);
}

/** Time by the timer's own clock for what timer_settime() counts from. */
export function posixTimerNow(kernel: Kernel, group: ThreadGroup, { cpu }: PosixTimer): number {
  return cpu === undefined ? kernel.clock.monotonic : cpuTime(group, "prof", cpu.thread);
}

export function cancelPosixTimer(kernel: Kernel, group: ThreadGroup, timer: PosixTimer): void {
  cancelTimer(kernel, timer);
  if (timer.cpu === undefined) return;
  disarmCpuTimer(group, timer.cpu.timer);
  timer.cpu.timer = undefined;
}

/** Interval and nanoseconds until the next expiry, both 0 if disarmed. */
export function posixTimerState(kernel: Kernel, group: ThreadGroup, timer: PosixTimer): { readonly interval: number; readonly left: number } {
  if (timer.cpu === undefined) return { interval: timer.timer === undefined ? 0 : timer.interval, left: timeLeft(kernel, timer) };
  return { interval: timer.cpu.timer?.interval ?? 0, left: cpuTimeLeft(group, timer.cpu.timer) };
}

/** Nanoseconds until the next expiry, 0 if disarmed. */
export function timeLeft(kernel: Kernel, timer: IntervalTimer): number {
  return timer.timer === undefined ? 0 : Math.max(1, timer.timer.expires - kernel.clock.monotonic);
}

/** exec and exit. Linux: exit_itimers(). */
export function deletePosixTimers(kernel: Kernel, group: ThreadGroup): void {
  for (const timer of group.posixTimers.values()) cancelPosixTimer(kernel, group, timer);
  group.posixTimers.clear();
}
