/**
 * Regular files of an in-memory file system: their data is in the page cache.
 *
 * Linux: mm/shmem.c shmem_file_operations; fs/xfs/xfs_file.c, fs/ext4/file.c, mm/filemap.c generic_file_read_iter(),
 * generic_file_write_iter(); fs/inode.c touch_atime(), file_update_time().
 */
import { EFBIG, ENOSPC, ENXIO, EOPNOTSUPP } from "../errno.js";
import { genericFadvise } from "../mm/fadvise.js";
import { mappingSeekHoleData, pageCacheRead, pageCacheWrite } from "../mm/filemap-io.js";
import { filemapWriteAndWait } from "../mm/page-writeback.js";
import { shmemMapping } from "../mm/pagemap.js";
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, shmemFallocate } from "../mm/shmem.js";
import { truncatePagecacheRange, truncateSetsize } from "../mm/truncate.js";
import { vmOpsFor } from "../mm/vm-operations.js";
import { VM_FAULT_SIGBUS, type VmOperations } from "../mm/vma.js";
import { createAddressSpace, releaseMapping } from "./address-space.js";
import { createBacking } from "./backing.js";
import type { AddressSpace } from "./file.js";
import type { TreeFile, TreeFsOptions, TreeSpace } from "./tree-node.js";
import { SPACE_UNIT } from "./tree-node.js";
import type { FileOperations, OpenFile, Timespec, VfsInode } from "./vfs.js";
import { MAX_LFS_FILESIZE, O_DSYNC, O_NOATIME, SEEK_DATA, SEEK_HOLE, genericSeek } from "./vfs.js";

/** Mode of fallocate that shmem has not. Linux: include/uapi/linux/falloc.h. */
const FALLOC_FL_ZERO_RANGE = 0x10;

const DAY_SECONDS = 86_400;
const SECTOR_BYTES = 512;

const notAfter = (a: Timespec, b: Timespec): boolean => a.seconds < b.seconds || (a.seconds === b.seconds && a.nanoseconds <= b.nanoseconds);

/** What the regular files of one file system share. */
export class TreeFiles {
  readonly operations: FileOperations;
  private readonly options: TreeFsOptions;
  private readonly space: TreeSpace;
  private readonly nodeOf: (inode: VfsInode) => TreeFile;
  /** Nodes that have a page cache. */
  private readonly cached = new Set<TreeFile>();
  private readonly vmOps = new Map<VmOperations, VmOperations>();

  constructor(options: TreeFsOptions, space: TreeSpace, nodeOf: (inode: VfsInode) => TreeFile) {
    this.options = options;
    this.space = space;
    this.nodeOf = nodeOf;
    this.operations = this.makeOperations();
  }

  /** The page cache of a file, made when the file is first used. */
  mapping(node: TreeFile): AddressSpace {
    const { inode } = node;
    if (inode.mapping !== undefined) return inode.mapping;
    const { sys, policy } = this.options;
    const shmem = policy.kind === "shmem";
    const backing = node.host?.store ?? (shmem && node.lower === undefined ? undefined : createBacking(node.lower));
    const mapping = createAddressSpace(sys, inode, policy, backing);
    if (shmem) {
      // Pages that came with the machine were never charged, and give nothing back.
      let charged = 0;
      mapping.charge = (pages) => {
        const change = Math.max(pages, -charged);
        if (!this.space.charge(change * sys.granule.pageSize)) return false;
        charged += change;
        return true;
      };
    }
    this.cached.add(node);
    return mapping;
  }

  /** Drop the page cache, dirty or not, and give the space back. */
  release(node: TreeFile): void {
    if (node.inode.mapping !== undefined) releaseMapping(node.inode.mapping);
    this.space.charge(-node.charged.size * SPACE_UNIT);
    node.charged.clear();
    this.cached.delete(node);
    node.host?.idle?.();
  }

  /** Write back what is dirty, then drop every page cache. */
  dispose(): void {
    for (const node of [...this.cached]) {
      if (node.host?.store !== undefined && node.inode.mapping !== undefined && node.inode.nlink > 0) filemapWriteAndWait(node.inode.mapping);
      this.release(node);
    }
  }

  /** Set the size: -EFBIG or 0. */
  truncate(node: TreeFile, size: number): number {
    if (size > MAX_LFS_FILESIZE) return -EFBIG;
    truncateSetsize(this.mapping(node), size);
    node.host?.store?.truncate(size);
    for (const unit of node.charged) if (unit * SPACE_UNIT >= size) this.uncharge(node, unit);
    node.inode.mtime = node.inode.ctime = this.options.now();
    return 0;
  }

  /** 512-byte units in use. */
  blocks({ inode, lower }: TreeFile): number {
    const { pageSize } = this.options.sys.granule;
    if (this.options.policy.kind === "pagecache") return Math.ceil(inode.size / pageSize) * (pageSize / SECTOR_BYTES);
    const pages = lower === undefined ? (inode.mapping?.nrPages ?? 0) : Math.max(Math.ceil(lower.size / pageSize), inode.mapping?.nrPages ?? 0);
    return pages * (pageSize / SECTOR_BYTES);
  }

