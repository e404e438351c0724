/**
 * Who listens to a run's page touches and TLB maintenance, in program order: a TLB hierarchy, something around one, a miss curve.
 */
import type { Tlbi } from "./tlbi.js";
import type { TranslationRegime } from "./walk.js";

export interface TlbListener {
  /** Trace records, as the engine's TraceSink gets them. */
  consume(words: Uint32Array, count: number): void;
  /** Tables and ASID of the touches that follow. */
  setRegime(regime: TranslationRegime): void;
  tlbi(operation: Tlbi): void;
}
