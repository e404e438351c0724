/**
 * Second half of `make bench`: what fork, copies on write and exit cost per page, and whether that is linear in the size of the process.
 *
 * Whole processes without the time of `hello`, in turns, medians. The ratio is that of CPU time: what the host takes to find memory for the larger process grows with
 * what else it has been given to do.
 */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import Table from "cli-table3";
import { medians, timed, type Timed, type Times } from "./timed.js";

const FOLIOLAB = resolve("bin", "foliolab");
const MIB = 1024 ** 2;
/** Sizes of the processes. Parent, child and copies of the larger one need more than the default memory. */
const [SMALL, LARGE] = [256 * MIB, 1024 * MIB];
const MEMORY = "3g";

function main(): void {
  const { values } = parseArgs({ options: { runs: { type: "string", default: "3" }, engine: { type: "string", default: "wasm" } } });
  const run = (program: string, ...args: string[]): Timed =>
    timed(FOLIOLAB, ["run", "--quiet", "--engine", values.engine, "--memory", MEMORY, "--", join("build", "guest", program), ...args]);
  const samples: Record<"hello" | "small" | "large", Timed[]> = { hello: [], small: [], large: [] };
  for (let i = 0; i < Number(values.runs); i++) {
    samples.hello.push(run("hello"));
    samples.small.push(run("forkwrite", String(SMALL)));
    samples.large.push(run("forkwrite", String(LARGE)));
  }
  const hello = medians(samples.hello);
  const beyond = (list: readonly Timed[]): Times => {
    const { wall, cpu } = medians(list);
    return { wall: wall - hello.wall, cpu: cpu - hello.cpu };
  };
  const table = new Table({ head: ["fork, write half in the child and all in the parent, exit", "pages", "wall s", "CPU s", "CPU per page"], style: { head: [], border: [], compact: true }, colAligns: ["left", "right", "right", "right", "right"] });
  const [small, large] = [beyond(samples.small), beyond(samples.large)];
  for (const [bytes, { wall, cpu }] of [[SMALL, small], [LARGE, large]] as const) {
    const pages = bytes / 4096;
    table.push([`${bytes / MIB} MiB`, pages.toLocaleString("en-US"), wall.toFixed(2), cpu.toFixed(2), `${((cpu / pages) * 1e6).toFixed(2)} us`]);
  }
  process.stdout.write(`${table.toString()}\n${LARGE / MIB} MiB takes ${(large.cpu / small.cpu).toFixed(2)} times the CPU time of ${SMALL / MIB} MiB (${(LARGE / SMALL).toFixed(2)} is linear).\n`);
}

main();
