/**
 * Rules that Linux 6.12 keeps in the page tables of a user address space: encoding of entries, contiguous blocks, folios, copy-on-write.
 *
 * Linux: arch/arm64/include/asm/pgtable.h, pgtable-prot.h, pgalloc.h, arch/arm64/mm/contpte.c, include/linux/swap.h. The rules of the
 * architecture, which come first, are in emulator/validate/rules-arm.ts.
 */
import { hex } from "../../emulator/arch/addr.js";
import { type DescriptorContext, kindOf } from "../../emulator/validate/descriptor-fields.js";
import type { Finding, RunFinding } from "../../emulator/validate/rules-arm.js";
import { type Rule, ruleTable } from "../../emulator/validate/rule.js";
import { pteIsSwap, pteMkclean, pteMkold, ptePresentInvalid, pteSpecial, pteUser, pteUserExec, pteValid, pteValidCont, pteWrite, swpType } from "../../kernel-model/arch/arm64/pte.js";
import { PTE_DEVMAP, PTE_DIRTY, PTE_NG, PTE_PXN, PTE_RDONLY, PTE_SWBITS_MASK, PTE_WRITE } from "../../kernel-model/arch/arm64/pgtable-prot.js";

const ENCODING = "contpte, fault handling and reclaim read the entry as something that it is not";

/** Most important first. */
export const LINUX_RULES = ruleTable([
  { id: "L-CONT-HOLE", severity: "error", title: "if one entry of a block is valid and contiguous, all are", source: "contpte.c; spec invariant 2 (legal to the hardware: Arm IPGVGZ)", consequence: "ptep_get() and the batch functions take the whole block for mapped: they gather from, write to or free entries that are not its own" },
  { id: "L-CONT-PROT", severity: "error", title: "the software bits of a contiguous block are equal but for PTE_DIRTY", source: "contpte.c contpte_try_fold(); spec invariant 4", consequence: "one page's state (special, devmap, userfaultfd) is lost when the block is repainted" },
  { id: "L-CONT-FOLIO", severity: "error", title: "all pages of a contiguous block belong to one folio", source: "contpte.c __contpte_try_fold(); spec invariant 7", consequence: "access and dirty state, gathered over the block, is credited to a page of another folio" },
  { id: "L-PMD-FOLIO", severity: "error", title: "a level-2 block maps the whole of one folio from its start", source: "mm/huge_memory.c; spec invariant 7", consequence: "memory of another folio is mapped" },
  { id: "L-FRAME", severity: "error", title: "a mapped page belongs to a folio in use", source: "mm/memory.c; spec invariant 13", consequence: "the page may be reused while it is mapped: data of others is read or overwritten" },
  { id: "L-COW", severity: "error", title: "an anonymous page is writable only if it is exclusive to the address space", source: "mm/memory.c do_wp_page(), mm/rmap.h; spec invariant 10", consequence: "a write reaches a page that a child or another user shares" },
  { id: "L-EXCLUSIVE-TWICE", severity: "error", title: "an exclusive anonymous page is mapped once", source: "include/linux/page-flags.h PG_anon_exclusive; spec invariant 10", consequence: "two addresses share private memory without copy-on-write" },
  { id: "L-CONT-SPECIAL", severity: "error", title: "special entries are never contiguous", source: "contpte.c; spec invariant 11", consequence: "the zero page or a page frame map has no folio to gather for" },
  { id: "L-WRITE-RDONLY", severity: "error", title: "an entry that is not writable (PTE_WRITE) is read-only (PTE_RDONLY)", source: "pgtable.h pte_wrprotect(); spec invariant 12", consequence: "EL0 writes without a fault: copy-on-write and write protection are bypassed" },
  { id: "L-NG", severity: "error", title: "user entries belong to an ASID", source: "pgtable-prot.h PTE_NG; spec invariant 12", consequence: "the translation is global: other processes reach the page" },
  { id: "L-PXN", severity: "error", title: "user entries are not executable at EL1", source: "pgtable-prot.h PTE_PXN; spec invariant 12", consequence: "the kernel can be made to execute user memory" },
  { id: "L-USER", severity: "error", title: "a valid user entry gives EL0 some access", source: "pgtable-prot.h PAGE_*", consequence: "every access faults and no fault handler finds what to change: the task loops; PROT_NONE is invalid and present" },
  { id: "L-PROT-NONE", severity: "error", title: "a present-invalid page entry is PROT_NONE: USER = 0, UXN = 1", source: "pgtable.h pte_protnone(); spec invariant 12", consequence: ENCODING },
  { id: "L-SWAP-BITS", severity: "error", title: "bits 0, 1, 11 and the unused bits of a swap entry are clear", source: "pgtable.h __swp_entry_to_pte(); spec invariant 12", consequence: ENCODING },
  { id: "L-ATTRINDX", severity: "error", title: "AttrIndx is one of the five that Linux uses", source: "asm/memory.h MT_*", consequence: "the memory type is whatever MAIR_EL1 happens to hold" },
  { id: "L-SHARED", severity: "error", title: "user memory is Inner Shareable", source: "pgtable-prot.h PTE_SHARED", consequence: "other CPUs do not see the writes" },
  { id: "L-TABLE-BITS", severity: "error", title: "table entries carry no restriction but PXNTable", source: "pgalloc.h", consequence: "permissions that the leaf entries show are not those that hold" },
  { id: "L-TABLE-PXN", severity: "warning", title: "tables for user addresses have PXNTable set", source: "pgalloc.h pmd_populate()", consequence: "only the leaf entries keep the kernel from executing user memory" },
  { id: "L-DIRTY-CLEAN", severity: "warning", title: "a writable entry with PTE_DIRTY is not read-only", source: "pgtable.h pte_mkdirty()", consequence: "dirty for Linux, clean for the hardware: a write takes an avoidable fault without hardware dirty state" },
  { id: "L-CONT-BLOCK", severity: "warning", title: "contiguous level-2 and level-1 blocks exist for hugetlb only", source: "mm/hugetlbpage.c", consequence: "none if the area is hugetlb; contpte never makes them" },
  { id: "L-SOFTWARE", severity: "warning", title: "software bits that 6.12 does not use are clear", source: "pgtable-prot.h, PTE_SWBITS_MASK", consequence: "another kernel version wrote the entry, or it is damaged" },
  { id: "L-SWAP-KIND", severity: "warning", title: "non-present entries are swap entries", source: "include/linux/swap.h MAX_SWAPFILES", consequence: "migration, device, poison and marker entries are not modelled and not checked further" },
] as const satisfies readonly Rule[]);

