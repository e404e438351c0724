/**
 * Runs golden/tlbi/tlbi.c in the model as it ran on the recorded kernels, and counts TLBI and DSB between its markers.
 *
 * The program ran with the arguments <configuration> 1 16 and without environment, then once more with GT=1 for the counters of the contpte
 * layer; configurations with ":classic-lru" ran with ONLY=young, and with the generations of the LRU off, as they always are here.
 * The machines had swap space on zram and a memory cgroup /cg/t.
 */
import { ConfigError } from "../../emulator/arch/errors.js";
import type { Granule } from "../../emulator/arch/granule.js";
import type { Machine } from "../machine.js";
import { GOLDEN_SWAP_BYTES, goldenGranule, type GoldenMachine, type GoldenMode } from "./plan.js";
import { createGoldenLab, runGoldenLab, type GoldenPrograms } from "./runner.js";
import { MARKER_BEGIN, MARKER_END, withMarkersAsBreakpoints } from "./tlbi-markers.js";
import { tlbiKey, type TlbiCount } from "./tlbi-record.js";

/** One run of the program: a configuration with all its block counts. */
export interface TlbiStart {
  readonly cfg: string;
  readonly blocks: readonly number[];
  /** Repetitions of each operation. */
  readonly reps: number;
}

export interface TlbiRun {
  /** By tlbiKey(). */
  readonly counts: ReadonlyMap<string, TlbiCount>;
  readonly problems: readonly string[];
}

const CLASSIC_LRU = ":classic-lru";

/** Folio sizes of a configuration name: one size that is always on, or order0. Throws ConfigError for a size that the pages do not have. */
export function tlbiSizes(cfg: string, granule: Granule): Map<number, GoldenMode> {
  const size = cfg.replace(CLASSIC_LRU, "");
  if (size === "order0") return new Map();
  const [, digits, unit] = /^(\d+)([KM])$/.exec(size) ?? [];
  const bytes = Number(digits) * (unit === "K" ? 1024 : 1024 ** 2);
  const order = Math.log2(bytes / granule.pageSize);
  if (!Number.isInteger(order) || order < 2 || order > granule.pmdOrder) throw new ConfigError(`golden: "${cfg}" names no folio size of ${granule.name} pages`);
  return new Map([[bytes, "always"]]);
}

/** Events since the machine started. */
interface Snapshot {
  readonly tlbi: Readonly<Record<string, number>>;
  readonly dsbIsh: number;
  readonly switches: number;
}

function snapshot({ cpu, kernel }: Machine): Snapshot {
  return { tlbi: { ...cpu.tlbiCounts }, dsbIsh: cpu.dsbCounts["ish"] ?? 0, switches: kernel.contextSwitches };
}

/** What happened in one marked interval. */
interface Interval {
  readonly tlbi: Record<string, number>;
  readonly dsbIsh: number;
  readonly switches: number;
}

function between(begin: Snapshot, end: Snapshot): Interval {
  const tlbi = Object.fromEntries(
    Object.entries(end.tlbi)
      .map(([kind, count]): [string, number] => [kind, count - (begin.tlbi[kind] ?? 0)])
      .filter(([, count]) => count > 0),
  );
  return { tlbi, dsbIsh: end.dsbIsh - begin.dsbIsh, switches: end.switches - begin.switches };
}

interface Line {
  readonly key: string;
  readonly contpte: Readonly<Record<string, number | string>>;
}

/** "TL <seq> <cfg> <op> <blocks> <rep> name=value...", undefined for any other line. */
function parseLine(text: string): Line | undefined {
  const match = /^TL \d+ (\S+) (.*?) (\d+) \d+((?: [a-z_]+=\S+)*)$/.exec(text);
  if (match === null) return undefined;
  const [, cfg, op, blocks, counters] = match as unknown as [string, string, string, string, string];
  const contpte = counters
    .split(" ")
    .filter((pair) => pair !== "")
    .map((pair): [string, number | string] => {
      const [name, value] = pair.split("=") as [string, string];
      return [name, /^\d+$/.test(value) ? Number(value) : value];
    });
  return { key: tlbiKey({ cfg, op, blocks: Number(blocks) }), contpte: Object.fromEntries(contpte) };
}

/** The middle of the sorted values; of an even number the lower of the two in the middle. */
function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0;
}

function medians(records: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const kinds = new Set(records.flatMap((record) => Object.keys(record)));
  return Object.fromEntries([...kinds].map((kind): [string, number] => [kind, median(records.map((record) => record[kind] ?? 0))]).filter(([, count]) => count > 0));
}

interface Pass {
  readonly intervals: Map<string, Interval[]>;
  readonly lines: Map<string, Line[]>;
  readonly problems: readonly string[];
}

function runPass(machine: GoldenMachine, programs: GoldenPrograms, start: TlbiStart, env: readonly string[]): Pass {
  const granule = goldenGranule(machine);
  const out: Uint8Array[] = [];
  const marked: Interval[] = [];
  const made: { lab?: Machine } = {};
  let begin: Snapshot | undefined;
  made.lab = createGoldenLab(
    {
      machine,
      sizes: tlbiSizes(start.cfg, granule),
      swap: GOLDEN_SWAP_BYTES,
      memoryCgroups: { directory: "/cg", names: ["t"] },
      output: (bytes) => out.push(bytes.slice()),
      onBreakpoint: (_pc, immediate) => {
        if (immediate === MARKER_BEGIN) begin = snapshot(made.lab!);
        else if (immediate === MARKER_END && begin !== undefined) marked.push(between(begin, snapshot(made.lab!)));
        else return false;
        return true;
      },
    },
    programs,
  );
  made.lab.namespace.installFile("/bin/tlbi", withMarkersAsBreakpoints(programs.binary("tlbi"), "tlbi"), 0o755);
  const only = start.cfg.endsWith(CLASSIC_LRU) ? ["ONLY=young"] : [];
  const problems = runGoldenLab(made.lab, ["/bin/tlbi", start.cfg, ...start.blocks.map(String)], [`REPS=${start.reps}`, ...only, ...env], 0);
  const intervals = new Map<string, Interval[]>();
  const lines = new Map<string, Line[]>();
  let next = 0;
  for (const text of Buffer.concat(out).toString("latin1").split("\n")) {
    const line = parseLine(text);
    if (line === undefined) {
      if (text !== "") problems.push(text);
      continue;
    }
    const interval = marked[next++];
    if (interval === undefined) throw new ConfigError(`golden: tlbi printed more lines than it has marked intervals: ${text}`);
    intervals.set(line.key, [...(intervals.get(line.key) ?? []), interval]);
    lines.set(line.key, [...(lines.get(line.key) ?? []), line]);
  }
  return { intervals, lines, problems };
}

/** Both passes of one configuration. */
export function runTlbi(machine: GoldenMachine, programs: GoldenPrograms, start: TlbiStart): TlbiRun {
  const counted = runPass(machine, programs, start, []);
  const observed = runPass(machine, programs, start, ["GT=1"]);
  const counts = new Map<string, TlbiCount>();
  for (const [key, intervals] of counted.intervals) {
    const lines = observed.lines.get(key) ?? [];
    counts.set(key, {
      tlbi: medians(intervals.map(({ tlbi }) => tlbi)),
      dsbIsh: median(intervals.map(({ dsbIsh }) => dsbIsh)),
      dsbIshOfSwitches: median(intervals.map(({ switches }) => switches)),
      contpte: lines.at(-1)?.contpte ?? {},
    });
  }
  return { counts, problems: [...counted.problems, ...observed.problems] };
}
