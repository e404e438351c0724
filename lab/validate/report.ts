/** The outcome of a validation as text for people and as JSON for programs. */
import { hex } from "../../emulator/arch/addr.js";
import { place } from "../../emulator/validate/rule.js";
import type { ValidateResult } from "./validate-dump.js";

export const VALIDATE_SCHEMA = "foliolab/validate/1";

function plural(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}

/** One line on what the table consists of. */
function summary({ regime, counts }: ValidateResult): string {
  const { granule, root } = regime;
  const parts = [plural(counts.tables, "table"), plural(counts.descriptors, "descriptor")];
  parts.push(`${plural(counts.leaves[3], "page")} (${plural(counts.runs[3], "contiguous run")})`);
  for (const level of [0, 1, 2] as const) if (counts.leaves[level] > 0) parts.push(plural(counts.leaves[level], `level-${level} block`));
  return `${granule.name} granule, ${granule.vaBits}-bit addresses, TTBR0 ${hex(root)}: ${parts.join(", ")}`;
}

/** The report as text: what was read, each violation with its place, the rule and its consequence once per rule, the sum. */
export function validateText(name: string, result: ValidateResult): string {
  const lines = [`${name}: ${summary(result)}`];
  const explained = new Set<string>();
  for (const violation of result.violations) {
    const { rule, detail } = violation;
    if (!explained.has(rule.id)) {
      lines.push("", `${rule.severity} ${rule.id}: ${rule.title}`, `  source: ${rule.source}`, `  consequence: ${rule.consequence}`);
      explained.add(rule.id);
    }
    const where = place(violation);
    lines.push(`    ${where === "" ? "" : `${where}: `}${detail}`);
  }
  for (const [id, total] of Object.entries(result.totals)) {
    const shown = result.violations.filter(({ rule }) => rule.id === id).length;
    if (shown < total) lines.push(`    ... ${id}: ${total - shown} more`);
  }
  const { oracle } = result;
  if (oracle !== undefined) {
    const limits = Object.entries(oracle.limits).map(([limit, n]) => `${n} ${limit}`);
    lines.push("", `oracle: ${plural(oracle.compared, "translation")}, ${plural(oracle.disagreements.length, "disagreement")}${limits.length === 0 ? "" : ` (limits of the oracle met: ${limits.join(", ")})`}`);
  }
  lines.push("", `${plural(result.errors, "error")}, ${plural(result.warnings, "warning")}`, "");
  return lines.join("\n");
}

/** The report as one JSON value. Addresses and descriptors are strings in hexadecimal. */
export function validateJson(name: string, result: ValidateResult): string {
  const { regime, counts, violations, totals, errors, warnings, oracle } = result;
  const { granule, registers } = regime;
  const value = {
    schema: VALIDATE_SCHEMA,
    dump: name,
    regime: { granule: granule.name, vaBits: granule.vaBits, oaBits: regime.oaBits, ttbr0: hex(registers.ttbr0), tcr: hex(registers.tcr), mair: hex(registers.mair) },
    counts,
    errors,
    warnings,
    totals,
    violations: violations.map(({ rule, va, level, entries, detail }) => ({
      rule: rule.id,
      severity: rule.severity,
      va: va === undefined ? null : hex(va),
      level: level ?? null,
      entries: entries === undefined ? null : [hex(entries.first), hex(entries.last)],
      detail,
      title: rule.title,
      source: rule.source,
      consequence: rule.consequence,
    })),
    oracle: oracle === undefined ? null : { compared: oracle.compared, disagreements: oracle.disagreements.length, limits: oracle.limits },
  };
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
