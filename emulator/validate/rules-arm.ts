/**
 * Rules of the architecture for one descriptor and for one contiguous run.
 *
 * Arm: DDI 0487 D8.3 (descriptor formats), D8.4 (permissions), D8.6 (memory types), D8.7.1 (the Contiguous bit), D8.15 (faults).
 */
import { hex } from "../arch/addr.js";
import { outputAddress } from "../arch/descriptor.js";
import type { LevelGeometry } from "../arch/granule.js";
import { type DecodedDescriptor, type DescriptorContext, kindOf } from "./descriptor-fields.js";
import { mairAttribute, memoryType } from "./memory-attributes.js";
import { type Rule, ruleTable } from "./rule.js";

const MISPROGRAMMED = "a TLB conflict abort, or the translation of any one of the entries; below FEAT_BBM level 1 also an amalgam of them that none of them programs";
const ANY_ONE = "an access may use any one of the programmed values: wrong page, memory type or permission; no conflict abort and no amalgam";

/** Most important first. */
export const ARM_RULES = ruleTable([
  { id: "A-CONT-MIXED", severity: "error", title: "in a contiguous run all valid entries have the Contiguous bit, or none has it", source: "Arm RQTRPM, RNGLXZ; spec invariant 1", consequence: MISPROGRAMMED },
  { id: "A-CONT-ALIGN", severity: "error", title: "the output address of a contiguous run is aligned to the size of the run", source: "Arm RSKQHL and table D8-104; spec invariant 3", consequence: ANY_ONE },
  { id: "A-CONT-OA", severity: "error", title: "the entries of a contiguous run map one contiguous range of output addresses", source: "Arm RSKQHL, RJQQTC; spec invariant 3", consequence: ANY_ONE },
  { id: "A-CONT-ATTR", severity: "error", title: "the entries of a contiguous run have the same attributes and permissions; only AF, and AP[2] where DBM is set, may differ", source: "Arm RSKQHL, RJQQTC, RXDPXQ; spec invariant 4", consequence: ANY_ONE },
  { id: "A-TABLE-OUTSIDE", severity: "error", title: "every table lies in memory", source: "Arm D8.15", consequence: "synchronous external abort on the table walk" },
  { id: "A-TABLE-LOOP", severity: "error", title: "no table is its own ancestor", source: "Arm D8.2", consequence: "descriptors are used at levels they were not made for: arbitrary memory is mapped" },
  { id: "A-TABLE-TWICE", severity: "error", title: "a table hangs under one entry only", source: "Linux mm/pgtable-generic.c, pagetable_pte_ctor(); spec invariant 13", consequence: "one store changes the translation of two address ranges; the table is freed twice" },
  { id: "A-RESERVED", severity: "error", title: "bits 1:0 of a valid descriptor have an encoding that its level knows", source: "Arm D8.3.1, D8.3.2", consequence: "translation fault at this level" },
  { id: "A-ADDR-SIZE", severity: "error", title: "the address fits the output size of TCR.IPS", source: "Arm D8.2, D8.15", consequence: "address size fault at this level" },
  { id: "A-CONT-RES0", severity: "error", title: "the Contiguous bit is clear where the granule has no runs at this level", source: "Arm table D8-104", consequence: "RES0: not defined, and a different granule or architecture version may give it a meaning" },
  { id: "A-RES0", severity: "error", title: "bits that are RES0 are clear", source: "Arm D8.3.1", consequence: "not defined: cores may ignore the bits, use them as address, or give them a later extension's meaning" },
  { id: "A-ATTR-RESERVED", severity: "error", title: "AttrIndx selects a MAIR attribute with a defined encoding", source: "Arm D24.2 MAIR_EL1", consequence: "the memory type is UNPREDICTABLE" },
  { id: "A-SH-RESERVED", severity: "error", title: "SH of Normal memory is not 01", source: "Arm D8.6.2", consequence: "shareability is CONSTRAINED UNPREDICTABLE: coherency may be lost" },
  { id: "A-TTBR-ALIGN", severity: "error", title: "TTBR0 is aligned to the size of its table", source: "Arm D24.2 TTBR0_EL1.BADDR", consequence: "the low bits are RES0: the walk begins elsewhere than meant, or is CONSTRAINED UNPREDICTABLE" },
  { id: "A-UNREACHED", severity: "error", title: "every descriptor of the dump is reached from TTBR0, at the level and address it is listed with", source: "the dump itself; Arm D8.2", consequence: "the dump, or the table entry above the descriptors, is damaged" },
  { id: "A-DEVICE-EXEC", severity: "warning", title: "Device memory is not executable at EL0", source: "Arm D8.6, B2.10", consequence: "speculative fetches may access the device, or the fetch faults" },
  { id: "A-WRITE-EXEC", severity: "warning", title: "no page is writable and executable at EL0", source: "Arm D8.4.1", consequence: "legal; with SCTLR_EL1.WXN the page is not executable" },
  { id: "A-NT", severity: "warning", title: "nT is clear: it is meant for the time of a change", source: "Arm D8.7, FEAT_BBM level 1", consequence: "the block is not cached by TLBs, every access walks" },
] as const satisfies readonly Rule[]);

/** Arm rules by identifier. */
export type ArmRuleId = keyof typeof ARM_RULES;

/** A rule that does not hold, with what was found. */
export interface Finding {
  readonly rule: Rule;
  readonly detail: string;
}

function finding(id: ArmRuleId, detail: string): Finding {
  return { rule: ARM_RULES[id], detail };
}

