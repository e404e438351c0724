/**
 * One record of a TLB-maintenance recording: which TLBI and DSB instructions one operation of golden/tlbi/tlbi.c issued on a real kernel.
 *
 * A QEMU plugin counted every executed TLBI, DSB and ISB between two marker instructions; medians over the repetitions. The counters of
 * the contpte layer come from a second pass in which the program used /proc/gt.
 */
import type { Difference } from "./record.js";

export interface TlbiRecord {
  /** A folio size that is always on ("64K") or "order0"; with ":classic-lru" the generations of the LRU were off. */
  readonly cfg: string;
  /** contpte blocks in the region. */
  readonly blocks: number;
  readonly op: string;
  readonly reps: number;
  /** Median per mnemonic; absent: 0. */
  readonly tlbi: Readonly<Record<string, number>>;
  /** Median per barrier: dsb_ish, dsb_ishst, isb ... */
  readonly barriers: Readonly<Record<string, number>>;
  readonly repeats: boolean;
  /** Least and most of each kind that was not the same in all repetitions. */
  readonly min_max: Readonly<Record<string, readonly [number, number]>>;
  /** kind@kernel function: median. */
  readonly by_function: Readonly<Record<string, number>>;
  readonly contpte?: Readonly<Record<string, number | string>>;
}

/** What the model counted for one operation: medians over the repetitions. */
export interface TlbiCount {
  readonly tlbi: Readonly<Record<string, number>>;
  /** DSB ISH, those of context switches included. */
  readonly dsbIsh: number;
  /** DSB ISH of context switches alone. */
  readonly dsbIshOfSwitches: number;
  readonly contpte: Readonly<Record<string, number | string>>;
}

/** Name of a record: configuration, number of blocks, operation. */
export function tlbiKey(record: Pick<TlbiRecord, "cfg" | "blocks" | "op">): string {
  return `${record.cfg} ${record.blocks} ${record.op}`;
}

/**
 * DSB ISH by which the real kernel waited for TLB maintenance. Where a task slept for a disk or a worker, how often the CPU switched
 * differed from run to run, and the switches are left out on both sides.
 */
function dsbDifference(real: TlbiRecord, model: TlbiCount): Difference | undefined {
  const median = real.barriers["dsb_ish"] ?? 0;
  const range = real.min_max["dsb_ish"];
  if (range === undefined) return median === model.dsbIsh ? undefined : { field: "dsb_ish", real: median, model: model.dsbIsh };
  if (model.dsbIsh >= range[0] && model.dsbIsh <= range[1]) return undefined;
  const waits = Object.entries(real.by_function).reduce((sum, [key, count]) => sum + (key.startsWith("dsb_ish@") && key !== "dsb_ish@__switch_to" ? count : 0), 0);
  const modelWaits = model.dsbIsh - model.dsbIshOfSwitches;
  return waits === modelWaits ? undefined : { field: "dsb_ish without context switches", real: waits, model: modelWaits };
}

/** Attempts to fold depend on where the allocator placed pages; golden/README.md. */
function contpteCounters(counters: Readonly<Record<string, number | string>>): string {
  return JSON.stringify(
    Object.entries(counters)
      .filter(([name, value]) => name !== "try_fold" && value !== 0)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** First kind of event in which model and recording differ, undefined if they agree. */
export function tlbiDifference(real: TlbiRecord, model: TlbiCount): Difference | undefined {
  for (const kind of new Set([...Object.keys(real.tlbi), ...Object.keys(model.tlbi)])) {
    const count = model.tlbi[kind] ?? 0;
    const [least, most] = real.min_max[kind] ?? [real.tlbi[kind] ?? 0, real.tlbi[kind] ?? 0];
    if (count < least || count > most) return { field: "tlbi", real: real.tlbi, model: model.tlbi };
  }
  const dsb = dsbDifference(real, model);
  if (dsb !== undefined) return dsb;
  if (real.contpte === undefined || contpteCounters(real.contpte) === contpteCounters(model.contpte)) return undefined;
  return { field: "contpte", real: real.contpte, model: model.contpte };
}
