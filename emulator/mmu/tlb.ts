/**
 * One TLB structure: any number of entries as sets x ways, any set of page sizes, entries for pages, contiguous runs, blocks and
 * coalesced pages, tagged with ASIDs. The walk caches keep their table descriptors in the same kind of structure.
 *
 * A lookup costs the same for 10 fully associative entries and 2048 in 8 ways: slots are found through a hash of their tag, and
 * sets matter only when a slot has to be given up. One probe is made per kind of entry (`class`) that the structure holds at the
 * moment, smallest size first. State is in typed columns; nothing is allocated after construction.
 *
 * Arm: DDI 0487 D8.16 (TLBs), D8.7.1 (contiguous bit); Cortex-A76 TRM 100798, A5.2 and the L2 TLB format (coalesced entries).
 */
import type { Asid, Pfn, Va } from "../arch/addr.js";
import { ModelBug } from "../arch/errors.js";
import type { Granule, Level } from "../arch/granule.js";
import { makePolicy } from "./tlb-policy.js";
import type { PolicyName, ReplacementPolicy } from "./tlb-policy.js";
import { shiftPage } from "./walk.js";
import { isLastLevelOnly } from "./tlbi.js";
import type { CachedTranslation, Tlbi } from "./tlbi.js";

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

// Bits of the state column.
/** The slot holds an entry. */
const STATE_VALID = 1 << 0;
/** A write through this entry needs no descriptor update. */
export const STATE_DIRTY = 1 << 1;
/** Level of the descriptor, two bits. */
export const STATE_LEVEL_SHIFT = 2;
/** leafOrder of the translation, five bits: the size of the one descriptor, when the entry is a run. */
export const STATE_LEAF_SHIFT = 4;
/** PERM_* of the translation, three bits; in a table entry HI_UXNTABLE, HI_APTABLE0, HI_APTABLE1. */
export const STATE_PERMS_SHIFT = 9;
/** Valid bits of the pages of a coalesced entry, eight bits; all ones in others. */
const STATE_PAGES_SHIFT = 16;
const STATE_PAGES = 0xff << STATE_PAGES_SHIFT;

// A class is what a tag is relative to: the order of the entry's size and its kind.
const CLASS_ORDER = 0x1f;
const CLASS_GLOBAL = 1 << 5;
const CLASS_COALESCED = 1 << 6;
const CLASS_TABLE = 1 << 7;
const CLASSES = 256;

// The high tag word: page number bits 35:32 (shifted by the order), class, ASID.
const TAG_CLASS_SHIFT = 8;
const TAG_ASID_SHIFT = 16;
const TAG_PAGE_HIGH = 0xff;

/** An entry as reports, validators and tests see it. A coalesced entry shows as one record per valid page. */
export interface TlbEntry extends CachedTranslation {
  /** First output frame; for a table entry the table's position in 8-byte words. */
  readonly frame: Pfn;
  readonly dirty: boolean;
  readonly perms: number;
}

export class Tlb {
  readonly entries: number;
  readonly sets: number;
  readonly ways: number;
  /** State bits of every slot; `STATE_DIRTY` may be set by the MMU on a hit. */
  readonly state: Int32Array;
  /** First output frame of every slot. */
  readonly frame: Int32Array;
  /** log2 of the pages of a coalesced entry; 0 = the structure does not coalesce. */
  readonly coalescedOrder: number;

  private readonly pageSize: number;
  private readonly policy: ReplacementPolicy;
  private readonly tagLo: Int32Array;
  private readonly tagHi: Int32Array;
  /** Next slot in the same hash bucket, or in the set's list of invalid slots; -1 ends. */
  private readonly chain: Int32Array;
  private readonly buckets: Int32Array;
  private readonly hashShift: number;
  /** First invalid slot of each set. */
  private readonly invalid: Int32Array;
  private readonly setMask: number;
  private nrValid = 0;
  private asid = 0;

  /** Entries per class. */
  private readonly classCount = new Int32Array(CLASSES);
  /** What a probe needs of each class of translations that is present, in ascending order of the class. */
  private readonly probeOrder = new Int32Array(CLASSES);
  /** Class and ASID bits of the high tag word. */
  private readonly probeTag = new Int32Array(CLASSES);
  /** Mask of the page inside a coalesced entry; 0 for others. */
  private readonly probePages = new Int32Array(CLASSES);
  private nrProbes = 0;

  /** Order of the entry for a translation of this order, -1 where every size held is larger. */
  private readonly entryOrder = new Int8Array(32);
  private readonly wholeRuns: boolean;

