/**
 * One TLB structure: any number of entries as sets x ways, any set of page sizes, entries for pages, contiguous runs, blocks and
 * coalesced pages, tagged with ASIDs. The walk caches keep their table descriptors in the same kind of structure.
 *
 * What an entry can stand for is a unit with a number (unit-index.ts); the arena of cells that the structures of one MMU share
 * (tlb-cells.ts) says by number which entry holds it. So a lookup costs the same for 10 fully associative entries and 2048 in 8 ways: one look
 * for each kind of entry (`class`) that the structure holds at the moment, ascending. Sets matter only when an entry is to be given up.
 *
 * Arm: DDI 0487 D8.16 (TLBs), D8.7.1 (contiguous bit); Cortex-A76 TRM 100798, A5.2 and table A6-31 (coalesced entries).
 */
import type { Asid, Pfn, Va } from "../arch/addr.js";
import { ModelBug } from "../arch/errors.js";
import type { Granule, Level } from "../arch/granule.js";
import { Arena, addProbe, classesMade, entryOrders, orderMade, removeProbe } from "./tlb-cells.js";
import type { ArenaMember } from "./tlb-cells.js";
import * as layout from "./tlb-layout.js";
import { StampPolicy, makePolicy, orderKeeping } from "./tlb-policy.js";
import type { PolicyName, ReplacementPolicy } from "./tlb-policy.js";
import { isEverything, isLastLevelOnly } from "./tlbi.js";
import type { CachedTranslation, Tlbi } from "./tlbi.js";
import { tagBits } from "./unit-index.js";
import type { UnitIndex } from "./unit-index.js";

const { HEADER_CELLS, H_COLUMN, H_SET_MASK, H_USES, H_PROBES, H_END_PROBE, H_INVALID, H_ORDER, H_DIFFERS, H_FIRST_ENTRY, H_WAYS,
  H_COUNTS, H_MAKES, ORDER_OTHER, ORDER_RING, ORDER_STAMPS, ENTRY_SHIFT, STATE, FRAME, AT, PINS, STATE_VALID, STATE_DIRTY, STATE_LEVEL_SHIFT, STATE_LEAF_SHIFT,
  STATE_PERMS_SHIFT, STATE_PAGES_SHIFT, STATE_PAGES, STATE_CLASS_SHIFT, STATE_CLASS, CLASS_ORDER, CLASS_GLOBAL, CLASS_COALESCED,
  CLASS_TABLE, CLASSES, TAG_CLASS_SHIFT, TAG_ASID_SHIFT, TAG_PAGE_HIGH, BLOCK_SHIFT, BLOCK_UNITS, PROBE_SHIFT,
  PROBE_CLASS, PROBE_PAGES } = layout;

export interface TlbSpec {
  readonly entries: number;
  /** Entries per set; "full" = one set. entries / ways is a power of two. */
  readonly ways: number | "full";
  /** Sizes in bytes that one entry can map. */
  readonly pageSizes: readonly number[];
  /** Whether a contiguous run may become one entry, or bit 52 is not looked at. */
  readonly contiguous: "whole" | "ignored";
  /** A translation too large for an entry is cached as the largest size held, or page by page. */
  readonly splinter: "largest" | "page";
  /** Neighbouring pages (a power of two, up to 8) that one entry with a valid bit per page can hold without bit 52; 1 = none. */
  readonly coalescedPages: number;
  readonly policy: PolicyName;
}

/** An entry as reports, validators and tests see it. A coalesced entry shows as one record per valid page. */
export interface TlbEntry extends CachedTranslation {
  /** First output frame; for a table entry the table's position in 8-byte words. */
  readonly frame: Pfn;
  readonly dirty: boolean;
  /** PERM_* at EL0 when the entry was made. */
  readonly perms: number;
}

export class Tlb implements ArenaMember {
  readonly entries: number;
  readonly sets: number;
  readonly ways: number;
  /** log2 of the pages of a coalesced entry; 0 = the structure does not coalesce. */
  readonly coalescedOrder: number;
  /** By order of a translation, the order of the entry for it; -1 where every size held is larger. */
  readonly entryOrder: Int8Array;

