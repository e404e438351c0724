/**
 * State of huge_memory.c that Linux keeps in globals and in struct page of page tables.
 *
 * Linux: mm/huge_memory.c huge_zero_folio, huge_zero_refcount, struct deferred_split; mm/pgtable-generic.c
 * pgtable_trans_huge_deposit().
 */
import type { Pfn } from "../../emulator/arch/addr.js";
import type { MmStruct } from "./mm-struct.js";
import { NO_PFN } from "./page.js";

export interface HugeMemoryState {
  /** The folio of PMD order that read faults share, NO_PFN until the first one needs it. */
  hugeZeroPfn: Pfn;
  /** One per mm that uses it plus the shrinker's; 0 while there is no folio. */
  hugeZeroRefcount: number;
  /** Heads of large anonymous folios that wait to be split, oldest first. Their PG_DEFERRED_SPLIT is set. */
  readonly deferredSplit: Set<Pfn>;
  /** Page tables kept in reserve for the day a PMD mapping is split: frame of the PMD table -> frames of level-3 tables, first out first. */
  readonly deposited: Map<Pfn, Pfn[]>;
  readonly khugepaged: KhugepagedState;
}

/** What khugepaged goes through. Linux: struct khugepaged_scan. */
export interface KhugepagedState {
  /** Address spaces with areas that may get PMD mappings, in the order in which they were entered. */
  readonly slots: Set<MmStruct>;
  /** Where the next scan goes on; undefined: with the first slot. */
  slot: MmStruct | undefined;
  address: number;
  /** There is something to scan: set by who gives khugepaged its time. */
  wakeUp: (() => void) | undefined;
}

/** Nothing allocated, nothing queued. */
export function createHugeMemoryState(): HugeMemoryState {
  return { hugeZeroPfn: NO_PFN as Pfn, hugeZeroRefcount: 0, deferredSplit: new Set(), deposited: new Map(), khugepaged: { slots: new Set(), slot: undefined, address: 0, wakeUp: undefined } };
}
