/** The top of a profile as tables for the terminal: by cause, by kind of entry, by instruction, by area. */
import Table from "cli-table3";
import { formatSize } from "../config.js";
import { byFaults, byMisses, type AreaRow, type PcRow, type ProfileResult } from "../profile/top.js";
import type { CauseCounts } from "../profile/profiler.js";
import { count, percent } from "./format.js";

type Align = "left" | "right";

function table(heads: readonly (readonly [head: string, align: Align])[], rows: readonly (readonly string[])[]): string {
  const made = new Table({ style: { head: [], border: [], compact: true }, head: heads.map(([head]) => head), colAligns: heads.map(([, align]) => align) });
  for (const row of rows) made.push([...row]);
  return made.toString();
}

const CAUSES = ["cold", "capacity", "conflict", "invalidated"] as const;

function causeTable({ causes }: ProfileResult): string {
  const row = (name: string, c: Readonly<CauseCounts>): string[] => {
    const all = CAUSES.reduce((sum, cause) => sum + c[cause], 0);
    return [name, count(all), ...CAUSES.map((cause) => (c[cause] === 0 ? "0" : `${count(c[cause])} (${percent(c[cause], all)})`))];
  };
  const rows = [row("L1I", causes.l1i), row("L1D", causes.l1d), ...(causes.l2 === null ? [] : [row("L2", causes.l2)])];
  return table([["misses", "left"], ["all", "right"], ...CAUSES.map((cause) => [cause, "right"] as const)], rows);
}

function entryTable({ entries }: ProfileResult): string {
  const rows = entries.map(({ kind, bytes, l1i, l1d, l2 }) => [`${formatSize(bytes)} ${kind}`, count(l1i), count(l1d), count(l2)]);
  return table([["entry that came in", "left"], ["L1I", "right"], ["L1D", "right"], ["walks", "right"]], rows);
}

/** The cause of most first-level misses, with its share if it is not all of them. */
export function mainCause(causes: Readonly<CauseCounts>): string {
  const all = CAUSES.reduce((sum, cause) => sum + causes[cause], 0);
  if (all === 0) return "";
  const most = CAUSES.reduce((best, cause) => (causes[cause] > causes[best] ? cause : best));
  return causes[most] === all ? most : `${most} ${percent(causes[most], all)}`;
}

/** function+0x10; the bare function at its first instruction. */
export function placeName({ function: name, offset }: Pick<PcRow, "function" | "offset">): string {
  return offset === 0 ? name : `${name}+0x${offset.toString(16)}`;
}

function pcTable(rows: readonly PcRow[]): string {
  const lines = rows.some(({ source }) => source !== null);
  const heads: (readonly [string, Align])[] = [
    ["L1D", "right"],
    ["L1I", "right"],
    ["walks", "right"],
    ["cycles*", "right"],
    ["faults", "right"],
    ["cause", "left"],
    ["pc", "right"],
    ["function", "left"],
    ["instruction", "left"],
    ...(lines ? [["source", "left"] as const] : []),
  ];
  return table(
    heads,
    rows.map((row) => [
      count(row.l1d),
      count(row.l1i),
      count(row.l2),
      count(row.walkCycles),
      count(row.faults),
      mainCause(row.causes),
      row.pc.replace(/^0x/, ""),
      placeName(row),
      row.instruction ?? "",
      ...(lines ? [row.source ?? ""] : []),
    ]),
  );
}

function areaTable(rows: readonly AreaRow[]): string {
  const range = ({ start, end }: AreaRow): string => `${start.replace(/^0x/, "")}-${end.replace(/^0x/, "")}`;
  return table(
    [["L1D", "right"], ["L1I", "right"], ["walks", "right"], ["cycles*", "right"], ["faults", "right"], ["area", "left"], ["", "left"], ["name", "left"]],
    rows.map((row) => [count(row.l1d), count(row.l1i), count(row.l2), count(row.walkCycles), count(row.faults), range(row), row.permissions, row.name === "" ? "anonymous" : row.name]),
  );
}

/** Plain text, no trailing newline. `n`: rows of a list, as asked for. */
export function topText(profile: ProfileResult, n: number): string {
  const missing = [...profile.pcs].sort(byMisses).filter(({ l1d, l1i, walkCycles }) => l1d + l1i + walkCycles > 0).slice(0, n);
  const faulting = [...profile.pcs].sort(byFaults).filter(({ faults }) => faults > 0).slice(0, n);
  const areas = profile.areas.slice(0, n);
  const parts = [
    `TLB misses of ${profile.core} by cause`,
    causeTable(profile),
    "by kind of entry",
    entryTable(profile),
    `by instruction, most first-level misses first`,
    pcTable(missing),
    ...(faulting.length === 0 ? [] : [`page faults by instruction`, pcTable(faulting)]),
    `by area`,
    areaTable(areas),
    "* estimate from indicative latencies",
  ];
  if (profile.symbolizer === null) parts.push("source lines: the program has debug information, but neither llvm-symbolizer nor aarch64-linux-gnu-addr2line is installed");
  return parts.join("\n");
}
