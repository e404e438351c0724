/**
 * Dirty folios of files: marking them, noticing the first write through a shared mapping, and writing them back.
 *
 * Linux: mm/page-writeback.c folio_mark_dirty(), filemap_dirty_folio(), folio_clear_dirty_for_io(), __folio_cancel_dirty();
 * mm/filemap.c __filemap_fdatawrite_range(), filemap_page_mkwrite(); mm/rmap.c folio_mkclean();
 * fs/iomap/buffered-io.c iomap_page_mkwrite(). Differs: there is no flusher thread, so a folio becomes clean by fsync, sync,
 * POSIX_FADV_DONTNEED and reclaim, and writers are never throttled.
 */
import type { Pa, Pfn, Va } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import { pmdDirty, pmdLeaf, pmdMkclean, pmdTable, pmdWrite, pmdWrprotect, pteDirty, pteMkclean, ptePresent, pteWrite, pteWrprotect } from "../arch/arm64/pte.js";
import type { AddressSpace } from "../fs/file.js";
import { folioGet, folioPut } from "./folio.js";
import type { MemorySystem } from "./memory-system.js";
import { PG_ANON, PG_DIRTY, PG_READAHEAD, PG_RECLAIM, PG_SWAPCACHE } from "./page.js";
import {
  folioBytes,
  folioLock,
  folioMapped,
  folioMapping,
  folioNextIndex,
  folioPos,
  folioSize,
  folioUnlock,
  foliosInRange,
  FS_BLOCK_BYTES,
  mappingCanWriteback,
  pagesInFile,
} from "./pagemap.js";
import { lruAddDrain, noopDirtyFolio } from "./swap-lru.js";
import { VM_FAULT_LOCKED, VM_FAULT_NOPAGE, VM_SHARED, type VmFault, type Vma } from "./vma.js";

/**
 * folio_mark_dirty(). Returns true if the folio was clean. The mark of readahead, which shares its bit with PG_reclaim, is
 * taken off a page-cache folio.
 */
export function folioMarkDirty(sys: MemorySystem, folio: Pfn): boolean {
  const { pages } = sys;
  if ((pages.flags[folio]! & (PG_ANON | PG_SWAPCACHE)) !== 0) return noopDirtyFolio(sys, folio);
  const mapping = folioMapping(sys, folio);
  if (mapping === undefined) return noopDirtyFolio(sys, folio);
  pages.clear(folio, PG_READAHEAD | PG_RECLAIM);
  if (!noopDirtyFolio(sys, folio)) return false;
  mapping.dirty.add(pages.index[folio]!);
  if (mappingCanWriteback(mapping)) {
    const nr = pages.folioNrPages(folio);
    sys.vmstat.add("nr_dirty", nr);
    sys.vmstat.add("nr_dirtied", nr);
  }
  return true;
}

/** folio_cancel_dirty(): the folio is thrown away, what was written to it with it. */
export function folioCancelDirty(mapping: AddressSpace, folio: Pfn): void {
  const { sys } = mapping;
  if (!sys.pages.test(folio, PG_DIRTY)) return;
  sys.pages.clear(folio, PG_DIRTY);
  if (mapping.dirty.delete(sys.pages.index[folio]!) && mappingCanWriteback(mapping)) sys.vmstat.add("nr_dirty", -sys.pages.folioNrPages(folio));
}

/**
 * page_mkwrite of file systems that write back: the folio of vmf.page, wholly, becomes dirty before a shared mapping may write to
 * it. Returns VM_FAULT_LOCKED with the folio locked; VM_FAULT_NOPAGE if it was truncated.
 */
export function filemapPageMkwrite(vmf: VmFault): number {
  const { vma } = vmf;
  const { sys } = vma.mm;
  const mapping = vma.file?.inode.mapping;
  if (mapping === undefined) throw new ModelBug("filemap_page_mkwrite: the area has no page cache");
  const folio = sys.pages.head(vmf.page);
  if (sys.pages.mapping[folio] !== mapping.id || sys.pages.index[folio]! >= pagesInFile(mapping)) return VM_FAULT_NOPAGE;
  folioLock(sys, folio);
  folioMarkDirty(sys, folio);
  return VM_FAULT_LOCKED;
}

// --- write back ---------------------------------------------------------------

/** Write-protect and clean the entries of one area that map the folio. Linux: page_vma_mkclean_one(). Returns the entries changed. */
function mkcleanVma(vma: Vma, folio: Pfn, index: number, nr: number): number {
  const { mm } = vma;
  const { sys } = mm;
  const { pgtable, granule } = sys;
  const { pageSize, pmdSize } = granule;
  const first = Math.max(vma.start, vma.start + (index - vma.pgoff) * pageSize);
  const end = Math.min(vma.end, vma.start + (index + nr - vma.pgoff) * pageSize);
  let cleaned = 0;
  for (let address = first; address < end; ) {
    const pmdp = pgtable.pmdOffset(mm, address as Va);
    const pmd = pmdp < 0 ? 0n : pgtable.pmdpGet(pmdp as Pa);
    const boundary = Math.min(end, address - (address % pmdSize) + pmdSize);
    if (pmdLeaf(pmd)) {
      if (pgtable.pmdPfn(pmd) === folio && (pmdDirty(pmd) || pmdWrite(pmd))) {
        const haddr = (address - (address % pmdSize)) as Va;
        const old = pgtable.pmdpInvalidate(vma, haddr, pmdp as Pa);
        pgtable.setPmdAt(mm, haddr, pmdp as Pa, pmdMkclean(pmdWrprotect(old)));
        cleaned++;
      }
    } else if (pmdTable(pmd)) {
      for (let at = address; at < boundary; at += pageSize) {
        const ptep = pgtable.pteOffset(pmd, at as Va);
        const pte = pgtable.ptepGet(ptep);
        if (!ptePresent(pte) || sys.pages.head(pgtable.ptePfn(pte)) !== folio || (!pteDirty(pte) && !pteWrite(pte))) continue;
        const old = pgtable.ptepClearFlush(vma, at as Va, ptep);
        pgtable.setPteAt(mm, at as Va, ptep, pteMkclean(pteWrprotect(old)));
        cleaned++;
      }
    }
    address = boundary;
  }
  return cleaned;
}

