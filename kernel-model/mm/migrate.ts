/**
 * Moving a folio to other frames: take all mappings away, copy, and map the new pages as the old ones were. A split uses the same two steps
 * without a copy.
 *
 * Linux: mm/migrate.c migrate_folio_unmap(), move_to_new_folio(), remove_migration_pte(), folio_migrate_flags(); mm/rmap.c try_to_migrate_one(),
 * try_to_unmap_one(); mm/huge_memory.c set_pmd_migration_entry(), remove_migration_pmd(). Differs: only anonymous folios that are not in
 * the swap cache move; a migration is one step, so no one ever meets its entries.
 */
import type { Pa, Pfn, Va } from "../../emulator/arch/addr.js";
import {
  pmdDirty,
  pmdMkdirty,
  pmdMkhuge,
  pmdTransHuge,
  pmdWrite,
  pmdYoung,
  pteDirty,
  pteIsSwap,
  pteMkdirty,
  pteMkold,
  pteMkspecial,
  pteMkwrite,
  ptePresent,
  pteWrite,
  pteYoung,
  swpEntryToPte,
  swpOffset,
  swpType,
} from "../arch/arm64/pte.js";
import { EAGAIN, ENOMEM } from "../errno.js";
import { folioUnqueueDeferredSplit } from "./deferred-split.js";
import { folioAlloc, folioGet, folioMapcount, folioPut } from "./folio.js";
import { memCgroupCharge } from "./memcontrol.js";
import { copyPage, mmCounter } from "./memory-common.js";
import type { MemorySystem } from "./memory-system.js";
import {
  NO_PFN,
  PG_ACTIVE,
  PG_ANON,
  PG_ANON_EXCLUSIVE,
  PG_DIRTY,
  PG_MLOCKED,
  PG_REFERENCED,
  PG_SWAPBACKED,
  PG_SWAPCACHE,
  PG_UNEVICTABLE,
  PG_UPTODATE,
  PG_WORKINGSET,
} from "./page.js";
import { forEachEntryOf, pageOfFolio } from "./page-vma-mapped.js";
import { folioMarkDirty } from "./page-writeback.js";
import { folioAddAnonRmapPmd, folioAddAnonRmapPtes, folioRemoveRmapPmd, folioRemoveRmapPtes, RMAP_EXCLUSIVE, RMAP_NONE, rmapWalk } from "./rmap.js";
import { MIGRATION_DIRTY, MIGRATION_READ, MIGRATION_READ_EXCLUSIVE, MIGRATION_WRITE, MIGRATION_YOUNG, isMigrationEntry, migrationPfn } from "./swapops.js";
import { VM_LOCKED, type Vma } from "./vma.js";

/** Flags that the new folio takes over. Linux: folio_migrate_flags(). */
const MIGRATED = PG_REFERENCED | PG_UPTODATE | PG_ACTIVE | PG_WORKINGSET | PG_DIRTY | PG_UNEVICTABLE | PG_MLOCKED | PG_SWAPBACKED | PG_ANON;

/** Clear the entry; its TLBI is issued at once, the wait comes at the end of the batch. Linux: set_tlb_ubc_flush_pending(). */
function clearDeferred(vma: Vma, address: Va, ptep: Pa): bigint {
  const { mm } = vma;
  const pte = mm.sys.pgtable.ptepGetAndClear(mm, address, ptep);
  if ((pte & 1n) !== 0n) {
    mm.sys.tlb.tlbbatchAddPending(mm, address);
    mm.tlbFlushBatched = true;
  }
  return pte;
}

