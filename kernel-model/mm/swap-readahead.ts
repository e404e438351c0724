/**
 * Reading swapped-out pages into the swap cache: the one that is wanted, and its neighbours in the area.
 *
 * Linux: mm/swap_state.c swapin_readahead(), swap_vma_readahead(), swap_vma_ra_win(), __swapin_nr_pages(), swap_cache_get_folio(). Readahead by
 * address, as for devices that do not rotate.
 */
import type { Pa, Pfn } from "../../emulator/arch/addr.js";
import { pteNone, ptePresent, swpOffset } from "../arch/arm64/pte.js";
import { folioPut } from "./folio.js";
import { NO_PFN, PG_READAHEAD } from "./page.js";
import { lruAddDrain } from "./swap-lru.js";
import { readSwapCache, swapOf } from "./swap-state.js";
import type { SwapReadahead, VmFault, Vma } from "./vma.js";

/** page-cluster: at most 2^3 pages at once, on machines with at least 16 MiB. */
const PAGE_CLUSTER = 3;
const FIRST: SwapReadahead = { addr: 0, win: 0, hits: 4 };

function readaheadOf(vma: Vma): SwapReadahead {
  return vma.swapReadahead ?? FIRST;
}

/** Hits are kept in half of the bits of a page offset. */
function maxHits(vma: Vma): number {
  return 2 ** Math.floor(vma.mm.sys.granule.pageShift / 2) - 1;
}

/** The folio that the swap cache has at a slot, NO_PFN if none. Takes no reference; a page read ahead is a hit. */
export function swapCacheGetFolio({ vma, address }: VmFault, slot: number): Pfn {
  const { sys } = vma.mm;
  const folio = swapOf(sys).cache[slot]! as Pfn;
  if (folio === NO_PFN || sys.pages.isLarge(folio)) return folio;
  const hit = sys.pages.test(folio, PG_READAHEAD);
  const { win, hits } = readaheadOf(vma);
  vma.swapReadahead = { addr: address, win, hits: hit ? Math.min(hits + 1, maxHits(vma)) : hits };
  if (hit) {
    sys.pages.clear(folio, PG_READAHEAD);
    sys.vmstat.inc("swap_ra_hit");
  }
  return folio;
}

/** Size of the next window, from the hits of the last one. Linux: __swapin_nr_pages(). */
function swapinNrPages(prevPage: number, page: number, hits: number, prevWin: number): number {
  let nr = hits + 2;
  if (nr === 2) {
    if (Math.abs(page - prevPage) !== 1) nr = 1;
  } else {
    nr = Math.max(4, 2 ** Math.ceil(Math.log2(nr)));
  }
  return Math.max(Math.min(nr, 2 ** PAGE_CLUSTER), Math.floor(prevWin / 2));
}

/** The window around the fault, within the area and one level-3 table; undefined if it is one page. */
function window({ vma, address }: VmFault): { readonly start: number; readonly end: number } | undefined {
  const { pageSize, pmdSize } = vma.mm.sys.granule;
  const { addr: previous, win: prevWin, hits } = readaheadOf(vma);
  const win = swapinNrPages(previous / pageSize, address / pageSize, hits, prevWin);
  vma.swapReadahead = { addr: address, win, hits: 0 };
  if (win === 1) return undefined;
  let left: number;
  if (address === previous + pageSize) left = address;
  else if (previous === address + pageSize) left = address - (win - 1) * pageSize;
  else left = address - Math.floor((win - 1) / 2) * pageSize;
  const table = address - (address % pmdSize);
  return { start: Math.max(left, 0, vma.start, table), end: Math.min(left + win * pageSize, vma.end, table + pmdSize) };
}

/** The folio at `slot`, with a reference; its neighbours are read too. NO_PFN: memory is out. */
export function swapinReadahead(vmf: VmFault, slot: number): Pfn {
  const { vma } = vmf;
  const { sys, memcg } = vma.mm;
  const { pgtable, granule } = sys;
  const range = window(vmf);
  if (range !== undefined) {
    const table = sys.pgtable.pmdpGet(vmf.pmd);
    for (let addr = range.start; addr < range.end; addr += granule.pageSize) {
      const pte = pgtable.ptepGetLockless(pgtable.pteOffset(table, addr as VmFault["address"]) as Pa);
      if (pteNone(pte) || ptePresent(pte)) continue;
      const { folio, fresh } = readSwapCache(sys, swpOffset(pte), memcg);
      if (folio === NO_PFN) continue;
      if (fresh && addr !== vmf.address) {
        sys.pages.set(folio, PG_READAHEAD);
        sys.vmstat.inc("swap_ra");
      }
      folioPut(sys, folio);
    }
    lruAddDrain(sys);
  }
  return readSwapCache(sys, slot, memcg).folio;
}
