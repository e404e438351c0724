/**
 * The page cache of a file: look folios up, add new ones, and fill them from the file's backing.
 *
 * Linux: mm/filemap.c filemap_get_entry(), __filemap_get_folio(), filemap_add_folio(), filemap_read_folio();
 * fs/iomap/buffered-io.c struct iomap_folio_state. Primitives are in pagemap.ts, faults in filemap-fault.ts, read() and write()
 * in filemap-io.ts.
 *
 * I/O takes no time: a folio that readahead added is uptodate and unlocked when the call returns, as it is on Linux for whoever
 * waits for it.
 */
import type { Order, Pfn } from "../../emulator/arch/addr.js";
import { ModelBug, NotModelled } from "../../emulator/arch/errors.js";
import { EEXIST, ENOMEM } from "../errno.js";
import type { AddressSpace, Backing } from "../fs/file.js";
import { folioAlloc, folioGet, folioPut } from "./folio.js";
import type { MemorySystem } from "./memory-system.js";
import { PG_DIRTY, PG_READAHEAD, PG_REFERENCED, PG_SHMEM, PG_SWAPBACKED, PG_UPTODATE } from "./page.js";
import { attachFolio, folioBytes, folioLock, folioPos, folioSize, folioUnlock, folioWritten, FS_BLOCK_BYTES, mappingMaxFolioOrder, NONE } from "./pagemap.js";
import { folioAddLru } from "./swap-lru.js";
import { balancePgdat } from "./vmscan.js";

// --- look-up ------------------------------------------------------------------

/**
 * The folio at `index` without a reference, NO_PFN if there is none. A page of the initramfs that no one has looked at yet is made
 * here: it has been in memory all along. Linux: filemap_get_entry() less its reference.
 */
export function filemapPeek(mapping: AddressSpace, index: number): Pfn {
  const folio = mapping.pages.get(index);
  if (folio !== undefined) return folio;
  const { resident } = mapping;
  if (resident === undefined || index >= resident.limit || resident.taken.has(index)) return NONE;
  return materialise(mapping, index);
}

/** filemap_get_folio(): the folio at `index` with one more reference, or NO_PFN. */
export function filemapGetFolio(mapping: AddressSpace, index: number): Pfn {
  const folio = filemapPeek(mapping, index);
  if (folio !== NONE) folioGet(mapping.sys, folio);
  return folio;
}

/**
 * A page of the initramfs as its unpacking left it: written through tmpfs, hence dirty, uptodate, swap-backed and referenced.
 * Differs: Linux does this at boot for all files, here on the first look at the page.
 */
function materialise(mapping: AddressSpace, index: number): Pfn {
  const { sys, resident, backing } = mapping;
  if (resident === undefined || backing === undefined) throw new ModelBug("materialise: mapping has no resident pages");
  const folio = filemapAllocFolio(sys, 0);
  // Linux would have had that much less to give to others from the start, and would not have come here.
  if (folio === NONE) throw new NotModelled("memory used up before all of the root file system (an initramfs) was in it: use more --memory or --fs xfs");
  resident.taken.add(index);
  backing.read(index * sys.granule.pageSize, folioBytes(sys, folio));
  folioWritten(sys, folio, 0, 0);
  sys.pages.set(folio, PG_SWAPBACKED | PG_SHMEM | PG_UPTODATE | PG_DIRTY | PG_REFERENCED | (resident.reclaim ? PG_READAHEAD : 0));
  attachFolio(mapping, folio, index);
  sys.vmstat.add("nr_shmem", 1);
  mapping.dirty.add(index);
  folioAddLru(sys, folio);
  folioPut(sys, folio);
  return folio;
}

// --- add ----------------------------------------------------------------------

/** filemap_alloc_folio(): a folio for the cache with one reference, NO_PFN if there is no memory. Older cache gives way first. */
export function filemapAllocFolio(sys: MemorySystem, order: number): Pfn {
  balancePgdat(sys, 2 ** order);
  return folioAlloc(sys, order as Order) as Pfn;
}

/** True if no page of the range is in the cache. */
export function rangeEmpty(mapping: AddressSpace, index: number, nr: number): boolean {
  for (let i = index; i < index + nr; i++) if (filemapPeek(mapping, i) !== NONE) return false;
  return true;
}

/** Put a new folio into the cache, locked: 0, or -EEXIST if a page of its range is taken. The caller keeps its own reference. */
export function filemapAddFolio(mapping: AddressSpace, folio: Pfn, index: number): number {
  const { sys } = mapping;
  const nr = sys.pages.folioNrPages(folio);
  if (!rangeEmpty(mapping, index, nr)) return -EEXIST;
  folioLock(sys, folio);
  attachFolio(mapping, folio, index);
  if (sys.pages.folioOrder(folio) >= sys.granule.pmdOrder) sys.vmstat.add("nr_file_hugepages", 1);
  folioAddLru(sys, folio);
  return 0;
}

