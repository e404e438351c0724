/**
 * Tests and transformations of one page-table entry value. Pure functions on bigint; entries in memory belong to pgtable.ts.
 *
 * Writable and dirty are two bits each (D = PTE_DIRTY):
 *
 *   clean, read-only    RDONLY         clean, writable    RDONLY WRITE
 *   dirty, read-only    RDONLY D       dirty, writable    WRITE, D or not
 *
 * Linux: arch/arm64/include/asm/pgtable.h (pte_*, pmd_*, __swp_*).
 */
import type { Pa } from "../../../emulator/arch/addr.js";
import {
  PMD_TYPE_MASK,
  PMD_TYPE_TABLE,
  PTE_AF,
  PTE_ATTRINDX_MASK,
  PTE_CONT,
  PTE_DIRTY,
  PTE_GP,
  PTE_PO_IDX_MASK,
  PTE_PRESENT_INVALID,
  PTE_PXN,
  PTE_RDONLY,
  PTE_SPECIAL,
  PTE_SWP_EXCLUSIVE,
  PTE_TABLE_BIT,
  PTE_TYPE_PAGE,
  PTE_USER,
  PTE_UXN,
  PTE_VALID,
  PTE_WRITE,
} from "./pgtable-prot.js";

/**
 * Address field of an entry: bits 49 to 12. One mask serves the three granules, because the bits between bit 12 and the page
 * size are zero as long as no physical address exceeds 48 bits.
 */
export const PTE_ADDR_MASK = ((1n << 50n) - 1n) & ~0xfffn;

export const pteNone = (pte: bigint): boolean => pte === 0n;
/** The hardware may use the entry, and a TLB may hold it whatever its access flag says (pte_accessible). */
export const pteValid = (pte: bigint): boolean => (pte & PTE_VALID) !== 0n;
/** Invalid for the hardware with all fields kept: PROT_NONE and PMDs under change. */
export const ptePresentInvalid = (pte: bigint): boolean => (pte & (PTE_VALID | PTE_PRESENT_INVALID)) === PTE_PRESENT_INVALID;
/** A page is mapped here: valid or present-invalid. */
export const ptePresent = (pte: bigint): boolean => (pte & (PTE_VALID | PTE_PRESENT_INVALID)) !== 0n;

/* The following make sense only for present entries. */
export const pteYoung = (pte: bigint): boolean => (pte & PTE_AF) !== 0n;
export const pteWrite = (pte: bigint): boolean => (pte & PTE_WRITE) !== 0n;
export const pteRdonly = (pte: bigint): boolean => (pte & PTE_RDONLY) !== 0n;
export const pteUser = (pte: bigint): boolean => (pte & PTE_USER) !== 0n;
export const pteUserExec = (pte: bigint): boolean => (pte & PTE_UXN) === 0n;
export const pteSpecial = (pte: bigint): boolean => (pte & PTE_SPECIAL) !== 0n;
export const pteCont = (pte: bigint): boolean => (pte & PTE_CONT) !== 0n;
export const pteValidCont = (pte: bigint): boolean => (pte & (PTE_VALID | PTE_CONT)) === (PTE_VALID | PTE_CONT);
export const pteHwDirty = (pte: bigint): boolean => (pte & (PTE_WRITE | PTE_RDONLY)) === PTE_WRITE;
export const pteSwDirty = (pte: bigint): boolean => (pte & PTE_DIRTY) !== 0n;
export const pteDirty = (pte: bigint): boolean => pteSwDirty(pte) || pteHwDirty(pte);
/** The unique encoding of PROT_NONE among the present-invalid entries. */
export const pteProtnone = (pte: bigint): boolean => ptePresentInvalid(pte) && !pteUser(pte) && !pteUserExec(pte);
/** EL0 could read, or with `write` write, through this entry (execute-only pages: no). */
export const pteAccessPermitted = (pte: bigint, write: boolean): boolean =>
  (pte & (PTE_VALID | PTE_USER)) === (PTE_VALID | PTE_USER) && (!write || pteWrite(pte));
export const pteSame = (a: bigint, b: bigint): boolean => a === b;

/** Address of the page, or of the first byte of the block, that the entry maps. */
export const pteToPhys = (pte: bigint): Pa => Number(pte & PTE_ADDR_MASK) as Pa;
/** All bits but the address (pte_pgprot). */
export const ptePgprot = (pte: bigint): bigint => pte & ~PTE_ADDR_MASK;

export const pteMkyoung = (pte: bigint): bigint => pte | PTE_AF;
export const pteMkold = (pte: bigint): bigint => pte & ~PTE_AF;
export const pteMkclean = (pte: bigint): bigint => (pte & ~PTE_DIRTY) | PTE_RDONLY;
export const pteMkspecial = (pte: bigint): bigint => pte | PTE_SPECIAL;
/** Sets the type bits too, as 6.12 does; so never call it on an invalid entry. */
export const pteMkcont = (pte: bigint): bigint => pte | PTE_CONT | PTE_TYPE_PAGE;
export const pteMknoncont = (pte: bigint): bigint => pte & ~PTE_CONT;
export const pteMkinvalid = (pte: bigint): bigint => (pte | PTE_PRESENT_INVALID) & ~PTE_VALID;

