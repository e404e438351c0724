/**
 * The swap area: how often each slot is used, slots handed out and taken back, and the contents of the device.
 *
 * Linux: mm/swapfile.c, mm/swap_slots.c; include/linux/swap.h struct swap_info_struct. One area, a zram device: not rotational, without
 * discard, synchronous (SWP_SYNCHRONOUS_IO). What belongs to the swap cache is in swap-state.ts.
 *
 * Life of a slot: free -> held by the swap cache (SWAP_HAS_CACHE) -> used by n page-table entries, with or without the cache -> held by the
 * slot cache of freed slots, marked SWAP_HAS_CACHE -> free.
 */
import { ModelBug } from "../../emulator/arch/errors.js";
import type { Granule } from "../../emulator/arch/granule.js";
import { NO_PFN } from "./page.js";
import { SwapClusters, type SlotUsage } from "./swap-clusters.js";

/** The swap cache has the slot. Differs: counts have 30 bits here, so they need no continuation pages. */
export const SWAP_HAS_CACHE = 0x4000_0000;
const SWAP_MAP_BAD = 0x3fff_ffff;
const COUNT_MASK = SWAP_HAS_CACHE - 1;

/** Slots of a slot cache, and the free slots below and above which it is switched off and on. Linux: include/linux/swap_slots.h. */
const SWAP_SLOTS_CACHE_SIZE = 64;
const THRESHOLD_ACTIVATE = 5 * SWAP_SLOTS_CACHE_SIZE;
const THRESHOLD_DEACTIVATE = 2 * SWAP_SLOTS_CACHE_SIZE;
/** SWAPFILE_CLUSTER where folios are not swapped out whole. */
const SMALL_CLUSTER = 256;

/** Contents of a slot: nothing was ever written, a page of one repeated 8-byte word (zram keeps the word), or the bytes. */
export type SlotContents = undefined | bigint | Uint8Array;

export class SwapInfo {
  /** Slots, the header's included (si->max), and usable ones (si->pages). */
  readonly max: number;
  readonly pages: number;
  /** Slots not free (si->inuse_pages). */
  inusePages = 0;
  /** nr_swap_pages: what is left for allocation. Slots in the slot caches are not. */
  nrSwapPages: number;
  /** Large folios are swapped out whole. arm64 selects ARCH_WANTS_THP_SWAP with 4K pages only. */
  readonly thpSwap: boolean;
  readonly prio = -2;
  /** swap_map: per slot the entries that use it, and SWAP_HAS_CACHE. */
  readonly map: Int32Array;
  /** The swap cache: per slot the head of the folio, NO_PFN if there is none. Written by swap-state.ts. */
  readonly cache: Int32Array;
  /** 1: the page was zeros and was not written. */
  readonly zeromap: Uint8Array;
  readonly contents: SlotContents[];
  /** Gives up the folio at a slot, see SwapClustersOptions.reclaim. Set by swap-state.ts. */
  reclaim: (offset: number) => number = () => 0;
  private readonly clusters: SwapClusters;
  /** Slots fetched ahead for single pages, next first; and single slots that were freed and are not given back yet. */
  private ready: number[] = [];
  private returned: number[] = [];
  private slotCacheActive = false;

  /** A device of `bytes` bytes, swapped on. */
  constructor(bytes: number, granule: Granule) {
    this.max = Math.floor(bytes / granule.pageSize);
    this.pages = this.max - 1;
    this.nrSwapPages = this.pages;
    this.thpSwap = granule.name === "4k";
    this.map = new Int32Array(this.max);
    this.map[0] = SWAP_MAP_BAD;
    this.cache = new Int32Array(this.max).fill(NO_PFN);
    this.zeromap = new Uint8Array(this.max);
    this.contents = new Array<SlotContents>(this.max);
    this.clusters = new SwapClusters({
      max: this.max,
      clusterSize: this.thpSwap ? 2 ** granule.pmdOrder : SMALL_CLUSTER,
      nrOrders: this.thpSwap ? granule.pmdOrder + 1 : 1,
      pmdOrder: granule.pmdOrder,
      usage: (offset) => this.usage(offset),
      vmSwapFull: () => this.vmSwapFull,
      reclaim: (offset) => this.reclaim(offset),
    });
  }

