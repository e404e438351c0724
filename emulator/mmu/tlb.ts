/**
 * One TLB structure: any number of entries as sets x ways, any set of page sizes, entries for pages, contiguous runs, blocks and
 * coalesced pages, tagged with ASIDs. The walk caches keep their table descriptors in the same kind of structure.
 *
 * A lookup costs the same for 10 fully associative entries and 2048 in 8 ways: entries are found through a hash of their tag, and
 * sets matter only when an entry has to be given up. One probe is made per kind of entry (`class`) that the structure holds at the
 * moment, in ascending order of the class.
 *
 * The entries lie in an arena of cells (tlb-cells.ts) that the structures of one MMU share. Nothing is allocated after
 * construction.
 *
 * Arm: DDI 0487 D8.16 (TLBs), D8.7.1 (contiguous bit); Cortex-A76 TRM 100798, A5.2 and table A6-31 (coalesced entries).
 */
import type { Asid, Pfn, Va } from "../arch/addr.js";
import { ModelBug } from "../arch/errors.js";
import type { Granule, Level } from "../arch/granule.js";
import { Arena, addProbe, bucketBits, entryOrders, removeProbe, retagProbes, salt, tagBits, unitLow, unlinkEntry } from "./tlb-cells.js";
import * as layout from "./tlb-layout.js";
import { makePolicy } from "./tlb-policy.js";
import type { PolicyName, ReplacementPolicy } from "./tlb-policy.js";
import { isEverything, isLastLevelOnly } from "./tlbi.js";
import type { CachedTranslation, Tlbi } from "./tlbi.js";

const { HEADER_CELLS, H_BUCKETS, H_SHIFT, H_SET_MASK, H_NEWEST, H_PROBES, H_END_PROBE, H_INVALID, H_REFRESH, ENTRY_SHIFT, TAG_LO,
  TAG_HI, STATE, FRAME, CHAIN, BUCKET, STATE_VALID, STATE_DIRTY, STATE_LEVEL_SHIFT, STATE_LEAF_SHIFT, STATE_PERMS_SHIFT,
  STATE_PAGES_SHIFT, STATE_PAGES, CLASS_ORDER, CLASS_GLOBAL, CLASS_COALESCED, CLASS_TABLE, CLASSES, TAG_CLASS_SHIFT,
  TAG_ASID_SHIFT, TAG_PAGE_HIGH, TAG_CLASS, PROBE_SHIFT, PROBE_ORDER, PROBE_TAG, PROBE_PAGES, HASH_FACTOR } = layout;

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

export class Tlb {
  readonly entries: number;
  readonly sets: number;
  readonly ways: number;
  /** log2 of the pages of a coalesced entry; 0 = the structure does not coalesce. */
  readonly coalescedOrder: number;

  private readonly pageSize: number;
  private readonly wholeRuns: boolean;
  private readonly policy: ReplacementPolicy;
  /** Offset of the header in the arena. */
  readonly header: number;
  /** True if the replacement order is a recency ring, which the fast path can turn. */
  readonly hasRing: boolean;
  /** 1 for the classes whose entries, found in another structure, are entries of this one as they stand. */
  readonly takesOver = new Uint8Array(CLASSES);

  private readonly cells: Int32Array;
  private readonly buckets: number;
  private readonly firstEntry: number;
  private readonly endEntry: number;
  private readonly firstProbe: number;
  private readonly hashShift: number;
  private readonly setMask: number;
  private asid = 0;
  /** Invalid entries of each set; the lowest way is filled first. */
  private readonly nrInvalid: Int32Array;
  /** Entries per class. */
  private readonly classCount = new Int32Array(CLASSES);
  /** Order of the entry for a translation of this order, -1 where every size held is larger. */
  private readonly entryOrder: Int8Array;

