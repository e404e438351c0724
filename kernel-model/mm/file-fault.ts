/**
 * Faults on file mappings: fault-around, read, private copy, shared write, and mapping the page that the file system delivers.
 *
 * Linux: mm/memory.c do_fault(), do_read_fault(), do_cow_fault(), do_shared_fault(), do_fault_around(), finish_fault(),
 * set_pte_range(), do_set_pmd().
 */
import type { Order, Pfn, Va } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import { pmdMkdirty, pmdMkhuge, pmdNone, pteMkdirty, pteMkold } from "../arch/arm64/pte.js";
import { folioPut, folioRefAdd } from "./folio.js";
import { thpVmaSuitableOrder, vmaThpDisabled } from "./huge-memory.js";
import { copyPage, faultServed, folioPrealloc, maybeMkwrite, mmCounter, pteRangeNone, vmfAnonPrepare, vmfPteChanged } from "./memory-common.js";
import { MM_ANONPAGES } from "./mm-struct.js";
import { NO_PFN, PG_LOCKED } from "./page.js";
import { folioAddFileRmapPmd, folioAddFileRmapPtes, folioAddNewAnonRmap } from "./rmap.js";
import { folioAddLruVma } from "./swap-lru.js";
import {
  FAULT_FLAG_WRITE,
  VM_FAULT_DONE_COW,
  VM_FAULT_ERROR,
  VM_FAULT_FALLBACK,
  VM_FAULT_LOCKED,
  VM_FAULT_NOPAGE,
  VM_FAULT_OOM,
  VM_FAULT_RETRY,
  VM_SHARED,
  type VmFault,
  type Vma,
} from "./vma.js";
import { doPageMkwrite, faultDirtySharedPage, vmfCanCallFault } from "./wp-fault.js";

const NOT_DELIVERED = VM_FAULT_ERROR | VM_FAULT_NOPAGE | VM_FAULT_RETRY;

/** vma_is_anon_shmem(): memory shared by mmap(MAP_SHARED | MAP_ANONYMOUS), or a tmpfs file without a name (memfd). */
export function vmaIsAnonShmem(vma: Vma): boolean {
  return vma.ops?.name === "shmem_anon_vm_ops";
}

/** Let the file system bring in the page: locked in vmf.page, unless the result says otherwise. Linux: __do_fault(). */
function callFault(vmf: VmFault): number {
  const { sys } = vmf.vma.mm;
  const ret = vmf.vma.ops!.fault(vmf);
  if ((ret & (NOT_DELIVERED | VM_FAULT_DONE_COW)) !== 0) return ret;
  if (vmf.page === NO_PFN) throw new ModelBug(`__do_fault: ${vmf.vma.ops!.name} delivered no page`);
  if ((ret & VM_FAULT_LOCKED) === 0) sys.pages.set(sys.pages.head(vmf.page), PG_LOCKED);
  return ret;
}

/** Map the folio of `page`, which has PMD order, by one PMD entry. VM_FAULT_FALLBACK: not possible here. Linux: do_set_pmd(). */
export function doSetPmd(vmf: VmFault, page: Pfn): number {
  const { vma } = vmf;
  const { mm } = vma;
  const { sys } = mm;
  const { pgtable, pages, granule } = sys;
  const folio = pages.head(page);
  const haddr = (vmf.address - (vmf.address % granule.pmdSize)) as Va;
  if (vmaThpDisabled(vma, vma.flags) || !thpVmaSuitableOrder(vma, haddr, granule.pmdOrder)) return VM_FAULT_FALLBACK;
  if (pages.folioOrder(folio) !== granule.pmdOrder) return VM_FAULT_FALLBACK;
  if (!pmdNone(pgtable.pmdpGet(vmf.pmd))) return VM_FAULT_FALLBACK;
  let entry = pmdMkhuge(pgtable.pfnPte(folio, vma.pageProt));
  if ((vmf.flags & FAULT_FLAG_WRITE) !== 0) entry = maybeMkwrite(pmdMkdirty(entry), vma);
  mm.rss[mmCounter(sys, folio)]! += pages.folioNrPages(folio);
  folioAddFileRmapPmd(folio, vma);
  pgtable.setPmdAt(mm, haddr, vmf.pmd, entry);
  sys.vmstat.inc("thp_file_mapped");
  return 0;
}

/**
 * Map `nr` pages of the folio, from `page`, at `addr`; vmf.pte is the entry of `addr`. Pages that were not asked for are mapped
 * old where the CPU sets access flags itself. RSS and references are the caller's.
 */
