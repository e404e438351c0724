/**
 * Where the page cache ends: the index of the next or previous page that is not cached, as Linux finds it.
 *
 * Linux: mm/filemap.c page_cache_next_miss(), page_cache_prev_miss(); lib/xarray.c xas_load(), __xas_next(), __xas_prev().
 *
 * The answer is not always the first hole. The XArray keeps 64 slots per node; a folio of several pages has its head in one slot and
 * siblings in the others, and loading an index inside a folio moves the cursor's slot back to the head while its index stays. From
 * there both step together, so the index that is reported runs ahead of the slot that is looked at by the distance from the head,
 * up to the end of the node. Readahead that starts inside a folio therefore leaves a gap of that size; the 16K recordings show it.
 */
import type { AddressSpace } from "../fs/file.js";

/** log2 of the slots of a node. Linux: XA_CHUNK_SHIFT. */
const CHUNK_SHIFT = 6;
const CHUNK_SIZE = 2 ** CHUNK_SHIFT;
/** Levels above this one exist for no file: 2^36 pages. */
const TOP_SHIFT = 36;

type Slot = "empty" | "entry" | "node";

/** A position in the tree: the index that is asked for, and the slot of the node that is looked at. */
class XaCursor {
  index: number;
  /** log2 of the indexes per slot of the node; -1 before the first load. */
  private shift = -1;
  /** First index of the node. */
  private base = 0;
  private offset = 0;

  constructor(
    private readonly mapping: AddressSpace,
    index: number,
  ) {
    this.index = index;
  }

  /** Linux: xas_next(). True if the slot that the cursor comes to holds something. */
  next(): boolean {
    if (this.shift < 0) return this.load();
    this.index++;
    if (this.shift === 0 && this.offset !== CHUNK_SIZE - 1) {
      this.offset++;
      return this.mapping.pages.has(this.base + this.offset);
    }
    if (this.offset !== this.offsetOfIndex()) this.offset++;
    while (this.offset === CHUNK_SIZE) {
      this.up();
      this.offset++;
      if (this.shift > TOP_SHIFT) return false;
    }
    return this.descend();
  }

  /** Linux: xas_prev(). */
  prev(): boolean {
    if (this.shift < 0) return this.load();
    this.index--;
    if (this.shift === 0 && this.offset !== 0) {
      this.offset--;
      return this.mapping.pages.has(this.base + this.offset);
    }
    if (this.offset !== this.offsetOfIndex()) this.offset--;
    while (this.offset < 0) {
      this.up();
      this.offset--;
      if (this.shift > TOP_SHIFT) return false;
    }
    return this.descend();
  }

  /** Linux: xas_load(). On a sibling the slot becomes the head's. */
  private load(): boolean {
    const { sys, pages } = this.mapping;
    const folio = pages.get(this.index);
    if (folio === undefined) return false;
    const order = sys.pages.folioOrder(folio);
    this.shift = order - (order % CHUNK_SHIFT);
    const span = 2 ** (this.shift + CHUNK_SHIFT);
    this.base = this.index - (this.index % span);
    this.offset = Math.floor((sys.pages.index[folio]! - this.base) / 2 ** this.shift);
    return true;
  }

  /** get_offset(): the slot of this node that covers the index. */
  private offsetOfIndex(): number {
    const slots = Math.floor(this.index / 2 ** this.shift);
    return ((slots % CHUNK_SIZE) + CHUNK_SIZE) % CHUNK_SIZE;
  }

  /** To the slot of the parent that holds this node. */
  private up(): void {
    const size = 2 ** (this.shift + CHUNK_SHIFT);
    this.shift += CHUNK_SHIFT;
    const span = size * CHUNK_SIZE;
    const parentBase = this.base - (this.base % span);
    this.offset = (this.base - parentBase) / size;
    this.base = parentBase;
  }

  /** From a slot that holds nodes down to one that does not, by the index. */
  private descend(): boolean {
    for (;;) {
      const slot = this.slot();
      if (slot !== "node") return slot === "entry";
      this.base += this.offset * 2 ** this.shift;
      this.shift -= CHUNK_SHIFT;
      this.offset = this.offsetOfIndex();
    }
  }

  private slot(): Slot {
    const { sys, pages } = this.mapping;
    const first = this.base + this.offset * 2 ** this.shift;
    const folio = pages.get(first);
    if (folio !== undefined && sys.pages.folioOrder(folio) >= this.shift) return "entry";
    if (this.shift === 0) return "empty";
    const end = first + 2 ** this.shift;
    if (end - first > pages.size) {
      for (const index of pages.keys()) if (index >= first && index < end) return "node";
    } else {
      for (let index = first; index < end; index++) if (pages.has(index)) return "node";
    }
    return "empty";
  }
}

/** Index of the next page, from `index` on, that is not cached; at most `maxScan` pages are looked at. */
export function pageCacheNextMiss(mapping: AddressSpace, index: number, maxScan: number): number {
  const cursor = new XaCursor(mapping, index);
  for (let left = maxScan; left > 0; left--) if (!cursor.next()) return cursor.index;
  return index + maxScan;
}

/** Index of the previous page, from `index` down, that is not cached; -1 (ULONG_MAX in Linux) if all down to 0 are. */
export function pageCachePrevMiss(mapping: AddressSpace, index: number, maxScan: number): number {
  const cursor = new XaCursor(mapping, index);
  for (let left = maxScan; left > 0; left--) if (!cursor.prev() || cursor.index < 0) break;
  return cursor.index;
}
