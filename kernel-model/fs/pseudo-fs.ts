/**
 * File systems whose contents are computed: procfs, sysfs, debugfs. A tree of nodes becomes inodes when it is looked up.
 *
 * Linux: fs/proc/generic.c, fs/kernfs, fs/seq_file.c (a text is made anew when it is read from its start).
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EINVAL, EIO, ENOENT, EPERM } from "../errno.js";
import { byteString, bytesOf } from "../kernel/byte-string.js";
import type { DirectoryEntry, FileOperations, FileSystem, FileSystemStatistics, InodeOperations, OpenFile, Path, UserMemory, VfsInode } from "./vfs.js";
import { S_IFCHR, S_IFDIR, S_IFLNK, S_IFREG } from "./vfs.js";

export interface PseudoDirectory {
  readonly kind: "directory";
  readonly mode?: number;
  /** Child by name, undefined if there is none. */
  readonly lookup: (name: string) => PseudoNode | undefined;
  /** Names of the children, in the order of getdents. */
  readonly names: () => Iterable<string>;
}

export interface PseudoText {
  readonly kind: "text";
  readonly mode: number;
  /** The contents as a byte string, or -errno. */
  readonly read?: (file: OpenFile) => string | number;
  /** Take what one write() brought; bytes taken or -errno. */
  readonly write?: (text: string, file: OpenFile) => number;
}

/** Random access without a text: pagemap, kpageflags, mem. */
export interface PseudoBinary {
  readonly kind: "binary";
  readonly mode: number;
  readonly open?: (file: OpenFile) => number;
  readonly readAt: (file: OpenFile, into: Uint8Array, offset: number) => number;
  readonly writeAt?: (file: OpenFile, from: Uint8Array, offset: number) => number;
  readonly ioctl?: (file: OpenFile, command: number, argument: Va, user: UserMemory) => number;
}

export interface PseudoLink {
  readonly kind: "link";
  /** Target as text, or a place itself (magic link) whose text readlink shows. */
  readonly target: () => string | { readonly path: Path; readonly text: string } | number;
}

/** A character device whose operations belong to whoever made the node. */
export interface PseudoDevice {
  readonly kind: "device";
  readonly mode: number;
  readonly rdev: number;
  readonly open: (file: OpenFile) => FileOperations | number;
}

export type PseudoNode = PseudoDirectory | PseudoText | PseudoBinary | PseudoLink | PseudoDevice;

/** A directory with fixed children. */
export function directory(children: Readonly<Record<string, PseudoNode>>): PseudoDirectory {
  return { kind: "directory", lookup: (name) => (Object.hasOwn(children, name) ? children[name] : undefined), names: () => Object.keys(children) };
}

/** A read-only text. */
export function text(read: () => string): PseudoText {
  return { kind: "text", mode: 0o444, read };
}

export interface PseudoFileSystemOptions {
  readonly type: string;
  readonly dev: number;
  readonly magic: number;
  readonly root: PseudoDirectory;
  /** Names may lead to other objects from one look-up to the next (/proc/PID). */
  readonly volatile: boolean;
}

const EPOCH = { seconds: 0, nanoseconds: 0 } as const;

function modeOf(node: PseudoNode): number {
  switch (node.kind) {
    case "directory":
      return S_IFDIR | (node.mode ?? 0o555);
    case "link":
      return S_IFLNK | 0o777;
    case "device":
      return S_IFCHR | node.mode;
    case "text":
    case "binary":
      return S_IFREG | node.mode;
  }
}

/** Operations of a text: computed when read from offset 0, then served from what was computed. */
function textOperations(node: PseudoText): FileOperations {
  return {
    seekable: true,
    read(file, into, offset) {
      if (node.read === undefined) return -EIO;
      if (offset === 0 || file.privateData === undefined) {
        const made = node.read(file);
        if (typeof made === "number") return made;
        file.privateData = bytesOf(made);
      }
      const bytes = file.privateData as Uint8Array;
      const part = bytes.subarray(Math.min(offset, bytes.length), Math.min(offset + into.length, bytes.length));
      into.set(part);
      return part.length;
    },
    write(file, from) {
      return node.write === undefined ? -EIO : node.write(byteString(from), file);
    },
  };
}

