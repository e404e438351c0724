/**
 * Faults on files in the page cache: bring in the page that is missing, and map around it what is there already.
 *
 * Linux: mm/filemap.c filemap_fault(), filemap_map_pages(), next_uptodate_folio(), filemap_map_folio_range(),
 * filemap_map_order0_folio(), filemap_map_pmd(); mm/memory.c pte_offset_map_lock().
 */
import type { Pfn, Va } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import { pmdNone, pmdTable, pmdTransHuge, pteNone } from "../arch/arm64/pte.js";
import type { AddressSpace, File } from "../fs/file.js";
import { doSetPmd, setPteRange } from "./file-fault.js";
import { filemapGetFolio, filemapGetOrCreateFolio, filemapPeek, readFolio } from "./filemap.js";
import { folioGet, folioPut, folioRefAdd } from "./folio.js";
import { MM_FILEPAGES, MM_SHMEMPAGES } from "./mm-struct.js";
import { PG_LOCKED, PG_READAHEAD, PG_UPTODATE, PG_WORKINGSET } from "./page.js";
import { folioFilePage, folioLock, folioNextIndex, folioUnlock, NONE, pagesInFile, shmemMapping } from "./pagemap.js";
import { doAsyncMmapReadahead, doSyncMmapReadahead, mayUnlockForIo } from "./readahead.js";
import {
  FAULT_FLAG_ORIG_PTE_VALID,
  FAULT_FLAG_TRIED,
  VM_FAULT_LOCKED,
  VM_FAULT_MAJOR,
  VM_FAULT_NOPAGE,
  VM_FAULT_OOM,
  VM_FAULT_RETRY,
  VM_FAULT_SIGBUS,
  VM_LOCKED,
  type VmFault,
} from "./vma.js";

/** The file and page cache of a fault. Pre: the area maps a file with a page cache. */
function faultFile(vmf: VmFault): { file: File; mapping: AddressSpace } {
  const { file } = vmf.vma;
  const mapping = file?.inode.mapping;
  if (file === undefined || mapping === undefined) throw new ModelBug("filemap fault: the area has no page cache");
  return { file, mapping };
}

/** In a locked area the page may have been copied while the entry was being changed: not a miss. Linux: filemap_fault_recheck_pte_none(). */
function entryFilledMeanwhile(vmf: VmFault): boolean {
  if ((vmf.vma.flags & VM_LOCKED) === 0 || (vmf.flags & FAULT_FLAG_ORIG_PTE_VALID) === 0) return false;
  return !pteNone(vmf.vma.mm.sys.pgtable.ptepGetLockless(vmf.pte));
}

/**
 * Bring in the page of the fault: VM_FAULT_LOCKED with vmf.page set and referenced, or VM_FAULT_RETRY when the lock was given up
 * for I/O (the second try finds the page), with VM_FAULT_MAJOR if the page was not in the cache; VM_FAULT_SIGBUS beyond the end.
 */
export function filemapFault(vmf: VmFault): number {
  const { file, mapping } = faultFile(vmf);
  const { sys } = mapping;
  const index = vmf.pgoff;
  if (index >= pagesInFile(mapping)) return VM_FAULT_SIGBUS;
  let ret = 0;
  let unlocked = false;
  let folio = filemapGetFolio(mapping, index);
  if (folio !== NONE) {
    if ((vmf.flags & FAULT_FLAG_TRIED) === 0) unlocked = doAsyncMmapReadahead(vmf, file, mapping, folio);
  } else {
    if (entryFilledMeanwhile(vmf)) return VM_FAULT_NOPAGE;
    sys.vmstat.inc("pgmajfault");
    ret = VM_FAULT_MAJOR;
    unlocked = doSyncMmapReadahead(vmf, file, mapping);
    const found = filemapGetOrCreateFolio(mapping, index, { order: 0, lock: false });
    if (found < 0) return unlocked ? ret | VM_FAULT_RETRY : VM_FAULT_OOM;
    folio = found as Pfn;
  }
  folioLock(sys, folio);
  if (!sys.pages.test(folio, PG_UPTODATE)) {
    unlocked = unlocked || mayUnlockForIo(vmf);
    readFolio(mapping, folio);
  }
  if (unlocked) {
    folioUnlock(sys, folio);
    folioPut(sys, folio);
    return ret | VM_FAULT_RETRY;
  }
  vmf.page = folioFilePage(sys, folio, index);
  return ret | VM_FAULT_LOCKED;
}

// --- fault-around -------------------------------------------------------------

/** A folio of the cache that is ready to be mapped, locked and referenced, and the index at which it was met. */
interface ReadyFolio {
  readonly folio: Pfn;
  readonly index: number;
}

/** The next folio from `index` to `end` (inclusive) that is uptodate, free to lock, without the readahead mark and inside the file. */
function nextUptodateFolio(mapping: AddressSpace, index: number, end: number): ReadyFolio | undefined {
  const { sys } = mapping;
  const { pages } = sys;
  let at = index;
  while (at <= end) {
    const folio = filemapPeek(mapping, at);
    if (folio === NONE) {
      at++;
      continue;
    }
    const flags = pages.flags[folio]!;
    if ((flags & (PG_LOCKED | PG_UPTODATE | PG_READAHEAD)) === PG_UPTODATE && at < pagesInFile(mapping)) {
      folioGet(sys, folio);
      folioLock(sys, folio);
      return { folio, index: at };
    }
    at = folioNextIndex(sys, folio);
  }
  return undefined;
}

