/** What `run` finds out beside the summary: makes the analyses that its options ask for, and writes what they found. */
import { ConfigError } from "../../emulator/arch/errors.js";
import type { MmStruct } from "../../kernel-model/mm/mm-struct.js";
import type { Analysis } from "../analysis.js";
import type { AnalysisOptions } from "../cli.js";
import type { AreaCoverage } from "../report/html/coverage.js";
import type { RunResult } from "../result.js";
import { checkWritable, writeResult } from "./output.js";

export interface Wanted {
  readonly analyses: readonly Analysis[];
  /** Rows of the lists; 0: no lists were asked for. */
  readonly top: number;
  /** The address space of the program when it ends. */
  onExit(mm: MmStruct): void;
  /** After the run: the result with what the analyses add to it. Writes the files. */
  complete(result: RunResult): Promise<RunResult>;
}

const MAX_TOP = 10_000;
/** Of a report, where --top does not say. */
const REPORT_ROWS = 20;

function parseTop(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1 || n > MAX_TOP) throw new ConfigError(`--top ${text}: not a whole number from 1 to ${MAX_TOP}`);
  return n;
}

/** Reads the options; modules are loaded only for what was asked. Throws ConfigError before the run for what cannot be. */
export async function prepareAnalyses(options: AnalysisOptions): Promise<Wanted> {
  const top = options.top === undefined ? (options.report === undefined ? 0 : REPORT_ROWS) : parseTop(options.top);
  checkWritable("--perfetto", options.perfetto);
  checkWritable("--pprof", options.pprof);
  checkWritable("--report", options.report);
  const readCoverage = options.report === undefined ? undefined : (await import("../report/html/coverage.js")).coverageOf;
  let coverage: readonly AreaCoverage[] = [];
  const curve = options.curve === true ? new (await import("../curve/miss-curve.js")).MissCurve() : undefined;
  const timeline = options.perfetto === undefined ? undefined : new (await import("../perfetto/timeline.js")).Timeline();
  const profiler = top === 0 && options.pprof === undefined ? undefined : new (await import("../profile/profiler.js")).Profiler();
  return {
    analyses: [profiler, timeline, curve].filter((analysis) => analysis !== undefined),
    top,
    onExit: (mm) => {
      coverage = readCoverage?.(mm) ?? [];
    },
    async complete(plain) {
      let result: RunResult = curve === undefined ? plain : { ...plain, curve: curve.result() };
      if (timeline !== undefined && options.perfetto !== undefined) writeResult("--perfetto", options.perfetto, timeline.bytes());
      if (profiler === undefined) return result;
      const profile = profiler.profile();
      const { findSymbolizer } = await import("../symbols/source-lines.js");
      if (options.pprof !== undefined) {
        const { encodePprof } = await import("../report/pprof.js");
        writeResult("--pprof", options.pprof, encodePprof(profile, [result.program.path, ...result.program.args].join(" "), findSymbolizer));
      }
      if (top === 0) return result;
      const [{ topProfile }, { loadDisassembler }] = await Promise.all([import("../profile/top.js"), import("../disassembler.js")]);
      result = { ...result, profile: topProfile(profile, top, { disassembler: await loadDisassembler(), symbolizer: findSymbolizer }) };
      if (options.report !== undefined) {
        const { htmlReport } = await import("../report/html/page.js");
        writeResult("--report", options.report, Buffer.from(htmlReport({ result, coverage })));
      }
      return result;
    },
  };
}
