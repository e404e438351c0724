/**
 * Every bit of a stage-1 descriptor by the Arm ARM's name, for each kind, level and granule: layout, decoding, encoding.
 *
 * The fields of a layout cover the 64 bits once each, so encoding what was decoded gives the same value back, whatever the value.
 *
 * Arm: DDI 0487 D8.3 (VMSAv8-64 descriptor formats), D8.4 (permissions), D8.5 (access flag and dirty state), D8.6 (memory types),
 * D8.7 (other fields).
 */
import type { Pa } from "../arch/addr.js";
import { hex } from "../arch/addr.js";
import type { Granule, Level } from "../arch/granule.js";
import { mairAttribute, memoryType } from "./memory-attributes.js";

/** `reserved`: valid and of no known form here (bits 1:0 = 01 where no block may stand); the hardware faults as for an invalid one. */
export type DescriptorKind = "invalid" | "reserved" | "table" | "block" | "page";

/** Everything beside its bits that the meaning of a descriptor depends on. */
export interface DescriptorContext {
  readonly granule: Granule;
  readonly level: Level;
  /** TCR_ELx.DS = 1: 52-bit addresses with 4K and 16K granules. The 64K granule has OA[51:48] whatever this says. */
  readonly lpa2: boolean;
  readonly mair: bigint;
}

export interface Field {
  /** The Arm ARM's name. */
  readonly name: string;
  /** Word by which encoding knows the field; "" for fixed bits and for parts of the address. */
  readonly key: string;
  readonly high: number;
  readonly low: number;
  /** `res0`: must be zero; `ignored`: hardware does not look; `type`: says what the descriptor is; `address`: part of the address. */
  readonly role: "type" | "attribute" | "address" | "res0" | "ignored";
  /** For `address`: the address bit that stands in bit `low`. */
  readonly addressLow?: number;
  readonly meaning?: (value: number, context: DescriptorContext) => string;
}

export interface DecodedField extends Field {
  readonly value: bigint;
  readonly text: string;
}

export interface Rights {
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
}

/** Permissions of a leaf taken alone: tables above may take some away. */
export interface LeafRights {
  readonly el0: Rights;
  readonly el1: Rights;
  /** AP[2] = 1 with DBM = 1: writable where TCR.HD lets hardware clear AP[2]; EL0 write if AP[1] = 1. */
  readonly writableClean: boolean;
}

export interface DecodedDescriptor {
  readonly value: bigint;
  readonly kind: DescriptorKind;
  readonly fields: readonly DecodedField[];
  /** Output address of a leaf, next table of a table. */
  readonly address: Pa | undefined;
  readonly rights: LeafRights | undefined;
}

const yes = (set: string, clear: string) => (value: number) => (value === 1 ? set : clear);
const one = (name: string, key: string, bit: number, meaning: Field["meaning"], role: Field["role"] = "attribute"): Field => ({ name, key, high: bit, low: bit, role, ...(meaning && { meaning }) });

const VALID = one("Valid", "", 0, yes("valid", "invalid: every access faults, the other bits are software's"), "type");

const AP_TEXT = ["EL1 read/write, EL0 none", "EL1 and EL0 read/write", "EL1 read-only, EL0 none", "EL1 and EL0 read-only"] as const;
const SH_TEXT = ["Non-shareable", "reserved", "Outer Shareable", "Inner Shareable"] as const;
const APTABLE_TEXT = ["no effect", "no EL0 access below", "no writes below", "no EL0 access and no writes below"] as const;

/** True if a block may stand at this level: as the granule says, and one level higher with 52-bit addresses. Arm: D8.3.1. */
export function blockAllowed({ granule, level, lpa2 }: DescriptorContext): boolean {
  if (level === 3) return false;
  if (granule.levels[level]?.leaf === true) return true;
  return lpa2 && ((granule.name === "4k" && level === 0) || (granule.name === "16k" && level === 1));
}

/** What a descriptor is, by bits 1:0 and its place. */
export function kindOf(value: bigint, context: DescriptorContext): DescriptorKind {
  if ((value & 1n) === 0n) return "invalid";
  if ((value & 2n) !== 0n) return context.level === 3 ? "page" : "table";
  return blockAllowed(context) ? "block" : "reserved";
}

