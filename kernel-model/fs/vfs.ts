/**
 * The virtual file system: what a file system provides, and the objects between a path and its bytes.
 *
 * Linux: include/linux/fs.h struct super_block, inode_operations, file_operations; include/linux/dcache.h; include/linux/mount.h.
 *
 * No operation here sleeps. One that would have to wait returns -EAGAIN; the system call then waits on the file's wait queue and asks
 * again, unless the file is O_NONBLOCK. Names and paths are byte strings (kernel/byte-string.ts). Results are values: a count, an
 * offset or an object on success, -errno on failure.
 */
import type { Va } from "../../emulator/arch/addr.js";
import type { Vma, VmOperations } from "../mm/vma.js";
import type { WaitQueue } from "../kernel/wait-queue.js";
import type { File, Inode } from "./file.js";
import type { FileLocks } from "./locks.js";
import { EINVAL, ETXTBSY } from "../errno.js";

/* File types in st_mode. Linux: include/uapi/linux/stat.h. */
export const S_IFMT = 0o170000;
export const S_IFSOCK = 0o140000;
export const S_IFLNK = 0o120000;
export const S_IFREG = 0o100000;
export const S_IFBLK = 0o060000;
export const S_IFDIR = 0o040000;
export const S_IFCHR = 0o020000;
export const S_IFIFO = 0o010000;
export const S_ISUID = 0o4000;
export const S_ISGID = 0o2000;
export const S_ISVTX = 0o1000;

export const isDirectory = (inode: Inode): boolean => (inode.mode & S_IFMT) === S_IFDIR;
export const isRegular = (inode: Inode): boolean => (inode.mode & S_IFMT) === S_IFREG;
export const isSymlink = (inode: Inode): boolean => (inode.mode & S_IFMT) === S_IFLNK;

/* Flags of open. Linux: arch/arm64/include/uapi/asm/fcntl.h, include/uapi/asm-generic/fcntl.h. */
export const O_ACCMODE = 0o3;
export const O_RDONLY = 0o0;
export const O_WRONLY = 0o1;
export const O_RDWR = 0o2;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_NOCTTY = 0o400;
export const O_TRUNC = 0o1000;
export const O_APPEND = 0o2000;
export const O_NONBLOCK = 0o4000;
export const O_DSYNC = 0o10000;
export const O_ASYNC = 0o20000;
export const O_DIRECTORY = 0o40000;
export const O_NOFOLLOW = 0o100000;
export const O_DIRECT = 0o200000;
export const O_LARGEFILE = 0o400000;
export const O_NOATIME = 0o1000000;
export const O_CLOEXEC = 0o2000000;
export const O_SYNC = 0o4010000;
export const O_PATH = 0o10000000;
export const O_TMPFILE = 0o20040000;

/* Readiness, as poll() and epoll report it. Linux: include/uapi/linux/eventpoll.h. */
export const POLLIN = 0x1;
export const POLLPRI = 0x2;
export const POLLOUT = 0x4;
export const POLLERR = 0x8;
export const POLLHUP = 0x10;
export const POLLNVAL = 0x20;
export const POLLRDNORM = 0x40;
export const POLLWRNORM = 0x100;
export const POLLRDHUP = 0x2000;

export const SEEK_SET = 0;
export const SEEK_CUR = 1;
export const SEEK_END = 2;
export const SEEK_DATA = 3;
export const SEEK_HOLE = 4;

/* Linux: include/uapi/linux/fcntl.h. */
export const RENAME_NOREPLACE = 1;
export const RENAME_EXCHANGE = 2;
export const RENAME_WHITEOUT = 4;

/** Longest path with its final zero, longest name. Linux: include/uapi/linux/limits.h. */
export const PATH_MAX = 4096;
export const NAME_MAX = 255;
/** Largest file offset (loff_t) that the model handles: exact in a double. */
export const MAX_LFS_FILESIZE = 2 ** 53 - 1;

/** Nanoseconds since the epoch, as seconds and rest: exact in doubles. */
export interface Timespec {
  readonly seconds: number;
  readonly nanoseconds: number;
}

export interface VfsInode extends Inode {
  readonly fs: FileSystem;
  readonly ops: InodeOperations;
  /** Device number of a character or block device; 0 otherwise. */
  readonly rdev: number;
  atime: Timespec;
  mtime: Timespec;
  ctime: Timespec;
  /** 512-byte units allocated. */
  blocks: number;
  /** Open descriptions, O_PATH included. At 0 with no name left the inode is evicted. Written by openInode(). */
  holders: number;
  /** Descriptions open for writing; negative: programs that run from the file, which forbid it. Absent: 0. Linux: i_writecount. */
  writeCount?: number;
  /** Advisory locks; undefined until the first one. Linux: i_flctx. */
  locks?: FileLocks;
}

