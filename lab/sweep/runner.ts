/**
 * The runs of a sweep, several at a time, each in a process of its own. A run that has its result is not made again, so a sweep
 * that was ended goes on where it was.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve as resolvePath } from "node:path";
import { loadProgram } from "../program.js";
import type { RunResult } from "../result.js";
import { VERSION } from "../version.js";
import { configFlags } from "./flags.js";
import type { Plan, PlannedRun } from "./plan.js";

/** Schema of a result file: a run's result with the run that it belongs to. */
export const SWEEP_RUN_SCHEMA = "foliolab/sweep-run/1";

export interface SweepRun {
  readonly schema: typeof SWEEP_RUN_SCHEMA;
  readonly program: string;
  readonly config: string;
  /** Hash of everything that the result depends on. */
  readonly key: string;
  readonly result: RunResult;
}

export interface SweepOutcome {
  readonly run: PlannedRun;
  /** Undefined: the run failed. */
  readonly result: RunResult | undefined;
  /** What foliolab said when it failed. */
  readonly failure: string;
  /** True if the result was there already. */
  readonly kept: boolean;
}

export interface SweepOptions {
  readonly plan: Plan;
  readonly workers: number;
  /** Command that runs foliolab. */
  readonly foliolab: readonly [string, ...string[]];
  /** Called when a run begins or ends. */
  readonly onProgress: (progress: { readonly done: number; readonly running: readonly PlannedRun[]; readonly ended?: SweepOutcome }) => void;
  /** True: start no further run, and end those that go on. Asked between runs and at `stop`. */
  readonly stopped: () => boolean;
  /** Called once with a function that ends the runs that go on. */
  readonly onStart?: (stop: () => void) => void;
}

/** Where the result of a run lies. */
export function resultFile(output: string, { program, config }: Pick<PlannedRun, "program" | "config">): string {
  return join(output, program, `${config}.json`);
}

/** Two runs with the same key have the same result. */
export function runKey({ command, settings }: PlannedRun): string {
  const { bytes } = loadProgram(command[0], settings);
  const program = createHash("sha256").update(bytes).digest("hex");
  return createHash("sha256").update(JSON.stringify([VERSION, program, command, configFlags(settings)])).digest("hex");
}

/** The result in a file, if it is one of the run with this key. */
function keptResult(file: string, key: string): RunResult | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const kept = JSON.parse(readFileSync(file, "utf8")) as Partial<SweepRun>;
    return kept.schema === SWEEP_RUN_SCHEMA && kept.key === key ? kept.result : undefined;
  } catch (error) {
    // Half a file, from before files were renamed into place or by another hand: the run is made again.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Makes a directory and those above it. Node's own recursive form never returns where the file system knows no directories to be made, as /proc. */
export function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  mkdirSync(path);
}

/** Writes beside and renames, so that a result is there as a whole or not at all. */
function keep(file: string, value: SweepRun): void {
  const part = `${file}.part`;
  writeFileSync(part, `${JSON.stringify(value, undefined, 2)}\n`);
  renameSync(part, file);
}

/** Makes the runs of the plan that have no result. The outcomes stand in the order of the plan; those never begun are left out. */
export async function runSweep(options: SweepOptions): Promise<SweepOutcome[]> {
  const { plan, workers, foliolab, onProgress, stopped } = options;
  const outcomes = new Map<PlannedRun, SweepOutcome>();
  const running = new Map<PlannedRun, ChildProcess>();
  const waiting = [...plan.runs];
  options.onStart?.(() => {
    for (const child of running.values()) child.kill("SIGKILL");
  });

  const ended = (outcome: SweepOutcome): void => {
    outcomes.set(outcome.run, outcome);
    onProgress({ done: outcomes.size, running: [...running.keys()], ended: outcome });
  };

  const one = (run: PlannedRun, key: string, file: string): Promise<void> =>
    new Promise((resolve) => {
      makeDirectory(resolvePath(dirname(file)));
      const raw = `${file}.run`;
      const [command, ...first] = foliolab;
      const child = spawn(command, [...first, "run", "--quiet", "--json", raw, ...configFlags(run.settings), "--", ...run.command], { stdio: ["ignore", "ignore", "pipe"] });
      running.set(run, child);
      onProgress({ done: outcomes.size, running: [...running.keys()] });
      let said = "";
      child.stderr.on("data", (bytes: Buffer) => {
        said = (said + bytes.toString()).slice(-2000);
      });
      const finish = (failure: string): void => {
        if (!running.delete(run)) return;
        const result = failure === "" && existsSync(raw) ? (JSON.parse(readFileSync(raw, "utf8")) as RunResult) : undefined;
        rmSync(raw, { force: true });
        if (result !== undefined) keep(file, { schema: SWEEP_RUN_SCHEMA, program: run.program, config: run.config, key, result });
        ended({ run, result, failure: result === undefined ? failure || said.trim().split("\n").at(-1) || "no result" : "", kept: false });
        resolve();
      };
      child.on("error", (error) => {
        finish(error.message);
      });
      child.on("close", (_code, signal) => {
        finish(signal === null ? "" : `killed by ${signal}`);
      });
    });

  const worker = async (): Promise<void> => {
    for (let run = waiting.shift(); run !== undefined && !stopped(); run = waiting.shift()) {
      const file = resultFile(plan.output, run);
      const key = runKey(run);
      const kept = keptResult(file, key);
      if (kept !== undefined) ended({ run, result: kept, failure: "", kept: true });
      else await one(run, key, file);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, workers) }, worker));
  return plan.runs.flatMap((run) => outcomes.get(run) ?? []);
}