/** folio_mkclean(): no shared mapping can write to the folio any more without a fault. Returns the entries changed. Pre: locked. */
export function folioMkclean(mapping: AddressSpace, folio: Pfn): number {
  const { sys } = mapping;
  if (!folioMapped(sys, folio)) return 0;
  const index = sys.pages.index[folio]!;
  const nr = sys.pages.folioNrPages(folio);
  let cleaned = 0;
  for (const vma of mapping.mmaps) {
    if ((vma.flags & VM_SHARED) === 0) continue;
    const vmaEnd = vma.pgoff + (vma.end - vma.start) / sys.granule.pageSize;
    if (index + nr <= vma.pgoff || index >= vmaEnd) continue;
    cleaned += mkcleanVma(vma, folio, index, nr);
  }
  return cleaned;
}

/** folio_clear_dirty_for_io(): true if there is something to write. Pre: locked, the mapping can write back. */
function clearDirtyForIo(mapping: AddressSpace, folio: Pfn): boolean {
  const { sys } = mapping;
  if (folioMkclean(mapping, folio) > 0) folioMarkDirty(sys, folio);
  if (!sys.pages.test(folio, PG_DIRTY)) return false;
  folioCancelDirty(mapping, folio);
  return true;
}

/** Give the folio's bytes up to i_size to the backing. Of a folio that is not uptodate only the blocks that are. */
function writeOut(mapping: AddressSpace, folio: Pfn): void {
  const { sys, backing } = mapping;
  if (backing === undefined) throw new ModelBug(`write-back of inode ${mapping.inode.ino}, which has no backing`);
  const pos = folioPos(sys, folio);
  const length = Math.min(folioSize(sys, folio), mapping.inode.size - pos);
  if (length <= 0) return;
  const bytes = folioBytes(sys, folio);
  const blocks = mapping.blocks.get(sys.pages.index[folio]!);
  if (blocks === undefined) backing.write(pos, bytes.subarray(0, length));
  else {
    for (let from = 0; from < length; from += FS_BLOCK_BYTES) {
      if (blocks[from / FS_BLOCK_BYTES] === 1) backing.write(pos + from, bytes.subarray(from, Math.min(length, from + FS_BLOCK_BYTES)));
    }
  }
  sys.vmstat.add("nr_written", sys.pages.folioNrPages(folio));
}

/** Write the folio back if it is dirty, in itself or in a shared mapping. True if there was something to write. Pre: not locked. */
export function folioWriteback(mapping: AddressSpace, folio: Pfn): boolean {
  const { sys } = mapping;
  folioGet(sys, folio);
  folioLock(sys, folio);
  const dirty = clearDirtyForIo(mapping, folio);
  if (dirty) writeOut(mapping, folio);
  folioUnlock(sys, folio);
  folioPut(sys, folio);
  return dirty;
}

/**
 * filemap_write_and_wait_range(): write back dirty folios that overlap pages `start` to `end` (inclusive). Returns the heads of the
 * folios written. Nothing is dirty afterwards, and shared mappings fault on their next write.
 */
export function filemapWriteAndWait(mapping: AddressSpace, start = 0, end = Infinity): Pfn[] {
  const { sys } = mapping;
  if (!mappingCanWriteback(mapping) || mapping.dirty.size === 0) return [];
  const written: Pfn[] = [];
  for (const index of [...mapping.dirty].sort((a, b) => a - b)) {
    const folio = mapping.pages.get(index);
    if (folio === undefined) throw new ModelBug(`write-back: dirty index ${index} of inode ${mapping.inode.ino} is not cached`);
    if (index > end || folioNextIndex(sys, folio) <= start) continue;
    if (folioWriteback(mapping, folio)) written.push(folio);
  }
  // Those that were looked at are given back together.
  lruAddDrain(sys);
  return written;
}

/** sync(2): write back every file. */
export function syncAll(sys: MemorySystem): void {
  for (const mapping of sys.mappings.addressSpaces()) filemapWriteAndWait(mapping);
}

/** pagecache_isize_extended(): the file grew over the block at its old end; a shared mapping of that page faults on its next write. */
export function pagecacheIsizeExtended(mapping: AddressSpace, from: number, to: number): void {
  const { sys } = mapping;
  const { pageSize } = sys.granule;
  if (from >= to || FS_BLOCK_BYTES >= pageSize || !mappingCanWriteback(mapping)) return;
  const rounded = Math.ceil(from / FS_BLOCK_BYTES) * FS_BLOCK_BYTES;
  if (to <= rounded || rounded % pageSize === 0) return;
  for (const folio of foliosInRange(mapping, Math.floor(from / pageSize), Math.floor(from / pageSize))) {
    if (folioMkclean(mapping, folio) > 0) folioMarkDirty(sys, folio);
  }
}
