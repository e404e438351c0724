/**
 * The queue of large anonymous folios that are partly unmapped and could give memory back if they were split.
 *
 * Linux: mm/huge_memory.c deferred_split_folio(), __folio_unqueue_deferred_split().
 */
import type { Pfn } from "../../emulator/arch/addr.js";
import type { MemorySystem } from "./memory-system.js";
import { PG_DEFERRED_SPLIT, PG_PARTIALLY_MAPPED, PG_SWAPCACHE } from "./page.js";

/**
 * Queue the folio. `partiallyMapped`: some of its pages have just lost their last mapping, others not; counted once per folio.
 * Otherwise it is a new PMD-mapped folio that may turn out to be underused.
 */
export function deferredSplitFolio(sys: MemorySystem, folio: Pfn, partiallyMapped: boolean): void {
  const { pages } = sys;
  const order = pages.folioOrder(folio);
  if (order <= 1) return;
  if (pages.test(folio, PG_SWAPCACHE)) return;
  if (partiallyMapped && !pages.test(folio, PG_PARTIALLY_MAPPED)) {
    pages.set(folio, PG_PARTIALLY_MAPPED);
    if (order >= sys.granule.pmdOrder) sys.vmstat.inc("thp_deferred_split_page");
    sys.thp.statInc(order, "split_deferred");
    sys.thp.statInc(order, "nr_anon_partially_mapped");
  }
  if (pages.test(folio, PG_DEFERRED_SPLIT)) return;
  pages.set(folio, PG_DEFERRED_SPLIT);
  sys.hugeMemory.deferredSplit.add(folio);
}

/** The folio is about to be freed or has been split: take it off the queue. */
export function folioUnqueueDeferredSplit(sys: MemorySystem, folio: Pfn): void {
  const { pages } = sys;
  if (!pages.test(folio, PG_DEFERRED_SPLIT)) return;
  if (pages.test(folio, PG_PARTIALLY_MAPPED)) {
    pages.clear(folio, PG_PARTIALLY_MAPPED);
    sys.thp.statInc(pages.folioOrder(folio), "nr_anon_partially_mapped", -1);
  }
  pages.clear(folio, PG_DEFERRED_SPLIT);
  sys.hugeMemory.deferredSplit.delete(folio);
}
