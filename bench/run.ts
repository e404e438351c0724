/**
 * `make bench`: the same programs under qemu-aarch64, under qemu-aarch64 with a TLB plugin, and in foliolab, as ratios; and what is asked of
 * foliolab's speed, met or missed.
 *
 * The ways take turns, so that a slow minute of the machine hits all of them; each figure is the median of several runs. All ways
 * must agree on the program's output, and foliolab and the plugins on the number of loads and stores to within 5 % (the plugins do not see the stores of DC ZVA).
 *
 * Usage: tsx bench/run.ts [--runs N] [--engine NAME[,NAME]] [WORKLOAD...]
 */
import { mkdirSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import Table from "cli-table3";
import { medians, timed, type Timed, type Times } from "./timed.js";
import { prepareWork, SYSROOT, WORK, WORKLOADS, type Workload } from "./workloads.js";

const PLUGIN = resolve("build", "bench", "tlb-peer.so");
const RESULT = resolve("build", "bench", "foliolab.json");
/** What the plugin writes. */
const COUNTS = resolve("build", "bench", "peer.json");
const FOLIOLAB = resolve("bin", "foliolab");

/** What is asked of a whole run that executes one guest instruction, start-up and tear-down included, in seconds. */
const FIRST_INSTRUCTION_AIM = 0.3;
/** What is asked of 100,000 page faults, the guest's own work included, in seconds. */
const FAULTS_AIM = 0.3;
/** Pages that `touch 400m` touches, in each round; and rounds behind the first, in which the guest's memory is unmapped and mapped anew. */
const FAULTS = 400 * 256;
const ROUNDS = 4;
/** Exit status of a run that reached --max-instructions. */
const KILLED = 137;

interface Sample extends Timed {
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
const surroundings = (workload: Workload): { stdin: string; cwd: string } => ({ stdin: workload.stdin ?? "", cwd: ofSysroot(workload) ? WORK : "." });

/** What qemu-aarch64 is called with. */
function qemuArguments(workload: Workload): string[] {
  const { program, args } = workload;
  return ofSysroot(workload) ? ["-L", SYSROOT, join(SYSROOT, program), ...args] : [join("build", "guest", program), ...args];
}

const qemu: Way = {
  name: "qemu-user",
  run: (workload) => ({ ...timed("qemu-aarch64", qemuArguments(workload), surroundings(workload)), accesses: undefined }),
};

const qemuWithPlugin = (name: string, order: "stamps" | "sorted"): Way => ({
  name,
  run(workload) {
    const time = timed("qemu-aarch64", ["-plugin", `${PLUGIN},order=${order},out=${COUNTS}`, ...qemuArguments(workload)], surroundings(workload));
    const { accesses } = JSON.parse(readFileSync(COUNTS, "utf8")) as { accesses: number };
    return { ...time, accesses };
  },
});

const foliolab = (engine: string): Way => ({
  name: `foliolab (${engine})`,
  run(workload) {
    const { program, args } = workload;
    const where = ofSysroot(workload) ? ["--root", SYSROOT, "--bind", `${WORK}:${WORK}:rw`, "--", program] : ["--", join("build", "guest", program)];
    const time = timed(FOLIOLAB, ["run", "--quiet", "--engine", engine, "--json", RESULT, ...where, ...args], surroundings(workload));
    const { execution } = JSON.parse(readFileSync(RESULT, "utf8")) as RunResult;
    return { ...time, accesses: execution.loads + execution.stores };
  },
});

/** The ways that are not foliolab's. The second is what ratios are to, the third stands beside it. */
const PEERS: readonly Way[] = [qemu, qemuWithPlugin("qemu-user + TLB plugin", "stamps"), qemuWithPlugin("qemu-user + TLB plugin, sorted by use", "sorted")];
const STAMPS = 1;
const SORTED = 2;

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

/** A command line, its list of files counted where it is long. */
const abridged = (words: readonly string[]): string => (words.length > 8 ? `${words.slice(0, 2).join(" ")} (${words.length - 2} files)` : words.join(" "));
const ratio = (of: number, to: number): string => `${(of / to).toFixed(2)}x`;
const verdict = (met: boolean): string => (met ? "met" : "missed");

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { runs: { type: "string", default: "3" }, engine: { type: "string", default: "wasm" } },
  });
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs ${values.runs} is not a count`);
  const unknown = positionals.find((name) => !(name in WORKLOADS));
  if (unknown !== undefined) throw new Error(`no workload is called ${unknown}; there are ${Object.keys(WORKLOADS).join(", ")}`);
  const names = positionals.length === 0 ? Object.keys(WORKLOADS) : positionals;
  const engines = values.engine.split(",");
  const ways = [...PEERS, ...engines.map(foliolab)];
  mkdirSync(join("build", "bench"), { recursive: true });
  prepareWork();

  const right = "right" as const;
  const style = { head: [], border: [], compact: true };
  const times = new Table({
    head: ["workload", "way", "wall s", "min - max", "CPU s", "wall of qemu-user", "wall of the plugin", "CPU of the plugin", "accesses"],
    style,
    colAligns: ["left", "left", right, right, right, right, right, right, right],
  });
  const aims = new Table({ head: ["what", "engine", "reached", "aim", "", "CPU", "of the plugin sorted by use"], style, colAligns: ["left", "left", right, right, "left", right, right] });

  for (const name of names) {
    const workload = WORKLOADS[name]!;
    process.stderr.write(`bench: ${name}\n`);
    const samples = measure(workload, ways, runs);
    const results = samples.map(medians);
    const [plain, stamps, sorted] = [results[0]!, results[STAMPS]!, results[SORTED]!];
    for (const [index, way] of ways.entries()) {
      const { wall, cpu } = results[index]!;
      const walls = samples[index]!.map((sample) => sample.wall);
      times.push([
        index === 0 ? `${name}: ${abridged([basename(workload.program), ...workload.args])}` : "",
        way.name,
        wall.toFixed(2),
        `${Math.min(...walls).toFixed(2)} - ${Math.max(...walls).toFixed(2)}`,
        cpu.toFixed(2),
        ratio(wall, plain.wall),
        ratio(wall, stamps.wall),
        ratio(cpu, stamps.cpu),
        samples[index]![0]!.accesses?.toLocaleString("en") ?? "",
      ]);
    }
    if (workload.aim === undefined) continue;
    for (const [index, engine] of engines.entries()) {
      const { wall, cpu } = results[PEERS.length + index]!;
      aims.push([name, engine, ratio(wall, stamps.wall), ratio(workload.aim, 1), verdict(wall <= workload.aim * stamps.wall), ratio(cpu, stamps.cpu), ratio(wall, sorted.wall)]);
    }
  }
  if (positionals.length === 0) {
    process.stderr.write("bench: start-up and page faults\n");
    for (const engine of engines) {
      const run = (program: string[], options: string[] = [], status = 0): Times =>
        medians(Array.from({ length: Math.max(runs, 5) }, () => timed(FOLIOLAB, ["run", "--quiet", "--engine", engine, ...options, "--", join("build", "guest", program[0]!), ...program.slice(1)], { status })));
      const first = run(["spin"], ["--max-instructions", "1"], KILLED);
      aims.push(["start, one guest instruction, end", engine, `${first.wall.toFixed(2)} s`, `${FIRST_INSTRUCTION_AIM.toFixed(2)} s`, verdict(first.wall <= FIRST_INSTRUCTION_AIM), `${first.cpu.toFixed(2)} s`, ""]);
      const [hello, touch, again] = [run(["hello"]), run(["touch", "400m"]), run(["touch", "400m", "write", String(1 + ROUNDS)])];
      const faults = (what: string, less: Times, more: Times, count: number): void => {
        const [wall, cpu] = (["wall", "cpu"] as const).map((kind) => ((more[kind] - less[kind]) / count) * 1e5) as [number, number];
        aims.push([what, engine, `${wall.toFixed(2)} s`, `${FAULTS_AIM.toFixed(2)} s`, verdict(wall <= FAULTS_AIM), `${cpu.toFixed(2)} s`, ""]);
      };
      faults("100,000 page faults", hello, touch, FAULTS);
      faults("100,000 further ones", touch, again, ROUNDS * FAULTS);
    }
  }
  process.stdout.write(`${times.toString()}\n${runs} runs each, medians; whole processes, start-up included. CPU: user and system time of all threads.\n`);
  if (aims.length > 0) process.stdout.write(`${aims.toString()}\nReached and aim: wall-clock time, of the plugin with time stamps where it is a ratio. Page faults: \`touch 400m\` less \`hello\`; further ones: what each more round of it takes.\n`);
}

main();
