/**
 * tmpfs and shared anonymous memory: folios that are born by faults, writes and fallocate, and live in memory only.
 *
 * Linux: mm/shmem.c shmem_get_folio_gfp(), shmem_alloc_and_add_folio(), shmem_suitable_orders(), shmem_fault(), shmem_fallocate(),
 * __shmem_file_setup(). Differs: no swap, no quotas, no NUMA policy. Contents of the initramfs appear on first look (filemap.ts).
 */
import type { Order, Pfn } from "../../emulator/arch/addr.js";
import { EINVAL, ENOENT, ENOMEM, ENOSPC, EOPNOTSUPP, EPERM } from "../errno.js";
import { createAddressSpace, releaseMapping } from "../fs/address-space.js";
import type { AddressSpace, File, Inode } from "../fs/file.js";
import { SHM_MNT_POLICY } from "../fs/folio-policies.js";
import { filemapAllocFolio, filemapGetFolio, rangeEmpty } from "./filemap.js";
import { filemapMapPages } from "./filemap-fault.js";
import { folioGet, folioPut, zeroFolio } from "./folio.js";
import { thpVmaSuitableOrders } from "./huge-memory.js";
import { F_SEAL_FUTURE_WRITE, F_SEAL_WRITE } from "./mman.js";
import type { MemorySystem } from "./memory-system.js";
import { PG_LOCKED, PG_REFERENCED, PG_SHMEM, PG_SWAPBACKED, PG_UPTODATE } from "./page.js";
import { attachFolio, filemapRemoveFolio, folioFilePage, folioLock, folioNextIndex, folioUnlock, folioWritten, NONE, pagesInFile } from "./pagemap.js";
import { folioMarkDirty } from "./page-writeback.js";
import { fileRaStateInit } from "./readahead.js";
import { highestOrder, shmemAllowableHugeOrders } from "./shmem-orders.js";
import { folioAddLru, folioMarkAccessed } from "./swap-lru.js";
import { truncatePagecacheRange } from "./truncate.js";
import { VM_FAULT_LOCKED, VM_FAULT_OOM, VM_FAULT_SIGBUS, type VmFault, type VmOperations } from "./vma.js";

/* Modes of fallocate. Linux: include/uapi/linux/falloc.h. */
export const FALLOC_FL_KEEP_SIZE = 0x01;
export const FALLOC_FL_PUNCH_HOLE = 0x02;
/** st_dev of the kernel's own tmpfs mount: the first anonymous device, 0:1. */
const SHM_MNT_DEV = 1;
/** The file may not grow. Linux: include/uapi/linux/fcntl.h. */
export const F_SEAL_GROW = 0x0004;

/**
 * Why a folio is wanted: to read (a hole is no folio), to read without making one (a hole is an error), for a fault (inside the file
 * only, zeroed), to write (not zeroed, may lie beyond the end), for fallocate. Linux: enum sgp_type.
 */
export type SgpType = "read" | "noalloc" | "cache" | "write" | "falloc";

/** A folio, locked and referenced, or NO_PFN: for a hole (error 0) or because of -errno. */
export interface ShmemFolio {
  readonly folio: Pfn;
  readonly error: number;
}

const HOLE: ShmemFolio = { folio: NONE, error: 0 };
const failed = (error: number): ShmemFolio => ({ folio: NONE, error });

/** Orders of which the aligned range around the page lies in the area (for faults) and is empty in the cache. Linux: shmem_suitable_orders(). */
function suitableOrders(mapping: AddressSpace, vmf: VmFault | undefined, index: number, orders: number): number {
  let left = vmf === undefined ? orders : thpVmaSuitableOrders(vmf.vma, vmf.address, orders);
  while (left !== 0) {
    const nr = 2 ** highestOrder(left);
    if (rangeEmpty(mapping, index - (index % nr), nr)) break;
    left -= nr;
  }
  return left;
}

