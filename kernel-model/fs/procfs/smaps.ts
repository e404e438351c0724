/**
 * /proc/PID/smaps and smaps_rollup: how much of each area is resident, shared, dirty, referenced.
 *
 * Linux: fs/proc/task_mmu.c smaps_account(), smaps_page_accumulate(), smaps_pmd_entry(), __show_smap(), show_smap_vma_flags().
 */
import type { Pfn } from "../../../emulator/arch/addr.js";
import { pmdDirty, pmdYoung, pteDirty, pteIsSwap, ptePresent, pteYoung, swpOffset } from "../../arch/arm64/pte.js";
import { TVA_ENFORCE_SYSFS, TVA_SMAPS, thpOrdersAllAnon, thpOrdersAllFile, thpVmaAllowableOrders } from "../../mm/huge-memory.js";
import { pageMapcount } from "../../mm/folio.js";
import { vmNormalPage } from "../../mm/memory-common.js";
import type { MmStruct } from "../../mm/mm-struct.js";
import { NO_PFN, PG_ANON, PG_DIRTY, PG_REFERENCED, PG_SWAPBACKED } from "../../mm/page.js";
import { swapOf } from "../../mm/swap-state.js";
import {
  VM_ACCOUNT,
  VM_DONTCOPY,
  VM_DONTDUMP,
  VM_DONTEXPAND,
  VM_EXEC,
  VM_GROWSDOWN,
  VM_HUGEPAGE,
  VM_IO,
  VM_LOCKED,
  VM_LOCKONFAULT,
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_MAYSHARE,
  VM_MAYWRITE,
  VM_MERGEABLE,
  VM_MIXEDMAP,
  VM_NOHUGEPAGE,
  VM_NORESERVE,
  VM_PFNMAP,
  VM_UFFD_MISSING,
  VM_RAND_READ,
  VM_READ,
  VM_SEQ_READ,
  VM_SHARED,
  VM_WIPEONFORK,
  VM_WRITE,
  type Vma,
} from "../../mm/vma.js";
import { mapsLine } from "./maps.js";
import { visitPageTable } from "./page-table-visit.js";

/** Sums over an area, in bytes; pss in 2^-12 bytes, as the kernel keeps it. */
interface MemSizeStats {
  resident: number;
  pss: number;
  pssDirty: number;
  pssAnon: number;
  pssFile: number;
  pssShmem: number;
  pssLocked: number;
  sharedClean: number;
  sharedDirty: number;
  privateClean: number;
  privateDirty: number;
  referenced: number;
  anonymous: number;
  lazyfree: number;
  anonymousThp: number;
  shmemThp: number;
  fileThp: number;
  swap: number;
  /** In 2^-12 bytes, as pss. */
  swapPss: number;
}

const PSS_UNIT = 4096;

function noStats(): MemSizeStats {
  return {
    resident: 0,
    pss: 0,
    pssDirty: 0,
    pssAnon: 0,
    pssFile: 0,
    pssShmem: 0,
    pssLocked: 0,
    sharedClean: 0,
    sharedDirty: 0,
    privateClean: 0,
    privateDirty: 0,
    referenced: 0,
    anonymous: 0,
    lazyfree: 0,
    anonymousThp: 0,
    shmemThp: 0,
    fileThp: 0,
    swap: 0,
    swapPss: 0,
  };
}

function accumulate(mss: MemSizeStats, flags: number, size: number, pss: number, dirty: boolean, locked: boolean, isPrivate: boolean): void {
  mss.pss += pss;
  if (flags & PG_ANON) mss.pssAnon += pss;
  else if (flags & PG_SWAPBACKED) mss.pssShmem += pss;
  else mss.pssFile += pss;
  if (locked) mss.pssLocked += pss;
  if (dirty || flags & PG_DIRTY) {
    mss.pssDirty += pss;
    if (isPrivate) mss.privateDirty += size;
    else mss.sharedDirty += size;
  } else if (isPrivate) mss.privateClean += size;
  else mss.sharedClean += size;
}

function account(mss: MemSizeStats, vma: Vma, first: Pfn, nr: number, young: boolean, dirty: boolean): void {
  const { sys } = vma.mm;
  const { pages, granule } = sys;
  const folio = pages.head(first);
  const flags = pages.flags[folio]!;
  const size = nr * granule.pageSize;
  const locked = (vma.flags & VM_LOCKED) !== 0;
  if (flags & PG_ANON) {
    mss.anonymous += size;
    if (!(flags & PG_SWAPBACKED) && !dirty && !(flags & PG_DIRTY)) mss.lazyfree += size;
  }
  mss.resident += size;
  if (young || flags & PG_REFERENCED) mss.referenced += size;
  // A single reference means a single mapping: no need to look at the pages one by one.
  if (pages.refcount[folio] === 1) {
    accumulate(mss, flags, size, size * PSS_UNIT, dirty, locked, true);
    return;
  }
  for (let i = 0; i < nr; i++) {
    const mapcount = pageMapcount(sys, (first + i) as Pfn);
    const whole = granule.pageSize * PSS_UNIT;
    accumulate(mss, flags, granule.pageSize, mapcount >= 2 ? Math.floor(whole / mapcount) : whole, dirty, locked, mapcount < 2);
  }
}