  private readonly pageSize: number;
  private readonly wholeRuns: boolean;
  private readonly policy: ReplacementPolicy;
  /** Offset of the header in the arena. */
  readonly header: number;
  /** True if the order of replacement lies in the cells, so that the fast path can keep it. */
  readonly ordersInCells: boolean;

  private readonly arena: Arena;
  private readonly cells: Int32Array;
  /** Numbers of the units that its entries hold. */
  readonly index: UnitIndex;
  private readonly column: number;
  private readonly firstEntry: number;
  private readonly endEntry: number;
  private readonly firstProbe: number;
  /** Index of the entries per class. */
  private readonly counts: number;
  private readonly setMask: number;
  private asid = 0;
  /** Invalid entries of each set; the lowest way is filled first. */
  private readonly nrInvalid: Int32Array;

  /** `arena`: shared cells with room for `Tlb.cellsOf(spec)` and a column; one of its own without it. */
  constructor(spec: TlbSpec, granule: Granule, seed: number, arena: Arena = new Arena(Tlb.cellsOf(spec), 1)) {
    this.entries = spec.entries;
    this.ways = spec.ways === "full" ? spec.entries : spec.ways;
    const sets = this.entries / this.ways;
    if (!Number.isInteger(sets) || (sets & (sets - 1)) !== 0) {
      throw new ModelBug(`Tlb: ${this.entries} entries in ${this.ways} ways do not make a power of two of sets`);
    }
    // Integers that come out of a division or a power are doubles to the engine, and a field that ever held one stays one.
    this.sets = sets | 0;
    this.setMask = this.sets - 1;
    this.pageSize = granule.pageSize;
    this.wholeRuns = spec.contiguous === "whole";
    this.coalescedOrder = 31 - Math.clz32(spec.coalescedPages);
    this.entryOrder = entryOrders(spec.pageSizes, spec.splinter === "page", granule.pageSize);

    const { cells } = arena;
    this.arena = arena;
    this.cells = cells;
    this.index = arena.index;
    this.column = arena.takeColumn(this);
    const h = arena.take(HEADER_CELLS);
    this.header = h;
    this.firstEntry = arena.take(this.entries << ENTRY_SHIFT);
    this.endEntry = this.firstEntry + (this.entries << ENTRY_SHIFT);
    this.firstProbe = arena.take(CLASSES << PROBE_SHIFT);
    this.counts = arena.take(CLASSES);
    const makes = arena.take(CLASSES);
    const keeping = orderKeeping(spec.policy, this.sets, this.ways);
    const order = arena.take(keeping === ORDER_STAMPS ? this.entries : keeping === ORDER_RING ? 2 * this.sets : this.sets);
    this.nrInvalid = new Int32Array(this.sets).fill(this.ways);
    this.policy = makePolicy(spec.policy, this.sets, this.ways, { cells, firstRecord: this.firstEntry, order, clock: arena.clock }, seed);
    this.ordersInCells = keeping !== ORDER_OTHER;
    cells[h | H_COLUMN] = this.column;
    cells[h | H_SET_MASK] = this.setMask;
    cells[h | H_USES] = order;
    cells[h | H_PROBES] = this.firstProbe;
    cells[h | H_END_PROBE] = this.firstProbe;
    cells[h | H_INVALID] = this.entries;
    cells[h | H_ORDER] = keeping;
    cells[h | H_DIFFERS] = this.wholeRuns && this.coalescedOrder === 0 ? 0 : STATE_CLASS;
    cells[h | H_FIRST_ENTRY] = this.firstEntry;
    cells[h | H_WAYS] = this.ways;
    cells[h | H_COUNTS] = this.counts;
    cells[h | H_MAKES] = makes;
    cells.set(classesMade(this.entryOrder, this.wholeRuns, this.coalescedOrder), makes);
  }

  /** Cells that a structure takes of an arena, at most. */
  static cellsOf(spec: { readonly entries: number }): number {
    return HEADER_CELLS + (spec.entries << ENTRY_SHIFT) + (CLASSES << PROBE_SHIFT) + 2 * CLASSES + spec.entries + 64;
  }

  /** The ASID of later lookups. Entries of other ASIDs stay. */
  setAsid(asid: Asid): void {
    this.asid = asid;
  }

  /** What the other methods call a page of the current ASID. The number is valid until trace records are resolved (UnitIndex.resolve). */
  page(lo: number, hi: number): number {
    return this.index.number(lo, hi | (this.asid << TAG_ASID_SHIFT));
  }