export function setPteRange(vmf: VmFault, folio: Pfn, page: Pfn, nr: number, addr: Va): void {
  const { vma } = vmf;
  const { sys } = vma.mm;
  const write = (vmf.flags & FAULT_FLAG_WRITE) !== 0;
  const prefault = vmf.address < addr || vmf.address >= addr + nr * sys.granule.pageSize;
  let entry = sys.pgtable.pfnPte(page, vma.pageProt);
  if (prefault && sys.cpu.hardwareAf) entry = pteMkold(entry);
  if (write) entry = maybeMkwrite(pteMkdirty(entry), vma);
  if (write && (vma.flags & VM_SHARED) === 0) {
    folioAddNewAnonRmap(folio, vma, addr);
    folioAddLruVma(folio, vma);
  } else {
    folioAddFileRmapPtes(folio, page, nr, vma);
  }
  sys.pgtable.setPtes(vma.mm, addr, vmf.pte, entry, nr);
}

/** How much of the folio finish_fault() maps: all of it for anonymous shared memory if area and table allow, else one page. */
function finishFaultPages(vmf: VmFault, folio: Pfn, page: Pfn): number {
  const { vma } = vmf;
  const { pageSize, ptrsPerTable } = vma.mm.sys.granule;
  const nr = vma.mm.sys.pages.folioNrPages(folio);
  if (nr === 1 || !vmaIsAnonShmem(vma)) return 1;
  const idx = page - folio;
  const vmaOff = vmf.pgoff - vma.pgoff;
  const vmaPages = (vma.end - vma.start) / pageSize;
  const pteOff = Math.floor(vmf.address / pageSize) % ptrsPerTable;
  const fits = vmaOff >= idx && vmaOff + (nr - idx) <= vmaPages && pteOff >= idx && pteOff + (nr - idx) <= ptrsPerTable;
  return fits ? nr : 1;
}

/** The folio reaches beyond the last page of the file: neither a PMD nor many PTEs may map it there (except shmem). */
function beyondEof(vmf: VmFault, folio: Pfn): boolean {
  const { vma } = vmf;
  const mapping = vma.file?.inode.mapping;
  if (mapping === undefined || mapping.policy.kind === "shmem") return false;
  const { pages, granule } = vma.mm.sys;
  const fileEnd = Math.ceil(mapping.inode.size / granule.pageSize);
  return fileEnd < pages.index[folio]! + pages.folioNrPages(folio);
}

/**
 * Map the page that the fault delivered (vmf.page, or vmf.cowPage for a private write). Consumes the reference that came with
 * it. VM_FAULT_NOPAGE: somebody else filled the entry.
 */
export function finishFault(vmf: VmFault): number {
  const { vma } = vmf;
  const { mm } = vma;
  const { sys } = mm;
  const { pgtable, pages, granule } = sys;
  const isCow = (vmf.flags & FAULT_FLAG_WRITE) !== 0 && (vma.flags & VM_SHARED) === 0;
  let page = isCow ? vmf.cowPage : vmf.page;
  const folio = pages.head(page);
  const fallback = beyondEof(vmf, folio);
  if (pmdNone(pgtable.pmdpGet(vmf.pmd))) {
    if (!fallback && pages.isLarge(folio)) {
      const ret = doSetPmd(vmf, page);
      if (ret !== VM_FAULT_FALLBACK) return ret;
    }
    if (!pgtable.pteAlloc(mm, vmf.pmd)) return VM_FAULT_OOM;
  }
  let nr = fallback ? 1 : finishFaultPages(vmf, folio, page);
  let addr = vmf.address;
  const pmd = pgtable.pmdpGet(vmf.pmd);
  if (nr > 1) {
    const first = (vmf.address - (page - folio) * granule.pageSize) as Va;
    if (pteRangeNone(sys, pgtable.pteOffset(pmd, first), nr)) {
      addr = first;
      page = folio;
    } else {
      nr = 1;
    }
  }
  vmf.pte = pgtable.pteOffset(pmd, addr);
  if (nr === 1 && vmfPteChanged(vmf)) return VM_FAULT_NOPAGE;
  if (nr > 1) folioRefAdd(sys, folio, nr - 1);
  setPteRange(vmf, folio, page, nr, addr);
  mm.rss[isCow ? MM_ANONPAGES : mmCounter(sys, folio)]! += nr;
  return 0;
}

/** Map what is ready in the page cache around the fault: an aligned window, cut to the area and the page table. */
function doFaultAround(vmf: VmFault): number {
  const { vma } = vmf;
  const { pageSize, ptrsPerTable } = vma.mm.sys.granule;
  const nr = faultAroundPages(vma);
  const pteOff = Math.floor(vmf.address / pageSize) % ptrsPerTable;
  const vmaOff = vmf.pgoff - vma.pgoff;
  const vmaPages = (vma.end - vma.start) / pageSize;
  const fromPte = Math.max(pteOff - (pteOff % nr), pteOff - Math.min(pteOff, vmaOff));
  const toPte = Math.min(fromPte + nr, ptrsPerTable, pteOff + vmaPages - vmaOff) - 1;
  return vma.ops!.mapPages!(vmf, vmf.pgoff + fromPte - pteOff, vmf.pgoff + toPte - pteOff);
}

