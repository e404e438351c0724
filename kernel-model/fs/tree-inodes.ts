/**
 * Makes the inodes of an in-memory file system, and knows which node belongs to which inode.
 *
 * Linux: mm/shmem.c shmem_get_inode(), fs/inode.c new_inode().
 */
import { ModelBug } from "../../emulator/arch/errors.js";
import type { LowerContents } from "./backing.js";
import type { HostDirectory, HostObject } from "./host-directory.js";
import type { TreeDirectory, TreeFile, TreeFsOptions, TreeLink, TreeNode, TreeOperations, TreeSpace, TreeSpecial } from "./tree-node.js";
import type { FileSystem, InodeOperations, VfsInode } from "./vfs.js";
import { S_IFLNK } from "./vfs.js";

/** Fields of a new inode that are not the file system's own. */
export interface InodeSeed {
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: number;
  readonly rdev?: number;
  readonly times?: Pick<VfsInode, "atime" | "mtime" | "ctime">;
}

export class TreeInodes {
  private readonly fs: FileSystem;
  private readonly config: TreeFsOptions;
  private readonly space: TreeSpace;
  private readonly operations: TreeOperations;
  private readonly nodes = new WeakMap<VfsInode, TreeNode>();
  private lastIno = 0;

  constructor(fs: FileSystem, config: TreeFsOptions, space: TreeSpace, operations: TreeOperations) {
    this.fs = fs;
    this.config = config;
    this.space = space;
    this.operations = operations;
  }

  /** A number for an object that has no inode yet. */
  nextIno(): number {
    return ++this.lastIno;
  }

  private makeInode(seed: InodeSeed, ops: InodeOperations, nlink: number, ino = ++this.lastIno): VfsInode {
    const now = this.config.now();
    const owner = seed.uid === undefined ? this.config.owner() : { uid: seed.uid, gid: seed.gid ?? 0 };
    this.space.inodes++;
    return {
      ino,
      dev: this.config.dev,
      mode: seed.mode,
      nlink,
      uid: owner.uid,
      gid: owner.gid,
      size: seed.size ?? 0,
      mapping: undefined,
      fs: this.fs,
      ops,
      rdev: seed.rdev ?? 0,
      ...(seed.times ?? { atime: now, mtime: now, ctime: now }),
      blocks: 0,
      holders: 0,
    };
  }

  private register<N extends TreeNode>(node: N): N {
    this.nodes.set(node.inode, node);
    return node;
  }

  /** `parent` undefined: the root. `host`: the directory that lies below. */
  makeDirectory(seed: InodeSeed, parent: TreeDirectory | undefined, host: HostDirectory | undefined, ino?: number): TreeDirectory {
    const inode = this.makeInode(seed, this.operations.directory, 2, ino);
    const node = { kind: "directory", inode, place: undefined, entries: new Map(), nextCookie: 2, host, listed: host === undefined } as Omit<
      TreeDirectory,
      "parent"
    > as TreeDirectory;
    node.parent = parent ?? node;
    return this.register(node);
  }

  /** A regular file without a name. `lower`: contents that are there from the start. */
  makeFile(seed: InodeSeed, lower?: LowerContents, host?: TreeFile["host"], ino?: number): TreeFile {
    const inode = this.makeInode(seed, this.operations.file, 0, ino);
    return this.register({ kind: "file", inode, place: undefined, lower, host, charged: new Set() });
  }

  makeLink(target: string, seed: InodeSeed = { mode: S_IFLNK | 0o777 }, ino?: number): TreeLink {
    const inode = this.makeInode({ ...seed, size: target.length }, this.operations.link, 0, ino);
    return this.register({ kind: "link", inode, place: undefined, target });
  }

  makeSpecial(seed: InodeSeed): TreeSpecial {
    return this.register({ kind: "special", inode: this.makeInode(seed, this.operations.special, 0), place: undefined });
  }

  /** The node of an inode of this file system; any other is a bug. */
  nodeOf(inode: VfsInode): TreeNode {
    const node = this.nodes.get(inode);
    if (node === undefined) throw new ModelBug(`TreeFs ${this.config.type}: inode ${inode.ino} of device ${inode.dev} is not of this file system`);
    return node;
  }

  dirOf(inode: VfsInode): TreeDirectory {
    const node = this.nodeOf(inode);
    if (node.kind !== "directory") throw new ModelBug(`TreeFs ${this.config.type}: inode ${inode.ino} is no directory`);
    return node;
  }

  fileOf(inode: VfsInode): TreeFile {
    const node = this.nodeOf(inode);
    if (node.kind !== "file") throw new ModelBug(`TreeFs ${this.config.type}: inode ${inode.ino} is no regular file`);
    return node;
  }

  /** A node for an object of the host. */
  adopt(object: HostObject, dir: TreeDirectory, ino?: number): TreeNode {
    const seed = { mode: object.attributes.mode, ...hostSeed(object.attributes) };
    switch (object.kind) {
      case "directory":
        return this.makeDirectory(seed, dir, object.directory, ino);
      case "file": {
        const node = this.makeFile({ ...seed, size: object.file.size }, object.file, object.file, ino);
        node.inode.nlink = 1;
        return node;
      }
      case "symlink": {
        const node = this.makeLink(object.target, seed, ino);
        node.inode.nlink = 1;
        return node;
      }
    }
  }
}

/** What a node takes over from a host object. */
export function hostSeed({ uid, gid, atime, mtime, ctime }: HostDirectory["attributes"]): Omit<InodeSeed, "mode"> {
  return { uid, gid, times: { atime, mtime, ctime } };
}
