/**
 * Status of files, and the calls on names that change nothing.
 *
 * Linux: fs/stat.c, fs/open.c do_faccessat(), fs/statfs.c, fs/d_path.c sys_getcwd(); include/uapi/asm-generic/stat.h.
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EACCES, EBADF, EFAULT, EINVAL, ENOENT, ENOTDIR, ERANGE, EROFS } from "../errno.js";
import { dPath, resolvePath } from "../fs/path.js";
import type { FileSystem, OpenFile, Path, VfsInode } from "../fs/vfs.js";
import { S_IFDIR, S_IFMT, S_IFREG, isDirectory, isSymlink } from "../fs/vfs.js";
import { zeroTerminated, bytesOf } from "../kernel/byte-string.js";
import { CStruct } from "../kernel/c-struct.js";
import type { Kernel } from "../kernel/kernel.js";
import type { Task } from "../kernel/task.js";
import type { SyscallFamily } from "./abi.js";
import { AT_EACCESS, AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_STATX_SYNC_TYPE, AT_SYMLINK_NOFOLLOW, directoryOf } from "./at.js";

const STAT_BYTES = 128;
const STATX_BYTES = 256;
const STATFS_BYTES = 120;
/** STATX_BASIC_STATS | STATX_BTIME is not claimed: there is no birth time. */
const STATX_BASIC_STATS = 0x7ff;
const STATX_RESERVED = 0x80000000;
const STATX_ATTR_MOUNT_ROOT = 0x2000;
const X_OK = 1;
const W_OK = 2;
const ACCESS_MASK = 7;

const major = (dev: number): number => Math.floor(dev / 256) & 0xfff;
const minor = (dev: number): number => dev & 0xff;

/** Where stat and relatives look: a name, an open file (AT_EMPTY_PATH), or the working directory. */
export type Place = { readonly inode: VfsInode; readonly path: Path | undefined };

/** The object that dirfd, path and AT_* flags name, or -errno. Linux: vfs_statx()'s look-up. */
export function placeOf(kernel: Kernel, task: Task, dirfd: number, pathAt: Va, flags: number): Place | number {
  const emptyAllowed = (flags & AT_EMPTY_PATH) !== 0;
  const path = pathAt === 0 && emptyAllowed ? "" : kernel.user.path(pathAt, emptyAllowed);
  if (typeof path === "number") return path;
  if (path === "") {
    if (dirfd === -100) return { inode: task.fs!.cwd.dentry.inode, path: task.fs!.cwd };
    const file = task.files!.get(dirfd);
    return file === undefined ? -EBADF : { inode: file.inode, path: file.where };
  }
  const from = directoryOf(task, dirfd, path);
  if (typeof from === "number") return from;
  const found = resolvePath(task.fs!, path, { follow: (flags & AT_SYMLINK_NOFOLLOW) === 0, ...(from === undefined ? {} : { from }) });
  return typeof found === "number" ? found : { inode: found.dentry.inode, path: found };
}

/** Preferred size of transfers. */
const blockSize = (inode: VfsInode): number => inode.fs.statistics().blockSize;

/** struct stat of arm64 (asm-generic). */
export function encodeStat(inode: VfsInode): Uint8Array {
  inode.ops.getAttributes?.(inode);
  const out = new CStruct(STAT_BYTES);
  out.setU64(0, inode.dev).setU64(8, inode.ino).setU32(16, inode.mode).setU32(20, inode.nlink).setU32(24, inode.uid).setU32(28, inode.gid);
  out.setU64(32, inode.rdev).setU64(48, inode.size).setU32(56, blockSize(inode)).setU64(64, inode.blocks);
  [inode.atime, inode.mtime, inode.ctime].forEach(({ seconds, nanoseconds }, i) => out.setU64(72 + i * 16, seconds).setU64(80 + i * 16, nanoseconds));
  return out.bytes;
}

function encodeStatx({ inode, path }: Place): Uint8Array {
  inode.ops.getAttributes?.(inode);
  const out = new CStruct(STATX_BYTES);
  const isMountRoot = path !== undefined && path.dentry === path.mount.root;
  out.setU32(0, STATX_BASIC_STATS).setU32(4, blockSize(inode)).setU64(8, isMountRoot ? STATX_ATTR_MOUNT_ROOT : 0);
  out.setU32(16, inode.nlink).setU32(20, inode.uid).setU32(24, inode.gid).setU16(28, inode.mode);
  out.setU64(32, inode.ino).setU64(40, inode.size).setU64(48, inode.blocks).setU64(56, STATX_ATTR_MOUNT_ROOT);
  const time = (at: number, { seconds, nanoseconds }: { readonly seconds: number; readonly nanoseconds: number }): void => {
    out.setU64(at, seconds).setU32(at + 8, nanoseconds);
  };
  time(64, inode.atime);
  time(96, inode.ctime);
  time(112, inode.mtime);
  out.setU32(128, major(inode.rdev)).setU32(132, minor(inode.rdev)).setU32(136, major(inode.dev)).setU32(140, minor(inode.dev));
  return out.bytes;
}

