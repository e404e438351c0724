/**
 * What one call of the ptep API may and must do to the entries: the contract behind which the contpte layer hides.
 *
 * Seen through the gathered values, a call changes the pages that it names as asked, no others, and forgets no access or dirty bit that
 * it was not asked to clear. PTE_CONT itself may come and go.
 *
 * Linux: arch/arm64/mm/contpte.c, include/linux/pgtable.h (set_ptes(), clear_full_ptes(), wrprotect_ptes() and relatives).
 */
import { hex } from "../../emulator/arch/addr.js";
import { type Rule, ruleTable } from "../../emulator/validate/rule.js";
import type { RunFinding } from "../../emulator/validate/rules-arm.js";
import { PTE_AF, PTE_CONT, PTE_DIRTY, PTE_RDONLY, PTE_WRITE } from "../../kernel-model/arch/arm64/pgtable-prot.js";
import { pteCont, pteDirty, ptePresent, pteSpecial, pteValid, pteValidCont, pteWrite, pteYoung } from "../../kernel-model/arch/arm64/pte.js";
import type { PteCall } from "./pgtable-tap.js";

export const EFFECT_RULES = ruleTable([
  { id: "L-DIRTY-LOST", severity: "error", title: "a dirty page stays dirty until a call is asked to clean it, or its entry is handed to the caller", source: "contpte.c contpte_convert(), contpte_get_and_clear_full_ptes(); spec invariant 8", consequence: "a written page is dropped or discarded as clean: data is lost" },
  { id: "L-YOUNG-LOST", severity: "error", title: "an accessed page stays young until a call is asked to make it old", source: "contpte.c contpte_convert(); spec invariant 8", consequence: "reclaim takes pages that are in use" },
  { id: "L-NEIGHBOUR", severity: "error", title: "a call changes frame and permissions of no page that it does not name", source: "contpte.c contpte_try_unfold_partial(), contpte_clear_young_dirty_ptes()", consequence: "memory outside the operation is unmapped, exposed or protected" },
  { id: "L-EFFECT", severity: "error", title: "a call leaves the entries that it names as it was asked to", source: "include/linux/pgtable.h, arch/arm64/include/asm/pgtable.h", consequence: "the generic mm goes on from a state that the tables do not have" },
  { id: "L-FOLD", severity: "error", title: "a block that is set in one call, aligned in address and frame, or completed by its last page within one folio, is contiguous", source: "contpte.c contpte_set_ptes(), __contpte_try_fold(); spec invariant 14", consequence: "the TLB holds N entries where one would do" },
  { id: "L-FAULT-LOOP", severity: "error", title: "after ptep_set_access_flags() the faulting page's own entry has the flags asked for", source: "contpte.c contpte_ptep_set_access_flags(); spec section 2.5 and invariant 15", consequence: "an agent without hardware access flag or dirty state faults on the same entry for ever" },
  { id: "L-GATHER", severity: "error", title: "ptep_get() returns access and dirty state of the whole block", source: "contpte.c contpte_ptep_get(); spec invariant 9", consequence: "dirty or referenced pages are taken for clean or idle" },
] as const satisfies readonly Rule[]);

export type EffectRuleId = keyof typeof EFFECT_RULES;

/** The entries around a call. */
export interface Surroundings {
  /** Raw values before and after. */
  readonly before: readonly bigint[];
  readonly after: readonly bigint[];
  /** Index of the first entry that the call names. */
  readonly first: number;
  /** Index of the first entry of the blocks that the call touches, and behind their last. The rest must not change at all. */
  readonly blocksStart: number;
  readonly blocksEnd: number;
  /** Entries of a contiguous block. Index 0 is the first of one. */
  readonly contPtes: number;
  readonly pageSize: number;
  /** CONFIG_ARM64_CONTPTE. */
  readonly contpte: boolean;
  /** True if the block of entry `index`, with these values, lies within one folio. */
  readonly oneFolio: (index: number) => boolean;
}

/** Frame and permissions: what must not change unasked. */
const CORE = ~(PTE_CONT | PTE_AF | PTE_RDONLY | PTE_DIRTY);

/** Young and dirty of entry `index` as ptep_get() has them. */
export function gathered(values: readonly bigint[], index: number, contPtes: number): { readonly young: boolean; readonly dirty: boolean } {
  const value = values[index]!;
  if (!ptePresent(value)) return { young: false, dirty: false };
  if (!pteValidCont(value)) return { young: pteYoung(value), dirty: pteDirty(value) };
  const first = index - (index % contPtes);
  const block = values.slice(first, first + contPtes);
  return { young: block.some(pteYoung), dirty: block.some(pteDirty) };
}

