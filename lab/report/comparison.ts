/** One program under several configurations: a table with ratios to the first row. */
import Table from "cli-table3";
import type { RunResult } from "../result.js";
import { bytes, count, percent, ratio } from "./format.js";

export interface ComparisonRow {
  readonly name: string;
  readonly result: RunResult;
}

interface Column {
  readonly head: string;
  readonly value: (result: RunResult) => number;
  readonly format: (value: number) => string;
}

function coreOf(result: RunResult): RunResult["tlb"][string] | undefined {
  const first = result.config.core[0];
  return first === undefined ? undefined : result.tlb[first];
}

/** The first table: what the program sees. */
const COLUMNS: readonly Column[] = [
  { head: "faults", value: (r) => r.faults.minor + r.faults.major, format: count },
  { head: "L1D misses", value: (r) => coreOf(r)?.l1d.misses ?? 0, format: count },
  { head: "L1I misses", value: (r) => coreOf(r)?.l1i.misses ?? 0, format: count },
  { head: "L2 misses", value: (r) => coreOf(r)?.l2.misses ?? 0, format: count },
  { head: "walk cycles*", value: (r) => coreOf(r)?.walkCycles ?? 0, format: count },
  { head: "RSS peak", value: (r) => r.memory.rssPeakBytes, format: bytes },
  { head: "tables", value: (r) => r.memory.pageTableBytes, format: bytes },
];

/** The second table: what the kernel did for it. */
const WORK_COLUMNS: readonly Column[] = [
  { head: "TLBI", value: (r) => Object.values(r.tlbi.ops).reduce((a, b) => a + b, 0), format: count },
  { head: "DSB", value: (r) => r.tlbi.dsb, format: count },
  { head: "ptep_get loads", value: (r) => r.contpte["ptepGetLoads"] ?? 0, format: count },
  { head: "PTE writes", value: (r) => r.contpte["pteStores"] ?? 0, format: count },
  { head: "fold", value: (r) => r.contpte["fold"] ?? 0, format: count },
  { head: "unfold", value: (r) => r.contpte["unfold"] ?? 0, format: count },
  { head: "COW copies", value: (r) => r.faults.byKind.wpCopy, format: count },
];

const PLAIN = { style: { head: [], border: [], compact: true }, colAligns: ["left"] as "left"[] };

function cells(columns: readonly Column[], row: ComparisonRow, base: ComparisonRow): string[] {
  return columns.map((column) => {
    const value = column.value(row.result);
    return row === base ? column.format(value) : `${column.format(value)} ${ratio(value, column.value(base.result)).padStart(6)}`;
  });
}

function table(rows: readonly ComparisonRow[], base: ComparisonRow, columns: readonly Column[], more: readonly { readonly head: string; readonly text: (row: ComparisonRow) => string }[]): string {
  const result = new Table({
    ...PLAIN,
    head: ["", ...columns.map(({ head }) => head), ...more.map(({ head }) => head)],
    colAligns: ["left", ...[...columns, ...more].map(() => "right" as const)],
  });
  for (const row of rows) result.push([row.name, ...cells(columns, row, base), ...more.map(({ text }) => text(row))]);
  return result.toString();
}

/** Two text tables; every cell behind the first row shows the value and its ratio to the first row. */
export function comparisonTable(rows: readonly ComparisonRow[]): string {
  const base = rows[0];
  if (base === undefined) return "";
  const coverage = { head: "contpte", text: ({ result }: ComparisonRow) => percent(result.contpte.mappedBytesCont, result.contpte.mappedBytes) };
  return [
    table(rows, base, COLUMNS, [coverage]),
    "Kernel work:",
    table(rows, base, WORK_COLUMNS, []),
    `* estimate from indicative latencies; contpte: share of the mapped memory under contiguous runs at exit. Ratios to ${base.name}.`,
  ].join("\n");
}