/** Replace the entries of one area by migration entries (anonymous) or by nothing (page cache). Returns true if a wait is due. */
export function tryToMigrateOne(vma: Vma, folio: Pfn, nr: number): boolean {
  const { mm } = vma;
  const { sys } = mm;
  const { pgtable, pages } = sys;
  const anon = pages.test(folio, PG_ANON);
  let pending = false;
  forEachEntryOf(vma, pages.index[folio]!, nr, (address, ptep) => {
    const current = pgtable.ptepGet(ptep);
    if (!ptePresent(current)) return;
    const page = pageOfFolio(folio, nr, pgtable.ptePfn(current));
    if (page === undefined) return;
    const pte = clearDeferred(vma, address, ptep);
    pending ||= (pte & 1n) !== 0n;
    if (pteDirty(pte)) folioMarkDirty(sys, folio);
    if (anon) {
      const exclusive = pages.test(page, PG_ANON_EXCLUSIVE);
      pages.clear(page, PG_ANON_EXCLUSIVE);
      const type = pteWrite(pte) ? MIGRATION_WRITE : exclusive ? MIGRATION_READ_EXCLUSIVE : MIGRATION_READ;
      const offset = page + (pteYoung(pte) ? MIGRATION_YOUNG : 0) + (pteDirty(pte) ? MIGRATION_DIRTY : 0);
      pgtable.setPteAt(mm, address, ptep, swpEntryToPte(type, offset));
    } else {
      mm.rss[mmCounter(sys, folio)]!--;
    }
    folioRemoveRmapPtes(folio, page, 1, vma);
    folioPut(sys, folio);
  });
  return pending;
}

function isZeroFilled(sys: MemorySystem, page: Pfn): boolean {
  const { pageSize } = sys.granule;
  const first = (page * pageSize) / 8;
  return sys.memory.u64.subarray(first, first + pageSize / 8).every((word) => word === 0n);
}

/** A page of a folio that migration entries wait for. */
export interface MigrationTarget {
  readonly folio: Pfn;
  readonly page: Pfn;
  /** The frame that the entries name. */
  readonly from: Pfn;
  /** Give the page up for the shared zero page if it is full of zeros. */
  readonly useZeroPage: boolean;
}

/** Turn the migration entries of one page in one area back into mappings. Linux: remove_migration_pte(), try_to_map_unused_to_zeropage(). */
export function removeMigrationPte(vma: Vma, { folio, page, from, useZeroPage }: MigrationTarget): void {
  const { mm } = vma;
  const { sys } = mm;
  const { pgtable, pages } = sys;
  forEachEntryOf(vma, pages.index[folio]! + (page - folio), 1, (address, ptep) => {
    const entry = pgtable.ptepGet(ptep);
    if (!pteIsSwap(entry) || !isMigrationEntry(entry) || migrationPfn(entry) !== from) return;
    if (useZeroPage && (vma.flags & VM_LOCKED) === 0 && !pages.test(folio, PG_MLOCKED) && isZeroFilled(sys, page)) {
      pgtable.setPteAt(mm, address, ptep, pteMkspecial(pgtable.pfnPte(sys.zeroPfn, vma.pageProt)));
      mm.rss[mmCounter(sys, folio)]!--;
      return;
    }
    folioGet(sys, folio);
    const type = swpType(entry);
    const bits = swpOffset(entry) - from;
    let pte = pgtable.pfnPte(page, vma.pageProt);
    if (bits % (2 * MIGRATION_YOUNG) < MIGRATION_YOUNG) pte = pteMkold(pte);
    if (pages.test(folio, PG_DIRTY) && bits >= MIGRATION_DIRTY) pte = pteMkdirty(pte);
    if (type === MIGRATION_WRITE) pte = pteMkwrite(pte);
    folioAddAnonRmapPtes(folio, page, 1, vma, address, type === MIGRATION_READ ? RMAP_NONE : RMAP_EXCLUSIVE);
    pgtable.setPteAt(mm, address, ptep, pte);
  });
}

/** A PMD mapping that was taken away for a migration. */
interface MovedPmd {
  readonly vma: Vma;
  readonly address: Va;
  readonly pmdp: Pa;
  readonly old: bigint;
  readonly exclusive: boolean;
}

/** Take the PMD mapping of the folio in one area away, if it has one there. Linux: set_pmd_migration_entry(). */
function takePmd(vma: Vma, address: Va, folio: Pfn): MovedPmd | undefined {
  const { sys } = vma.mm;
  const { pgtable, pages } = sys;
  const pmdp = pgtable.pmdOffset(vma.mm, address);
  if (pmdp === -1) return undefined;
  const current = pgtable.pmdpGet(pmdp);
  if (!pmdTransHuge(current) || pgtable.pmdPfn(current) !== folio) return undefined;
  const old = pgtable.pmdpInvalidate(vma, address, pmdp);
  if (pmdDirty(old)) folioMarkDirty(sys, folio);
  const exclusive = pages.test(folio, PG_ANON_EXCLUSIVE);
  pages.clear(folio, PG_ANON_EXCLUSIVE);
  folioRemoveRmapPmd(folio, vma);
  folioPut(sys, folio);
  return { vma, address, pmdp, old, exclusive };
}