/** Address fields and the RES0 bits between 12 and 49. `from`: lowest address bit. */
function addressFields(context: DescriptorContext, from: number, name: string, isBlock: boolean): Field[] {
  const { granule, lpa2 } = context;
  const wide = lpa2 && granule.name !== "64k";
  const top = wide ? 49 : 47;
  const fields: Field[] = [];
  let bit = 12;
  if (granule.name === "64k") {
    fields.push({ name: `${name}[51:48]`, key: "", high: 15, low: 12, role: "address", addressLow: 48 });
    bit = 16;
  }
  const res0 = (high: number): void => {
    if (high >= bit) fields.push({ name: "RES0", key: "", high, low: bit, role: "res0" });
    bit = high + 1;
  };
  if (isBlock) {
    res0(15);
    fields.push(one("nT", "nt", 16, yes("the block is not to be cached in a TLB", "no effect (RES0 without FEAT_BBM level 1)")));
    bit = 17;
  }
  res0(from - 1);
  fields.push({ name: `${name}[${top}:${from}]`, key: "", high: top, low: from, role: "address", addressLow: from });
  if (!wide) fields.push({ name: "RES0", key: "", high: 49, low: 48, role: "res0" });
  return fields;
}

/** Bits 9:8: shareability, or with 52-bit addresses two address bits. */
function bits98(context: DescriptorContext, name: string, otherwise: Field): Field {
  if (!context.lpa2 || context.granule.name === "64k") return otherwise;
  return { name: `${name}[51:50]`, key: "", high: 9, low: 8, role: "address", addressLow: 50 };
}

function leafFields(context: DescriptorContext, kind: "block" | "page"): Field[] {
  const { granule, level } = context;
  const from = granule.pageShift + (granule.pageShift - 3) * (3 - level);
  const runs = granule.levels[level]?.contEntries ?? 0;
  return [
    VALID,
    one("Type", "", 1, () => (kind === "page" ? "page" : "block"), "type"),
    { name: "AttrIndx[2:0]", key: "attr", high: 4, low: 2, role: "attribute", meaning: (index, { mair }) => memoryType(mairAttribute(mair, index)).text },
    one("NS", "ns", 5, () => "ignored outside the Secure state"),
    { name: "AP[2:1]", key: "ap", high: 7, low: 6, role: "attribute", meaning: (value) => AP_TEXT[value]! },
    bits98(context, "OA", { name: "SH[1:0]", key: "sh", high: 9, low: 8, role: "attribute", meaning: (value) => SH_TEXT[value]! }),
    one("AF", "af", 10, yes("accessed", "not accessed: an access flag fault, unless TCR.HA lets hardware set it")),
    one("nG", "ng", 11, yes("belongs to one ASID", "global")),
    ...addressFields(context, from, "OA", kind === "block"),
    one("GP", "gp", 50, yes("guarded page (FEAT_BTI)", "not guarded")),
    one("DBM", "dbm", 51, yes("hardware may clear AP[2] on a write (TCR.HD)", "no hardware dirty state")),
    one("Contiguous", "cont", 52, (value) => (runs === 0 ? `RES0 at level ${level} of the ${granule.name} granule` : value === 1 ? `one of ${runs} that may be cached as one entry` : "stands alone")),
    one("PXN", "pxn", 53, yes("EL1 may not execute", "EL1 may execute, unless EL0 may write")),
    one("UXN", "uxn", 54, yes("EL0 may not execute", "EL0 may execute")),
    { name: "IGNORED", key: "sw", high: 58, low: 55, role: "ignored" },
    { name: "PBHA[0]", key: "bit59", high: 59, low: 59, role: "ignored" },
    { name: "POIndex / PBHA[3:1]", key: "poindex", high: 62, low: 60, role: "ignored", meaning: (value) => (value === 0 ? "overlay 0" : `overlay ${value} with FEAT_S1POE, else PBHA or ignored`) },
    { name: "IGNORED", key: "bit63", high: 63, low: 63, role: "ignored" },
  ];
}

function tableFields(context: DescriptorContext): Field[] {
  return [
    VALID,
    one("Type", "", 1, () => "table", "type"),
    { name: "IGNORED", key: "ign7-2", high: 7, low: 2, role: "ignored" },
    bits98(context, "NLTA", { name: "IGNORED", key: "ign9-8", high: 9, low: 8, role: "ignored" }),
    one("AF", "af", 10, yes("accessed (FEAT_HAFT, else ignored)", "not accessed (FEAT_HAFT, else ignored)"), "ignored"),
    { name: "IGNORED", key: "ign11", high: 11, low: 11, role: "ignored" },
    ...addressFields(context, context.granule.pageShift, "NLTA", false),
    { name: "RES0", key: "", high: 50, low: 50, role: "res0" },
    { name: "IGNORED", key: "ign58-51", high: 58, low: 51, role: "ignored" },
    one("PXNTable", "pxntable", 59, yes("no EL1 execution below", "no effect")),
    one("UXNTable", "uxntable", 60, yes("no EL0 execution below", "no effect")),
    { name: "APTable[1:0]", key: "aptable", high: 62, low: 61, role: "attribute", meaning: (value) => APTABLE_TEXT[value]! },
    one("NSTable", "nstable", 63, () => "ignored outside the Secure state"),
  ];
}

