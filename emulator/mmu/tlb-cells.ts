/**
 * The cells that TLB structures lie in: one typed array, the arena, holds all structures of an MMU (tlb-layout.ts says where what is).
 *
 * Every further typed array would cost the loads of its base and length, and in one array the fast path (tlb-fast.ts) is one body of
 * code with a structure's header offset as its variable.
 */
import { ModelBug } from "../arch/errors.js";
import * as layout from "./tlb-layout.js";

const { H_PROBES, H_END_PROBE, CHAIN, BUCKET, CLASS_ORDER, CLASS_GLOBAL, CLASS_COALESCED, TAG_CLASS_SHIFT, TAG_ASID_SHIFT,
  TAG_PAGE_HIGH, PROBE_SHIFT, PROBE_ORDER, PROBE_TAG, PROBE_SALT, PROBE_PAGES, SALT_FACTOR } = layout;

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
