/**
 * What stands in a page table where no page is: slots of the swap area, and migration entries, while a page is between two mappings.
 *
 * Linux: include/linux/swapops.h; mm/internal.h pte_move_swp_offset(), swap_pte_batch(). Nothing outside split-folio.ts and migrate.ts ever sees a migration
 * entry, because a split and a migration are one step here.
 */
import type { Pa, Pfn } from "../../emulator/arch/addr.js";
import { pteSwpExclusive, pteSwpMkexclusive, swpEntryToPte, swpOffset, swpType } from "../arch/arm64/pte.js";
import type { MemorySystem } from "./memory-system.js";

/** Swap types behind the real swap areas, 5 bits. */
export const MIGRATION_READ = 29;
export const MIGRATION_READ_EXCLUSIVE = 30;
export const MIGRATION_WRITE = 31;

/** Bits of the offset above the frame number: the entry was young, was dirty. Linux: SWP_MIG_YOUNG_BIT, SWP_MIG_DIRTY_BIT. */
export const MIGRATION_YOUNG = 2 ** 36;
export const MIGRATION_DIRTY = 2 ** 37;

/** The entry stands for a page on its way, not for a slot of the swap area. */
export function isMigrationEntry(entry: bigint): boolean {
  return swpType(entry) >= MIGRATION_READ;
}

/** Frame that the entry stands for. */
export function migrationPfn(entry: bigint): Pfn {
  return (swpOffset(entry) % MIGRATION_YOUNG) as Pfn;
}

/** Type of the one swap area. */
const SWAP_TYPE = 0;

/** The entry for a slot; `exclusive`: the page was this mm's alone. */
export function makeSwapPte(slot: number, exclusive: boolean): bigint {
  const entry = swpEntryToPte(SWAP_TYPE, slot);
  return exclusive ? pteSwpMkexclusive(entry) : entry;
}

/** The entry for the slot `delta` behind that of `pte`, with the same marks. Linux: pte_move_swp_offset(). */
export function pteMoveSwpOffset(pte: bigint, delta: number): bigint {
  return makeSwapPte(swpOffset(pte) + delta, pteSwpExclusive(pte));
}

/** Entries from `ptep` on, at most `maxNr`, that hold slots which follow that of `pte`, the first of them, with the same marks. */
export function swapPteBatch(sys: MemorySystem, ptep: Pa, maxNr: number, pte: bigint): number {
  let nr = 1;
  while (nr < maxNr && sys.pgtable.ptepGet((ptep + nr * 8) as Pa) === pteMoveSwpOffset(pte, nr)) nr++;
  return nr;
}
