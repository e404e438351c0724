/** A descriptor explained: every field with Arm's and Linux's name, address, memory type, rights, Linux's view, broken rules. */
import { hex } from "../../emulator/arch/addr.js";
import { decodeDescriptor, type DecodedDescriptor, type DescriptorContext, type Rights } from "../../emulator/validate/descriptor-fields.js";
import { mairAttribute, memoryType } from "../../emulator/validate/memory-attributes.js";
import { checkDescriptor, type Finding } from "../../emulator/validate/rules-arm.js";
import { checkLinuxEntry } from "../validate/rules-linux.js";
import { formatSize } from "../config.js";
import { linuxEntry, linuxFields, linuxName } from "./linux-names.js";

export interface ExplainOptions {
  readonly context: DescriptorContext;
  /** Output address size in bits, for the address rule. */
  readonly oaBits: number;
}

/** Rules that the descriptor breaks by itself, Arm's first. */
export function descriptorFindings(value: bigint, { context, oaBits }: ExplainOptions): Finding[] {
  return [...checkDescriptor(decodeDescriptor(value, context), context, oaBits), ...checkLinuxEntry(value, context)];
}

function headline({ value, kind, address }: DecodedDescriptor, { level, granule }: DescriptorContext): string {
  const place = `level ${level}, ${granule.name} granule`;
  const raw = `0x${value.toString(16).padStart(16, "0")}`;
  if (kind === "invalid") return `${raw}  invalid descriptor, ${place}`;
  if (kind === "reserved") return `${raw}  reserved encoding, ${place}: faults like an invalid descriptor`;
  if (kind === "table") return `${raw}  table descriptor, ${place}: next table at ${hex(address!)}`;
  const size = formatSize(granule.pageSize * 2 ** ((granule.pageShift - 3) * (3 - level)));
  return `${raw}  ${kind} descriptor, ${place}: maps ${size} at ${hex(address!)}`;
}

function rightsText({ read, write, execute }: Rights): string {
  return `${read ? "r" : "-"}${write ? "w" : "-"}${execute ? "x" : "-"}`;
}

/** The explanation as lines of text. */
export function explainText(value: bigint, options: ExplainOptions): string {
  const { context } = options;
  const decoded = decodeDescriptor(value, context);
  const { kind, fields, rights } = decoded;
  const rows: [string, string, string, string, string][] = [["bits", "Arm", "value", "meaning", "Linux"]];
  for (const field of fields) {
    const zeroFiller = (field.role === "res0" || field.role === "ignored") && field.value === 0n && field.meaning === undefined;
    if (zeroFiller) continue;
    const linux = kind === "table" || kind === "block" || kind === "page" ? linuxName(field, kind) : "";
    const text = field.role === "res0" ? "must be zero" : field.role === "address" ? hex(Number(field.value) * 2 ** field.addressLow!) : field.text;
    rows.push([field.high === field.low ? `${field.low}` : `${field.high}:${field.low}`, field.name, hex(field.value), text, linux]);
  }
  for (const { high, low, name, value: own, text } of linuxFields(value, context)) rows.push([high === low ? `${low}` : `${high}:${low}`, "", hex(own), text, name]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = [headline(decoded, context), ""];
  for (const row of rows) lines.push(`  ${row.map((cell, column) => (column < 4 ? cell.padEnd(widths[column]!) : cell)).join("  ")}`.trimEnd());
  lines.push("");
  if (rights !== undefined) {
    const type = memoryType(mairAttribute(context.mair, Number((value >> 2n) & 7n)));
    lines.push(`  memory  ${type.text}`);
    lines.push(`  EL0     ${rightsText(rights.el0)}${rights.writableClean && rights.el0.read ? "  (w with TCR.HD: the first write clears AP[2])" : ""}`);
    lines.push(`  EL1     ${rightsText(rights.el1)}${rights.el0.read ? "  (no data access under PSTATE.PAN)" : ""}`);
  }
  lines.push(`  Linux   ${linuxEntry(value, context).text}`, "");
  const findings = descriptorFindings(value, options);
  for (const { rule, detail } of findings) lines.push(`${rule.severity} ${rule.id}: ${rule.title}`, `  ${detail}`, `  source: ${rule.source}`, `  consequence: ${rule.consequence}`);
  if (findings.length === 0) lines.push("no rule is broken");
  return `${lines.join("\n")}\n`;
}

/** The explanation as one JSON value. */
export function explainJson(value: bigint, options: ExplainOptions): string {
  const { context } = options;
  const { kind, fields, address, rights } = decodeDescriptor(value, context);
  const leaf = kind === "block" || kind === "page";
  const json = {
    schema: "foliolab/descriptor/1",
    value: hex(value),
    granule: context.granule.name,
    level: context.level,
    kind,
    address: address === undefined ? null : hex(address),
    fields: fields.map((field) => ({ bits: [field.high, field.low], name: field.name, value: hex(field.value), meaning: field.text, linux: leaf || kind === "table" ? linuxName(field, kind) : "" })),
    linuxFields: linuxFields(value, context).map((field) => ({ bits: [field.high, field.low], name: field.name, value: hex(field.value), meaning: field.text })),
    memory: leaf ? memoryType(mairAttribute(context.mair, Number((value >> 2n) & 7n))).text : null,
    rights: rights ?? null,
    linux: linuxEntry(value, context),
    violations: descriptorFindings(value, options).map(({ rule, detail }) => ({ rule: rule.id, severity: rule.severity, detail, source: rule.source, consequence: rule.consequence })),
  };
  return `${JSON.stringify(json, undefined, 2)}\n`;
}
