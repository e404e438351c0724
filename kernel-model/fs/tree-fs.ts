/**
 * File systems that live in host memory: directories, regular files, links, fifos and device nodes. tmpfs, the initramfs, XFS, ext4
 * and views of host directories are this one, with a folio policy and, for the latter, a host directory that lies below.
 *
 * Linux: mm/shmem.c shmem_dir_inode_operations; fs/libfs.c simple_offset_readdir(). Differs: a host directory shows through where the
 * tree has nothing of its own, as the lower layer of fs/overlayfs; objects are taken from it by name when they are first looked up, and
 * changes stay in memory unless the host directory takes them.
 */
import { ModelBug } from "../../emulator/arch/errors.js";
import { EACCES, EEXIST, EINVAL, EIO, ENOENT, ENOSPC, ENOTEMPTY, ENXIO, EOPNOTSUPP, EPERM, EXDEV } from "../errno.js";
import { F_SEAL_GROW } from "../mm/shmem.js";
import type { LowerContents } from "./backing.js";
import type { HostObject } from "./host-directory.js";
import { TreeFiles } from "./tree-file.js";
import { TreeInodes, hostSeed, type InodeSeed } from "./tree-inodes.js";
import type { TreeDirectory, TreeEntry, TreeFsOptions, TreeNode, TreeOperations, TreePlace } from "./tree-node.js";
import { TreeSpace } from "./tree-node.js";
import type { FileOperations, FileSystem, FileSystemStatistics, InodeAttributes, OpenFile, VfsInode } from "./vfs.js";
import { NAME_MAX, RENAME_EXCHANGE, RENAME_NOREPLACE, S_IFCHR, S_IFBLK, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK, S_ISGID } from "./vfs.js";

/** A memfd may not shrink. Linux: include/uapi/linux/fcntl.h. */
const F_SEAL_SHRINK = 0x0002;
/** Size of a directory of tmpfs grows by this with each name. Linux: BOGO_DIRENT_SIZE. */
const BOGO_DIRENT_SIZE = 20;
const DISK_DIRECTORY_BYTES = 4096;
const STATFS_BLOCK = 4096;

export class TreeFs implements FileSystem {
  readonly type: string;
  readonly source: string;
  readonly options: string;
  readonly dev: number;
  readonly readOnly: boolean;
  readonly volatile = false;
  readonly root: VfsInode;
  private readonly config: TreeFsOptions;
  private readonly space: TreeSpace;
  private readonly files: TreeFiles;
  private readonly inodes: TreeInodes;
  private readonly rootNode: TreeDirectory;

  constructor(options: TreeFsOptions) {
    this.config = options;
    this.type = options.type;
    this.source = options.source;
    this.options = options.options;
    this.dev = options.dev;
    this.readOnly = options.readOnly;
    this.space = new TreeSpace(options.maxBytes, options.maxInodes);
    this.files = new TreeFiles(options, this.space, (inode) => this.inodes.fileOf(inode));
    this.inodes = new TreeInodes(this, options, this.space, this.makeOperations());
    const { host } = options;
    const seed = host === undefined ? { mode: S_IFDIR | options.rootMode } : { mode: host.attributes.mode, ...hostSeed(host.attributes) };
    this.rootNode = this.inodes.makeDirectory(seed, undefined, host);
    this.root = this.rootNode.inode;
  }

  // --- building a tree from the lab -------------------------------------------

  /** The directory at `path` (below the root of this file system), made with its parents where missing. */
  addDirectory(path: string, mode = 0o755): VfsInode {
    return this.directoryAt(path, mode).inode;
  }

  /** A regular file with contents that are there from the start. Replaces what stands at `path`. */
  addFile(path: string, contents: LowerContents, mode: number): VfsInode {
    const { dir, name } = this.placeOf(path);
    return this.enter(dir, name, this.inodes.makeFile({ mode: S_IFREG | mode, size: contents.size }, contents)).inode;
  }

  /** The same in a directory of this file system. */
  addFileAt(dir: VfsInode, name: string, contents: LowerContents, mode: number): VfsInode {
    return this.enter(this.inodes.dirOf(dir), name, this.inodes.makeFile({ mode: S_IFREG | mode, size: contents.size }, contents)).inode;
  }

  addSymlink(path: string, target: string): VfsInode {
    const { dir, name } = this.placeOf(path);
    return this.enter(dir, name, this.inodes.makeLink(target)).inode;
  }

  /** A device node or fifo. `mode` with its S_IF* type. */
  addSpecial(path: string, mode: number, rdev = 0): VfsInode {
    const { dir, name } = this.placeOf(path);
    return this.enter(dir, name, this.inodes.makeSpecial({ mode, rdev })).inode;
  }