  private usage(offset: number): SlotUsage {
    const used = this.map[offset]!;
    if (used === 0) return "free";
    return used === SWAP_HAS_CACHE ? "cached" : "used";
  }

  /** vm_swap_full(): less than half is left. */
  get vmSwapFull(): boolean {
    return this.nrSwapPages * 2 < this.pages;
  }

  /** __swap_count(): entries that use the slot. */
  count(offset: number): number {
    return this.map[offset]! & COUNT_MASK;
  }

  hasCache(offset: number): boolean {
    return (this.map[offset]! & SWAP_HAS_CACHE) !== 0;
  }

  // --- handing out -----------------------------------------------------------------

  /** Up to `goal` groups of 2^order slots, each marked SWAP_HAS_CACHE; the first slot of each. Linux: get_swap_pages(). */
  private getSwapPages(goal: number, order: number): number[] {
    const nr = 2 ** order;
    const wanted = Math.min(goal, SWAP_SLOTS_CACHE_SIZE, Math.floor(this.nrSwapPages / nr));
    if (wanted <= 0) return [];
    this.nrSwapPages -= wanted * nr;
    const found: number[] = [];
    while (found.length < wanted) {
      const offset = this.clusters.allocate(order);
      if (offset === 0) break;
      this.map.fill(SWAP_HAS_CACHE, offset, offset + nr);
      this.inusePages += nr;
      found.push(offset);
    }
    this.nrSwapPages += (wanted - found.length) * nr;
    if (this.inusePages === this.pages) this.clusters.reclaimFull();
    return found;
  }

  /** check_cache_active() */
  private cacheActive(): boolean {
    if (!this.slotCacheActive) {
      this.slotCacheActive = this.nrSwapPages > THRESHOLD_ACTIVATE;
    } else if (this.nrSwapPages < THRESHOLD_DEACTIVATE) {
      this.slotCacheActive = false;
      this.drainSlots();
    }
    return this.slotCacheActive;
  }

  /** Both slot caches are emptied. Linux: __drain_swap_slots_cache(). */
  private drainSlots(): void {
    const { ready, returned } = this;
    this.ready = [];
    this.returned = [];
    for (const offset of [...ready, ...returned]) this.freeRange(offset, 1);
  }

  /** Slots for a folio of this order, marked SWAP_HAS_CACHE: the first, or 0 if there are none. Linux: folio_alloc_swap(). */
  allocate(order: number): number {
    if (order > 0) return this.thpSwap ? (this.getSwapPages(1, order)[0] ?? 0) : 0;
    if (this.cacheActive()) {
      if (this.ready.length === 0) this.ready = this.getSwapPages(SWAP_SLOTS_CACHE_SIZE, 0);
      const offset = this.ready.shift();
      if (offset !== undefined) return offset;
    }
    return this.getSwapPages(1, 0)[0] ?? 0;
  }

  // --- counting --------------------------------------------------------------------

  /** One more entry uses the slot. Linux: swap_duplicate(). */
  duplicate(offset: number): void {
    if (this.map[offset] === 0 || this.count(offset) === SWAP_MAP_BAD) throw new ModelBug(`swap_duplicate: slot ${offset} is not in use`);
    this.map[offset]!++;
  }

  /** Marks `nr` used slots as being in the swap cache; false if one is already, or not in use. Linux: swapcache_prepare(). */
  prepareCache(offset: number, nr: number): boolean {
    for (let i = offset; i < offset + nr; i++) if (this.map[i] === 0 || this.hasCache(i)) return false;
    for (let i = offset; i < offset + nr; i++) this.map[i]! |= SWAP_HAS_CACHE;
    return true;
  }

  /** Drops one use, or the cache's mark, of one slot; true if nothing uses it any more: it must be freed. Linux: __swap_entry_free_locked(). */
  private drop(offset: number, cache: boolean): boolean {
    const used = this.map[offset]!;
    if (cache ? (used & SWAP_HAS_CACHE) === 0 : (used & COUNT_MASK) === 0) throw new ModelBug(`swap_free: slot ${offset} is not ${cache ? "in the swap cache" : "in use"}`);
    const left = cache ? used & COUNT_MASK : used - 1;
    this.map[offset] = left === 0 ? SWAP_HAS_CACHE : left;
    return left === 0;
  }

