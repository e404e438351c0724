/**
 * The buddy allocator: free frames in blocks of 2^order pages, one list per order, split and merged on demand.
 *
 * Linux: mm/page_alloc.c rmqueue(), expand(), __free_one_page(), __zone_watermark_ok(), calculate_min_free_kbytes().
 * Differs: one zone, no migrate types, no per-cpu lists. Blocks are split from their low end, so a run of single-page
 * allocations gets ascending neighbours, as the per-cpu lists of an idle Linux give.
 */
import { alignUp, type Order, type Pa, type Pfn } from "../../emulator/arch/addr.js";
import { ConfigError, ModelBug } from "../../emulator/arch/errors.js";
import type { Granule, GranuleName } from "../../emulator/arch/granule.js";
import type { PhysicalMemory } from "../../emulator/memory/physical-memory.js";
import { NO_PFN, PG_BUDDY, PG_RESERVED, type Pages } from "./page.js";

/** Linux: CONFIG_ARCH_FORCE_MAX_ORDER on arm64; enough for a PMD-sized block with every granule. */
const MAX_PAGE_ORDER: Readonly<Record<GranuleName, number>> = { "4k": 10, "16k": 11, "64k": 13 };

/** What fills a freed frame when poisoning is on. Linux: include/linux/poison.h PAGE_POISON. */
const PAGE_POISON = 0xaa;

export interface Watermarks {
  /** Allocations fail when they would leave no more than this many pages. */
  readonly min: number;
  readonly low: number;
  readonly high: number;
}

export interface PageAllocatorOptions {
  readonly pages: Pages;
  readonly granule: Granule;
  readonly memory: PhysicalMemory;
  /** Fill freed frames with junk, so that a stale reader fails. */
  readonly poison?: boolean;
}

export class PageAllocator {
  readonly maxOrder: Order;
  /** Frames that were never given to the allocator: firmware, kernel image, zero page. */
  nrReserved = 0;
  /** Frames that fragment() keeps for ever. */
  nrUnmovable = 0;
  /** Frames on the free lists, and the fewest there were after an allocation. */
  nrFree = 0;
  lowestFree = Infinity;
  /** Frames handed out and taken back since the start (pgalloc, pgfree), and allocations made (numa_hit). */
  nrAllocated = 0;
  nrFreed = 0;
  nrAllocations = 0;
  watermarks: Watermarks = { min: 0, low: 0, high: 0 };
  minFreeKbytes = 0;

  private readonly pages: Pages;
  private readonly granule: Granule;
  private readonly memory: PhysicalMemory;
  private readonly poison: boolean;
  /** First and last block of each free list, NO_PFN if empty, and its length. */
  private readonly first: Int32Array;
  private readonly last: Int32Array;
  private readonly count: Int32Array;
  /** Order + 1 of the allocation that begins at this frame, 0 elsewhere: catches double and misshapen frees. */
  private readonly allocation: Uint8Array;
  /** 1 for frames that had an owner before: their content is not known to be zeros. */
  private readonly used: Uint8Array;

  constructor({ pages, granule, memory, poison = false }: PageAllocatorOptions) {
    this.pages = pages;
    this.granule = granule;
    this.memory = memory;
    this.poison = poison;
    this.maxOrder = MAX_PAGE_ORDER[granule.name] as Order;
    this.first = new Int32Array(this.maxOrder + 1).fill(NO_PFN);
    this.last = new Int32Array(this.maxOrder + 1).fill(NO_PFN);
    this.count = new Int32Array(this.maxOrder + 1);
    this.allocation = new Uint8Array(pages.nr);
    this.used = new Uint8Array(pages.nr);
  }

  /**
   * Give all frames from `firstFree` on to the free lists, lowest addresses first, and set the watermarks. Frames below are
   * reserved for ever. Linux: memblock_free_all(), init_per_zone_wmark_min().
   */
  init(firstFree: Pfn): void {
    const { pages } = this;
    for (let page = 0; page < firstFree; page++) {
      pages.flags[page] = PG_RESERVED;
      pages.refcount[page] = 1;
    }
    this.nrReserved = firstFree;
    for (let page: number = firstFree; page < pages.nr; ) {
      let order = 0;
      while (order < this.maxOrder && page % 2 ** (order + 1) === 0 && page + 2 ** (order + 1) <= pages.nr) order++;
      this.addTail(page, order);
      this.nrFree += 1 << order;
      page += 1 << order;
    }
    const kbytes = (this.nrManaged * this.granule.pageSize) / 1024;
    this.setMinFreeKbytes(Math.min(Math.max(Math.floor(Math.sqrt(kbytes * 16)), 128), 262144));
  }