function encodeStatfs(fs: FileSystem): Uint8Array {
  const facts = fs.statistics();
  const out = new CStruct(STATFS_BYTES);
  out.setU64(0, facts.magic).setU64(8, facts.blockSize).setU64(16, facts.blocks).setU64(24, facts.blocksFree).setU64(32, facts.blocksFree);
  out.setU64(40, facts.files).setU64(48, facts.filesFree).setU64(64, facts.nameLength).setU64(72, facts.blockSize);
  // ST_VALID, ST_RDONLY.
  out.setU64(80, 0x20 | (fs.readOnly ? 1 : 0));
  return out.bytes;
}

/** access(): the guest is root, so only what no one may do is refused. Linux: generic_permission(), CAP_DAC_OVERRIDE. */
function access({ inode, path }: Place, mode: number): number {
  const type = inode.mode & S_IFMT;
  if ((mode & W_OK) !== 0 && path?.mount.readOnly === true && (type === S_IFREG || type === S_IFDIR)) return -EROFS;
  if ((mode & X_OK) !== 0 && type === S_IFREG && (inode.mode & 0o111) === 0) return -EACCES;
  return 0;
}

function faccess(kernel: Kernel, task: Task, dirfd: number, pathAt: Va, mode: number, flags: number): number {
  if ((mode & ~ACCESS_MASK) !== 0 || (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return -EINVAL;
  const place = placeOf(kernel, task, dirfd, pathAt, flags);
  return typeof place === "number" ? place : access(place, mode);
}

const anyFile = (task: Task, fd: number): OpenFile | undefined => task.files!.get(fd);

function changeDirectory(task: Task, path: Path | undefined): number {
  if (path === undefined || !isDirectory(path.dentry.inode)) return -ENOTDIR;
  task.fs!.cwd = path;
  return 0;
}

export const STAT_SYSCALLS: SyscallFamily = {
  fstat: (kernel, task, args) => {
    const file = anyFile(task, args.int(0));
    if (file === undefined) return -EBADF;
    return kernel.user.put(args.address(1), encodeStat(file.inode)) ? 0 : -EFAULT;
  },

  newfstatat: (kernel, task, args) => {
    const flags = args.int(3);
    if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH)) !== 0) return -EINVAL;
    const place = placeOf(kernel, task, args.int(0), args.address(1), flags);
    if (typeof place === "number") return place;
    return kernel.user.put(args.address(2), encodeStat(place.inode)) ? 0 : -EFAULT;
  },

  statx: (kernel, task, args) => {
    const flags = args.int(2);
    if ((args.uint(3) & STATX_RESERVED) !== 0 || (flags & AT_STATX_SYNC_TYPE) === AT_STATX_SYNC_TYPE) return -EINVAL;
    if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE)) !== 0) return -EINVAL;
    const place = placeOf(kernel, task, args.int(0), args.address(1), flags);
    if (typeof place === "number") return place;
    return kernel.user.put(args.address(4), encodeStatx(place)) ? 0 : -EFAULT;
  },

  readlinkat: (kernel, task, args) => {
    const room = args.int(3);
    if (room <= 0) return -EINVAL;
    const place = placeOf(kernel, task, args.int(0), args.address(1), AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);
    if (typeof place === "number") return place;
    const { inode } = place;
    if (!isSymlink(inode)) return -EINVAL;
    const target = inode.ops.readlink?.(inode) ?? -EINVAL;
    if (typeof target === "number") return target;
    const bytes = bytesOf(target).subarray(0, room);
    return kernel.user.put(args.address(2), bytes) ? bytes.length : -EFAULT;
  },

  faccessat: (kernel, task, args) => faccess(kernel, task, args.int(0), args.address(1), args.int(2), 0),
  faccessat2: (kernel, task, args) => faccess(kernel, task, args.int(0), args.address(1), args.int(2), args.int(3)),

  statfs: (kernel, task, args) => {
    const place = placeOf(kernel, task, -100, args.address(0), 0);
    if (typeof place === "number") return place;
    return kernel.user.put(args.address(1), encodeStatfs(place.path?.mount.fs ?? place.inode.fs)) ? 0 : -EFAULT;
  },

  fstatfs: (kernel, task, args) => {
    const file = anyFile(task, args.int(0));
    if (file === undefined) return -EBADF;
    return kernel.user.put(args.address(1), encodeStatfs(file.inode.fs)) ? 0 : -EFAULT;
  },

  getcwd: (kernel, task, args) => {
    const { cwd, root } = task.fs!;
    if (cwd.dentry.deleted) return -ENOENT;
    const path = zeroTerminated(dPath(cwd, root));
    if (path.length > args.size(1)) return -ERANGE;
    return kernel.user.put(args.address(0), path) ? path.length : -EFAULT;
  },

  chdir: (kernel, task, args) => {
    const path = kernel.user.path(args.address(0));
    if (typeof path === "number") return path;
    const found = resolvePath(task.fs!, path, { follow: true });
    return typeof found === "number" ? found : changeDirectory(task, found);
  },

  fchdir: (_, task, args) => {
    const file = anyFile(task, args.int(0));
    return file === undefined ? -EBADF : changeDirectory(task, file.where);
  },

  chroot: (kernel, task, args) => {
    const path = kernel.user.path(args.address(0));
    if (typeof path === "number") return path;
    const found = resolvePath(task.fs!, path, { follow: true });
    if (typeof found === "number") return found;
    if (!isDirectory(found.dentry.inode)) return -ENOTDIR;
    task.fs!.root = found;
    return 0;
  },
};
