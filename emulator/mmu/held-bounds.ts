/**
 * How many pages a trace filter may hold before several first-level structures, and which of them limits the pages by its sets.
 *
 * docs/engine.md ("Filter") has the argument why what they see is exact.
 */
import { exactFilterPages } from "./tlb-policy.js";
import type { TlbSpec } from "./tlb.js";

export type FirstLevelSpec = Pick<TlbSpec, "entries" | "ways" | "policy" | "coalescedPages" | "pageSizes" | "contiguous" | "splinter">;

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

/**
 * What a filter before these structures may hold, `most` pages at the most. One of those with sets can be the limit, with all that are like it; the others bound the number of
 * pages.
 */
export function heldBounds<Spec extends FirstLevelSpec>(firstLevel: readonly FirstLevel<Spec>[], most: number): HeldBounds<Spec> {
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