  rewind(): void {
    if (this.policy instanceof StampPolicy) this.policy.rewind();
  }

  /** Valid entries. */
  get size(): number {
    return this.entries - this.cells[this.header | H_INVALID]!;
  }

  /** Handle of the entry that translates this page, or -1. A hit counts as a use. */
  lookup(page: number): number {
    const entry = this.peek(page);
    if (entry >= 0) this.used(entry);
    return entry;
  }

  /** As `lookup`, but not counted as a use. */
  peek(page: number): number {
    const { cells, index } = this;
    const plain = this.holder(page);
    if (plain >= 0) return plain;
    const end = cells[this.header | H_END_PROBE]!;
    for (let probe = this.firstProbe; probe < end; probe = (probe + (1 << PROBE_SHIFT)) | 0) {
      const entry = this.holder(index.unit(page, cells[probe | PROBE_CLASS]!));
      if (entry < 0) continue;
      const pages = cells[probe | PROBE_PAGES]!;
      if (pages === 0 || ((cells[entry | STATE]! >>> (STATE_PAGES_SHIFT + (page & pages))) & 1) !== 0) return entry;
    }
    return -1;
  }

  /** STATE_* bits of a valid entry. */
  stateOf(entry: number): number {
    return this.cells[entry | STATE]!;
  }

  /** A write has been recorded in the descriptor behind this entry. */
  setDirty(entry: number): void {
    this.cells[entry | STATE] = this.cells[entry | STATE]! | STATE_DIRTY;
  }

  /** Order of the translation that the entry can serve as; a coalesced entry serves as single pages. */
  orderOf(entry: number): number {
    const kind = this.kindOf(entry);
    return (kind & CLASS_COALESCED) !== 0 ? 0 : kind & CLASS_ORDER;
  }

  /** Valid pages of a coalesced entry, bit 0 its first page; 0 for any other entry. */
  coalescedPagesOf(entry: number): number {
    const coalesced = this.kindOf(entry) & CLASS_COALESCED;
    return coalesced === 0 ? 0 : (this.cells[entry | STATE]! & STATE_PAGES) >>> STATE_PAGES_SHIFT;
  }

  /** Output frame of this page under the entry. */
  frameFor(entry: number, pageLo: number): number {
    const order = this.kindOf(entry) & CLASS_ORDER;
    return this.cells[entry | FRAME]! + (pageLo & ((1 << order) - 1));
  }

  /** True if the entry belongs to every ASID. */
  isGlobal(entry: number): boolean {
    return (this.kindOf(entry) & CLASS_GLOBAL) !== 0;
  }

  /**
   * Order of the entry that this structure makes of a translation: its descriptor maps 2^leafOrder pages, its run 2^unitOrder.
   * -1 if no entry of this structure is small enough.
   */
  orderFor(unitOrder: number, leafOrder: number): number {
    return orderMade(this.entryOrder, this.wholeRuns, unitOrder, leafOrder);
  }

  /**
   * Cache the translation of a page (in every ASID, if `global`), as large as the structure can.
   * `state`: STATE_DIRTY, level, leafOrder and perms bits; `frame`: output frame of this very page; `pages`: valid bits of the aligned group
   * of neighbours for a coalesced entry, 0 for an ordinary one.
   * Pre: no entry translates the page now; `orderFor` is not negative.
   */
  fill(page: number, global: boolean, unitOrder: number, state: number, frame: number, pages: number): void {
    const globalBit = global ? CLASS_GLOBAL : 0;
    const pageLo = this.index.lowOf(page);
    if (pages !== 0) {
      const order = this.coalescedOrder;
      this.dropPagesUnder(page, globalBit, pages);
      this.insert(this.index.unit(page, CLASS_COALESCED | globalBit | order), (state & ~STATE_PAGES) | (pages << STATE_PAGES_SHIFT), frame - (pageLo & ((1 << order) - 1)));
      return;
    }
    const order = this.orderFor(unitOrder, (state >>> STATE_LEAF_SHIFT) & CLASS_ORDER);
    this.insert(this.index.unit(page, globalBit | order), state | STATE_PAGES, frame - (pageLo & ((1 << order) - 1)));
  }

