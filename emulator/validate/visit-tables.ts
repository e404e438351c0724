/**
 * Visits every descriptor that a walk from TTBR0 can reach, once, whatever the tables hold: loops, tables outside, shared tables.
 */
import type { Pa, Va } from "../arch/addr.js";
import { nextTable } from "../arch/descriptor.js";
import type { Level, LevelGeometry } from "../arch/granule.js";
import type { DescriptorContext } from "./descriptor-fields.js";
import { kindOf } from "./descriptor-fields.js";
import type { TableMemory, TableRegime } from "./table-memory.js";

/** A table that was reached. */
export interface VisitedTable {
  readonly level: Level;
  readonly at: Pa;
  /** First address that it translates. */
  readonly va: Va;
  readonly words: BigUint64Array;
  readonly geometry: LevelGeometry;
  readonly context: DescriptorContext;
}

/** Why the table behind an entry is not visited: not in memory, an ancestor of itself, or visited before at this level. */
export type TableProblem = "outside" | "loop" | "twice";

export interface TableVisitor {
  /** A table, before the tables below it. */
  table(table: VisitedTable): void;
  /** A table descriptor whose table is not visited; `entry`: where the descriptor lies, TTBR0's own table: undefined. */
  problem(problem: TableProblem, level: Level, next: Pa, va: Va, entry: Pa | undefined): void;
}

/** Context of the descriptors of one level of a regime. */
export function contextOf({ granule, mair }: TableRegime, level: Level): DescriptorContext {
  return { granule, level, lpa2: false, mair };
}

/** Visit all tables, from the start level down, in the order of addresses. Each is visited once per level it is used at. */
export function visitTables(memory: TableMemory, regime: TableRegime, visitor: TableVisitor): void {
  const { granule } = regime;
  const seen = new Set<string>();
  const path: number[] = [];
  const visit = (level: Level, at: Pa, va: number, entry: Pa | undefined): void => {
    const geometry = granule.levels[level]!;
    const words = memory.table(at, geometry.entries);
    if (words === undefined) {
      visitor.problem("outside", level, at, va as Va, entry);
      return;
    }
    const table: VisitedTable = { level, at, va: va as Va, words, geometry, context: contextOf(regime, level) };
    visitor.table(table);
    if (level === 3) return;
    path.push(at);
    for (let index = 0; index < words.length; index++) {
      const value = words[index]!;
      if (kindOf(value, table.context) !== "table") continue;
      const next = nextTable(value, granule);
      const below = (level + 1) as Level;
      const first = va + index * geometry.size;
      const here = (at + index * 8) as Pa;
      const key = `${below} ${next}`;
      // An address beyond the output size is a fault of its own: no table is fetched.
      if (next >= 2 ** regime.oaBits) continue;
      if (path.includes(next)) visitor.problem("loop", below, next, first as Va, here);
      if (seen.has(key)) {
        if (!path.includes(next)) visitor.problem("twice", below, next, first as Va, here);
        continue;
      }
      seen.add(key);
      visit(below, next, first, here);
    }
    path.pop();
  };
  visit(granule.startLevel, regime.root, 0, undefined);
}
