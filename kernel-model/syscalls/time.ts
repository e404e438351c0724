/**
 * Clocks, sleeping and timers, all in virtual time.
 *
 * Linux: kernel/time/posix-timers.c, posix-stubs.c, hrtimer.c sys_nanosleep(), itimer.c, time.c; kernel/sys.c sys_times().
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EFAULT, EINVAL, EOPNOTSUPP, EPERM, ERESTARTNOHAND, ERESTART_RESTARTBLOCK } from "../errno.js";
import type { Timespec } from "../fs/vfs.js";
import { CLOCKS_PER_SEC } from "../kernel/binfmt-elf.js";
import { CStruct } from "../kernel/c-struct.js";
import { groupUse } from "../kernel/resource-use.js";
import { armPosixTimer, armRealTimer, cancelPosixTimer, cancelTimer, posixTimerNow, posixTimerState, timeLeft } from "../kernel/itimer.js";
import type { Kernel } from "../kernel/kernel.js";
import { cpuTime, cpuTimeLeft, setCpuItimer } from "../kernel/posix-cpu-timers.js";
import { NSIG, SIGALRM } from "../kernel/signal-numbers.js";
import type { PosixTimer, Sleep, Task, ThreadGroup } from "../kernel/task.js";
import type { SyscallFamily } from "./abi.js";
import {
  CLOCK_BOOTTIME,
  CLOCK_BOOTTIME_ALARM,
  CLOCK_MONOTONIC,
  CLOCK_MONOTONIC_COARSE,
  CLOCK_MONOTONIC_RAW,
  CLOCK_PROCESS_CPUTIME_ID,
  CLOCK_REALTIME,
  CLOCK_REALTIME_ALARM,
  CLOCK_REALTIME_COARSE,
  CLOCK_TAI,
  CLOCK_THREAD_CPUTIME_ID,
  TIMESPEC_BYTES,
  deadlineAfter,
  encodeTimespec,
  encodeTimeval,
  monotonicDeadline,
  nanosecondsOf,
  readTimespec,
  readTimeval,
  timespecOf,
} from "./timespec.js";

const TIMER_ABSTIME = 1;
const ITIMER_REAL = 0;
const ITIMER_VIRTUAL = 1;
/** Low two bits of a clock of another process or thread. */
const CPUCLOCK_VIRT = 1;
const SIGEV_SIGNAL = 0;
const SIGEV_NONE = 1;
const SIGEV_THREAD_ID = 4;
/** Tick of the coarse clocks: 4 ms (CONFIG_HZ=250). */
const COARSE_NS = 4_000_000;

/** What a clock reads; undefined: there is no such clock. */
function readClock(kernel: Kernel, task: Task, clock: number): Timespec | undefined {
  switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_TAI:
      return kernel.clock.realtime;
    case CLOCK_REALTIME_COARSE: {
      const { seconds, nanoseconds } = kernel.clock.realtime;
      return { seconds, nanoseconds: nanoseconds - (nanoseconds % COARSE_NS) };
    }
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM:
      return timespecOf(kernel.clock.monotonic);
    case CLOCK_MONOTONIC_COARSE:
      return timespecOf(kernel.clock.monotonic - (kernel.clock.monotonic % COARSE_NS));
    case CLOCK_PROCESS_CPUTIME_ID:
      return timespecOf(cpuTime(task.group, "prof", undefined));
    case CLOCK_THREAD_CPUTIME_ID:
      return timespecOf(cpuTime(task.group, "prof", task));
    default:
      return cpuClock(kernel, task, clock);
  }
}

/** Clocks of other processes and threads (pthread_getcpuclockid): ~pid << 3 with bit 2 for a thread. */
function cpuClock(kernel: Kernel, task: Task, clock: number): Timespec | undefined {
  if (clock >= 0) return undefined;
  const pid = ~(clock >> 3);
  if ((clock & 3) === 3) return undefined;
  const of = pid === 0 ? task : kernel.tasks.get(pid);
  if (of === undefined) return undefined;
  return timespecOf(cpuTime(of.group, (clock & 3) === CPUCLOCK_VIRT ? "virtual" : "prof", (clock & 4) !== 0 ? of : undefined));
}