const CONTIGUOUS = 1n << 52n;
const AP2 = 1n << 7n;
const DBM = 1n << 51n;
const AF = 1n << 10n;

/** What is wrong with one descriptor by itself. `oaBits`: output address size of TCR.IPS. */
export function checkDescriptor(decoded: DecodedDescriptor, context: DescriptorContext, oaBits: number): Finding[] {
  const { kind, value, fields, address, rights } = decoded;
  if (kind === "invalid") return [];
  if (kind === "reserved") return [finding("A-RESERVED", `${hex(value)}: bits 1:0 = 01 at level ${context.level} of the ${context.granule.name} granule`)];
  const found: Finding[] = [];
  if (address! >= 2 ** oaBits) found.push(finding("A-ADDR-SIZE", `${kind === "table" ? "next table" : "output address"} ${hex(address!)} with ${oaBits} bits`));
  const runs = context.granule.levels[context.level]?.contEntries ?? 0;
  if (kind !== "table" && runs === 0 && (value & CONTIGUOUS) !== 0n) found.push(finding("A-CONT-RES0", `${hex(value)} at level ${context.level} of the ${context.granule.name} granule`));
  for (const field of fields) {
    if (field.role === "res0" && field.value !== 0n) found.push(finding("A-RES0", `${hex(value)} has ${hex(field.value)} in bits ${field.high}:${field.low}`));
  }
  if (rights === undefined) return found;
  const type = memoryType(mairAttribute(context.mair, Number((value >> 2n) & 7n)));
  if (type.kind === "reserved") found.push(finding("A-ATTR-RESERVED", `AttrIndx ${(value >> 2n) & 7n} selects attribute ${type.text}`));
  const shareability = fields.find(({ key }) => key === "sh");
  if (shareability?.value === 1n && type.kind === "normal") found.push(finding("A-SH-RESERVED", `${hex(value)} has SH = 01`));
  if (type.kind === "device" && rights.el0.execute) found.push(finding("A-DEVICE-EXEC", `${type.text} with UXN = 0`));
  if (rights.el0.execute && rights.el0.read && (rights.el0.write || rights.writableClean)) found.push(finding("A-WRITE-EXEC", `${hex(value)}`));
  if (((value >> 16n) & 1n) !== 0n && kind === "block") found.push(finding("A-NT", `${hex(value)}`));
  return found;
}

/** A member of a run that the rules of the whole run were broken by: its index in the run, and how. */
export interface RunFinding extends Finding {
  readonly index: number;
}

/** Bits in which the members of a run may not differ: all attributes of the hardware but AF, AP[2] (judged with DBM), CONT. */
const UNIFORM = (0x3ffn << 2n) & ~AF & ~AP2;
const UNIFORM_HIGH = (1n << 16n) | (1n << 50n) | DBM | (3n << 53n) | (0xfn << 59n);

/** The hardware attributes that differ between two leaves and may not. */
function attributeDifference(a: bigint, b: bigint, isBlock: boolean): bigint {
  const high = isBlock ? UNIFORM_HIGH : UNIFORM_HIGH & ~(1n << 16n);
  const other = (a ^ b) & (UNIFORM | high);
  const readOnly = (a ^ b) & AP2;
  return readOnly !== 0n && (a & b & DBM) === 0n ? other | readOnly : other;
}

/**
 * What is wrong with an aligned group of descriptors that may form a contiguous run. `values`: all members in order; the group is the
 * entries of `geometry`. At most one finding per rule, at the first member that shows it.
 */
export function checkRun(values: readonly bigint[], context: DescriptorContext, geometry: LevelGeometry): RunFinding[] {
  const isRunMember = values.map((value) => {
    const kind = kindOf(value, context);
    return (kind === "block" || kind === "page") && (value & CONTIGUOUS) !== 0n;
  });
  const first = isRunMember.indexOf(true);
  if (first < 0) return [];
  const found: RunFinding[] = [];
  const report = (id: ArmRuleId, index: number, detail: string): void => {
    if (!found.some(({ rule }) => rule === ARM_RULES[id])) found.push({ rule: ARM_RULES[id], index, detail });
  };
  const addressOf = (index: number): number => outputAddress(values[index]!, context.granule, context.level);
  const base = addressOf(first) - first * geometry.size;
  if (base < 0 || base % (geometry.size * geometry.contEntries) !== 0) report("A-CONT-ALIGN", first, `entry ${first} ${hex(values[first]!)} maps ${hex(addressOf(first))}, the run would begin at ${base < 0 ? "a negative address" : hex(base)}`);
  const isBlock = context.level < 3;
  values.forEach((value, index) => {
    if ((value & 1n) === 0n) return;
    if (!isRunMember[index]) {
      report("A-CONT-MIXED", index, `entry ${index} ${hex(value)} ${kindOf(value, context) === "table" ? "is a table" : "lacks the Contiguous bit"}, entry ${first} ${hex(values[first]!)} has it`);
      return;
    }
    if (addressOf(index) !== base + index * geometry.size) report("A-CONT-OA", index, `entry ${index} ${hex(value)} maps ${hex(addressOf(index))}, entry ${first} ${hex(addressOf(first))}`);
    const difference = attributeDifference(value, values[first]!, isBlock);
    if (difference !== 0n) report("A-CONT-ATTR", index, `entry ${index} ${hex(value)} differs from entry ${first} ${hex(values[first]!)} in bits ${hex(difference)}`);
  });
  return found;
}
