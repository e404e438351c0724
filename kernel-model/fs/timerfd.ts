/**
 * Timers that are read.
 *
 * Linux: fs/timerfd.c. Differs: the wall clock cannot be set, so TFD_TIMER_CANCEL_ON_SET never cancels.
 */
import { EAGAIN, EINVAL } from "../errno.js";
import type { Clock, Timer } from "../kernel/clock.js";
import { WaitQueue } from "../kernel/wait-queue.js";
import type { FileOperations, OpenFile } from "./vfs.js";
import { noopSeek, POLLIN } from "./vfs.js";

const COUNTER_BYTES = 8;

/** A timer's setting in nanoseconds: time to the next expiry (0: disarmed) and between expiries. */
export interface TimerSetting {
  readonly value: number;
  readonly interval: number;
}

/** The timer behind a timerfd. Times are of the monotonic clock, nanoseconds. */
export class TimerFd {
  /** Compared with the clock that settime's absolute times belong to. */
  readonly realtime: boolean;
  readonly operations: FileOperations;
  private readonly clock: Clock;
  private readonly queue = new WaitQueue();
  private timer: Timer | undefined;
  private interval = 0;
  /** Expiries since the last read or setting. */
  private expirations = 0;

  constructor(clock: Clock, realtime: boolean) {
    this.clock = clock;
    this.realtime = realtime;
    this.operations = {
      seekable: true,
      seek: noopSeek,
      read: (_file, into) => {
        if (into.length < COUNTER_BYTES) return -EINVAL;
        if (this.expirations === 0) return -EAGAIN;
        new DataView(into.buffer, into.byteOffset).setBigUint64(0, BigInt(this.expirations), true);
        this.expirations = 0;
        return COUNTER_BYTES;
      },
      poll: () => (this.expirations > 0 ? POLLIN : 0),
      waitQueue: () => this.queue,
      release: () => {
        this.disarm();
      },
    };
  }

  get setting(): TimerSetting {
    return { value: this.timer === undefined ? 0 : Math.max(1, this.timer.expires - this.clock.monotonic), interval: this.interval };
  }

  /** Expire at monotonic time `expires` and from then on every `interval`; undefined: never. */
  set(expires: number | undefined, interval: number): void {
    this.disarm();
    this.expirations = 0;
    this.interval = interval;
    if (expires !== undefined) this.arm(expires);
  }

  private arm(expires: number): void {
    if (expires === Infinity) return;
    this.timer = this.clock.add(expires, () => {
      this.timer = undefined;
      this.expirations++;
      if (this.interval > 0) {
        // Expiries that have passed while nothing ran are counted, not replayed.
        const missed = Math.max(0, Math.floor((this.clock.monotonic - expires) / this.interval));
        this.expirations += missed;
        this.arm(expires + (missed + 1) * this.interval);
      }
      this.queue.wakeAll();
    });
  }

  private disarm(): void {
    if (this.timer !== undefined) this.clock.cancel(this.timer);
    this.timer = undefined;
  }
}

/** The timer behind a description, undefined if it is none. */
export function timerFdOf(file: OpenFile): TimerFd | undefined {
  return file.privateData instanceof TimerFd ? file.privateData : undefined;
}
