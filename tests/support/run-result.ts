/** A result with every key of the contract, for tests of reports. */
import { FAULT_KINDS, type FaultKind } from "../../kernel-model/mm/observer.js";
import type { RunResult } from "../../lab/result.js";

export function exampleResult(changes: Partial<RunResult> = {}): RunResult {
  const byKind = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as Record<FaultKind, number>;
  return {
    schema: "foliolab/run/1",
    version: "0.1.0",
    program: { path: "prog", sha256: "0".repeat(64), args: ["a", "b"] },
    seed: 1,
    config: { engine: "unicorn", pageSize: "4k", contpte: true, thp: { enabled: "never", sizes: { "64k": "always" } }, fs: "tmpfs", core: ["neoverse-n1"], memory: 2147483648, swap: 0, cpus: 1, quantum: 1_000_000, jitter: false, aslr: false },
    exit: { code: 0 },
    stoppedBy: null,
    crash: null,
    faults: { minor: 1600, major: 2, byKind: { ...byKind, anonWrite: 1600, fileRead: 2 }, byOrder: { "0": 2, "4": 1600 } },
    contpte: { fold: 3, unfold: 1, mappedBytesCont: 3145728, mappedBytes: 4194304 },
    tlbi: { ops: { vale1is: 5, aside1is: 1 }, dsb: 6 },
    tlb: {
      "neoverse-n1": {
        l1i: { accesses: 1000000, misses: 10 },
        l1d: { accesses: 400000, misses: 4000 },
        l2: { accesses: 4010, misses: 40 },
        walks: 40,
        descriptorFetches: { l0: 1, l1: 2, l2: 3, l3: 40 },
        walkCycles: 500,
        descriptorCacheHits: { l1d: 30, l2: 6, l3: 0 },
        descriptorFetchMisses: 10,
        walkCyclesOverlapped: 125,
      },
    },
    memory: { rssPeakBytes: 4194304, allocatedPeakBytes: 5242880, pageTableBytes: 28672, folios: { "0": 64, "4": 60 }, leakedFrames: 0 },
    cpus: [],
    vmstat: { pgfault: 1602 },
    syscalls: { count: 15, unknown: { rseq: 1 } },
    execution: { instructions: 1000000, loads: 300000, stores: 100000, seconds: 0.5, exits: { svc: 15 } },
    ...changes,
  };
}