/** What is wrong with the outcome of a level-3 call; at most one finding per rule. `index`: of the entry that shows it. */
export function checkEffect(call: PteCall, result: unknown, around: Surroundings): RunFinding[] {
  const { before, after, first, blocksStart, blocksEnd, contPtes } = around;
  const found = new Map<EffectRuleId, RunFinding>();
  const report = (id: EffectRuleId, index: number, detail: string): void => {
    if (!found.has(id)) found.set(id, { rule: EFFECT_RULES[id], index, detail: `${call.name} of ${call.nr}: ${detail}` });
  };
  const end = first + call.nr;
  const change = (index: number): string => `entry ${index - first} was ${hex(before[index]!)}, is ${hex(after[index]!)}`;
  for (let index = 0; index < before.length; index++) {
    const inside = index >= first && index < end;
    if (inside) {
      checkNamed(call, around, index, report, change);
    } else if (index < blocksStart || index >= blocksEnd ? before[index] !== after[index] : ((before[index]! ^ after[index]!) & CORE) !== 0n) {
      report("L-NEIGHBOUR", index, change(index));
    }
    if (inside && (call.intent === "set" || call.intent === "clear" || call.intent === "get-and-clear" || call.intent === "clear-flush")) continue;
    if (!ptePresent(before[index]!) || !ptePresent(after[index]!)) continue;
    const was = gathered(before, index, contPtes);
    const is = gathered(after, index, contPtes);
    const mayClean = call.intent === "young-dirty" && call.clear?.dirty === true;
    const mayAge = call.intent === "young" || (call.intent === "young-dirty" && call.clear?.young === true);
    if (was.dirty && !is.dirty && !mayClean) report("L-DIRTY-LOST", index, change(index));
    if (was.young && !is.young && !mayAge) report("L-YOUNG-LOST", index, change(index));
  }
  checkResult(call, result, around, report);
  if (call.intent === "set") checkFolded(call, around, report);
  return [...found.values()];
}

type ReportEffect = (id: EffectRuleId, index: number, detail: string) => void;

/** One entry that the call names. */
function checkNamed(call: PteCall, { before, after, first, pageSize, contPtes }: Surroundings, index: number, report: ReportEffect, change: (index: number) => string): void {
  const is = after[index]!;
  const was = before[index]!;
  switch (call.intent) {
    case "set": {
      const asked = call.value! + BigInt((index - first) * pageSize);
      if (((is ^ asked) & CORE) !== 0n) report("L-EFFECT", index, `${change(index)}, asked for ${hex(asked)}`);
      if (pteDirty(asked) && !pteDirty(is)) report("L-DIRTY-LOST", index, `${change(index)}, asked for ${hex(asked)}`);
      if (pteYoung(asked) && !pteYoung(is)) report("L-YOUNG-LOST", index, `${change(index)}, asked for ${hex(asked)}`);
      return;
    }
    case "clear":
    case "get-and-clear":
    case "clear-flush":
      if (is !== 0n) report("L-EFFECT", index, change(index));
      return;
    case "wrprotect":
      if (((is ^ (was & ~PTE_WRITE)) & CORE) !== 0n || pteWrite(is) || (is & PTE_RDONLY) === 0n) report("L-EFFECT", index, change(index));
      return;
    case "young":
      if (((is ^ was) & CORE) !== 0n || gathered(after, index, contPtes).young) report("L-EFFECT", index, change(index));
      return;
    case "young-dirty":
      if (((is ^ was) & CORE) !== 0n) report("L-EFFECT", index, change(index));
      if (call.clear?.young === true && gathered(after, index, contPtes).young) report("L-EFFECT", index, `${change(index)}, still young`);
      if (call.clear?.dirty === true && gathered(after, index, contPtes).dirty) report("L-EFFECT", index, `${change(index)}, still dirty`);
      return;
    case "access-flags": {
      const asked = call.value!;
      if (((is ^ (was | (asked & PTE_WRITE))) & CORE) !== 0n) report("L-EFFECT", index, `${change(index)}, asked for ${hex(asked)}`);
      const wantsWrite = pteWrite(asked) && (asked & PTE_RDONLY) === 0n;
      const lacks = (pteYoung(asked) && !pteYoung(is)) || (wantsWrite && (!pteWrite(is) || (is & PTE_RDONLY) !== 0n));
      if (lacks) report("L-FAULT-LOOP", index, `${change(index)}, asked for ${hex(asked)}`);
      return;
    }
    case "pmd":
    case "pmd-flush":
      return;
  }
}

/** The value that a call hands to its caller. */
function checkResult(call: PteCall, result: unknown, { before, first, contPtes }: Surroundings, report: ReportEffect): void {
  const states = Array.from({ length: call.nr }, (_, i) => gathered(before, first + i, contPtes));
  const dirty = states.some((state) => state.dirty);
  const young = states.some((state) => state.young);
  if (typeof result === "bigint" && before[first] !== 0n) {
    if (dirty && !pteDirty(result)) report("L-DIRTY-LOST", first, `returned ${hex(result)}, which is clean; a page was dirty`);
    if (young && !pteYoung(result)) report("L-YOUNG-LOST", first, `returned ${hex(result)}, which is old; a page was young`);
  }
  if (call.intent === "young" && result !== young) report("L-YOUNG-LOST", first, `returned ${String(result)}, the block was ${young ? "young" : "old"}`);
}

/** Blocks that a set call must have left contiguous. */
function checkFolded(call: PteCall, { after, first, contPtes, pageSize, contpte, oneFolio }: Surroundings, report: ReportEffect): void {
  if (!contpte || !pteValid(call.value!) || pteSpecial(call.value!)) return;
  const end = first + call.nr;
  const from = call.nr > 1 ? Math.ceil(first / contPtes) * contPtes : (end % contPtes === 0 ? end - contPtes : after.length);
  for (let block = from; block + contPtes <= end; block += contPtes) {
    const base = after[block]!;
    const address = base & ~((1n << 12n) - 1n) & ((1n << 50n) - 1n);
    if (Number(address) % (contPtes * pageSize) !== 0 || !oneFolio(block)) continue;
    const uniform = after.slice(block, block + contPtes).every((value, i) => pteValid(value) && ((value ^ (base + BigInt(i * pageSize))) & CORE) === 0n);
    if (uniform && !after.slice(block, block + contPtes).every(pteCont)) report("L-FOLD", block, `the block of ${contPtes} from ${hex(base)} is not contiguous`);
  }
}