function faultAroundPages(vma: Vma): number {
  const { tunables, granule } = vma.mm.sys;
  return Math.max(1, Math.floor(tunables.faultAroundBytes / granule.pageSize));
}

function served(vmf: VmFault, kind: "fileRead" | "fileCow" | "fileWrite"): void {
  const { sys } = vmf.vma.mm;
  if (sys.observer === undefined) return;
  const mapped = kind === "fileCow" ? vmf.cowPage : vmf.page;
  faultServed(vmf, kind, mapped === NO_PFN ? (0 as Order) : sys.pages.folioOrder(sys.pages.head(mapped)));
}

/** The order of the folio that fault-around has mapped at the address, for the observer only. */
function servedAround(vmf: VmFault): void {
  const { sys } = vmf.vma.mm;
  if (sys.observer === undefined) return;
  const pmd = sys.pgtable.pmdpGet(vmf.pmd);
  const leaf = sys.pgtable.rawGet(sys.pgtable.pteOffset(pmd, vmf.address));
  faultServed(vmf, "fileRead", leaf === 0n ? (0 as Order) : sys.pages.folioOrder(sys.pages.head(sys.pgtable.ptePfn(leaf))));
}

function doReadFault(vmf: VmFault): number {
  const { vma } = vmf;
  const { sys } = vma.mm;
  if (vma.ops!.mapPages !== undefined && faultAroundPages(vma) > 1) {
    const ret = doFaultAround(vmf);
    if (ret !== 0) {
      servedAround(vmf);
      return ret;
    }
  }
  const retry = vmfCanCallFault(vmf);
  if (retry !== 0) return retry;
  let ret = callFault(vmf);
  if ((ret & NOT_DELIVERED) !== 0) return ret;
  ret |= finishFault(vmf);
  const folio = sys.pages.head(vmf.page);
  sys.pages.clear(folio, PG_LOCKED);
  if ((ret & NOT_DELIVERED) !== 0) folioPut(sys, folio);
  else served(vmf, "fileRead");
  return ret;
}

function doCowFault(vmf: VmFault): number {
  const { sys } = vmf.vma.mm;
  const retry = vmfCanCallFault(vmf);
  if (retry !== 0) return retry;
  vmfAnonPrepare(vmf);
  vmf.cowPage = folioPrealloc(sys, false, vmf.vma.mm.memcg);
  if (vmf.cowPage === NO_PFN) return VM_FAULT_OOM;
  let ret = callFault(vmf);
  if ((ret & NOT_DELIVERED) === 0) {
    if ((ret & VM_FAULT_DONE_COW) !== 0) return ret;
    copyPage(sys, vmf.cowPage, vmf.page);
    ret |= finishFault(vmf);
    const folio = sys.pages.head(vmf.page);
    sys.pages.clear(folio, PG_LOCKED);
    folioPut(sys, folio);
    if ((ret & NOT_DELIVERED) === 0) {
      served(vmf, "fileCow");
      return ret;
    }
  }
  folioPut(sys, vmf.cowPage);
  return ret;
}

function doSharedFault(vmf: VmFault): number {
  const { vma } = vmf;
  const { sys } = vma.mm;
  const retry = vmfCanCallFault(vmf);
  if (retry !== 0) return retry;
  let ret = callFault(vmf);
  if ((ret & NOT_DELIVERED) !== 0) return ret;
  const folio = sys.pages.head(vmf.page);
  if (vma.ops!.pageMkwrite !== undefined) {
    sys.pages.clear(folio, PG_LOCKED);
    const made = doPageMkwrite(vmf, folio);
    if (made === 0 || (made & (VM_FAULT_ERROR | VM_FAULT_NOPAGE)) !== 0) {
      folioPut(sys, folio);
      return made;
    }
  }
  ret |= finishFault(vmf);
  if ((ret & NOT_DELIVERED) !== 0) {
    sys.pages.clear(folio, PG_LOCKED);
    folioPut(sys, folio);
    return ret;
  }
  served(vmf, "fileWrite");
  return ret | faultDirtySharedPage(vmf);
}

/** A fault on an address of a mapped file that has no entry yet. Returns VM_FAULT_*. */
export function doFault(vmf: VmFault): number {
  if ((vmf.flags & FAULT_FLAG_WRITE) === 0) return doReadFault(vmf);
  return (vmf.vma.flags & VM_SHARED) === 0 ? doCowFault(vmf) : doSharedFault(vmf);
}