/** What statfs reports; sizes in blocks of `blockSize` bytes. */
export interface FileSystemStatistics {
  /** f_type magic. */
  readonly magic: number;
  readonly blockSize: number;
  readonly blocks: number;
  readonly blocksFree: number;
  readonly files: number;
  readonly filesFree: number;
  readonly nameLength: number;
}

/** A mounted instance of a file system type. Linux: struct super_block. */
export interface FileSystem {
  /** Type as shown in /proc/mounts. */
  readonly type: string;
  /** Source as shown in /proc/mounts. */
  readonly source: string;
  /** Options as shown in /proc/mounts, without ro or rw. */
  readonly options: string;
  /** st_dev of its inodes. */
  readonly dev: number;
  readonly root: VfsInode;
  readonly readOnly: boolean;
  /** Answers may change between two look-ups of the same name (procfs): dentries are not kept. */
  readonly volatile: boolean;
  statistics(): FileSystemStatistics;
  /** Drop every cached page and object; at shutdown, when no task and no open file is left. */
  dispose(): void;
}

/** Changes asked for by chmod, chown, truncate and utimensat. Absent: unchanged. */
export interface InodeAttributes {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: number;
  readonly atime?: Timespec;
  readonly mtime?: Timespec;
}

/** Operations on inodes. An absent operation fails with the errno that Linux's VFS gives for it. */
export interface InodeOperations {
  /** Child `name` of a directory, or -ENOENT. */
  lookup?(dir: VfsInode, name: string): VfsInode | number;
  create?(dir: VfsInode, name: string, mode: number): VfsInode | number;
  mkdir?(dir: VfsInode, name: string, mode: number): VfsInode | number;
  mknod?(dir: VfsInode, name: string, mode: number, rdev: number): VfsInode | number;
  symlink?(dir: VfsInode, name: string, target: string): VfsInode | number;
  link?(inode: VfsInode, dir: VfsInode, name: string): number;
  unlink?(dir: VfsInode, name: string, inode: VfsInode): number;
  rmdir?(dir: VfsInode, name: string, inode: VfsInode): number;
  /** RENAME_* flags; `target` is the inode that stands at the new name, if any. */
  rename?(oldDir: VfsInode, oldName: string, newDir: VfsInode, newName: string, flags: number): number;
  /** An unnamed regular file in this directory (O_TMPFILE). */
  tmpfile?(dir: VfsInode, mode: number): VfsInode | number;
  readlink?(inode: VfsInode): string | number;
  /** A magic link (/proc/PID/fd/N, exe, cwd, root): leads to an object, not to a name. undefined: an ordinary link after all. */
  followLink?(inode: VfsInode): Path | number | undefined;
  setAttributes?(inode: VfsInode, attributes: InodeAttributes): number;
  /** Bring size, times and counts up to date before stat reads them. */
  getAttributes?(inode: VfsInode): void;
  /** Open: the operations of the new description, or -errno. `file.privateData` is the operations' own. */
  open(inode: VfsInode, file: OpenFile): FileOperations | number;
  getxattr?(inode: VfsInode, name: string): Uint8Array | number;
  listxattr?(inode: VfsInode): readonly string[] | number;
  /** The last name and the last open description are gone: free what the inode holds. Called by openInode's release, and by unlink itself. */
  evict?(inode: VfsInode): void;
}

/** One name in a directory, as getdents reports it. */
export interface DirectoryEntry {
  readonly name: string;
  readonly ino: number;
  /** File type bits of the mode (S_IF*). */
  readonly type: number;
  /** Offset at which the entry behind this one starts. */
  readonly next: number;
}

/** Access to the memory of the calling task, for operations that get a user address (ioctl). Implemented by uaccess. */
export interface UserMemory {
  /** Copy `length` bytes from user address `from`; the bytes, or -EFAULT. */
  read(from: Va, length: number): Uint8Array | number;
  /** Copy to user address `to`; 0 or -EFAULT. */
  write(to: Va, bytes: Uint8Array): number;
}

