/**
 * Page-table entries as they lie in memory: the private, contiguous-unaware operations that Linux writes with two underscores.
 *
 * Loops run on the two u32 words of a descriptor; a bigint is made only where a value leaves the file. Each operation counts
 * the entries it writes (stores, exchanges and compare-exchanges alike).
 *
 * Linux: arch/arm64/include/asm/pgtable.h __set_ptes(), __ptep_get_and_clear() and relatives, arch/arm64/mm/fault.c
 * __ptep_set_access_flags(), arch/arm64/mm/mmu.c pgattr_change_is_safe().
 */
import type { Pa } from "../../../emulator/arch/addr.js";
import { HI_CONTIGUOUS, HI_DBM, LO_AF, LO_AP2, LO_NG, LO_TABLE, LO_VALID } from "../../../emulator/arch/descriptor.js";
import { ModelBug } from "../../../emulator/arch/errors.js";
import type { Granule } from "../../../emulator/arch/granule.js";
import type { PhysicalMemory } from "../../../emulator/memory/physical-memory.js";
import { pteToPhys, pteValid } from "./pte.js";
import { PTE_AF, PTE_CONT, PTE_DIRTY, PTE_NG, PTE_PXN, PTE_RDONLY, PTE_SWBITS_MASK, PTE_WRITE } from "./pgtable-prot.js";

/* Words of the bits that the loops touch. PTE_DIRTY is bit 55, PTE_SPECIAL bit 56. */
const LO_RDONLY = LO_AP2;
const HI_WRITE = HI_DBM;
const HI_DIRTY = 1 << (55 - 32);
const HI_SPECIAL = 1 << (56 - 32);
/** Bits 49:32 of the address. */
const HI_ADDR = 0x3ffff;

/** What the contpte layer and its callers did. */
export interface ContpteCounters {
  /** Blocks that contpte_set_ptes() mapped with PTE_CONT at once. */
  setPtesBlocks: number;
  /** contpte_convert() to and from PTE_CONT, and both together. */
  fold: number;
  unfold: number;
  convert: number;
  /** Entries of the layer's functions, as kprobes on a real kernel count them; see contpte.ts. */
  tryFold: number;
  tryUnfold: number;
  setPtes: number;
  clearFullPtes: number;
  getAndClearFullPtes: number;
  wrprotectPtes: number;
  setAccessFlags: number;
  testClearYoung: number;
  clearFlushYoung: number;
  clearYoungDirty: number;
  unfoldPartial: number;
  /** Descriptor loads by ptep_get(): 1, or 1 + N where PTE_CONT is set. */
  ptepGetLoads: number;
  /** Level-3 entries written: stores, exchanges, compare-exchanges. */
  pteStores: number;
}

export function createContpteCounters(): ContpteCounters {
  return {
    setPtesBlocks: 0,
    fold: 0,
    unfold: 0,
    convert: 0,
    tryFold: 0,
    tryUnfold: 0,
    setPtes: 0,
    clearFullPtes: 0,
    getAndClearFullPtes: 0,
    wrprotectPtes: 0,
    setAccessFlags: 0,
    testClearYoung: 0,
    clearFlushYoung: 0,
    clearYoungDirty: 0,
    unfoldPartial: 0,
    ptepGetLoads: 0,
    pteStores: 0,
  };
}

/** Which of AF and dirty clear_young_dirty_ptes() takes away. Linux: cydp_t. */
export interface ClearYoungDirty {
  readonly young: boolean;
  readonly dirty: boolean;
}

/** Attributes that may change in a live entry without break-before-make. */
const LIVE_CHANGE = PTE_PXN | PTE_RDONLY | PTE_WRITE | PTE_NG | PTE_SWBITS_MASK;

/**
 * True if a valid entry may be overwritten by another valid one: same page, not contiguous, no change but of write permission
 * and software bits. Linux: pgattr_change_is_safe(), without memory tagging.
 */
export function pgattrChangeIsSafe(old: bigint, next: bigint): boolean {
  if (!pteValid(old) || !pteValid(next)) return true;
  if (pteToPhys(old) !== pteToPhys(next)) return false;
  if (((old | next) & PTE_CONT) !== 0n) return false;
  if ((old & ~next & PTE_NG) !== 0n) return false;
  return ((old ^ next) & ~LIVE_CHANGE) === 0n;
}

export class RawPte {
  readonly counters: ContpteCounters;
  private readonly u32: Uint32Array;
  private readonly u64: BigUint64Array;
  private readonly pageSize: number;

  constructor(memory: PhysicalMemory, granule: Granule, counters: ContpteCounters) {
    this.u32 = memory.u32;
    this.u64 = memory.u64;
    this.pageSize = granule.pageSize;
    this.counters = counters;
  }

