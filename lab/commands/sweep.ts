/** `foliolab sweep`: many programs under many configurations, in parallel, resumable. */
import { accessSync, constants, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { ConfigError } from "../../emulator/arch/errors.js";
import type { SweepCommandOptions } from "../cli.js";
import { comparisonTable } from "../report/comparison.js";
import { loadProgram } from "../program.js";
import { parsePlan, type Plan } from "../sweep/plan.js";
import { makeDirectory, runSweep, type SweepOutcome } from "../sweep/runner.js";
import { countInterrupts, say, writeAll } from "./output.js";

/** Status of a command that Ctrl-C ended: 128 + SIGINT. */
const EXIT_INTERRUPTED = 130;

function readPlan(file: string, options: SweepCommandOptions): Plan {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const plan = parsePlan(text, file);
  const workers = options.workers === undefined ? plan.workers : Number(options.workers);
  if (workers !== undefined && !(Number.isInteger(workers) && workers >= 1 && workers <= 256)) throw new ConfigError(`--workers ${options.workers}: must be a number from 1 to 256`);
  return { ...plan, workers, output: options.output ?? plan.output };
}

/** Everything that can be wrong with the plan is said before the first run. */
function checkPlan({ runs, output }: Plan): void {
  for (const { command, settings } of runs) loadProgram(command[0], settings);
  try {
    makeDirectory(resolve(output));
    accessSync(output, constants.W_OK);
  } catch (error) {
    throw new ConfigError(`${output}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** One table per program, its configurations as rows. */
export function sweepTables(outcomes: readonly SweepOutcome[]): string {
  const programs = [...new Set(outcomes.map(({ run }) => run.program))];
  return programs
    .map((program) => {
      const rows = outcomes.flatMap(({ run, result }) => (run.program === program && result !== undefined ? [{ name: run.config, result }] : []));
      return rows.length === 0 ? `${program}: no results` : `${program}\n${comparisonTable(rows)}`;
    })
    .join("\n\n");
}

/** Returns 0 if every run has a result with exit status 0, 130 after Ctrl-C, else 1. */
export async function sweepCommand(file: string, options: SweepCommandOptions): Promise<number> {
  const plan = readPlan(file, options);
  checkPlan(plan);
  const signals = countInterrupts();
  const terminal = process.stderr.isTTY && process.env["CI"] === undefined;
  const clear = terminal ? "\r\x1b[K" : "";
  const total = plan.runs.length;
  let timer: NodeJS.Timeout | undefined;
  const [script] = process.argv.slice(1);
  if (script === undefined) throw new ConfigError("sweep: the command line that started this process is not known");
  try {
    const outcomes = await runSweep({
      plan,
      workers: plan.workers ?? availableParallelism(),
      foliolab: [process.execPath, ...process.execArgv, script],
      stopped: () => signals.interrupts() > 0,
      onStart(stop) {
        timer = setInterval(() => {
          if (signals.interrupts() > 0) stop();
        }, 100);
      },
      onProgress({ done, running, ended }) {
        if (options.quiet === true) return;
        if (ended !== undefined && (!terminal || ended.result === undefined)) {
          const { run, result, failure, kept } = ended;
          const state = result === undefined ? `failed: ${failure}` : kept ? "kept" : "signal" in result.exit ? `killed by ${result.exit.signal}` : result.exit.code === 0 ? "done" : `exit status ${result.exit.code}`;
          writeAll(2, Buffer.from(`${clear}${done}/${total} ${run.program} ${run.config}: ${state}\n`));
        }
        if (terminal) writeAll(2, Buffer.from(`${clear}${done}/${total} done, running: ${running.map(({ program, config }) => `${program} ${config}`).join("; ")}`));
      },
    });
    if (terminal) writeAll(2, Buffer.from(clear));
    if (options.quiet !== true) {
      say(sweepTables(outcomes));
      say(`${outcomes.filter(({ result }) => result !== undefined).length} of ${total} results in ${plan.output}, ${outcomes.filter(({ kept }) => kept).length} of them kept from before`);
    }
    if (signals.interrupts() > 0) return EXIT_INTERRUPTED;
    return outcomes.length === total && outcomes.every(({ result }) => result !== undefined && "code" in result.exit && result.exit.code === 0) ? 0 : 1;
  } finally {
    clearInterval(timer);
    signals.stop();
  }
}