  /** Frames that the allocator manages (MemTotal). */
  get nrManaged(): number {
    return this.pages.nr - this.nrReserved;
  }

  /** vm.min_free_kbytes; sets the three watermarks. Linux: __setup_per_zone_wmarks(), watermark_scale_factor 10. */
  setMinFreeKbytes(kbytes: number): void {
    this.minFreeKbytes = kbytes;
    const min = Math.floor((kbytes * 1024) / this.granule.pageSize);
    const gap = Math.max(Math.floor(min / 4), Math.floor((this.nrManaged * 10) / 10000));
    this.watermarks = { min, low: min + gap, high: min + 2 * gap };
  }

  /**
   * A block of 2^order frames aligned to its size, with one reference on the first frame, or NO_PFN if there is none above the
   * min watermark. The content is whatever the last owner left.
   */
  allocPages(order: Order): Pfn {
    const nr = 1 << order;
    if (order > this.maxOrder) throw new ModelBug(`allocPages: order ${order} exceeds ${this.maxOrder}`);
    if (this.nrFree - (nr - 1) <= this.watermarks.min) return NO_PFN as Pfn;
    return this.removeSmallest(order);
  }

  /**
   * True if the frame holds zeros because nobody has owned it before; for an owner that has not written to it yet. Guest RAM
   * starts as zeros, and the host commits a page of it only when it is written.
   */
  isPristine(page: Pfn): boolean {
    return this.used[page] === 0;
  }

  /** Take back what allocPages(order) gave; the caller holds the last reference or has dropped it. */
  freePages(page: Pfn, order: Order): void {
    const { pages } = this;
    if (this.allocation[page] !== order + 1) {
      throw new ModelBug(`freePages: frame ${page} order ${order} is not an allocation of that order (${this.allocation[page]! - 1})`);
    }
    if (pages.refcount[page]! > 1) throw new ModelBug(`freePages: frame ${page} has ${pages.refcount[page]} references`);
    if (pages.mapcount[page] !== 0) throw new ModelBug(`freePages: frame ${page} is still mapped ${pages.mapcount[page]} times`);
    this.allocation[page] = 0;
    pages.refcount[page] = 0;
    pages.flags[page] = 0;
    for (let at: number = page; at < page + (1 << order); at++) this.used[at] = 1;
    if (this.poison) this.memory.fill((page * this.granule.pageSize) as Pa, this.granule.pageSize << order, PAGE_POISON);
    this.nrFreed += 1 << order;
    this.freeBlock(page, order);
  }

  /** An allocation becomes 2^(order - newOrder) allocations that are freed one by one. Linux: split_page_owner() and relatives. */
  splitAllocation(page: Pfn, order: Order, newOrder: Order): void {
    if (this.allocation[page] !== order + 1) throw new ModelBug(`splitAllocation: frame ${page} is not an allocation of order ${order}`);
    for (let at = 0; at < 1 << order; at += 1 << newOrder) this.allocation[page + at] = newOrder + 1;
  }

  /** Free blocks of exactly this order. */
  freeCount(order: Order): number {
    return this.count[order]!;
  }

  /** Free blocks per order, as a row of /proc/buddyinfo. */
  buddyinfo(): number[] {
    return Array.from(this.count);
  }

  /** Order of the allocation that begins at this frame, -1 if none does. */
  allocationOrder(page: Pfn): number {
    return this.allocation[page]! - 1;
  }

  /** The free blocks of one order from the head of their list; for checks and reports. */
  *freeBlocks(order: Order): IterableIterator<Pfn> {
    for (let page = this.first[order]!; page !== NO_PFN; page = this.pages.next[page]!) yield page as Pfn;
  }