  private placeOf(path: string): TreePlace {
    const at = path.lastIndexOf("/");
    return { dir: this.directoryAt(path.slice(0, Math.max(at, 0)), 0o755), name: path.slice(at + 1) };
  }

  private directoryAt(path: string, mode: number): TreeDirectory {
    let dir = this.rootNode;
    for (const name of path.split("/").filter((part) => part !== "")) {
      const found = this.child(dir, name);
      if (found === undefined) dir = this.enter(dir, name, this.inodes.makeDirectory({ mode: S_IFDIR | mode }, dir, undefined));
      else if (found.kind === "directory") dir = found;
      else throw new ModelBug(`TreeFs: ${path}: ${name} is no directory`);
    }
    return dir;
  }

  // --- FileSystem -------------------------------------------------------------

  statistics(): FileSystemStatistics {
    const { maxBytes, usedBytes, maxInodes, inodes } = this.space;
    return {
      magic: this.config.magic,
      blockSize: this.config.policy.kind === "shmem" ? this.config.sys.granule.pageSize : STATFS_BLOCK,
      blocks: Math.floor(maxBytes / this.statBlock()),
      blocksFree: Math.floor((maxBytes - usedBytes) / this.statBlock()),
      files: maxInodes,
      filesFree: Math.max(0, maxInodes - inodes),
      nameLength: NAME_MAX,
    };
  }

  private statBlock(): number {
    return this.config.policy.kind === "shmem" ? this.config.sys.granule.pageSize : STATFS_BLOCK;
  }

  dispose(): void {
    this.files.dispose();
    this.config.host?.dispose?.();
  }

  // --- names ------------------------------------------------------------------

  /** Enter the names of the directory that lies below. */
  private list(dir: TreeDirectory): Map<string, TreeEntry> {
    if (dir.listed) return dir.entries;
    dir.listed = true;
    for (const { name, type } of dir.host!.names()) {
      if (dir.entries.has(name)) continue;
      dir.entries.set(name, { ino: this.inodes.nextIno(), type, cookie: dir.nextCookie++, node: undefined });
      if (type === S_IFDIR) dir.inode.nlink++;
    }
    return dir.entries;
  }

  /** The node called `name`; one of the host is made now if it has not been looked at before. */
  private child(dir: TreeDirectory, name: string): TreeNode | undefined {
    const entry = this.list(dir).get(name);
    if (entry === undefined || entry.node !== undefined) return entry?.node;
    const object = dir.host!.lookup(name);
    if (object === undefined) {
      this.forget(dir, name, entry);
      return undefined;
    }
    entry.node = this.inodes.adopt(object, dir, entry.ino);
    entry.node.place = { dir, name };
    return entry.node;
  }

  /** Give `node` the name; whatever had it is forgotten. Times of the directory change. */
  private enter<N extends TreeNode>(dir: TreeDirectory, name: string, node: N): N {
    const entries = this.list(dir);
    const old = entries.get(name);
    if (old !== undefined) this.forget(dir, name, old);
    const { inode } = node;
    entries.set(name, { ino: inode.ino, type: inode.mode & S_IFMT, cookie: dir.nextCookie++, node });
    if (node.kind === "directory") {
      dir.inode.nlink++;
      node.parent = dir;
    } else inode.nlink++;
    if (node.place !== undefined) node.otherPlaces = [...(node.otherPlaces ?? []), node.place];
    node.place = { dir, name };
    this.touchDirectory(dir);
    return node;
  }

  /** Take the name away; link counts of the object itself are the caller's. */
  private forget(dir: TreeDirectory, name: string, entry: TreeEntry): void {
    dir.entries.delete(name);
    const { node } = entry;
    if (node !== undefined) {
      const left = [...(node.otherPlaces ?? []), ...(node.place === undefined ? [] : [node.place])].filter((place) => place.dir !== dir || place.name !== name);
      node.place = left.pop();
      if (node.otherPlaces !== undefined) node.otherPlaces = left;
    }
    if (entry.type === S_IFDIR) dir.inode.nlink--;
    this.touchDirectory(dir);
  }

  private touchDirectory(dir: TreeDirectory): void {
    dir.inode.mtime = dir.inode.ctime = this.config.now();
  }

  /** The object may be without names and users now. */
  private dropIfUnused(inode: VfsInode): void {
    if (inode.nlink === 0 && inode.holders === 0) this.evict(inode);
  }

