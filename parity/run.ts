/**
 * `make parity`: real programs out of Debian arm64 packages under qemu-aarch64 and in foliolab, with the same inputs. Standard output, standard
 * error, exit status and written files must be the same under each configuration of the lab. Exit status 1 if anything differs.
 *
 * Usage: tsx parity/run.ts [--only REGEXP] [--configs NAME[,NAME]] [--engine NAME] [--sysroot DIR]
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import Table from "cli-table3";
import { PROGRAMS } from "./programs.js";
import { configsFor, differences, LAB_CONFIGS, runLab, runQemu, writeQemuScripts, type Places } from "./runner.js";

const { values } = parseArgs({ options: { only: { type: "string" }, configs: { type: "string" }, engine: { type: "string" }, sysroot: { type: "string", default: "build/sysroot" } } });
const places: Places = { sysroot: resolve(values.sysroot), build: resolve("build/parity") };
const names = values.configs?.split(",") ?? LAB_CONFIGS.map(({ name }) => name);
const engine = values.engine === undefined ? [] : ["--engine", values.engine];
const configs = LAB_CONFIGS.filter(({ name }) => names.includes(name)).map(({ name, options }) => ({ name, options: [...options, ...engine] }));
const only = new RegExp(values.only ?? "");
const entries = PROGRAMS.filter(({ name }) => only.test(name));
if (configs.length !== names.length || entries.length === 0) throw new Error("nothing to run: see --only and --configs");

const scripts = writeQemuScripts(places);
const cli = resolve("bin/foliolab");
const table = new Table({ head: ["program", "result", "qemu s", ...configs.map(({ name }) => `${name} s`)], style: { head: [], border: [] } });
const failures: string[] = [];
for (const entry of entries) {
  const qemu = runQemu(places, scripts, entry);
  const seconds: string[] = [];
  const found: string[] = [];
  const applicable = configsFor(entry, configs);
  for (const config of configs) {
    if (!applicable.includes(config)) {
      seconds.push("4K only");
      continue;
    }
    const lab = runLab(places, cli, config, entry);
    seconds.push(lab.seconds.toFixed(2));
    found.push(...differences(qemu, lab).map((difference) => `${entry.name}, ${config.name}: ${difference}`));
  }
  process.stderr.write(`${found.length === 0 ? "agree " : "differ"} ${entry.name} (exit ${qemu.exit})\n${found.map((line) => `       ${line}\n`).join("")}`);
  failures.push(...found.slice(0, 1));
  table.push([entry.name, found.length === 0 ? "agree" : "DIFFER", qemu.seconds.toFixed(2), ...seconds]);
}
process.stdout.write(`${table.toString()}\n`);
for (const failure of failures) process.stdout.write(`${failure}\n`);
process.stdout.write(`${entries.length} programs under ${configs.length} configurations: ${entries.length - failures.length} agree, ${failures.length} differ\n`);
process.exitCode = failures.length === 0 ? 0 : 1;
