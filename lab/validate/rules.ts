/**
 * All rules of `foliolab validate` in the order in which breaches are reported: what a walk finds, then the invariants of contiguous
 * blocks and folios, then the encoding of single entries, then what is merely unusual.
 */
import { ARM_RULES } from "../../emulator/validate/rules-arm.js";
import type { Rule } from "../../emulator/validate/rule.js";
import { LINUX_RULES } from "./rules-linux.js";

/** The rule behind --oracle. */
export const ORACLE_RULE: Rule = {
  id: "O-WALK",
  severity: "error",
  title: "the hardware oracle (Unicorn's MMU, AT S1E0R and AT S1E0W) translates every address as the walker does",
  source: "Arm C5.4, D8.2; emulator/validate/oracle.ts",
  consequence: "foliolab's walker or the oracle is wrong about these tables: please report it",
};

const ORDER = [
  ARM_RULES["A-TTBR-ALIGN"],
  ARM_RULES["A-TABLE-LOOP"],
  ARM_RULES["A-TABLE-OUTSIDE"],
  ARM_RULES["A-TABLE-TWICE"],
  ARM_RULES["A-CONT-MIXED"],
  LINUX_RULES["L-CONT-HOLE"],
  ARM_RULES["A-CONT-ALIGN"],
  ARM_RULES["A-CONT-OA"],
  ARM_RULES["A-CONT-ATTR"],
  LINUX_RULES["L-CONT-PROT"],
  LINUX_RULES["L-CONT-FOLIO"],
  LINUX_RULES["L-PMD-FOLIO"],
  LINUX_RULES["L-COW"],
  LINUX_RULES["L-EXCLUSIVE-TWICE"],
  LINUX_RULES["L-CONT-SPECIAL"],
  LINUX_RULES["L-WRITE-RDONLY"],
  LINUX_RULES["L-NG"],
  LINUX_RULES["L-PXN"],
  LINUX_RULES["L-USER"],
  LINUX_RULES["L-PROT-NONE"],
  LINUX_RULES["L-SWAP-BITS"],
  LINUX_RULES["L-FRAME"],
];

/** Every rule once. */
export const RULES: readonly Rule[] = (() => {
  const all = [...Object.values(ARM_RULES), ...Object.values(LINUX_RULES), ORACLE_RULE];
  const rest = all.filter((rule) => !ORDER.includes(rule));
  return [...ORDER, ...rest.filter(({ severity }) => severity === "error"), ...rest.filter(({ severity }) => severity === "warning")];
})();

const RANK = new Map(RULES.map((rule, rank) => [rule.id, rank]));

/** Position of a rule in the order of reports. */
export function ruleRank(rule: Rule): number {
  return RANK.get(rule.id) ?? RULES.length;
}
