/**
 * Areas as objects: making, copying, splitting and releasing them, their protection bits, and what an address space counts.
 *
 * Linux: mm/vma.c __split_vma(), remove_vma(), vma_link(); mm/mmap.c vma_set_page_prot(), vm_stat_account(); kernel/fork.c
 * vm_area_alloc(), vm_area_dup(); mm/huge_memory.c vma_adjust_trans_huge(). Merging is in vma-merge.ts.
 */
import { alignDown, alignUp, hex, isAligned, type Va } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import { protectionMap } from "../arch/arm64/pgtable-prot.js";
import { EINVAL, ENOMEM } from "../errno.js";
import { getFile, putFile } from "../fs/vfs.js";
import { splitHugePmdAddress } from "./huge-pmd.js";
import type { MemorySystem } from "./memory-system.js";
import { MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, type MmStruct } from "./mm-struct.js";
import { anonVmaClone } from "./rmap.js";
import { stackGuardGap, vmEnoughMemory } from "./util.js";
import {
  VM_ACCESS_FLAGS,
  VM_ACCOUNT,
  VM_DONTEXPAND,
  VM_EXEC,
  VM_GROWSDOWN,
  VM_IO,
  VM_LOCKED,
  VM_MAYWRITE,
  VM_MIXEDMAP,
  VM_PFNMAP,
  VM_SHARED,
  VM_WRITE,
  vmaIsAnonymous,
  vmaPages,
  type Vma,
  type VmOperations,
} from "./vma.js";

/** What a new area starts from. */
export interface VmaInit {
  readonly start: Va;
  readonly end: Va;
  readonly flags: number;
  /** Pages. */
  readonly pgoff: number;
  readonly droppable?: boolean;
  readonly ops?: VmOperations | undefined;
  readonly specialName?: string;
}

/** Descriptor bits of a fresh mapping in an area with these flags. Linux: arch/arm64/mm/mmap.c vm_get_page_prot(). */
export function vmGetPageProt(sys: MemorySystem, flags: number): bigint {
  return protectionMap(flags, sys.cpu.lpa2 && sys.granule.name !== "64k");
}

/** A new area of `mm`, not yet in its tree, without file and anon_vma. Linux: vm_area_alloc(), vma_set_range(), vm_flags_init(). */
export function vmAreaAlloc(mm: MmStruct, init: VmaInit): Vma {
  return {
    start: init.start,
    end: init.end,
    flags: init.flags,
    droppable: init.droppable ?? false,
    sealed: false,
    pgoff: init.pgoff,
    mm,
    file: undefined,
    ops: init.ops,
    anonVma: undefined,
    anonVmaChain: [],
    pageProt: vmGetPageProt(mm.sys, init.flags),
    specialName: init.specialName,
    anonName: undefined,
  };
}

/**
 * A copy of `orig` for `mm` that is in no tree yet. It names the same anon_vma, but is not on it before anon_vma_clone() or
 * anon_vma_fork(); the caller takes the reference on the file.
 */
export function vmAreaDup(orig: Vma, mm: MmStruct = orig.mm): Vma {
  return { ...orig, mm, anonVmaChain: [] };
}

/** vma_is_accessible(). */
export function vmaIsAccessible(vma: Vma): boolean {
  return (vma.flags & VM_ACCESS_FLAGS) !== 0;
}

/** Lowest address that a growing area keeps free below it. Linux: vm_start_gap(). */
export function vmStartGap(vma: Vma): number {
  if ((vma.flags & VM_GROWSDOWN) === 0) return vma.start;
  return Math.max(0, vma.start - stackGuardGap(vma.mm.sys));
}

// --- protection ---------------------------------------------------------------

function fsCanWriteback(vma: Vma): boolean {
  if ((vma.flags & VM_PFNMAP) !== 0) return false;
  return vma.file?.inode.mapping?.policy.kind === "pagecache";
}

/**
 * The first write to each page of a shared writable area must fault, because the file system wants to know of it or because
 * dirty pages are tracked for writeback. Linux: vma_wants_writenotify().
 */
export function vmaWantsWritenotify(vma: Vma): boolean {
  if ((vma.flags & (VM_WRITE | VM_SHARED)) !== (VM_WRITE | VM_SHARED)) return false;
  if (vma.ops?.pageMkwrite !== undefined || vma.ops?.pfnMkwrite !== undefined) return true;
  return fsCanWriteback(vma);
}

