/**
 * Walk cache: the results of table descriptors, so that a walk need not begin at the root.
 *
 * Its entries live in a TLB structure, which may be its own RAM (Cortex-A53: 64 entries, 4 ways) or the L2 TLB, where they
 * compete with translations (Cortex-A76: "intermediate PAs").
 *
 * Arm: DDI 0487 D8.16 (caching of intermediate levels); Cortex-A53 TRM DDI 0500, 5.2 (walk cache RAM).
 */
import type { Granule, Level } from "../arch/granule.js";
import type { Tlb } from "./tlb.js";
import type { WalkResult } from "./walk.js";

/** Which descriptors are kept: only those that point to a level-3 table, or those of every level above. */
export type WalkCacheReach = "last-table" | "all-tables";

/** Largest order that a TLB entry can have. */
const MAX_ENTRY_ORDER = 31;

/** Bit position of the three inherited attributes (HI_UXNTABLE, HI_APTABLE0, HI_APTABLE1) in the high descriptor word. */
const FORBIDS_SHIFT = 60 - 32;

export class WalkCache {
  /** Descriptor levels that may be found here, the deepest first, and the order of what such a descriptor covers. */
  private readonly levels: readonly Level[];
  private readonly orders: readonly number[];

  constructor(readonly store: Tlb, granule: Granule, reach: WalkCacheReach) {
    const levels: Level[] = [];
    for (let level = 2; level >= (reach === "last-table" ? 2 : 0); level--) {
      const geometry = granule.levels[level];
      // The two descriptors of the 16K granule's level 0 cover more pages than an entry's tag can tell.
      if (geometry !== undefined && geometry.shift - granule.pageShift <= MAX_ENTRY_ORDER) levels.push(level as Level);
    }
    this.levels = levels;
    this.orders = levels.map((level) => granule.levels[level]!.shift - granule.pageShift);
  }

  /** Let the walk begin at the deepest table known for this page; false if none is known. */
  find(page: number, walk: WalkResult): boolean {
    for (let i = 0; i < this.levels.length; i++) {
      const entry = this.store.findTable(page, this.orders[i]!);
      if (entry < 0) continue;
      const below = (this.levels[i]! + 1) as Level;
      walk.firstLevel = below;
      walk.tableIndex[below] = this.store.tableIndexOf(entry);
      walk.tableForbids[below] = this.store.forbidsOf(entry) << FORBIDS_SHIFT;
      return true;
    }
    return false;
  }

  /** Keep the table descriptors that this walk has fetched. */
  fill(page: number, walk: WalkResult): void {
    for (let i = 0; i < this.levels.length; i++) {
      const level = this.levels[i]!;
      if (level < walk.firstLevel || level >= walk.level) continue;
      this.store.fillTable(page, this.orders[i]!, level, walk.tableIndex[level + 1]!, walk.tableForbids[level + 1]! >>> FORBIDS_SHIFT);
    }
  }
}
