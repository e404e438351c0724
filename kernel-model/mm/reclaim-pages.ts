/**
 * Reclaiming a given set of folios at once, as MADV_PAGEOUT wants.
 *
 * Linux: mm/vmscan.c reclaim_pages(), reclaim_folio_list().
 */
import type { Pfn } from "../../emulator/arch/addr.js";
import type { MemorySystem } from "./memory-system.js";
import { PG_ACTIVE } from "./page.js";
import { shrinkFolioList } from "./shrink-folio-list.js";
import { folioPutbackLru } from "./swap-lru.js";

/** Reclaims what can be reclaimed of `folios`, in order; each is isolated, with a reference that is given up. Returns the pages freed. */
export function reclaimPages(sys: MemorySystem, folios: readonly Pfn[]): number {
  for (const folio of folios) sys.pages.clear(folio, PG_ACTIVE);
  const { reclaimed, kept } = shrinkFolioList(sys, folios, true);
  for (const folio of kept) folioPutbackLru(sys, folio);
  return reclaimed;
}
