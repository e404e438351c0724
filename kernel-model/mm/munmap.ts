/**
 * Taking areas away: cut them at the ends of the range, clear page tables, then release.
 *
 * Linux: mm/vma.c vms_gather_munmap_vmas(), vms_clear_ptes(), vms_complete_munmap_vmas(), do_vmi_munmap(). mmap() over existing
 * areas uses the same steps with the new area entered between them.
 */
import { alignUp, isAligned, type Va } from "../../emulator/arch/addr.js";
import { EINVAL, ENOMEM, EPERM } from "../errno.js";
import { freePgtables } from "./free-pgtables.js";
import type { MmStruct } from "./mm-struct.js";
import { MmuGather } from "./mmu-gather.js";
import { lruAddDrain } from "./swap-lru.js";
import { vmUnacctMemory } from "./util.js";
import { isDataMapping, isExecMapping, isStackMapping, removeVma, splitVmaUnchecked, updateHiwaterRss, updateHiwaterVm } from "./vma-ops.js";
import { VM_ACCOUNT, VM_LOCKED, vmaPages, type Vma } from "./vma.js";
import { unmapVmas } from "./zap.js";

/** The areas of a range that goes away, cut to fit. Linux: struct vma_munmap_struct. Counts in pages. */
export interface VmaMunmap {
  readonly mm: MmStruct;
  readonly start: Va;
  readonly end: Va;
  readonly vmas: readonly Vma[];
  /** Neighbours that stay. */
  readonly prev: Vma | undefined;
  readonly next: Vma | undefined;
  readonly nrPages: number;
  readonly lockedVm: number;
  /** Commit charge of the range; 0 once a new mapping has taken it over. */
  nrAccounted: number;
  readonly execVm: number;
  readonly stackVm: number;
  readonly dataVm: number;
  /** Page tables are still populated and the areas not closed. */
  clearPtes: boolean;
}

/**
 * Cuts the areas at `start` and `end` and lists what lies between; all stay in the tree. Returns -errno if a cut is refused or
 * would leave more areas than allowed; the other cut may have been made then, as in Linux. Linux: vms_gather_munmap_vmas().
 */
export function vmsGatherMunmapVmas(mm: MmStruct, start: Va, end: Va): VmaMunmap | number {
  const tree = mm.vmas;
  const first = tree.findIntersection(start, end);
  if (first !== undefined && first.start < start) {
    if (first.end > end && tree.count >= mm.sys.tunables.maxMapCount) return -ENOMEM;
    if (first.sealed) return -EPERM;
    const error = splitVmaUnchecked(first, start, true);
    if (error !== 0) return error;
  }
  const vmas: Vma[] = [];
  let nrPages = 0;
  let lockedVm = 0;
  let nrAccounted = 0;
  let execVm = 0;
  let stackVm = 0;
  let dataVm = 0;
  for (const vma of tree.inRange(start, end)) {
    if (vma.sealed) return -EPERM;
    if (vma.end > end) {
      const error = splitVmaUnchecked(vma, end, false);
      if (error !== 0) return error;
    }
    vmas.push(vma);
    const pages = vmaPages(vma);
    nrPages += pages;
    if ((vma.flags & VM_LOCKED) !== 0) lockedVm += pages;
    if ((vma.flags & VM_ACCOUNT) !== 0) nrAccounted += pages;
    if (isExecMapping(vma.flags)) execVm += pages;
    else if (isStackMapping(vma.flags)) stackVm += pages;
    else if (isDataMapping(vma.flags)) dataVm += pages;
  }
  return {
    mm,
    start,
    end,
    vmas,
    prev: tree.findPrev(start),
    next: tree.find(end),
    nrPages,
    lockedVm,
    nrAccounted,
    execVm,
    stackVm,
    dataVm,
    clearPtes: vmas.length > 0,
  };
}

/** Unmaps all pages of the range and frees the page tables that nobody else needs. Linux: vms_clear_ptes(). */
export function vmsClearPtes(vms: VmaMunmap): void {
  if (!vms.clearPtes) return;
  const { mm } = vms;
  lruAddDrain(mm.sys);
  const tlb = new MmuGather(mm);
  updateHiwaterRss(mm);
  unmapVmas(tlb, vms.vmas, vms.start, vms.end);
  freePgtables(tlb, vms.vmas, vms.prev?.end ?? (0 as Va), vms.next?.start ?? mm.taskSize);
  tlb.finish();
  vms.clearPtes = false;
}

/** Takes the areas out of the tree. */
export function vmsDetach(vms: VmaMunmap): void {
  for (const vma of vms.vmas) vms.mm.vmas.remove(vma);
}

/** After the areas have left the tree: page tables if still to do, accounts, files. Linux: vms_complete_munmap_vmas(). */
export function vmsCompleteMunmapVmas(vms: VmaMunmap): void {
  const { mm } = vms;
  mm.lockedVm -= vms.lockedVm;
  vmsClearPtes(vms);
  updateHiwaterVm(mm);
  mm.totalVm -= vms.nrPages;
  mm.execVm -= vms.execVm;
  mm.stackVm -= vms.stackVm;
  mm.dataVm -= vms.dataVm;
  for (const vma of vms.vmas) removeVma(vma);
  vmUnacctMemory(mm.sys, vms.nrAccounted);
}

/** Unmaps the page-aligned range; one without areas is no error. 0 or -errno. Linux: do_vmi_align_munmap(). */
export function doVmiAlignMunmap(mm: MmStruct, start: Va, end: Va): number {
  const vms = vmsGatherMunmapVmas(mm, start, end);
  if (typeof vms === "number") return vms;
  vmsDetach(vms);
  vmsCompleteMunmapVmas(vms);
  return 0;
}

/**
 * munmap(2): `start` must be page aligned, `len` is rounded up to pages. 0, -EINVAL for an empty or impossible range, -ENOMEM
 * if the cut would make too many areas. A range without areas is no error. Linux: do_vmi_munmap().
 */
export function doMunmap(mm: MmStruct, start: Va, len: number): number {
  const { pageSize } = mm.sys.granule;
  if (!isAligned(start, pageSize) || start > mm.taskSize || len > mm.taskSize - start) return -EINVAL;
  const end = (start + alignUp(len, pageSize)) as Va;
  return end === start ? -EINVAL : doVmiAlignMunmap(mm, start, end);
}
