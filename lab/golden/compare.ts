/** Compares whole recordings with the model: every program in every configuration that a file holds. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { ConfigError } from "../../emulator/arch/errors.js";
import { goldenMachine, type GoldenMachine } from "./plan.js";
import { firstDifference, recordKey, type Difference, type GoldenRecord } from "./record.js";
import { runGolden, type GoldenPrograms } from "./runner.js";

export interface Recording {
  readonly name: string;
  readonly machine: GoldenMachine;
  readonly records: readonly GoldenRecord[];
}

/** Reads a recording. Throws ConfigError for a file that is none. */
export function readRecording(path: string): Recording {
  let parsed: { readonly records?: readonly GoldenRecord[] };
  try {
    parsed = JSON.parse(readFileSync(path, "utf8")) as typeof parsed;
  } catch (error) {
    throw new ConfigError(`golden: ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!Array.isArray(parsed.records)) throw new ConfigError(`golden: ${path}: holds no records`);
  return { name: basename(path, ".json"), machine: goldenMachine(basename(path)), records: parsed.records };
}

export interface Disagreement {
  readonly key: string;
  /** undefined: the model printed no such record. */
  readonly difference: Difference | undefined;
}

export interface ProgramResult {
  readonly program: string;
  readonly cfg: string;
  readonly nrRecords: number;
  readonly disagreements: readonly Disagreement[];
  readonly problems: readonly string[];
}

/** Runs each (program, configuration) of the recording once; `filter` keeps those to run. Yields results as they come. */
export function* compareRecording(recording: Recording, programs: GoldenPrograms, filter: (program: string, cfg: string) => boolean = () => true): Generator<ProgramResult, void> {
  const groups = new Map<string, GoldenRecord[]>();
  for (const record of recording.records) {
    const key = `${record.prog}\n${record.cfg}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [record]);
    else group.push(record);
  }
  for (const [key, real] of groups) {
    const [program, cfg] = key.split("\n") as [string, string];
    if (!filter(program, cfg)) continue;
    const { records, problems } = runGolden(recording.machine, programs, program, cfg);
    const model = new Map(records.map((record) => [record.step, record]));
    const disagreements: Disagreement[] = [];
    for (const record of real) {
      const twin = model.get(record.step);
      const difference = twin === undefined ? undefined : firstDifference(record, twin);
      if (twin === undefined || difference !== undefined) disagreements.push({ key: recordKey(record), difference });
    }
    yield { program, cfg, nrRecords: real.length, disagreements, problems };
  }
}