/** Dirty, and for a writable entry dirty in the hardware's way as well. */
export function pteMkdirty(pte: bigint): bigint {
  const dirty = pte | PTE_DIRTY;
  return pteWrite(dirty) ? dirty & ~PTE_RDONLY : dirty;
}

/** Writable; a clean entry stays clean (pte_mkwrite_novma with the fix of 6.18, which 6.12 stable carries). */
export function pteMkwrite(pte: bigint): bigint {
  const writable = pte | PTE_WRITE;
  return pteSwDirty(writable) ? writable & ~PTE_RDONLY : writable;
}

/** Not writable; what the hardware knew of dirtiness moves to PTE_DIRTY. */
export function pteWrprotect(pte: bigint): bigint {
  const saved = pteHwDirty(pte) ? pte | PTE_DIRTY : pte;
  return (saved & ~PTE_WRITE) | PTE_RDONLY;
}

const MODIFY_MASK = PTE_USER | PTE_PXN | PTE_UXN | PTE_RDONLY | PTE_PRESENT_INVALID | PTE_VALID | PTE_WRITE | PTE_GP | PTE_ATTRINDX_MASK | PTE_PO_IDX_MASK;

/** The entry with the permissions of `prot`; address, young and dirty are kept. */
export function pteModify(pte: bigint, prot: bigint): bigint {
  const saved = pteHwDirty(pte) ? pte | PTE_DIRTY : pte;
  const modified = (saved & ~MODIFY_MASK) | (prot & MODIFY_MASK);
  return pteSwDirty(modified) ? pteMkdirty(modified) : modified;
}

/* Level-2 entries have the same layout; only the type bit differs. */
export const pmdNone = pteNone;
export const pmdPresent = ptePresent;
export const pmdValid = pteValid;
export const pmdYoung = pteYoung;
export const pmdDirty = pteDirty;
export const pmdWrite = pteWrite;
export const pmdSpecial = pteSpecial;
export const pmdUserExec = pteUserExec;
export const pmdProtnone = pteProtnone;
export const pmdSame = pteSame;
export const pmdMkyoung = pteMkyoung;
export const pmdMkold = pteMkold;
export const pmdMkdirty = pteMkdirty;
export const pmdMkclean = pteMkclean;
export const pmdMkwrite = pteMkwrite;
export const pmdWrprotect = pteWrprotect;
export const pmdMkspecial = pteMkspecial;
export const pmdMkinvalid = pteMkinvalid;
export const pmdModify = pteModify;
export const pmdPgprot = ptePgprot;
export const pmdToPhys = pteToPhys;
/** The entry points to a table of level 3. */
export const pmdTable = (pmd: bigint): boolean => (pmd & PMD_TYPE_MASK) === PMD_TYPE_TABLE;
export const pmdBad = (pmd: bigint): boolean => !pmdTable(pmd);
export const pmdLeaf = (pmd: bigint): boolean => pmdPresent(pmd) && !pmdTable(pmd);
/** A block, present-invalid ones included. */
export const pmdTransHuge = (pmd: bigint): boolean => pmd !== 0n && pmdPresent(pmd) && !pmdTable(pmd | PTE_VALID);
/** A page entry turned into a block entry. */
export const pmdMkhuge = (pmd: bigint): bigint => pmd & ~PTE_TABLE_BIT;

/* Swap entries: neither none nor present. Type in bits 10:6, offset in bits 61:12. */
const SWP_TYPE_SHIFT = 6n;
const SWP_TYPE_MASK = 0x1fn;
const SWP_OFFSET_SHIFT = 12n;
const SWP_OFFSET_MASK = (1n << 50n) - 1n;

export const pteIsSwap = (pte: bigint): boolean => pte !== 0n && !ptePresent(pte);
/** Entry for slot `offset` of swap area `type` (0 to 31), not exclusive. */
export const swpEntryToPte = (type: number, offset: number): bigint => (BigInt(type) << SWP_TYPE_SHIFT) | (BigInt(offset) << SWP_OFFSET_SHIFT);
export const swpType = (pte: bigint): number => Number((pte >> SWP_TYPE_SHIFT) & SWP_TYPE_MASK);
export const swpOffset = (pte: bigint): number => Number((pte >> SWP_OFFSET_SHIFT) & SWP_OFFSET_MASK);
export const pteSwpExclusive = (pte: bigint): boolean => (pte & PTE_SWP_EXCLUSIVE) !== 0n;
export const pteSwpMkexclusive = (pte: bigint): bigint => pte | PTE_SWP_EXCLUSIVE;
export const pteSwpClearExclusive = (pte: bigint): bigint => pte & ~PTE_SWP_EXCLUSIVE;
