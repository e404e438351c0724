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
import type { EngineOptions } from "./engine.js";

/** Pages of each kind that an engine can hold. */
export const MAX_FILTER_PAGES = 32;
const DEFAULT_FILTER_PAGES = 4;

/** `filterPages` (`fetchPages`) for an engine whose data accesses (fetches) go first to each of these structures. */
export function filterPagesFor(firstLevel: readonly Pick<TlbSpec, "entries" | "ways" | "policy" | "coalescedPages">[]): number {
  return Math.min(MAX_FILTER_PAGES, ...firstLevel.map(exactFilterPages));
}

/** How many pages of data and of code an engine with these options holds. Throws ConfigError for a number that it cannot hold. */
export function filterDepths({ filterPages = DEFAULT_FILTER_PAGES, fetchPages = 1 }: EngineOptions): { readonly data: number; readonly code: number } {
  for (const pages of [filterPages, fetchPages]) {
    if (!Number.isInteger(pages) || pages < 1 || pages > MAX_FILTER_PAGES) throw new ConfigError(`${pages} filter pages are not 1 to ${MAX_FILTER_PAGES}`);
  }
  return { data: filterPages, code: fetchPages };
}