/** Derives vm_page_prot from the flags. Linux: vma_set_page_prot(). */
export function vmaSetPageProt(vma: Vma): void {
  const flags = vmaWantsWritenotify(vma) ? vma.flags & ~VM_SHARED : vma.flags;
  vma.pageProt = vmGetPageProt(vma.mm.sys, flags);
}

// --- accounting ---------------------------------------------------------------

/** vma_supports_mlock(): device and droppable areas are never locked. */
export function vmaSupportsMlock(vma: Vma): boolean {
  return (vma.flags & (VM_IO | VM_DONTEXPAND | VM_PFNMAP | VM_MIXEDMAP)) === 0 && !vma.droppable;
}

/** Private executable, not writable. */
export function isExecMapping(flags: number): boolean {
  return (flags & (VM_EXEC | VM_WRITE | VM_GROWSDOWN)) === VM_EXEC;
}

export function isStackMapping(flags: number): boolean {
  return (flags & VM_GROWSDOWN) !== 0;
}

/** Private writable, not a stack: what RLIMIT_DATA limits. */
export function isDataMapping(flags: number): boolean {
  return (flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) === VM_WRITE;
}

/** Counts `npages` (negative: fewer) of an area with `flags`. Linux: vm_stat_account(). */
export function vmStatAccount(mm: MmStruct, flags: number, npages: number): void {
  mm.totalVm += npages;
  if (isExecMapping(flags)) mm.execVm += npages;
  else if (isStackMapping(flags)) mm.stackVm += npages;
  else if (isDataMapping(flags)) mm.dataVm += npages;
}

/** RLIMIT_AS and RLIMIT_DATA allow `npages` more of an area with `flags`. Linux: may_expand_vm(). */
export function mayExpandVm(mm: MmStruct, flags: number, npages: number): boolean {
  const { pageSize } = mm.sys.granule;
  const { as, data, dataMax } = mm.rlimits;
  if (mm.totalVm + npages > Math.floor(as / pageSize)) return false;
  if (!isDataMapping(flags) || mm.dataVm + npages <= Math.floor(data / pageSize)) return true;
  // A soft limit of 0 means "as much as the hard limit": Valgrind relies on it.
  return data === 0 && mm.dataVm + npages <= Math.floor(dataMax / pageSize);
}

/** RLIMIT_MEMLOCK allows `bytes` more, if an area with `flags` is locked at all. Linux: mlock_future_ok(). */
export function mlockFutureOk(mm: MmStruct, flags: number, bytes: number): boolean {
  if ((flags & VM_LOCKED) === 0 || mm.rlimits.privileged) return true;
  const { pageSize } = mm.sys.granule;
  return mm.lockedVm + Math.floor(bytes / pageSize) <= Math.floor(mm.rlimits.memlock / pageSize);
}

/** get_mm_rss(): present pages. */
export function getMmRss(mm: MmStruct): number {
  return mm.rss[MM_FILEPAGES]! + mm.rss[MM_ANONPAGES]! + mm.rss[MM_SHMEMPAGES]!;
}

/** Call before pages are unmapped: VmHWM. */
export function updateHiwaterRss(mm: MmStruct): void {
  mm.hiwaterRss = Math.max(mm.hiwaterRss, getMmRss(mm));
}

/** Call before areas are removed: VmPeak. */
export function updateHiwaterVm(mm: MmStruct): void {
  mm.hiwaterVm = Math.max(mm.hiwaterVm, mm.totalVm);
}

// --- linking ------------------------------------------------------------------

/** Enters the area in its file's i_mmap, so that truncation and rmap find it. Linux: vma_link_file(). */
export function vmaLinkFile(vma: Vma): void {
  vma.file?.inode.mapping?.mmaps.add(vma);
}

/** Takes the area out of i_mmap. Linux: unlink_file_vma(). */
export function unlinkFileVma(vma: Vma): void {
  vma.file?.inode.mapping?.mmaps.delete(vma);
}

/** vma_is_shared_maywrite() of any area of the file: what keeps F_SEAL_WRITE from being set. Linux: mapping_deny_writable(). */
export function mappingIsWritable(mmaps: Iterable<Vma>): boolean {
  for (const vma of mmaps) {
    if ((vma.flags & (VM_SHARED | VM_MAYWRITE)) === (VM_SHARED | VM_MAYWRITE)) return true;
  }
  return false;
}

