/**
 * Keeping memory free: page cache gives way and anonymous memory is swapped out before an allocation would go below the low watermark; and
 * reclaim of one memory cgroup.
 *
 * Linux: mm/vmscan.c balance_pgdat(), shrink_lruvec(), shrink_inactive_list(), shrink_active_list(), try_to_free_mem_cgroup_pages();
 * mm/memcontrol.c memory_reclaim(). Differs: it runs before an allocation instead of beside it. Anonymous memory goes by the classic LRU lists;
 * page cache is looked through file by file, without access flags, and only disk files give way.
 */
import type { Pfn } from "../../emulator/arch/addr.js";
import { EAGAIN } from "../errno.js";
import type { AddressSpace } from "../fs/file.js";
import { folioMapcount } from "./folio.js";
import { LRU_ACTIVE_ANON, LRU_INACTIVE_ANON } from "./lruvec.js";
import { ROOT_MEM_CGROUP } from "./memcontrol.js";
import type { MemorySystem } from "./memory-system.js";
import { foliosByAge, mappingEvictFolio, reclaimableMappings, shrinkPageCache } from "./page-cache-reclaim.js";
import { folioWriteback } from "./page-writeback.js";
import { NO_PFN, PG_ACTIVE, PG_DIRTY, PG_LOCKED, PG_MLOCKED, PG_UNEVICTABLE, PG_WORKINGSET } from "./page.js";
import { folioReferenced, shrinkFolioList } from "./shrink-folio-list.js";
import { folioIsolateLru, folioPutbackLru, lruAddDrain } from "./swap-lru.js";
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

// --- anonymous memory ---------------------------------------------------------------

/** Folios are looked at in portions of so many pages. */
const SWAP_CLUSTER_MAX = 32;
/** A pass looks at 2^-priority of a list, from this priority down to 0. */
const DEF_PRIORITY = 12;
/** MAX_RECLAIM_RETRIES */
const MAX_RECLAIM_RETRIES = 16;

/** Takes the oldest folios off a list: about `nr` pages. Linux: isolate_lru_folios(). */
function isolateLruFolios(sys: MemorySystem, memcg: number, lru: number, nr: number): Pfn[] {
  const taken: Pfn[] = [];
  lruAddDrain(sys);
  for (let pages = 0; pages < nr; ) {
    const folio = sys.lru.oldest(memcg, lru);
    if (folio === NO_PFN) break;
    pages += sys.pages.folioNrPages(folio);
    folioIsolateLru(sys, folio);
    taken.push(folio);
  }
  return taken;
}

const nrPagesOf = (sys: MemorySystem, folios: readonly Pfn[]): number => folios.reduce((sum, folio) => sum + sys.pages.folioNrPages(folio), 0);

/** Swap out what was not used of the `nr` oldest inactive anonymous pages of a group. Returns the pages freed. */
function shrinkInactiveList(sys: MemorySystem, memcg: number, nr: number): number {
  const folios = isolateLruFolios(sys, memcg, LRU_INACTIVE_ANON, nr);
  const scanned = nrPagesOf(sys, folios);
  const { reclaimed, kept } = shrinkFolioList(sys, folios, false);
  for (const folio of kept) folioPutbackLru(sys, folio);
  sys.vmstat.add("pgscan_anon", scanned);
  sys.vmstat.add("pgsteal_anon", reclaimed);
  if (memcg === ROOT_MEM_CGROUP) {
    sys.vmstat.add("pgscan_kswapd", scanned);
    sys.vmstat.add("pgsteal_kswapd", reclaimed);
  }
  return reclaimed;
}

/** The oldest active anonymous pages become inactive, and old in the page tables. */
function shrinkActiveList(sys: MemorySystem, memcg: number, nr: number): void {
  const folios = isolateLruFolios(sys, memcg, LRU_ACTIVE_ANON, nr);
  const scanned = nrPagesOf(sys, folios);
  for (const folio of folios) {
    if (!sys.pages.test(folio, PG_MLOCKED)) {
      folioReferenced(sys, folio);
      sys.pages.clear(folio, PG_ACTIVE);
      sys.pages.set(folio, PG_WORKINGSET);
    }
    folioPutbackLru(sys, folio);
  }
  if (memcg === ROOT_MEM_CGROUP) sys.vmstat.add("pgrefill", scanned);
  sys.vmstat.add("pgdeactivate", scanned);
}

