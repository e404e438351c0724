/**
 * Memory policies of a machine with one node: what they may say, and the migration that mbind() asks for.
 *
 * Linux: mm/mempolicy.c do_mbind(), queue_pages_range(), mpol_new(), mpol_set_nodemask(), sanitize_mpol_flags(). Differs: all memory is on
 * node 0, so a policy changes nothing, and areas are not split by it.
 */
import type { Pfn, Va } from "../../emulator/arch/addr.js";
import { pmdTable, pmdTransHuge, ptePresent } from "../arch/arm64/pte.js";
import { EFAULT, EINVAL, EIO, EPERM } from "../errno.js";
import { folioLikelyMappedShared, folioPut } from "./folio.js";
import { vmNormalPage } from "./memory-common.js";
import { migrateFolio } from "./migrate.js";
import type { MmStruct } from "./mm-struct.js";
import { NO_PFN, PG_ANON, PG_LRU } from "./page.js";
import { folioAddLru, folioIsolateLru, folioPutbackLru } from "./swap-lru.js";
import type { Vma } from "./vma.js";

export const MPOL_DEFAULT = 0;
const MPOL_PREFERRED = 1;
const MPOL_BIND = 2;
const MPOL_LOCAL = 4;
const MPOL_MAX = 7;
const MPOL_F_STATIC_NODES = 1 << 15;
const MPOL_F_RELATIVE_NODES = 1 << 14;
const MPOL_F_NUMA_BALANCING = 1 << 13;

const MPOL_MF_STRICT = 1;
const MPOL_MF_MOVE = 2;
const MPOL_MF_MOVE_ALL = 4;

/** What set_mempolicy() and mbind() ask for. */
export interface MemoryPolicy {
  /** MPOL_*, with the MPOL_F_* flags. */
  readonly mode: number;
  /** Node 0 is among the nodes. */
  readonly node0: boolean;
  /** Any node is, whether it exists or not. */
  readonly anyNode: boolean;
}

/** 0 if the policy makes sense, else -EINVAL. */
export function checkPolicy({ mode, node0, anyNode }: MemoryPolicy): number {
  const flags = mode & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES | MPOL_F_NUMA_BALANCING);
  const plain = mode & ~flags;
  if (plain >= MPOL_MAX || plain < 0) return -EINVAL;
  if ((flags & MPOL_F_STATIC_NODES) !== 0 && (flags & MPOL_F_RELATIVE_NODES) !== 0) return -EINVAL;
  if ((flags & MPOL_F_NUMA_BALANCING) !== 0 && plain !== MPOL_BIND) return -EINVAL;
  if (plain === MPOL_DEFAULT) return anyNode ? -EINVAL : 0;
  if (plain === MPOL_LOCAL || (plain === MPOL_PREFERRED && !anyNode)) return anyNode || (flags & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES)) !== 0 ? -EINVAL : 0;
  return node0 || (anyNode && (flags & MPOL_F_RELATIVE_NODES) !== 0) ? 0 : -EINVAL;
}

/** Anonymous folios mapped in [start, end) of an area that may be moved, once each. */
function foliosToMove(vma: Vma, start: Va, end: Va, all: boolean, into: Set<Pfn>): void {
  const { mm } = vma;
  const { pgtable, pages, granule } = mm.sys;
  const take = (page: Pfn): void => {
    const folio = pages.head(page);
    if (pages.test(folio, PG_ANON) && pages.test(folio, PG_LRU) && (all || !folioLikelyMappedShared(mm.sys, folio))) into.add(folio);
  };
  for (let at: number = start; at < end; ) {
    const boundary = Math.min(end, at - (at % granule.pmdSize) + granule.pmdSize);
    const pmdp = pgtable.pmdOffset(mm, at as Va);
    const pmd = pmdp === -1 ? 0n : pgtable.pmdpGet(pmdp);
    if (pmdTransHuge(pmd)) {
      if (pgtable.pmdPfn(pmd) !== mm.sys.hugeMemory.hugeZeroPfn) take(pgtable.pmdPfn(pmd));
    } else if (pmdTable(pmd)) {
      for (; at < boundary; at += granule.pageSize) {
        const pte = pgtable.ptepGet(pgtable.pteOffset(pmd, at as Va));
        const page = ptePresent(pte) ? vmNormalPage(vma, pte) : (NO_PFN as Pfn);
        if (page !== NO_PFN) take(page);
      }
    }
    at = boundary;
  }
}

/** Move the folios to other frames. The number that stayed where they are. */
function migrateFolios(mm: MmStruct, folios: Iterable<Pfn>): number {
  const { sys } = mm;
  let failed = 0;
  for (const folio of folios) {
    folioIsolateLru(sys, folio);
    const moved = migrateFolio(sys, folio);
    if (moved < 0) {
      failed++;
      folioPutbackLru(sys, folio);
      continue;
    }
    folioAddLru(sys, moved);
    folioPut(sys, moved);
  }
  return failed;
}

/** mbind(). `mayMoveAll`: the caller has CAP_SYS_NICE. 0, -EINVAL, -EPERM, -EFAULT for a hole, -EIO (strict) for folios that did not move. */
export function doMbind(mm: MmStruct, start: Va, length: number, policy: MemoryPolicy, flags: number, mayMoveAll: boolean): number {
  const { pageSize } = mm.sys.granule;
  if ((flags & ~(MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)) !== 0) return -EINVAL;
  if ((flags & MPOL_MF_MOVE_ALL) !== 0 && !mayMoveAll) return -EPERM;
  if (start % pageSize !== 0) return -EINVAL;
  const end = (start + Math.ceil(length / pageSize) * pageSize) as Va;
  if (end < start || end > Number.MAX_SAFE_INTEGER) return -EINVAL;
  if (end === start) return 0;
  const bad = checkPolicy(policy);
  if (bad < 0) return bad;
  const move = (flags & (MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)) !== 0 && !policy.node0;
  const folios = new Set<Pfn>();
  for (let at: number = start; at < end; ) {
    const vma = mm.vmas.lookup(at);
    if (vma === undefined) return -EFAULT;
    const to = Math.min(end, vma.end) as Va;
    if (move) foliosToMove(vma, at as Va, to, (flags & MPOL_MF_MOVE_ALL) !== 0, folios);
    at = to;
  }
  const failed = migrateFolios(mm, folios);
  return failed > 0 && (flags & MPOL_MF_STRICT) !== 0 ? -EIO : 0;
}
