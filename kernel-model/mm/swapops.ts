/**
 * Migration entries: what stands in a page table while a page is between two mappings.
 *
 * Linux: include/linux/swapops.h make_readable_migration_entry() and relatives. Nothing outside split-folio.ts ever sees one,
 * because a split is one step here.
 */
import type { Pfn } from "../../emulator/arch/addr.js";
import { swpOffset } from "../arch/arm64/pte.js";

/** Swap types behind the real swap areas, 5 bits. */
export const MIGRATION_READ = 29;
export const MIGRATION_READ_EXCLUSIVE = 30;
export const MIGRATION_WRITE = 31;

/** Bits of the offset above the frame number: the entry was young, was dirty. Linux: SWP_MIG_YOUNG_BIT, SWP_MIG_DIRTY_BIT. */
export const MIGRATION_YOUNG = 2 ** 36;
export const MIGRATION_DIRTY = 2 ** 37;

/** Frame that the entry stands for. */
export function migrationPfn(entry: bigint): Pfn {
  return (swpOffset(entry) % MIGRATION_YOUNG) as Pfn;
}