export type LinuxRuleId = keyof typeof LINUX_RULES;

/** Swap types from here on are not swap, in a kernel with all of migration, device memory and memory failure handling configured. */
export const MAX_SWAPFILES = 23;
/** Names of the types from MAX_SWAPFILES on. */
export const SPECIAL_SWAP_TYPES = [
  "hwpoison",
  "migration (read)",
  "migration (read, exclusive)",
  "migration (write)",
  "device private (write)",
  "device private (read)",
  "device exclusive (write)",
  "device exclusive (read)",
  "PTE marker",
] as const;

/** Indexes into MAIR_EL1 that Linux uses: MT_NORMAL to MT_DEVICE_nGnRE. */
const NR_MEMORY_TYPES = 5n;
/** Bits of a swap entry that hold nothing: 0, 1, 4, 5, 11, 62, 63. */
const SWAP_ZERO = 0x833n | (3n << 62n);
/** Restrictions of a table descriptor other than PXNTable: UXNTable, APTable, NSTable; and ignored bits but AF. */
const TABLE_RESTRICTIONS = (1n << 60n) | (7n << 61n);
const TABLE_IGNORED = 0xbfcn | (0xffn << 51n);
const PXN_TABLE = 1n << 59n;
const SHARED = 3n << 8n;

function finding(id: LinuxRuleId, detail: string): Finding {
  return { rule: LINUX_RULES[id], detail };
}

