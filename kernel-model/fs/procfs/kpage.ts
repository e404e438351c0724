/**
 * /proc/kpageflags and /proc/kpagecount: 64 bits per page frame.
 *
 * Linux: fs/proc/page.c stable_page_flags(), kpagecount_read(); include/uapi/linux/kernel-page-flags.h.
 */
import type { Pfn } from "../../../emulator/arch/addr.js";
import { folioMapcount, pageMapcount } from "../../mm/folio.js";
import type { MemorySystem } from "../../mm/memory-system.js";
import {
  PG_ACTIVE,
  PG_ANON,
  PG_ANON_EXCLUSIVE,
  PG_BUDDY,
  PG_DIRTY,
  PG_HEAD,
  PG_LOCKED,
  PG_LRU,
  PG_MLOCKED,
  PG_READAHEAD,
  PG_RECLAIM,
  PG_REFERENCED,
  PG_RESERVED,
  PG_SWAPBACKED,
  PG_SWAPCACHE,
  PG_TABLE,
  PG_UNEVICTABLE,
  PG_UPTODATE,
  PG_WRITEBACK,
} from "../../mm/page.js";

const KPF_BUDDY = 10n;
const KPF_MMAP = 11n;
const KPF_ANON = 12n;
const KPF_SWAPCACHE = 13n;
const KPF_COMPOUND_HEAD = 15n;
const KPF_COMPOUND_TAIL = 16n;
const KPF_NOPAGE = 20n;
const KPF_KSM = 21n;
const KPF_THP = 22n;
const KPF_ZERO_PAGE = 24n;
const KPF_PGTABLE = 26n;

/** Flags of the folio that appear as one bit of their own. */
const COPIED: readonly (readonly [number, bigint])[] = [
  [PG_LOCKED, 0n],
  [PG_REFERENCED, 2n],
  [PG_UPTODATE, 3n],
  [PG_DIRTY, 4n],
  [PG_LRU, 5n],
  [PG_ACTIVE, 6n],
  [PG_WRITEBACK, 8n],
  // Linux has one bit for both, PG_reclaim = PG_readahead.
  [PG_RECLAIM | PG_READAHEAD, 9n],
  [PG_SWAPBACKED, 14n],
  [PG_UNEVICTABLE, 18n],
  [PG_RESERVED, 32n],
  [PG_MLOCKED, 33n],
  // PG_anon_exclusive shares PG_owner_2.
  [PG_ANON_EXCLUSIVE, 34n],
];

/** stable_page_flags() of one frame; NOPAGE beyond RAM. */
export function kpageFlags(sys: MemorySystem, page: Pfn): bigint {
  const { pages } = sys;
  if (page >= pages.nr) return 1n << KPF_NOPAGE;
  const folio = pages.head(page);
  const flags = pages.flags[folio]!;
  let u = 0n;
  // page_mapped() of 6.12 is folio_mapped().
  if (folioMapcount(sys, folio) > 0) u |= 1n << KPF_MMAP;
  // 6.12 tests "mapping & PAGE_MAPPING_KSM", which holds both low bits: every anonymous page shows as KSM too.
  if (flags & PG_ANON) u |= (1n << KPF_ANON) | (1n << KPF_KSM);
  if (page === folio) u |= flags & PG_HEAD ? 1n << KPF_COMPOUND_HEAD : 0n;
  else u |= 1n << KPF_COMPOUND_TAIL;
  const hugeZero = folio === sys.hugeMemory.hugeZeroPfn;
  if (hugeZero || folio === sys.zeroPfn) u |= 1n << KPF_ZERO_PAGE;
  if (flags & PG_HEAD) u |= 1n << KPF_THP;
  if (pages.test(page, PG_BUDDY) || (pages.refcount[page] === 0 && page === folio && !(flags & PG_RESERVED))) u |= 1n << KPF_BUDDY;
  if (flags & PG_TABLE) u |= 1n << KPF_PGTABLE;
  if ((flags & (PG_SWAPBACKED | PG_SWAPCACHE)) === (PG_SWAPBACKED | PG_SWAPCACHE)) u |= 1n << KPF_SWAPCACHE;
  for (const [flag, bit] of COPIED) if (flags & flag) u |= 1n << bit;
  return u;
}

/** Entries of /proc/kpageflags from frame `first` on. */
export function readKpageFlags(sys: MemorySystem, first: number, into: BigUint64Array): void {
  for (let i = 0; i < into.length; i++) into[i] = kpageFlags(sys, (first + i) as Pfn);
}

/** Entries of /proc/kpagecount: how often each page is mapped. */
export function readKpageCount(sys: MemorySystem, first: number, into: BigUint64Array): void {
  for (let i = 0; i < into.length; i++) {
    const page = (first + i) as Pfn;
    into[i] = page < sys.pages.nr ? BigInt(pageMapcount(sys, page)) : 0n;
  }
}
