/**
 * Keeping memory free: page cache gives way before an allocation would go below the low watermark.
 *
 * Linux: mm/vmscan.c balance_pgdat(), shrink_folio_list(), try_to_unmap() of page-cache folios. Differs: it runs before an allocation
 * instead of beside it, looks at no access flags, and takes disk files only.
 */
import type { Pfn } from "../../emulator/arch/addr.js";
import type { AddressSpace } from "../fs/file.js";
import { folioMapcount } from "./folio.js";
import type { MemorySystem } from "./memory-system.js";
import { foliosByAge, mappingEvictFolio, reclaimableMappings, shrinkPageCache } from "./page-cache-reclaim.js";
import { folioWriteback } from "./page-writeback.js";
import { PG_DIRTY, PG_LOCKED, PG_MLOCKED, PG_UNEVICTABLE } from "./page.js";
import { unmapMappingFolio } from "./zap.js";

/** Unmap a folio that only the cache and page tables hold, write it back if need be, and drop it. Returns the pages freed. */
function shrinkMappedFolio(mapping: AddressSpace, folio: Pfn): number {
  const { sys } = mapping;
  const { pages } = sys;
  if ((pages.flags[folio]! & (PG_UNEVICTABLE | PG_MLOCKED | PG_LOCKED)) !== 0) return 0;
  // Every entry that maps it, of level 3 or 2, is one mapping and one reference.
  if (pages.refcount[folio] !== pages.folioNrPages(folio) + folioMapcount(sys, folio)) return 0;
  unmapMappingFolio(sys, folio);
  if (pages.test(folio, PG_DIRTY)) folioWriteback(mapping, folio);
  return mappingEvictFolio(mapping, folio);
}

/** Free up to `nr` pages of mapped page cache. Returns the pages freed. */
function shrinkMapped(sys: MemorySystem, nr: number): number {
  let freed = 0;
  for (const mapping of reclaimableMappings(sys)) {
    for (const folio of foliosByAge(mapping)) {
      if (freed >= nr) return freed;
      freed += shrinkMappedFolio(mapping, folio);
    }
  }
  return freed;
}

/** Share of the page cache that one round takes at least: rounds over a large cache are then few. */
const ROUND_SHARE = 64;

/**
 * Before `nr` pages are allocated: if that would leave less than the low watermark, page cache is freed up to the high one at least,
 * what no one maps first. Pre: no page-table entry that was read before the call is used after it.
 */
export function balancePgdat(sys: MemorySystem, nr: number): void {
  const { nrFree, watermarks } = sys.buddy;
  if (nrFree - nr >= watermarks.low) return;
  const wanted = Math.max(watermarks.high + nr - nrFree, Math.floor(sys.vmstat.get("nr_file_pages") / ROUND_SHARE));
  const freed = shrinkPageCache(sys, wanted);
  if (freed < wanted) shrinkMapped(sys, wanted - freed);
}
