/** What runs ended with, counted. Runs that end for the same reason follow each other, so a reason is looked up when it changes. */
import type { EngineCounters, Exit } from "../engine.js";

export class ExitCounts {
  /** Hand-overs of the trace. */
  drains = 0;
  private readonly byReason: Record<string, number> = { "trace-drain": 0 };
  /** The last reason, and the exits for it that are not in `byReason` yet. */
  private last: Exit["reason"] = "stopped";
  private times = 0;

  count(reason: Exit["reason"]): void {
    if (reason !== this.last) {
      this.settle();
      this.last = reason;
    }
    this.times++;
  }

  private settle(): void {
    if (this.times > 0) this.byReason[this.last] = (this.byReason[this.last] ?? 0) + this.times;
    this.times = 0;
  }

  /** By reason, in the order in which they first occurred. */
  get all(): Readonly<Record<string, number>> {
    this.settle();
    this.byReason["trace-drain"] = this.drains;
    return this.byReason;
  }
}

/** The counters as the engine writes them. A class, because V8 keeps a literal with a getter as a dictionary. */
export class WritableCounters implements EngineCounters {
  instructions = 0;
  loads = 0;
  stores = 0;
  private readonly counts: ExitCounts;

  constructor(counts: ExitCounts) {
    this.counts = counts;
  }

  get exits(): Readonly<Record<string, number>> {
    return this.counts.all;
  }
}