/** smap_gather_stats(). */
function gather(vma: Vma, mss: MemSizeStats): void {
  const { pages, granule, pgtable } = vma.mm.sys;
  visitPageTable(vma, vma.start, vma.end, {
    pmd(_address, _end, pmd) {
      const page = pgtable.pmdPfn(pmd);
      const flags = pages.flags[pages.head(page)]!;
      if (page === vma.mm.sys.hugeMemory.hugeZeroPfn) return;
      if (flags & PG_ANON) mss.anonymousThp += granule.pmdSize;
      else if (flags & PG_SWAPBACKED) mss.shmemThp += granule.pmdSize;
      else mss.fileThp += granule.pmdSize;
      account(mss, vma, page, 1 << granule.pmdOrder, pmdYoung(pmd), pmdDirty(pmd));
    },
    pte(_address, pte) {
      if (ptePresent(pte)) {
        const page = vmNormalPage(vma, pte);
        if (page !== NO_PFN) account(mss, vma, page, 1, pteYoung(pte), pteDirty(pte));
      } else if (pteIsSwap(pte)) {
        const { pageSize } = granule;
        mss.swap += pageSize;
        mss.swapPss += Math.floor((pageSize * PSS_UNIT) / Math.max(1, swapOf(vma.mm.sys).count(swpOffset(pte))));
      }
    },
  });
}

function field(label: string, bytes: number, width = 8): string {
  return `${`${label}:`.padEnd(24 - width)}${String(Math.floor(bytes / 1024)).padStart(width)} kB\n`;
}

function showStats(mss: MemSizeStats, rollup: boolean): string {
  const pss = (value: number): number => Math.floor(value / PSS_UNIT);
  return (
    field("Rss", mss.resident) +
    field("Pss", pss(mss.pss)) +
    field("Pss_Dirty", pss(mss.pssDirty)) +
    (rollup ? field("Pss_Anon", pss(mss.pssAnon)) + field("Pss_File", pss(mss.pssFile)) + field("Pss_Shmem", pss(mss.pssShmem)) : "") +
    field("Shared_Clean", mss.sharedClean) +
    field("Shared_Dirty", mss.sharedDirty) +
    field("Private_Clean", mss.privateClean) +
    field("Private_Dirty", mss.privateDirty) +
    field("Referenced", mss.referenced) +
    field("Anonymous", mss.anonymous) +
    field("KSM", 0) +
    field("LazyFree", mss.lazyfree) +
    field("AnonHugePages", mss.anonymousThp) +
    field("ShmemPmdMapped", mss.shmemThp) +
    field("FilePmdMapped", mss.fileThp) +
    field("Shared_Hugetlb", 0) +
    field("Private_Hugetlb", 0, 7) +
    field("Swap", mss.swap) +
    field("SwapPss", pss(mss.swapPss)) +
    field("Locked", pss(mss.pssLocked))
  );
}

/** Two letters per flag, in the order of the bits. */
const MNEMONICS: readonly (readonly [number, string])[] = [
  [VM_READ, "rd"],
  [VM_WRITE, "wr"],
  [VM_EXEC, "ex"],
  [VM_SHARED, "sh"],
  [VM_MAYREAD, "mr"],
  [VM_MAYWRITE, "mw"],
  [VM_MAYEXEC, "me"],
  [VM_MAYSHARE, "ms"],
  [VM_GROWSDOWN, "gd"],
  [VM_UFFD_MISSING, "um"],
  [VM_PFNMAP, "pf"],
  [VM_LOCKED, "lo"],
  [VM_IO, "io"],
  [VM_SEQ_READ, "sr"],
  [VM_RAND_READ, "rr"],
  [VM_DONTCOPY, "dc"],
  [VM_DONTEXPAND, "de"],
  [VM_LOCKONFAULT, "lf"],
  [VM_ACCOUNT, "ac"],
  [VM_NORESERVE, "nr"],
  [VM_WIPEONFORK, "wf"],
  [VM_DONTDUMP, "dd"],
  [VM_MIXEDMAP, "mm"],
  [VM_HUGEPAGE, "hg"],
  [VM_NOHUGEPAGE, "nh"],
  [VM_MERGEABLE, "mg"],
];

function vmFlags(vma: Vma): string {
  const known = MNEMONICS.filter(([bit]) => (vma.flags & bit) !== 0).map(([, name]) => name);
  if (vma.droppable) known.push("dp");
  if (vma.sealed) known.push("sl");
  return `VmFlags: ${known.map((name) => `${name} `).join("")}\n`;
}

/** The whole file /proc/PID/smaps. */
export function formatSmaps(mm: MmStruct): string {
  const { sys } = mm;
  let text = "";
  for (const vma of mm.vmas) {
    const mss = noStats();
    gather(vma, mss);
    const eligible = thpVmaAllowableOrders(vma, vma.flags, TVA_SMAPS | TVA_ENFORCE_SYSFS, thpOrdersAllAnon(sys) | thpOrdersAllFile(sys)) !== 0;
    text +=
      `${mapsLine(vma)}\n` +
      field("Size", vma.end - vma.start) +
      field("KernelPageSize", sys.granule.pageSize) +
      field("MMUPageSize", sys.granule.pageSize) +
      showStats(mss, false) +
      `THPeligible:    ${(eligible ? "1" : "0").padStart(8)}\n` +
      vmFlags(vma);
  }
  return text;
}

/** The whole file /proc/PID/smaps_rollup: sums over all areas. */
export function formatSmapsRollup(mm: MmStruct): string {
  const mss = noStats();
  for (const vma of mm.vmas) gather(vma, mss);
  const hex8 = (value: number): string => value.toString(16).padStart(8, "0");
  const head = `${hex8(mm.vmas.first()?.start ?? 0)}-${hex8(mm.vmas.last()?.end ?? 0)} ---p 00000000 00:00 0 `;
  return `${head.padEnd(73)}[rollup]\n${showStats(mss, true)}`;
}