/** Operations on open files. An absent operation fails with the errno that Linux's VFS gives for it. */
export interface FileOperations {
  /** False: a stream without positions (pipe, terminal, socket): lseek, pread and pwrite fail with ESPIPE. */
  readonly seekable: boolean;
  /** Read at `offset` (ignored by streams) into `into`; bytes read, 0 at the end, -EAGAIN if nothing is there yet. */
  read?(file: OpenFile, into: Uint8Array, offset: number): number;
  /** Write at `offset`; bytes written, -EAGAIN if there is no room yet. O_APPEND is resolved by the caller of write. */
  write?(file: OpenFile, from: Uint8Array, offset: number): number;
  /** SEEK_DATA, SEEK_HOLE and directories; absent: the VFS's own rule from the inode's size. */
  seek?(file: OpenFile, offset: number, whence: number): number;
  /** Deliver entries from `offset` on until `emit` refuses one. Returns 0 or -errno. "." and ".." come from here too. */
  iterate?(file: OpenFile, offset: number, emit: (entry: DirectoryEntry) => boolean): number;
  /**
   * False: open() waits, on `waitQueue`, until this is true before the description gets a descriptor (a fifo whose other end no one
   * has open). Absent: true. Not asked with O_NONBLOCK.
   */
  openReady?(file: OpenFile): boolean;
  /** POLL* bits that hold now. Absent: always readable and writable. */
  poll?(file: OpenFile): number;
  /** Woken when poll()'s answer may have changed. Required where -EAGAIN can be returned. */
  waitQueue?(file: OpenFile): WaitQueue;
  ioctl?(file: OpenFile, command: number, argument: Va, user: UserMemory): number;
  /** vm_operations of a mapping; absent: ENODEV. */
  mmapOps?(file: OpenFile, vma: { readonly flags: number }): VmOperations | undefined;
  /** The area exists now; for devices that fill it at once. */
  mmap?(file: OpenFile, vma: Vma): number;
  fsync?(file: OpenFile, dataOnly: boolean): number;
  fallocate?(file: OpenFile, mode: number, offset: number, length: number): number;
  fadvise?(file: OpenFile, offset: number, length: number, advice: number): number;
  /** A descriptor was closed (locks, tty), others may remain. */
  flush?(file: OpenFile): void;
  /** The last reference is gone. */
  release?(file: OpenFile): void;
}

/** An open file description. Linux: struct file. Made by `openInode`. */
export interface OpenFile extends File {
  readonly inode: VfsInode;
  /** Where it was found; undefined for what has no name (pipes, memfd). */
  readonly where: Path | undefined;
  /** O_* without the creation flags. O_APPEND, O_NONBLOCK, O_DIRECT, O_NOATIME may change (fcntl). */
  flags: number;
  position: number;
  ops: FileOperations;
  /** State of `ops`. */
  privateData: unknown;
  /** A program runs from it: no one may write to the file while the description lives. Set by denyWriteAccess(). */
  deniesWrite?: boolean;
  /** Process (negative: group) of F_SETOWN; kept, without effect. */
  owner?: number;
  /** Who wants to know when the last reference goes (epoll). */
  watchers?: Set<() => void>;
}

/** A name in the tree. Linux: struct dentry. */
export interface Dentry {
  /** Empty for the root of a file system. */
  name: string;
  parent: Dentry | undefined;
  /** undefined: the name has been removed while someone still holds the dentry. */
  inode: VfsInode;
  /** The name was removed (d_unlinked): paths show " (deleted)". */
  deleted: boolean;
  /** Known children. Not used on volatile file systems. */
  readonly children: Map<string, Dentry>;
}

export interface Mount {
  readonly id: number;
  readonly fs: FileSystem;
  readonly root: Dentry;
  readonly readOnly: boolean;
  /** Where it is attached; undefined for the root of the namespace. */
  readonly parent: Mount | undefined;
  readonly mountpoint: Dentry | undefined;
  /** Mounts attached to names of this one. Written by mount and umount. */
  readonly children: Map<Dentry, Mount>;
  /** Open descriptions of files in it. */
  opens: number;
}

/** A place in the tree. Linux: struct path. */
export interface Path {
  readonly mount: Mount;
  readonly dentry: Dentry;
}

/** Root, working directory and umask of a task; shared by CLONE_FS. Linux: struct fs_struct. */
export interface FsStruct {
  root: Path;
  cwd: Path;
  umask: number;
  users: number;
}

/** Attach a file system at `at`; undefined: the root of a namespace. `id`: as in /proc/PID/mountinfo. */
export function createMount(fs: FileSystem, id: number, at?: Path): Mount {
  const mount: Mount = {
    id,
    fs,
    root: createDentry(fs.root),
    readOnly: fs.readOnly,
    parent: at?.mount,
    mountpoint: at?.dentry,
    children: new Map(),
    opens: 0,
  };
  at?.mount.children.set(at.dentry, mount);
  return mount;
}

