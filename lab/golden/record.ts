/**
 * One record of a recording: what a program printed about one step on a real kernel, and what of it must be reproducible.
 *
 * golden/README.md says what each field means. `normalize` drops what depends on where the buddy allocator placed pages.
 */

/** [first page, pages, PTE hex, PMD hex or "0", order, index, folio mapcount, page mapcount, refcount, gt flags, kpageflags, pagemap bits, "s"?] */
export type Run = [number, number, string, string, number, number, number, number, number, number, string, string, "s"?];

export interface GoldenRecord {
  readonly prog: string;
  readonly cfg: string;
  readonly step: string;
  readonly page: number;
  readonly va: string;
  readonly len: number;
  readonly minflt: number;
  readonly majflt: number;
  readonly faults?: number;
  readonly aborts?: number;
  readonly contpte?: Readonly<Record<string, number>>;
  readonly fltlog?: readonly (readonly (number | string)[])[];
  readonly mthp?: Readonly<Record<string, number>>;
  readonly vmstat?: Readonly<Record<string, number>>;
  readonly smaps?: Readonly<Record<string, number>>;
  readonly sum?: Readonly<Record<string, unknown>>;
  readonly runs?: readonly Run[];
}

/** A record reduced to what must be equal. Keys in the order in which a difference is reported. */
export type NormalRecord = Readonly<Record<string, unknown>>;

/** gt flags that depend on the state of the LRU lists: referenced, active, on the LRU. */
const LRU_FLAGS = 8 | 16 | 64;
const LRU_FLAG = 64;

/** Output address bits of a page descriptor, 48-bit formats. */
function addressBits(page: number): bigint {
  return page === 65536 ? 0x0000_ffff_ffff_0000n : 0x0000_ffff_ffff_f000n;
}

/**
 * Merge neighbouring runs of order-0 folios that differ only in the physical address: where single pages lie is an accident.
 * A merged run has the mark "s" (scattered) and the PTE of its first page.
 */
export function compactRuns(runs: readonly Run[], page: number): Run[] {
  const merged: Run[] = [];
  const keep = ~addressBits(page);
  for (const run of runs) {
    const last = merged.at(-1);
    const pte = BigInt(`0x${run[2]}`);
    if (
      last !== undefined &&
      run[4] === 0 &&
      last[4] === 0 &&
      last[0] + last[1] === run[0] &&
      (BigInt(`0x${last[2]}`) & keep) === (pte & keep) &&
      last[3] === run[3] &&
      last[6] === run[6] &&
      last[7] === run[7] &&
      (last[9] & ~LRU_FLAG) === (run[9] & ~LRU_FLAG) &&
      last[11] === run[11]
    ) {
      last[12] = "s";
      last[1] += run[1];
    } else {
      merged.push([...run]);
    }
  }
  return merged;
}

type LayoutRow = [number, number, string, boolean, number, number, number, number];

/** The layout without physical addresses, refcounts and LRU flags; neighbouring equal rows merged. */
function layout(runs: readonly Run[], page: number): LayoutRow[] {
  const keep = ~addressBits(page);
  const rows: LayoutRow[] = [];
  for (const run of runs) {
    const row: LayoutRow = [run[0], run[1], (BigInt(`0x${run[2]}`) & keep).toString(16), BigInt(`0x${run[3]}`) !== 0n, run[4], run[6], run[7], run[9] & ~LRU_FLAGS];
    const last = rows.at(-1);
    if (last !== undefined && last[0] + last[1] === row[0] && last.slice(2).every((value, i) => value === row[i + 2])) last[1] += row[1];
    else rows.push(row);
  }
  return rows;
}

/** Drops from a record what must not be compared. */
export function normalize(record: GoldenRecord): NormalRecord {
  const { try_fold: _attempts, ...contpte } = record.contpte ?? {};
  return {
    minflt: record.minflt,
    majflt: record.majflt,
    faults: record.faults,
    aborts: record.aborts,
    contpte,
    fltlog: record.fltlog,
    sum: record.sum,
    layout: layout(compactRuns(record.runs ?? [], record.page), record.page),
    mthp: record.mthp,
    vmstat: record.vmstat,
    smaps: record.smaps,
  };
}

/** The recordings do not repeat themselves here; see "Repeatability" and "Caveats" in golden/README.md. */
function notRepeatable(record: GoldenRecord, field: string): boolean {
  if (record.prog === "lifetime:fork") return field === "fltlog";
  if (record.prog === "fork_cow" && record.step === "parent_after_fork") return field === "minflt" || field === "vmstat";
  return false;
}

/** The young bits of a step after a clear without TLB flush depend on what the CPU's TLB still held. */
export function youngIsUndefined(record: GoldenRecord): boolean {
  return /af_clear|clear_refs|MADV_FREE|madv_free/i.test(record.step);
}

function withoutYoung(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((row: unknown) => (Array.isArray(row) ? row.map((cell, i) => (i === 2 ? (BigInt(`0x${String(cell)}`) & ~0x400n).toString(16) : (cell as unknown))) : row));
  if (typeof value === "object" && value !== null) return { ...value, young: undefined };
  return value;
}

export interface Difference {
  readonly field: string;
  readonly real: unknown;
  readonly model: unknown;
}

/** First field in which the two records differ, undefined if they agree. */
export function firstDifference(real: GoldenRecord, model: GoldenRecord): Difference | undefined {
  const a = normalize(real);
  const b = normalize(model);
  for (const field of Object.keys(a)) {
    if (notRepeatable(real, field)) continue;
    const lenient = (field === "sum" || field === "layout") && youngIsUndefined(real);
    const x = lenient ? withoutYoung(a[field]) : a[field];
    const y = lenient ? withoutYoung(b[field]) : b[field];
    if (canonical(x) !== canonical(y)) return { field, real: x, model: y };
  }
  return undefined;
}

/** JSON with sorted keys, so that the order of counters does not matter. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort(([p], [q]) => (p < q ? -1 : p > q ? 1 : 0))) : inner,
  );
}

/** Name of a record: program, configuration and step. */
export function recordKey(record: GoldenRecord): string {
  return `${record.prog} ${record.cfg} ${record.step}`;
}
