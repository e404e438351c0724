/**
 * mmu_gather: collects what an operation removes from page tables, flushes the TLB once, and only then frees pages and tables.
 *
 * Linux: mm/mmu_gather.c, include/asm-generic/tlb.h, arch/arm64/include/asm/tlb.h. arm64 selects neither
 * MMU_GATHER_PAGE_SIZE nor MMU_GATHER_MERGE_VMAS: a flush happens at the end of every area.
 */
import type { Pa, Pfn, Va } from "../../emulator/arch/addr.js";
import type { Level } from "../../emulator/arch/granule.js";
import { folioPutRefs } from "./folio.js";
import type { MemorySystem } from "./memory-system.js";
import type { MmStruct } from "./mm-struct.js";
import { folioRemoveRmapPtes } from "./rmap.js";
import { lruAddDrain } from "./swap-lru.js";
import { freeSwapCache } from "./swap-state.js";
import type { Vma } from "./vma.js";

/** Slots in the batch on the kernel stack (MMU_GATHER_BUNDLE). */
const BUNDLE = 8;
/** Bytes of struct mmu_gather_batch before its slots. */
const BATCH_HEADER_BYTES = 16;
/** About so many slots may be gathered before a flush is forced (MAX_GATHER_BATCH_COUNT). */
const MAX_SLOTS = 10000;
/** Bytes of struct mmu_table_batch before its slots: rcu_head and nr. */
const TABLE_BATCH_HEADER_BYTES = 24;

interface FreedTable {
  readonly level: Level;
  readonly table: Pa;
}

export class MmuGather {
  readonly mm: MmStruct;
  /** The whole address space goes: entries need no TLB maintenance, because the ASID is not used again before a full flush. */
  readonly fullmm: boolean;
  /** Removals of reverse mappings that wait for the TLB flush (dirty file pages). */
  delayedRmap = false;

  private readonly sys: MemorySystem;
  private start: number;
  private end: number;
  private freedTables = false;
  private clearedPtes = false;
  private clearedPmds = false;
  private clearedPuds = false;
  private clearedP4ds = false;
  /** Gathered runs of pages: first page, and number of pages (negative: its rmap removal is delayed). */
  private pages: Pfn[] = [];
  private counts: number[] = [];
  /** Which batch is being filled (0: the one on the stack) and its used slots; a run of several pages takes two. */
  private activeBatch = 0;
  private usedSlots = 0;
  private tables: FreedTable[] = [];
  private readonly slotsPerBatch: number;
  private readonly maxTables: number;

  /** tlb_gather_mmu(), or with `fullmm` tlb_gather_mmu_fullmm(). End it with finish(). */
  constructor(mm: MmStruct, fullmm = false) {
    this.mm = mm;
    this.sys = mm.sys;
    this.fullmm = fullmm;
    this.start = mm.taskSize;
    this.end = 0;
    const { pageSize } = mm.sys.granule;
    this.slotsPerBatch = (pageSize - BATCH_HEADER_BYTES) / 8;
    this.maxTables = Math.floor((pageSize - TABLE_BATCH_HEADER_BYTES) / 8);
  }

  /** tlb_end_vma(): flush here, so that the range does not grow over the gap to the next area. */
  endVma(): void {
    if (!this.fullmm) this.flushMmuTlbonly();
  }

  private adjustRange(address: number, bytes: number): void {
    if (address < this.start) this.start = address;
    if (address + bytes > this.end) this.end = address + bytes;
  }

  /** tlb_flush_pte_range(): level-3 entries of the range were changed. */
  flushPteRange(address: number, bytes: number): void {
    this.adjustRange(address, bytes);
    this.clearedPtes = true;
  }

  /** tlb_flush_pmd_range(): level-2 entries of the range were changed. */
  flushPmdRange(address: number, bytes: number): void {
    this.adjustRange(address, bytes);
    this.clearedPmds = true;
  }

  /** tlb_remove_tlb_entry() and tlb_remove_tlb_entries(): `nr` level-3 entries from `address` were cleared. */
  removeTlbEntries(address: number, nr: number): void {
    this.adjustRange(address, nr * this.sys.granule.pageSize);
    this.clearedPtes = true;
  }

  /** tlb_remove_pmd_tlb_entry() */
  removePmdTlbEntry(address: number): void {
    this.flushPmdRange(address, this.sys.granule.pmdSize);
  }

  /**
   * Give `nr` pages of one folio, starting with `page`, to the gather, which drops the reference of each after the flush.
   * Returns true if there is no room for more: the caller must flush. Linux: __tlb_remove_folio_pages().
   */
  removeFolioPages(page: Pfn, nr: number, delayRmap: boolean): boolean {
    this.pages.push(page);
    this.counts.push(delayRmap ? -nr : nr);
    this.usedSlots += nr === 1 ? 1 : 2;
    const capacity = this.activeBatch === 0 ? BUNDLE : this.slotsPerBatch;
    return this.usedSlots >= capacity - 1 && !this.nextBatch();
  }

