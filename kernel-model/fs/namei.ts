/**
 * Making, removing and moving names: the part of the VFS between system calls and file systems.
 *
 * Linux: fs/namei.c do_mkdirat(), do_mknodat(), do_symlinkat(), do_linkat(), do_unlinkat(), do_rmdir(), do_renameat2(), vfs_rename().
 */
import { EBUSY, EEXIST, EINVAL, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY, EPERM, EROFS, EXDEV } from "../errno.js";
import { addDentry, dropDentry, resolveParent, type LastComponent } from "./path.js";
import type { Dentry, FsStruct, Path, VfsInode } from "./vfs.js";
import { RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK, isDirectory } from "./vfs.js";

/** A path and the directory where it starts if it is relative; undefined: the working directory. */
export interface Place {
  readonly path: string;
  readonly from: Path | undefined;
}

/** The directory in which a new name is to be made; -EEXIST if it is taken. */
function newName(fs: FsStruct, { path, from }: Place, directory: boolean): LastComponent | number {
  const last = resolveParent(fs, path, from, -EEXIST);
  if (typeof last === "number") return last;
  if (last.found !== undefined) return -EEXIST;
  if (last.wantsDirectory && !directory) return -ENOENT;
  return last.parent.mount.readOnly ? -EROFS : last;
}

/** Enter what a file system has made; 0 or its error. */
function entered({ parent, name }: LastComponent, made: VfsInode | number): number {
  if (typeof made === "number") return made;
  addDentry(parent, name, made);
  return 0;
}

/** `mode`: permission bits, the umask not yet applied. 0 or -errno. */
export function makeDirectory(fs: FsStruct, place: Place, mode: number): number {
  const last = newName(fs, place, true);
  if (typeof last === "number") return last;
  const { inode } = last.parent.dentry;
  return entered(last, inode.ops.mkdir?.(inode, last.name, S_IFDIR | (mode & 0o1777 & ~fs.umask)) ?? -EPERM);
}

/** A regular file, fifo, socket or device node. `mode` with its S_IF* type; 0 means a regular file. */
export function makeNode(fs: FsStruct, place: Place, mode: number, rdev: number): number {
  const type = mode & S_IFMT;
  switch (type) {
    case 0:
    case S_IFREG:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK:
      break;
    case S_IFDIR:
      return -EPERM;
    default:
      return -EINVAL;
  }
  const last = newName(fs, place, false);
  if (typeof last === "number") return last;
  const { inode } = last.parent.dentry;
  const permissions = mode & 0o7777 & ~fs.umask;
  if (type === 0 || type === S_IFREG) return entered(last, inode.ops.create?.(inode, last.name, S_IFREG | permissions) ?? -EPERM);
  return entered(last, inode.ops.mknod?.(inode, last.name, type | permissions, rdev) ?? -EPERM);
}

export function makeSymlink(fs: FsStruct, place: Place, target: string): number {
  if (target === "") return -ENOENT;
  const last = newName(fs, place, false);
  if (typeof last === "number") return last;
  const { inode } = last.parent.dentry;
  return entered(last, inode.ops.symlink?.(inode, last.name, target) ?? -EPERM);
}

/** One more name for `object`. */
export function makeLink(fs: FsStruct, object: Path, place: Place): number {
  const last = newName(fs, place, false);
  if (typeof last === "number") return last;
  if (last.parent.mount !== object.mount) return -EXDEV;
  const { inode } = object.dentry;
  if (isDirectory(inode)) return -EPERM;
  const dir = last.parent.dentry.inode;
  const error = dir.ops.link?.(inode, dir, last.name) ?? -EPERM;
  return error < 0 ? error : entered(last, inode);
}

/** What a name that is to go or to move leads to; -EBUSY if something is mounted there. */
function existing(last: LastComponent): Dentry | number {
  if (last.found === undefined) return -ENOENT;
  return last.found.mount === last.parent.mount ? last.found.dentry : -EBUSY;
}

/** unlink(2). */
export function removeName(fs: FsStruct, { path, from }: Place): number {
  const last = resolveParent(fs, path, from, -EISDIR);
  if (typeof last === "number") return last;
  if (last.parent.mount.readOnly) return -EROFS;
  const dentry = existing(last);
  if (typeof dentry === "number") return dentry === -EBUSY ? -EISDIR : dentry;
  if (isDirectory(dentry.inode)) return -EISDIR;
  if (last.wantsDirectory) return -ENOTDIR;
  const dir = last.parent.dentry.inode;
  const error = dir.ops.unlink?.(dir, last.name, dentry.inode) ?? -EPERM;
  if (error === 0) dropDentry(dentry);
  return error;
}

