/**
 * How TLB structures lie in memory: one typed array, the arena, holds all structures of an MMU.
 *
 * Every further typed array would cost the loads of its base and length, and in one array the fast path (tlb-fast.ts) is one body of
 * code with a structure's header offset as its variable.
 */
import { ModelBug } from "../arch/errors.js";

/** The cells that structures share. */
export class Arena {
  readonly cells: Int32Array;
  private used = 0;

  constructor(cells: number) {
    this.cells = new Int32Array(cells);
  }

  /** Index of `cells` zeroed cells, a multiple of 8. */
  take(cells: number): number {
    const at = this.used;
    this.used += (cells + 7) & ~7;
    if (this.used > this.cells.length) throw new ModelBug(`Arena.take: ${cells} cells at ${at} of ${this.cells.length}`);
    return at;
  }
}

// Header of a structure: what the fast path needs to know of it. Its offset is a multiple of 16.
export const HEADER_CELLS = 16;
export const H_BUCKETS = 0;
/** Right shift that makes a bucket number of a hash. */
export const H_SHIFT = 1;
export const H_SET_MASK = 2;
/** Index of the first set's newest cell. */
export const H_NEWEST = 3;
export const H_PROBES = 4;
export const H_END_PROBE = 5;
/** Entries that are not valid. */
export const H_INVALID = 6;
/** 1 if a hit makes the entry the newest: lru. 0: fifo, or a policy that keeps no ring. */
export const H_REFRESH = 7;

// An entry is named by its handle, the index of its first cell, a multiple of 8; these are the cells of an entry. Indexes are joined
// with `|`, which unlike `+` cannot leave 32 bits and so costs no overflow check.
export const ENTRY_SHIFT = 3;
/** Page number / entry size, bits 31:0. */
export const TAG_LO = 0;
/** The rest of the page number (7:0), the class (15:8) and the ASID (31:16). */
export const TAG_HI = 1;
/** STATE_* bits. */
export const STATE = 2;
/** First output frame; of a table entry, the table's position in 8-byte words. */
export const FRAME = 3;
/** Handle of the next entry in the same hash bucket; -1 ends. */
export const CHAIN = 4;
/** Index of the cell that is the entry's hash bucket. */
export const BUCKET = 5;
/** Handles of the neighbours in the recency ring of the set, which goes from the newest to the oldest and back to the newest. */
export const OLDER = 6;
export const NEWER = 7;

// Bits of the state cell.
/** The entry is valid. */
export const STATE_VALID = 1 << 0;
/** A write through this entry needs no descriptor update. */
export const STATE_DIRTY = 1 << 1;
/** Level of the descriptor, two bits. */
export const STATE_LEVEL_SHIFT = 2;
/** leafOrder of the translation, five bits: the size of the one descriptor, when the entry is a run. */
export const STATE_LEAF_SHIFT = 4;
/** PERM_* of the translation, three bits; in a table entry HI_UXNTABLE, HI_APTABLE0, HI_APTABLE1. */
export const STATE_PERMS_SHIFT = 9;
/** Valid bits of the pages of a coalesced entry, eight bits; all ones in others. */
export const STATE_PAGES_SHIFT = 16;
export const STATE_PAGES = 0xff << STATE_PAGES_SHIFT;

// A class is what a tag is relative to: the order of the entry's size and its kind.
export const CLASS_ORDER = 0x1f;
export const CLASS_GLOBAL = 1 << 5;
export const CLASS_COALESCED = 1 << 6;
export const CLASS_TABLE = 1 << 7;
export const CLASSES = 256;
export const TAG_CLASS_SHIFT = 8;
export const TAG_ASID_SHIFT = 16;
export const TAG_PAGE_HIGH = 0xff;
export const TAG_CLASS = 0xff << TAG_CLASS_SHIFT;

// Cells of a probe: what a lookup needs of a class that is present.
export const PROBE_SHIFT = 2;
export const PROBE_ORDER = 0;
/** Class and ASID bits of the high tag. */
export const PROBE_TAG = 1;
/** What these add to the hash. */
export const PROBE_SALT = 2;
/** Mask of the page inside a coalesced entry; 0 for others. */
export const PROBE_PAGES = 3;

/** 2^32 divided by the golden ratio: neighbouring pages spread over the buckets. */
export const HASH_FACTOR = 0x9e3779b1 | 0;

