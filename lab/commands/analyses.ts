/** What `run` finds out beside the summary: makes the analyses that its options ask for, and writes what they found. */
import { ConfigError } from "../../emulator/arch/errors.js";
import type { Analysis } from "../analysis.js";
import type { AnalysisOptions } from "../cli.js";
import type { RunResult } from "../result.js";

export interface Wanted {
  readonly analyses: readonly Analysis[];
  /** Rows of the lists. */
  readonly top: number;
  /** After the run: the result with what the analyses add to it. Writes the files. */
  complete(result: RunResult): Promise<RunResult>;
}

const MAX_TOP = 10_000;

function parseTop(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1 || n > MAX_TOP) throw new ConfigError(`--top ${text}: not a whole number from 1 to ${MAX_TOP}`);
  return n;
}

/** Reads the options; modules are loaded only for what was asked. Throws ConfigError before the run for what cannot be. */
export async function prepareAnalyses(options: AnalysisOptions): Promise<Wanted> {
  const top = options.top === undefined ? 0 : parseTop(options.top);
  if (top === 0) return { analyses: [], top, complete: (result) => Promise.resolve(result) };
  const { Profiler } = await import("../profile/profiler.js");
  const profiler = new Profiler();
  return {
    analyses: [profiler],
    top,
    async complete(result) {
      const [{ topProfile }, { loadDisassembler }, { findSymbolizer }] = await Promise.all([
        import("../profile/top.js"),
        import("../disassembler.js"),
        import("../symbols/source-lines.js"),
      ]);
      const disassembler = await loadDisassembler();
      return { ...result, profile: topProfile(profiler.profile(), top, { disassembler, symbolizer: findSymbolizer }) };
    },
  };
}
