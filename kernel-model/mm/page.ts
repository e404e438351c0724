/**
 * mem_map: the state of every page frame, one typed column per field of struct page and struct folio.
 *
 * Linux: include/linux/mm_types.h struct page, struct folio; include/linux/page-flags.h.
 * A frame's identity is its pfn; a folio's is the pfn of its head page. Columns are indexed by pfn (RAM starts at 0).
 *
 * Life of a frame: free (PG_buddy on the head of a free block, refcount 0) -> allocated (refcount 1) -> mapped and unmapped
 * any number of times (mapcount) -> last reference dropped -> free.
 */
import type { Order, Pfn } from "../../emulator/arch/addr.js";

/** Flags of one page or, for those marked (head), of the folio, kept on its head page. */
export const PG_LOCKED = 1 << 0; /* head */
export const PG_REFERENCED = 1 << 1; /* head */
export const PG_UPTODATE = 1 << 2; /* head */
export const PG_DIRTY = 1 << 3; /* head */
export const PG_LRU = 1 << 4; /* head */
export const PG_ACTIVE = 1 << 5; /* head */
export const PG_SWAPBACKED = 1 << 6; /* head */
export const PG_WRITEBACK = 1 << 7; /* head */
export const PG_READAHEAD = 1 << 8; /* page that triggers asynchronous readahead; shares its bit with PG_reclaim in Linux */
export const PG_UNEVICTABLE = 1 << 9; /* head */
export const PG_MLOCKED = 1 << 10; /* head */
/** Anonymous folio (PAGE_MAPPING_ANON in folio->mapping). */
export const PG_ANON = 1 << 11; /* head */
/** This very page is exclusive to one mm (PageAnonExclusive); for a PMD-mapped folio only the head's bit counts. */
export const PG_ANON_EXCLUSIVE = 1 << 12;
/** Never handed out: kernel image, zero page. */
export const PG_RESERVED = 1 << 13;
/** Head of a free block in the buddy allocator; `order` holds its order. */
export const PG_BUDDY = 1 << 14;
/** A page-table page (PageTable). */
export const PG_TABLE = 1 << 15;
/** Compound page: set on head (PG_HEAD) and, with a compoundHead that leads to it, on tails (PG_TAIL). */
export const PG_HEAD = 1 << 16;
export const PG_TAIL = 1 << 17;
/** Anonymous large folio with some of its pages unmapped, queued for deferred split. */
export const PG_PARTIALLY_MAPPED = 1 << 18; /* head */
/** On the deferred split queue. */
export const PG_DEFERRED_SPLIT = 1 << 19; /* head */
/** The folio is shmem (swap-backed page cache). */
export const PG_SHMEM = 1 << 20; /* head */
/** Workingset, reclaim and swap state. */
export const PG_WORKINGSET = 1 << 21; /* head */
export const PG_RECLAIM = 1 << 22; /* head */
export const PG_SWAPCACHE = 1 << 23; /* head */

export const NO_PFN = -1;

export class Pages {
  /** Number of frames of RAM. */
  readonly nr: number;
  readonly flags: Uint32Array;
  /** struct page _refcount; for tails of a folio always 0. */
  readonly refcount: Int32Array;
  /** PTE mappings of this very page: _mapcount + 1. */
  readonly mapcount: Int32Array;
  /** Head: PMD mappings of the whole folio: _entire_mapcount + 1. */
  readonly entireMapcount: Int32Array;
  /** Head of a large folio: all mappings, folio_mapcount(): sum of page mapcounts + entireMapcount. */
  readonly largeMapcount: Int32Array;
  /** Head of a large folio: pages with mapcount > 0 (_nr_pages_mapped without the ENTIRELY_MAPPED bias). */
  readonly nrPagesMapped: Int32Array;
  /** Tail: pfn of the head + 1, as in Linux a set bit 0 tells a tail; 0: not a tail. */
  readonly compoundHead: Int32Array;
  /** Head: folio order; head of a free block: its order. */
  readonly order: Uint8Array;
  /** Head: 0 = none, else the identifier of the anon_vma or address_space (see memory-system mappings). */
  readonly mapping: Int32Array;
  /** Head: page offset of the folio in its mapping (pages); anonymous: the linear page index. */
  readonly index: Float64Array;
  /** Head of a folio in the swap cache: slot of its first page (folio->swap); 0 otherwise. */
  readonly swap: Int32Array;
  /** Head: the memory cgroup that is charged for the folio; 0 the root's. */
  readonly memcg: Uint8Array;
  /** Links of the one list that the head is on: buddy free list or LRU. -1 ends a list. */
  readonly next: Int32Array;
  readonly prev: Int32Array;

  /** `nr` frames. */
  constructor(nr: number) {
    this.nr = nr;
    this.flags = new Uint32Array(nr);
    this.refcount = new Int32Array(nr);
    this.mapcount = new Int32Array(nr);
    this.entireMapcount = new Int32Array(nr);
    this.largeMapcount = new Int32Array(nr);
    this.nrPagesMapped = new Int32Array(nr);
    this.compoundHead = new Int32Array(nr);
    this.order = new Uint8Array(nr);
    this.mapping = new Int32Array(nr);
    this.index = new Float64Array(nr);
    this.swap = new Int32Array(nr);
    this.memcg = new Uint8Array(nr);
    this.next = new Int32Array(nr);
    this.prev = new Int32Array(nr);
  }

  /** page_folio(): the head of the folio that contains the page. */
  head(page: Pfn): Pfn {
    const link = this.compoundHead[page]!;
    return link === 0 ? page : ((link - 1) as Pfn);
  }

  test(page: Pfn, flag: number): boolean {
    return (this.flags[page]! & flag) !== 0;
  }

  set(page: Pfn, flag: number): void {
    this.flags[page]! |= flag;
  }

  clear(page: Pfn, flag: number): void {
    this.flags[page]! &= ~flag;
  }

  /** folio_order() of the folio headed by `folio`. */
  folioOrder(folio: Pfn): Order {
    return this.order[folio]! as Order;
  }

  /** folio_nr_pages(). */
  folioNrPages(folio: Pfn): number {
    return 1 << this.order[folio]!;
  }

  /** folio_test_large(). */
  isLarge(folio: Pfn): boolean {
    return (this.flags[folio]! & PG_HEAD) !== 0;
  }
}