/** Puts a new area into the tree and its file's i_mmap. Linux: vma_link(). */
export function vmaLink(vma: Vma): void {
  vma.mm.vmas.insert(vma);
  vmaLinkFile(vma);
}

/**
 * Enters an area that exec or the kernel itself made: 0, or -ENOMEM if the range is taken or the commit limit reached. Does not
 * count pages. Linux: insert_vm_struct().
 */
export function insertVmStruct(mm: MmStruct, vma: Vma): number {
  if (mm.vmas.findIntersection(vma.start, vma.end) !== undefined) return -ENOMEM;
  if ((vma.flags & VM_ACCOUNT) !== 0 && vmEnoughMemory(mm, vmaPages(vma)) !== 0) return -ENOMEM;
  if (vmaIsAnonymous(vma)) {
    if (vma.anonVma !== undefined) throw new ModelBug(`insert_vm_struct: area at ${hex(vma.start)} has an anon_vma`);
    vma.pgoff = vma.start / mm.sys.granule.pageSize;
  }
  vmaLink(vma);
  return 0;
}

/** Closes the area and drops its file. It is out of tree, i_mmap and anon_vmas already. Linux: remove_vma(). */
export function removeVma(vma: Vma): void {
  vma.ops?.close?.(vma);
  if (vma.file !== undefined) putFile(vma.file);
}

// --- splitting ----------------------------------------------------------------

/** A PMD mapping that would straddle the new bound `address` of the area is split into PTEs. */
function splitHugePmdIfNeeded(vma: Vma, address: number): void {
  const { pmdSize } = vma.mm.sys.granule;
  if (isAligned(address, pmdSize)) return;
  if (alignDown(address, pmdSize) >= vma.start && alignUp(address, pmdSize) <= vma.end) splitHugePmdAddress(vma, address as Va);
}

/**
 * Before the bounds of `vma` become [start, end), and the start of the area behind it moves up by `adjustNext` bytes.
 * Linux: vma_adjust_trans_huge().
 */
export function vmaAdjustTransHuge(vma: Vma, start: number, end: number, adjustNext = 0): void {
  splitHugePmdIfNeeded(vma, start);
  splitHugePmdIfNeeded(vma, end);
  const next = adjustNext > 0 ? vma.mm.vmas.next(vma) : undefined;
  if (next !== undefined) splitHugePmdIfNeeded(next, next.start + adjustNext);
}

/**
 * Cuts `vma` in two at `addr`: `vma` itself keeps the upper part if `newBelow`, else the lower one. 0 or -EINVAL (the area may
 * not be cut there). Pre: vma.start < addr < vma.end. Does not look at the limit on areas. Linux: __split_vma().
 */
export function splitVmaUnchecked(vma: Vma, addr: Va, newBelow: boolean): number {
  if (addr <= vma.start || addr >= vma.end) throw new ModelBug(`__split_vma: ${hex(addr)} is not inside ${hex(vma.start)}-${hex(vma.end)}`);
  if (vma.ops?.maySplit?.(vma, addr) === false) return -EINVAL;
  const { pageSize } = vma.mm.sys.granule;
  const created = vmAreaDup(vma);
  const pagesBelow = (addr - vma.start) / pageSize;
  if (newBelow) {
    created.end = addr;
  } else {
    created.start = addr;
    created.pgoff += pagesBelow;
  }
  anonVmaClone(created, vma);
  if (created.file !== undefined) getFile(created.file);
  created.ops?.open?.(created);
  vmaAdjustTransHuge(vma, vma.start, addr);
  if (newBelow) {
    vma.start = addr;
    vma.pgoff += pagesBelow;
  } else {
    vma.end = addr;
  }
  vmaLink(created);
  return 0;
}

/** As splitVmaUnchecked(), or -ENOMEM if the mm has vm.max_map_count areas. Linux: split_vma(). */
export function splitVma(vma: Vma, addr: Va, newBelow: boolean): number {
  if (vma.mm.vmas.count >= vma.mm.sys.tunables.maxMapCount) return -ENOMEM;
  return splitVmaUnchecked(vma, addr, newBelow);
}