/** Whose CPU time a timer on this clock runs by; undefined: it is no clock of the process's own CPU time. */
function cpuTimerClock(task: Task, clock: number): { thread: Task | undefined; timer: undefined } | undefined {
  if (clock === CLOCK_PROCESS_CPUTIME_ID) return { thread: undefined, timer: undefined };
  if (clock === CLOCK_THREAD_CPUTIME_ID) return { thread: task, timer: undefined };
  const pid = ~(clock >> 3);
  if (clock >= 0 || (clock & 3) === 3) return undefined;
  if ((clock & 4) === 0) return pid === 0 || pid === task.group.tgid ? { thread: undefined, timer: undefined } : undefined;
  const thread = pid === 0 ? task : task.group.threads.find((one) => one.pid === pid);
  return thread === undefined ? undefined : { thread, timer: undefined };
}

const isRealtime = (clock: number): boolean => clock === CLOCK_REALTIME || clock === CLOCK_REALTIME_ALARM || clock === CLOCK_TAI;
const canSleepOn = (clock: number): boolean => isRealtime(clock) || clock === CLOCK_MONOTONIC || clock === CLOCK_BOOTTIME || clock === CLOCK_BOOTTIME_ALARM;

/** Sleep until `deadline`. `remaining`: where the rest goes when a signal comes, 0 for nowhere. Absolute sleeps restart by themselves. */
function sleepUntil(kernel: Kernel, task: Task, deadline: number, remaining: Va, absolute: boolean): Sleep {
  return {
    queues: [],
    deadline,
    poll: () => undefined,
    timedOut: () => 0,
    interrupted: () => {
      if (absolute) return -ERESTARTNOHAND;
      if (remaining !== 0 && !kernel.user.put(remaining, encodeTimespec(timespecOf(Math.max(0, deadline - kernel.clock.monotonic))))) return -EFAULT;
      task.restart = () => sleepUntil(kernel, task, deadline, remaining, false);
      return -ERESTART_RESTARTBLOCK;
    },
    what: "a time to come",
  };
}

interface Interval {
  readonly value: Timespec;
  readonly interval: Timespec;
}

/** struct itimerspec or itimerval: interval first. */
function readInterval(kernel: Kernel, at: Va, read: typeof readTimespec): Interval | number {
  const interval = read(kernel, at);
  if (typeof interval === "number") return interval;
  const value = read(kernel, (at + TIMESPEC_BYTES) as Va);
  return typeof value === "number" ? value : { value, interval };
}

function encodeInterval(interval: number, value: number, encode: typeof encodeTimespec): Uint8Array {
  const bytes = new Uint8Array(2 * TIMESPEC_BYTES);
  bytes.set(encode(timespecOf(interval)), 0);
  bytes.set(encode(timespecOf(value)), TIMESPEC_BYTES);
  return bytes;
}

/** struct itimerval of one of the three timers of a process. */
function itimerState(kernel: Kernel, group: ThreadGroup, which: number): Uint8Array {
  const { realTimer, cpuItimers } = group;
  if (which === ITIMER_REAL) return encodeInterval(realTimer.timer === undefined ? 0 : realTimer.interval, timeLeft(kernel, realTimer), encodeTimeval);
  const timer = which === ITIMER_VIRTUAL ? cpuItimers.virtual : cpuItimers.prof;
  const left = cpuTimeLeft(group, timer);
  return encodeInterval(left === 0 ? 0 : timer!.interval, left, encodeTimeval);
}

/** The timer with the identifier in argument 0. */
const timerOf = (task: Task, id: number): PosixTimer | undefined => task.group.posixTimers.get(id);

