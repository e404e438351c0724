/**
 * System calls that change mode, owner, times and size, and extended attributes.
 *
 * Linux: fs/open.c chmod_common(), chown_common(), vfs_truncate(); fs/utimes.c; fs/xattr.c. Extended attributes: no file system here
 * stores any.
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EBADF, EFAULT, EINVAL, EISDIR, ENODATA, EOPNOTSUPP, EPERM, ERANGE, EROFS, ETXTBSY } from "../errno.js";
import type { InodeAttributes, Timespec, VfsInode } from "../fs/vfs.js";
import { S_ISGID, S_ISUID, isDirectory, isRegular } from "../fs/vfs.js";
import type { CStruct } from "../kernel/c-struct.js";
import type { Kernel } from "../kernel/kernel.js";
import type { Task } from "../kernel/task.js";
import type { SyscallArgs, SyscallFamily } from "./abi.js";
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW } from "./at.js";
import { inodeNewsizeOk } from "./io.js";
import { placeOf, type Place } from "./stat.js";

const UTIME_NOW = 0x3fffffff;
const UTIME_OMIT = 0x3ffffffe;
const TIMESPEC_BYTES = 16;
const XATTR_NAME_MAX = 255;
const S_IXGRP = 0o010;
/** An id argument of chown that means "leave it". */
const KEEP_ID = 0xffffffff;

/** Change attributes of what a path or descriptor names. Linux: notify_change(). */
function change({ inode, path }: Place, attributes: InodeAttributes): number {
  if (path?.mount.readOnly === true) return -EROFS;
  return inode.ops.setAttributes?.(inode, attributes) ?? -EPERM;
}

function descriptor(task: Task, fd: number): Place | number {
  const file = task.files!.get(fd);
  return file === undefined ? -EBADF : { inode: file.inode, path: file.where };
}

/** Changing the owner takes set-id bits away from what can be executed. */
function ownerChange(inode: VfsInode, uid: number, gid: number): InodeAttributes {
  const sgid = (inode.mode & S_IXGRP) !== 0 ? S_ISGID : 0;
  const mode = isDirectory(inode) ? {} : { mode: inode.mode & 0o7777 & ~(S_ISUID | sgid) };
  return { ...mode, ...(uid === KEEP_ID ? {} : { uid }), ...(gid === KEEP_ID ? {} : { gid }) };
}

function chmodat(kernel: Kernel, task: Task, args: SyscallArgs, flags: number): number {
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return -EINVAL;
  const place = placeOf(kernel, task, args.int(0), args.address(1), flags);
  if (typeof place === "number") return place;
  if ((place.inode.mode & 0o170000) === 0o120000) return -EOPNOTSUPP;
  return change(place, { mode: args.uint(2) & 0o7777 });
}

/** One of the two timespecs: undefined leaves the time alone; -EINVAL. */
function wantedTime(now: Timespec, raw: CStruct, at: number): Timespec | undefined | number {
  const nanoseconds = raw.i64(at + 8);
  if (nanoseconds === UTIME_NOW) return now;
  if (nanoseconds === UTIME_OMIT) return undefined;
  return nanoseconds < 0 || nanoseconds >= 1e9 ? -EINVAL : { seconds: raw.i64(at), nanoseconds };
}

function utimensat(kernel: Kernel, task: Task, args: SyscallArgs): number {
  const [dirfd, pathAt, timesAt, flags] = [args.int(0), args.address(1), args.address(2), args.int(3)];
  const raw = timesAt === 0 ? undefined : kernel.user.struct(timesAt, 2 * TIMESPEC_BYTES);
  if (timesAt !== 0 && raw === undefined) return -EFAULT;
  if (raw !== undefined && raw.i64(8) === UTIME_OMIT && raw.i64(24) === UTIME_OMIT) return 0;
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return -EINVAL;
  const place = pathAt === 0 && dirfd !== AT_FDCWD ? descriptor(task, dirfd) : placeOf(kernel, task, dirfd, pathAt, flags);
  if (typeof place === "number") return place;
  const now = kernel.clock.realtime;
  const atime = raw === undefined ? now : wantedTime(now, raw, 0);
  const mtime = raw === undefined ? now : wantedTime(now, raw, 16);
  if (typeof atime === "number" || typeof mtime === "number") return -EINVAL;
  return change(place, { ...(atime === undefined ? {} : { atime }), ...(mtime === undefined ? {} : { mtime }) });
}