  /**
   * Age the machine: keep frames so that no free block of `order` or more is left and the given share of the now free memory
   * stays free. Spec: `order=N,free=P%`, N from 1, P at most 100 * (1 - 1 / 2^N): in each aligned block of 2^N
   * frames the first ones stay free and the rest is held by allocations that never move. They are counted in nrUnmovable.
   */
  fragment(spec: string): void {
    const match = /^order=(\d+),free=(\d+(?:\.\d+)?)%$/.exec(spec);
    if (match === null) throw new ConfigError(`fragment: "${spec}" is not of the form order=N,free=P%`);
    const order = Number(match[1]);
    const share = Number(match[2]) / 100;
    if (order < 1 || order > this.maxOrder) throw new ConfigError(`fragment: order ${order} is not between 1 and ${this.maxOrder}`);
    const size = 1 << order;
    if (share > 1 - 1 / size) throw new ConfigError(`fragment: ${share * 100}% free leaves a whole block of order ${order}; at most ${(1 - 1 / size) * 100}%`);
    const held: number[] = [];
    while (this.nrFree > 0) held.push(this.removeSmallest(0 as Order));
    held.sort((a, b) => a - b);
    const free: number[] = [];
    let credit = 0;
    for (let at = 0; at < held.length; ) {
      const end = alignUp(held[at]! + 1, size);
      let stop = at;
      while (stop < held.length && held[stop]! < end) stop++;
      credit += (stop - at) * share;
      const give = Math.min(Math.floor(credit), stop - at, size - 1);
      credit -= give;
      for (let i = at; i < at + give; i++) free.push(held[i]!);
      at = stop;
    }
    const kept = new Set(held);
    for (const page of free) kept.delete(page);
    for (const page of kept) this.pages.flags[page] = PG_RESERVED;
    this.nrUnmovable += kept.size;
    for (const page of free) this.freePages(page as Pfn, 0 as Order);
    this.nrAllocations -= held.length;
    this.nrAllocated -= held.length;
    this.nrFreed -= free.length;
  }

  /** Smallest block that serves the order, split down to it. Pre: the caller has judged the watermark. */
  private removeSmallest(order: Order): Pfn {
    const { pages, first, maxOrder } = this;
    let have: number = order;
    while (have <= maxOrder && first[have] === NO_PFN) have++;
    if (have > maxOrder) return NO_PFN as Pfn;
    const page = first[have]!;
    this.remove(page, have);
    while (have > order) {
      have--;
      this.addHead(page + (1 << have), have);
    }
    const nr = 1 << order;
    this.nrFree -= nr;
    if (this.nrFree < this.lowestFree) this.lowestFree = this.nrFree;
    this.nrAllocated += nr;
    this.nrAllocations++;
    this.allocation[page] = order + 1;
    pages.order[page] = order;
    pages.refcount[page] = 1;
    return page as Pfn;
  }

  /** Merge with free buddies as far as they go; a block whose merged parent could merge again goes to the tail, to wait. */
  private freeBlock(start: number, startOrder: number): void {
    const { maxOrder } = this;
    this.nrFree += 1 << startOrder;
    let page = start;
    let order = startOrder;
    while (order < maxOrder) {
      const buddy = page ^ (1 << order);
      if (!this.isFree(buddy, order)) break;
      this.remove(buddy, order);
      page = Math.min(page, buddy);
      order++;
    }
    if (order < maxOrder - 1) {
      const parent = page - (page % (1 << (order + 1)));
      if (this.isFree(parent ^ (1 << (order + 1)), order + 1)) {
        this.addTail(page, order);
        return;
      }
    }
    this.addHead(page, order);
  }

  private isFree(page: number, order: number): boolean {
    return page < this.pages.nr && (this.pages.flags[page]! & PG_BUDDY) !== 0 && this.pages.order[page] === order;
  }

  private addHead(page: number, order: number): void {
    const { pages, first, last } = this;
    const next = first[order]!;
    pages.flags[page] = PG_BUDDY;
    pages.order[page] = order;
    pages.next[page] = next;
    pages.prev[page] = NO_PFN;
    if (next === NO_PFN) last[order] = page;
    else pages.prev[next] = page;
    first[order] = page;
    this.count[order]!++;
  }

  private addTail(page: number, order: number): void {
    const { pages, first, last } = this;
    const prev = last[order]!;
    pages.flags[page] = PG_BUDDY;
    pages.order[page] = order;
    pages.prev[page] = prev;
    pages.next[page] = NO_PFN;
    if (prev === NO_PFN) first[order] = page;
    else pages.next[prev] = page;
    last[order] = page;
    this.count[order]!++;
  }

  private remove(page: number, order: number): void {
    const { pages, first, last } = this;
    const next = pages.next[page]!;
    const prev = pages.prev[page]!;
    if (prev === NO_PFN) first[order] = next;
    else pages.next[prev] = next;
    if (next === NO_PFN) last[order] = prev;
    else pages.prev[next] = prev;
    pages.flags[page] = 0;
    pages.order[page] = 0;
    pages.next[page] = NO_PFN;
    pages.prev[page] = NO_PFN;
    this.count[order]!--;
  }
}