/** What __filemap_get_folio() should do beyond a look-up. */
export interface GetFolioOptions {
  /** FGP_CREAT: largest order to try for a new folio (fgf_set_order); it shrinks to fit alignment, the mapping and neighbours. */
  readonly order: number;
  /** FGP_LOCK. */
  readonly lock: boolean;
}

/** __filemap_get_folio(FGP_CREAT): the folio at `index`, found or new, with a reference; or -ENOMEM. A new one is not uptodate. */
export function filemapGetOrCreateFolio(mapping: AddressSpace, index: number, options: GetFolioOptions): Pfn | number {
  const { sys } = mapping;
  const present = filemapGetFolio(mapping, index);
  if (present !== NONE) {
    if (options.lock) folioLock(sys, present);
    return present;
  }
  let order = Math.min(options.order, mappingMaxFolioOrder(mapping));
  while (index % 2 ** order !== 0) order--;
  for (; order >= 0; order--) {
    const folio = filemapAllocFolio(sys, order);
    if (folio === NONE) continue;
    if (filemapAddFolio(mapping, folio, index) === 0) {
      if (!options.lock) folioUnlock(sys, folio);
      return folio;
    }
    folioPut(sys, folio);
  }
  return -ENOMEM;
}

// --- contents -----------------------------------------------------------------

function backingOf(mapping: AddressSpace): Backing {
  if (mapping.backing === undefined) throw new ModelBug(`page cache of ${mapping.policy.name} inode ${mapping.inode.ino} has no backing`);
  return mapping.backing;
}

/** read_folio: fill what is not uptodate in the folio from the backing. Pre: locked. */
export function readFolio(mapping: AddressSpace, folio: Pfn): void {
  const { sys } = mapping;
  const index = sys.pages.index[folio]!;
  const pos = folioPos(sys, folio);
  const bytes = folioBytes(sys, folio);
  const blocks = mapping.blocks.get(index);
  if (blocks === undefined) backingOf(mapping).read(pos, bytes);
  else {
    for (let block = 0; block < blocks.length; block++) {
      if (blocks[block] === 0) readBlock(mapping, bytes, pos, block);
    }
    mapping.blocks.delete(index);
  }
  folioWritten(sys, folio, 0, sys.pages.folioNrPages(folio) - 1);
  sys.pages.set(folio, PG_UPTODATE);
}

function readBlock(mapping: AddressSpace, bytes: Uint8Array, pos: number, block: number): void {
  const from = block * FS_BLOCK_BYTES;
  backingOf(mapping).read(pos + from, bytes.subarray(from, from + FS_BLOCK_BYTES));
}

/**
 * Before a write of `length` bytes at `offset` into a folio that is not uptodate: blocks that it covers only in part get their old
 * contents. Linux: fs/iomap/buffered-io.c __iomap_write_begin(), fs/buffer.c __block_write_begin_int().
 */
export function prepareBlocks(mapping: AddressSpace, folio: Pfn, offset: number, length: number): void {
  const { sys } = mapping;
  const size = folioSize(sys, folio);
  if (sys.pages.test(folio, PG_UPTODATE) || (offset === 0 && length === size)) return;
  const index = sys.pages.index[folio]!;
  let blocks = mapping.blocks.get(index);
  if (blocks === undefined) mapping.blocks.set(index, (blocks = new Uint8Array(size / FS_BLOCK_BYTES)));
  const first = Math.floor(offset / FS_BLOCK_BYTES);
  const last = Math.floor((offset + length - 1) / FS_BLOCK_BYTES);
  for (let block = first; block <= last; block++) {
    const covered = offset <= block * FS_BLOCK_BYTES && offset + length >= (block + 1) * FS_BLOCK_BYTES;
    if (blocks[block] === 0 && !covered) readBlock(mapping, folioBytes(sys, folio), folioPos(sys, folio), block);
  }
}

/** After the write: the blocks it touched are uptodate, and so is the folio if all are. */
export function finishBlocks(mapping: AddressSpace, folio: Pfn, offset: number, length: number): void {
  const { sys } = mapping;
  if (sys.pages.test(folio, PG_UPTODATE)) return;
  const index = sys.pages.index[folio]!;
  const blocks = mapping.blocks.get(index);
  if (blocks !== undefined) {
    blocks.fill(1, Math.floor(offset / FS_BLOCK_BYTES), Math.floor((offset + length - 1) / FS_BLOCK_BYTES) + 1);
    if (blocks.includes(0)) return;
    mapping.blocks.delete(index);
  }
  sys.pages.set(folio, PG_UPTODATE);
}
