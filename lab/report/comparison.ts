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

const COLUMNS: readonly Column[] = [
  { head: "faults", value: (r) => r.faults.minor + r.faults.major, format: count },
  { head: "L1D misses", value: (r) => coreOf(r)?.l1d.misses ?? 0, format: count },
  { head: "L1I misses", value: (r) => coreOf(r)?.l1i.misses ?? 0, format: count },
  { head: "L2 misses", value: (r) => coreOf(r)?.l2.misses ?? 0, format: count },
  { head: "walk cycles*", value: (r) => coreOf(r)?.walkCycles ?? 0, format: count },
  { head: "TLBI", value: (r) => Object.values(r.tlbi.ops).reduce((a, b) => a + b, 0), format: count },
  { head: "RSS peak", value: (r) => r.memory.rssPeakBytes, format: bytes },
  { head: "tables", value: (r) => r.memory.pageTableBytes, format: bytes },
];

const PLAIN = { style: { head: [], border: [], compact: true }, colAligns: ["left"] as "left"[] };

/** Text table; every cell behind the first row shows the value and its ratio to the first row. */
export function comparisonTable(rows: readonly ComparisonRow[]): string {
  const base = rows[0];
  if (base === undefined) return "";
  const table = new Table({ ...PLAIN, head: ["", ...COLUMNS.map((c) => c.head), "contpte"], colAligns: ["left", ...COLUMNS.map(() => "right" as const), "right"] });
  for (const row of rows) {
    const cells = COLUMNS.map((column) => {
      const value = column.value(row.result);
      if (row === base) return column.format(value);
      return `${column.format(value)} ${ratio(value, column.value(base.result)).padStart(6)}`;
    });
    table.push([row.name, ...cells, percent(row.result.contpte.mappedBytesCont, row.result.contpte.mappedBytes)]);
  }
  return `${table.toString()}\n* estimate from indicative latencies; contpte: share of the mapped memory under contiguous runs at exit. Ratios to ${base.name}.`;
}
