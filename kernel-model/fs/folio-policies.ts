/**
 * How each file system uses folios in 6.12, as records: the page cache asks these and nothing else of a file system.
 *
 * Linux: mm/shmem.c __shmem_get_inode(), shmem_parse_huge(); fs/xfs/xfs_iops.c xfs_setup_inode(), fs/xfs/xfs_file.c xfs_file_vm_ops;
 * fs/ext4/file.c ext4_file_vm_ops; fs/erofs/inode.c, fs/erofs/data.c; fs/afs/inode.c, fs/afs/file.c.
 */
import type { FolioPolicy } from "./file.js";

const SHMEM = { kind: "shmem", largeFolios: true, pageMkwrite: false, mapPages: true, largeWriteFolios: false, thpPlacement: false } as const;

/** tmpfs by its mount option huge=. Folios above order 0 have PMD order; writes use the same rule as faults. */
export const TMPFS_POLICIES: Readonly<Record<FolioPolicy["huge"], FolioPolicy>> = {
  never: { name: "tmpfs", ...SHMEM, huge: "never" },
  always: { name: "tmpfs", ...SHMEM, huge: "always" },
  within_size: { name: "tmpfs", ...SHMEM, huge: "within_size" },
  advise: { name: "tmpfs", ...SHMEM, huge: "advise" },
};

/** The kernel's own tmpfs mount: shared anonymous memory, memfd, System V shared memory. */
export const SHM_MNT_POLICY: FolioPolicy = { name: "shm_mnt", ...SHMEM, huge: "never" };

/** rootfs: a tmpfs without huge pages that holds the initramfs, wholly in memory. */
export const INITRAMFS_POLICY: FolioPolicy = { name: "initramfs", ...SHMEM, huge: "never" };

/** XFS: large folios for readahead and for writes, up to the largest order of the page cache. */
export const XFS_POLICY: FolioPolicy = {
  name: "xfs",
  kind: "pagecache",
  largeFolios: true,
  pageMkwrite: true,
  mapPages: true,
  largeWriteFolios: true,
  thpPlacement: true,
  huge: "never",
};

/** ext4: order 0 only before 6.16. */
export const EXT4_POLICY: FolioPolicy = {
  name: "ext4",
  kind: "pagecache",
  largeFolios: false,
  pageMkwrite: true,
  mapPages: true,
  largeWriteFolios: false,
  thpPlacement: true,
  huge: "never",
};

/** EROFS: read-only, large folios for readahead. */
export const EROFS_POLICY: FolioPolicy = {
  name: "erofs",
  kind: "pagecache",
  largeFolios: true,
  pageMkwrite: true,
  mapPages: true,
  largeWriteFolios: false,
  thpPlacement: true,
  huge: "never",
};

/** AFS: large folios for readahead and writes, no PMD placement of mappings. */
export const AFS_POLICY: FolioPolicy = {
  name: "afs",
  kind: "pagecache",
  largeFolios: true,
  pageMkwrite: true,
  mapPages: true,
  largeWriteFolios: true,
  thpPlacement: false,
  huge: "never",
};
