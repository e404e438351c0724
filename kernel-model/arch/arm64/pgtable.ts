/**
 * The page-table interface of the generic mm: entries of level 3 and 2, and the tables themselves.
 *
 * Level-3 functions are Linux's public ptep API: with contpte they decide, entry by entry, whether the contiguous layer
 * (contpte.ts) has to act, and strip PTE_CONT from what callers hand in; without it they act on raw entries. PTE_CONT does show
 * in the values that getters return. Entries are addressed by their physical address.
 *
 * Linux: arch/arm64/include/asm/pgtable.h, pgalloc.h, mm/pgtable-generic.c, mm/memory.c pmd_install().
 */
import type { Order, Pa, Pfn, Va } from "../../../emulator/arch/addr.js";
import type { CpuFeatures } from "../../../emulator/arch/cpu-features.js";
import { ModelBug } from "../../../emulator/arch/errors.js";
import type { Granule, Level, LevelGeometry } from "../../../emulator/arch/granule.js";
import type { PhysicalMemory } from "../../../emulator/memory/physical-memory.js";
import type { MmStruct } from "../../mm/mm-struct.js";
import type { PageAllocator } from "../../mm/page-alloc.js";
import { NO_PFN, PG_TABLE, type Pages } from "../../mm/page.js";
import type { Vma } from "../../mm/vma.js";
import type { VmStat } from "../../mm/vmstat.js";
import { Contpte } from "./contpte.js";
import { PMD_TABLE_PXN, PMD_TYPE_TABLE, protectionMap, PTE_CONT, PTE_SPECIAL } from "./pgtable-prot.js";
import { pmdMkinvalid, pmdPresent, pteMknoncont, pteToPhys, pteValid, pteValidCont } from "./pte.js";
import { type ClearYoungDirty, type ContpteCounters, createContpteCounters, RawPte } from "./raw-pte.js";
import type { TlbFlush } from "./tlbflush.js";

/** No table, no entry, no memory. */
export const NO_PA = -1 as Pa;

const TABLE = PMD_TYPE_TABLE | PMD_TABLE_PXN;
const ORDER_0 = 0 as Order;

export interface PgtableOptions {
  readonly memory: PhysicalMemory;
  readonly granule: Granule;
  readonly cpu: CpuFeatures;
  readonly pages: Pages;
  readonly buddy: PageAllocator;
  readonly tlb: TlbFlush;
  readonly vmstat: VmStat;
  /** CONFIG_ARM64_CONTPTE. */
  readonly contpte: boolean;
}

export class Pgtable {
  readonly counters: ContpteCounters = createContpteCounters();
  private readonly memory: PhysicalMemory;
  private readonly cpu: CpuFeatures;
  private readonly pages: Pages;
  private readonly buddy: PageAllocator;
  private readonly tlb: TlbFlush;
  private readonly vmstat: VmStat;
  private readonly raw: RawPte;
  /** The same operations on level-2 entries, counted apart. */
  private readonly pmds: RawPte;
  /** undefined: contpte off. */
  private readonly cont: Contpte | undefined;
  private readonly pageSize: number;
  private readonly contPtes: number;
  private readonly pmdSize: number;
  private readonly startLevel: Level;
  /** Where a number becomes a bigint: BigInt() takes twice as long, and every fault makes an entry. */
  private readonly value = new BigUint64Array(1);
  private readonly words = new Uint32Array(this.value.buffer);
  private readonly levels: readonly (LevelGeometry | undefined)[];

  constructor({ memory, granule, cpu, pages, buddy, tlb, vmstat, contpte }: PgtableOptions) {
    this.memory = memory;
    this.cpu = cpu;
    this.pages = pages;
    this.buddy = buddy;
    this.tlb = tlb;
    this.vmstat = vmstat;
    this.raw = new RawPte(memory, granule, this.counters);
    this.pmds = new RawPte(memory, granule, createContpteCounters());
    this.cont = contpte ? new Contpte({ granule, pages, raw: this.raw, tlb, counters: this.counters }) : undefined;
    this.pageSize = granule.pageSize;
    this.contPtes = granule.contPtes;
    this.pmdSize = granule.pmdSize;
    this.startLevel = granule.startLevel;
    this.levels = granule.levels;
  }

  /** True if the contpte layer is in place. */
  get contpte(): boolean {
    return this.cont !== undefined;
  }

