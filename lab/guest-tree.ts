/** The file system tree of a run: what the guest sees of the host, and its standard streams. */
import type { MemorySystem } from "../kernel-model/mm/memory-system.js";
import { EXT4_POLICY, INITRAMFS_POLICY, XFS_POLICY } from "../kernel-model/fs/folio-policies.js";
import type { FolioPolicy } from "../kernel-model/fs/file.js";
import { TreeFs } from "../kernel-model/fs/tree-fs.js";
import { createDentry, openInode, type FileOperations, type Mount, type OpenFile, type Path, type Timespec } from "../kernel-model/fs/vfs.js";
import type { Task } from "../kernel-model/kernel/task.js";
import { ENXIO } from "../kernel-model/errno.js";
import type { FsName, RunConfig } from "./config.js";
import type { Program } from "./program.js";

export interface Streams {
  readonly stdout: (bytes: Uint8Array) => void;
  readonly stderr: (bytes: Uint8Array) => void;
  /** Up to `most` bytes of standard input; undefined at its end. */
  readonly stdin: (most: number) => Uint8Array | undefined;
}

export interface GuestTree {
  readonly root: Path;
  readonly cwd: Path;
  readonly standardStreams: readonly [OpenFile, OpenFile, OpenFile];
  dispose(): void;
}

export interface GuestTreeOptions {
  readonly sys: MemorySystem;
  readonly config: RunConfig;
  readonly streams: Streams;
  readonly program: Program;
  readonly current: () => Task | undefined;
  readonly now: () => Timespec;
}

const ROOT_POLICIES: Readonly<Record<FsName, FolioPolicy>> = { tmpfs: INITRAMFS_POLICY, xfs: XFS_POLICY, ext4: EXT4_POLICY };

export function buildGuestTree({ sys, config, streams, program, now }: GuestTreeOptions): GuestTree {
  const fs = new TreeFs({
    sys,
    type: config.fs === "tmpfs" ? "rootfs" : config.fs,
    source: "rootfs",
    options: "relatime",
    dev: 2,
    magic: 0x858458f6,
    policy: ROOT_POLICIES[config.fs],
    maxBytes: 1e12,
    maxInodes: 1e6,
    readOnly: false,
    rootMode: 0o755,
    now,
    owner: () => ({ uid: 0, gid: 0 }),
    special: { openDevice: () => -ENXIO, openFifo: () => -ENXIO },
  });
  fs.addFile(program.guestPath, { size: program.bytes.length, read: (offset, into) => void into.set(program.bytes.subarray(offset, offset + into.length)) }, 0o755);
  const dentry = createDentry(fs.root);
  const mount: Mount = { id: 1, fs, root: dentry, readOnly: false, parent: undefined, mountpoint: undefined, children: new Map() };
  const root: Path = { mount, dentry };
  const stream = (path: string, flags: number, ops: FileOperations): OpenFile => {
    const inode = { ...fs.root, ino: 1000 + flags, mode: 0o010600, size: 0, mapping: undefined, ops: { open: () => ops } };
    return openInode(inode, flags, path, undefined) as OpenFile;
  };
  const output = (take: (bytes: Uint8Array) => void): FileOperations => ({
    seekable: false,
    write(_file, bytes) {
      take(bytes);
      return bytes.length;
    },
  });
  return {
    root,
    cwd: root,
    standardStreams: [
      stream("pipe:[1]", 0, {
        seekable: false,
        read(_file, into) {
          const bytes = streams.stdin(into.length);
          if (bytes === undefined) return 0;
          into.set(bytes);
          return bytes.length;
        },
      }),
      stream("pipe:[2]", 1, output(streams.stdout)),
      stream("pipe:[3]", 1, output(streams.stderr)),
    ],
    dispose() {
      fs.dispose();
    },
  };
}