function truncate(kernel: Kernel, task: Task, args: SyscallArgs): number {
  const size = args.long(1);
  if (size < 0) return -EINVAL;
  const place = placeOf(kernel, task, AT_FDCWD, args.address(0), 0);
  if (typeof place === "number") return place;
  if (isDirectory(place.inode)) return -EISDIR;
  if (!isRegular(place.inode)) return -EINVAL;
  if ((place.inode.writeCount ?? 0) < 0) return -ETXTBSY;
  const error = inodeNewsizeOk(kernel, task, place.inode, size);
  return error < 0 ? error : change(place, { size });
}

type PathFinder = (kernel: Kernel, task: Task, args: SyscallArgs) => Place | number;
const followed: PathFinder = (kernel, task, args) => placeOf(kernel, task, AT_FDCWD, args.address(0), 0);
const unfollowed: PathFinder = (kernel, task, args) => placeOf(kernel, task, AT_FDCWD, args.address(0), AT_SYMLINK_NOFOLLOW);
const opened: PathFinder = (_, task, args) => descriptor(task, args.int(0));

/** An attribute's name must be readable and have a namespace that the file system could know. */
function attributeName(kernel: Kernel, at: Va): string | number {
  const name = kernel.user.string(at, XATTR_NAME_MAX + 1, ERANGE);
  if (typeof name === "number") return name;
  return /^(?:user|trusted|security|system)\../.test(name) ? name : -EOPNOTSUPP;
}

/** getxattr and removexattr: there is no such attribute. setxattr: the file system has none. listxattr: the list is empty. */
const xattr =
  (find: PathFinder, kind: "get" | "set" | "list" | "remove") =>
  (kernel: Kernel, task: Task, args: SyscallArgs): number => {
    const place = find(kernel, task, args);
    if (typeof place === "number") return place;
    if (kind === "list") return 0;
    const name = attributeName(kernel, args.address(1));
    if (typeof name === "number") return name;
    return kind === "set" ? -EOPNOTSUPP : -ENODATA;
  };

export const ATTR_SYSCALLS: SyscallFamily = {
  fchmod: (_, task, args) => {
    const place = descriptor(task, args.int(0));
    return typeof place === "number" ? place : change(place, { mode: args.uint(1) & 0o7777 });
  },
  fchmodat: (kernel, task, args) => chmodat(kernel, task, args, 0),
  fchmodat2: (kernel, task, args) => chmodat(kernel, task, args, args.int(3)),
  fchown: (_, task, args) => {
    const place = descriptor(task, args.int(0));
    return typeof place === "number" ? place : change(place, ownerChange(place.inode, args.uint(1), args.uint(2)));
  },
  fchownat: (kernel, task, args) => {
    const flags = args.int(4);
    if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return -EINVAL;
    const place = placeOf(kernel, task, args.int(0), args.address(1), flags);
    return typeof place === "number" ? place : change(place, ownerChange(place.inode, args.uint(2), args.uint(3)));
  },
  utimensat,
  truncate,
  setxattr: xattr(followed, "set"),
  lsetxattr: xattr(unfollowed, "set"),
  fsetxattr: xattr(opened, "set"),
  getxattr: xattr(followed, "get"),
  lgetxattr: xattr(unfollowed, "get"),
  fgetxattr: xattr(opened, "get"),
  listxattr: xattr(followed, "list"),
  llistxattr: xattr(unfollowed, "list"),
  flistxattr: xattr(opened, "list"),
  removexattr: xattr(followed, "remove"),
  lremovexattr: xattr(unfollowed, "remove"),
  fremovexattr: xattr(opened, "remove"),
};