  /** vm_get_page_prot(): descriptor bits of a fresh mapping in an area with these VM_* flags. */
  pageProt(vmFlags: number): bigint {
    return protectionMap(vmFlags, this.cpu.lpa2);
  }

  // Values.

  ptePfn(pte: bigint): Pfn {
    return (pteToPhys(pte) / this.pageSize) as Pfn;
  }

  pfnPte(pfn: Pfn, prot: bigint): bigint {
    const phys = pfn * this.pageSize;
    this.words[0] = phys >>> 0;
    this.words[1] = Math.floor(phys / 2 ** 32);
    return BigInt.asUintN(64, this.value[0]! | prot);
  }

  /** Frame of the first page of the block. */
  pmdPfn(pmd: bigint): Pfn {
    const phys = pteToPhys(pmd);
    return ((phys - (phys % this.pmdSize)) / this.pageSize) as Pfn;
  }

  pfnPmd(pfn: Pfn, prot: bigint): bigint {
    return this.pfnPte(pfn, prot);
  }

  /** pte_advance_pfn(). */
  pteAdvancePfn(pte: bigint, nr: number): bigint {
    return pte + BigInt(nr * this.pageSize);
  }

  // Entries of any level, as they are.

  rawGet(entry: Pa): bigint {
    return this.raw.get(entry);
  }

  rawSet(entry: Pa, value: bigint): void {
    this.raw.set(entry, value);
  }

  /** The entry is 0; cheaper than a get. */
  rawIsNone(entry: Pa): boolean {
    return this.raw.isNone(entry);
  }

  /** The level-2 entry points to a table; cheaper than a get. */
  rawIsTable(pmdp: Pa): boolean {
    return this.raw.isTable(pmdp);
  }

  /** The level-3 entry maps a page that is counted: present and not special. Cheaper than a get. */
  rawIsNormal(ptep: Pa): boolean {
    return this.raw.isPresent(ptep) && !this.raw.isSpecial(ptep);
  }

  /** Frame number in a level-3 entry; cheaper than a get. */
  rawPfn(ptep: Pa): Pfn {
    return (this.raw.address(ptep) / this.pageSize) as Pfn;
  }

  // Level 3.

  /** The entry with young and dirty gathered over its contiguous block. Leaks PTE_CONT. */
  ptepGet(ptep: Pa): bigint {
    this.counters.ptepGetLoads++;
    const pte = this.raw.get(ptep);
    return this.cont !== undefined && this.raw.isValidCont(ptep) ? this.cont.ptepGet(ptep, pte) : pte;
  }

  /** ptepGet() by a caller who does not need the value. */
  ptepGetUnused(ptep: Pa): void {
    this.counters.ptepGetLoads += this.cont !== undefined && this.raw.isValidCont(ptep) ? 1 + this.contPtes : 1;
  }

  ptepGetLockless(ptep: Pa): bigint {
    const pte = this.raw.get(ptep);
    return this.cont !== undefined && this.raw.isValidCont(ptep) ? this.cont.ptepGetLockless(ptep, pte) : pte;
  }

  /**
   * Map `nr` consecutive pages of one folio from `pte` on. With nr > 1 the entries must not be present before.
   * Pre: the entries lie in one table.
   */
  setPtes(mm: MmStruct, addr: Va, ptep: Pa, pte: bigint, nr: number): void {
    if (nr === 1) {
      this.setPteAt(mm, addr, ptep, pte);
      return;
    }
    if (this.raw.anyValid(ptep, nr)) throw new ModelBug(`setPtes: some of the ${nr} entries from 0x${addr.toString(16)} on are valid already`);
    const value = pteMknoncont(pte);
    if (this.cont !== undefined) this.cont.setPtes(mm, addr, ptep, value, nr);
    else this.raw.setPtes(ptep, value, nr);
  }

  /** One entry. If it is the last of a block that became uniform, the block is folded. */
  setPteAt(mm: MmStruct, addr: Va, ptep: Pa, pte: bigint): void {
    const { raw, cont } = this;
    const value = (pte & PTE_CONT) === 0n ? pte : pteMknoncont(pte);
    if (cont !== undefined) this.unfoldOne(cont, mm, addr, ptep);
    raw.checkSafeUpdate(ptep, value);
    raw.setPtes(ptep, value, 1);
    if (cont !== undefined && this.isLastOfBlock(ptep)) this.foldLast(cont, mm, addr, ptep, value);
  }