  get(ptep: Pa): bigint {
    return this.u64[word(ptep) / 2]!;
  }

  /** A store to any table level; not counted. */
  set(ptep: Pa, value: bigint): void {
    this.u64[word(ptep) / 2] = value;
  }

  isNone(ptep: Pa): boolean {
    const i = word(ptep);
    return this.u32[i] === 0 && this.u32[i + 1] === 0;
  }

  isValid(ptep: Pa): boolean {
    return (this.u32[word(ptep)]! & LO_VALID) !== 0;
  }

  /** A page is mapped here: valid, or present-invalid, whose bit is nG. */
  isPresent(ptep: Pa): boolean {
    return (this.u32[word(ptep)]! & (LO_VALID | LO_NG)) !== 0;
  }

  isSpecial(ptep: Pa): boolean {
    return (this.u32[word(ptep) + 1]! & HI_SPECIAL) !== 0;
  }

  /** A level-2 entry that points to a table. */
  isTable(pmdp: Pa): boolean {
    return (this.u32[word(pmdp)]! & (LO_VALID | LO_TABLE)) === (LO_VALID | LO_TABLE);
  }

  isCont(ptep: Pa): boolean {
    return (this.u32[word(ptep) + 1]! & HI_CONTIGUOUS) !== 0;
  }

  isValidCont(ptep: Pa): boolean {
    const i = word(ptep);
    return (this.u32[i + 1]! & HI_CONTIGUOUS) !== 0 && (this.u32[i]! & LO_VALID) !== 0;
  }

  isWrite(ptep: Pa): boolean {
    return (this.u32[word(ptep) + 1]! & HI_WRITE) !== 0;
  }

  /** __set_ptes(): `nr` entries from `pte`, the address growing by one page each. */
  setPtes(ptep: Pa, pte: bigint, nr: number): void {
    this.counters.pteStores += nr;
    const at = word(ptep) / 2;
    this.u64[at] = pte;
    if (nr === 1) return;
    const { u32, pageSize } = this;
    let i = at * 2;
    let lo = u32[i]!;
    let hi = u32[i + 1]!;
    for (const end = i + 2 * nr; (i += 2) < end; ) {
      lo = (lo + pageSize) >>> 0;
      if (lo < pageSize) hi++;
      u32[i] = lo;
      u32[i + 1] = hi;
    }
  }

  /** __ptep_get_and_clear(). */
  getAndClear(ptep: Pa): bigint {
    const at = word(ptep) / 2;
    const pte = this.u64[at]!;
    this.u64[at] = 0n;
    this.counters.pteStores++;
    return pte;
  }

  /** __clear_full_ptes(). */
  clearFull(ptep: Pa, nr: number): void {
    const { u32 } = this;
    this.counters.pteStores += nr;
    let i = word(ptep);
    for (const end = i + 2 * nr; i < end; i++) u32[i] = 0;
  }

  /** __get_and_clear_full_ptes(): the first value, young and dirty if any of the `nr` was. */
  getAndClearFull(ptep: Pa, nr: number): bigint {
    const gathered = this.gather(ptep, this.get(ptep), nr);
    this.clearFull(ptep, nr);
    return gathered;
  }

  /** `pte` made young and dirty if any of the `nr` entries from `ptep` is. */
  gather(ptep: Pa, pte: bigint, nr: number): bigint {
    const { u32 } = this;
    let young = 0;
    let dirty = false;
    let i = word(ptep);
    for (const end = i + 2 * nr; i < end; i += 2) {
      const lo = u32[i]!;
      const hi = u32[i + 1]!;
      young |= lo;
      dirty ||= isDirty(lo, hi);
    }
    let result = pte;
    if (dirty) {
      result |= PTE_DIRTY;
      if ((result & PTE_WRITE) !== 0n) result &= ~PTE_RDONLY;
    }
    return (young & LO_AF) === 0 ? result : result | PTE_AF;
  }

  /** __ptep_test_and_clear_young() on `nr` entries: was one or more of them young? */
  testAndClearYoung(ptep: Pa, nr: number): boolean {
    const { u32 } = this;
    this.counters.pteStores += nr;
    let young = 0;
    let i = word(ptep);
    for (const end = i + 2 * nr; i < end; i += 2) {
      const lo = u32[i]!;
      young |= lo;
      u32[i] = lo & ~LO_AF;
    }
    return (young & LO_AF) !== 0;
  }

