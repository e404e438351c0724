/**
 * The objects that mm and the file systems share: inode, open file, and address_space (the page cache of one inode).
 *
 * Linux: include/linux/fs.h struct inode, file, file_ra_state, address_space.
 */
import type { Pfn } from "../../emulator/arch/addr.js";
import type { MemorySystem } from "../mm/memory-system.js";
import type { Vma, VmOperations } from "../mm/vma.js";

/** How a file system uses folios: all that mm/filemap, readahead and shmem need to know of it. */
export interface FolioPolicy {
  readonly name: string;
  /** "shmem": swap-backed, pages born by faults and writes (tmpfs, shared anonymous). "pagecache": filled by reads from a backing. */
  readonly kind: "shmem" | "pagecache";
  /** mapping_set_large_folios(): folios above order 0 in the page cache (XFS, EROFS, AFS: true; ext4 in 6.12: false). */
  readonly largeFolios: boolean;
  /** Block size below the page size does not matter here; page_mkwrite of the file system exists (XFS, ext4). */
  readonly pageMkwrite: boolean;
  /** The file system has map_pages (fault-around): filemap_map_pages. */
  readonly mapPages: boolean;
  /** Writes may create large folios (iomap with large folios: XFS). */
  readonly largeWriteFolios: boolean;
  /** f_op->get_unmapped_area is thp_get_unmapped_area: mappings are placed congruent to PMD_SIZE (XFS, ext4, EROFS, btrfs; not AFS). */
  readonly thpPlacement: boolean;
  /** tmpfs mount option huge=. */
  readonly huge: "never" | "always" | "within_size" | "advise";
}

/** Where the bytes of a page-cache file come from and go to. */
export interface Backing {
  /** Fill `into` with the file's bytes at `offset`; beyond the end: zeros. */
  read(offset: number, into: Uint8Array): void;
  /** Write back. Only for files that may be written. */
  write(offset: number, from: Uint8Array): void;
  /** The file now ends at `size`: what lay behind reads as zeros from now on. Required of files that can be truncated. */
  truncate?(size: number): void;
  /** The range became a hole and reads as zeros. Required of files in which holes can be punched. */
  punchHole?(offset: number, length: number): void;
}

/** Which pages of a shmem file are in memory although no one has looked at them yet: made real at the first look-up. */
export interface ResidentPages {
  /** Pages from this index on do not come from the backing (any more). */
  limit: number;
  /** Indexes below `limit` whose contents were truncated or punched away, or that were made real already. */
  readonly taken: Set<number>;
  /** drop_caches came by: pages made real from now on carry PG_reclaim, as the others do. */
  reclaim: boolean;
}

/** The page cache of one inode. `pages` holds the head pfn of the folio at each page index it covers. */
export interface AddressSpace {
  /** Identifier stored in Pages.mapping. */
  readonly id: number;
  readonly sys: MemorySystem;
  readonly inode: Inode;
  readonly policy: FolioPolicy;
  /** undefined for shmem, except for the initramfs, whose contents came with the machine. */
  readonly backing: Backing | undefined;
  /** Only where shmem has a backing. */
  readonly resident: ResidentPages | undefined;
  /** index (pages) -> head pfn of the folio that covers it. */
  readonly pages: Map<number, Pfn>;
  /** Areas that map this file (i_mmap), for truncation, rmap and sharing. Written by mmap.ts. */
  readonly mmaps: Set<Vma>;
  /** Number of pages in `pages` (nrpages). */
  nrPages: number;
  /** Indexes tagged dirty (PAGECACHE_TAG_DIRTY), by folio head index. */
  readonly dirty: Set<number>;
  /**
   * Takes `nrPages` from the file system's space (negative: gives back); false: none left, ENOSPC. Set by tmpfs mounts with a size.
   * Linux: mm/shmem.c shmem_inode_acct_blocks().
   */
  charge?: (nrPages: number) => boolean;
  /** Head index of a folio that is not uptodate -> one byte per file system block that is. Linux: struct iomap_folio_state. */
  readonly blocks: Map<number, Uint8Array>;
}

export interface Inode {
  readonly ino: number;
  /** st_dev of its file system. */
  readonly dev: number;
  /** File type and permission bits, as st_mode. */
  mode: number;
  nlink: number;
  uid: number;
  gid: number;
  /** i_size, bytes. */
  size: number;
  /** Page cache; undefined for what has none (pipes, devices, procfs). */
  mapping: AddressSpace | undefined;
  /** F_SEAL_* bits of a memfd; undefined: cannot be sealed. */
  seals?: number;
}

/** Readahead state of one open file. Linux: struct file_ra_state. Units: pages. */
export interface FileRaState {
  start: number;
  size: number;
  asyncSize: number;
  raPages: number;
  mmapMiss: number;
  prevPos: number;
}

/** FMODE_RANDOM and relatives, set by posix_fadvise. */
export interface FileAdvice {
  random: boolean;
  noreuse: boolean;
}

/** One open file description, as far as mm needs it; fs/vfs.ts extends the record with positions and operations. */
export interface File {
  readonly inode: Inode;
  /** Path as the guest opened it, for /proc/PID/maps. */
  readonly path: string;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly ra: FileRaState;
  readonly advice: FileAdvice;
  /** References: descriptors, areas, page-table walks in progress. The description is released at 0. */
  count: number;
  /** Called when `count` reaches 0. */
  release(): void;
  /** /dev/zero: a private mapping is anonymous memory, a shared one is shared anonymous memory of its own. Linux: mmap_zero(). */
  mapsZero?: boolean;
  /** vm_operations for a mapping of this file, or undefined if it cannot be mapped (ENODEV). */
  mmapOps(vma: { readonly flags: number }): VmOperations | undefined;
}
