/**
 * What Linux makes of the descriptor bits: its names for the hardware's, its own software bits, and the protections of user pages.
 *
 * Linux: arch/arm64/include/asm/pgtable-prot.h, pgtable-hwdef.h, arch/arm64/mm/mmap.c vm_get_page_prot().
 */
import {
  DESC_AF,
  DESC_AP1,
  DESC_AP2,
  DESC_ATTRINDX,
  DESC_CONTIGUOUS,
  DESC_DBM,
  DESC_GP,
  DESC_NG,
  DESC_POINDEX,
  DESC_PXN,
  DESC_PXNTABLE,
  DESC_SH,
  DESC_TABLE,
  DESC_UXN,
  DESC_VALID,
} from "../../../emulator/arch/descriptor.js";
import { VM_EXEC, VM_READ, VM_SHARED, VM_WRITE } from "../../mm/vma.js";

/* Hardware bits under Linux's names. */
export const PTE_VALID = DESC_VALID;
/** Bit 1: page at level 3, table above. A PMD without it is a block. */
export const PTE_TABLE_BIT = DESC_TABLE;
export const PTE_TYPE_PAGE = DESC_VALID | DESC_TABLE;
export const PMD_TYPE_MASK = DESC_VALID | DESC_TABLE;
export const PMD_TYPE_TABLE = DESC_VALID | DESC_TABLE;
/** Tables for user addresses forbid execution at EL1. */
export const PMD_TABLE_PXN = DESC_PXNTABLE;
/** Memory type: index into MAIR_EL1. 0 is Normal write-back, 1 Normal Tagged. */
export const PTE_ATTRINDX_MASK = DESC_ATTRINDX;
export const PTE_ATTRINDX_NORMAL = 0n;
/** EL0 may access. Clear in execute-only and PROT_NONE entries. */
export const PTE_USER = DESC_AP1;
/** Not writable now; together with PTE_WRITE: writable and clean. */
export const PTE_RDONLY = DESC_AP2;
/** Inner shareable. */
export const PTE_SHARED = DESC_SH;
export const PTE_AF = DESC_AF;
export const PTE_NG = DESC_NG;
export const PTE_GP = DESC_GP;
export const PTE_CONT = DESC_CONTIGUOUS;
export const PTE_PXN = DESC_PXN;
export const PTE_UXN = DESC_UXN;
export const PTE_PO_IDX_MASK = DESC_POINDEX;

/* Linux's own bits. */
/** The mapping may be written: the hardware's DBM, so that a write to a writable-clean page needs no fault. */
export const PTE_WRITE = DESC_DBM;
/** Dirty, remembered in software. */
export const PTE_DIRTY = 1n << 55n;
/** No struct page behind it to count: the zero page, page frame maps. */
export const PTE_SPECIAL = 1n << 56n;
export const PTE_DEVMAP = 1n << 57n;
export const PTE_UFFD_WP = 1n << 58n;
/** With PTE_VALID clear: present for Linux, a fault for the hardware. The bit is nG, set in every user entry. */
export const PTE_PRESENT_INVALID = PTE_NG;
/** Bits 58:55 and 63. Linux: PTE_SWBITS_MASK. */
export const PTE_SWBITS_MASK = (1n << 63n) | (0xfn << 55n);

/** In a swap entry: the page was exclusive to its mm when it was swapped out. */
export const PTE_SWP_EXCLUSIVE = 1n << 2n;
export const PTE_SWP_UFFD_WP = 1n << 3n;

const PAGE_DEFAULT = PTE_TYPE_PAGE | PTE_AF | PTE_SHARED | PTE_ATTRINDX_NORMAL;

/** PROT_NONE: present-invalid, with neither read nor execute permission for EL0. */
export const PAGE_NONE = (PAGE_DEFAULT & ~PTE_VALID) | PTE_PRESENT_INVALID | PTE_RDONLY | PTE_NG | PTE_PXN | PTE_UXN;
/** Writable shared pages start clean. */
export const PAGE_SHARED = PAGE_DEFAULT | PTE_USER | PTE_RDONLY | PTE_NG | PTE_PXN | PTE_UXN | PTE_WRITE;
export const PAGE_SHARED_EXEC = PAGE_DEFAULT | PTE_USER | PTE_RDONLY | PTE_NG | PTE_PXN | PTE_WRITE;
export const PAGE_READONLY = PAGE_DEFAULT | PTE_USER | PTE_RDONLY | PTE_NG | PTE_PXN | PTE_UXN;
export const PAGE_READONLY_EXEC = PAGE_DEFAULT | PTE_USER | PTE_RDONLY | PTE_NG | PTE_PXN;

/** Indexed by VM_READ | VM_WRITE | VM_EXEC | VM_SHARED. Private writable areas start read-only: the first write copies. */
const PROTECTION_MAP: readonly bigint[] = [
  /* private */
  PAGE_NONE,
  PAGE_READONLY,
  PAGE_READONLY,
  PAGE_READONLY,
  PAGE_READONLY_EXEC,
  PAGE_READONLY_EXEC,
  PAGE_READONLY_EXEC,
  PAGE_READONLY_EXEC,
  /* shared */
  PAGE_NONE,
  PAGE_READONLY,
  PAGE_SHARED,
  PAGE_SHARED,
  PAGE_READONLY_EXEC,
  PAGE_READONLY_EXEC,
  PAGE_SHARED_EXEC,
  PAGE_SHARED_EXEC,
];

/**
 * Protection of a fresh mapping in an area with these VM_* flags: vm_get_page_prot() on a CPU without Enhanced PAN, so an
 * execute-only area is readable as well. `lpa2`: TCR_EL1.DS is set and the shareability field holds address bits.
 */
export function protectionMap(vmFlags: number, lpa2 = false): bigint {
  const prot = PROTECTION_MAP[vmFlags & (VM_READ | VM_WRITE | VM_EXEC | VM_SHARED)]!;
  return lpa2 ? prot & ~PTE_SHARED : prot;
}