  /** __wrprotect_ptes(): hardware dirtiness moves to PTE_DIRTY. */
  wrprotect(ptep: Pa, nr: number): void {
    const { u32 } = this;
    this.counters.pteStores += nr;
    let i = word(ptep);
    for (const end = i + 2 * nr; i < end; i += 2) {
      const lo = u32[i]!;
      const hi = u32[i + 1]!;
      u32[i] = lo | LO_RDONLY;
      u32[i + 1] = ((hi & HI_WRITE) !== 0 && (lo & LO_RDONLY) === 0 ? hi | HI_DIRTY : hi) & ~HI_WRITE;
    }
  }

  /** __clear_young_dirty_ptes(): made old and, or, clean. */
  clearYoungDirty(ptep: Pa, nr: number, { young, dirty }: ClearYoungDirty): void {
    const { u32 } = this;
    this.counters.pteStores += nr;
    let i = word(ptep);
    for (const end = i + 2 * nr; i < end; i += 2) {
      if (young) u32[i]! &= ~LO_AF;
      if (dirty) {
        u32[i]! |= LO_RDONLY;
        u32[i + 1]! &= ~HI_DIRTY;
      }
    }
  }

  /**
   * __ptep_set_access_flags() without its flush: AF, dirty and write permission of `entry` are added to the entry in memory,
   * never taken away. Returns whether the two differed in any bit.
   */
  setAccessFlags(ptep: Pa, entry: bigint): boolean {
    const pte = this.get(ptep);
    if (pte === entry) return false;
    const flags = (entry & (PTE_RDONLY | PTE_AF | PTE_WRITE | PTE_DIRTY)) ^ PTE_RDONLY;
    this.u64[word(ptep) / 2] = ((pte ^ PTE_RDONLY) | flags) ^ PTE_RDONLY;
    this.counters.pteStores++;
    return true;
  }

  /**
   * True if the `nr` entries from `ptep`, made old and clean, equal `expected` with the address growing by one page each.
   * Pre: `expected` is old and clean.
   */
  areUniform(ptep: Pa, expected: bigint, nr: number): boolean {
    const { u32, pageSize } = this;
    let lo = Number(expected & 0xffffffffn);
    let hi = Number(expected >> 32n);
    let i = word(ptep);
    for (const end = i + 2 * nr; i < end; i += 2) {
      if (((u32[i]! & ~LO_AF) | LO_RDONLY) >>> 0 !== lo || (u32[i + 1]! & ~HI_DIRTY) >>> 0 !== hi) return false;
      lo = (lo + pageSize) >>> 0;
      if (lo < pageSize) hi++;
    }
    return true;
  }

  /** True if all `nr` entries have the RDONLY, AF, WRITE and DIRTY bits of `entry`. */
  haveAccessFlags(ptep: Pa, entry: bigint, nr: number): boolean {
    const { u32 } = this;
    const lo = Number(entry & (PTE_RDONLY | PTE_AF));
    const hi = Number((entry & (PTE_WRITE | PTE_DIRTY)) >> 32n);
    let i = word(ptep);
    for (const end = i + 2 * nr; i < end; i += 2) {
      if ((u32[i]! & (LO_RDONLY | LO_AF)) !== lo || (u32[i + 1]! & (HI_WRITE | HI_DIRTY)) !== hi) return false;
    }
    return true;
  }

  /** Address field of a table, block or page entry in memory. */
  address(ptep: Pa): Pa {
    const i = word(ptep);
    const low = this.u32[i]!;
    return ((this.u32[i + 1]! & HI_ADDR) * 2 ** 32 + ((low & ~(this.pageSize - 1)) >>> 0)) as Pa;
  }

  /** True if any of the `nr` entries from `ptep` is valid. */
  anyValid(ptep: Pa, nr: number): boolean {
    const { u32 } = this;
    let i = word(ptep);
    for (const end = i + 2 * nr; i < end; i += 2) if ((u32[i]! & LO_VALID) !== 0) return true;
    return false;
  }

  /** Refuses to replace a live entry by `next` where that needs break-before-make. */
  checkSafeUpdate(ptep: Pa, next: bigint): void {
    if (!this.isValid(ptep)) return;
    const old = this.get(ptep);
    if (!pgattrChangeIsSafe(old, next)) {
      throw new ModelBug(`set_pte: live entry 0x${old.toString(16)} replaced by 0x${next.toString(16)} without break-before-make`);
    }
  }
}

/** Index of the low word of an entry. Guest RAM ends at 4 GiB, so it is a small integer, and loops over it are integer loops. */
function word(ptep: Pa): number {
  return (ptep / 4) | 0;
}

function isDirty(lo: number, hi: number): boolean {
  return (hi & HI_DIRTY) !== 0 || ((hi & HI_WRITE) !== 0 && (lo & LO_RDONLY) === 0);
}
