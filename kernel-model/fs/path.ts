/**
 * From paths to inodes: walking names over mounts and symbolic links, and opening what is found.
 *
 * Linux: fs/namei.c link_path_walk(), step_into(), pick_link(), open_last_lookups(), do_filp_open(); fs/d_path.c.
 * Differs: permission bits of directories are not checked (the guest is root); one task executes at a time, so a walk cannot race.
 */
import { EACCES, EEXIST, EINVAL, EISDIR, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, EOPNOTSUPP, EROFS } from "../errno.js";
import type { Dentry, FsStruct, Mount, OpenFile, Path, VfsInode } from "./vfs.js";
import {
  NAME_MAX,
  O_ACCMODE,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_TMPFILE,
  O_TRUNC,
  PATH_MAX,
  S_IFREG,
  createDentry,
  isDirectory,
  isRegular,
  isSymlink,
  openInode,
} from "./vfs.js";

/** Symbolic links followed in one walk, at most. Linux: MAXSYMLINKS. */
const MAX_SYMLINKS = 40;

export interface WalkOptions {
  /** Directory of a relative path; default the working directory. */
  readonly from?: Path;
  /** Follow a symbolic link in the last place. */
  readonly follow: boolean;
}

/** A name in a directory that may or may not exist. */
export interface LastComponent {
  readonly parent: Path;
  readonly name: string;
  /** What stands there, symbolic links not followed, mounts crossed; undefined: nothing. */
  readonly found: Path | undefined;
  /** The path ended with a slash: only a directory will do. */
  readonly wantsDirectory: boolean;
}

/** The child of a directory, from the dentry cache or the file system; -errno. Mounts are not crossed. Linux: lookup_fast(), lookup_slow(). */
export function lookupChild(parent: Path, name: string): Path | number {
  const { mount, dentry } = parent;
  if (!isDirectory(dentry.inode)) return -ENOTDIR;
  if (name.length > NAME_MAX) return -ENAMETOOLONG;
  const known = dentry.children.get(name);
  if (known !== undefined) return { mount, dentry: known };
  const inode = dentry.inode.ops.lookup?.(dentry.inode, name) ?? -ENOTDIR;
  if (typeof inode === "number") return inode;
  return { mount, dentry: addDentry(parent, name, inode) };
}

/** Enter a name that the file system has, unless its answers are not to be kept. */
export function addDentry(parent: Path, name: string, inode: VfsInode): Dentry {
  const dentry = createDentry(inode, name, parent.dentry);
  if (!parent.mount.fs.volatile) parent.dentry.children.set(name, dentry);
  return dentry;
}

/** Forget a name that was removed; holders of the dentry keep it. Linux: d_delete(). */
export function dropDentry(dentry: Dentry): void {
  dentry.parent?.children.delete(dentry.name);
  dentry.deleted = true;
}

/** Down into what is mounted here. Linux: traverse_mounts(). */
function crossMounts(path: Path): Path {
  let at = path;
  for (let over = at.mount.children.get(at.dentry); over !== undefined; over = at.mount.children.get(at.dentry)) at = { mount: over, dentry: over.root };
  return at;
}

/** "..": never above `root`, out of mounts where they begin. Linux: handle_dots(). */
function upwards(path: Path, root: Path): Path {
  let at = path;
  for (;;) {
    if (at.dentry === root.dentry && at.mount === root.mount) return at;
    if (at.dentry.parent !== undefined && at.dentry !== at.mount.root) return crossMounts({ mount: at.mount, dentry: at.dentry.parent });
    if (at.mount.parent === undefined) return at;
    at = { mount: at.mount.parent, dentry: at.mount.mountpoint! };
  }
}

class Walk {
  private readonly root: Path;
  private links = 0;

  constructor(root: Path) {
    this.root = root;
  }

  /** Walk all but the last component of `path`. */
  parent(path: string, from: Path): LastComponent | Path | number {
    if (path.length >= PATH_MAX) return -ENAMETOOLONG;
    let at = path.startsWith("/") ? this.root : from;
    const names = path.split("/").filter((name) => name !== "");
    const wantsDirectory = path.endsWith("/");
    for (let i = 0; i < names.length - 1; i++) {
      const next = this.step(at, names[i]!);
      if (typeof next === "number") return next;
      if (!isDirectory(next.dentry.inode)) return -ENOTDIR;
      at = next;
    }
    const last = names.at(-1);
    if (last === undefined || last === ".") return isDirectory(at.dentry.inode) ? at : -ENOTDIR;
    if (!isDirectory(at.dentry.inode)) return -ENOTDIR;
    if (last === "..") return upwards(at, this.root);
    const child = lookupChild(at, last);
    if (typeof child !== "number") return { parent: at, name: last, found: crossMounts(child), wantsDirectory };
    return child === -ENOENT ? { parent: at, name: last, found: undefined, wantsDirectory } : child;
  }

