/**
 * What a rule of the validation is, and what a breach of one looks like. Identifiers are stable: A- for rules of the architecture, L- for
 * Linux's own, T- for rules over time, O- for the oracle; docs/validation.md lists them all.
 */
import type { Pa, Va } from "../arch/addr.js";
import { hex } from "../arch/addr.js";
import type { Level } from "../arch/granule.js";

/** `error`: wrong, the exit status says so. `warning`: legal and unusual. */
export type Severity = "error" | "warning";

export interface Rule {
  readonly id: string;
  readonly severity: Severity;
  /** What must hold, in one sentence. */
  readonly title: string;
  /** The Arm ARM's chapter or rule identifier, or the kernel's file and the number of the invariant. */
  readonly source: string;
  /** What can happen where it does not hold. */
  readonly consequence: string;
}

export interface Violation {
  readonly rule: Rule;
  /** First address that the entries translate; undefined for a register or a descriptor that stands alone. */
  readonly va: Va | undefined;
  readonly level: Level | undefined;
  /** Physical addresses of the descriptors concerned, first and last. */
  readonly entries: { readonly first: Pa; readonly last: Pa } | undefined;
  /** What was found, with values. */
  readonly detail: string;
}

/** Rules in the order of their importance, found by identifier. */
export function ruleTable<const Id extends string>(rules: readonly (Rule & { readonly id: Id })[]): Readonly<Record<Id, Rule>> {
  const table = {} as Record<Id, Rule>;
  for (const rule of rules) table[rule.id] = rule;
  return table;
}

/** Where a violation is: `va 0x5000000000 level 3 entries 0x1000-0x1078`. */
export function place({ va, level, entries }: Violation): string {
  const parts: string[] = [];
  if (va !== undefined) parts.push(`va ${hex(va)}`);
  if (level !== undefined) parts.push(`level ${level}`);
  if (entries !== undefined) parts.push(entries.first === entries.last ? `entry ${hex(entries.first)}` : `entries ${hex(entries.first)}-${hex(entries.last)}`);
  return parts.join(" ");
}