/** Store a new folio in the cache, locked. False: the file system is full. */
function addFolio(mapping: AddressSpace, folio: Pfn, index: number): boolean {
  const { sys } = mapping;
  const nr = sys.pages.folioNrPages(folio);
  if (mapping.charge !== undefined && !mapping.charge(nr)) {
    folioPut(sys, folio);
    return false;
  }
  sys.pages.set(folio, PG_LOCKED | PG_SWAPBACKED | PG_SHMEM);
  attachFolio(mapping, folio, index);
  sys.vmstat.add("nr_shmem", nr);
  if (sys.pages.folioOrder(folio) >= sys.granule.pmdOrder) sys.vmstat.inc("nr_shmem_hugepages");
  folioAddLru(sys, folio);
  return true;
}

/** A large folio around the page in the largest order that fits and can be allocated, NO_PFN if none. */
function allocAndAddLarge(mapping: AddressSpace, vmf: VmFault | undefined, index: number, allowed: number): Pfn {
  const { sys } = mapping;
  for (let orders = suitableOrders(mapping, vmf, index, allowed); orders !== 0; ) {
    const order = highestOrder(orders) as Order;
    const nr = 2 ** order;
    const folio = filemapAllocFolio(sys, order);
    if (folio !== NONE) {
      if (!addFolio(mapping, folio, index - (index % nr))) return NONE;
      if (order >= sys.granule.pmdOrder) sys.vmstat.inc("thp_file_alloc");
      sys.thp.statInc(order, "shmem_alloc");
      return folio;
    }
    if (order === sys.granule.pmdOrder) sys.vmstat.inc("thp_file_fallback");
    sys.thp.statInc(order, "shmem_fallback");
    orders -= nr;
  }
  return NONE;
}

/** shmem_inode_acct_blocks() and allocation of an order-0 folio: the folio, or -ENOMEM, -ENOSPC. */
function allocAndAddSmall(mapping: AddressSpace, index: number): ShmemFolio {
  const folio = filemapAllocFolio(mapping.sys, 0);
  if (folio === NONE) return failed(-ENOMEM);
  return addFolio(mapping, folio, index) ? { folio, error: 0 } : failed(-ENOSPC);
}

function clearFolio(sys: MemorySystem, folio: Pfn): void {
  zeroFolio(sys, folio);
  folioWritten(sys, folio, 0, sys.pages.folioNrPages(folio) - 1);
  sys.pages.set(folio, PG_UPTODATE);
}

/**
 * The folio at `index`, found or made, locked and referenced. `writeEnd`: where a write will end, bytes, 0 otherwise. With "write" a
 * new folio is not zeroed and not uptodate. Errors: -EINVAL beyond the end, -ENOENT ("noalloc" on a hole), -ENOMEM, -ENOSPC.
 */
export function shmemGetFolio(mapping: AddressSpace, index: number, writeEnd: number, sgp: SgpType, vmf?: VmFault): ShmemFolio {
  const { sys } = mapping;
  const withinSize = sgp === "read" || sgp === "noalloc" || sgp === "cache";
  if (withinSize && index >= pagesInFile(mapping)) return failed(-EINVAL);
  const present = filemapGetFolio(mapping, index);
  if (present !== NONE) {
    folioLock(sys, present);
    if (sgp === "write") folioMarkAccessed(sys, present);
    if (sys.pages.test(present, PG_UPTODATE)) return { folio: present, error: 0 };
    if (sgp !== "read") {
      if (sgp !== "write") clearFolio(sys, present);
      return { folio: present, error: 0 };
    }
    folioUnlock(sys, present);
    folioPut(sys, present);
  }
  if (sgp === "read") return HOLE;
  if (sgp === "noalloc") return failed(-ENOENT);
  const orders = shmemAllowableHugeOrders(mapping, vmf?.vma, index, writeEnd);
  let folio = orders === 0 ? NONE : allocAndAddLarge(mapping, vmf, index, orders);
  if (folio === NONE) {
    const small = allocAndAddSmall(mapping, index);
    if (small.error !== 0) return small;
    folio = small.folio;
  }
  if (sgp === "write") sys.pages.set(folio, PG_REFERENCED);
  if (sgp === "cache") clearFolio(sys, folio);
  return { folio, error: 0 };
}

