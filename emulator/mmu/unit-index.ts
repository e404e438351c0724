/**
 * Numbers for what TLB entries can stand for. A unit is a page, or an aligned group of pages as one class of entries tags it, in one ASID;
 * it gets a number when someone first asks for it.
 *
 * Lookups then need no search: a structure keeps, by number, which of its entries holds the unit. One hash lookup finds the number
 * of a trace record's page, for all structures of all hierarchies that listen to a run. Sixteen neighbouring units, a block, get their
 * numbers together, so that what is kept by block stays small and neighbours need no lookup at all.
 *
 * When many blocks have numbers, most of them for units that no structure holds any more, numbering starts anew with those that are held.
 */
import type { Asid } from "../arch/addr.js";
import { ModelBug } from "../arch/errors.js";
import { ACCESS_LEAVE, ACCESS_READ, ACCESS_WRITE, RECORD_HELD, RECORD_HELD_SHIFT, RECORD_PAGE_HIGH } from "../engine/engine.js";
import * as layout from "./tlb-layout.js";

const { BLOCK_SHIFT, BLOCK_UNITS, CLASS_GLOBAL, CLASS_ORDER, CLASSES, TAG_ASID_SHIFT, TAG_CLASS_SHIFT, TAG_PAGE_HIGH } = layout;

/** 2^32 divided by the golden ratio: neighbouring blocks spread over the buckets. */
const HASH_FACTOR = 0x9e3779b1 | 0;
/** Any odd constant that spreads class and ASID. */
const SALT_FACTOR = 0x85ebca6b | 0;
/** Buckets per block: short runs of full buckets. */
const BUCKET_BITS = 2;
const FIRST_CAPACITY_BITS = 8;
/** Blocks after which numbering starts anew. */
const MANY_BLOCKS = 1 << 15;

// A resolved record: access in bits 1:0, number of the held page (engine.ts) in bits 9:2, number of the unit above; unit 0, which is none, where a held page leaves.
export const RESOLVED_HELD_SHIFT = 2;
export const RESOLVED_HELD = 0xff;
export const RESOLVED_UNIT_SHIFT = 10;
/** Access of a record that stands for a read and a write. */
export const RESOLVED_READ_WRITE = ACCESS_READ | ACCESS_WRITE;

// Bound here because V8 loads and checks an imported or exported constant at every use.
const [LEAVE, WRITE, READ_WRITE] = [ACCESS_LEAVE, ACCESS_WRITE, RESOLVED_READ_WRITE];
const [HELD, HELD_SHIFT, PAGE_HIGH] = [RECORD_HELD, RECORD_HELD_SHIFT, RECORD_PAGE_HIGH];
const [OWN_HELD_SHIFT, OWN_HELD, OWN_UNIT_SHIFT] = [RESOLVED_HELD_SHIFT, RESOLVED_HELD << RESOLVED_HELD_SHIFT, RESOLVED_UNIT_SHIFT];
/** log2 of the blocks whose units have room in a record. */
const MOST_CAPACITY_BITS = 32 - RESOLVED_UNIT_SHIFT - BLOCK_SHIFT;

/** Who keeps something by unit number. */
export interface UnitClient {
  /** Numbers below 2^bits will be given. */
  grow(bits: number): void;
  /** No number is valid any more: ask for new ones. `tagLo`, `tagHi`: the tags by old block. */
  renumber(tagLo: Int32Array, tagHi: Int32Array): void;
}

export class UnitIndex {
  /** What the tags of a block's units hold, by number of a unit >> BLOCK_SHIFT; block 0 is never given. Page number / size, bits 31:4. */
  tagLo = new Int32Array(1 << FIRST_CAPACITY_BITS);
  /** The rest of page number / size, class and ASID (tlb-layout.ts). */
  tagHi = new Int32Array(1 << FIRST_CAPACITY_BITS);
  /** By column of a class << capacityBits | block of a page: number of the unit that holds the block's first page, 0 if not asked for yet. */
  unitOf = new Int32Array(0);
  /** log2 of the blocks that there is room for. */
  capacityBits = FIRST_CAPACITY_BITS;
  /** Columns of `unitOf` by class; -1: none. Class 0 has none, a page being its own unit. */
  readonly columnOf = new Int8Array(CLASSES).fill(-1);
  private columns = 0;
  private hash = new Int32Array(1 << (FIRST_CAPACITY_BITS + BUCKET_BITS));
  private nextBlock = 1;
  private records = new Int32Array(0);
  private readonly clients: UnitClient[] = [];