/** Linux: inactive_is_low(). */
function inactiveIsLow(sys: MemorySystem, memcg: number): boolean {
  const inactive = sys.lru.size(memcg, LRU_INACTIVE_ANON);
  const active = sys.lru.size(memcg, LRU_ACTIVE_ANON);
  const gib = Math.floor(((inactive + active) * sys.granule.pageSize) / 2 ** 30);
  return inactive * (gib === 0 ? 1 : Math.floor(Math.sqrt(10 * gib))) < active;
}

/** One pass over the anonymous memory of a group. Returns the pages freed, about `wanted` at most. Linux: shrink_lruvec(). */
function shrinkLruvec(sys: MemorySystem, memcg: number, wanted: number, priority: number): number {
  const { lru } = sys;
  let inactive = Math.floor(lru.size(memcg, LRU_INACTIVE_ANON) / 2 ** priority);
  let active = Math.floor(lru.size(memcg, LRU_ACTIVE_ANON) / 2 ** priority);
  let freed = 0;
  while (inactive > 0 && freed < wanted) {
    const scan = Math.min(inactive, SWAP_CLUSTER_MAX);
    inactive -= scan;
    freed += shrinkInactiveList(sys, memcg, scan);
    if (active === 0) continue;
    const age = Math.min(active, SWAP_CLUSTER_MAX);
    active -= age;
    if (inactiveIsLow(sys, memcg)) shrinkActiveList(sys, memcg, age);
  }
  if (inactiveIsLow(sys, memcg)) shrinkActiveList(sys, memcg, SWAP_CLUSTER_MAX);
  return freed;
}

/** There is a free slot, and something to put there. Linux: can_reclaim_anon_pages(). */
function canSwap(sys: MemorySystem): boolean {
  return sys.swap !== undefined && sys.swap.nrSwapPages > 0;
}

/** Swap out about `nr` pages of the given groups. Returns the pages freed. Linux: do_try_to_free_pages(). */
function shrinkAnon(sys: MemorySystem, memcgs: readonly number[], nr: number): number {
  const wanted = Math.max(nr, SWAP_CLUSTER_MAX);
  let freed = 0;
  for (let priority = DEF_PRIORITY; priority >= 0 && freed < wanted && canSwap(sys); priority--) {
    for (const memcg of memcgs) freed += shrinkLruvec(sys, memcg, wanted - freed, priority);
  }
  return freed;
}

/**
 * Reclaim `nr` pages of a memory cgroup: 0, or -EAGAIN if they cannot be had. Its anonymous memory only, since nothing else is charged.
 * Linux: memory_reclaim().
 */
export function memoryReclaim(sys: MemorySystem, memcg: number, nr: number): number {
  let retries = MAX_RECLAIM_RETRIES;
  for (let reclaimed = 0; reclaimed < nr; ) {
    const freed = shrinkAnon(sys, [memcg], Math.floor((nr - reclaimed) / 4));
    if (freed === 0 && retries-- === 0) return -EAGAIN;
    reclaimed += freed;
  }
  return 0;
}

// --- the watermarks -----------------------------------------------------------------

/** Share of the page cache that one round takes at least: rounds over a large cache are then few. */
const ROUND_SHARE = 64;

/**
 * Before `nr` pages are allocated: if that would leave less than the low watermark, memory is freed up to the high one at least: page cache
 * that no one maps, then anonymous memory if there is swap space, then mapped page cache. Pre: no page-table entry that was read before
 * the call is used after it.
 */
export function balancePgdat(sys: MemorySystem, nr: number): void {
  const { buddy } = sys;
  if (buddy.nrFree - nr >= buddy.watermarks.low) return;
  lruAddDrain(sys);
  const target = buddy.watermarks.high + nr;
  const wanted = Math.max(target - buddy.nrFree, Math.floor(sys.vmstat.get("nr_file_pages") / ROUND_SHARE));
  sys.vmstat.inc("pageoutrun");
  const freed = shrinkPageCache(sys, wanted);
  if (buddy.nrFree < target && canSwap(sys)) {
    shrinkAnon(sys, [...sys.memcgs.names.keys()], target - buddy.nrFree);
    if (buddy.nrFree >= target) return;
  }
  if (freed < wanted) shrinkMapped(sys, wanted - freed);
}
