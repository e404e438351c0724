/**
 * Giving up page cache that no one maps: one folio, or as many as memory needs.
 *
 * Linux: mm/truncate.c mapping_evict_folio(); mm/vmscan.c shrink_folio_list(), pageout(), __remove_mapping(). Differs: no lists and no
 * generations. Files give way in the order in which their page caches were made, and of one file the folios that were cached first;
 * a referenced folio gets a second chance. Dirty folios are written back when no clean one is left. Mapped folios are vmscan.ts's;
 * anonymous and tmpfs memory stays.
 */
import type { Pfn } from "../../emulator/arch/addr.js";
import type { AddressSpace } from "../fs/file.js";
import { folioGet, folioPut } from "./folio.js";
import type { MemorySystem } from "./memory-system.js";
import { folioWriteback } from "./page-writeback.js";
import { PG_DIRTY, PG_LOCKED, PG_REFERENCED, PG_UNEVICTABLE, PG_WRITEBACK } from "./page.js";
import { filemapRemoveFolio, folioLock, folioUnlock, mappingCanWriteback } from "./pagemap.js";

/**
 * mapping_evict_folio(): drop the folio from the cache if it is clean and no one but the cache holds it. Returns the pages dropped,
 * 0 if it stays.
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

/** How far reclaim goes for a folio that no one maps, from the cheapest on. */
const PASSES = ["unreferenced", "clean", "dirty"] as const;
type Pass = (typeof PASSES)[number];

/** Try to free one folio that only the cache holds. Returns the pages freed. */
function shrinkFolio(mapping: AddressSpace, folio: Pfn, pass: Pass): number {
  const { pages } = mapping.sys;
  const flags = pages.flags[folio]!;
  if ((flags & PG_UNEVICTABLE) !== 0 || pages.refcount[folio] !== pages.folioNrPages(folio)) return 0;
  if (pass === "unreferenced" && (flags & PG_REFERENCED) !== 0) {
    pages.clear(folio, PG_REFERENCED);
    return 0;
  }
  if (pass === "dirty" && (flags & (PG_DIRTY | PG_LOCKED)) === PG_DIRTY) folioWriteback(mapping, folio);
  return mappingEvictFolio(mapping, folio);
}

/** The folios of a file in the order in which they were cached; folios that go meanwhile are left out. */
export function* foliosByAge(mapping: AddressSpace): IterableIterator<Pfn> {
  const { index } = mapping.sys.pages;
  for (const [at, folio] of mapping.pages) if (index[folio] === at) yield folio;
}

/** Page caches that can be read again, in the order in which they were made. */
export function reclaimableMappings(sys: MemorySystem): AddressSpace[] {
  return sys.mappings.addressSpaces().filter((mapping) => mappingCanWriteback(mapping) && mapping.nrPages > 0);
}

/**
 * Free up to `nr` pages of page cache that no one maps and that can be read again. Returns the pages freed; fewer when there are no
 * more. Touches no page table, so it may be called wherever memory is allocated.
 */
export function shrinkPageCache(sys: MemorySystem, nr: number): number {
  let freed = 0;
  const mappings = reclaimableMappings(sys);
  for (const pass of PASSES) {
    for (const mapping of mappings) {
      for (const folio of foliosByAge(mapping)) {
        if (freed >= nr) return freed;
        freed += shrinkFolio(mapping, folio, pass);
      }
    }
  }
  return freed;
}