/** What is wrong with one entry of a user page table by itself. */
export function checkLinuxEntry(value: bigint, context: DescriptorContext): Finding[] {
  if (value === 0n) return [];
  const kind = kindOf(value, context);
  if (kind === "table") return checkTableEntry(value);
  if (kind === "reserved") return [];
  if (kind === "invalid" && !ptePresentInvalid(value)) return checkSwapEntry(value);
  const found: Finding[] = [];
  if (!pteWrite(value) && (value & PTE_RDONLY) === 0n) found.push(finding("L-WRITE-RDONLY", hex(value)));
  if (!pteValid(value)) {
    // A block is present-invalid for the time of a change too, with all its rights.
    if (context.level === 3 && (pteUser(value) || pteUserExec(value))) found.push(finding("L-PROT-NONE", `${hex(value)} is present and invalid with USER = ${Number(pteUser(value))}, UXN = ${Number(!pteUserExec(value))}`));
    return [...found, ...checkSoftwareBits(value)];
  }
  if ((value & PTE_NG) === 0n) found.push(finding("L-NG", hex(value)));
  if ((value & PTE_PXN) === 0n) found.push(finding("L-PXN", hex(value)));
  if (!pteUser(value) && !pteUserExec(value)) found.push(finding("L-USER", hex(value)));
  if (((value >> 2n) & 7n) >= NR_MEMORY_TYPES) found.push(finding("L-ATTRINDX", `${hex(value)} has AttrIndx ${(value >> 2n) & 7n}`));
  if (!context.lpa2 && (value & SHARED) !== SHARED) found.push(finding("L-SHARED", `${hex(value)} has SH = ${(value >> 8n) & 3n}`));
  if (pteSpecial(value) && pteValidCont(value)) found.push(finding("L-CONT-SPECIAL", hex(value)));
  if (kind === "block" && pteValidCont(value)) found.push(finding("L-CONT-BLOCK", `${hex(value)} at level ${context.level}`));
  return [...found, ...checkSoftwareBits(value)];
}

function checkSoftwareBits(value: bigint): Finding[] {
  const found: Finding[] = [];
  const contradiction = PTE_WRITE | PTE_RDONLY | PTE_DIRTY;
  if ((value & contradiction) === contradiction) found.push(finding("L-DIRTY-CLEAN", hex(value)));
  if (((value & PTE_DEVMAP) | (value >> 63n)) !== 0n) found.push(finding("L-SOFTWARE", hex(value)));
  return found;
}

function checkTableEntry(value: bigint): Finding[] {
  const found: Finding[] = [];
  if ((value & (TABLE_RESTRICTIONS | TABLE_IGNORED)) !== 0n) found.push(finding("L-TABLE-BITS", `${hex(value)} has ${hex(value & (TABLE_RESTRICTIONS | TABLE_IGNORED))}`));
  if ((value & PXN_TABLE) === 0n) found.push(finding("L-TABLE-PXN", hex(value)));
  return found;
}

function checkSwapEntry(value: bigint): Finding[] {
  if ((value & SWAP_ZERO) !== 0n || !pteIsSwap(value)) return [finding("L-SWAP-BITS", `${hex(value)} has ${hex(value & SWAP_ZERO)}`)];
  const type = swpType(value);
  return type >= MAX_SWAPFILES ? [finding("L-SWAP-KIND", `${hex(value)}: type ${type}, ${SPECIAL_SWAP_TYPES[type - MAX_SWAPFILES]!}`)] : [];
}

/**
 * What is wrong, for Linux, with an aligned group of level-3 entries at least one of which is valid and contiguous. At most one finding per rule.
 */
export function checkLinuxRun(values: readonly bigint[]): RunFinding[] {
  const found: RunFinding[] = [];
  const first = values.findIndex(pteValidCont);
  if (first < 0) return [];
  const hole = values.findIndex((value) => !pteValid(value));
  if (hole >= 0) found.push({ ...finding("L-CONT-HOLE", `entry ${hole} is ${values[hole] === 0n ? "none" : hex(values[hole]!)}, entry ${first} ${hex(values[first]!)} is contiguous`), index: hole });
  const software = (value: bigint): bigint => pteMkold(pteMkclean(value)) & PTE_SWBITS_MASK;
  const odd = values.findIndex((value) => pteValid(value) && software(value) !== software(values[first]!));
  if (odd >= 0) found.push({ ...finding("L-CONT-PROT", `entry ${odd} ${hex(values[odd]!)} differs from entry ${first} ${hex(values[first]!)} in bits ${hex(software(values[odd]!) ^ software(values[first]!))}`), index: odd });
  return found;
}

/** A finding of `checkLinuxEntry` or `checkLinuxRun` of this identifier. */
export function linuxFinding(id: LinuxRuleId, detail: string): Finding {
  return finding(id, detail);
}
