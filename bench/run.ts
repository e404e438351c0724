/**
 * `make bench`: the same programs under qemu-aarch64, under qemu-aarch64 with a TLB plugin, and in foliolab, as ratios of wall-clock time.
 *
 * The ways take turns, so that a slow minute of the machine hits all of them; each figure is the median of several runs. All ways
 * must agree on the program's output, and foliolab and the plugin on the number of loads and stores to within 5 % (the plugin does not see the stores of DC ZVA).
 *
 * Usage: tsx bench/run.ts [--runs N] [--engine NAME[,NAME]] [WORKLOAD...]
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import Table from "cli-table3";
import { prepareWork, SYSROOT, WORK, WORKLOADS, type Workload } from "./workloads.js";

const PLUGIN = resolve("build", "bench", "tlb-peer.so");
const RESULT = resolve("build", "bench", "foliolab.json");
/** What the plugin writes. */
const COUNTS = resolve("build", "bench", "peer.json");
const FOLIOLAB = resolve("bin", "foliolab");

interface Sample {
  readonly seconds: number;
  readonly stdout: string;
  /** Loads and stores of the guest, where the way counts them. */
  readonly accesses: number | undefined;
}

interface Way {
  readonly name: string;
  run(workload: Workload): Sample;
}

/** What this file reads of `foliolab run --json`. */
interface RunResult {
  readonly execution: { readonly loads: number; readonly stores: number };
}

const ofSysroot = ({ program }: Workload): boolean => program.startsWith("/");

function timed(command: string, args: readonly string[], workload: Workload): { seconds: number; stdout: string } {
  const start = process.hrtime.bigint();
  const result = spawnSync(command, args, { encoding: "latin1", maxBuffer: 2 ** 26, input: workload.stdin ?? "", cwd: ofSysroot(workload) ? WORK : "." });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${result.status ?? result.signal}:\n${result.stderr}`);
  return { seconds, stdout: result.stdout };
}

/** What qemu-aarch64 is called with. */
function qemuArguments(workload: Workload): string[] {
  const { program, args } = workload;
  return ofSysroot(workload) ? ["-L", SYSROOT, join(SYSROOT, program), ...args] : [join("build", "guest", program), ...args];
}

const qemu: Way = {
  name: "qemu-user",
  run(workload) {
    const { seconds, stdout } = timed("qemu-aarch64", qemuArguments(workload), workload);
    return { seconds, stdout, accesses: undefined };
  },
};

const qemuWithPlugin: Way = {
  name: "qemu-user + TLB plugin",
  run(workload) {
    const { seconds, stdout } = timed("qemu-aarch64", ["-plugin", `${PLUGIN},out=${COUNTS}`, ...qemuArguments(workload)], workload);
    const { accesses } = JSON.parse(readFileSync(COUNTS, "utf8")) as { accesses: number };
    return { seconds, stdout, accesses };
  },
};

const foliolab = (engine: string): Way => ({
  name: `foliolab (${engine})`,
  run(workload) {
    const { program, args } = workload;
    const where = ofSysroot(workload) ? ["--root", SYSROOT, "--bind", `${WORK}:${WORK}:rw`, "--", program] : ["--", join("build", "guest", program)];
    const { seconds, stdout } = timed(FOLIOLAB, ["run", "--quiet", "--engine", engine, "--json", RESULT, ...where, ...args], workload);
    const { execution } = JSON.parse(readFileSync(RESULT, "utf8")) as RunResult;
    return { seconds, stdout, accesses: execution.loads + execution.stores };
  },
});

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The runs of one workload, one list per way in the order of `ways`. */
function measure(workload: Workload, ways: readonly Way[], runs: number): Sample[][] {
  const samples: Sample[][] = ways.map(() => []);
  for (let run = 0; run < runs; run++) {
    for (const [index, way] of ways.entries()) samples[index]!.push(way.run(workload));
  }
  const [{ stdout: expected }] = samples[0] as [Sample];
  for (const [index, way] of ways.entries()) {
    for (const { stdout } of samples[index]!) {
      if (stdout !== expected) throw new Error(`${way.name} printed ${JSON.stringify(stdout)}, expected ${JSON.stringify(expected)}`);
    }
  }
  const counts = samples.map((list) => list[0]!.accesses).filter((count) => count !== undefined);
  if (Math.max(...counts) > 1.05 * Math.min(...counts)) throw new Error(`${workload.program}: the ways count different loads and stores: ${counts.join(", ")}`);
  return samples;
}

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { runs: { type: "string", default: "5" }, engine: { type: "string", default: "wasm,unicorn" } },
  });
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs ${values.runs} is not a count`);
  const names = positionals.length === 0 ? Object.keys(WORKLOADS) : positionals;
  const ways = [qemu, qemuWithPlugin, ...values.engine.split(",").map(foliolab)];
  mkdirSync(join("build", "bench"), { recursive: true });
  prepareWork();

  const table = new Table({
    head: ["workload", "way", "median s", "min - max s", "of qemu-user", "of the plugin", "accesses"],
    style: { head: [], border: [] },
    colAligns: ["left", "left", "right", "right", "right", "right", "right"],
  });
  for (const name of names) {
    const workload = WORKLOADS[name];
    if (workload === undefined) throw new Error(`no workload is called ${name}; there are ${Object.keys(WORKLOADS).join(", ")}`);
    const samples = measure(workload, ways, runs);
    const medians = samples.map((list) => median(list.map(({ seconds }) => seconds)));
    for (const [index, way] of ways.entries()) {
      const seconds = samples[index]!.map((sample) => sample.seconds);
      table.push([
        index === 0 ? [name, ...workload.args].join(" ") : "",
        way.name,
        medians[index]!.toFixed(3),
        `${Math.min(...seconds).toFixed(3)} - ${Math.max(...seconds).toFixed(3)}`,
        `${(medians[index]! / medians[0]!).toFixed(2)}x`,
        `${(medians[index]! / medians[1]!).toFixed(2)}x`,
        samples[index]![0]!.accesses?.toLocaleString("en") ?? "",
      ]);
    }
  }
  process.stdout.write(`${table.toString()}\n${runs} runs each; wall-clock time of the whole process, start-up included.\n`);
}

main();
