/**
 * Validates one page table: the rules of the architecture, those of Linux, those about folios where they are known, and the oracle.
 */
import type { Pa, Va } from "../../emulator/arch/addr.js";
import { checkReached, checkTables, contiguousGroups, noteReached, type ReachedTables, type TableCounts } from "../../emulator/validate/check-tables.js";
import { kindOf } from "../../emulator/validate/descriptor-fields.js";
import type { DumpFolio, DumpLine } from "../../emulator/validate/dump-format.js";
import { compareWithOracle, type Comparison, HardwareOracle, translationText } from "../../emulator/validate/oracle.js";
import { relocateTables } from "../../emulator/validate/relocate.js";
import type { Finding } from "../../emulator/validate/rules-arm.js";
import type { Violation } from "../../emulator/validate/rule.js";
import type { TableMemory, TableRegime } from "../../emulator/validate/table-memory.js";
import type { VisitedTable } from "../../emulator/validate/visit-tables.js";
import { FolioIndex } from "./folio-rules.js";
import { ORACLE_RULE, ruleRank } from "./rules.js";
import { checkLinuxEntry, checkLinuxRun } from "./rules-linux.js";

export interface DumpInput {
  readonly regime: TableRegime;
  readonly memory: TableMemory;
  /** The lines of a text dump, each of which must be reached. */
  readonly lines?: readonly DumpLine[];
  readonly folios?: readonly DumpFolio[] | undefined;
}

export interface ValidateOptions {
  readonly oracle: boolean;
  /** Violations kept per rule; all are counted. */
  readonly keep: number;
}

export interface ValidateResult {
  readonly regime: TableRegime;
  readonly counts: TableCounts;
  /** In the order of the rules, then of addresses; at most `keep` per rule. */
  readonly violations: readonly Violation[];
  /** Violations found by rule identifier. */
  readonly totals: Readonly<Record<string, number>>;
  readonly errors: number;
  readonly warnings: number;
  readonly oracle: Comparison | undefined;
}

class Collector {
  readonly violations: Violation[] = [];
  readonly totals: Record<string, number> = {};
  errors = 0;
  warnings = 0;
  private readonly keep: number;

  constructor(keep: number) {
    this.keep = keep;
  }

  add(violation: Violation): void {
    const { id, severity } = violation.rule;
    const count = (this.totals[id] ?? 0) + 1;
    this.totals[id] = count;
    if (severity === "error") this.errors++;
    else this.warnings++;
    if (count <= this.keep) this.violations.push(violation);
  }
}

/** Check everything. Never throws for what the tables hold. */
export function validateDump(input: DumpInput, options: ValidateOptions): ValidateResult {
  const { regime, memory, lines, folios } = input;
  const found = new Collector(options.keep);
  const report = (violation: Violation): void => {
    found.add(violation);
  };
  const reached: ReachedTables = new Map();
  const index = folios === undefined ? undefined : new FolioIndex(folios, regime.granule);
  const counts = checkTables(memory, regime, report, (table) => {
    noteReached(reached, table);
    checkLinuxTable(table, index, report);
  });
  if (lines !== undefined) checkReached(lines, reached, regime, report);
  const oracle = options.oracle ? askOracle(memory, regime, report) : undefined;
  found.violations.sort((a, b) => ruleRank(a.rule) - ruleRank(b.rule) || (a.va ?? 0) - (b.va ?? 0));
  return { regime, counts, violations: found.violations, totals: found.totals, errors: found.errors, warnings: found.warnings, oracle };
}

function checkLinuxTable(table: VisitedTable, folios: FolioIndex | undefined, report: (violation: Violation) => void): void {
  const { level, at, va, words, geometry, context } = table;
  const tell = (findings: readonly Finding[], first: number, nr: number): void => {
    for (const { rule, detail } of findings) {
      report({ rule, va: (va + first * geometry.size) as Va, level, entries: { first: (at + first * 8) as Pa, last: (at + (first + nr - 1) * 8) as Pa }, detail });
    }
  };
  for (let i = 0; i < words.length; i++) {
    const value = words[i]!;
    if (value === 0n) continue;
    tell(checkLinuxEntry(value, context), i, 1);
    if (folios === undefined) continue;
    const kind = kindOf(value, context);
    if (kind === "page" || kind === "block") tell(folios.checkLeaf(value, level), i, 1);
  }
  if (level !== 3) return;
  for (const { first, values } of contiguousGroups(table)) {
    tell(checkLinuxRun(values), first, values.length);
    if (folios !== undefined) tell(folios.checkRun(values), first, values.length);
  }
}

/** Every leaf at both ends, and one address per table that no leaf translates. */
export function oracleAddresses({ level, va, words, geometry, context }: VisitedTable): Va[] {
  const addresses: Va[] = [];
  let gap = -1;
  words.forEach((value, i) => {
    const kind = value === 0n ? "invalid" : kindOf(value, context);
    const first = va + i * geometry.size;
    if (kind === "block" || kind === "page") addresses.push(first as Va, (first + geometry.size - 1) as Va);
    else if (kind === "reserved") addresses.push(first as Va);
    else if (kind === "invalid" && (gap < 0 || value !== 0n)) {
      addresses.push(first as Va);
      gap = i;
    } else if (kind === "table" && level < 3) {
      addresses.push(first as Va);
    }
  });
  return addresses;
}

const BATCH = 65536;

function askOracle(memory: TableMemory, regime: TableRegime, report: (violation: Violation) => void): Comparison {
  const copy = relocateTables(memory, regime);
  const oracle = new HardwareOracle(copy.memory);
  let compared = 0;
  const limits: Record<string, number> = {};
  const disagreements: Comparison["disagreements"][number][] = [];
  const ask = (addresses: readonly Va[]): void => {
    const comparison = compareWithOracle(oracle, copy.memory, copy.regime, addresses);
    compared += comparison.compared;
    for (const [limit, n] of Object.entries(comparison.limits)) limits[limit] = (limits[limit] ?? 0) + n;
    for (const disagreement of comparison.disagreements) {
      disagreements.push(disagreement);
      const { va, access, walker, oracle: answer } = disagreement;
      report({ rule: ORACLE_RULE, va, level: undefined, entries: undefined, detail: `${access}: the walker says ${translationText(walker)}, the oracle ${translationText(answer)}` });
    }
  };
  let pending: Va[] = [];
  for (const table of copy.tables) {
    pending.push(...oracleAddresses(table));
    if (pending.length < BATCH) continue;
    ask(pending);
    pending = [];
  }
  ask(pending);
  return { compared, disagreements, limits };
}
