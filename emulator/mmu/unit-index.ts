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
import { CAPACITY_BITS, createResolver, HASH_AT, HASH_FACTOR, HASH_SHIFT, PLACES, SALT_FACTOR, TAG_HI_AT, TAG_LO_AT, UNIT_OF_AT } from "./resolve-code.js";
import type { Resolver } from "./resolve-code.js";
import * as layout from "./tlb-layout.js";
import { roomFor, TlbStorage } from "./tlb-storage.js";

const { BLOCK_SHIFT, BLOCK_UNITS, CLASS_GLOBAL, CLASS_ORDER, CLASSES, RESOLVED_UNIT_SHIFT, TAG_ASID_SHIFT, TAG_CLASS_SHIFT, TAG_PAGE_HIGH } = layout;

/** Buckets per block: short runs of full buckets. */
const BUCKET_BITS = 2;
const FIRST_CAPACITY_BITS = 8;
const FIRST_COLUMNS = 4;
/** Records that are copied one by one. */
const FEW = 64;
/** Blocks after which numbering starts anew. */
const MANY_BLOCKS = 1 << 15;

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
  tagLo: Int32Array;
  /** The rest of page number / size, class and ASID (tlb-layout.ts). */
  tagHi: Int32Array;
  /** By column of a class << capacityBits | block of a page: number of the unit that holds the block's first page, 0 if not asked for yet. */
  unitOf: Int32Array;
  /** log2 of the blocks that there is room for. */
  capacityBits = FIRST_CAPACITY_BITS;
  /** Columns of `unitOf` by class; -1: none. Class 0 has none, a page being its own unit. */
  readonly columnOf = new Int8Array(CLASSES).fill(-1);
  /** Where these arrays lie, for code that works on them (resolve-code.ts). */
  readonly places: Int32Array;
  private columns = 0;
  /** Columns that `unitOf` has room for. */
  private columnRoom = FIRST_COLUMNS;
  private hash: Int32Array;
  private nextBlock = 1;
  private words: Uint32Array;
  private records: Int32Array;
  /** By length: the first of them. Most exits hand over a few, and a view takes longer to make than these to resolve. */
  private readonly firstRecords: (Int32Array | undefined)[] = [];
  private readonly clients: UnitClient[] = [];
  private readonly resolver: Resolver | undefined;

  /** `storage`: where its arrays and those of its clients lie. Only an index in memory resolves records. */
  constructor(
    readonly storage = TlbStorage.apart(),
    private readonly manyBlocks = MANY_BLOCKS,
  ) {
    const blocks = 1 << FIRST_CAPACITY_BITS;
    this.tagLo = storage.int32(blocks);
    this.tagHi = storage.int32(blocks);
    this.hash = storage.int32(blocks << BUCKET_BITS);
    this.unitOf = storage.int32(FIRST_COLUMNS << FIRST_CAPACITY_BITS);
    this.places = storage.int32(PLACES);
    this.words = new Uint32Array(0);
    this.records = new Int32Array(0);
    this.notePlaces();
    if (storage.memory !== undefined) this.resolver = createResolver(storage.memory, this.places.byteOffset, (lo, hi) => this.enter(lo, hi));
  }

  private notePlaces(): void {
    const { places, tagLo, tagHi, unitOf, hash } = this;
    places[TAG_LO_AT] = tagLo.byteOffset;
    places[TAG_HI_AT] = tagHi.byteOffset;
    places[UNIT_OF_AT] = unitOf.byteOffset;
    places[CAPACITY_BITS] = this.capacityBits;
    places[HASH_AT] = hash.byteOffset;
    places[HASH_SHIFT] = this.hashShift();
  }

  register(client: UnitClient): void {
    this.clients.push(client);
    client.grow(this.capacityBits + BLOCK_SHIFT);
  }

  /**
   * Trace records (pairs of words, engine.ts) as resolved ones, one for each, in an array that is valid until the next call. All numbers of
   * units found before are void. `merge`: a read and next the first write of the same page become one record, with RESOLVED_READ_WRITE for Access.
   */
  resolve(words: Uint32Array, count: number, asid: Asid, merge = false): Int32Array {
    if (this.resolver === undefined) throw new ModelBug("UnitIndex.resolve: the index is not in memory");
    if (this.nextBlock > this.manyBlocks) this.restart();
    if (this.records.length < count) {
      const room = roomFor(count);
      this.words = this.storage.uint32(2 * room);
      this.records = this.storage.int32(room);
      this.firstRecords.length = 0;
    }
    if (count > FEW) this.words.set(words.length === 2 * count ? words : words.subarray(0, 2 * count));
    else for (let i = 0; i < 2 * count; i++) this.words[i] = words[i]!;
    const resolved = this.resolver.resolve(this.words.byteOffset, count, this.records.byteOffset, asid << TAG_ASID_SHIFT, merge ? 1 : 0);
    return resolved > FEW ? this.records.subarray(0, resolved) : (this.firstRecords[resolved] ??= this.records.subarray(0, resolved));
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
    if (column === this.columnRoom) {
      this.columnRoom *= 2;
      const before = this.unitOf;
      this.unitOf = this.storage.int32(this.columnRoom << this.capacityBits);
      this.unitOf.set(before);
      this.notePlaces();
    }
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
    const { storage, tagLo, tagHi, unitOf } = this;
    this.capacityBits = bits + 1;
    this.tagLo = storage.int32(2 << bits);
    this.tagHi = storage.int32(2 << bits);
    this.tagLo.set(tagLo);
    this.tagHi.set(tagHi);
    this.unitOf = storage.int32(this.columnRoom << (bits + 1));
    for (let column = 0; column < this.columns; column++) this.unitOf.set(unitOf.subarray(column << bits, (column + 1) << bits), column << (bits + 1));
    this.hash = storage.int32(2 << (bits + BUCKET_BITS));
    for (let block = 1; block < this.nextBlock; block++) this.enterHash(block);
    this.notePlaces();
    for (const client of this.clients) client.grow(bits + 1 + BLOCK_SHIFT);
  }

  private restart(): void {
    const [tagLo, tagHi] = [this.tagLo.slice(), this.tagHi.slice()];
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
