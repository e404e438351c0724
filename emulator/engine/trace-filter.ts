/**
 * How many pages the trace filter of an engine may hold without changing what a TLB sees.
 *
 * The uses of a held page are not recorded. That is exact if the TLB certainly hits on it, and if its victims are the least recently used
 * entries, because pages leave in the order of their last uses. docs/engine.md has the argument,
 * tests/emulator/engine/unicorn.trace.test.ts the proof by simulation.
 */
import { ConfigError } from "../arch/errors.js";
import { exactFilterPages } from "../mmu/tlb-policy.js";
import type { TlbSpec } from "../mmu/tlb.js";
import { MAX_ENTRY_ORDER, type EngineOptions, type EntryOrders, type HeldLimit } from "./engine.js";

/** Pages of each kind that an engine can hold. */
export const MAX_FILTER_PAGES = 32;
const DEFAULT_FILTER_PAGES = 4;
const MOST_SETS = 2 ** 15;

type FirstLevelSpec = Pick<TlbSpec, "entries" | "ways" | "policy" | "coalescedPages" | "pageSizes" | "contiguous" | "splinter">;

/** A first-level structure, and those of the next level that it makes entries from. */
export interface FirstLevel<Spec extends FirstLevelSpec = FirstLevelSpec> {
  readonly spec: Spec;
  readonly next: readonly Pick<TlbSpec, "pageSizes" | "contiguous" | "splinter">[];
}

/** What a filter may hold: so many pages, and if `limit` is given, of them no more than the ways of this structure in entries of one of its sets. */
export interface HeldBounds<Spec extends FirstLevelSpec = FirstLevelSpec> {
  readonly pages: number;
  readonly limit: Spec | undefined;
}

/** Of `filterPages` (`fetchPages`) and its limit, for an engine whose data accesses (fetches) go first to each of these structures. One of those with sets can be the limit, with all that are like it; the others bound the number of pages. */
export function filterPagesFor<Spec extends FirstLevelSpec>(firstLevel: readonly FirstLevel<Spec>[], most = MAX_FILTER_PAGES): HeldBounds<Spec> {
  const [limit] = firstLevel.filter(canLimit).map(({ spec }) => spec).sort((a, b) => exactFilterPages(a) - exactFilterPages(b) || a.entries - b.entries);
  const bounds = firstLevel.map((each) => (limit !== undefined && canLimit(each) && isLike(each.spec, limit) ? Infinity : exactFilterPages(each.spec)));
  const pages = Math.min(most, ...bounds);
  // So few that none of its sets can have too many.
  return { pages, limit: limit === undefined || pages <= exactFilterPages(limit) ? undefined : limit };
}

/**
 * Whether held pages can be counted by the sets of this structure: the set of a page must be known from its translation. So the entry for it must be the same, made after a
 * walk or from an entry of the next level.
 */
function canLimit({ spec, next }: FirstLevel): boolean {
  const { entries, ways, policy, coalescedPages, pageSizes, contiguous, splinter } = spec;
  if (policy !== "lru" || coalescedPages > 1 || ways === "full" || ways === 1 || ways === entries) return false;
  if (splinter === "page") return true;
  return next.every((below) => below.splinter === "largest" && (below.contiguous === "whole" || contiguous === "ignored") && pageSizes.every((size) => below.pageSizes.includes(size)));
}

/** Whether two structures have the same sets, of the same ways, and put every translation into the same one. */
function isLike(a: FirstLevelSpec, b: FirstLevelSpec): boolean {
  const facts = ({ entries, ways, pageSizes, contiguous, splinter }: FirstLevelSpec): string => JSON.stringify([entries, ways, pageSizes, contiguous, splinter]);
  return facts(a) === facts(b);
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
