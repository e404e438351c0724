/** The counters as the engine writes them. A class, because V8 keeps a literal with a getter as a dictionary. */
import type { EngineCounters, Exit } from "../engine.js";

export class WritableCounters implements EngineCounters {
  instructions = 0;
  loads = 0;
  stores = 0;
  /** By reason, in the order in which they first occurred. */
  readonly exits: Record<string, number> = { "trace-drain": 0 };

  countExit(reason: Exit["reason"] | "trace-drain"): void {
    this.exits[reason] = (this.exits[reason] ?? 0) + 1;
  }
}
