/**
 * What Linux 6.12 calls the bits of an entry, and what it takes the entry for: present, PROT_NONE, swap, one of the kinds that share the swap form.
 *
 * Linux: arch/arm64/include/asm/pgtable-hwdef.h, pgtable-prot.h, pgtable.h, include/linux/swap.h.
 */
import { hex } from "../../emulator/arch/addr.js";
import type { DecodedField, DescriptorContext } from "../../emulator/validate/descriptor-fields.js";
import { decodeDescriptor, kindOf } from "../../emulator/validate/descriptor-fields.js";
import { pteDirty, pteHwDirty, ptePresentInvalid, pteProtnone, pteRdonly, pteSpecial, pteSwDirty, pteSwpExclusive, pteUser, pteUserExec, pteValid, pteWrite, pteYoung, swpOffset, swpType } from "../../kernel-model/arch/arm64/pte.js";
import { PTE_SWP_UFFD_WP, PTE_UFFD_WP } from "../../kernel-model/arch/arm64/pgtable-prot.js";
import { MAX_SWAPFILES, SPECIAL_SWAP_TYPES } from "../validate/rules-linux.js";

/** Linux's name of a leaf's field, by key or, for fixed bits, by Arm's name. */
const LEAF_NAMES: Readonly<Record<string, string>> = {
  Valid: "PTE_VALID",
  Type: "PTE_TABLE_BIT",
  attr: "PTE_ATTRINDX(n)",
  ap: "PTE_USER (bit 6), PTE_RDONLY (bit 7)",
  sh: "PTE_SHARED",
  af: "PTE_AF",
  ng: "PTE_NG",
  gp: "PTE_GP",
  dbm: "PTE_WRITE = PTE_DBM",
  cont: "PTE_CONT",
  pxn: "PTE_PXN",
  uxn: "PTE_UXN",
  sw: "PTE_DIRTY (55) PTE_SPECIAL (56) PTE_DEVMAP (57) PTE_UFFD_WP (58)",
  poindex: "PTE_PO_IDX_0..2",
};
const TABLE_NAMES: Readonly<Record<string, string>> = { Valid: "PMD_TYPE_TABLE", Type: "PMD_TYPE_TABLE", pxntable: "PMD_TABLE_PXN, PUD_TABLE_PXN", uxntable: "PMD_TABLE_UXN, PUD_TABLE_UXN" };
const MEMORY_TYPES = ["MT_NORMAL", "MT_NORMAL_TAGGED", "MT_NORMAL_NC", "MT_DEVICE_nGnRnE", "MT_DEVICE_nGnRE"] as const;
const SOFTWARE_BITS = ["PTE_DIRTY", "PTE_SPECIAL", "PTE_DEVMAP", "PTE_UFFD_WP"] as const;

/** Linux's name for what stands in a field, for the column beside Arm's; "" where Linux has none. */
export function linuxName(field: DecodedField, kind: "table" | "block" | "page"): string {
  const id = field.key === "" ? field.name : field.key;
  if (kind === "table") return TABLE_NAMES[id] ?? "";
  const value = Number(field.value);
  if (id === "attr") return `PTE_ATTRINDX(${MEMORY_TYPES[value] ?? value})`;
  if (id === "ap") return [(value & 1) !== 0 ? "PTE_USER" : "", (value & 2) !== 0 ? "PTE_RDONLY" : ""].filter((name) => name !== "").join(" ");
  if (id === "sw" && value !== 0) return SOFTWARE_BITS.filter((_, bit) => ((value >> bit) & 1) !== 0).join(" ");
  return LEAF_NAMES[id] ?? "";
}

/** What Linux takes an entry of a user table for. */
export type LinuxState = "none" | "table" | "present" | "prot-none" | "present-invalid" | "swap" | "not-modelled" | "malformed";

export interface LinuxEntry {
  readonly state: LinuxState;
  /** In Linux's words. */
  readonly text: string;
}

