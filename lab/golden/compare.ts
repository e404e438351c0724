/** Compares whole recordings with the model: every program in every configuration that a file holds. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { ConfigError } from "../../emulator/arch/errors.js";
import { goldenMachine, type GoldenMachine, type GoldenMeta } from "./plan.js";
import { firstDifference, recordKey, type Difference, type GoldenRecord } from "./record.js";
import { runGolden, type GoldenPrograms } from "./runner.js";

/** A recording as it lies in its file; what its records are shows only inside them. */
export interface RecordingFile {
  readonly name: string;
  readonly machine: GoldenMachine;
  readonly records: readonly unknown[];
}

/** Reads the file of a recording. Throws ConfigError for a file that is none. */
export function readRecordingFile(path: string): RecordingFile {
  let parsed: { readonly meta?: GoldenMeta; readonly records?: readonly unknown[] };
  try {
    parsed = JSON.parse(readFileSync(path, "utf8")) as typeof parsed;
  } catch (error) {
    throw new ConfigError(`golden: ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!Array.isArray(parsed.records) || parsed.records.length === 0) throw new ConfigError(`golden: ${path}: holds no records`);
  return { name: basename(path, ".json"), machine: goldenMachine(basename(path), parsed.meta), records: parsed.records };
}

/** Steps of the recorded programs. */
export interface Recording extends RecordingFile {
  readonly records: readonly GoldenRecord[];
}

/** Reads a recording of the programs' steps. Throws ConfigError for a file that is none. */
export function readRecording(path: string): Recording {
  return readRecordingFile(path) as Recording;
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
