/** Whole runs on both engines: all that `run --json` writes but the seconds and the engine's name, and what the program printed. */
import { expect } from "chai";
import { DEFAULT_CONFIG, ENGINE_NAMES, type EngineName, type RunConfig } from "../../lab/config.js";
import { loadProgram } from "../../lab/program.js";
import type { RunResult } from "../../lab/result.js";
import { runProgram } from "../../lab/run.js";

export interface EngineRun {
  readonly result: RunResult;
  readonly stdout: string;
  readonly stderr: string;
}

/** Lines of the JSON of a result, as its file holds them, without what names the engine or depends on the speed of the host. */
export function comparableJson(result: RunResult): readonly string[] {
  const comparable: RunResult = { ...result, config: { ...result.config, engine: "either" }, execution: { ...result.execution, seconds: 0 } };
  return JSON.stringify(comparable, undefined, 2).split("\n");
}

async function runOn(engine: EngineName, path: string, args: readonly string[], config: Partial<RunConfig>): Promise<EngineRun> {
  const whole: RunConfig = { ...DEFAULT_CONFIG, memory: 256 * 2 ** 20, ...config, engine };
  const out: Uint8Array[] = [];
  const err: Uint8Array[] = [];
  const result = await runProgram({
    config: whole,
    program: loadProgram(path, whole),
    args,
    stdout: (bytes) => out.push(bytes.slice()),
    stderr: (bytes) => err.push(bytes.slice()),
    stdin: () => undefined,
  });
  expect(result.config.engine).to.equal(engine);
  return { result, stdout: Buffer.concat(out).toString("latin1"), stderr: Buffer.concat(err).toString("latin1") };
}

/** Runs a program once on each engine and expects the same of all of them. Returns the first run. */
export async function expectEqualRuns(path: string, args: readonly string[], config: Partial<RunConfig>): Promise<EngineRun> {
  const [reference, ...others] = ENGINE_NAMES;
  const first = await runOn(reference, path, args, config);
  for (const engine of others) {
    const other = await runOn(engine, path, args, config);
    expect(other.stdout, `standard output on ${engine}`).to.equal(first.stdout);
    expect(other.stderr, `standard error on ${engine}`).to.equal(first.stderr);
    expect(comparableJson(other.result), `JSON on ${engine}`).to.deep.equal(comparableJson(first.result));
  }
  return first;
}