  pteClear(mm: MmStruct, addr: Va, ptep: Pa): void {
    if (this.cont !== undefined) this.unfoldOne(this.cont, mm, addr, ptep);
    this.raw.clearFull(ptep, 1);
  }

  ptepGetAndClear(mm: MmStruct, addr: Va, ptep: Pa): bigint {
    if (this.cont !== undefined) this.unfoldOne(this.cont, mm, addr, ptep);
    return this.raw.getAndClear(ptep);
  }

  /** Clear `nr` present entries of one folio. `full` (the whole mm goes) makes no difference on arm64. */
  clearFullPtes(mm: MmStruct, addr: Va, ptep: Pa, nr: number, _full: boolean): void {
    const { cont } = this;
    if (cont !== undefined) {
      if (nr > 1) {
        cont.clearFullPtes(mm, addr, ptep, nr);
        return;
      }
      this.unfoldOne(cont, mm, addr, ptep);
    }
    this.raw.clearFull(ptep, nr);
  }

  /** The same; returns the first entry, young and dirty if any of the `nr` was. */
  getAndClearFullPtes(mm: MmStruct, addr: Va, ptep: Pa, nr: number, _full: boolean): bigint {
    const { cont } = this;
    if (cont !== undefined) {
      if (nr > 1) return cont.getAndClearFullPtes(mm, addr, ptep, nr);
      this.unfoldOne(cont, mm, addr, ptep);
    }
    return this.raw.getAndClearFull(ptep, nr);
  }

  /** Make old without a flush; for a contiguous block all of it. Returns whether it was young. */
  ptepTestAndClearYoung(vma: Vma, addr: Va, ptep: Pa): boolean {
    if (this.cont !== undefined && this.raw.isValidCont(ptep)) return this.cont.ptepTestAndClearYoung(vma, addr, ptep);
    return this.raw.testAndClearYoung(ptep, 1);
  }

  /** The same with a TLBI, but no wait for it, if it was young. */
  ptepClearFlushYoung(vma: Vma, addr: Va, ptep: Pa): boolean {
    if (this.cont !== undefined && this.raw.isValidCont(ptep)) return this.cont.ptepClearFlushYoung(vma, addr, ptep);
    const young = this.raw.testAndClearYoung(ptep, 1);
    if (young) this.tlb.flushTlbPageNosync(vma.mm, addr);
    return young;
  }

  /** Take write permission from `nr` present entries of one folio. The caller flushes. */
  wrprotectPtes(mm: MmStruct, addr: Va, ptep: Pa, nr: number): void {
    const { cont } = this;
    if (cont !== undefined) {
      if (nr > 1) {
        cont.wrprotectPtes(mm, addr, ptep, nr);
        return;
      }
      this.unfoldOne(cont, mm, addr, ptep);
    }
    this.raw.wrprotect(ptep, nr);
  }

  ptepSetWrprotect(mm: MmStruct, addr: Va, ptep: Pa): void {
    this.wrprotectPtes(mm, addr, ptep, 1);
  }

  /**
   * Add AF, dirty and write permission as in `entry`; `dirty`: a stale read-only translation must go. Returns whether
   * anything changed.
   */
  ptepSetAccessFlags(vma: Vma, addr: Va, ptep: Pa, entry: bigint, dirty: boolean): boolean {
    const value = pteMknoncont(entry);
    if (this.cont !== undefined && this.raw.isValidCont(ptep)) return this.cont.ptepSetAccessFlags(vma, addr, ptep, value, dirty);
    const changed = this.raw.setAccessFlags(ptep, value);
    if (changed && dirty) this.tlb.flushTlbPage(vma.mm, addr);
    return changed;
  }

  /** Make `nr` present entries of one folio old and, or, clean; a block that is touched at all goes as a whole. */
  clearYoungDirtyPtes(vma: Vma, addr: Va, ptep: Pa, nr: number, clear: ClearYoungDirty): void {
    if (this.cont !== undefined && (nr > 1 || this.raw.isCont(ptep))) this.cont.clearYoungDirtyPtes(vma, addr, ptep, nr, clear);
    else this.raw.clearYoungDirty(ptep, nr, clear);
  }

  /** How many entries from this one on certainly continue it: the rest of its contiguous block, else 1. */
  pteBatchHint(ptep: Pa, pte: bigint): number {
    return pteValidCont(pte) ? this.contPtes - ((ptep / 8) % this.contPtes) : 1;
  }

