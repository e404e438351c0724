/**
 * Runs recorded programs in the model, as golden/README.md says they were started, and reads the records that they print.
 */
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigError } from "../../emulator/arch/errors.js";
import type { EngineCounters } from "../../emulator/engine/engine.js";
import { loadCores } from "../core-files.js";
import { cpuResults } from "../cpu-results.js";
import { DEFAULT_CONFIG, type RunConfig } from "../config.js";
import { ENGINES } from "../engines.js";
import { createMachine, type Machine, type MachineParts } from "../machine.js";
import type { CpuResult } from "../result.js";
import { GOLDEN_MOUNTS, goldenGranule, goldenSizes, goldenStart, type GoldenMachine, type GoldenMode } from "./plan.js";
import type { GoldenRecord } from "./record.js";

/** RAM of a golden machine; the 64K kernel was recorded with 8 GiB, of which a 32-bit memory holds half, less what the engine keeps beside it. */
const MEMORY_BYTES: Readonly<Record<string, number>> = { "4k": 2 * 1024 ** 3, "16k": 2 * 1024 ** 3, "64k": 4 * 1024 ** 3 - 32 * 1024 ** 2 };
/** A recorded program that has not ended by then never will. */
const MAX_INSTRUCTIONS = 3e9;

const CC = "aarch64-linux-gnu-gcc";

/** The first process of a golden machine, beside the recordings. */
const INIT_SOURCE = fileURLToPath(new URL("../../../golden/init.c", import.meta.url));
const INIT_FROM_SOURCES = fileURLToPath(new URL("../../golden/init.c", import.meta.url));

/** Compiles golden programs into `outputDir` when their sources are newer. */
export class GoldenPrograms {
  private readonly sourceDir: string;
  private readonly outputDir: string;
  private readonly loaded = new Map<string, Uint8Array>();

  constructor(sourceDir: string, outputDir: string) {
    this.sourceDir = sourceDir;
    this.outputDir = outputDir;
  }

  /** The static binary of a source stem. Throws ConfigError if it cannot be built. */
  binary(name: string): Uint8Array {
    return this.build(name, join(this.sourceDir, `${name}.c`));
  }

  /** The program that starts the others. It lies beside dist/ and beside lab/: this file runs compiled and as source. */
  init(): Uint8Array {
    return this.build("init", existsSync(INIT_SOURCE) ? INIT_SOURCE : INIT_FROM_SOURCES);
  }

  private build(name: string, source: string): Uint8Array {
    const known = this.loaded.get(name);
    if (known !== undefined) return known;
    const target = join(this.outputDir, name);
    if (!isNewer(target, source)) {
      mkdirSync(this.outputDir, { recursive: true });
      const built = spawnSync(CC, ["-static", "-O1", "-w", "-o", target, source], { encoding: "utf8" });
      if (built.error !== undefined) throw new ConfigError(`golden: ${CC}: ${built.error.message}`);
      if (built.status !== 0) throw new ConfigError(`golden: ${source} does not compile: ${built.stderr.split("\n")[0] ?? ""}`);
    }
    const bytes = readFileSync(target);
    this.loaded.set(name, bytes);
    return bytes;
  }
}

function isNewer(target: string, source: string): boolean {
  try {
    return statSync(target).mtimeMs >= statSync(source).mtimeMs;
  } catch {
    return false;
  }
}

export interface GoldenRun {
  readonly records: readonly GoldenRecord[];
  /** What went wrong besides the records: exit status, messages of the harness, leaked frames. */
  readonly problems: readonly string[];
  /** What the engine counted, and what each CPU executed and missed. */
  readonly execution: Pick<EngineCounters, "instructions" | "loads" | "stores" | "exits">;
  readonly cpus: readonly CpuResult[];
  readonly vmstat: Readonly<Record<string, number>>;
}

export interface GoldenLabParts {
  readonly machine: GoldenMachine;
  /** Folio sizes that are enabled; all others are not. */
  readonly sizes: ReadonlyMap<number, GoldenMode>;
  /** Bytes of swap space on zram. Default: none. */
  readonly swap?: number;
  readonly memoryCgroups?: MachineParts["memoryCgroups"];
  /** Standard output and error of all programs. */
  readonly output: (bytes: Uint8Array) => void;
  readonly onBreakpoint?: MachineParts["onBreakpoint"];
}

