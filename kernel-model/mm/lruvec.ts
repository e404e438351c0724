/**
 * The LRU lists: five for each memory cgroup, from the folio that came last to the one that goes first.
 *
 * Linux: include/linux/mmzone.h struct lruvec, include/linux/mm_inline.h folio_lru_list(), lruvec_add_folio(). The classic lists; the
 * multi-generational ones are not modelled. Linux keeps no list of unevictable folios.
 */
import type { Pfn } from "../../emulator/arch/addr.js";
import { NO_PFN, PG_ACTIVE, PG_SWAPBACKED, PG_UNEVICTABLE, type Pages } from "./page.js";
import { vmstatIndex, type VmStatName } from "./vmstat.js";

export const LRU_INACTIVE_ANON = 0;
export const LRU_ACTIVE_ANON = 1;
export const LRU_INACTIVE_FILE = 2;
export const LRU_ACTIVE_FILE = 3;
export const LRU_UNEVICTABLE = 4;
export const NR_LRU_LISTS = 5;

/** The node counter of each list. */
const LRU_STATS: readonly VmStatName[] = ["nr_inactive_anon", "nr_active_anon", "nr_inactive_file", "nr_active_file", "nr_unevictable"];
const LRU_STAT_INDEX: readonly number[] = LRU_STATS.map(vmstatIndex);

/** Which list a folio with these flags belongs on. Linux: folio_lru_list(). */
export function lruOf(flags: number): number {
  if ((flags & PG_UNEVICTABLE) !== 0) return LRU_UNEVICTABLE;
  return ((flags & PG_SWAPBACKED) === 0 ? LRU_INACTIVE_FILE : LRU_INACTIVE_ANON) + ((flags & PG_ACTIVE) === 0 ? 0 : 1);
}

export function lruStat(lru: number): VmStatName {
  return LRU_STATS[lru]!;
}

/** Number of that counter (VmStat.addAt). */
export function lruStatIndex(lru: number): number {
  return LRU_STAT_INDEX[lru]!;
}

export class LruVecs {
  private readonly pages: Pages;
  /** By memcg * NR_LRU_LISTS + list: newest folio, oldest folio (NO_PFN if empty), pages. */
  private readonly newest: Int32Array;
  private readonly oldestFolio: Int32Array;
  private readonly sizes: Float64Array;

  /** `nrMemcgs`: cgroups, the root included. */
  constructor(pages: Pages, nrMemcgs: number) {
    this.pages = pages;
    const nr = nrMemcgs * NR_LRU_LISTS;
    this.newest = new Int32Array(nr).fill(NO_PFN);
    this.oldestFolio = new Int32Array(nr).fill(NO_PFN);
    this.sizes = new Float64Array(nr);
  }

  private listOf(folio: Pfn): number {
    return this.pages.memcg[folio]! * NR_LRU_LISTS + lruOf(this.pages.flags[folio]!);
  }

  /** Enter the folio, as the newest, into the list that its flags and its cgroup name. */
  add(folio: Pfn): void {
    const { next, prev } = this.pages;
    const list = this.listOf(folio);
    const first = this.newest[list]!;
    prev[folio] = NO_PFN;
    next[folio] = first;
    if (first === NO_PFN) this.oldestFolio[list] = folio;
    else prev[first] = folio;
    this.newest[list] = folio;
    this.sizes[list]! += this.pages.folioNrPages(folio);
  }

  /** Enter `folio` as just newer than `neighbour`, which is on the list that the folio belongs on. */
  addBeside(folio: Pfn, neighbour: Pfn): void {
    const { next, prev } = this.pages;
    const list = this.listOf(folio);
    const newer = prev[neighbour]!;
    prev[folio] = newer;
    next[folio] = neighbour;
    prev[neighbour] = folio;
    if (newer === NO_PFN) this.newest[list] = folio;
    else next[newer] = folio;
    this.sizes[list]! += this.pages.folioNrPages(folio);
  }

  /** Take the folio off its list. Pre: flags, order and cgroup are still those with which it was entered. */
  remove(folio: Pfn): void {
    const { next, prev } = this.pages;
    const list = this.listOf(folio);
    const newer = prev[folio]!;
    const older = next[folio]!;
    if (newer === NO_PFN) this.newest[list] = older;
    else next[newer] = older;
    if (older === NO_PFN) this.oldestFolio[list] = newer;
    else prev[older] = newer;
    this.sizes[list]! -= this.pages.folioNrPages(folio);
  }

  /** A folio on the list became smaller by `nr` pages where it stands: it was split. */
  shrink(folio: Pfn, nr: number): void {
    this.sizes[this.listOf(folio)]! -= nr;
  }

  /** The folio of the cgroup's list that came first, NO_PFN if it is empty. */
  oldest(memcg: number, lru: number): Pfn {
    return this.oldestFolio[memcg * NR_LRU_LISTS + lru]! as Pfn;
  }

  /** Pages on the cgroup's list. */
  size(memcg: number, lru: number): number {
    return this.sizes[memcg * NR_LRU_LISTS + lru]!;
  }

  /** The folios of a list, oldest first. For checks: the list must not change meanwhile. */
  *folios(memcg: number, lru: number): IterableIterator<Pfn> {
    for (let folio = this.oldest(memcg, lru); folio !== NO_PFN; folio = this.pages.prev[folio]! as Pfn) yield folio;
  }
}