  constructor(spec: TlbSpec, granule: Granule, seed: number) {
    this.entries = spec.entries;
    this.ways = spec.ways === "full" ? spec.entries : spec.ways;
    this.sets = this.entries / this.ways;
    if (!Number.isInteger(this.sets) || (this.sets & (this.sets - 1)) !== 0) {
      throw new ModelBug(`Tlb: ${this.entries} entries in ${this.ways} ways do not make a power of two of sets`);
    }
    this.setMask = this.sets - 1;
    this.pageSize = granule.pageSize;
    this.policy = makePolicy(spec.policy, this.sets, this.ways, seed);
    this.wholeRuns = spec.contiguous === "whole";
    this.coalescedOrder = 31 - Math.clz32(spec.coalescedPages);

    const held = spec.pageSizes.filter((bytes) => bytes >= granule.pageSize).map((bytes) => Math.log2(bytes / granule.pageSize));
    for (let order = 0; order < 32; order++) {
      const fitting = held.filter((heldOrder) => heldOrder <= order);
      this.entryOrder[order] = spec.splinter === "page" ? (held.includes(0) ? 0 : -1) : Math.max(-1, ...fitting);
    }

    this.state = new Int32Array(this.entries);
    this.frame = new Int32Array(this.entries);
    this.tagLo = new Int32Array(this.entries);
    this.tagHi = new Int32Array(this.entries);
    this.chain = new Int32Array(this.entries);
    this.invalid = new Int32Array(this.sets);
    const bucketBits = Math.max(4, 34 - Math.clz32(this.entries));
    this.buckets = new Int32Array(2 ** bucketBits);
    this.hashShift = 32 - bucketBits;
    this.empty();
  }

  /** The ASID of later lookups. Entries of other ASIDs stay. */
  setAsid(asid: Asid): void {
    this.asid = asid;
    this.rebuildProbes();
  }

  /** Valid entries. */
  get size(): number {
    return this.nrValid;
  }

  /** Slot of the entry that translates this page in the current ASID, or -1. A hit counts as a use. */
  lookup(pageLo: number, pageHi: number): number {
    const { tagLo, tagHi, chain } = this;
    const n = this.nrProbes;
    for (let probe = 0; probe < n; probe++) {
      const order = this.probeOrder[probe]!;
      const lo = shiftPage(pageLo, pageHi, order);
      const hi = (pageHi >>> order) | this.probeTag[probe]!;
      for (let slot = this.buckets[this.hash(lo, hi)]!; slot >= 0; slot = chain[slot]!) {
        if (tagLo[slot] !== lo || tagHi[slot] !== hi) continue;
        const pages = this.probePages[probe]!;
        if (pages !== 0 && ((this.state[slot]! >>> (STATE_PAGES_SHIFT + (pageLo & pages))) & 1) === 0) break;
        this.policy.accessed(lo & this.setMask, slot);
        return slot;
      }
    }
    return -1;
  }

  /** Order of the entry that `slot` holds; a coalesced entry serves as single pages. */
  orderOf(slot: number): number {
    const kind = this.tagHi[slot]! >>> TAG_CLASS_SHIFT;
    return (kind & CLASS_COALESCED) !== 0 ? 0 : kind & CLASS_ORDER;
  }

  /** Valid pages of the coalesced entry in `slot`, bit 0 its first page; 0 for any other entry. */
  coalescedPagesOf(slot: number): number {
    return ((this.tagHi[slot]! >>> TAG_CLASS_SHIFT) & CLASS_COALESCED) !== 0 ? (this.state[slot]! & STATE_PAGES) >>> STATE_PAGES_SHIFT : 0;
  }

  /** Output frame of this page under the entry in `slot`. */
  frameFor(slot: number, pageLo: number): number {
    const order = (this.tagHi[slot]! >>> TAG_CLASS_SHIFT) & CLASS_ORDER;
    return this.frame[slot]! + (pageLo & ((1 << order) - 1));
  }