  /** Cache what an entry of the next level knows of a page, as large as this structure can. Pre: `entry` of `next` translates it, and no entry here does. */
  fillFrom(next: Tlb, entry: number, page: number): void {
    const pages = this.coalescedOrder !== 0 && this.coalescedOrder === next.coalescedOrder ? next.coalescedPagesOf(entry) : 0;
    this.fill(page, next.isGlobal(entry), next.orderOf(entry), next.stateOf(entry), next.frameFor(entry, this.index.lowOf(page)), pages);
  }

  /**
   * Let one page of a coalesced entry go, because its attributes no longer are the group's.
   * Pre: the page is valid in the entry.
   */
  dropCoalescedPage(entry: number, pageLo: number): void {
    const left = this.cells[entry | STATE]! & ~(1 << (STATE_PAGES_SHIFT + (pageLo & ((1 << this.coalescedOrder) - 1))));
    if ((left & STATE_PAGES) === 0) this.remove(entry);
    else this.cells[entry | STATE] = left;
  }

  /** For a walk cache: keep the table descriptor of `level` that covers this page, 2^order pages wide. Nothing changes if it is there. */
  fillTable(page: number, order: number, level: Level, index: number, forbids: number): void {
    const unit = this.index.unit(page, CLASS_TABLE | order);
    if (this.holder(unit) < 0) this.insert(unit, STATE_PAGES | (level << STATE_LEVEL_SHIFT) | (forbids << STATE_PERMS_SHIFT), index);
  }

  /** Handle of the table entry that covers this page, or -1. A hit counts as a use. */
  findTable(page: number, order: number): number {
    const entry = this.holder(this.index.unit(page, CLASS_TABLE | order));
    if (entry >= 0) this.used(entry);
    return entry;
  }

  /** Position of the table that a table entry points to, in 8-byte words. */
  tableIndexOf(entry: number): number {
    return this.cells[entry | FRAME]!;
  }

  /** Forbidden rights kept with a table entry. */
  forbidsOf(entry: number): number {
    return (this.cells[entry | STATE]! >>> STATE_PERMS_SHIFT) & 7;
  }

  /** Empty the structure. */
  invalidateAll(): void {
    if (this.size === 0) return;
    for (let entry = this.firstEntry; entry < this.endEntry; entry += 1 << ENTRY_SHIFT) if (this.isValid(entry)) this.remove(entry);
  }

  /** Carry out a TLB maintenance operation: exactly the entries that `matchTlbi` names go; of a coalesced entry only the pages named. */
  tlbi(operation: Tlbi): void {
    if (this.size === 0) return;
    if (isEverything(operation.op)) this.invalidateAll();
    else if (operation.op === "aside1is") this.invalidateAsid(operation.asid);
    else this.invalidateRange(operation);
  }

  /** The entries, by set and way. */
  *[Symbol.iterator](): Generator<TlbEntry> {
    const { cells } = this;
    for (let entry = this.firstEntry; entry < this.endEntry; entry += 1 << ENTRY_SHIFT) {
      if (!this.isValid(entry)) continue;
      const state = cells[entry | STATE]!;
      const kind = this.kindOf(entry);
      const coalesced = (kind & CLASS_COALESCED) !== 0;
      const size = 2 ** (kind & CLASS_ORDER);
      const first = this.unitOf(entry) * size;
      for (let page = 0; page < (coalesced ? size : 1); page++) {
        if (((state >>> (STATE_PAGES_SHIFT + page)) & 1) === 0) continue;
        yield {
          asid: (this.index.highOf(this.heldBy(entry)) >>> TAG_ASID_SHIFT) as Asid,
          global: (kind & CLASS_GLOBAL) !== 0,
          start: ((first + page) * this.pageSize) as Va,
          end: ((first + (coalesced ? page + 1 : size)) * this.pageSize) as Va,
          level: ((state >>> STATE_LEVEL_SHIFT) & 3) as Level,
          table: (kind & CLASS_TABLE) !== 0,
          frame: (cells[entry | FRAME]! + page) as Pfn,
          dirty: (state & STATE_DIRTY) !== 0,
          perms: (state >>> STATE_PERMS_SHIFT) & 7,
        };
      }
    }
  }

  private used(entry: number): void {
    this.policy.accessed(this.index.lowOf(this.heldBy(entry)) & this.setMask, this.slotOf(entry));
  }