/** shmem_fault(): the page of the fault, zeroed if it is new; never a major fault. */
export function shmemFault(vmf: VmFault): number {
  const { mapping } = vmf.vma.file!.inode;
  const got = shmemGetFolio(mapping!, vmf.pgoff, 0, "cache", vmf);
  if (got.error !== 0) return got.error === -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
  vmf.page = folioFilePage(mapping!.sys, got.folio, vmf.pgoff);
  return VM_FAULT_LOCKED;
}

/** vm_operations of tmpfs files that have a name. */
export const SHMEM_VM_OPS: VmOperations = { name: "shmem_vm_ops", fault: shmemFault, mapPages: filemapMapPages };
/** vm_operations of tmpfs files without a name: shared anonymous memory and memfd. The name is what vma_is_anon_shmem() looks at. */
export const SHMEM_ANON_VM_OPS: VmOperations = { name: "shmem_anon_vm_ops", fault: shmemFault, mapPages: filemapMapPages };

/** shmem_fallocate(): allocate a range (not yet zeroed, but dirty) or punch a hole. Offsets in bytes; 0 or -errno. */
export function shmemFallocate(mapping: AddressSpace, mode: number, offset: number, length: number): number {
  const { sys, inode } = mapping;
  const { pageSize } = sys.granule;
  const seals = inode.seals ?? 0;
  if ((mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE)) !== 0) return -EOPNOTSUPP;
  if ((mode & FALLOC_FL_PUNCH_HOLE) !== 0) {
    if ((seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0) return -EPERM;
    truncatePagecacheRange(mapping, offset, offset + length - 1);
    return 0;
  }
  if ((seals & F_SEAL_GROW) !== 0 && offset + length > inode.size) return -EPERM;
  const start = Math.floor(offset / pageSize);
  const end = Math.ceil((offset + length) / pageSize);
  const made: Pfn[] = [];
  for (let index = start; index < end; ) {
    const fresh = mapping.pages.get(index) === undefined;
    const got = shmemGetFolio(mapping, index, offset + length, "falloc");
    if (got.error !== 0) {
      for (const folio of made) undoFallocate(mapping, folio);
      return got.error;
    }
    const folio = got.folio;
    if (fresh && !sys.pages.test(folio, PG_UPTODATE)) made.push(folio);
    index = folioNextIndex(sys, folio);
    folioMarkDirty(sys, folio);
    folioUnlock(sys, folio);
    folioPut(sys, folio);
  }
  if ((mode & FALLOC_FL_KEEP_SIZE) === 0 && offset + length > inode.size) inode.size = offset + length;
  return 0;
}

/** A fallocate that failed leaves no folio behind that it made. Linux: shmem_undo_range(unfalloc). */
function undoFallocate(mapping: AddressSpace, folio: Pfn): void {
  const { sys } = mapping;
  folioLock(sys, folio);
  folioGet(sys, folio);
  filemapRemoveFolio(mapping, folio);
  folioUnlock(sys, folio);
  folioPut(sys, folio);
}

/**
 * An unnamed file of `size` bytes on the kernel's own tmpfs mount: shared anonymous memory ("dev/zero"), memfd ("memfd:NAME").
 * Releasing the last reference frees its memory. Linux: shmem_kernel_file_setup(). Differs: nothing is charged to the commit account.
 */
export function shmemFileSetup(sys: MemorySystem, name: string, size: number): File {
  const inode: { -readonly [K in keyof Inode]: Inode[K] } = { ino: 0, dev: SHM_MNT_DEV, mode: 0o100777, nlink: 0, uid: 0, gid: 0, size, mapping: undefined };
  const mapping = createAddressSpace(sys, inode, SHM_MNT_POLICY, undefined);
  inode.ino = mapping.id;
  return {
    inode,
    path: `/${name} (deleted)`,
    readable: true,
    writable: true,
    ra: fileRaStateInit(sys),
    advice: { random: false, noreuse: false },
    count: 1,
    release: () => {
      releaseMapping(mapping);
    },
    mmapOps: (): VmOperations => SHMEM_ANON_VM_OPS,
  };
}
