/**
 * What little reclaim foliolab has: clean page-cache folios that no one maps give way when memory runs short.
 *
 * Linux: mm/truncate.c mapping_evict_folio(); mm/vmscan.c shrink_folio_list(), __remove_mapping(). Differs: no lists and no
 * generations; files give way in the order of their identifiers, unreferenced folios before referenced ones, low indexes first. Nothing
 * is written back and nothing is unmapped for it.
 */
import type { Pfn } from "../../emulator/arch/addr.js";
import type { AddressSpace } from "../fs/file.js";
import { folioGet, folioPut } from "./folio.js";
import type { MemorySystem } from "./memory-system.js";
import { PG_DIRTY, PG_LOCKED, PG_REFERENCED, PG_UNEVICTABLE, PG_WRITEBACK } from "./page.js";
import { filemapRemoveFolio, folioLock, folioUnlock, foliosInRange, mappingCanWriteback } from "./pagemap.js";

/**
 * mapping_evict_folio(): drop the folio from the cache if it is clean and no one but the cache holds it. Returns the pages dropped.
 * Pre: not locked.
 */
export function mappingEvictFolio(mapping: AddressSpace, folio: Pfn): number {
  const { sys } = mapping;
  const { pages } = sys;
  const nr = pages.folioNrPages(folio);
  if ((pages.flags[folio]! & (PG_DIRTY | PG_WRITEBACK | PG_LOCKED)) !== 0 || pages.refcount[folio] !== nr) return 0;
  folioGet(sys, folio);
  folioLock(sys, folio);
  filemapRemoveFolio(mapping, folio);
  folioUnlock(sys, folio);
  folioPut(sys, folio);
  return nr;
}

/**
 * Free up to `nr` pages of clean, unmapped page cache. Returns the pages freed, which is less when there are no more.
 * Only files with a backing lose folios: what they held can be read again.
 */
export function shrinkPageCache(sys: MemorySystem, nr: number): number {
  let freed = 0;
  const mappings = sys.mappings.addressSpaces().filter((mapping) => mappingCanWriteback(mapping) && mapping.nrPages > 0);
  for (const keepReferenced of [true, false]) {
    for (const mapping of mappings) {
      for (const folio of foliosInRange(mapping, 0, Infinity)) {
        if (freed >= nr) return freed;
        const flags = sys.pages.flags[folio]!;
        if ((flags & PG_UNEVICTABLE) !== 0 || (keepReferenced && (flags & PG_REFERENCED) !== 0)) continue;
        freed += mappingEvictFolio(mapping, folio);
      }
    }
  }
  return freed;
}