/** remove_migration_pmd() */
function putPmd({ vma, address, pmdp, old, exclusive }: MovedPmd, folio: Pfn): void {
  const { mm } = vma;
  const { pgtable, pages } = mm.sys;
  folioGet(mm.sys, folio);
  let pmd = pmdMkhuge(pgtable.pfnPte(folio, vma.pageProt));
  if (pmdWrite(old)) pmd = pteMkwrite(pmd);
  if (!pmdYoung(old)) pmd = pteMkold(pmd);
  if (pmdDirty(old) && pages.test(folio, PG_DIRTY)) pmd = pmdMkdirty(pmd);
  folioAddAnonRmapPmd(folio, vma, address, exclusive ? RMAP_EXCLUSIVE : RMAP_NONE);
  pgtable.setPmdAt(mm, address, pmdp, pmd);
}

/** The content, the flags and the identity of `src` go to `dst`. Linux: folio_migrate_mapping(), folio_copy(), folio_migrate_flags(). */
function moveToNewFolio(sys: MemorySystem, dst: Pfn, src: Pfn): void {
  const { pages } = sys;
  const order = pages.folioOrder(src);
  for (let i = 0; i < 2 ** order; i++) copyPage(sys, (dst + i) as Pfn, (src + i) as Pfn);
  memCgroupCharge(sys, dst, pages.memcg[src]!);
  pages.mapping[dst] = pages.mapping[src]!;
  pages.index[dst] = pages.index[src]!;
  pages.flags[dst]! |= pages.flags[src]! & MIGRATED;
  if (order > 0) sys.thp.statInc(order, "nr_anon");
  folioUnqueueDeferredSplit(sys, src);
}

/**
 * Move an anonymous folio, which the caller has isolated, to new frames. Returns the new folio, which is on no LRU list and has one reference for
 * the caller besides its mappings; or -EAGAIN if someone else holds the old one, -ENOMEM. The old one loses the caller's reference then.
 */
export function migrateFolio(sys: MemorySystem, folio: Pfn): Pfn {
  const { pages, vmstat } = sys;
  const order = pages.folioOrder(folio);
  const nr = 2 ** order;
  const huge = order >= sys.granule.pmdOrder;
  const movable = pages.test(folio, PG_ANON) && !pages.test(folio, PG_SWAPCACHE) && pages.refcount[folio] === folioMapcount(sys, folio) + 1;
  const dst = movable ? folioAlloc(sys, order) : (NO_PFN as Pfn);
  if (dst === NO_PFN) {
    vmstat.add("pgmigrate_fail", nr);
    if (huge) vmstat.inc("thp_migration_fail");
    return (movable ? -ENOMEM : -EAGAIN) as Pfn;
  }
  const moved: MovedPmd[] = [];
  let pending = false;
  rmapWalk(sys, folio, (vma, address) => {
    const pmd = huge ? takePmd(vma, address, folio) : undefined;
    if (pmd !== undefined) moved.push(pmd);
    else if (tryToMigrateOne(vma, folio, nr)) pending = true;
    return true;
  });
  if (pending) sys.tlb.tlbbatchFlush();
  moveToNewFolio(sys, dst, folio);
  for (const pmd of moved) putPmd(pmd, dst);
  rmapWalk(sys, dst, (vma) => {
    for (let i = 0; i < nr; i++) removeMigrationPte(vma, { folio: dst, page: (dst + i) as Pfn, from: (folio + i) as Pfn, useZeroPage: false });
    return true;
  });
  vmstat.add("pgmigrate_success", nr);
  if (huge) vmstat.inc("thp_migration_success");
  folioPut(sys, folio);
  return dst;
}
