/**
 * Directories of the host for the guest: the implementation of kernel-model/fs/host-directory.ts over node:fs.
 *
 * Every access starts at a descriptor of a directory inside the tree and names one entry of it (/proc/self/fd/N/NAME), with O_NOFOLLOW,
 * as openat(2) does. A symbolic link or a rename that someone slips in between two accesses therefore leads nowhere else: what has been
 * opened is checked by its descriptor, and used through it. Only Linux has /proc/self/fd, so other hosts are refused.
 */
import * as fs from "node:fs";
import { resolve } from "node:path";
import { ConfigError, ModelBug } from "../emulator/arch/errors.js";
import { EIO, EPERM, EXDEV } from "../kernel-model/errno.js";
import type { HostAttributes, HostChanges, HostDirectory, HostFile, HostName, HostObject } from "../kernel-model/fs/host-directory.js";
import type { Timespec } from "../kernel-model/fs/vfs.js";
import { S_IFDIR, S_IFLNK, S_IFREG } from "../kernel-model/fs/vfs.js";

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY, O_RDWR, O_CREAT, O_EXCL } = fs.constants;
/** Not in node's table; the same on x86-64 and arm64. */
const O_PATH = 0o10000000;
/** Descriptors of directories and of files that one tree keeps open. */
const KEPT_DIRECTORIES = 128;
const KEPT_FILES = 64;
const ZEROS = new Uint8Array(65536);
const PERMISSIONS = 0o7777n;

export interface HostDirectoryOptions {
  /** The guest's changes reach the host. */
  readonly writable: boolean;
}

/** errno of a failed host call as the guest sees it. */
function hostError(error: unknown): number {
  if (error instanceof Error && "errno" in error && typeof error.errno === "number" && error.errno < 0) return error.errno;
  throw error;
}

/** Runs a host call: 0 or -errno. */
function attempt(call: () => void): number {
  try {
    call();
    return 0;
  } catch (error) {
    return hostError(error);
  }
}

const timespec = (nanoseconds: bigint): Timespec => ({ seconds: Number(nanoseconds / 1_000_000_000n), nanoseconds: Number(nanoseconds % 1_000_000_000n) });

const seconds = (time: Timespec): number => time.seconds + time.nanoseconds / 1e9;

/** The user who runs the lab is the guest's root; other owners keep their numbers. */
const owner = (id: bigint, own: number | undefined): number => (Number(id) === own ? 0 : Number(id));

function attributesOf(stat: fs.BigIntStats, type: number): HostAttributes {
  return {
    mode: type | Number(stat.mode & PERMISSIONS),
    uid: owner(stat.uid, process.getuid?.()),
    gid: owner(stat.gid, process.getgid?.()),
    atime: timespec(stat.atimeNs),
    mtime: timespec(stat.mtimeNs),
    ctime: timespec(stat.ctimeNs),
  };
}

/** Keeps a few descriptors open, closing the one unused for longest. */
class DescriptorCache<Key> {
  private readonly limit: number;
  private readonly open = new Map<Key, number>();

  constructor(limit: number) {
    this.limit = limit;
  }

  has(key: Key): boolean {
    return this.open.has(key);
  }

  /** The descriptor of `key`, made if it is not open. Without `make` it must be. */
  get(key: Key, make?: () => number): number {
    const known = this.open.get(key);
    if (known !== undefined) {
      this.open.delete(key);
      this.open.set(key, known);
      return known;
    }
    if (make === undefined) throw new ModelBug("DescriptorCache.get: not open");
    const fd = make();
    this.open.set(key, fd);
    for (const oldest of this.open.keys()) {
      if (this.open.size <= this.limit) break;
      this.close(oldest);
    }
    return fd;
  }

  close(key: Key): void {
    const fd = this.open.get(key);
    if (fd === undefined) return;
    this.open.delete(key);
    fs.closeSync(fd);
  }

  closeAll(): void {
    for (const key of [...this.open.keys()]) this.close(key);
  }
}

interface Tree {
  readonly writable: boolean;
  readonly directories: DescriptorCache<HostDir>;
  readonly files: DescriptorCache<RegularFile>;
}

/** What a tree has handed out under a name; follows the object when it is renamed. */
interface Placed {
  parent: HostDir | undefined;
  name: string;
  /** Further names that the guest has given it. */
  others?: readonly Name[];
}

interface Name {
  readonly parent: HostDir;
  readonly name: string;
}

const descriptorPath = (fd: number): string => `/proc/self/fd/${fd}`;

/** The host path of a name in the directory behind a descriptor. */
const entryOf = (fd: number, name: string): Buffer => Buffer.concat([Buffer.from(`${descriptorPath(fd)}/`), Buffer.from(name, "latin1")]);

class RegularFile implements HostFile, Placed {
  parent: HostDir;
  name: string;
  others: readonly Name[] = [];
  readonly size: number;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly store?: Required<NonNullable<HostFile["store"]>>;
  private readonly tree: Tree;
  private readonly identity: { readonly dev: bigint; readonly ino: bigint };