function presentText(value: bigint): string {
  const words = [pteYoung(value) ? "young" : "old"];
  if (!pteDirty(value)) words.push("clean");
  else words.push(`dirty (${[pteHwDirty(value) ? "hardware: WRITE and not RDONLY" : "", pteSwDirty(value) ? "PTE_DIRTY" : ""].filter((part) => part !== "").join(", ")})`);
  words.push(pteWrite(value) ? (pteRdonly(value) ? "writable, the first write makes it dirty" : "writable") : "read-only");
  if (pteUserExec(value)) words.push(pteUser(value) ? "executable" : "execute-only");
  if (pteSpecial(value)) words.push("special: no folio behind it (zero page, page frame map)");
  if ((value & PTE_UFFD_WP) !== 0n) words.push("write-protected by userfaultfd");
  return words.join(", ");
}

/** What Linux makes of an entry at this place. */
export function linuxEntry(value: bigint, context: DescriptorContext): LinuxEntry {
  if (value === 0n) return { state: "none", text: "none: nothing is mapped" };
  const kind = kindOf(value, context);
  if (kind === "table") return { state: "table", text: "a table of the next level" };
  if (kind === "reserved") return { state: "malformed", text: "valid, but neither a table nor a leaf: Linux never writes this" };
  if (pteValid(value)) return { state: "present", text: `present: ${presentText(value)}` };
  if (pteProtnone(value)) return { state: "prot-none", text: `present and invalid: PROT_NONE, ${presentText(value)}` };
  if (ptePresentInvalid(value)) return { state: "present-invalid", text: `present and invalid (PTE_PRESENT_INVALID), and not PROT_NONE: a block under change, ${presentText(value)}` };
  if ((value & 3n) !== 0n) return { state: "malformed", text: "neither valid nor present nor a swap entry: bit 1 is set" };
  const type = swpType(value);
  const offset = hex(swpOffset(value));
  if (type >= MAX_SWAPFILES) return { state: "not-modelled", text: `${SPECIAL_SWAP_TYPES[type - MAX_SWAPFILES]!} entry in the form of a swap entry (type ${type}, offset ${offset}), if the kernel has all kinds configured: not modelled` };
  const flags = [pteSwpExclusive(value) ? "exclusive" : "", (value & PTE_SWP_UFFD_WP) !== 0n ? "write-protected by userfaultfd" : ""].filter((flag) => flag !== "");
  return { state: "swap", text: `swap entry: type ${type}, offset ${offset}${flags.length === 0 ? "" : `, ${flags.join(", ")}`}` };
}

/** A field of an entry that only Linux reads. */
export interface LinuxField {
  readonly high: number;
  readonly low: number;
  readonly name: string;
  readonly value: bigint;
  readonly text: string;
}

function bits(value: bigint, high: number, low: number): bigint {
  return (value >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n);
}

/**
 * The fields of an invalid entry as Linux reads them: those of a swap entry, or, of a present-invalid one, those that the hardware would
 * read if it were valid. None for an entry that is empty or malformed.
 */
export function linuxFields(value: bigint, context: DescriptorContext): LinuxField[] {
  const { state } = linuxEntry(value, context);
  const field = (high: number, low: number, name: string, text: string): LinuxField => ({ high, low, name, value: bits(value, high, low), text });
  if (state === "swap" || state === "not-modelled") {
    return [
      field(1, 0, "type bits", "0: not valid"),
      field(2, 2, "PTE_SWP_EXCLUSIVE", pteSwpExclusive(value) ? "was exclusive to its address space" : ""),
      field(3, 3, "PTE_SWP_UFFD_WP", ""),
      field(10, 6, "__SWP_TYPE", state === "swap" ? "swap area" : "kind of entry"),
      field(11, 11, "PTE_PRESENT_INVALID", "0: not present"),
      field(61, 12, "__SWP_OFFSET", ""),
    ];
  }
  if (state !== "prot-none" && state !== "present-invalid") return [];
  const type = context.level === 3 ? "page" : "block";
  return decodeDescriptor(value | 1n, context).fields.flatMap((decoded): LinuxField[] => {
    if (decoded.name === "Valid") return [field(0, 0, "PTE_VALID", "0: the hardware faults")];
    if (decoded.key === "ng") return [field(11, 11, "PTE_PRESENT_INVALID", "present for Linux (the bit is PTE_NG when valid)")];
    const name = linuxName(decoded, type);
    const address = decoded.role === "address" ? hex(Number(decoded.value) * 2 ** decoded.addressLow!) : "";
    return name === "" && address === "" ? [] : [field(decoded.high, decoded.low, name === "" ? decoded.name : name, address === "" ? decoded.text : address)];
  });
}