/** A machine as the recorded ones were set up, with the first process's program in place. */
export function createGoldenLab({ machine, sizes, swap = 0, memoryCgroups, output, onBreakpoint }: GoldenLabParts, programs: GoldenPrograms): Machine {
  const granule = goldenGranule(machine);
  const config: RunConfig = {
    ...DEFAULT_CONFIG,
    pageSize: machine.granule,
    cores: [machine.core],
    memory: MEMORY_BYTES[machine.granule]!,
    swap,
    thp: { enabled: "always", sizes: Object.fromEntries(sizes) },
    engine: machine.engine ?? DEFAULT_CONFIG.engine,
  };
  const lab = createMachine({
    config,
    cores: loadCores(config.cores, config.pageSize),
    createEngine: ENGINES[config.engine],
    streams: { stdout: output, stderr: output, stdin: () => undefined },
    rootType: "initramfs",
    view: {},
    mounts: GOLDEN_MOUNTS.map(({ directory, type, huge }) => ({ type, directory, options: type === "tmpfs" ? `huge=${huge}` : "" })),
    recordingDevice: true,
    kpti: machine.kpti,
    repeatTlbi: machine.repeatTlbi,
    ...(memoryCgroups === undefined ? {} : { memoryCgroups }),
    ...(onBreakpoint === undefined ? {} : { onBreakpoint }),
  });
  const { thp } = lab.sys;
  if (!sizes.has(granule.pmdSize)) thp.set(`hugepages-${granule.pmdSize / 1024}kB/enabled`, "never");
  lab.namespace.installFile("/init", programs.init(), 0o755);
  return lab;
}

/** Runs `argv` as the child of the first process to its end, and ends the machine. Returns what went wrong. */
export function runGoldenLab(lab: Machine, argv: readonly string[], env: readonly string[], hugeZero: number): string[] {
  const problems: string[] = [];
  const pid = lab.kernel.spawn("/init", ["/init", String(hugeZero), ...argv], env);
  if (typeof pid === "object") problems.push(`cannot start: ${pid.reason}`);
  else {
    const outcome = lab.kernel.run({ instructions: MAX_INSTRUCTIONS });
    if (outcome.kind !== "exit" || outcome.code !== 0) problems.push(`ended by ${JSON.stringify(outcome, (_key, value: unknown) => (typeof value === "bigint" ? `0x${value.toString(16)}` : value))}`);
  }
  const leaked = lab.shutdown();
  if (leaked !== 0) problems.push(`${leaked} frames leaked`);
  return problems;
}

/** Runs one program in one configuration. */
export function runGolden(machine: GoldenMachine, programs: GoldenPrograms, program: string, cfg: string): GoldenRun {
  const start = goldenStart(program);
  const granule = goldenGranule(machine);
  const sizes = goldenSizes(cfg, granule);
  const out: Uint8Array[] = [];
  const lab = createGoldenLab({ machine, sizes, swap: start.swap, output: (bytes) => out.push(bytes.slice()) }, programs);
  const { sys, namespace } = lab;
  for (const [size, mode] of sizes) {
    // Sizes beyond the largest page-cache folio have no such file.
    const path = `hugepages-${size / 1024}kB/shmem_enabled`;
    if (sys.thp.get(path) !== undefined) sys.thp.set(path, mode === "always" ? "always" : "advise");
  }
  for (const name of [start.source, ...start.companions]) namespace.installFile(`/bin/${name}`, programs.binary(name), 0o755);
  if (start.copyTo !== undefined) namespace.installFile(start.copyTo, programs.binary(start.source), 0o755);
  const hugeZero = sizes.get(granule.pmdSize) === "always" ? granule.pmdSize : 0;
  const problems = runGoldenLab(lab, start.argv, [`GT_CFG=${cfg}`], hugeZero);
  const records: GoldenRecord[] = [];
  for (const line of Buffer.concat(out).toString("latin1").split("\n")) {
    if (line.startsWith("GT {")) records.push(JSON.parse(line.slice(3)) as GoldenRecord);
    else if (line !== "" && !line.startsWith("GTNOTE")) problems.push(line);
  }
  const { instructions, loads, stores, exits } = lab.engine.counters;
  return { records, problems, execution: { instructions, loads, stores, exits: { ...exits } }, cpus: cpuResults(lab), vmstat: sys.vmstat.snapshot() };
}
