/**
 * One run: builds a machine, lets the program run in slices, and collects what happened.
 */
import { createHash } from "node:crypto";
import { performance } from "node:perf_hooks";
import { ConfigError } from "../emulator/arch/errors.js";
import { hex, type Va } from "../emulator/arch/addr.js";
import { utf8String } from "../kernel-model/kernel/byte-string.js";
import { groupUse } from "../kernel-model/kernel/resource-use.js";
import { SIGINT, signalName } from "../kernel-model/kernel/signal-numbers.js";
import { killEverything } from "../kernel-model/kernel/signal-send.js";
import type { Outcome } from "../kernel-model/kernel/outcome.js";
import type { MmStruct } from "../kernel-model/mm/mm-struct.js";
import type { Analysis } from "./analysis.js";
import type { RunConfig } from "./config.js";
import { formatSize } from "./config.js";
import { loadCores } from "./core-files.js";
import { loadDisassembler } from "./disassembler.js";
import { ENGINES } from "./engines.js";
import { withPlace } from "./failure.js";
import { guestView } from "./guest-view.js";
import { cpuResults, sumOfCpus } from "./cpu-results.js";
import { createMachine, type Machine } from "./machine.js";
import { snapshotMm, type MmSnapshot } from "./observers/mm-snapshot.js";
import type { Program } from "./program.js";
import { RUN_SCHEMA, type CrashReport, type RunResult } from "./result.js";
import { VERSION } from "./version.js";

export interface RunProgress {
  readonly instructions: number;
  readonly faults: number;
  readonly residentBytes: number;
  readonly seconds: number;
}

export interface RunRequest {
  readonly config: RunConfig;
  readonly program: Program;
  readonly args: readonly string[];
  /** Where the guest's standard output and error go. */
  readonly stdout: (bytes: Uint8Array) => void;
  readonly stderr: (bytes: Uint8Array) => void;
  /** Bytes of standard input, undefined at its end. */
  readonly stdin: (most: number) => Uint8Array | undefined;
  readonly analyses?: readonly Analysis[];
  /** Called between slices. */
  readonly onProgress?: (progress: RunProgress) => void;
  /** Called with the address space of the program when it ends, before its memory is released. */
  readonly onExit?: (mm: MmStruct) => void;
  /** Number of interrupts (Ctrl-C) so far: the first goes to the guest, the second ends the run. */
  readonly interrupts?: () => number;
}

/** Instructions between two looks at the clock and at Ctrl-C, and milliseconds: what the kernel does for the guest executes none. */
const SLICE = 20_000_000;
const SLICE_MS = 500;
/** Traps between two looks at the clock for that: looking takes as long as a tenth of a short system call. */
const TRAPS_PER_LOOK = 8;

const EMPTY_SNAPSHOT: MmSnapshot = { mappedBytes: 0, mappedBytesCont: 0, pageTableBytes: 0, folios: {} };

type Stop = RunResult["stoppedBy"];

/** Lets the event loop take signals in. */
const breathe = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

/** Runs the program to its end or to a limit. Throws ConfigError if it cannot be started. */
export async function runProgram(request: RunRequest): Promise<RunResult> {
  const { config, program, args, analyses = [] } = request;
  const started = performance.now();
  let snapshot = EMPTY_SNAPSHOT;
  const machine = createMachine({
    config,
    cores: loadCores(config.cores, config.pageSize),
    createEngine: ENGINES[config.engine],
    streams: request,
    ...guestView(program, config),
    analyses,
    observers: [
      {
        mmExit(mm) {
          if (machine.kernel.current?.group !== machine.kernel.init) return;
          snapshot = snapshotMm(mm);
          request.onExit?.(mm);
        },
      },
    ],
  });
  const { kernel, engine } = machine;
  const failed = kernel.spawn(
    utf8String(program.guestPath),
    [program.argv0, ...args].map(utf8String),
    Object.entries(config.env).map(([name, value]) => utf8String(`${name}=${value}`)),
  );
  if (typeof failed === "object") {
    machine.shutdown();
    const memory = failed.errno === 12 ? ` (guest memory: ${formatSize(config.memory)})` : "";
    throw new ConfigError(`${program.hostPath}: ${failed.reason}${memory}`);
  }
  const { outcome, stoppedBy } = await execute(request, machine, started);
  const seconds = (performance.now() - started) / 1000;
  const use = kernel.init === undefined ? undefined : groupUse(kernel.init);
  const statistics = { instructions: engine.counters.instructions, loads: engine.counters.loads, stores: engine.counters.stores };
  const cpus = cpuResults(machine);
  const result: RunResult = {
    schema: RUN_SCHEMA,
    version: VERSION,
    program: {
      path: program.hostPath,
      // Not every run is asked for it, and setting up the hash takes longer than the hash.
      get sha256() {
        return createHash("sha256").update(program.bytes).digest("hex");
      },
      args,
    },
    seed: config.seed,
    config: {
      engine: engine.name,
      pageSize: config.pageSize,
      contpte: config.contpte,
      thp: { enabled: config.thp.enabled, sizes: Object.fromEntries(Object.entries(config.thp.sizes).map(([size, mode]) => [formatSize(Number(size)), mode])) },
      fs: config.fs,
      core: machine.cores.map((core) => core.name),
      memory: config.memory,
      swap: config.swap,
      cpus: config.cpus,
      quantum: config.quantum,
      jitter: config.jitter,
      aslr: config.aslr,
    },
    exit: exitOf(outcome),
    stoppedBy,
    crash: await crashOf(outcome),
    faults: {
      minor: machine.sys.vmstat.get("pgfault") - machine.sys.vmstat.get("pgmajfault"),
      major: machine.sys.vmstat.get("pgmajfault"),
      byKind: { ...machine.faults.byKind },
      byOrder: machine.faults.byOrder(),
    },
    contpte: { ...machine.sys.pgtable.counters, mappedBytesCont: snapshot.mappedBytesCont, mappedBytes: snapshot.mappedBytes },
    tlbi: { ops: { ...machine.cpu.tlbiCounts }, dsb: machine.cpu.dsbCounts["ish"] ?? 0 },
    tlb: sumOfCpus(cpus),
    memory: {
      rssPeakBytes: (use?.maxRss ?? 0) * machine.sys.granule.pageSize,
      allocatedPeakBytes: (machine.framesAtStart - Math.min(machine.framesAtStart, machine.sys.buddy.lowestFree)) * machine.sys.granule.pageSize,
      pageTableBytes: snapshot.pageTableBytes,
      folios: snapshot.folios,
      leakedFrames: 0,
    },
    cpus,
    vmstat: Object.fromEntries(Object.entries(machine.sys.vmstat.snapshot()).filter(([, value]) => value !== 0)),
    syscalls: syscallsOf(machine),
    execution: { ...statistics, seconds, exits: { ...engine.counters.exits } },
  };
  for (const analysis of analyses) analysis.finish?.(machine);
  const leakedFrames = machine.shutdown();
  return { ...result, memory: { ...result.memory, leakedFrames } };
}