  /** tlb_remove_page_size() for a folio mapped by a PMD entry: one reference, and a flush when the gather is full. */
  removePmdPage(folio: Pfn): void {
    if (this.removeFolioPages(folio, 1, false)) this.flushMmu();
  }

  private nextBatch(): boolean {
    if (this.delayedRmap && this.activeBatch !== 0) return false;
    if (this.activeBatch === Math.floor(MAX_SLOTS / this.slotsPerBatch)) return false;
    this.activeBatch++;
    this.usedSlots = 0;
    return true;
  }

  /** pte_free_tlb(), pmd_free_tlb(), pud_free_tlb(): the table of `level` at `table` is no longer linked; `address` is in its range. */
  freeTable(level: Level, table: Pa, address: number): void {
    this.adjustRange(address, this.sys.granule.pageSize);
    if (level === 3) this.clearedPmds = true;
    else if (level === 2) this.clearedPuds = true;
    else this.clearedP4ds = true;
    this.freedTables = true;
    this.tables.push({ level, table });
    if (this.tables.length === this.maxTables) this.flushTables();
  }

  private flushTables(): void {
    if (this.tables.length === 0) return;
    this.flushMmuTlbonly();
    for (const { level, table } of this.tables) this.sys.pgtable.freeTable(this.mm, level, table);
    this.tables = [];
  }

  /** tlb_flush_mmu_tlbonly(): invalidate what was removed so far. Pages stay gathered. */
  flushMmuTlbonly(): void {
    if (!(this.freedTables || this.clearedPtes || this.clearedPmds || this.clearedPuds || this.clearedP4ds)) return;
    this.flushTlb();
    this.start = this.mm.taskSize;
    this.end = 0;
    this.freedTables = this.clearedPtes = this.clearedPmds = this.clearedPuds = this.clearedP4ds = false;
  }

  /** tlb_flush() of arm64. */
  private flushTlb(): void {
    const { tlb } = this.sys;
    if (this.fullmm) {
      if (this.freedTables) tlb.flushTlbMm(this.mm);
      return;
    }
    tlb.flushTlbRange(this.mm, this.start as Va, this.end as Va, {
      stride: this.unmapSize(),
      lastLevel: !this.freedTables,
      level: this.flushLevel(),
    });
  }

  /** tlb_get_level(): a level hint only if entries of one level were cleared and no table was freed. */
  private flushLevel(): Level | undefined {
    if (this.freedTables) return undefined;
    const levels: Level[] = [];
    if (this.clearedPtes) levels.push(3);
    if (this.clearedPmds) levels.push(2);
    if (this.clearedPuds) levels.push(1);
    if (this.clearedP4ds) levels.push(0);
    return levels.length === 1 ? levels[0] : undefined;
  }

  /** tlb_get_unmap_size(): bytes of the smallest entry that was cleared. */
  private unmapSize(): number {
    const { granule } = this.sys;
    if (this.clearedPtes) return granule.pageSize;
    if (this.clearedPmds) return granule.pmdSize;
    if (this.clearedPuds) return granule.levels[1]?.size ?? granule.pmdSize;
    return granule.levels[0]?.size ?? granule.pageSize;
  }

  /** tlb_flush_rmaps(): after the TLB flush, take the delayed pages out of their folios' map counts. */
  flushRmaps(vma: Vma): void {
    if (!this.delayedRmap) return;
    for (let i = 0; i < this.pages.length; i++) {
      const nr = this.counts[i]!;
      if (nr > 0) continue;
      const page = this.pages[i]!;
      folioRemoveRmapPtes(this.sys.pages.head(page), page, -nr, vma);
      this.counts[i] = -nr;
    }
    this.delayedRmap = false;
  }

  /** tlb_flush_mmu(): invalidate, then free tables and pages. */
  flushMmu(): void {
    this.flushMmuTlbonly();
    this.flushTables();
    const { pages, counts, sys } = this;
    this.pages = [];
    this.counts = [];
    this.activeBatch = 0;
    this.usedSlots = 0;
    if (pages.length > 0) lruAddDrain(sys);
    for (let i = 0; i < pages.length; i++) {
      const folio = sys.pages.head(pages[i]!);
      freeSwapCache(sys, folio);
      folioPutRefs(sys, folio, Math.abs(counts[i]!));
    }
  }

  /** tlb_finish_mmu() */
  finish(): void {
    this.flushMmu();
  }
}