  constructor(private readonly manyBlocks = MANY_BLOCKS) {}

  register(client: UnitClient): void {
    this.clients.push(client);
    client.grow(this.capacityBits + BLOCK_SHIFT);
  }

  /**
   * Trace records (pairs of words, engine.ts) as resolved ones, one for each, in an array that is valid until the next call. All numbers of
   * units found before are void. `merge`: a read and next the first write of the same page become one record, with RESOLVED_READ_WRITE for Access.
   */
  resolve(words: Uint32Array, count: number, asid: Asid, merge = false): Int32Array {
    if (this.nextBlock > this.manyBlocks) this.restart();
    if (this.records.length < count) this.records = new Int32Array(count);
    const { records } = this;
    const asidBits = asid << TAG_ASID_SHIFT;
    let { hash, tagLo, tagHi } = this;
    let shift = this.hashShift();
    let resolved = 0;
    let last = 0;
    for (let i = 0; i < count; i++) {
      const lo = words[2 * i]! | 0;
      const second = words[2 * i + 1]! | 0;
      const access = second & 3;
      const held = (second >>> HELD_SHIFT) & HELD;
      if (access === LEAVE) {
        last = held << OWN_HELD_SHIFT;
        records[resolved++] = last;
        continue;
      }
      const hi = ((second >>> 2) & PAGE_HIGH) | asidBits;
      const first = lo & -BLOCK_UNITS;
      let bucket = Math.imul(first ^ Math.imul(hi, SALT_FACTOR), HASH_FACTOR) >>> shift;
      let block = hash[bucket]!;
      while (block !== 0 && (tagLo[block] !== first || tagHi[block] !== hi)) {
        bucket = (bucket + 1) & (hash.length - 1);
        block = hash[bucket]!;
      }
      if (block === 0) {
        block = this.enter(first, hi);
        ({ hash, tagLo, tagHi } = this);
        shift = this.hashShift();
      }
      const record = (((block << BLOCK_SHIFT) | (lo & (BLOCK_UNITS - 1))) << OWN_UNIT_SHIFT) | (held << OWN_HELD_SHIFT) | access;
      if (merge && ((record ^ last) & ~OWN_HELD) === READ_WRITE && access === WRITE && held === 0) {
        last |= READ_WRITE;
        records[resolved - 1] = last;
      } else {
        last = record;
        records[resolved++] = record;
      }
    }
    return records.subarray(0, resolved);
  }

  /** Number of the unit with this tag. */
  number(lo: number, hi: number): number {
    const known = this.find(lo, hi);
    return known === 0 ? (this.enter(lo & -BLOCK_UNITS, hi) << BLOCK_SHIFT) | (lo & (BLOCK_UNITS - 1)) : known;
  }

  /** As `number`, but 0 for a unit that no one has asked for. */
  find(lo: number, hi: number): number {
    const { hash, tagLo, tagHi } = this;
    const first = lo & -BLOCK_UNITS;
    let bucket = Math.imul(first ^ Math.imul(hi, SALT_FACTOR), HASH_FACTOR) >>> this.hashShift();
    for (;;) {
      const block = hash[bucket]!;
      if (block === 0) return 0;
      if (tagLo[block] === first && tagHi[block] === hi) return (block << BLOCK_SHIFT) | (lo & (BLOCK_UNITS - 1));
      bucket = (bucket + 1) & (hash.length - 1);
    }
  }