async function execute(request: RunRequest, machine: Machine, started: number): Promise<{ outcome: Outcome; stoppedBy: Stop }> {
  const { config, analyses = [] } = request;
  const { kernel, engine, sys } = machine;
  const slice = Math.min(SLICE, ...analyses.map(({ sampleEvery = SLICE }) => sampleEvery));
  let delivered = 0;
  let stoppedBy: Stop = null;
  let nextSample = engine.counters.instructions + slice;
  for (;;) {
    const wanted = Math.min(nextSample, config.maxInstructions) - engine.counters.instructions;
    const outcome = runSlice(machine, Math.max(1, wanted));
    if (outcome.kind !== "budget-spent" && outcome.kind !== "stopped") return { outcome, stoppedBy };
    const sampled = engine.counters.instructions >= nextSample;
    if (sampled) nextSample = engine.counters.instructions + slice;
    if (stoppedBy !== null) continue;
    if (sampled) for (const analysis of analyses) analysis.sample?.(machine);
    await breathe();
    const seconds = (performance.now() - started) / 1000;
    request.onProgress?.({
      instructions: engine.counters.instructions,
      faults: sys.vmstat.get("pgfault"),
      residentBytes: (sys.vmstat.get("nr_anon_pages") + sys.vmstat.get("nr_mapped")) * sys.granule.pageSize,
      seconds,
    });
    const interrupts = request.interrupts?.() ?? 0;
    if (engine.counters.instructions >= config.maxInstructions) stoppedBy = "max-instructions";
    else if (seconds >= config.timeoutSeconds) stoppedBy = "timeout";
    else if (interrupts >= 2) stoppedBy = "interrupt";
    else if (interrupts > delivered) {
      delivered = interrupts;
      kernel.interrupt(SIGINT);
    }
    // The guest ends as killed processes do, so that its memory is accounted and given back like any other's.
    if (stoppedBy !== null) killEverything(kernel);
  }
}

/** Runs for some instructions, less if that takes long. What fails below the lab says where the guest was. */
function runSlice(machine: Machine, instructions: number): Outcome {
  const end = performance.now() + SLICE_MS;
  try {
    let traps = 0;
    return machine.kernel.run({ instructions, pause: () => ++traps % TRAPS_PER_LOOK === 0 && performance.now() >= end });
  } catch (error) {
    throw withPlace(error, machine);
  }
}

function exitOf(outcome: Outcome): RunResult["exit"] {
  switch (outcome.kind) {
    case "exit":
      return { code: outcome.code };
    case "signal":
      return { signal: signalName(outcome.signo) };
    case "deadlock": {
      const waits = outcome.waiting.map(({ pid, comm, what }) => `${comm} (${pid}) in ${what}`).join(", ");
      throw new ConfigError(`the guest waits for ever: ${waits}`);
    }
    case "budget-spent":
    case "stopped":
      return { signal: "SIGKILL" };
  }
}

async function crashOf(outcome: Outcome): Promise<CrashReport | null> {
  if (outcome.kind !== "signal" || outcome.report === undefined) return null;
  const { report } = outcome;
  const instruction = report.instruction === undefined ? null : (await loadDisassembler()).one(report.instruction, report.pc as Va);
  return {
    signal: signalName(report.signo),
    pc: hex(report.pc),
    address: report.faultAddress === undefined ? null : hex(report.faultAddress),
    // The kernel's line begins with the signal's name, which stands beside it here.
    reason: report.reason.replace(`${signalName(report.signo)}: `, ""),
    instruction,
  };
}

function syscallsOf(machine: Machine): RunResult["syscalls"] {
  const { kernel } = machine;
  let count = 0;
  const unknown: Record<string, number> = {};
  for (const [nr, times] of [...kernel.syscallCounts].sort(([a], [b]) => a - b)) {
    count += times;
    if (!kernel.syscalls.isImplemented(nr)) unknown[kernel.syscalls.nameOf(nr)] = times;
  }
  return { count, unknown };
}
