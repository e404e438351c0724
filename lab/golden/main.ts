/**
 * `make golden`: runs recorded programs in the model and prints where the records differ.
 *
 * Usage: node dist/lab/golden/main.js [--programs DIR] [--only PROGRAM[,PROGRAM]] [--cfg CFG] [--engine NAME] [--full] RECORDING.json...
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import Table from "cli-table3";
import { ConfigError } from "../../emulator/arch/errors.js";
import { DEFAULT_CONFIG, ENGINE_NAMES, type EngineName } from "../config.js";
import { compareRecording, readRecordingFile, type ProgramResult, type Recording } from "./compare.js";
import { GoldenPrograms } from "./runner.js";
import { compareTlbiRecording, isTlbiRecording } from "./tlbi-compare.js";

const DEFAULT_RECORDINGS = [
  ...["4k-neoverse-n1", "4k-cortex-a72", "16k-neoverse-n1", "64k-neoverse-n1"].map((name) => `golden/linux-6.12/${name}.json`),
  ...["4k-n1x-random", "4k-cortex-a72-random", "16k-n1x-random"].map((name) => `golden/linux-6.12/${name}.json`),
  ...["4k-n1x", "4k-max-nolpa2"].map((name) => `golden/tlbi/${name}.json`),
];
/** Sources of the program of TLB-maintenance recordings, unless the folder of --programs has it. */
const TLBI_SOURCES = "golden/tlbi";

function short(value: unknown, most: number): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > most ? `${text.slice(0, most)}...` : text;
}

function engineName(text: string): EngineName {
  const engine = ENGINE_NAMES.find((name) => name === text);
  if (engine === undefined) throw new ConfigError(`golden: --engine ${text}: one of ${ENGINE_NAMES.join(", ")}`);
  return engine;
}

function main(): number {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      programs: { type: "string", default: "golden/prog" },
      build: { type: "string", default: "build/golden" },
      only: { type: "string" },
      cfg: { type: "string" },
      engine: { type: "string", default: DEFAULT_CONFIG.engine },
      full: { type: "boolean", default: false },
    },
  });
  const only = values.only?.split(",");
  const engine = engineName(values.engine);
  const most = values.full ? Infinity : 300;
  const table = new Table({ head: ["recording", "records", "agree", "differ"], style: { head: [], border: [], compact: true }, colAligns: ["left", "right", "right", "right"] });
  let differing = 0;
  for (const path of positionals.length === 0 ? DEFAULT_RECORDINGS : positionals) {
    const read = readRecordingFile(path);
    const recording = { ...read, machine: { ...read.machine, engine } };
    let records = 0;
    let differ = 0;
    const wanted = (program: string, cfg: string): boolean => (only === undefined || only.includes(program)) && (values.cfg === undefined || cfg === values.cfg);
    const results: Iterable<ProgramResult> = isTlbiRecording(recording)
      ? compareTlbiRecording(recording, new GoldenPrograms(existsSync(join(values.programs, "tlbi.c")) ? values.programs : TLBI_SOURCES, values.build), (cfg) => wanted("tlbi", cfg))
      : compareRecording(recording as Recording, new GoldenPrograms(values.programs, values.build), wanted);
    for (const result of results) {
      records += result.nrRecords;
      differ += result.disagreements.length;
      for (const { key, difference } of result.disagreements) {
        if (difference === undefined) process.stdout.write(`${recording.name} ${key}: the model prints no such record\n`);
        else process.stdout.write(`${recording.name} ${key}: ${difference.field}\n    real  ${short(difference.real, most)}\n    model ${short(difference.model, most)}\n`);
      }
      for (const problem of result.problems) process.stdout.write(`${recording.name} ${result.program} ${result.cfg}: ${short(problem, most)}\n`);
      if (result.disagreements.length === 0 && result.problems.length > 0) differ++;
    }
    table.push([recording.name, records, records - differ, differ]);
    differing += differ;
  }
  process.stdout.write(`${table.toString()}\n`);
  return differing === 0 ? 0 : 1;
}

try {
  process.exitCode = main();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