  /** `arena`: shared cells with room for `Tlb.cellsOf(spec)`; one of its own without it. */
  constructor(spec: TlbSpec, granule: Granule, seed: number, arena: Arena = new Arena(Tlb.cellsOf(spec))) {
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
    for (let order = 0; order < 32; order++) {
      if (this.entryOrder[order] === order && (this.wholeRuns || order === 0)) this.takesOver[order] = this.takesOver[CLASS_GLOBAL | order] = 1;
    }
    const bits = bucketBits(this.entries);
    const { cells } = arena;
    this.cells = cells;
    this.header = arena.take(HEADER_CELLS);
    this.hashShift = 32 - bits;
    this.buckets = arena.take(1 << bits);
    this.firstEntry = arena.take(this.entries << ENTRY_SHIFT);
    this.endEntry = this.firstEntry + (this.entries << ENTRY_SHIFT);
    this.firstProbe = arena.take(CLASSES << PROBE_SHIFT);
    const newest = arena.take(this.sets);
    cells.fill(-1, this.buckets, this.buckets + (1 << bits));
    this.nrInvalid = new Int32Array(this.sets).fill(this.ways);
    this.policy = makePolicy(spec.policy, this.sets, this.ways, { cells, firstRecord: this.firstEntry, newest }, seed);
    this.hasRing = spec.policy === "lru" || spec.policy === "fifo";
    const h = this.header;
    cells[h | H_BUCKETS] = this.buckets;
    cells[h | H_SHIFT] = this.hashShift;
    cells[h | H_SET_MASK] = this.setMask;
    cells[h | H_NEWEST] = newest;
    cells[h | H_PROBES] = this.firstProbe;
    cells[h | H_END_PROBE] = this.firstProbe;
    cells[h | H_INVALID] = this.entries;
    cells[h | H_REFRESH] = spec.policy === "lru" ? 1 : 0;
  }

  /** Cells that a structure takes of an arena, at most. */
  static cellsOf(spec: { readonly entries: number }): number {
    return HEADER_CELLS + (1 << bucketBits(spec.entries)) + (spec.entries << ENTRY_SHIFT) + (CLASSES << PROBE_SHIFT) + spec.entries + 32;
  }

  /** The ASID of later lookups. Entries of other ASIDs stay. */
  setAsid(asid: Asid): void {
    this.asid = asid;
    retagProbes(this.cells, this.header, asid);
  }

  /** Valid entries. */
  get size(): number {
    return this.entries - this.cells[this.header | H_INVALID]!;
  }

  /** Handle of the entry that translates this page in the current ASID, or -1. A hit counts as a use. */
  lookup(pageLo: number, pageHi: number): number {
    const entry = this.peek(pageLo, pageHi);
    if (entry >= 0) this.policy.accessed(this.cells[entry | TAG_LO]! & this.setMask, this.slotOf(entry));
    return entry;
  }