  ptepModifyProtStart(vma: Vma, addr: Va, ptep: Pa): bigint {
    return this.ptepGetAndClear(vma.mm, addr, ptep);
  }

  ptepModifyProtCommit(vma: Vma, addr: Va, ptep: Pa, _old: bigint, pte: bigint): void {
    this.setPteAt(vma.mm, addr, ptep, pte);
  }

  /** Clear one entry and flush its page if a TLB could hold it. */
  ptepClearFlush(vma: Vma, addr: Va, ptep: Pa): bigint {
    const pte = this.ptepGetAndClear(vma.mm, addr, ptep);
    if (pteValid(pte)) this.tlb.flushTlbPage(vma.mm, addr);
    return pte;
  }

  // Level 2 blocks.

  pmdpGet(pmdp: Pa): bigint {
    return this.raw.get(pmdp);
  }

  setPmdAt(_mm: MmStruct, _addr: Va, pmdp: Pa, pmd: bigint): void {
    this.raw.checkSafeUpdate(pmdp, pmd);
    this.raw.set(pmdp, pmd);
  }

  pmdpHugeGetAndClear(_mm: MmStruct, _addr: Va, pmdp: Pa): bigint {
    const pmd = this.raw.get(pmdp);
    this.raw.set(pmdp, 0n);
    return pmd;
  }

  pmdpHugeClearFlush(vma: Vma, addr: Va, pmdp: Pa): bigint {
    const pmd = this.pmdpHugeGetAndClear(vma.mm, addr, pmdp);
    this.tlb.flushPmdTlbRange(vma.mm, addr, (addr + this.pmdSize) as Va);
    return pmd;
  }

  pmdpSetAccessFlags(vma: Vma, addr: Va, pmdp: Pa, entry: bigint, dirty: boolean): boolean {
    const changed = this.pmds.setAccessFlags(pmdp, entry);
    if (changed && dirty) this.tlb.flushTlbPage(vma.mm, addr);
    return changed;
  }

  pmdpTestAndClearYoung(_vma: Vma, _addr: Va, pmdp: Pa): boolean {
    return this.pmds.testAndClearYoung(pmdp, 1);
  }

  /** pmdp_clear_flush_young() */
  pmdpClearFlushYoung(vma: Vma, addr: Va, pmdp: Pa): boolean {
    const young = this.pmdpTestAndClearYoung(vma, addr, pmdp);
    if (young) this.tlb.flushPmdTlbRange(vma.mm, addr, (addr + vma.mm.sys.granule.pmdSize) as Va);
    return young;
  }

  pmdpSetWrprotect(_mm: MmStruct, _addr: Va, pmdp: Pa): void {
    this.pmds.wrprotect(pmdp, 1);
  }

  /** Make the block present-invalid and flush it; returns the entry before. `addr`: first byte of the block. */
  pmdpInvalidate(vma: Vma, addr: Va, pmdp: Pa): bigint {
    const old = this.raw.get(pmdp);
    if (!pmdPresent(old)) throw new ModelBug(`pmdpInvalidate: entry 0x${old.toString(16)} is not present`);
    this.raw.set(pmdp, pmdMkinvalid(old));
    this.tlb.flushPmdTlbRange(vma.mm, addr, (addr + this.pmdSize) as Va);
    return old;
  }

  // Tables. A table is named by its physical address; all take one frame.

  /** An empty table of the start level, or NO_PA. It counts neither in pgtables_bytes nor in nr_page_table_pages. */
  pgdAlloc(): Pa {
    return this.tableAlloc();
  }

  /** Free the table of the start level. Pre: empty. */
  freePgd(mm: MmStruct): void {
    this.tableFree(mm.pgd);
  }

  /** Address of the level-2 entry for `addr`, or NO_PA if a table above it is missing. */
  pmdOffset(mm: MmStruct, addr: Va): Pa {
    const { raw, levels } = this;
    let table = mm.pgd;
    for (let level: number = this.startLevel; level < 2; level++) {
      const entry = entryOf(table, levels[level]!, addr);
      if (!raw.isValid(entry)) return NO_PA;
      table = raw.address(entry);
    }
    return entryOf(table, levels[2]!, addr);
  }

