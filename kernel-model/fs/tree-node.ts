/**
 * The objects of an in-memory file system, and the space they take.
 *
 * Linux: mm/shmem.c struct shmem_inode_info, shmem_sb_info.
 */
import type { MemorySystem } from "../mm/memory-system.js";
import type { FolioPolicy } from "./file.js";
import type { HostDirectory, HostFile } from "./host-directory.js";
import type { LowerContents } from "./backing.js";
import type { FileOperations, InodeOperations, OpenFile, Timespec, VfsInode } from "./vfs.js";

/** A name in a directory. */
export interface TreeEntry {
  readonly ino: number;
  /** S_IF*. */
  readonly type: number;
  /** Position in listings; ascends in the order in which names were made and never changes. */
  readonly cookie: number;
  /** undefined: known by name only, from the directory that lies below. */
  node: TreeNode | undefined;
}

/** Where a node was last seen, for changes that are passed on to the host. */
export interface TreePlace {
  readonly dir: TreeDirectory;
  readonly name: string;
}

interface TreeNodeBase {
  readonly inode: VfsInode;
  place: TreePlace | undefined;
  /** Its other names, if it has several. */
  otherPlaces?: readonly TreePlace[];
}

export interface TreeDirectory extends TreeNodeBase {
  readonly kind: "directory";
  /** Itself for the root. Changes when the directory is moved. */
  parent: TreeDirectory;
  readonly entries: Map<string, TreeEntry>;
  nextCookie: number;
  /** The directory that lies below; its names are entered at the first look into this one. */
  readonly host: HostDirectory | undefined;
  listed: boolean;
}

export interface TreeFile extends TreeNodeBase {
  readonly kind: "file";
  /** Contents that were there when the node was made. */
  readonly lower: LowerContents | undefined;
  readonly host: HostFile | undefined;
  /** Storage units charged to the file system (page-cache policies): indexes of SPACE_UNIT bytes. */
  readonly charged: Set<number>;
}

export interface TreeLink extends TreeNodeBase {
  readonly kind: "link";
  readonly target: string;
}

/** A fifo, a device node, a socket's name. Always in memory, also in a directory whose changes reach the host. */
export interface TreeSpecial extends TreeNodeBase {
  readonly kind: "special";
}

export type TreeNode = TreeDirectory | TreeFile | TreeLink | TreeSpecial;

/** Opens what is not a file of the tree itself. */
export interface SpecialFiles {
  /** Operations of a device, -ENXIO if there is none with this number. */
  openDevice(file: OpenFile, rdev: number): FileOperations | number;
  openFifo(file: OpenFile): FileOperations | number;
}

export interface TreeFsOptions {
  readonly sys: MemorySystem;
  /** Type, source and options as shown in /proc/mounts. */
  readonly type: string;
  readonly source: string;
  readonly options: string;
  /** st_dev. */
  readonly dev: number;
  /** f_type of statfs. */
  readonly magic: number;
  readonly policy: FolioPolicy;
  /** Bytes that files may take in memory (tmpfs) or on the disk. */
  readonly maxBytes: number;
  readonly maxInodes: number;
  readonly readOnly: boolean;
  /** Permission bits of the root directory. */
  readonly rootMode: number;
  /** A host directory that lies below the tree: read-only, or written through if it has `changes`. */
  readonly host?: HostDirectory;
  readonly now: () => Timespec;
  /** Owner of new files: fsuid and fsgid of the running task. */
  readonly owner: () => { readonly uid: number; readonly gid: number };
  readonly special: SpecialFiles;
}

/** Bytes by which space on a disk is counted; the granularity in which fs/backing.ts keeps contents. */
export const SPACE_UNIT = 65536;

/** Bytes that the files of one file system take. */
export class TreeSpace {
  readonly maxBytes: number;
  readonly maxInodes: number;
  usedBytes = 0;
  inodes = 0;

  constructor(maxBytes: number, maxInodes: number) {
    this.maxBytes = maxBytes;
    this.maxInodes = maxInodes;
  }

  /** Take `bytes` (negative: give back); false if they are not there. */
  charge(bytes: number): boolean {
    if (bytes > 0 && this.usedBytes + bytes > this.maxBytes) return false;
    this.usedBytes += bytes;
    return true;
  }
}

/** Operations of every kind of node, one record per file system. */
export interface TreeOperations {
  readonly directory: InodeOperations;
  readonly file: InodeOperations;
  readonly link: InodeOperations;
  readonly special: InodeOperations;
}