  /** Set and way of an entry as the policy counts them. */
  private slotOf(entry: number): number {
    return (entry - this.firstEntry) >> ENTRY_SHIFT;
  }

  private isValid(entry: number): boolean {
    return (this.cells[entry | STATE]! & STATE_VALID) !== 0;
  }

  /** Handle of the entry that holds a unit, or -1. */
  private holder(unit: number): number {
    const { arena } = this;
    const slot = arena.at[(unit << arena.columnShift) | this.column]!;
    return slot < 0 ? -1 : (this.firstEntry + (slot << ENTRY_SHIFT)) | 0;
  }

  reenter(tagLo: Int32Array, tagHi: Int32Array): void {
    const { cells, arena, index } = this;
    for (let entry = this.firstEntry; entry < this.endEntry; entry += 1 << ENTRY_SHIFT) {
      if (!this.isValid(entry)) continue;
      const old = this.heldBy(entry);
      const unit = index.number(tagLo[old >> BLOCK_SHIFT]! | (old & (BLOCK_UNITS - 1)), tagHi[old >> BLOCK_SHIFT]!);
      cells[entry | AT] = (unit << arena.columnShift) | this.column;
      arena.at[cells[entry | AT]!] = this.slotOf(entry);
    }
  }

  /** Number of the unit that a valid entry holds. */
  private heldBy(entry: number): number {
    return this.cells[entry | AT]! >> this.arena.columnShift;
  }

  private kindOf(entry: number): number {
    return this.cells[entry | STATE]! >>> STATE_CLASS_SHIFT;
  }

  /** Page number / entry size of a valid entry. */
  private unitOf(entry: number): number {
    return this.index.pageNumber(this.heldBy(entry));
  }

  /** Give the unit an entry: the one that it has, the lowest invalid way of its set, or the policy's victim. */
  private insert(unit: number, state: number, frame: number): void {
    const { cells, arena, index } = this;
    const kind = (index.highOf(unit) >>> TAG_CLASS_SHIFT) & 0xff;
    const own = (state & ~STATE_CLASS) | STATE_VALID | (kind << STATE_CLASS_SHIFT);
    const set = index.lowOf(unit) & this.setMask;
    const at = (unit << arena.columnShift) | this.column;
    let entry = this.holder(unit);
    if (entry >= 0) {
      // Pages of a coalesced group have become valid since the entry was made: the new walk replaces it.
      cells[entry | STATE] = own;
      cells[entry | FRAME] = frame;
      this.used(entry);
      return;
    }
    if (this.nrInvalid[set]! > 0) {
      entry = this.takeInvalid(set);
      this.countUp(kind);
    } else {
      entry = (this.firstEntry + (this.policy.victim(set) << ENTRY_SHIFT)) | 0;
      if (cells[entry | PINS] !== 0) throw new ModelBug("Tlb.insert: the victim is an entry of which the trace filter still holds a page");
      arena.at[cells[entry | AT]!] = -1;
      const gone = this.kindOf(entry);
      if (gone !== kind) {
        this.countUp(kind);
        this.countDown(gone);
      }
    }
    cells[entry | STATE] = own;
    cells[entry | FRAME] = frame;
    cells[entry | AT] = at;
    arena.at[at] = this.slotOf(entry);
    this.policy.filled(set, this.slotOf(entry));
  }

  /** The lowest invalid way of the set, counted as valid from now on. */
  private takeInvalid(set: number): number {
    let entry = this.firstEntry + ((set * this.ways) << ENTRY_SHIFT);
    while (this.isValid(entry)) entry += 1 << ENTRY_SHIFT;
    this.nrInvalid[set] = this.nrInvalid[set]! - 1;
    this.cells[this.header | H_INVALID] = this.cells[this.header | H_INVALID]! - 1;
    return entry;
  }

  private remove(entry: number): void {
    if (this.cells[entry | PINS] !== 0) throw new ModelBug("Tlb.remove: the trace filter still holds a page of the entry");
    const slot = this.slotOf(entry);
    const set = Math.floor(slot / this.ways);
    this.arena.at[this.cells[entry | AT]!] = -1;
    this.countDown(this.kindOf(entry));
    this.cells[entry | STATE] = 0;
    this.nrInvalid[set] = this.nrInvalid[set]! + 1;
    this.cells[this.header | H_INVALID] = this.cells[this.header | H_INVALID]! + 1;
    this.policy.invalidated(set, slot);
  }

