/**
 * The smallest file system for tests of processes: directories, regular files in the page cache, links and a few devices, all in memory.
 */
import { createAddressSpace, releaseMapping } from "../../kernel-model/fs/address-space.js";
import { createBacking } from "../../kernel-model/fs/backing.js";
import { INITRAMFS_POLICY } from "../../kernel-model/fs/folio-policies.js";
import type { FileOperations, FileSystem, InodeOperations, OpenFile, Path, VfsInode } from "../../kernel-model/fs/vfs.js";
import { createMount, openInode } from "../../kernel-model/fs/vfs.js";
import type { MemorySystem } from "../../kernel-model/mm/memory-system.js";
import { pageCacheRead, pageCacheWrite } from "../../kernel-model/mm/filemap-io.js";
import { truncateSetsize } from "../../kernel-model/mm/truncate.js";
import { vmOpsFor } from "../../kernel-model/mm/vm-operations.js";

const TIME = { seconds: 0, nanoseconds: 0 };

/** What stands at a path: bytes, or a symbolic link. */
export type Entry = Uint8Array | { readonly link: string } | { readonly bytes: Uint8Array; readonly mode: number };

export class MemoryFs {
  readonly root: Path;
  private readonly sys: MemorySystem;
  private readonly fs: FileSystem;
  private readonly children = new Map<VfsInode, Map<string, VfsInode>>();
  private nextIno = 1;

  constructor(sys: MemorySystem) {
    this.sys = sys;
    const holder: { root?: VfsInode } = {};
    this.fs = {
      type: "testfs",
      source: "none",
      options: "",
      dev: 1,
      get root() {
        return holder.root!;
      },
      readOnly: false,
      volatile: false,
      statistics: () => ({ magic: 0x01021994, blockSize: 4096, blocks: 0, blocksFree: 0, files: 0, filesFree: 0, nameLength: 255 }),
      dispose: () => {
        for (const directory of this.children.values()) {
          for (const { mapping } of directory.values()) if (mapping !== undefined) releaseMapping(mapping);
        }
      },
    };
    holder.root = this.directory();
    const mount = createMount(this.fs, 1);
    this.root = { mount, dentry: mount.root };
  }

  private inode(mode: number, ops: InodeOperations, rdev = 0): VfsInode {
    const ino = this.nextIno++;
    return { ino, dev: 1, mode, nlink: 1, uid: 0, gid: 0, size: 0, mapping: undefined, fs: this.fs, ops, rdev, atime: TIME, mtime: TIME, ctime: TIME, blocks: 0, holders: 0 };
  }

  private directory(): VfsInode {
    const names = new Map<string, VfsInode>();
    const iterate: FileOperations["iterate"] = (_, offset, emit) => {
      const list = [...names].slice(offset);
      for (const [i, [name, { ino, mode }]] of list.entries()) if (!emit({ name, ino, type: mode, next: offset + i + 1 })) break;
      return 0;
    };
    const inode = this.inode(0o040755, {
      lookup: (_, name) => names.get(name) ?? -2,
      create: (_, name, mode) => this.regular(names, name, new Uint8Array(0), mode),
      open: () => ({ seekable: true, iterate }),
    });
    this.children.set(inode, names);
    return inode;
  }

  private regular(names: Map<string, VfsInode>, name: string, bytes: Uint8Array, mode: number): VfsInode {
    const ops: FileOperations = {
      seekable: true,
      read: (file, into, offset) => pageCacheRead(file, offset, into),
      write: (file, from, offset) => pageCacheWrite(file, offset, from),
      mmapOps: (file) => vmOpsFor(file.inode.mapping!),
    };
    const setAttributes: InodeOperations["setAttributes"] = (node, { size }) => {
      if (size !== undefined) truncateSetsize(node.mapping!, size);
      return 0;
    };
    const inode = this.inode(0o100000 | (mode & 0o7777), { open: () => ops, setAttributes });
    inode.size = bytes.length;
    const contents = createBacking({ size: bytes.length, read: (offset, into) => into.set(bytes.subarray(offset, offset + into.length)) });
    createAddressSpace(this.sys, inode, INITRAMFS_POLICY, contents);
    names.set(name, inode);
    return inode;
  }

  /** Enter a file, link or (through its operations) device at an absolute path; directories on the way are made. */
  add(path: string, entry: Entry | FileOperations): VfsInode {
    const parts = path.split("/").filter((part) => part !== "");
    const name = parts.pop()!;
    let dir = this.root.dentry.inode;
    for (const part of parts) {
      const names = this.children.get(dir)!;
      let next = names.get(part);
      if (next === undefined) names.set(part, (next = this.directory()));
      dir = next;
    }
    const names = this.children.get(dir)!;
    if (entry instanceof Uint8Array) return this.regular(names, name, entry, 0o755);
    if ("bytes" in entry) return this.regular(names, name, entry.bytes, entry.mode);
    const inode = "link" in entry ? this.inode(0o120777, { readlink: () => entry.link, open: () => -40 }) : this.inode(0o020666, { open: () => entry }, 259);
    names.set(name, inode);
    return inode;
  }

  /** A description of a stream with these operations, as standard streams are. */
  stream(ops: FileOperations, flags: number, path: string): OpenFile {
    const file = openInode(this.inode(0o010600, { open: () => ops }), flags, path, undefined);
    if (typeof file === "number") throw new Error(`open: ${file}`);
    return file;
  }

  dispose(): void {
    this.fs.dispose();
  }
}
