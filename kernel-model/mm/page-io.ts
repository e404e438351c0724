/**
 * Moving folios between memory and the swap device.
 *
 * Linux: mm/page_io.c swap_writepage(), swap_read_folio(), is_folio_zero_filled(); drivers/block/zram/zram_drv.c page_same_filled().
 * Differs: what zram compresses into memory lies in the host's memory here, uncompressed; a page of one repeated word is kept as that word,
 * as zram does.
 */
import type { Pa, Pfn } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import type { MemorySystem } from "./memory-system.js";
import { PG_UPTODATE } from "./page.js";
import type { SlotContents, SwapInfo } from "./swapfile.js";

/** The page as 8-byte words. */
function words(sys: MemorySystem, page: number): BigUint64Array {
  const { pageSize } = sys.granule;
  const first = (page * pageSize) / 8;
  return sys.memory.u64.subarray(first, first + pageSize / 8);
}

/** The word that fills the page, undefined if it has several. */
function sameFilled(sys: MemorySystem, page: number): bigint | undefined {
  const page64 = words(sys, page);
  const [word] = page64;
  if (page64[page64.length - 1] !== word) return undefined;
  return page64.every((other) => other === word) ? word : undefined;
}

function contentsOf(sys: MemorySystem, page: number): SlotContents {
  const { pageSize } = sys.granule;
  return sameFilled(sys, page) ?? sys.memory.u8.slice(page * pageSize, (page + 1) * pageSize);
}

/** Blocks of 1 KiB that went to or came from a device (pgpgin, pgpgout). */
function kibibytes(sys: MemorySystem, nr: number): number {
  return (nr * sys.granule.pageSize) / 1024;
}

/** Writes a folio to its slots, or notes that it holds zeros only. Pre: in the swap cache. Linux: swap_writepage() behind folio_free_swap(). */
export function swapWriteFolio(sys: MemorySystem, swap: SwapInfo, folio: Pfn): void {
  const { pages, vmstat, thp, granule } = sys;
  const nr = pages.folioNrPages(folio);
  const slot = pages.swap[folio]!;
  const contents = Array.from({ length: nr }, (_, i) => contentsOf(sys, folio + i));
  const zeros = contents.every((page) => page === 0n);
  swap.zeromap.fill(zeros ? 1 : 0, slot, slot + nr);
  if (zeros) {
    vmstat.add("swpout_zero", nr);
    return;
  }
  contents.forEach((page, i) => (swap.contents[slot + i] = page));
  const order = pages.folioOrder(folio);
  if (order >= granule.pmdOrder) vmstat.inc("thp_swpout");
  if (order > 0) thp.statInc(order, "swpout");
  vmstat.add("pswpout", nr);
  vmstat.add("pgpgout", kibibytes(sys, nr));
  vmstat.add("nr_written", nr);
}

/** Slots from `slot` that are like the first: all zeros, or none. At most `nr`. Linux: swap_zeromap_batch(). */
export function swapZeromapBatch(swap: SwapInfo, slot: number, nr: number): number {
  let same = 1;
  while (same < nr && swap.zeromap[slot + same] === swap.zeromap[slot]) same++;
  return same;
}

/** Fills a folio from the slots from `slot` on; it is uptodate then. Linux: swap_read_folio(). */
export function swapReadFolio(sys: MemorySystem, swap: SwapInfo, folio: Pfn, slot: number): void {
  const { pages, memory, vmstat } = sys;
  const { pageSize } = sys.granule;
  const nr = pages.folioNrPages(folio);
  if (swapZeromapBatch(swap, slot, nr) !== nr) throw new ModelBug(`swap_read_folio: slots ${slot} to ${slot + nr - 1} are zeros only in part`);
  const zeros = swap.zeromap[slot] === 1;
  for (let i = 0; i < nr; i++) {
    const contents = zeros ? 0n : swap.contents[slot + i];
    if (contents === undefined) throw new ModelBug(`swap_read_folio: nothing was written to slot ${slot + i}`);
    if (typeof contents === "bigint") words(sys, folio + i).fill(contents);
    else memory.u8.set(contents, ((folio + i) * pageSize) as Pa);
    sys.frameWritten((folio + i) as Pfn);
  }
  pages.set(folio, PG_UPTODATE);
  if (zeros) {
    vmstat.add("swpin_zero", nr);
    return;
  }
  vmstat.add("pswpin", nr);
  vmstat.add("pgpgin", kibibytes(sys, nr));
}
