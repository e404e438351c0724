/**
 * Virtual time: a function of the instructions executed and of the kernel's work, never of the host's clock.
 *
 * One instruction takes one nanosecond, an entry to the kernel what kernel-time.ts says; when every task sleeps, time jumps to the next
 * timer. Two runs of a program see the same time.
 * Linux: kernel/time/timekeeping.c gives the clocks their names.
 */

/** Nanoseconds that one instruction takes. */
export const NANOSECONDS_PER_INSTRUCTION = 1;
/** CLOCK_REALTIME at the start of a run unless configured: 2024-11-17 22:15:08 UTC, the release of Linux 6.12. Seconds. */
export const DEFAULT_EPOCH_SECONDS = 1_731_881_708;
/** CLOCK_MONOTONIC at the start of a run, in nanoseconds: a machine that has been up for some seconds. */
const BOOTED_BEFORE = 5_000_000_000;

/** A one-shot timer. */
export interface Timer {
  /** Monotonic time of expiry, nanoseconds. */
  readonly expires: number;
  readonly fire: () => void;
  /** Work of the kernel that no task waits for: it does not keep an idle machine going. */
  readonly background?: boolean;
}

export class Clock {
  private readonly retired: () => number;
  private readonly epochNs: number;
  /** Nanoseconds skipped while all tasks slept, and taken by the kernel. */
  private skipped = 0;
  /** Sorted by expiry, then by arrival. */
  private readonly timers: Timer[] = [];

  /** `retired`: instructions executed so far. `epochSeconds`: wall clock time at the start. */
  constructor(retired: () => number, epochSeconds = DEFAULT_EPOCH_SECONDS) {
    this.retired = retired;
    this.epochNs = epochSeconds * 1e9;
  }

  /** Nanoseconds since the start of the run. */
  get elapsed(): number {
    return this.retired() * NANOSECONDS_PER_INSTRUCTION + this.skipped;
  }

  /** CLOCK_MONOTONIC, nanoseconds. */
  get monotonic(): number {
    return BOOTED_BEFORE + this.elapsed;
  }

  /** CLOCK_REALTIME as whole seconds and nanoseconds: the sum in nanoseconds would not be exact in a double. */
  get realtime(): { readonly seconds: number; readonly nanoseconds: number } {
    const elapsed = this.elapsed;
    const whole = Math.floor(elapsed / 1e9);
    return { seconds: this.epochNs / 1e9 + whole, nanoseconds: elapsed - whole * 1e9 };
  }

  /** Monotonic time at which CLOCK_REALTIME reads `seconds`, `nanoseconds`. */
  monotonicOfRealtime(seconds: number, nanoseconds: number): number {
    return BOOTED_BEFORE + (seconds - this.epochNs / 1e9) * 1e9 + nanoseconds;
  }

  /** Run `fire` once the monotonic clock reaches `expires`; Infinity: never. */
  add(expires: number, fire: () => void): Timer {
    return this.enter({ expires, fire });
  }

  /** The same for work of the kernel that no task waits for. */
  addBackground(expires: number, fire: () => void): Timer {
    return this.enter({ expires, fire, background: true });
  }

  private enter(timer: Timer): Timer {
    const { expires } = timer;
    if (expires === Infinity) return timer;
    let at = this.timers.length;
    while (at > 0 && this.timers[at - 1]!.expires > expires) at--;
    this.timers.splice(at, 0, timer);
    return timer;
  }

  cancel(timer: Timer): void {
    const at = this.timers.indexOf(timer);
    if (at >= 0) this.timers.splice(at, 1);
  }

  /** Instructions until the next timer expires; Infinity if there is none. */
  get instructionsToNext(): number {
    const next = this.timers[0];
    if (next === undefined) return Infinity;
    return Math.max(0, Math.ceil((next.expires - this.monotonic) / NANOSECONDS_PER_INSTRUCTION));
  }

  /** The kernel itself was at work for so long. */
  spend(nanoseconds: number): void {
    this.skipped += nanoseconds;
  }

  /** Run all timers that have expired. */
  expire(): void {
    while (this.timers.length > 0 && this.timers[0]!.expires <= this.monotonic) this.timers.shift()!.fire();
  }

  /** Nothing can execute: jump to the next timer and run it. False if there is none. */
  skipToNext(): boolean {
    const [next] = this.timers;
    if (next === undefined || this.timers.every(({ background }) => background === true)) return false;
    this.skipped += Math.max(0, next.expires - this.monotonic);
    this.expire();
    return true;
  }
}
