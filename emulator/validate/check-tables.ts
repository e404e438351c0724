/**
 * A whole page table against the rules of the architecture: every table, descriptor and contiguous run that TTBR0 reaches.
 *
 * Arm: DDI 0487 D8.2, D8.3, D8.7.1.
 */
import { type Pa, type Va, hex } from "../arch/addr.js";
import { outputAddressMask, nextTableMask } from "../arch/descriptor.js";
import type { Level } from "../arch/granule.js";
import { decodeDescriptor, kindOf } from "./descriptor-fields.js";
import { ARM_RULES, checkDescriptor, checkRun } from "./rules-arm.js";
import type { Rule, Violation } from "./rule.js";
import { isRootAligned, type TableMemory, type TableRegime } from "./table-memory.js";
import type { DumpLine } from "./dump-format.js";
import { contextOf, type TableProblem, type VisitedTable, visitTables } from "./visit-tables.js";

/** What a page table consists of. */
export interface TableCounts {
  tables: number;
  /** Descriptors that are not zero. */
  descriptors: number;
  /** Leaves by level. */
  readonly leaves: [number, number, number, number];
  /** Complete contiguous runs, by level. */
  readonly runs: [number, number, number, number];
}

/** Takes violations as they are found. */
export type Report = (violation: Violation) => void;

/** Looks at each table too: another rule set, or the oracle's list of addresses. */
export type TableListener = (table: VisitedTable) => void;

const PROBLEM_RULES: Readonly<Record<TableProblem, Rule>> = { outside: ARM_RULES["A-TABLE-OUTSIDE"], loop: ARM_RULES["A-TABLE-LOOP"], twice: ARM_RULES["A-TABLE-TWICE"] };

/** Check the tables of `regime`; every breach goes to `report`, every table to `listener`. Never throws for what the tables hold. */
export function checkTables(memory: TableMemory, regime: TableRegime, report: Report, listener: TableListener = () => undefined): TableCounts {
  const counts: TableCounts = { tables: 0, descriptors: 0, leaves: [0, 0, 0, 0], runs: [0, 0, 0, 0] };
  if (!isRootAligned(regime)) {
    report({ rule: ARM_RULES["A-TTBR-ALIGN"], va: undefined, level: undefined, entries: undefined, detail: `TTBR0 ${hex(regime.registers.ttbr0)}, the walk begins at ${hex(regime.root)}` });
  }
  const clean = [0, 1, 2, 3].map(() => new Set<bigint>());
  visitTables(memory, regime, {
    table(table) {
      counts.tables++;
      checkEntries(table, regime, clean[table.level]!, counts, report);
      checkRuns(table, regime, counts, report);
      listener(table);
    },
    problem(problem, level, next, va, entry) {
      const detail = `${problem === "outside" ? "the table lies outside" : problem === "loop" ? "the table is its own ancestor" : "the table is reached a second time"}: level-${level} table at ${hex(next)}`;
      report({ rule: PROBLEM_RULES[problem], va, level: entry === undefined ? undefined : ((level - 1) as Level), entries: entry === undefined ? undefined : { first: entry, last: entry }, detail });
    },
  });
  return counts;
}

/** Bits of a descriptor that no rule but the address size looks at, per kind: findings do not depend on them. */
function addressBits(regime: TableRegime, level: Level, isTable: boolean): bigint {
  const mask = isTable ? nextTableMask(regime.granule) : outputAddressMask(regime.granule, level);
  return mask & ((1n << BigInt(regime.oaBits)) - 1n);
}

function checkEntries(table: VisitedTable, regime: TableRegime, clean: Set<bigint>, counts: TableCounts, report: Report): void {
  const { words, level, at, va, geometry, context } = table;
  const tableBits = addressBits(regime, level, true);
  const leafBits = addressBits(regime, level, false);
  for (let index = 0; index < words.length; index++) {
    const value = words[index]!;
    if (value === 0n) continue;
    counts.descriptors++;
    const kind = kindOf(value, context);
    if (kind === "block" || kind === "page") counts.leaves[level]++;
    // Most descriptors of a table share their attributes: only the first of each is looked at in full.
    const attributes = value & ~(kind === "table" ? tableBits : leafBits);
    if (clean.has(attributes)) continue;
    const findings = checkDescriptor(decodeDescriptor(value, context), context, regime.oaBits);
    if (findings.length === 0) clean.add(attributes);
    const entry = (at + index * 8) as Pa;
    for (const { rule, detail } of findings) report({ rule, va: (va + index * geometry.size) as Va, level, entries: { first: entry, last: entry }, detail });
  }
}

const RUN_BITS = (1n << 52n) | 1n;

/** The aligned groups of a table in which at least one descriptor is valid and has bit 52 set, as lists of values. */
export function* contiguousGroups({ words, geometry, context }: VisitedTable): Generator<{ readonly first: number; readonly values: readonly bigint[] }> {
  const n = geometry.contEntries;
  if (n === 0) return;
  for (let first = 0; first < words.length; first += n) {
    let any = false;
    const end = Math.min(first + n, words.length);
    for (let index = first; index < end && !any; index++) any = (words[index]! & RUN_BITS) === RUN_BITS && kindOf(words[index]!, context) !== "table";
    if (any) yield { first, values: [...words.subarray(first, end)] };
  }
}

function checkRuns(table: VisitedTable, regime: TableRegime, counts: TableCounts, report: Report): void {
  const { level, at, va, geometry } = table;
  const context = contextOf(regime, level);
  for (const { first, values } of contiguousGroups(table)) {
    const findings = checkRun(values, context, geometry);
    if (findings.length === 0 && values.every((value) => (value & 1n) !== 0n)) counts.runs[level]++;
    const entries = { first: (at + first * 8) as Pa, last: (at + (first + values.length - 1) * 8) as Pa };
    for (const { rule, detail } of findings) report({ rule, va: (va + first * geometry.size) as Va, level, entries, detail });
  }
}

/** Where each table of a dump was reached: level and address of the table, to the first address that it translates. */
export type ReachedTables = Map<string, Va>;

/** Note a table for `checkReached`; a listener of `checkTables` calls it. */
export function noteReached(reached: ReachedTables, { level, at, va }: VisitedTable): void {
  reached.set(`${level} ${at}`, va);
}

/** Every line of a dump was reached, at its level and address: one violation that names the first that was not, and their number. */
export function checkReached(lines: readonly DumpLine[], reached: ReachedTables, { granule, root }: TableRegime, report: Report): void {
  const lost = lines.filter(({ level, entry, va, value }) => {
    if (value === 0n) return false;
    const geometry = granule.levels[level];
    if (geometry === undefined) return true;
    const table = level === granule.startLevel ? root : entry - (entry % granule.pageSize);
    const first = reached.get(`${level} ${table}`);
    return first === undefined || va !== first + ((entry - table) / 8) * geometry.size;
  });
  const [first] = lost;
  if (first === undefined) return;
  const detail = `${lost.length} of ${lines.length} descriptors, the first ${hex(first.value)}`;
  report({ rule: ARM_RULES["A-UNREACHED"], va: first.va, level: first.level, entries: { first: first.entry, last: first.entry }, detail });
}
