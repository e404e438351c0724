/** `foliolab run`: one program under one configuration. */
import { readSync } from "node:fs";
import { signalNumber } from "../../kernel-model/kernel/signal-numbers.js";
import type { MmStruct } from "../../kernel-model/mm/mm-struct.js";
import type { Analysis } from "../analysis.js";
import type { RunOptions } from "../cli.js";
import { parseConfig, type RunConfig } from "../config.js";
import { loadProgram } from "../program.js";
import { summarize } from "../report/summary.js";
import { exitStatus, type RunResult } from "../result.js";
import { runProgram } from "../run.js";
import { prepareAnalyses } from "./analyses.js";
import { checkWritable, countInterrupts, progressLine, say, writeAll, writeJson } from "./output.js";

/** Up to `most` bytes of this process's standard input; undefined at its end. */
export function readStandardInput(most: number): Uint8Array | undefined {
  const buffer = new Uint8Array(most);
  for (;;) {
    try {
      const n = readSync(0, buffer, 0, most, null);
      return n === 0 ? undefined : buffer.subarray(0, n);
    } catch (error) {
      const code = (error as { readonly code?: string }).code;
      if (code === "EAGAIN") continue;
      if (code === "EOF" || code === "EBADF" || code === "EISDIR") return undefined;
      throw error;
    }
  }
}

export interface RunHere {
  readonly config: RunConfig;
  readonly program: string;
  readonly args: readonly string[];
  /** In front of the progress line. */
  readonly label?: string;
  /** false: the guest's output is dropped (all but the first run of a comparison). */
  readonly guestOutput?: boolean;
  readonly onExit?: (mm: MmStruct) => void;
  readonly analyses?: readonly Analysis[];
}

/** Runs a program on this process's terminal: guest streams are this process's, progress goes to stderr, Ctrl-C to the guest. */
export async function runHere({ config, program, args, label = "", guestOutput = true, onExit, analyses }: RunHere): Promise<RunResult> {
  const progress = progressLine(label);
  const signals = countInterrupts();
  const out = (fd: number) => (bytes: Uint8Array) => {
    if (!guestOutput) return;
    progress.clear();
    writeAll(fd, bytes);
  };
  try {
    return await runProgram({
      config,
      program: loadProgram(program, config),
      args,
      stdout: out(1),
      stderr: out(2),
      stdin: guestOutput ? readStandardInput : () => undefined,
      onProgress: progress.show,
      interrupts: signals.interrupts,
      ...(onExit === undefined ? {} : { onExit }),
      ...(analyses === undefined ? {} : { analyses }),
    });
  } finally {
    progress.clear();
    signals.stop();
  }
}

/** Returns the guest's exit status, or 128 + signal. */
export async function runCommand(program: string, args: readonly string[], options: RunOptions): Promise<number> {
  checkWritable("--json", options.json);
  const wanted = await prepareAnalyses(options);
  const result = await wanted.complete(await runHere({ config: parseConfig(options), program, args, analyses: wanted.analyses, onExit: wanted.onExit }));
  if (options.json !== undefined) writeJson(options.json, result);
  if (options.quiet !== true) {
    say(summarize(result));
    if (options.top !== undefined && result.profile !== undefined) say(`\n${(await import("../report/top.js")).topText(result.profile, wanted.top)}`);
  }
  return exitStatus(result, signalNumber);
}
