/**
 * The result of one run: what `run --json` writes. Keys are stable and extended only by adding; docs/run.schema.json says the same.
 */
import type { FaultKind } from "../kernel-model/mm/observer.js";
import type { CurveResult } from "./curve/miss-curve.js";
import type { ProfileResult } from "./profile/top.js";

export const RUN_SCHEMA = "foliolab/run/1";

export interface TlbStats {
  readonly l1i: { readonly accesses: number; readonly misses: number };
  readonly l1d: { readonly accesses: number; readonly misses: number };
  readonly l2: { readonly accesses: number; readonly misses: number };
  readonly walks: number;
  readonly descriptorFetches: { readonly l0: number; readonly l1: number; readonly l2: number; readonly l3: number };
  /** An estimate from indicative latencies, not a measurement; walks one after the other. */
  readonly walkCycles: number;
  /** Absent from results of versions that had no model of the caches: fetches by the cache that answered, and those that none did. */
  readonly descriptorCacheHits?: { readonly l1d: number; readonly l2: number; readonly l3: number };
  readonly descriptorFetchMisses?: number;
  /** `walkCycles` if as many walks as the core makes at once always overlapped. */
  readonly walkCyclesOverlapped?: number;
}

/** Why a guest ended by a signal, as far as the last trap tells. */
export interface CrashReport {
  readonly signal: string;
  readonly pc: string;
  readonly address: string | null;
  readonly reason: string;
  readonly instruction: string | null;
}

export interface CpuResult {
  readonly instructions: number;
  readonly loads: number;
  readonly stores: number;
  readonly contextSwitches: number;
  /** Broadcast TLBI of other CPUs that this one has served, by mnemonic. */
  readonly tlbiReceived: Readonly<Record<string, number>>;
  readonly tlb: Readonly<Record<string, TlbStats>>;
}

export interface RunResult {
  readonly schema: typeof RUN_SCHEMA;
  readonly version: string;
  readonly program: { readonly path: string; readonly sha256: string; readonly args: readonly string[] };
  readonly seed: number;
  readonly config: {
    readonly engine: string;
    readonly pageSize: string;
    readonly contpte: boolean;
    readonly thp: { readonly enabled: string; readonly sizes: Readonly<Record<string, string>> };
    readonly fs: string;
    readonly core: readonly string[];
    readonly memory: number;
    readonly swap: number;
    readonly cpus: number;
    readonly quantum: number;
    readonly jitter: boolean;
    readonly aslr: boolean;
  };
  readonly exit: { readonly code: number } | { readonly signal: string };
  /** Set when a limit ended the run instead of the guest. */
  readonly stoppedBy: "max-instructions" | "timeout" | "interrupt" | null;
  readonly crash: CrashReport | null;
  readonly faults: {
    readonly minor: number;
    readonly major: number;
    readonly byKind: Readonly<Record<FaultKind, number>>;
    readonly byOrder: Readonly<Record<string, number>>;
  };
  /** Calls of the contpte layer; mapped bytes when the program ended, before its memory was released. */
  readonly contpte: Readonly<Record<string, number>> & { readonly mappedBytesCont: number; readonly mappedBytes: number };
  readonly tlbi: { readonly ops: Readonly<Record<string, number>>; readonly dsb: number };
  readonly tlb: Readonly<Record<string, TlbStats>>;
  readonly memory: {
    readonly rssPeakBytes: number;
    readonly allocatedPeakBytes: number;
    readonly pageTableBytes: number;
    /** Folios mapped by the program when it ended, by order. */
    readonly folios: Readonly<Record<string, number>>;
    /** Frames not given back after the last process ended; anything but 0 is a bug of the model. */
    readonly leakedFrames: number;
  };
  /** One per CPU of the guest, in order; `tlb` and `tlbi` above are the sums. */
  readonly cpus: readonly CpuResult[];
  readonly vmstat: Readonly<Record<string, number>>;
  readonly syscalls: { readonly count: number; readonly unknown: Readonly<Record<string, number>> };
  readonly execution: {
    readonly instructions: number;
    readonly loads: number;
    readonly stores: number;
    readonly seconds: number;
    readonly exits: Readonly<Record<string, number>>;
  };
  /** Who missed and who faulted; with `--top`. */
  readonly profile?: ProfileResult;
  /** Misses by TLB size; with `--curve`. */
  readonly curve?: CurveResult;
}

/** Exit status of `foliolab run`: the guest's, or 128 + signal number. */
export function exitStatus(result: RunResult, signalNumber: (name: string) => number): number {
  return "code" in result.exit ? result.exit.code : 128 + signalNumber(result.exit.signal);
}