  constructor(tree: Tree, parent: HostDir, name: string, stat: fs.BigIntStats, access: { readonly readable: boolean; readonly writable: boolean }) {
    this.tree = tree;
    this.parent = parent;
    this.name = name;
    this.size = Number(stat.size);
    this.readable = access.readable;
    this.writable = access.writable;
    this.identity = { dev: stat.dev, ino: stat.ino };
    if (tree.writable) {
      this.store = {
        read: (offset, into) => {
          this.readFully(offset, into);
        },
        write: (offset, from) => {
          for (let done = 0; done < from.length; ) done += fs.writeSync(this.fd(), from, done, from.length - done, offset + done);
        },
        truncate: (size) => {
          fs.ftruncateSync(this.fd(), size);
        },
        punchHole: (offset, length) => {
          const end = Math.min(offset + length, fs.fstatSync(this.fd()).size);
          for (let at = offset; at < end; ) at += fs.writeSync(this.fd(), ZEROS, 0, Math.min(ZEROS.length, end - at), at);
        },
      };
    }
  }

  read(offset: number, into: Uint8Array): void {
    this.readFully(offset, into);
  }

  idle(): void {
    this.tree.files.close(this);
  }

  private fd(): number {
    return this.tree.files.get(this, () => {
      const flags = this.tree.writable && this.writable ? O_RDWR : O_RDONLY;
      return this.parent.opened(this.name, (fd) => {
        const stat = fs.fstatSync(fd, { bigint: true });
        if (!stat.isFile() || stat.dev !== this.identity.dev || stat.ino !== this.identity.ino) throw new ConfigError(`${this.name}: replaced on the host while the guest uses it`);
        return fs.openSync(descriptorPath(fd), flags);
      });
    });
  }

  private readFully(offset: number, into: Uint8Array): void {
    let done = 0;
    while (done < into.length) {
      const count = fs.readSync(this.fd(), into, done, into.length - done, offset + done);
      if (count === 0) break;
      done += count;
    }
    into.fill(0, done);
  }
}

class HostDir implements HostDirectory, Placed {
  parent: HostDir | undefined;
  name: string;
  readonly attributes: HostAttributes;
  readonly changes?: HostChanges;
  private readonly tree: Tree;
  /** Objects handed out, by name. Kept only where names can change. */
  private readonly placed = new Map<string, Placed>();

  constructor(tree: Tree, parent: HostDir | undefined, name: string, attributes: HostAttributes) {
    this.tree = tree;
    this.parent = parent;
    this.name = name;
    this.attributes = attributes;
    if (tree.writable) this.changes = this.makeChanges();
  }

  /**
   * A descriptor of the directory itself (O_PATH). Directories above that are not open any more are opened first, from the top: a guest
   * can nest them to any depth. The root's, whose `name` is its host path, is opened through any links.
   */
  private descriptor(): number {
    const cache = this.tree.directories;
    const closed: HostDir[] = [];
    for (let at: HostDir | undefined = this; at !== undefined && !cache.has(at); at = at.parent) closed.push(at);
    for (let dir = closed.pop(); dir !== undefined; dir = closed.pop()) {
      const { parent, name } = dir;
      cache.get(dir, () => (parent === undefined ? fs.openSync(name, O_PATH | O_DIRECTORY) : fs.openSync(entryOf(cache.get(parent), name), O_PATH | O_DIRECTORY | O_NOFOLLOW)));
    }
    return cache.get(this);
  }

  /** The host path of one entry: a name in the directory behind the descriptor. */
  private entry(name: string): Buffer {
    return entryOf(this.descriptor(), name);
  }

  /** Call `use` with an O_PATH descriptor of an entry, which is never followed if it is a link. */
  opened<T>(name: string, use: (fd: number) => T): T {
    const fd = fs.openSync(this.entry(name), O_PATH | O_NOFOLLOW);
    try {
      return use(fd);
    } finally {
      fs.closeSync(fd);
    }
  }

