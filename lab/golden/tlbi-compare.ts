/** Compares a recording of TLB maintenance with the model: one run of tlbi.c per configuration. */
import type { ProgramResult, RecordingFile } from "./compare.js";
import type { GoldenPrograms } from "./runner.js";
import { tlbiDifference, tlbiKey, type TlbiRecord } from "./tlbi-record.js";
import { runTlbi } from "./tlbi-run.js";

export interface TlbiRecording extends RecordingFile {
  readonly records: readonly TlbiRecord[];
}

export function isTlbiRecording(recording: RecordingFile): recording is TlbiRecording {
  const [first] = recording.records;
  return typeof first === "object" && first !== null && "op" in first && "tlbi" in first;
}

/** Runs each configuration of the recording once; `filter` keeps those to run. Yields results as they come. */
export function* compareTlbiRecording(recording: TlbiRecording, programs: GoldenPrograms, filter: (cfg: string) => boolean = () => true): Generator<ProgramResult, void> {
  for (const cfg of new Set(recording.records.map((record) => record.cfg))) {
    if (!filter(cfg)) continue;
    const real = recording.records.filter((record) => record.cfg === cfg);
    const blocks = [...new Set(real.map((record) => record.blocks))].sort((a, b) => a - b);
    const reps = Math.max(...real.map((record) => record.reps));
    const { counts, problems } = runTlbi(recording.machine, programs, { cfg, blocks, reps });
    const disagreements = real.flatMap((record) => {
      const model = counts.get(tlbiKey(record));
      const difference = model === undefined ? undefined : tlbiDifference(record, model);
      return model !== undefined && difference === undefined ? [] : [{ key: tlbiKey(record), difference }];
    });
    yield { program: "tlbi", cfg, nrRecords: real.length, disagreements, problems };
  }
}