  private evict(inode: VfsInode): void {
    const node = this.inodes.nodeOf(inode);
    if (node.kind === "file") this.files.release(node);
    this.space.inodes--;
  }

  // --- operations -------------------------------------------------------------

  /** Set-group-ID directories hand their group on. Linux: inode_init_owner(). */
  private inherit(dir: TreeDirectory, mode: number): InodeSeed {
    if ((dir.inode.mode & S_ISGID) === 0) return { mode };
    const isDirectory = (mode & S_IFMT) === S_IFDIR;
    return { mode: isDirectory ? mode | S_ISGID : mode, uid: this.config.owner().uid, gid: dir.inode.gid };
  }

  /** Common checks before a name is made. */
  private mayCreate(dir: TreeDirectory, name: string): number {
    if (dir.inode.nlink === 0) return -ENOENT;
    if (this.child(dir, name) !== undefined) return -EEXIST;
    return this.space.inodes >= this.space.maxInodes ? -ENOSPC : 0;
  }

  /** An object that the host has just made for us, or -errno. */
  private made(dir: TreeDirectory, name: string, object: HostObject | number): VfsInode | number {
    if (typeof object === "number") return object;
    const node = this.inodes.adopt(object, dir);
    const { inode } = node;
    // Owner and times are the guest's: the host knows the lab's user and the moment of the run.
    const [inherited, owner, now] = [this.inherit(dir, inode.mode), this.config.owner(), this.config.now()];
    inode.uid = inherited.uid ?? owner.uid;
    inode.gid = inherited.gid ?? owner.gid;
    inode.atime = inode.mtime = inode.ctime = now;
    if (node.kind !== "directory") inode.nlink = 0;
    return this.enter(dir, name, node).inode;
  }

  private create(dir: TreeDirectory, name: string, mode: number): VfsInode | number {
    const error = this.mayCreate(dir, name);
    if (error < 0) return error;
    if (dir.host?.changes !== undefined) return this.made(dir, name, dir.host.changes.create(name, mode & 0o7777));
    return this.enter(dir, name, this.inodes.makeFile(this.inherit(dir, mode))).inode;
  }

  private mkdir(dir: TreeDirectory, name: string, mode: number): VfsInode | number {
    const error = this.mayCreate(dir, name);
    if (error < 0) return error;
    if (dir.host?.changes !== undefined) return this.made(dir, name, dir.host.changes.mkdir(name, mode & 0o7777));
    return this.enter(dir, name, this.inodes.makeDirectory(this.inherit(dir, S_IFDIR | (mode & 0o7777)), dir, undefined)).inode;
  }

  private mknod(dir: TreeDirectory, name: string, mode: number, rdev: number): VfsInode | number {
    const error = this.mayCreate(dir, name);
    if (error < 0) return error;
    if ((mode & S_IFMT) === S_IFREG) return this.create(dir, name, mode);
    // A device of the guest is nothing that the host could hold; fifos and sockets join processes of the guest, and stay in memory.
    if (dir.host?.changes !== undefined && (mode & S_IFMT) !== S_IFIFO && (mode & S_IFMT) !== S_IFSOCK) return -EPERM;
    return this.enter(dir, name, this.inodes.makeSpecial({ ...this.inherit(dir, mode), rdev })).inode;
  }

  private symlink(dir: TreeDirectory, name: string, target: string): VfsInode | number {
    const error = this.mayCreate(dir, name);
    if (error < 0) return error;
    if (dir.host?.changes !== undefined) {
      const result = dir.host.changes.symlink(name, target);
      if (result < 0) return result;
    }
    return this.enter(dir, name, this.inodes.makeLink(target)).inode;
  }

  private link(inode: VfsInode, dir: TreeDirectory, name: string): number {
    const node = this.inodes.nodeOf(inode);
    if (node.kind === "directory") return -EPERM;
    const error = this.mayCreate(dir, name);
    if (error < 0) return error;
    if (dir.host?.changes !== undefined && node.kind !== "special") {
      if (node.place?.dir.host === undefined) return -EXDEV;
      // A file that may be known outside of the tree gets no further names in it.
      if (node.kind === "file" && node.host?.writable !== true) return -EPERM;
      const result = node.place.dir.host.changes!.link(node.place.name, dir.host, name);
      if (result < 0) return result;
    }
    this.enter(dir, name, node);
    inode.ctime = this.config.now();
    return 0;
  }

  private unlink(dir: TreeDirectory, name: string, inode: VfsInode): number {
    const entry = this.list(dir).get(name);
    if (entry === undefined) return -ENOENT;
    if (dir.host?.changes !== undefined && entry.node?.kind !== "special") {
      const result = dir.host.changes.remove(name, false);
      if (result < 0) return result;
    }
    this.forget(dir, name, entry);
    this.loseName(inode);
    return 0;
  }

