/**
 * Replacing small pages by one folio of PMD size: on request of MADV_COLLAPSE, or because khugepaged has found them (khugepaged-scan.ts).
 *
 * Linux: mm/khugepaged.c madvise_collapse(), hpage_collapse_scan_pmd(), collapse_huge_page(), __collapse_huge_page_isolate(),
 * __collapse_huge_page_copy(). Anonymous memory only.
 */
import { alignDown, alignUp, type Order, type Pa, type Pfn, type Va } from "../../emulator/arch/addr.js";
import { NotModelled } from "../../emulator/arch/errors.js";
import { pmdMkdirty, pmdMkhuge, pmdTable, pmdTransHuge, pteNone, ptePresent, pteWrite, pteYoung } from "../arch/arm64/pte.js";
import { EAGAIN, EINVAL, ENOMEM } from "../errno.js";
import { deferredSplitFolio } from "./deferred-split.js";
import { folioAlloc, folioLikelyMappedShared, folioMapcount, folioPut } from "./folio.js";
import { thpVmaAllowableOrders, vmaThpDisabled } from "./huge-memory.js";
import { pgtableDeposit } from "./huge-pmd.js";
import { copyPage, maybeMkwrite, vmNormalPage } from "./memory-common.js";
import { memCgroupCharge } from "./memcontrol.js";
import type { MemorySystem } from "./memory-system.js";
import { MM_ANONPAGES } from "./mm-struct.js";
import { NO_PFN, PG_ANON, PG_LOCKED, PG_LRU, PG_REFERENCED, PG_SWAPCACHE, PG_UPTODATE } from "./page.js";
import { folioAddNewAnonRmap, folioRemoveRmapPtes, linearPageIndex } from "./rmap.js";
import { doSwapPage } from "./swap-fault.js";
import { folioAddLruVma, lruAddDrain } from "./swap-lru.js";
import { freeSwapCache } from "./swap-state.js";
import type { KhugepagedKnobs } from "./transparent-hugepage.js";
import { userfaultfdMissing } from "./userfaultfd-context.js";
import { FAULT_FLAG_ALLOW_RETRY, VM_FAULT_ERROR, vmaIsAnonymous, type VmFault, type Vma } from "./vma.js";

/** What came of one PMD range. Linux: enum scan_result. */
export type ScanResult = "succeed" | "pmd-mapped" | "pmd-null" | "pmd-none" | "page-null" | "page-anon" | "page-lru" | "page-lock" | "page-count" | "page-ro" | "alloc-failed" | "fail" | "exceed-none" | "exceed-swap" | "exceed-shared" | "lack-referenced";

/** Results after which the next range is tried; the others end the call. */
const CONTINUE: ReadonlySet<ScanResult> = new Set(["pmd-null", "page-null", "page-count", "page-lock", "page-lru", "page-ro"]);

/** Linux: madvise_collapse_errno(). */
function collapseErrno(result: ScanResult): number {
  if (result === "alloc-failed") return -ENOMEM;
  return ["page-count", "page-lock", "page-lru"].includes(result) ? -EAGAIN : -EINVAL;
}

/** pte_none_or_zero(): nothing is lost if the page of the new folio is zeros. */
function noneOrZero(sys: MemorySystem, pte: bigint): boolean {
  return pteNone(pte) || (ptePresent(pte) && sys.pgtable.ptePfn(pte) === sys.zeroPfn);
}

/** is_refcount_suitable(): nobody holds the folio but those who map it. */
function refcountSuitable(sys: MemorySystem, folio: Pfn): boolean {
  const cached = sys.pages.test(folio, PG_SWAPCACHE) ? sys.pages.folioNrPages(folio) : 0;
  return sys.pages.refcount[folio] === folioMapcount(sys, folio) + cached;
}

/** What khugepaged leaves alone; MADV_COLLAPSE has no such limits. */
export type ScanLimits = Pick<KhugepagedKnobs, "maxPtesNone" | "maxPtesSwap" | "maxPtesShared">;