/** Any odd constant that spreads class and ASID. */
export const SALT_FACTOR = 0x85ebca6b | 0;

/** log2 of the hash buckets. Eight per entry and more: most probes of an absent page then end at an empty bucket. */
export function bucketBits(entries: number): number {
  return Math.max(6, 35 - Math.clz32(entries));
}

/**
 * By order of a translation, the order of the entry that a structure makes of it: the largest of its page sizes (bytes) that is not
 * larger; always the granule's page if `pageWise`. -1 where every size held is larger.
 */
export function entryOrders(pageSizes: readonly number[], pageWise: boolean, granulePageSize: number): Int8Array {
  const held = pageSizes.filter((bytes) => bytes >= granulePageSize).map((bytes) => Math.log2(bytes / granulePageSize));
  const usable = pageWise ? held.filter((order) => order === 0) : held;
  return Int8Array.from({ length: 32 }, (_, order) => Math.max(-1, ...usable.filter((heldOrder) => heldOrder <= order)));
}

/** What class and ASID of a high tag add to the hash. The page bits in it are few and left out. */
export function salt(tagHi: number): number {
  return Math.imul(tagHi & ~TAG_PAGE_HIGH, SALT_FACTOR);
}

/** Page number in words, below 2^36, shifted right by an order below 32: the low word. */
export function unitLow(pageLo: number, pageHi: number, order: number): number {
  return ((pageHi << 1) << (31 - order)) | (pageLo >>> order);
}

/** Take a valid entry out of its hash bucket. */
export function unlinkEntry(cells: Int32Array, entry: number): void {
  const after = cells[entry | CHAIN]!;
  let at = cells[entry | BUCKET]!;
  let here = cells[at]!;
  while (here !== entry) {
    at = here | CHAIN;
    here = cells[at]!;
  }
  cells[at] = after;
}

/** Class and ASID bits of a high tag. */
export function tagBits(kind: number, asid: number): number {
  return (kind << TAG_CLASS_SHIFT) | ((kind & CLASS_GLOBAL) !== 0 ? 0 : asid << TAG_ASID_SHIFT);
}

function writeProbe(cells: Int32Array, probe: number, kind: number, asid: number): void {
  const tag = tagBits(kind, asid);
  cells[probe | PROBE_ORDER] = kind & CLASS_ORDER;
  cells[probe | PROBE_TAG] = tag;
  cells[probe | PROBE_SALT] = salt(tag);
  cells[probe | PROBE_PAGES] = (kind & CLASS_COALESCED) !== 0 ? (1 << (kind & CLASS_ORDER)) - 1 : 0;
}

const PROBE_CELLS = 1 << PROBE_SHIFT;

function kindOfProbe(cells: Int32Array, probe: number): number {
  return (cells[probe | PROBE_TAG]! >>> TAG_CLASS_SHIFT) & 0xff;
}

/** Let lookups in structure `h` probe this class too; probes stand in ascending order of the class. */
export function addProbe(cells: Int32Array, h: number, kind: number, asid: number): void {
  let probe = cells[h | H_END_PROBE]!;
  cells[h | H_END_PROBE] = probe + PROBE_CELLS;
  for (; probe > cells[h | H_PROBES]! && kindOfProbe(cells, probe - PROBE_CELLS) > kind; probe -= PROBE_CELLS) cells.copyWithin(probe, probe - PROBE_CELLS, probe);
  writeProbe(cells, probe, kind, asid);
}

/** Let lookups in structure `h` no longer probe this class. Pre: they do. */
export function removeProbe(cells: Int32Array, h: number, kind: number): void {
  let probe = cells[h | H_PROBES]!;
  while (kindOfProbe(cells, probe) !== kind) probe += PROBE_CELLS;
  const end = cells[h | H_END_PROBE]!;
  cells.copyWithin(probe, probe + PROBE_CELLS, end);
  cells[h | H_END_PROBE] = end - PROBE_CELLS;
}

/** The ASID of later lookups in structure `h`. */
export function retagProbes(cells: Int32Array, h: number, asid: number): void {
  for (let probe = cells[h | H_PROBES]!; probe < cells[h | H_END_PROBE]!; probe += PROBE_CELLS) writeProbe(cells, probe, kindOfProbe(cells, probe), asid);
}