  /** Single-page entries of the pages that a coalesced entry around `page` is about to cover. */
  private dropPagesUnder(page: number, globalBit: number, pages: number): void {
    if (this.cells[this.counts + globalBit] === 0) return;
    const { index } = this;
    const first = index.lowOf(page) & ~((1 << this.coalescedOrder) - 1);
    const high = index.highOf(page);
    const hi = (high & TAG_PAGE_HIGH) | tagBits(globalBit, high >>> TAG_ASID_SHIFT);
    for (let i = 0; pages >>> i !== 0; i++) {
      if (((pages >>> i) & 1) === 0) continue;
      const entry = this.holder(index.find(first + i, hi));
      if (entry >= 0) this.remove(entry);
    }
  }

  private countUp(kind: number): void {
    const count = this.cells[this.counts + kind]!;
    this.cells[this.counts + kind] = count + 1;
    if (count === 0 && kind > 0 && kind < CLASS_TABLE) addProbe(this.cells, this.header, kind, this.index.column(kind));
  }

  private countDown(kind: number): void {
    const count = this.cells[this.counts + kind]! - 1;
    this.cells[this.counts + kind] = count;
    if (count === 0 && kind > 0 && kind < CLASS_TABLE) removeProbe(this.cells, this.header, kind);
  }

  private invalidateAsid(asid: Asid): void {
    for (let entry = this.firstEntry; entry < this.endEntry; entry += 1 << ENTRY_SHIFT) {
      if (!this.isValid(entry)) continue;
      if (!this.isGlobal(entry) && this.index.highOf(this.heldBy(entry)) >>> TAG_ASID_SHIFT === asid) this.remove(entry);
    }
  }

  private invalidateRange(operation: Tlbi): void {
    const lastLevelOnly = isLastLevelOnly(operation.op);
    const level = operation.level ?? -1;
    const first = Math.floor(operation.start / this.pageSize);
    const end = Math.ceil(operation.end / this.pageSize);
    if (end <= first) return;
    for (let kind = 0; kind < CLASSES; kind++) {
      if (this.cells[this.counts + kind] === 0) continue;
      const table = (kind & CLASS_TABLE) !== 0;
      if (table && lastLevelOnly) continue;
      const size = 2 ** (kind & CLASS_ORDER);
      const firstUnit = Math.floor(first / size);
      const lastUnit = Math.floor((end - 1) / size);
      const tag = tagBits(kind, operation.asid);
      if (lastUnit - firstUnit < this.entries) {
        for (let unit = firstUnit; unit <= lastUnit; unit++) {
          const entry = this.holder(this.index.find(unit | 0, Math.floor(unit / 2 ** 32) | tag));
          if (entry >= 0) this.removeMatching(entry, table, level, first, end);
        }
      } else {
        for (let entry = this.firstEntry; entry < this.endEntry; entry += 1 << ENTRY_SHIFT) {
          if (!this.isValid(entry) || (this.index.highOf(this.heldBy(entry)) & ~TAG_PAGE_HIGH) !== tag) continue;
          const unit = this.unitOf(entry);
          if (unit >= firstUnit && unit <= lastUnit) this.removeMatching(entry, table, level, first, end);
        }
      }
    }
  }

  /** Remove the entry, or the pages [first, end) of a coalesced one, if the level hint (-1: none) allows it. */
  private removeMatching(entry: number, table: boolean, level: number, first: number, end: number): void {
    const state = this.cells[entry | STATE]!;
    const own = (state >>> STATE_LEVEL_SHIFT) & 3;
    if (level >= 0 && (table ? own >= level : own !== level)) return;
    if (this.coalescedPagesOf(entry) !== 0) {
      const base = this.unitOf(entry) * 2 ** this.coalescedOrder;
      let left = state;
      for (let page = 0; page < 8; page++) if (base + page >= first && base + page < end) left &= ~(1 << (STATE_PAGES_SHIFT + page));
      if ((left & STATE_PAGES) !== 0) {
        this.cells[entry | STATE] = left;
        return;
      }
    }
    this.remove(entry);
  }
}
