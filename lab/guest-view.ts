/**
 * What the guest of `run` sees: the working directory, the program, --root and --bind, --mount; nothing else of the host.
 */
import type { DirectoryView, EmptyMount, FileView, HostView, TreeType } from "../kernel-model/fs/mounts.js";
import { utf8String } from "../kernel-model/kernel/byte-string.js";
import type { FsName, RunConfig } from "./config.js";
import { boundPath } from "./guest-paths.js";
import { openHostDirectory } from "./host-files.js";
import type { Program } from "./program.js";

/** The root of a tmpfs machine is an initramfs: in memory from the start, order-0 folios. */
const ROOT_TYPES: Readonly<Record<FsName, TreeType>> = { tmpfs: "initramfs", xfs: "xfs", ext4: "ext4" };

export interface GuestView {
  readonly rootType: TreeType;
  readonly view: HostView;
  readonly mounts: readonly EmptyMount[];
}

/**
 * Without --root the guest's tree is empty but for its own mounts, the working directory at its own absolute path, and the program at
 * the absolute path of its file. With --root the directory becomes "/", and the guest starts there, or in the working directory if a
 * --bind shows it.
 */
export function guestView(program: Program, config: RunConfig, cwd = process.cwd()): GuestView {
  const directories: DirectoryView[] = [];
  if (config.root === undefined && cwd !== "/") directories.push({ directory: utf8String(cwd), host: openHostDirectory(cwd, { writable: false }) });
  for (const { host, guest, writable } of config.binds) directories.push({ directory: utf8String(guest), host: openHostDirectory(host, { writable }) });
  const { bytes } = program;
  const contents = {
    size: bytes.length,
    read(offset: number, into: Uint8Array) {
      into.set(bytes.subarray(offset, offset + into.length));
    },
  };
  const files: FileView[] = program.insideRoot ? [] : [{ path: utf8String(program.guestPath), contents, mode: 0o755 }];
  return {
    rootType: ROOT_TYPES[config.fs],
    view: {
      ...(config.root === undefined ? {} : { root: openHostDirectory(config.root, { writable: false }) }),
      directories,
      files,
      cwd: utf8String(config.root === undefined ? cwd : (boundPath(config, cwd) ?? "/")),
    },
    mounts: config.mounts.map(({ type, directory, options }) => ({ type, directory: utf8String(directory), options })),
  };
}