function binaryOperations(node: PseudoBinary): FileOperations {
  return {
    seekable: true,
    read: (file, into, offset) => node.readAt(file, into, offset),
    ...(node.writeAt === undefined ? {} : { write: node.writeAt }),
    ...(node.ioctl === undefined ? {} : { ioctl: node.ioctl }),
  };
}

/** Makes the file system. Inode numbers are given in order of first look-up of each node object, from 1 for the root. */
export function createPseudoFileSystem(options: PseudoFileSystemOptions): FileSystem {
  const numbers = new WeakMap<PseudoNode, number>();
  let lastIno = 0;
  const inodeNumber = (node: PseudoNode): number => {
    const known = numbers.get(node);
    if (known !== undefined) return known;
    lastIno++;
    numbers.set(node, lastIno);
    return lastIno;
  };

  const makeInode = (node: PseudoNode, parent: PseudoNode): VfsInode => ({
    ino: inodeNumber(node),
    dev: options.dev,
    mode: modeOf(node),
    nlink: node.kind === "directory" ? 2 : 1,
    uid: 0,
    gid: 0,
    size: 0,
    mapping: undefined,
    fs,
    ops: operations(node, parent),
    rdev: node.kind === "device" ? node.rdev : 0,
    atime: EPOCH,
    mtime: EPOCH,
    ctime: EPOCH,
    blocks: 0,
    holders: 0,
  });

  const operations = (node: PseudoNode, parent: PseudoNode): InodeOperations => {
    switch (node.kind) {
      case "directory":
        return {
          lookup(_dir, name) {
            const child = node.lookup(name);
            return child === undefined ? -ENOENT : makeInode(child, node);
          },
          create: () => -EPERM,
          mkdir: () => -EPERM,
          open: () => ({
            seekable: true,
            iterate(_file, offset, emit) {
              const entries: DirectoryEntry[] = [
                { name: ".", ino: inodeNumber(node), type: S_IFDIR, next: 1 },
                { name: "..", ino: inodeNumber(parent), type: S_IFDIR, next: 2 },
              ];
              for (const name of node.names()) {
                const child = node.lookup(name);
                if (child !== undefined) entries.push({ name, ino: inodeNumber(child), type: modeOf(child) & 0o170000, next: entries.length + 1 });
              }
              for (const entry of entries.slice(offset)) if (!emit(entry)) break;
              return 0;
            },
          }),
        };
      case "link":
        return {
          readlink() {
            const target = node.target();
            return typeof target === "object" ? target.text : target;
          },
          followLink() {
            const target = node.target();
            return typeof target === "object" ? target.path : typeof target === "number" ? target : undefined;
          },
          open: () => -EINVAL,
        };
      case "device":
        return { open: (_inode, file) => node.open(file) };
      case "text":
        return { open: () => textOperations(node) };
      case "binary":
        return {
          open(_inode, file) {
            const refused = node.open?.(file) ?? 0;
            return refused < 0 ? refused : binaryOperations(node);
          },
        };
    }
  };

  const statistics: FileSystemStatistics = { magic: options.magic, blockSize: 4096, blocks: 0, blocksFree: 0, files: 0, filesFree: 0, nameLength: 255 };
  const fs: FileSystem = {
    type: options.type,
    source: options.type,
    options: "relatime",
    dev: options.dev,
    get root() {
      return rootInode;
    },
    readOnly: false,
    volatile: options.volatile,
    statistics: () => statistics,
    dispose() {
      /* nothing is kept */
    },
  };
  const rootInode = makeInode(options.root, options.root);
  return fs;
}