  /** Number of the unit of this class that holds a page. */
  unit(page: number, kind: number): number {
    if (kind === 0) return page;
    const order = kind & CLASS_ORDER;
    const block = page >> BLOCK_SHIFT;
    const inBlock = (page & (BLOCK_UNITS - 1)) >>> order;
    const column = this.column(kind);
    const known = this.unitOf[(column << this.capacityBits) | block]!;
    if (known !== 0) return known + inBlock;
    const hi = this.tagHi[block]!;
    const pageHi = hi & TAG_PAGE_HIGH;
    const unit = this.number(unitLow(this.tagLo[block]!, pageHi, order), (pageHi >>> order) | tagBits(kind, hi >>> TAG_ASID_SHIFT));
    // Entering the unit may have moved the columns.
    this.unitOf[(column << this.capacityBits) | block] = unit;
    return unit + inBlock;
  }

  /** Page number / size of a unit, bits 31:0. */
  lowOf(unit: number): number {
    return this.tagLo[unit >> BLOCK_SHIFT]! | (unit & (BLOCK_UNITS - 1));
  }

  /** The rest of it, class and ASID. */
  highOf(unit: number): number {
    return this.tagHi[unit >> BLOCK_SHIFT]!;
  }

  /** Address / page size of a page. */
  pageNumber(page: number): number {
    return (this.lowOf(page) >>> 0) + (this.highOf(page) & TAG_PAGE_HIGH) * 2 ** 32;
  }

  /** Column of a class, which has one from now on. */
  column(kind: number): number {
    const known = this.columnOf[kind]!;
    if (known >= 0) return known;
    const column = this.columns++;
    this.columnOf[kind] = column;
    const before = this.unitOf;
    this.unitOf = new Int32Array(this.columns << this.capacityBits);
    this.unitOf.set(before);
    return column;
  }

  private hashShift(): number {
    return 32 - this.capacityBits - BUCKET_BITS;
  }

  private enter(lo: number, hi: number): number {
    if (this.nextBlock === this.tagLo.length) this.grow();
    const block = this.nextBlock++;
    this.tagLo[block] = lo;
    this.tagHi[block] = hi;
    this.enterHash(block);
    return block;
  }

  private enterHash(block: number): void {
    const { hash } = this;
    let bucket = Math.imul(this.tagLo[block]! ^ Math.imul(this.tagHi[block]!, SALT_FACTOR), HASH_FACTOR) >>> this.hashShift();
    while (hash[bucket] !== 0) bucket = (bucket + 1) & (hash.length - 1);
    hash[bucket] = block;
  }

  private grow(): void {
    const bits = this.capacityBits;
    if (bits === MOST_CAPACITY_BITS) throw new ModelBug(`UnitIndex: more than ${2 ** bits} blocks`);
    const { tagLo, tagHi, unitOf } = this;
    this.capacityBits = bits + 1;
    this.tagLo = new Int32Array(2 << bits);
    this.tagHi = new Int32Array(2 << bits);
    this.tagLo.set(tagLo);
    this.tagHi.set(tagHi);
    this.unitOf = new Int32Array(this.columns << (bits + 1));
    for (let column = 0; column < this.columns; column++) this.unitOf.set(unitOf.subarray(column << bits, (column + 1) << bits), column << (bits + 1));
    this.hash = new Int32Array(2 << (bits + BUCKET_BITS));
    for (let block = 1; block < this.nextBlock; block++) this.enterHash(block);
    for (const client of this.clients) client.grow(bits + 1 + BLOCK_SHIFT);
  }

  private restart(): void {
    const { tagLo, tagHi } = this;
    this.tagLo = new Int32Array(tagLo.length);
    this.tagHi = new Int32Array(tagHi.length);
    this.nextBlock = 1;
    this.hash.fill(0);
    this.unitOf.fill(0);
    for (const client of this.clients) client.renumber(tagLo, tagHi);
  }
}

/** Page number in words, below 2^36, shifted right by an order below 32: the low word. */
export function unitLow(pageLo: number, pageHi: number, order: number): number {
  return ((pageHi << 1) << (31 - order)) | (pageLo >>> order);
}

/** Class and ASID bits of a high tag. */
export function tagBits(kind: number, asid: number): number {
  return (kind << TAG_CLASS_SHIFT) | ((kind & CLASS_GLOBAL) !== 0 ? 0 : asid << TAG_ASID_SHIFT);
}