/** The fields of this kind of descriptor, from bit 0 up. They cover all 64 bits once. */
export function layout(kind: DescriptorKind, context: DescriptorContext): readonly Field[] {
  switch (kind) {
    case "invalid":
      return [VALID, { name: "IGNORED", key: "software", high: 63, low: 1, role: "ignored" }];
    case "reserved":
      return [VALID, one("Type", "", 1, () => `reserved at level ${context.level}: every access faults`, "type"), { name: "IGNORED", key: "software", high: 63, low: 2, role: "ignored" }];
    case "table":
      return tableFields(context);
    case "block":
    case "page":
      return leafFields(context, kind).sort((a, b) => a.low - b.low);
  }
}

function extract(value: bigint, { high, low }: Pick<Field, "high" | "low">): bigint {
  return (value >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n);
}

/** Permissions of a leaf. Arm: D8.4.1; what EL0 may write EL1 never executes. */
export function leafRights(value: bigint): LeafRights {
  const bit = (n: bigint): boolean => ((value >> n) & 1n) !== 0n;
  const user = bit(6n);
  const readOnly = bit(7n);
  const el0Write = user && !readOnly;
  return {
    el0: { read: user, write: el0Write, execute: !bit(54n) },
    el1: { read: true, write: !readOnly, execute: !bit(53n) && !el0Write },
    writableClean: readOnly && bit(51n),
  };
}

/** All there is to know of a descriptor at this place. */
export function decodeDescriptor(value: bigint, context: DescriptorContext): DecodedDescriptor {
  const kind = kindOf(value, context);
  let address: number | undefined = kind === "invalid" || kind === "reserved" ? undefined : 0;
  const fields = layout(kind, context).map((field): DecodedField => {
    const own = extract(value, field);
    if (field.role === "address") address = (address ?? 0) + Number(own) * 2 ** field.addressLow!;
    const text = field.meaning?.(Number(own), context) ?? "";
    return { ...field, value: own, text };
  });
  return { value, kind, fields, address: address as Pa | undefined, rights: kind === "block" || kind === "page" ? leafRights(value) : undefined };
}

/** What a descriptor is made from: the value of each field by key, and the address. Fields not named are 0. */
export interface DescriptorParts {
  readonly kind: DescriptorKind;
  readonly address?: number;
  readonly values: Readonly<Record<string, bigint>>;
}

/** Fixed low bits of each kind. */
const TYPE_BITS: Readonly<Record<DescriptorKind, bigint>> = { invalid: 0n, reserved: 1n, table: 3n, block: 1n, page: 3n };

/**
 * The descriptor with these parts. Throws RangeError, naming the part, for what the form has no place for: a field that is not there, a
 * value too large, an address that is not aligned to what the descriptor maps or has more bits than there are.
 */
export function encodeDescriptor(parts: DescriptorParts, context: DescriptorContext): bigint {
  const { kind, address = 0, values } = parts;
  const { granule, level } = context;
  if (kind === "page" && level !== 3) throw new RangeError(`a page descriptor stands at level 3, not ${level}`);
  if (kind === "table" && level === 3) throw new RangeError("there are no table descriptors at level 3");
  if (kind === "block" && !blockAllowed(context)) throw new RangeError(`no block may stand at level ${level} of the ${granule.name} granule`);
  if (kind === "reserved" && blockAllowed(context)) throw new RangeError(`bits 1:0 = 01 are a block at level ${level} of the ${granule.name} granule`);
  const fields = layout(kind, context);
  let value = TYPE_BITS[kind];
  let placed = 0;
  for (const field of fields) {
    const { key, high, low, role } = field;
    if (role === "address") {
      const width = high - low + 1;
      const part = Math.floor(address / 2 ** field.addressLow!) % 2 ** width;
      placed += part * 2 ** field.addressLow!;
      value |= BigInt(part) << BigInt(low);
      continue;
    }
    const given = key === "" ? undefined : values[key];
    if (given === undefined) continue;
    if (given < 0n || given >= 1n << BigInt(high - low + 1)) throw new RangeError(`${key}=${hex(given)} does not fit ${field.name}, ${high - low + 1} bits`);
    value |= given << BigInt(low);
  }
  const unknown = Object.keys(values).find((key) => !fields.some((field) => field.key === key));
  if (unknown !== undefined) throw new RangeError(`a ${kind} descriptor has no field ${unknown}`);
  if (placed !== address) throw new RangeError(`address ${hex(address)} has bits that a ${kind} descriptor of level ${level} cannot hold (${hex(placed)} would remain)`);
  return value;
}

/** The parts of a descriptor, so that `encodeDescriptor` gives it back. RES0 bits, which have no key, are lost. */
export function descriptorParts({ kind, fields, address }: DecodedDescriptor): DescriptorParts {
  const values: Record<string, bigint> = {};
  for (const { key, value } of fields) if (key !== "" && value !== 0n) values[key] = value;
  return { kind, values, ...(address !== undefined && { address }) };
}