/** A dentry for `inode` under `parent`; the root of a file system has neither name nor parent. */
export function createDentry(inode: VfsInode, name = "", parent?: Dentry): Dentry {
  return { name, parent, inode, deleted: false, children: new Map() };
}

/**
 * A new open file description for `inode`. Returns -errno if the file system refuses.
 * Linux: fs/open.c do_dentry_open(). `flags`: O_*; `path`: as the guest sees it.
 */
export function openInode(inode: VfsInode, flags: number, path: string, where: Path | undefined): OpenFile | number {
  const access = flags & O_ACCMODE;
  const file: OpenFile = {
    inode,
    path,
    where,
    readable: (flags & O_PATH) === 0 && access !== O_WRONLY,
    writable: (flags & O_PATH) === 0 && access !== O_RDONLY,
    ra: { start: 0, size: 0, asyncSize: 0, raPages: 0, mmapMiss: 0, prevPos: -1 },
    advice: { random: false, noreuse: false },
    count: 1,
    flags,
    position: 0,
    ops: PATH_OPERATIONS,
    privateData: undefined,
    release() {
      for (const gone of file.watchers ?? []) gone();
      inode.locks?.releaseDescription(file);
      file.ops.release?.(file);
      if (countsAsWriter(file)) inode.writeCount = (inode.writeCount ?? 0) - 1;
      if (file.deniesWrite === true) inode.writeCount = (inode.writeCount ?? 0) + 1;
      inode.holders--;
      if (where !== undefined) where.mount.opens--;
      if (inode.holders === 0 && inode.nlink === 0) inode.ops.evict?.(inode);
    },
    mmapOps(vma) {
      return file.ops.mmapOps?.(file, vma);
    },
  };
  if (countsAsWriter(file) && (inode.writeCount ?? 0) < 0) return -ETXTBSY;
  if ((flags & O_PATH) === 0) {
    const ops = inode.ops.open(inode, file);
    if (typeof ops === "number") return ops;
    file.ops = ops;
    file.ra.raPages = readAheadPages(inode);
  }
  file.flags = flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC);
  if (countsAsWriter(file)) inode.writeCount = (inode.writeCount ?? 0) + 1;
  inode.holders++;
  if (where !== undefined) where.mount.opens++;
  return file;
}

const countsAsWriter = (file: OpenFile): boolean => file.writable && isRegular(file.inode);

/** A program is about to run from `file`: 0, or -ETXTBSY if it is open for writing. Linux: exe_file_deny_write_access(). */
export function denyWriteAccess(file: OpenFile): number {
  const { inode } = file;
  if ((inode.writeCount ?? 0) > 0) return -ETXTBSY;
  inode.writeCount = (inode.writeCount ?? 0) - 1;
  file.deniesWrite = true;
  return 0;
}

/** Largest readahead window of a fresh description, pages. Linux: file_ra_state_init(). */
function readAheadPages(inode: VfsInode): number {
  if (inode.mapping === undefined) return 0;
  const { tunables, granule } = inode.mapping.sys;
  return Math.floor((tunables.readAheadKb * 1024) / granule.pageSize);
}

/** An O_PATH description can do nothing but name its file. */
const PATH_OPERATIONS: FileOperations = { seekable: false };

/** Take one more reference. Linux: get_file(). */
export function getFile<F extends File>(file: F): F {
  file.count++;
  return file;
}

/** Drop a reference; the last one releases the description. Linux: fput(). */
export function putFile(file: File): void {
  file.count--;
  if (file.count === 0) file.release();
}

/**
 * New position for lseek, without setting it. Linux: fs/read_write.c vfs_llseek().
 */
export function seekPosition(file: OpenFile, offset: number, whence: number): number {
  return file.ops.seek === undefined ? genericSeek(file, offset, whence) : file.ops.seek(file, offset, whence);
}

/** lseek succeeds and moves nothing: event files and memory devices. Linux: noop_llseek(), null_lseek(). */
export const noopSeek = (): number => 0;

/** The rule for files without one of their own: no data and hole information. Linux: fs/read_write.c generic_file_llseek_size(). */
export function genericSeek(file: OpenFile, offset: number, whence: number): number {
  switch (whence) {
    case SEEK_SET:
      return offset < 0 || offset > MAX_LFS_FILESIZE ? -EINVAL : offset;
    case SEEK_CUR:
      return file.position + offset < 0 ? -EINVAL : file.position + offset;
    case SEEK_END:
      return file.inode.size + offset < 0 ? -EINVAL : file.inode.size + offset;
    default:
      return -EINVAL;
  }
}
