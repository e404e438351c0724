/**
 * Files without a place in the tree: pipes, sockets, memory files, event counters, standard streams.
 *
 * Linux: fs/anon_inodes.c, fs/pipe.c pipefs, net/socket.c sockfs; fs/d_path.c dynamic_dname().
 */
import { EINVAL } from "../errno.js";
import type { Dentry, FileOperations, FileSystem, FileSystemStatistics, InodeAttributes, InodeOperations, Mount, OpenFile, Timespec, VfsInode } from "./vfs.js";
import { S_IFMT, createDentry, createMount, openInode } from "./vfs.js";

export interface AnonInodeOptions {
  /** S_IF* and permission bits. */
  readonly mode: number;
  /** Operations of a description of it; by default the inode cannot be opened again through /proc/PID/fd. */
  readonly open: InodeOperations["open"];
  readonly nlink?: number;
  readonly rdev?: number;
  readonly setAttributes?: InodeOperations["setAttributes"];
  readonly getAttributes?: InodeOperations["getAttributes"];
  readonly evict?: InodeOperations["evict"];
}

/** A kernel-internal file system: it is mounted nowhere, and its objects have no path but a descriptive name. */
export class AnonFs implements FileSystem {
  readonly type: string;
  readonly source: string;
  readonly options = "";
  readonly dev: number;
  readonly readOnly = false;
  readonly volatile = true;
  readonly root: VfsInode;
  private readonly magic: number;
  private readonly now: () => Timespec;
  private readonly mount: Mount;
  private lastIno = 0;

  constructor(options: { readonly type: string; readonly dev: number; readonly magic: number; readonly now: () => Timespec }) {
    this.type = options.type;
    this.source = options.type;
    this.dev = options.dev;
    this.magic = options.magic;
    this.now = options.now;
    this.root = this.createInode({ mode: 0o040555, open: () => PLAIN });
    this.mount = createMount(this, 0);
  }

  createInode(options: AnonInodeOptions): VfsInode {
    const time = this.now();
    const { open, setAttributes, getAttributes, evict } = options;
    return {
      ino: ++this.lastIno,
      dev: this.dev,
      mode: options.mode,
      nlink: options.nlink ?? 1,
      uid: 0,
      gid: 0,
      size: 0,
      mapping: undefined,
      fs: this,
      ops: {
        open,
        setAttributes: setAttributes ?? keepAttributes,
        ...(getAttributes === undefined ? {} : { getAttributes }),
        ...(evict === undefined ? {} : { evict }),
      },
      rdev: options.rdev ?? 0,
      atime: time,
      mtime: time,
      ctime: time,
      blocks: 0,
      holders: 0,
    };
  }

  /** A description of `inode`. `name`: what /proc/PID/fd shows, made from the inode number if it is a function. */
  openInode(inode: VfsInode, flags: number, name: string | ((ino: number) => string)): OpenFile | number {
    const text = typeof name === "string" ? name : name(inode.ino);
    const dentry: Dentry = createDentry(inode, text);
    return openInode(inode, flags, text, { mount: this.mount, dentry });
  }

  statistics(): FileSystemStatistics {
    return { magic: this.magic, blockSize: 4096, blocks: 0, blocksFree: 0, files: 0, filesFree: 0, nameLength: 255 };
  }

  dispose(): void {
    /* objects go with their last description */
  }
}

/** Mode, owner and times can be set and mean nothing. Linux: simple_setattr(). */
function keepAttributes(inode: VfsInode, { mode, uid, gid, atime, mtime, size }: InodeAttributes): number {
  if (size !== undefined) return -EINVAL;
  if (mode !== undefined) inode.mode = (inode.mode & S_IFMT) | (mode & 0o7777);
  if (uid !== undefined) inode.uid = uid;
  if (gid !== undefined) inode.gid = gid;
  if (atime !== undefined) inode.atime = atime;
  if (mtime !== undefined) inode.mtime = mtime;
  return 0;
}

const PLAIN: FileOperations = { seekable: false };
