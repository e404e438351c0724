/** What the page and the worker that runs the machine say to each other. */
import type { Choices, SessionProgram, Snapshot } from "./session.js";

export type Request =
  | { readonly kind: "start"; readonly choices: Choices; readonly program: SessionProgram }
  /** Until `faults` more have been served, or the end. */
  | { readonly kind: "step"; readonly faults: number };

export type Reply =
  /** `done`: the last step is complete; false: a picture on the way. */
  | { readonly kind: "snapshot"; readonly snapshot: Snapshot; readonly done: boolean }
  | { readonly kind: "failed"; readonly reason: string };
