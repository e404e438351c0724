/**
 * Second half of `make bench`: what the kernel model costs. Page faults beyond the guest's own work; fork, touch and exit per page.
 *
 * Everything runs in one process, warm, and is given per event and as a ratio of two sizes; medians of several runs.
 */
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import Table from "cli-table3";
import { DEFAULT_CONFIG, namedConfig, type RunConfig } from "../lab/config.js";
import { loadProgram } from "../lab/program.js";
import type { RunResult } from "../lab/result.js";
import { runProgram } from "../lab/run.js";

const { values } = parseArgs({ options: { runs: { type: "string", default: "3" } } });
const RUNS = Number(values.runs);

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]!;

interface Timed {
  readonly result: RunResult;
  readonly seconds: number;
}

async function run(program: string, args: readonly string[], config: RunConfig): Promise<Timed> {
  const path = `build/guest/${program}`;
  const samples: Timed[] = [];
  for (let i = 0; i < RUNS; i++) {
    const start = performance.now();
    const result = await runProgram({ config, program: loadProgram(path, config), args, stdout: () => undefined, stderr: () => undefined, stdin: () => undefined });
    samples.push({ result, seconds: (performance.now() - start) / 1000 });
    if (!("code" in result.exit) || result.exit.code !== 0) throw new Error(`${program} ${args.join(" ")} did not end well: ${JSON.stringify(result.exit)}`);
  }
  const middle = median(samples.map(({ seconds }) => seconds));
  return samples.find(({ seconds }) => seconds === middle)!;
}

async function main(): Promise<void> {
  const table = new Table({ head: ["what", "events", "seconds", "per event"], style: { head: [], border: [], compact: true }, colAligns: ["left", "right", "right", "right"] });
  const row = (what: string, events: number, seconds: number): void => {
    table.push([what, events.toLocaleString("en-US"), seconds.toFixed(3), `${((seconds / events) * 1e6).toFixed(2)} us`]);
  };
  const base = namedConfig(DEFAULT_CONFIG, "4k");
  const big: RunConfig = { ...base, memory: 4 * 1024 ** 3 - 65536 };

  await run("touch", ["4m"], base); // warm up
  const nothing = await run("touch", ["64k"], base);
  const touched = await run("touch", ["400m"], base);
  // The guest's own work is one store and a few instructions per page: the same program over memory that large folios have mapped.
  const mapped = await run("touch", ["400m"], { ...base, thp: { enabled: "never", sizes: { [2 * 1024 * 1024]: "always" } } });
  const faults = touched.result.faults.minor - nothing.result.faults.minor;
  row("anonymous page faults, 4K, beyond the guest's own work", faults, touched.seconds - mapped.seconds);
  row("the same, everything included", faults, touched.seconds - nothing.seconds);

  const pages = (bytes: number): number => bytes / 4096;
  const small = await run("forkwrite", ["256m"], big);
  const large = await run("forkwrite", ["1g"], big);
  row("256 MiB: fork, write half in the child and all in the parent, exit; per page", pages(256 * 1024 ** 2), small.seconds);
  row("1 GiB: the same", pages(1024 ** 3), large.seconds);
  process.stdout.write(`${table.toString()}\n`);
  process.stdout.write(`1 GiB takes ${(large.seconds / small.seconds).toFixed(2)} times as long as 256 MiB (4.00 is linear).\n`);
}

await main();