/** rmdir(2). */
export function removeDirectory(fs: FsStruct, { path, from }: Place): number {
  const end = path.replace(/\/+$/, "").split("/").at(-1);
  const last = resolveParent(fs, path, from, end === "." ? -EINVAL : end === ".." ? -ENOTEMPTY : -EBUSY);
  if (typeof last === "number") return last;
  if (last.parent.mount.readOnly) return -EROFS;
  const dentry = existing(last);
  if (typeof dentry === "number") return dentry;
  if (!isDirectory(dentry.inode)) return -ENOTDIR;
  // The root directory of a task can stand in a mount like any other; Linux refuses mount points only.
  const dir = last.parent.dentry.inode;
  const error = dir.ops.rmdir?.(dir, last.name, dentry.inode) ?? -EPERM;
  if (error === 0) dropDentry(dentry);
  return error;
}

const isAncestor = (above: Dentry, below: Dentry): boolean => {
  for (let at: Dentry | undefined = below; at !== undefined; at = at.parent) if (at === above) return true;
  return false;
};

/** A file cannot take a directory's place, nor a directory a file's, and a trailing slash asks for a directory. */
function checkRenameTypes(old: LastComponent, source: Dentry, target: Dentry | undefined, fresh: LastComponent, exchange: boolean): number {
  const moves = isDirectory(source.inode);
  if (!moves && (old.wantsDirectory || (!exchange && fresh.wantsDirectory))) return -ENOTDIR;
  if (target === undefined) return 0;
  const replaced = isDirectory(target.inode);
  if (exchange) return !replaced && fresh.wantsDirectory ? -ENOTDIR : 0;
  if (moves && !replaced) return -ENOTDIR;
  return !moves && replaced ? -EISDIR : 0;
}

/** rename(2) and renameat2(2). `flags`: RENAME_*. */
export function rename(fs: FsStruct, from: Place, to: Place, flags: number): number {
  if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) !== 0) return -EINVAL;
  const exchange = (flags & RENAME_EXCHANGE) !== 0;
  if (exchange && (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)) !== 0) return -EINVAL;
  const old = resolveParent(fs, from.path, from.from, -EBUSY);
  if (typeof old === "number") return old;
  const fresh = resolveParent(fs, to.path, to.from, (flags & RENAME_NOREPLACE) !== 0 ? -EEXIST : -EBUSY);
  if (typeof fresh === "number") return fresh;
  if (old.parent.mount !== fresh.parent.mount) return -EXDEV;
  if (old.parent.mount.readOnly) return -EROFS;
  const source = existing(old);
  if (typeof source === "number") return source;
  const found = existing(fresh);
  if (found === -EBUSY) return -EBUSY;
  const target = typeof found === "number" ? undefined : found;
  if (target !== undefined && (flags & RENAME_NOREPLACE) !== 0) return -EEXIST;
  if (target === undefined && exchange) return -ENOENT;
  if (isAncestor(source, fresh.parent.dentry)) return -EINVAL;
  if (target !== undefined && isAncestor(target, old.parent.dentry)) return exchange ? -EINVAL : -ENOTEMPTY;
  const types = checkRenameTypes(old, source, target, fresh, exchange);
  if (types < 0) return types;
  if (source.inode === target?.inode) return 0;
  const dir = old.parent.dentry.inode;
  const error = dir.ops.rename?.(dir, old.name, fresh.parent.dentry.inode, fresh.name, flags) ?? -EPERM;
  if (error < 0) return error;
  if (target !== undefined && !exchange) dropDentry(target);
  moveDentry(source, fresh.parent.dentry, fresh.name);
  if (target !== undefined && exchange) {
    moveDentry(target, old.parent.dentry, old.name);
    fresh.parent.dentry.children.set(fresh.name, source);
  }
  return 0;
}

/** Linux: d_move(). */
function moveDentry(dentry: Dentry, parent: Dentry, name: string): void {
  if (dentry.parent?.children.get(dentry.name) === dentry) dentry.parent.children.delete(dentry.name);
  dentry.parent = parent;
  dentry.name = name;
  parent.children.set(name, dentry);
}