/** Every page of the range can be taken, and one is writable at least; `swapped`: swap entries among them. Linux: hpage_collapse_scan_pmd(). */
function scanPte(vma: Vma, table: Pa, limits: ScanLimits | undefined): { readonly result: ScanResult; readonly swapped: number } {
  const { sys } = vma.mm;
  const { pgtable, granule } = sys;
  let writable = false;
  let swapped = 0;
  let none = 0;
  let shared = 0;
  let referenced = 0;
  for (let i = 0; i < granule.ptrsPerTable; i++) {
    const pte = pgtable.ptepGet((table + i * 8) as Pa);
    if (noneOrZero(sys, pte)) {
      none++;
      if (userfaultfdMissing(vma) || none > (limits?.maxPtesNone ?? Infinity)) return { result: "exceed-none", swapped };
      continue;
    }
    if (!ptePresent(pte)) {
      swapped++;
      if (swapped > (limits?.maxPtesSwap ?? Infinity)) return { result: "exceed-swap", swapped };
      continue;
    }
    const result = scanPage(vma, pte);
    if (result !== "succeed") return { result, swapped };
    const folio = sys.pages.head(pgtable.ptePfn(pte));
    if (folioLikelyMappedShared(sys, folio) && ++shared > (limits?.maxPtesShared ?? Infinity)) return { result: "exceed-shared", swapped };
    if (pteYoung(pte) || sys.pages.test(folio, PG_REFERENCED)) referenced++;
    if (pteWrite(pte)) writable = true;
  }
  if (!writable) return { result: "page-ro", swapped };
  const idle = limits !== undefined && (referenced === 0 || (swapped > 0 && referenced < granule.ptrsPerTable / 2));
  return { result: idle ? "lack-referenced" : "succeed", swapped };
}

function scanPage(vma: Vma, pte: bigint): ScanResult {
  const { sys } = vma.mm;
  const { pages } = sys;
  const page = vmNormalPage(vma, pte);
  if (page === NO_PFN) return "page-null";
  const folio = pages.head(page);
  if (!pages.test(folio, PG_ANON)) return "page-anon";
  if (!pages.test(folio, PG_LRU)) return "page-lru";
  if (pages.test(folio, PG_LOCKED)) return "page-lock";
  return refcountSuitable(sys, folio) ? "succeed" : "page-count";
}

/** Bring back what is swapped out. False: memory is out. Linux: __collapse_huge_page_swapin(). */
function collapseSwapin(vma: Vma, addr: Va, pmdp: Pa, table: Pa): boolean {
  const { sys } = vma.mm;
  const { pgtable, granule } = sys;
  for (let i = 0; i < granule.ptrsPerTable; i++) {
    const address = (addr + i * granule.pageSize) as Va;
    const pte = (table + i * 8) as Pa;
    const origPte = pgtable.ptepGetLockless(pte);
    if (pteNone(origPte) || ptePresent(origPte)) continue;
    const none = NO_PFN as Pfn;
    const pgoff = linearPageIndex(vma, address);
    const vmf: VmFault = { vma, address, realAddress: address, flags: FAULT_FLAG_ALLOW_RETRY, pgoff, pmd: pmdp, pte, origPte, origPmd: 0n, page: none, cowPage: none };
    if ((doSwapPage(vmf) & VM_FAULT_ERROR) !== 0) return false;
  }
  return true;
}

/** The pages under the unlinked table go to the new folio; the table is emptied. */
function copyAndClear(vma: Vma, addr: Va, table: Pa, folio: Pfn): void {
  const { mm } = vma;
  const { sys } = mm;
  const { pgtable, pages, granule } = sys;
  const entry = (i: number): Pa => (table + i * 8) as Pa;
  for (let i = 0; i < granule.ptrsPerTable; i++) {
    const pte = pgtable.ptepGet(entry(i));
    const to = (folio + i) as Pfn;
    if (noneOrZero(sys, pte)) sys.memory.fill((to * granule.pageSize) as Pa, granule.pageSize, 0);
    else copyPage(sys, to, pgtable.ptePfn(pte));
    sys.frameWritten(to);
  }
  for (let i = 0; i < granule.ptrsPerTable; i++) {
    const pte = pgtable.ptepGet(entry(i));
    if (noneOrZero(sys, pte)) mm.rss[MM_ANONPAGES]!++;
    if (pteNone(pte)) continue;
    // A contiguous block is unfolded, and flushed, although no walk can reach the table any more.
    pgtable.pteClear(mm, (addr + i * granule.pageSize) as Va, entry(i));
    if (noneOrZero(sys, pte)) continue;
    const page = pgtable.ptePfn(pte);
    const source = pages.head(page);
    folioRemoveRmapPtes(source, page, 1, vma);
    freeSwapCache(sys, source);
    folioPut(sys, source);
  }
}