/** Counts of one fault-around. */
interface AroundState {
  readonly vmf: VmFault;
  rss: number;
  /** Pages met, mapped now or before; they outweigh misses of the file. */
  hits: number;
  /** The faulting address got its entry. */
  served: boolean;
}

function mapRun(state: AroundState, folio: Pfn, page: Pfn, nr: number, addr: number): void {
  const { vmf } = state;
  const { sys } = vmf.vma.mm;
  setPteRange(vmf, folio, page, nr, addr as Va);
  state.rss += nr;
  folioRefAdd(sys, folio, nr);
  if (vmf.address >= addr && vmf.address < addr + nr * sys.granule.pageSize) state.served = true;
}

/** Map `nr` pages of the folio from `page` at `addr` where the entries are empty, in runs as long as possible. */
function mapFolioRange(state: AroundState, folio: Pfn, page: Pfn, nr: number, addr: number): void {
  const { vmf } = state;
  const { sys } = vmf.vma.mm;
  const { pageSize } = sys.granule;
  if (!sys.pages.test(folio, PG_WORKINGSET)) state.hits += nr;
  const pmd = sys.pgtable.pmdpGet(vmf.pmd);
  let run = 0;
  for (let i = 0; i <= nr; i++) {
    if (i < nr && pteNone(sys.pgtable.ptepGet(sys.pgtable.pteOffset(pmd, (addr + i * pageSize) as Va)))) {
      run++;
      continue;
    }
    if (run > 0) {
      const start = addr + (i - run) * pageSize;
      vmf.pte = sys.pgtable.pteOffset(pmd, start as Va);
      mapRun(state, folio, (page + (i - run)) as Pfn, run, start);
    }
    run = 0;
  }
}

/** The folio can be mapped by a PMD entry, or is already. Linux: filemap_map_pmd(), which also brings in the page table. */
function mapByPmd(vmf: VmFault, ready: ReadyFolio, start: number): boolean {
  const { mm } = vmf.vma;
  const { sys } = mm;
  const { folio } = ready;
  const pmd = sys.pgtable.pmdpGet(vmf.pmd);
  if (pmdTransHuge(pmd)) {
    folioUnlock(sys, folio);
    folioPut(sys, folio);
    return true;
  }
  if (!pmdNone(pmd)) return false;
  if (sys.pages.folioOrder(folio) >= sys.granule.pmdOrder && doSetPmd(vmf, folioFilePage(sys, folio, start)) === 0) {
    folioUnlock(sys, folio);
    return true;
  }
  return false;
}

/**
 * Fault-around: map what is ready of pages `startPgoff` to `endPgoff` (inclusive). VM_FAULT_NOPAGE if the faulting page was among
 * them, VM_FAULT_OOM without memory for a page table, else 0.
 *
 * A folio that reaches the last page of the file does not bring in a missing page table (a rule of the 6.12 stable tree that keeps
 * PMDs from crossing the end of the file): the fault then goes through filemapFault.
 */
export function filemapMapPages(vmf: VmFault, startPgoff: number, endPgoff: number): number {
  const { vma } = vmf;
  const { mm } = vma;
  const { file, mapping } = faultFile(vmf);
  const { sys } = mapping;
  const { pageSize } = sys.granule;
  const fileEnd = pagesInFile(mapping) - 1;
  const last = Math.min(endPgoff, fileEnd);
  const state: AroundState = { vmf, rss: 0, hits: 0, served: false };
  const ret = mapReadyFolios(state, mapping, startPgoff, last, fileEnd, pageSize);
  mm.rss[shmemMapping(mapping) ? MM_SHMEMPAGES : MM_FILEPAGES]! += state.rss;
  file.ra.mmapMiss = Math.max(0, file.ra.mmapMiss - state.hits);
  return ret;
}

function mapReadyFolios(state: AroundState, mapping: AddressSpace, start: number, last: number, fileEnd: number, pageSize: number): number {
  const { vmf } = state;
  const { vma } = vmf;
  const { mm } = vma;
  const { sys } = mapping;
  let ready = nextUptodateFolio(mapping, start, last);
  if (ready === undefined) return 0;
  const withinFile = shmemMapping(mapping) || fileEnd >= folioNextIndex(sys, ready.folio);
  if (withinFile) {
    if (mapByPmd(vmf, ready, start)) return VM_FAULT_NOPAGE;
    if (pmdNone(sys.pgtable.pmdpGet(vmf.pmd)) && !sys.pgtable.pteAlloc(mm, vmf.pmd)) {
      folioUnlock(sys, ready.folio);
      folioPut(sys, ready.folio);
      return VM_FAULT_OOM;
    }
  }
  if (!pmdTable(sys.pgtable.pmdpGet(vmf.pmd))) {
    folioUnlock(sys, ready.folio);
    folioPut(sys, ready.folio);
    return 0;
  }
  const ptep = vmf.pte;
  while (ready !== undefined) {
    const { folio, index }: ReadyFolio = ready;
    const next = folioNextIndex(sys, folio);
    const nr = Math.min(next - 1, last) - index + 1;
    mapFolioRange(state, folio, folioFilePage(sys, folio, index), nr, vma.start + (index - vma.pgoff) * pageSize);
    folioUnlock(sys, folio);
    folioPut(sys, folio);
    ready = nextUptodateFolio(mapping, next, last);
  }
  vmf.pte = ptep;
  return state.served ? VM_FAULT_NOPAGE : 0;
}