  private loseName(inode: VfsInode): void {
    inode.nlink--;
    inode.ctime = this.config.now();
    this.dropIfUnused(inode);
  }

  private rmdir(dir: TreeDirectory, name: string, inode: VfsInode): number {
    const node = this.inodes.dirOf(inode);
    const entry = this.list(dir).get(name);
    if (entry === undefined) return -ENOENT;
    if (this.list(node).size > 0) return -ENOTEMPTY;
    if (dir.host?.changes !== undefined) {
      const result = dir.host.changes.remove(name, true);
      if (result < 0) return result;
    }
    this.forget(dir, name, entry);
    inode.nlink = 0;
    inode.ctime = this.config.now();
    this.dropIfUnused(inode);
    return 0;
  }

  private rename(oldDir: TreeDirectory, oldName: string, newDir: TreeDirectory, newName: string, flags: number): number {
    const node = this.child(oldDir, oldName);
    if (node === undefined) return -ENOENT;
    const target = this.child(newDir, newName);
    if (newDir.inode.nlink === 0) return -ENOENT;
    if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) !== 0) return -EINVAL;
    if (target !== undefined && (flags & RENAME_NOREPLACE) !== 0) return -EEXIST;
    const changes = oldDir.host?.changes;
    if ((flags & RENAME_EXCHANGE) !== 0) {
      if (target === undefined) return -ENOENT;
      if (changes !== undefined || newDir.host?.changes !== undefined) return -EINVAL;
      this.exchange(oldDir, oldName, node, newDir, newName, target);
      return 0;
    }
    if (target?.kind === "directory" && this.list(target).size > 0) return -ENOTEMPTY;
    if (node.kind === "special") {
      const result = target === undefined || target.kind === "special" ? 0 : (newDir.host?.changes?.remove(newName, false) ?? 0);
      if (result < 0) return result;
    } else if (changes !== undefined || newDir.host?.changes !== undefined) {
      // Directories made in memory below a written-through one do not exist, so both ends are of the host or neither.
      if (changes === undefined || newDir.host === undefined) return -EXDEV;
      const result = changes.rename(oldName, newDir.host, newName);
      if (result < 0) return result;
    }
    if (target !== undefined) {
      this.forget(newDir, newName, newDir.entries.get(newName)!);
      if (target.kind === "directory") {
        target.inode.nlink = 0;
        this.dropIfUnused(target.inode);
      } else this.loseName(target.inode);
    }
    this.forget(oldDir, oldName, oldDir.entries.get(oldName)!);
    if (node.kind !== "directory") node.inode.nlink--;
    this.enter(newDir, newName, node);
    node.inode.ctime = this.config.now();
    return 0;
  }

  private exchange(oldDir: TreeDirectory, oldName: string, node: TreeNode, newDir: TreeDirectory, newName: string, target: TreeNode): void {
    this.forget(oldDir, oldName, oldDir.entries.get(oldName)!);
    this.forget(newDir, newName, newDir.entries.get(newName)!);
    for (const moved of [node, target]) if (moved.kind !== "directory") moved.inode.nlink--;
    this.enter(newDir, newName, node);
    this.enter(oldDir, oldName, target);
    node.inode.ctime = target.inode.ctime = this.config.now();
  }

  private setAttributes(inode: VfsInode, wanted: InodeAttributes): number {
    const node = this.inodes.nodeOf(inode);
    const changes = node.place?.dir.host?.changes;
    const named = changes !== undefined && node.kind !== "special" && inode.nlink > 0 ? node.place!.name : undefined;
    if (wanted.size !== undefined) {
      if (node.kind !== "file") return -EINVAL;
      const seals = inode.seals ?? 0;
      if ((wanted.size < inode.size && (seals & F_SEAL_SHRINK) !== 0) || (wanted.size > inode.size && (seals & F_SEAL_GROW) !== 0)) return -EPERM;
      const error = this.files.truncate(node, wanted.size);
      if (error < 0) return error;
    }
    if (wanted.mode !== undefined) {
      const error = named === undefined ? 0 : changes!.setMode(named, wanted.mode & 0o7777);
      if (error < 0) return error;
      inode.mode = (inode.mode & S_IFMT) | (wanted.mode & 0o7777);
    }
    if (wanted.uid !== undefined) inode.uid = wanted.uid;
    if (wanted.gid !== undefined) inode.gid = wanted.gid;
    if (wanted.atime !== undefined || wanted.mtime !== undefined) {
      const error = named === undefined ? 0 : changes!.setTimes(named, wanted.atime ?? inode.atime, wanted.mtime ?? inode.mtime);
      if (error < 0) return error;
    }
    if (wanted.atime !== undefined) inode.atime = wanted.atime;
    if (wanted.mtime !== undefined) inode.mtime = wanted.mtime;
    inode.ctime = this.config.now();
    return 0;
  }

  private getAttributes(inode: VfsInode): void {
    const node = this.inodes.nodeOf(inode);
    if (node.kind === "file") inode.blocks = this.files.blocks(node);
    else if (node.kind === "directory") {
      const { size } = this.list(node);
      inode.size = this.config.policy.kind === "shmem" ? size * BOGO_DIRENT_SIZE : DISK_DIRECTORY_BYTES;
      inode.blocks = this.config.policy.kind === "shmem" ? 0 : DISK_DIRECTORY_BYTES / 512;
    }
  }

  private readonly directoryFile: FileOperations = {
    seekable: true,
    iterate: (file, offset, emit) => {
      const dir = this.inodes.dirOf(file.inode);
      if (dir.inode.nlink === 0) return -ENOENT;
      if (offset <= 0 && !emit({ name: ".", ino: dir.inode.ino, type: S_IFDIR, next: 1 })) return 0;
      if (offset <= 1 && !emit({ name: "..", ino: dir.parent.inode.ino, type: S_IFDIR, next: 2 })) return 0;
      for (const [name, { ino, type, cookie }] of this.list(dir)) {
        if (cookie >= offset && !emit({ name, ino, type, next: cookie + 1 })) break;
      }
      return 0;
    },
    fsync: () => 0,
  };

  private makeOperations(): TreeOperations {
    const attributes = {
      setAttributes: (inode: VfsInode, wanted: InodeAttributes) => this.setAttributes(inode, wanted),
      getAttributes: (inode: VfsInode) => {
        this.getAttributes(inode);
      },
      evict: (inode: VfsInode) => {
        this.evict(inode);
      },
    };
    return {
      directory: {
        ...attributes,
        lookup: (dir, name) => this.child(this.inodes.dirOf(dir), name)?.inode ?? -ENOENT,
        create: (dir, name, mode) => this.create(this.inodes.dirOf(dir), name, mode),
        mkdir: (dir, name, mode) => this.mkdir(this.inodes.dirOf(dir), name, mode),
        mknod: (dir, name, mode, rdev) => this.mknod(this.inodes.dirOf(dir), name, mode, rdev),
        symlink: (dir, name, target) => this.symlink(this.inodes.dirOf(dir), name, target),
        link: (inode, dir, name) => this.link(inode, this.inodes.dirOf(dir), name),
        unlink: (dir, name, inode) => this.unlink(this.inodes.dirOf(dir), name, inode),
        rmdir: (dir, name, inode) => this.rmdir(this.inodes.dirOf(dir), name, inode),
        rename: (oldDir, oldName, newDir, newName, flags) => this.rename(this.inodes.dirOf(oldDir), oldName, this.inodes.dirOf(newDir), newName, flags),
        tmpfile: (dir, mode) => {
          if (this.inodes.dirOf(dir).host?.changes !== undefined) return -EOPNOTSUPP;
          return this.space.inodes >= this.space.maxInodes ? -ENOSPC : this.inodes.makeFile(this.inherit(this.inodes.dirOf(dir), mode)).inode;
        },
        open: () => this.directoryFile,
      },
      file: {
        ...attributes,
        open: (inode, file) => {
          const node = this.inodes.fileOf(inode);
          if (node.host?.readable === false && file.readable) return -EACCES;
          if (node.host?.writable === false && file.writable) return -EPERM;
          this.files.mapping(node);
          return this.files.operations;
        },
      },
      link: {
        ...attributes,
        readlink: (inode) => {
          const node = this.inodes.nodeOf(inode);
          return node.kind === "link" ? node.target : -EINVAL;
        },
        open: () => -EIO,
      },
      special: {
        ...attributes,
        open: (inode, file) => this.openSpecial(inode, file),
      },
    };
  }

  private openSpecial(inode: VfsInode, file: OpenFile): FileOperations | number {
    const { special } = this.config;
    switch (inode.mode & S_IFMT) {
      case S_IFIFO:
        return special.openFifo(file);
      case S_IFCHR:
      case S_IFBLK:
        return special.openDevice(file, inode.rdev);
      default:
        return -ENXIO;
    }
  }
}