  /** Reserve disk space for bytes that will be written; the number of them for which there is space. */
  private reserve(node: TreeFile, offset: number, length: number): number {
    if (this.options.policy.kind === "shmem") return length;
    for (let unit = Math.floor(offset / SPACE_UNIT); unit * SPACE_UNIT < offset + length; unit++) {
      if (node.charged.has(unit)) continue;
      if (!this.space.charge(SPACE_UNIT)) return Math.max(0, unit * SPACE_UNIT - offset);
      node.charged.add(unit);
    }
    return length;
  }

  private uncharge(node: TreeFile, unit: number): void {
    node.charged.delete(unit);
    this.space.charge(-SPACE_UNIT);
  }

  /** vm_operations of this file system: those of its policy, with space reserved before a shared mapping writes. */
  private mmapOps(mapping: AddressSpace): VmOperations {
    const plain = vmOpsFor(mapping);
    const { pageMkwrite } = plain;
    if (pageMkwrite === undefined) return plain;
    let ops = this.vmOps.get(plain);
    if (ops === undefined) {
      const { pageSize } = this.options.sys.granule;
      ops = {
        ...plain,
        pageMkwrite: (vmf) => {
          const node = this.nodeOf(vmf.vma.file!.inode as VfsInode);
          return this.reserve(node, vmf.pgoff * pageSize, pageSize) < pageSize ? VM_FAULT_SIGBUS : pageMkwrite(vmf);
        },
      };
      this.vmOps.set(plain, ops);
    }
    return ops;
  }

  private makeOperations(): FileOperations {
    const { now } = this.options;
    const mappingOf = (file: OpenFile): AddressSpace => this.mapping(this.nodeOf(file.inode));
    return {
      seekable: true,
      read: (file, into, offset) => {
        const { inode } = file;
        mappingOf(file);
        const count = pageCacheRead(file, offset, into);
        if ((file.flags & O_NOATIME) === 0 && count >= 0) this.touchAtime(inode);
        return count;
      },
      write: (file, from, offset) => {
        const { inode } = file;
        if (from.length === 0) return 0;
        if (offset + from.length > MAX_LFS_FILESIZE) return -EFBIG;
        const mapping = mappingOf(file);
        const room = this.reserve(this.nodeOf(inode), offset, from.length);
        if (room === 0) return -ENOSPC;
        const count = pageCacheWrite(file, offset, room < from.length ? from.subarray(0, room) : from);
        if (count > 0) {
          inode.mtime = inode.ctime = now();
          if ((file.flags & O_DSYNC) !== 0) filemapWriteAndWait(mapping);
        }
        return count;
      },
      seek: (file, offset, whence) => {
        if (whence !== SEEK_DATA && whence !== SEEK_HOLE) return genericSeek(file, offset, whence);
        const mapping = mappingOf(file);
        if (shmemMapping(mapping)) return mappingSeekHoleData(mapping, offset, whence === SEEK_DATA);
        // Without a record of holes, a file is data from end to end.
        if (offset < 0 || offset >= file.inode.size) return -ENXIO;
        return whence === SEEK_DATA ? offset : file.inode.size;
      },
      mmapOps: (file) => this.mmapOps(mappingOf(file)),
      fsync: (file) => {
        filemapWriteAndWait(mappingOf(file));
        return 0;
      },
      fallocate: (file, mode, offset, length) => this.fallocate(this.nodeOf(file.inode), mode, offset, length),
      fadvise: (file, offset, length, advice) => {
        mappingOf(file);
        return genericFadvise(file, offset, length, advice);
      },
      release: (file) => {
        const node = this.nodeOf(file.inode);
        // The last description of a host file: what was written becomes visible to the host now.
        if (node.host === undefined || node.inode.holders > 1) return;
        if (node.host.store !== undefined && node.inode.mapping !== undefined && node.inode.nlink > 0) filemapWriteAndWait(node.inode.mapping);
        node.host.idle?.();
      },
    };
  }

  /** Access times change as on a mount with relatime. Linux: relatime_need_update(). */
  private touchAtime(inode: VfsInode): void {
    const now = this.options.now();
    if (notAfter(inode.atime, inode.mtime) || notAfter(inode.atime, inode.ctime) || now.seconds - inode.atime.seconds >= DAY_SECONDS) inode.atime = now;
  }

  private fallocate(node: TreeFile, mode: number, offset: number, length: number): number {
    const mapping = this.mapping(node);
    const { inode } = node;
    if (shmemMapping(mapping)) {
      const error = shmemFallocate(mapping, mode, offset, length);
      if (error === 0) inode.mtime = inode.ctime = this.options.now();
      return error;
    }
    if ((mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) !== 0) return -EOPNOTSUPP;
    const keepSize = (mode & FALLOC_FL_KEEP_SIZE) !== 0;
    const empties = (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) !== 0;
    if ((mode & FALLOC_FL_PUNCH_HOLE) === 0) {
      const before = new Set(node.charged);
      if (this.reserve(node, offset, length) < length) {
        for (const unit of node.charged) if (!before.has(unit)) this.uncharge(node, unit);
        return -ENOSPC;
      }
    }
    if (empties) truncatePagecacheRange(mapping, offset, offset + length - 1);
    if ((mode & FALLOC_FL_PUNCH_HOLE) === 0 && !keepSize && offset + length > inode.size) this.truncate(node, offset + length);
    inode.mtime = inode.ctime = this.options.now();
    return 0;
  }
}