  /** As `lookup`, but not counted as a use. */
  peek(pageLo: number, pageHi: number): number {
    const { cells } = this;
    const end = cells[this.header | H_END_PROBE]!;
    for (let probe = this.firstProbe; probe < end; probe = (probe + (1 << PROBE_SHIFT)) | 0) {
      const order = cells[probe | PROBE_ORDER]!;
      const entry = this.find(unitLow(pageLo, pageHi, order), (pageHi >>> order) | cells[probe | PROBE_TAG]!);
      if (entry < 0) continue;
      const pages = cells[probe | PROBE_PAGES]!;
      if (pages === 0 || ((cells[entry | STATE]! >>> (STATE_PAGES_SHIFT + (pageLo & pages))) & 1) !== 0) return entry;
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
    const kind = this.cells[entry | TAG_HI]! >>> TAG_CLASS_SHIFT;
    return (kind & CLASS_COALESCED) !== 0 ? 0 : kind & CLASS_ORDER;
  }

  /** Valid pages of a coalesced entry, bit 0 its first page; 0 for any other entry. */
  coalescedPagesOf(entry: number): number {
    const coalesced = (this.cells[entry | TAG_HI]! >>> TAG_CLASS_SHIFT) & CLASS_COALESCED;
    return coalesced === 0 ? 0 : (this.cells[entry | STATE]! & STATE_PAGES) >>> STATE_PAGES_SHIFT;
  }

  /** Output frame of this page under the entry. */
  frameFor(entry: number, pageLo: number): number {
    const order = (this.cells[entry | TAG_HI]! >>> TAG_CLASS_SHIFT) & CLASS_ORDER;
    return this.cells[entry | FRAME]! + (pageLo & ((1 << order) - 1));
  }

  /** True if the entry belongs to every ASID. */
  isGlobal(entry: number): boolean {
    return ((this.cells[entry | TAG_HI]! >>> TAG_CLASS_SHIFT) & CLASS_GLOBAL) !== 0;
  }

  /**
   * Order of the entry that this structure makes of a translation: its descriptor maps 2^leafOrder pages, its run 2^unitOrder.
   * -1 if no entry of this structure is small enough.
   */
  orderFor(unitOrder: number, leafOrder: number): number {
    return this.entryOrder[this.wholeRuns ? unitOrder : Math.min(unitOrder, leafOrder)]!;
  }

  /**
   * Cache the translation of a page in the current ASID (or all, if `global`), as large as the structure can.
   * `state`: STATE_DIRTY, level, leafOrder and perms bits; `frame`: output frame of this very page; `pages`: valid bits of the aligned group
   * of neighbours for a coalesced entry, 0 for an ordinary one.
   * Pre: no entry translates the page now; `orderFor` is not negative.
   */
  fill(pageLo: number, pageHi: number, global: boolean, unitOrder: number, state: number, frame: number, pages: number): void {
    const globalBit = global ? CLASS_GLOBAL : 0;
    if (pages !== 0) {
      const order = this.coalescedOrder;
      const mask = (1 << order) - 1;
      this.dropPagesUnder(pageLo & ~mask, pageHi, globalBit, pages);
      this.insert(pageLo, pageHi, CLASS_COALESCED | globalBit | order, (state & ~STATE_PAGES) | (pages << STATE_PAGES_SHIFT), frame - (pageLo & mask));
      return;
    }
    const order = this.orderFor(unitOrder, (state >>> STATE_LEAF_SHIFT) & CLASS_ORDER);
    this.insert(pageLo, pageHi, globalBit | order, state | STATE_PAGES, frame - (pageLo & ((1 << order) - 1)));
  }

  /**
   * Cache what an entry of the next level knows of a page, as large as this structure can.
   * Pre: `entry` of `next` translates the page, and no entry here does.
   */
  fillFrom(next: Tlb, entry: number, pageLo: number, pageHi: number): void {
    const { cells } = next;
    const hi = cells[entry | TAG_HI]!;
    if (this.takesOver[(hi >>> TAG_CLASS_SHIFT) & 0xff] === 1) {
      this.place(cells[entry | TAG_LO]!, hi, cells[entry | STATE]!, cells[entry | FRAME]!);
      return;
    }
    const pages = this.coalescedOrder !== 0 && this.coalescedOrder === next.coalescedOrder ? next.coalescedPagesOf(entry) : 0;
    this.fill(pageLo, pageHi, next.isGlobal(entry), next.orderOf(entry), cells[entry | STATE]!, next.frameFor(entry, pageLo), pages);
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
  fillTable(pageLo: number, pageHi: number, order: number, level: Level, index: number, forbids: number): void {
    const kind = CLASS_TABLE | order;
    const known = this.classCount[kind]! > 0 && this.find(unitLow(pageLo, pageHi, order), (pageHi >>> order) | tagBits(kind, this.asid)) >= 0;
    if (!known) this.insert(pageLo, pageHi, kind, STATE_PAGES | (level << STATE_LEVEL_SHIFT) | (forbids << STATE_PERMS_SHIFT), index);
  }

  /** Handle of the table entry that covers this page in the current ASID, or -1. A hit counts as a use. */
  findTable(pageLo: number, pageHi: number, order: number): number {
    const kind = CLASS_TABLE | order;
    if (this.classCount[kind] === 0) return -1;
    const lo = unitLow(pageLo, pageHi, order);
    const entry = this.find(lo, (pageHi >>> order) | tagBits(kind, this.asid));
    if (entry >= 0) this.policy.accessed(lo & this.setMask, this.slotOf(entry));
    return entry;
  }

  /** Position of the table that a table entry points to, in 8-byte words. */
  tableIndexOf(entry: number): number {
    return this.cells[entry | FRAME]!;
  }

  /** Forbidden rights kept with a table entry, as passed to `fillTable`. */
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
      const kind = (cells[entry | TAG_HI]! >>> TAG_CLASS_SHIFT) & 0xff;
      const coalesced = (kind & CLASS_COALESCED) !== 0;
      const size = 2 ** (kind & CLASS_ORDER);
      const first = this.unitOf(entry) * size;
      for (let page = 0; page < (coalesced ? size : 1); page++) {
        if (((state >>> (STATE_PAGES_SHIFT + page)) & 1) === 0) continue;
        yield {
          asid: (cells[entry | TAG_HI]! >>> TAG_ASID_SHIFT) as Asid,
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

  /** Set and way of an entry as the policy counts them. */
  private slotOf(entry: number): number {
    return (entry - this.firstEntry) >> ENTRY_SHIFT;
  }

  private isValid(entry: number): boolean {
    return (this.cells[entry | STATE]! & STATE_VALID) !== 0;
  }

  private bucketOf(lo: number, hi: number): number {
    return (this.buckets + (Math.imul(lo ^ salt(hi), HASH_FACTOR) >>> this.hashShift)) | 0;
  }

  /** Handle of the entry with this tag, or -1. */
  private find(lo: number, hi: number): number {
    const { cells } = this;
    let entry = cells[this.bucketOf(lo, hi)]!;
    while (entry >= 0 && (cells[entry | TAG_LO] !== lo || cells[entry | TAG_HI] !== hi)) entry = cells[entry | CHAIN]!;
    return entry;
  }

  /** Page number / entry size of a valid entry. */
  private unitOf(entry: number): number {
    return (this.cells[entry | TAG_LO]! >>> 0) + (this.cells[entry | TAG_HI]! & TAG_PAGE_HIGH) * 2 ** 32;
  }

  private insert(pageLo: number, pageHi: number, kind: number, state: number, frame: number): void {
    const order = kind & CLASS_ORDER;
    const lo = unitLow(pageLo, pageHi, order);
    const hi = (pageHi >>> order) | tagBits(kind, this.asid);
    if ((kind & CLASS_COALESCED) !== 0) {
      const present = this.find(lo, hi);
      if (present >= 0) {
        // Pages of the group have become valid since the entry was made: the new walk replaces it.
        this.cells[present | STATE] = state | STATE_VALID;
        this.cells[present | FRAME] = frame;
        this.policy.accessed(lo & this.setMask, this.slotOf(present));
        return;
      }
    }
    this.place(lo, hi, state | STATE_VALID, frame);
  }

  /** Give the tag an entry: the lowest invalid way of its set, or the policy's victim. Pre: no entry has the tag. */
  private place(lo: number, hi: number, state: number, frame: number): void {
    const { cells } = this;
    const set = lo & this.setMask;
    let entry: number;
    if (this.nrInvalid[set]! > 0) {
      entry = this.takeInvalid(set);
      this.countUp((hi >>> TAG_CLASS_SHIFT) & 0xff);
    } else {
      entry = (this.firstEntry + (this.policy.victim(set) << ENTRY_SHIFT)) | 0;
      unlinkEntry(cells, entry);
      const gone = cells[entry | TAG_HI]!;
      if (((gone ^ hi) & TAG_CLASS) !== 0) {
        this.countUp((hi >>> TAG_CLASS_SHIFT) & 0xff);
        this.countDown((gone >>> TAG_CLASS_SHIFT) & 0xff);
      }
    }
    const bucket = this.bucketOf(lo, hi);
    cells[entry | TAG_LO] = lo;
    cells[entry | TAG_HI] = hi;
    cells[entry | STATE] = state;
    cells[entry | FRAME] = frame;
    cells[entry | CHAIN] = cells[bucket]!;
    cells[entry | BUCKET] = bucket;
    cells[bucket] = entry;
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
    const slot = this.slotOf(entry);
    const set = Math.floor(slot / this.ways);
    unlinkEntry(this.cells, entry);
    this.countDown((this.cells[entry | TAG_HI]! >>> TAG_CLASS_SHIFT) & 0xff);
    this.cells[entry | STATE] = 0;
    this.nrInvalid[set] = this.nrInvalid[set]! + 1;
    this.cells[this.header | H_INVALID] = this.cells[this.header | H_INVALID]! + 1;
    this.policy.invalidated(set, slot);
  }

  /** Single-page entries of the pages that a coalesced entry is about to cover. */
  private dropPagesUnder(firstLo: number, pageHi: number, globalBit: number, pages: number): void {
    if (this.classCount[globalBit] === 0) return;
    const hi = pageHi | tagBits(globalBit, this.asid);
    for (let page = 0; pages >>> page !== 0; page++) {
      if (((pages >>> page) & 1) === 0) continue;
      const entry = this.find(firstLo + page, hi);
      if (entry >= 0) this.remove(entry);
    }
  }

  private countUp(kind: number): void {
    const count = this.classCount[kind]!;
    this.classCount[kind] = count + 1;
    if (count === 0 && kind < CLASS_TABLE) addProbe(this.cells, this.header, kind, this.asid);
  }

  private countDown(kind: number): void {
    const count = this.classCount[kind]! - 1;
    this.classCount[kind] = count;
    if (count === 0 && kind < CLASS_TABLE) removeProbe(this.cells, this.header, kind);
  }

  private invalidateAsid(asid: Asid): void {
    for (let entry = this.firstEntry; entry < this.endEntry; entry += 1 << ENTRY_SHIFT) {
      if (!this.isValid(entry)) continue;
      const hi = this.cells[entry | TAG_HI]!;
      if (((hi >>> TAG_CLASS_SHIFT) & CLASS_GLOBAL) === 0 && hi >>> TAG_ASID_SHIFT === asid) this.remove(entry);
    }
  }

  private invalidateRange(operation: Tlbi): void {
    const lastLevelOnly = isLastLevelOnly(operation.op);
    const level = operation.level ?? -1;
    const first = Math.floor(operation.start / this.pageSize);
    const end = Math.ceil(operation.end / this.pageSize);
    if (end <= first) return;
    for (let kind = 0; kind < CLASSES; kind++) {
      if (this.classCount[kind] === 0) continue;
      const table = (kind & CLASS_TABLE) !== 0;
      if (table && lastLevelOnly) continue;
      const size = 2 ** (kind & CLASS_ORDER);
      const firstUnit = Math.floor(first / size);
      const lastUnit = Math.floor((end - 1) / size);
      const tag = tagBits(kind, operation.asid);
      if (lastUnit - firstUnit < this.entries) {
        for (let unit = firstUnit; unit <= lastUnit; unit++) {
          const entry = this.find(unit | 0, Math.floor(unit / 2 ** 32) | tag);
          if (entry >= 0) this.removeMatching(entry, table, level, first, end);
        }
      } else {
        for (let entry = this.firstEntry; entry < this.endEntry; entry += 1 << ENTRY_SHIFT) {
          if (!this.isValid(entry) || (this.cells[entry | TAG_HI]! & ~TAG_PAGE_HIGH) !== tag) continue;
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