  /** True if the entry belongs to every ASID. */
  isGlobal(slot: number): boolean {
    return ((this.tagHi[slot]! >>> TAG_CLASS_SHIFT) & CLASS_GLOBAL) !== 0;
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
   * Let one page of a coalesced entry go, because its attributes no longer are the group's.
   * Pre: `slot` holds a coalesced entry in which the page is valid.
   */
  dropCoalescedPage(slot: number, pageLo: number): void {
    const left = this.state[slot]! & ~(1 << (STATE_PAGES_SHIFT + (pageLo & ((1 << this.coalescedOrder) - 1))));
    if ((left & STATE_PAGES) === 0) this.remove(slot);
    else this.state[slot] = left;
  }

  /** Table entries, for a walk cache: the descriptor of `level` that covers this page, 2^order pages wide. */
  fillTable(pageLo: number, pageHi: number, order: number, level: Level, index: number, forbids: number): void {
    const slot = this.findTable(pageLo, pageHi, order);
    if (slot >= 0) return;
    this.insert(pageLo, pageHi, CLASS_TABLE | order, STATE_PAGES | (level << STATE_LEVEL_SHIFT) | (forbids << STATE_PERMS_SHIFT), index);
  }

  /** Slot of the table entry that covers this page in the current ASID, or -1. A hit counts as a use. */
  findTable(pageLo: number, pageHi: number, order: number): number {
    if (this.classCount[CLASS_TABLE | order] === 0) return -1;
    const lo = shiftPage(pageLo, pageHi, order);
    const slot = this.find(lo, (pageHi >>> order) | this.tagBits(CLASS_TABLE | order, this.asid));
    if (slot >= 0) this.policy.accessed(lo & this.setMask, slot);
    return slot;
  }

  /** Forbidden rights kept with a table entry, as passed to `fillTable`. */
  forbidsOf(slot: number): number {
    return (this.state[slot]! >>> STATE_PERMS_SHIFT) & 7;
  }

  /** Empty the structure. */
  invalidateAll(): void {
    for (let slot = 0; slot < this.entries; slot++) if ((this.state[slot]! & STATE_VALID) !== 0) this.remove(slot);
  }

  /** Carry out a TLB maintenance operation: exactly the entries that `matchTlbi` names go; of a coalesced entry only the pages named. */
  tlbi(operation: Tlbi): void {
    if (operation.op === "vmalle1is") this.invalidateAll();
    else if (operation.op === "aside1is") this.invalidateAsid(operation.asid);
    else this.invalidateRange(operation);
  }

  /** The entries, in slot order. */
  *[Symbol.iterator](): Generator<TlbEntry> {
    for (let slot = 0; slot < this.entries; slot++) {
      const state = this.state[slot]!;
      if ((state & STATE_VALID) === 0) continue;
      const kind = (this.tagHi[slot]! >>> TAG_CLASS_SHIFT) & 0xff;
      const coalesced = (kind & CLASS_COALESCED) !== 0;
      const size = 2 ** (kind & CLASS_ORDER);
      const first = this.unitOf(slot) * size;
      for (let page = 0; page < (coalesced ? size : 1); page++) {
        if (coalesced && ((state >>> (STATE_PAGES_SHIFT + page)) & 1) === 0) continue;
        yield {
          asid: (this.tagHi[slot]! >>> TAG_ASID_SHIFT) as Asid,
          global: (kind & CLASS_GLOBAL) !== 0,
          start: ((first + page) * this.pageSize) as Va,
          end: ((first + (coalesced ? page + 1 : size)) * this.pageSize) as Va,
          level: ((state >>> STATE_LEVEL_SHIFT) & 3) as Level,
          table: (kind & CLASS_TABLE) !== 0,
          frame: (this.frame[slot]! + page) as Pfn,
          dirty: (state & STATE_DIRTY) !== 0,
          perms: (state >>> STATE_PERMS_SHIFT) & 7,
        };
      }
    }
  }

  private hash(lo: number, hi: number): number {
    return Math.imul(lo ^ Math.imul(hi, 0x85ebca6b), 0x9e3779b1) >>> this.hashShift;
  }

  private tagBits(kind: number, asid: number): number {
    return (kind << TAG_CLASS_SHIFT) | ((kind & CLASS_GLOBAL) !== 0 ? 0 : asid << TAG_ASID_SHIFT);
  }

  private find(lo: number, hi: number): number {
    let slot = this.buckets[this.hash(lo, hi)]!;
    while (slot >= 0 && (this.tagLo[slot] !== lo || this.tagHi[slot] !== hi)) slot = this.chain[slot]!;
    return slot;
  }

  /** Page number / entry size of a valid slot. */
  private unitOf(slot: number): number {
    return (this.tagLo[slot]! >>> 0) + (this.tagHi[slot]! & TAG_PAGE_HIGH) * 2 ** 32;
  }

  private insert(pageLo: number, pageHi: number, kind: number, state: number, frame: number): void {
    const order = kind & CLASS_ORDER;
    const lo = shiftPage(pageLo, pageHi, order);
    const hi = (pageHi >>> order) | this.tagBits(kind, this.asid);
    const set = lo & this.setMask;
    const present = (kind & CLASS_COALESCED) !== 0 ? this.find(lo, hi) : -1;
    if (present >= 0) {
      // Pages of the group have become valid since the entry was made: the new walk replaces it.
      this.state[present] = state | STATE_VALID;
      this.frame[present] = frame;
      this.policy.accessed(set, present);
      return;
    }
    this.countUp(kind);
    let slot = this.invalid[set]!;
    if (slot >= 0) {
      this.invalid[set] = this.chain[slot]!;
      this.nrValid++;
    } else {
      slot = this.policy.victim(set);
      this.unlink(slot);
    }
    const bucket = this.hash(lo, hi);
    this.tagLo[slot] = lo;
    this.tagHi[slot] = hi;
    this.state[slot] = state | STATE_VALID;
    this.frame[slot] = frame;
    this.chain[slot] = this.buckets[bucket]!;
    this.buckets[bucket] = slot;
    this.policy.filled(set, slot);
  }

  /** Take a valid slot out of its hash bucket and its class. */
  private unlink(slot: number): void {
    const { chain, buckets } = this;
    const hi = this.tagHi[slot]!;
    const bucket = this.hash(this.tagLo[slot]!, hi);
    let at = buckets[bucket]!;
    if (at === slot) buckets[bucket] = chain[slot]!;
    else {
      while (chain[at] !== slot) at = chain[at]!;
      chain[at] = chain[slot]!;
    }
    this.countDown((hi >>> TAG_CLASS_SHIFT) & 0xff);
  }

  private remove(slot: number): void {
    const set = Math.floor(slot / this.ways);
    this.unlink(slot);
    this.state[slot] = 0;
    this.chain[slot] = this.invalid[set]!;
    this.invalid[set] = slot;
    this.nrValid--;
    this.policy.invalidated(set, slot);
  }

  /** Single-page entries of the pages that a coalesced entry is about to cover. */
  private dropPagesUnder(firstLo: number, pageHi: number, globalBit: number, pages: number): void {
    if (this.classCount[globalBit] === 0) return;
    const hi = pageHi | this.tagBits(globalBit, this.asid);
    for (let page = 0; pages >>> page !== 0; page++) {
      if (((pages >>> page) & 1) === 0) continue;
      const slot = this.find(firstLo + page, hi);
      if (slot >= 0) this.remove(slot);
    }
  }

  private countUp(kind: number): void {
    const count = this.classCount[kind]!;
    this.classCount[kind] = count + 1;
    if (count === 0) this.rebuildProbes();
  }

  private countDown(kind: number): void {
    const count = this.classCount[kind]! - 1;
    this.classCount[kind] = count;
    if (count === 0) this.rebuildProbes();
  }

  private rebuildProbes(): void {
    let n = 0;
    for (let kind = 0; kind < CLASS_TABLE; kind++) {
      if (this.classCount[kind] === 0) continue;
      this.probeOrder[n] = kind & CLASS_ORDER;
      this.probeTag[n] = this.tagBits(kind, this.asid);
      this.probePages[n] = (kind & CLASS_COALESCED) !== 0 ? (1 << (kind & CLASS_ORDER)) - 1 : 0;
      n++;
    }
    this.nrProbes = n;
  }

  private empty(): void {
    this.buckets.fill(-1);
    for (let set = 0; set < this.sets; set++) {
      this.invalid[set] = set * this.ways;
      for (let way = 0; way < this.ways; way++) this.chain[set * this.ways + way] = way + 1 < this.ways ? set * this.ways + way + 1 : -1;
    }
  }

  private invalidateAsid(asid: Asid): void {
    for (let slot = 0; slot < this.entries; slot++) {
      if ((this.state[slot]! & STATE_VALID) === 0) continue;
      const hi = this.tagHi[slot]!;
      if (((hi >>> TAG_CLASS_SHIFT) & CLASS_GLOBAL) === 0 && hi >>> TAG_ASID_SHIFT === asid) this.remove(slot);
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
      const tag = this.tagBits(kind, operation.asid);
      if (lastUnit - firstUnit < this.entries) {
        for (let unit = firstUnit; unit <= lastUnit; unit++) {
          const slot = this.find(unit | 0, Math.floor(unit / 2 ** 32) | tag);
          if (slot >= 0) this.removeMatching(slot, table, level, first, end);
        }
      } else {
        for (let slot = 0; slot < this.entries; slot++) {
          if ((this.state[slot]! & STATE_VALID) === 0 || (this.tagHi[slot]! & ~TAG_PAGE_HIGH) !== tag) continue;
          const unit = this.unitOf(slot);
          if (unit >= firstUnit && unit <= lastUnit) this.removeMatching(slot, table, level, first, end);
        }
      }
    }
  }

  /** Remove the entry, or the pages [first, end) of a coalesced one, if the level hint (-1: none) allows it. */
  private removeMatching(slot: number, table: boolean, level: number, first: number, end: number): void {
    const state = this.state[slot]!;
    const own = (state >>> STATE_LEVEL_SHIFT) & 3;
    if (level >= 0 && (table ? own >= level : own !== level)) return;
    if (this.coalescedPagesOf(slot) !== 0) {
      const base = this.unitOf(slot) * 2 ** this.coalescedOrder;
      let left = state;
      for (let page = 0; page < 8; page++) if (base + page >= first && base + page < end) left &= ~(1 << (STATE_PAGES_SHIFT + page));
      if ((left & STATE_PAGES) !== 0) {
        this.state[slot] = left;
        return;
      }
    }
    this.remove(slot);
  }
}