  /** One name in the middle of a path: links are followed. */
  private step(at: Path, name: string): Path | number {
    if (!isDirectory(at.dentry.inode)) return -ENOTDIR;
    if (name === ".") return at;
    if (name === "..") return upwards(at, this.root);
    const child = lookupChild(at, name);
    if (typeof child === "number") return child;
    return this.resolveLink(crossMounts(child), at);
  }

  /** One more link was followed; false if it was one too many. */
  countLink(): boolean {
    return ++this.links <= MAX_SYMLINKS;
  }

  /** Where a symbolic link in the directory `dir` leads; anything else is itself. Linux: pick_link(). */
  resolveLink(at: Path, dir: Path): Path | number {
    const { inode } = at.dentry;
    if (!isSymlink(inode)) return at;
    if (!this.countLink()) return -ELOOP;
    const object = inode.ops.followLink?.(inode);
    if (object !== undefined) return object;
    const target = inode.ops.readlink?.(inode) ?? -EINVAL;
    if (typeof target === "number") return target;
    if (target === "") return -ENOENT;
    return this.whole(target, dir);
  }

  /** Walk a whole path, following links everywhere. */
  whole(path: string, from: Path): Path | number {
    const last = this.parent(path, from);
    if (typeof last === "number" || "dentry" in last) return last;
    if (last.found === undefined) return -ENOENT;
    const end = this.resolveLink(last.found, last.parent);
    if (typeof end !== "number" && last.wantsDirectory && !isDirectory(end.dentry.inode)) return -ENOTDIR;
    return end;
  }
}

/** The object that `path` names, or -errno. An empty path is -ENOENT. Linux: path_lookupat(). */
export function resolvePath(fs: FsStruct, path: string, options: WalkOptions): Path | number {
  if (path === "") return -ENOENT;
  const from = options.from ?? fs.cwd;
  const walk = new Walk(fs.root);
  if (options.follow) return walk.whole(path, from);
  const last = walk.parent(path, from);
  if (typeof last === "number" || "dentry" in last) return last;
  if (last.found === undefined) return -ENOENT;
  if (!last.wantsDirectory) return last.found;
  const end = walk.resolveLink(last.found, last.parent);
  return typeof end !== "number" && !isDirectory(end.dentry.inode) ? -ENOTDIR : end;
}

/**
 * The directory and the name in it, for calls that make or remove names. A path that ends in ".", ".." or "/" alone has no name:
 * `noName` is returned then. Linux: filename_create(), filename_parentat().
 */
export function resolveParent(fs: FsStruct, path: string, from: Path | undefined, noName: number): LastComponent | number {
  if (path === "") return -ENOENT;
  const last = new Walk(fs.root).parent(path, from ?? fs.cwd);
  if (typeof last === "number") return last;
  return "dentry" in last ? noName : last;
}

/** Path of an object as seen from `root`; " (deleted)" if its name is gone. Linux: d_path(). */
export function dPath(path: Path, root: Path): string {
  const names: string[] = [];
  let { mount, dentry } = path;
  // What is mounted nowhere has a name that is no path: pipe:[17], /memfd:x (deleted). Linux: dynamic_dname().
  if (dentry.parent === undefined && dentry.name !== "") return dentry.name;
  while (!(mount === root.mount && dentry === root.dentry)) {
    if (dentry === mount.root || dentry.parent === undefined) {
      if (mount.parent === undefined) break;
      dentry = mount.mountpoint!;
      mount = mount.parent;
      continue;
    }
    names.push(dentry.name);
    dentry = dentry.parent;
  }
  return `/${names.reverse().join("/")}${path.dentry.deleted ? " (deleted)" : ""}`;
}

/** Where a mount is attached, seen from `root`; undefined if it lies outside. */
export function mountPoint(mount: Mount, root: Path): string | undefined {
  for (let at: Mount | undefined = mount; at !== root.mount; at = at.parent) if (at === undefined) return undefined;
  return mount === root.mount ? "/" : dPath({ mount: mount.parent!, dentry: mount.mountpoint! }, root);
}

export interface OpenOptions {
  /** O_*. */
  readonly flags: number;
  /** Permission bits of a new file, umask not yet applied. */
  readonly mode: number;
  readonly from?: Path;
}

