/** A whole run of a program in the lab, with analyses, its output kept. */
import type { MmStruct } from "../../kernel-model/mm/mm-struct.js";
import type { Analysis } from "../../lab/analysis.js";
import { DEFAULT_CONFIG, type RunConfig } from "../../lab/config.js";
import { loadProgram } from "../../lab/program.js";
import type { RunResult } from "../../lab/result.js";
import { runProgram } from "../../lab/run.js";

export interface LabRun {
  readonly result: RunResult;
  readonly stdout: string;
}

export async function labRun(path: string, args: readonly string[] = [], config: Partial<RunConfig> = {}, analyses: readonly Analysis[] = [], onExit: (mm: MmStruct) => void = () => undefined): Promise<LabRun> {
  const out: Uint8Array[] = [];
  const whole = { ...DEFAULT_CONFIG, memory: 512 * 2 ** 20, ...config };
  const result = await runProgram({
    config: whole,
    program: loadProgram(path, whole),
    args,
    stdout: (bytes) => out.push(bytes.slice()),
    stderr: (bytes) => out.push(bytes.slice()),
    stdin: () => undefined,
    analyses,
    onExit,
  });
  return { result, stdout: Buffer.concat(out).toString("latin1") };
}