export const TIME_SYSCALLS: SyscallFamily = {
  clock_gettime: (kernel, task, args) => {
    const time = readClock(kernel, task, args.int(0));
    if (time === undefined) return -EINVAL;
    return kernel.user.put(args.address(1), encodeTimespec(time)) ? 0 : -EFAULT;
  },

  clock_getres: (kernel, task, args) => {
    const clock = args.int(0);
    if (readClock(kernel, task, clock) === undefined) return -EINVAL;
    const to = args.address(1);
    const coarse = clock === CLOCK_REALTIME_COARSE || clock === CLOCK_MONOTONIC_COARSE;
    return to === 0 || kernel.user.put(to, encodeTimespec({ seconds: 0, nanoseconds: coarse ? COARSE_NS : 1 })) ? 0 : -EFAULT;
  },

  clock_settime: (kernel, task, args) => (readClock(kernel, task, args.int(0)) === undefined ? -EINVAL : -EPERM),
  settimeofday: () => -EPERM,

  gettimeofday: (kernel, _, args) => {
    const time = args.address(0);
    const zone = args.address(1);
    if (time !== 0 && !kernel.user.put(time, encodeTimeval(kernel.clock.realtime))) return -EFAULT;
    return zone === 0 || kernel.user.put(zone, new Uint8Array(8)) ? 0 : -EFAULT;
  },

  nanosleep: (kernel, task, args) => {
    const time = readTimespec(kernel, args.address(0));
    return typeof time === "number" ? time : sleepUntil(kernel, task, deadlineAfter(kernel, time), args.address(1), false);
  },

  clock_nanosleep: (kernel, task, args) => {
    const clock = args.int(0);
    if (!canSleepOn(clock)) return readClock(kernel, task, clock) === undefined || clock === CLOCK_THREAD_CPUTIME_ID ? -EINVAL : -EOPNOTSUPP;
    const time = readTimespec(kernel, args.address(2));
    if (typeof time === "number") return time;
    const absolute = (args.int(1) & TIMER_ABSTIME) !== 0;
    if (!absolute) return sleepUntil(kernel, task, deadlineAfter(kernel, time), args.address(3), false);
    const deadline = monotonicDeadline(kernel, time, isRealtime(clock));
    return deadline <= kernel.clock.monotonic ? 0 : sleepUntil(kernel, task, deadline, 0 as Va, true);
  },

  setitimer: (kernel, task, args) => {
    const which = args.int(0);
    if (which < 0 || which > 2) return -EINVAL;
    const { group } = task;
    const { realTimer } = group;
    const from = args.address(1);
    const to = args.address(2);
    const old = itimerState(kernel, group, which);
    const next = from === 0 ? { value: timespecOf(0), interval: timespecOf(0) } : readInterval(kernel, from, readTimeval);
    if (typeof next === "number") return next;
    const value = nanosecondsOf(next.value);
    if (which !== ITIMER_REAL) setCpuItimer(kernel, group, which === ITIMER_VIRTUAL ? "virtual" : "prof", value, nanosecondsOf(next.interval));
    else if (value === 0) cancelTimer(kernel, realTimer);
    else armRealTimer(kernel, group, kernel.clock.monotonic + value, nanosecondsOf(next.interval));
    return to === 0 || kernel.user.put(to, old) ? 0 : -EFAULT;
  },

  getitimer: (kernel, task, args) => {
    const which = args.int(0);
    if (which < 0 || which > 2) return -EINVAL;
    return kernel.user.put(args.address(1), itimerState(kernel, task.group, which)) ? 0 : -EFAULT;
  },

  timer_create: (kernel, task, args) => {
    const clock = args.int(0);
    const cpu = cpuTimerClock(task, clock);
    if (!canSleepOn(clock) && cpu === undefined) return readClock(kernel, task, clock) === undefined ? -EINVAL : -EOPNOTSUPP;
    const { posixTimers } = task.group;
    let id = 0;
    while (posixTimers.has(id)) id++;
    let signo = SIGALRM;
    let value = BigInt(id);
    let thread: Task | undefined;
    const event = args.address(1);
    if (event !== 0) {
      const sigevent = kernel.user.struct(event, 64);
      if (sigevent === undefined) return -EFAULT;
      const notify = sigevent.i32(12);
      value = sigevent.u64(0);
      signo = notify === SIGEV_NONE ? 0 : sigevent.i32(8);
      if (notify !== SIGEV_NONE && (signo < 1 || signo > NSIG)) return -EINVAL;
      if (notify === SIGEV_THREAD_ID) {
        thread = kernel.tasks.get(sigevent.i32(16));
        if (thread?.group !== task.group) return -EINVAL;
      } else if (notify !== SIGEV_SIGNAL && notify !== SIGEV_NONE) return -EINVAL;
    }
    if (!kernel.user.putU32(args.address(2), id)) return -EFAULT;
    posixTimers.set(id, { id, clock, signo, value, thread, overrun: 0, timer: undefined, interval: 0, ...(cpu === undefined ? {} : { cpu }) });
    return 0;
  },

  timer_settime: (kernel, task, args) => {
    const timer = timerOf(task, args.int(0));
    if (timer === undefined) return -EINVAL;
    const next = readInterval(kernel, args.address(2), readTimespec);
    if (typeof next === "number") return next;
    const before = posixTimerState(kernel, task.group, timer);
    const old = encodeInterval(before.interval, before.left, encodeTimespec);
    const absolute = (args.int(1) & TIMER_ABSTIME) !== 0;
    if (nanosecondsOf(next.value) === 0) cancelPosixTimer(kernel, task.group, timer);
    else if (timer.cpu !== undefined) {
      const expires = nanosecondsOf(next.value) + (absolute ? 0 : posixTimerNow(kernel, task.group, timer));
      armPosixTimer(kernel, task.group, timer, expires, nanosecondsOf(next.interval));
    } else {
      const expires = absolute ? monotonicDeadline(kernel, next.value, isRealtime(timer.clock)) : deadlineAfter(kernel, next.value);
      armPosixTimer(kernel, task.group, timer, expires, nanosecondsOf(next.interval));
    }
    const to = args.address(3);
    return to === 0 || kernel.user.put(to, old) ? 0 : -EFAULT;
  },

  timer_gettime: (kernel, task, args) => {
    const timer = timerOf(task, args.int(0));
    if (timer === undefined) return -EINVAL;
    const { interval, left } = posixTimerState(kernel, task.group, timer);
    const bytes = encodeInterval(interval, left, encodeTimespec);
    return kernel.user.put(args.address(1), bytes) ? 0 : -EFAULT;
  },

  timer_getoverrun: (_, task, args) => timerOf(task, args.int(0))?.overrun ?? -EINVAL,

  timer_delete: (kernel, task, args) => {
    const timer = timerOf(task, args.int(0));
    if (timer === undefined) return -EINVAL;
    cancelPosixTimer(kernel, task.group, timer);
    task.group.posixTimers.delete(timer.id);
    return 0;
  },

  times: (kernel, task, args) => {
    const to = args.address(0);
    const ticks = (ns: number): number => Math.floor((ns * CLOCKS_PER_SEC) / 1e9);
    if (to !== 0) {
      const out = new CStruct(32);
      const [own, children] = [groupUse(task.group), task.group.childrenUse];
      out.setU64(0, ticks(own.userTime)).setU64(8, ticks(own.systemTime)).setU64(16, ticks(children.userTime)).setU64(24, ticks(children.systemTime));
      if (!kernel.user.put(to, out.bytes)) return -EFAULT;
    }
    return ticks(kernel.clock.monotonic);
  },
};
