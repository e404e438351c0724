/**
 * How many pages the trace filter of an engine may hold without changing what a TLB sees.
 *
 * The uses of a held page are not recorded. That is exact if the TLB certainly hits on it, and if its victims are the least recently used
 * entries, because pages leave in the order of their last uses. docs/engine.md has the argument,
 * tests/emulator/engine/unicorn.trace.test.ts the proof by simulation.
 */
import { ConfigError } from "../arch/errors.js";
import { heldBounds, type FirstLevel, type FirstLevelSpec, type HeldBounds } from "../mmu/held-bounds.js";
import type { CorePreset } from "../mmu/cores.js";
import type { TlbSpec } from "../mmu/tlb.js";
import { MAX_ENTRY_ORDER, type EngineOptions, type EntryOrders, type HeldLimit } from "./engine.js";

/** Pages of each kind that an engine can hold. */
export const MAX_FILTER_PAGES = 64;
const DEFAULT_FILTER_PAGES = 4;
const MOST_SETS = 2 ** 15;

/** Of `filterPages` (`fetchPages`) and its limit, for an engine whose data accesses (fetches) go first to each of these structures. */
export function filterPagesFor<Spec extends FirstLevelSpec>(firstLevel: readonly FirstLevel<Spec>[]): HeldBounds<Spec> {
  return heldBounds(firstLevel, MAX_FILTER_PAGES);
}

/**
 * Whether, once a hierarchy of these structures has heard of a write to a page with a dirty state of its own, all that it makes entries for the page from is dirty, until
 * maintenance (docs/engine.md, "Filter"). Not if an L2 structure that a write does not mark may answer later; nor if a walk makes an L1 entry of neighbours that the
 * L2 holds one by one.
 */
export function hearsWritesOnce({ l1d, l2 }: Pick<CorePreset, "l1d" | "l2">): boolean {
  const ofData = l2.filter(({ serves }) => serves !== "instruction");
  const alone = ofData.every(({ serves }) => serves === "data") || ofData.every(({ serves }) => serves === "both");
  return alone && (l1d.coalescedPages === 1 || ofData.every(({ coalescedPages }) => coalescedPages === l1d.coalescedPages));
}

/** The limit as an engine takes it. */
export function heldLimit({ entries, ways }: Pick<TlbSpec, "entries" | "ways">): HeldLimit {
  const each = ways === "full" ? entries : ways;
  return { sets: entries / each, ways: each };
}

/** How many pages of data and of code an engine with these options holds. Throws ConfigError for a number that it cannot hold. */
export function filterDepths({ filterPages = DEFAULT_FILTER_PAGES, fetchPages = 1 }: EngineOptions): { readonly data: number; readonly code: number } {
  for (const pages of [filterPages, fetchPages]) {
    if (!Number.isInteger(pages) || pages < 1 || pages > MAX_FILTER_PAGES) throw new ConfigError(`${pages} filter pages are not 1 to ${MAX_FILTER_PAGES}`);
  }
  return { data: filterPages, code: fetchPages };
}

/** The limits on held pages of data and of code in an engine with these options, as far as they can bind. Throws ConfigError for one that cannot be. */
export function filterLimits({ filterLimit, fetchLimit }: Pick<EngineOptions, "filterLimit" | "fetchLimit">): readonly [HeldLimit | undefined, HeldLimit | undefined] {
  const checked = (limit: HeldLimit | undefined): HeldLimit | undefined => {
    if (limit === undefined) return undefined;
    const { sets, ways } = limit;
    if (!Number.isInteger(Math.log2(sets)) || sets < 1 || sets > MOST_SETS || !Number.isInteger(ways) || ways < 1) throw new ConfigError(`${sets} sets of ${ways} ways limit no filter`);
    return ways < MAX_FILTER_PAGES ? limit : undefined;
  };
  return [checked(filterLimit), checked(fetchLimit)];
}

/** Whether a translation can come with these orders. */
export function areOrders({ data, code }: EntryOrders): boolean {
  return [data, code].every((order) => Number.isInteger(order) && order >= 0 && order <= MAX_ENTRY_ORDER);
}