  /** The same with missing tables made; NO_PA: out of memory, tables made so far stay. */
  pmdAlloc(mm: MmStruct, addr: Va): Pa {
    const { raw, levels } = this;
    let table = mm.pgd;
    for (let level: number = this.startLevel; level < 2; level++) {
      const entry = entryOf(table, levels[level]!, addr);
      if (!raw.isValid(entry)) {
        const next = this.allocTable(mm, (level + 1) as Level);
        if (next === NO_PA) return NO_PA;
        this.populate(entry, next);
      }
      table = raw.address(entry);
    }
    return entryOf(table, levels[2]!, addr);
  }

  /** Address of the level-3 entry for `addr` under a level-2 table entry. */
  pteOffset(pmd: bigint, addr: Va): Pa {
    return entryOf(pteToPhys(pmd), this.levels[3]!, addr);
  }

  /** The same under the entry at `pmdp`, which points to a table. */
  pteOffsetAt(pmdp: Pa, addr: Va): Pa {
    return entryOf(this.raw.address(pmdp), this.levels[3]!, addr);
  }

  /** pte_alloc(): an empty level-2 entry gets a level-3 table. False: out of memory. */
  pteAlloc(mm: MmStruct, pmdp: Pa): boolean {
    if (!this.raw.isNone(pmdp)) return true;
    const table = this.allocTable(mm, 3);
    if (table === NO_PA) return false;
    this.pmdPopulate(mm, pmdp, table);
    return true;
  }

  /** pmd_populate(): hang a level-3 table under an empty entry. */
  pmdPopulate(_mm: MmStruct, pmdp: Pa, table: Pa): void {
    this.populate(pmdp, table);
  }

  /** An empty table of level 1 to 3 that no entry points to yet, or NO_PA. Counted in pgtables_bytes from now on. */
  allocTable(mm: MmStruct, _level: Level): Pa {
    const table = this.tableAlloc();
    if (table === NO_PA) return NO_PA;
    this.vmstat.add("nr_page_table_pages", 1);
    mm.pgtablesBytes += this.pageSize;
    return table;
  }

  /** Free a table of level 1 to 3 that no entry points to any more. */
  freeTable(mm: MmStruct, _level: Level, table: Pa): void {
    mm.pgtablesBytes -= this.pageSize;
    this.vmstat.add("nr_page_table_pages", -1);
    this.tableFree(table);
  }

  private unfoldOne(cont: Contpte, mm: MmStruct, addr: Va, ptep: Pa): void {
    if (this.raw.isValidCont(ptep)) cont.tryUnfold(mm, addr, ptep, this.raw.get(ptep));
  }

  /** The last of N aligned entries; the same as the test of the virtual address, because N divides the entries of a table. */
  private isLastOfBlock(ptep: Pa): boolean {
    return ((ptep / 8) & (this.contPtes - 1)) === this.contPtes - 1;
  }

  /** contpte_try_fold() behind its test of the virtual address. */
  private foldLast(cont: Contpte, mm: MmStruct, addr: Va, ptep: Pa, pte: bigint): void {
    if (this.rawPfn(ptep) % this.contPtes !== this.contPtes - 1) return;
    if (pteValid(pte) && (pte & PTE_SPECIAL) === 0n) cont.tryFold(mm, addr, ptep, pte);
  }

  private tableAlloc(): Pa {
    const page = this.buddy.allocPages(ORDER_0);
    if (page === NO_PFN) return NO_PA;
    this.pages.set(page, PG_TABLE);
    const table = (page * this.pageSize) as Pa;
    this.memory.fill(table, this.pageSize, 0);
    return table;
  }

  private tableFree(table: Pa): void {
    const page = (table / this.pageSize) as Pfn;
    if (!this.pages.test(page, PG_TABLE)) throw new ModelBug(`tableFree: frame ${page} holds no table`);
    this.buddy.freePages(page, ORDER_0);
  }

  /** The walker may see the table from now on: DSB ISHST. */
  private populate(entry: Pa, table: Pa): void {
    this.raw.set(entry, BigInt(table) | TABLE);
    this.tlb.dsb("ishst");
  }
}

/** Entry of `addr` in a table: tableIndex() without the slow remainder of doubles; sizes are powers of two, so all steps are exact. */
function entryOf(table: Pa, { size, entries }: LevelGeometry, addr: Va): Pa {
  const number = Math.floor(addr / size);
  return (table + 8 * (number - Math.floor(number / entries) * entries)) as Pa;
}