/** Open what `path` names, making it first if O_CREAT asks for it. The description, or -errno. Linux: do_filp_open(). */
export function openPath(fs: FsStruct, path: string, { flags, mode, from }: OpenOptions): OpenFile | number {
  if ((flags & O_TMPFILE) === O_TMPFILE) return openTmpfile(fs, path, flags, mode, from);
  if ((flags & O_CREAT) === 0 || (flags & O_PATH) !== 0) {
    const found = resolvePath(fs, path, { follow: (flags & O_NOFOLLOW) === 0, ...(from === undefined ? {} : { from }) });
    return typeof found === "number" ? found : openFound(fs, found, flags);
  }
  if (path === "") return -ENOENT;
  const walk = new Walk(fs.root);
  let start = from ?? fs.cwd;
  let name = path;
  for (;;) {
    const last = walk.parent(name, start);
    if (typeof last === "number") return last;
    if ("dentry" in last) return -EISDIR;
    const { found, parent } = last;
    if (found === undefined) return last.wantsDirectory ? -EISDIR : create(fs, last, flags, mode);
    if ((flags & O_EXCL) !== 0) return -EEXIST;
    if (!isSymlink(found.dentry.inode)) return last.wantsDirectory ? -EISDIR : openFound(fs, found, flags);
    if ((flags & O_NOFOLLOW) !== 0) return -ELOOP;
    // A dangling link in the last place: the file is made where it points.
    const { inode } = found.dentry;
    const object = inode.ops.followLink?.(inode);
    if (object !== undefined) return typeof object === "number" ? object : openFound(fs, object, flags);
    const target = inode.ops.readlink?.(inode) ?? -EINVAL;
    if (typeof target === "number") return target;
    if (!walk.countLink()) return -ELOOP;
    start = parent;
    name = target;
  }
}

function create(fs: FsStruct, { parent, name }: LastComponent, flags: number, mode: number): OpenFile | number {
  const dir = parent.dentry.inode;
  if (parent.mount.readOnly) return -EROFS;
  const inode = dir.ops.create?.(dir, name, S_IFREG | (mode & 0o7777 & ~fs.umask)) ?? -EACCES;
  if (typeof inode === "number") return inode;
  const where = { mount: parent.mount, dentry: addDentry(parent, name, inode) };
  return openInode(inode, flags, dPath(where, fs.root), where);
}

/** Checks of an existing file, truncation, and the description. Linux: may_open(), handle_truncate(). */
function openFound(fs: FsStruct, where: Path, flags: number): OpenFile | number {
  const { inode } = where.dentry;
  const writes = (flags & O_ACCMODE) !== O_RDONLY || (flags & O_TRUNC) !== 0;
  if (isSymlink(inode) && (flags & O_PATH) === 0) return -ELOOP;
  if ((flags & O_DIRECTORY) !== 0 && !isDirectory(inode)) return -ENOTDIR;
  if ((flags & O_PATH) === 0) {
    if (isDirectory(inode) && writes) return -EISDIR;
    if (isDirectory(inode) && (flags & O_CREAT) !== 0) return -EISDIR;
    if (writes && where.mount.readOnly && (isRegular(inode) || isDirectory(inode))) return -EROFS;
  }
  const file = openInode(inode, flags, dPath(where, fs.root), where);
  if (typeof file === "number") return file;
  if ((flags & O_TRUNC) !== 0 && (flags & O_PATH) === 0 && isRegular(inode)) {
    const error = inode.ops.setAttributes?.(inode, { size: 0 }) ?? 0;
    if (error < 0) {
      file.release();
      return error;
    }
  }
  return file;
}

function openTmpfile(fs: FsStruct, path: string, flags: number, mode: number, from: Path | undefined): OpenFile | number {
  const dir = resolvePath(fs, path, { follow: true, ...(from === undefined ? {} : { from }) });
  if (typeof dir === "number") return dir;
  if (!isDirectory(dir.dentry.inode)) return -ENOTDIR;
  if ((flags & O_ACCMODE) === O_RDONLY) return -EINVAL;
  const inode = dir.dentry.inode.ops.tmpfile?.(dir.dentry.inode, S_IFREG | (mode & 0o7777 & ~fs.umask)) ?? -EOPNOTSUPP;
  if (typeof inode === "number") return inode;
  const dentry = createDentry(inode, `#${inode.ino}`, dir.dentry);
  dentry.deleted = true;
  return openInode(inode, flags & ~O_DIRECTORY, dPath({ mount: dir.mount, dentry }, fs.root), { mount: dir.mount, dentry });
}