  names(): readonly HostName[] {
    let entries: fs.Dirent[];
    try {
      entries = fs.readdirSync(descriptorPath(this.descriptor()), { withFileTypes: true, encoding: "latin1" });
    } catch (error) {
      hostError(error);
      return [];
    }
    return entries
      .flatMap((entry): HostName[] => {
        if (entry.isDirectory()) return [{ name: entry.name, type: S_IFDIR }];
        if (entry.isFile()) return [{ name: entry.name, type: S_IFREG }];
        return entry.isSymbolicLink() ? [{ name: entry.name, type: S_IFLNK }] : [];
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  lookup(name: string): HostObject | undefined {
    if (name === "" || name === "." || name === ".." || /[/\0]/.test(name)) return undefined;
    try {
      return this.opened(name, (fd) => this.describe(name, fd));
    } catch (error) {
      hostError(error);
      return undefined;
    }
  }

  private describe(name: string, fd: number): HostObject | undefined {
    const stat = fs.fstatSync(fd, { bigint: true });
    if (stat.isDirectory()) {
      const directory = new HostDir(this.tree, this, name, attributesOf(stat, S_IFDIR));
      this.place(name, directory);
      return { kind: "directory", attributes: directory.attributes, directory };
    }
    if (stat.isFile()) {
      // A file with other names may be known by one of them outside the tree: it is not written in place.
      const writable = !this.tree.writable || (stat.nlink === 1n && attempt(() => { fs.accessSync(descriptorPath(fd), fs.constants.W_OK); }) === 0);
      const readable = attempt(() => { fs.accessSync(descriptorPath(fd), fs.constants.R_OK); }) === 0;
      const file = new RegularFile(this.tree, this, name, stat, { readable, writable });
      this.place(name, file);
      return { kind: "file", attributes: attributesOf(stat, S_IFREG), file };
    }
    if (!stat.isSymbolicLink()) return undefined;
    return { kind: "symlink", attributes: attributesOf(stat, S_IFLNK), target: fs.readlinkSync(this.entry(name), "latin1") };
  }

  private place(name: string, object: Placed): void {
    if (this.tree.writable) this.placed.set(name, object);
  }

  /** The name is gone; what was behind it is known by another one, if it has one. */
  private displace(name: string): Placed | undefined {
    const object = this.placed.get(name);
    if (object === undefined) return undefined;
    this.placed.delete(name);
    const others = (object.others ?? []).filter((other) => other.parent !== this || other.name !== name);
    if (object.parent === this && object.name === name) {
      const next = others.pop();
      if (next !== undefined) {
        object.parent = next.parent;
        object.name = next.name;
      }
    }
    if (object.others !== undefined) object.others = others;
    return object;
  }

  /** An object that has been moved: its new name is the one by which it is known. */
  private give(name: string, object: Placed): void {
    const { parent } = object;
    if (parent?.placed.get(object.name) === object) object.others = [...(object.others ?? []), { parent, name: object.name }];
    object.parent = this;
    object.name = name;
    this.placed.set(name, object);
  }

  dispose(): void {
    this.tree.files.closeAll();
    this.tree.directories.closeAll();
  }

  private made(name: string, call: () => void): HostObject | number {
    const error = attempt(call);
    return error < 0 ? error : (this.lookup(name) ?? -EIO);
  }

  private makeChanges(): HostChanges {
    return {
      create: (name, mode) =>
        this.made(name, () => {
          fs.closeSync(fs.openSync(this.entry(name), O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, mode));
        }),
      mkdir: (name, mode) =>
        this.made(name, () => {
          fs.mkdirSync(this.entry(name), { mode });
        }),
      symlink: (name, target) =>
        attempt(() => {
          fs.symlinkSync(Buffer.from(target, "latin1"), this.entry(name));
        }),
      remove: (name, directory) => {
        const error = attempt(() => {
          if (directory) fs.rmdirSync(this.entry(name));
          else fs.unlinkSync(this.entry(name));
        });
        if (error === 0) this.displace(name);
        return error;
      },
      link: (name, to, newName) => {
        if (!(to instanceof HostDir) || to.tree !== this.tree) return -EXDEV;
        const error = attempt(() => {
          fs.linkSync(this.entry(name), to.entry(newName));
        });
        const object = this.placed.get(name);
        if (error === 0 && object !== undefined) {
          object.others = [...(object.others ?? []), { parent: to, name: newName }];
          to.placed.set(newName, object);
        }
        return error;
      },
      rename: (name, to, newName) => {
        if (!(to instanceof HostDir) || to.tree !== this.tree) return -EPERM;
        const error = attempt(() => {
          fs.renameSync(this.entry(name), to.entry(newName));
        });
        if (error < 0) return error;
        to.displace(newName);
        const object = this.displace(name);
        if (object !== undefined) to.give(newName, object);
        return 0;
      },
      setMode: (name, mode) =>
        attempt(() => {
          this.opened(name, (fd) => {
            if (!fs.fstatSync(fd).isSymbolicLink()) fs.chmodSync(descriptorPath(fd), mode);
          });
        }),
      setTimes: (name, atime, mtime) =>
        attempt(() => {
          this.opened(name, (fd) => {
            if (fs.fstatSync(fd).isSymbolicLink()) fs.lutimesSync(this.entry(name), seconds(atime), seconds(mtime));
            else fs.utimesSync(descriptorPath(fd), seconds(atime), seconds(mtime));
          });
        }),
    };
  }
}

/** The directory at `path` of the host. Throws ConfigError if it is none or cannot be opened. */
export function openHostDirectory(path: string, { writable }: HostDirectoryOptions): HostDirectory {
  if (!fs.existsSync("/proc/self/fd")) throw new ConfigError(`${path}: directories of the host can only be shown on Linux`);
  let stat: fs.BigIntStats;
  try {
    stat = fs.statSync(path, { bigint: true });
  } catch (error) {
    hostError(error);
    throw new ConfigError(`${path}: no such directory`);
  }
  if (!stat.isDirectory()) throw new ConfigError(`${path}: not a directory`);
  const tree: Tree = { writable, directories: new DescriptorCache(KEPT_DIRECTORIES), files: new DescriptorCache(KEPT_FILES) };
  return new HostDir(tree, undefined, resolve(path), attributesOf(stat, S_IFDIR));
}