  /** One entry less for each of `nr` slots. Linux: swap_free_nr(). */
  freeEntries(offset: number, nr: number): void {
    for (let i = offset; i < offset + nr; i++) if (this.drop(i, false)) this.freeSlot(i);
  }

  /** The mark of prepareCache() goes. Linux: swapcache_clear(). */
  clearCache(offset: number, nr: number): void {
    for (let i = offset; i < offset + nr; i++) if (this.drop(i, true)) this.freeSlot(i);
  }

  /** A folio has left the swap cache. Linux: put_swap_folio(). */
  putFolio(offset: number, nr: number): void {
    let onlyCache = nr > 1;
    for (let i = offset; i < offset + nr; i++) onlyCache &&= this.map[i] === SWAP_HAS_CACHE;
    if (onlyCache) this.freeRange(offset, nr);
    else this.clearCache(offset, nr);
  }

  /**
   * One entry less for each of `nr` slots that follow each other. True if the swap cache may now be all that holds one of them: the
   * caller looks. Linux: __swap_entries_free().
   */
  freeEntriesLast(offset: number, nr: number): boolean {
    const first = this.map[offset]!;
    const { clusterSize } = this.clusters;
    let together = nr > 1 && (first & COUNT_MASK) === 1 && (offset % clusterSize) + nr <= clusterSize;
    for (let i = offset; i < offset + nr; i++) together &&= this.map[i] === first;
    if (together) {
      this.map.fill(SWAP_HAS_CACHE, offset, offset + nr);
      if ((first & SWAP_HAS_CACHE) !== 0) return true;
      this.freeRange(offset, nr);
      return false;
    }
    let cached = false;
    for (let i = offset; i < offset + nr; i++) {
      if (this.drop(i, false)) this.freeSlot(i);
      else cached ||= this.map[i] === SWAP_HAS_CACHE;
    }
    return cached;
  }

  // --- taking back -----------------------------------------------------------------

  /** A single slot: it goes to the slot cache first, which gives 64 back at once. Linux: free_swap_slot(). */
  private freeSlot(offset: number): void {
    if (!this.slotCacheActive) {
      this.freeRange(offset, 1);
      return;
    }
    if (this.returned.length >= SWAP_SLOTS_CACHE_SIZE) {
      const { returned } = this;
      this.returned = [];
      for (const slot of returned) this.freeRange(slot, 1);
    }
    this.returned.push(offset);
  }

  /** `nr` slots of one group, marked SWAP_HAS_CACHE and nothing else, are free. Linux: swap_entry_range_free(), swap_range_free(). */
  freeRange(offset: number, nr: number): void {
    for (let i = offset; i < offset + nr; i++) {
      if (this.map[i] !== SWAP_HAS_CACHE) throw new ModelBug(`swap_entry_range_free: slot ${i} is in use (${this.map[i]!.toString(16)})`);
      if (this.cache[i] !== NO_PFN) throw new ModelBug(`swap_entry_range_free: slot ${i} still has a folio in the swap cache`);
      this.map[i] = 0;
      this.zeromap[i] = 0;
      this.contents[i] = undefined;
    }
    this.clusters.release(offset, nr);
    this.inusePages -= nr;
    this.nrSwapPages += nr;
  }

  /** Checks the sums: slots in use by the map, by the clusters, and as counted. */
  check(): void {
    let used = 0;
    for (let i = 1; i < this.max; i++) if (this.map[i] !== 0) used++;
    const unusable = 1 + Math.ceil(this.max / this.clusters.clusterSize) * this.clusters.clusterSize - this.max;
    if (used !== this.inusePages || this.clusters.slotsInUse !== used + unusable) {
      throw new ModelBug(`swap: ${this.inusePages} slots counted in use, ${used} by the map, ${this.clusters.slotsInUse - unusable} by the clusters`);
    }
    if (this.nrSwapPages !== this.pages - used) throw new ModelBug(`swap: ${this.nrSwapPages} slots left, ${this.pages - used} by the map`);
    for (const slot of this.slotsWaiting) {
      if (this.map[slot] !== SWAP_HAS_CACHE || this.cache[slot] !== NO_PFN) throw new ModelBug(`swap: slot ${slot} of a slot cache is in use`);
    }
  }

  /** Slots that wait in the slot caches: marked SWAP_HAS_CACHE, without a folio. */
  get slotsWaiting(): readonly number[] {
    return [...this.ready, ...this.returned];
  }
}