/** One PMD range whose entries have been found suitable. Linux: collapse_huge_page(). */
function collapseHugePage(vma: Vma, addr: Va, pmdp: Pa): ScanResult {
  const { mm } = vma;
  const { sys } = mm;
  const { pgtable, granule } = sys;
  const folio = folioAlloc(sys, granule.pmdOrder as Order);
  sys.vmstat.inc(folio === NO_PFN ? "thp_collapse_alloc_failed" : "thp_collapse_alloc");
  if (folio === NO_PFN) return "alloc-failed";
  memCgroupCharge(sys, folio, mm.memcg);
  const pmd = pgtable.pmdpHugeGetAndClear(mm, addr, pmdp);
  sys.tlb.flushTlbRangeAllLevels(mm, addr, (addr + granule.pmdSize) as Va);
  const table = pgtable.pteOffset(pmd, addr);
  copyAndClear(vma, addr, table, folio);
  sys.pages.set(folio, PG_UPTODATE);
  const entry = maybeMkwrite(pmdMkdirty(pmdMkhuge(pgtable.pfnPte(folio, vma.pageProt))), vma);
  folioAddNewAnonRmap(folio, vma, addr);
  folioAddLruVma(folio, vma);
  pgtableDeposit(sys, pmdp, table);
  pgtable.setPmdAt(mm, addr, pmdp, entry);
  deferredSplitFolio(sys, folio, false);
  return "succeed";
}

/** Collapse the PMD range at `addr` of an anonymous area if its pages can be taken, within the limits if there are any. */
export function collapseRange(vma: Vma, addr: Va, limits?: ScanLimits): ScanResult {
  const { mm } = vma;
  const { pgtable } = mm.sys;
  const pmdp = pgtable.pmdOffset(mm, addr);
  if (pmdp === -1) return "pmd-null";
  const pmd = pgtable.pmdpGet(pmdp);
  if (pmd === 0n) return "pmd-none";
  if (pmdTransHuge(pmd)) return "pmd-mapped";
  if (!pmdTable(pmd)) return "pmd-null";
  const table = pgtable.pteOffset(pmd, addr);
  let { result, swapped } = scanPte(vma, table, limits);
  if (result === "succeed" && swapped > 0) {
    if (!collapseSwapin(vma, addr, pmdp, table)) return "fail";
    ({ result, swapped } = scanPte(vma, table, limits));
  }
  return result === "succeed" ? collapseHugePage(vma, addr, pmdp) : result;
}

/**
 * MADV_COLLAPSE of [start, end) of one area: every whole PMD range in it becomes one folio, whatever the sysfs switches say. 0 if all
 * are; else -EINVAL (not for this area, nothing there, nothing writable), -ENOMEM (no such folio free) or -EAGAIN (pages in use).
 */
export function madviseCollapse(vma: Vma, start: Va, end: Va): number {
  const { granule } = vma.mm.sys;
  const { pmdSize, pmdOrder } = granule;
  if (vmaThpDisabled(vma, vma.flags)) return -EINVAL;
  if (!vmaIsAnonymous(vma)) throw new NotModelled("MADV_COLLAPSE of files and shared memory");
  if (thpVmaAllowableOrders(vma, vma.flags, 0, 2 ** pmdOrder) === 0) return -EINVAL;
  lruAddDrain(vma.mm.sys);
  const first = alignUp(start, pmdSize);
  const last = alignDown(end, pmdSize);
  let failed = 0;
  let error = -EINVAL;
  for (let addr = first; addr < last; addr = (addr + pmdSize) as Va) {
    const result = collapseRange(vma, addr);
    if (result === "succeed" || result === "pmd-mapped") continue;
    failed++;
    error = collapseErrno(result);
    if (!CONTINUE.has(result)) break;
  }
  // A range that holds no whole block has nothing left to do, unless it ends before it starts.
  if (last < first) return -EINVAL;
  return failed === 0 ? 0 : error;
}
