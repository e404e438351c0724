/**
 * The port to directories outside the model: the host's, as far as the user shows them to the guest.
 *
 * A directory is asked for the names in it and for nothing else: no path crosses this port, so "..", absolute names and symbolic links
 * have no meaning behind it. Symbolic links are text; the guest's own VFS resolves them. Objects that are neither directory, regular
 * file nor symbolic link do not exist here. The implementation over node:fs is lab/host-files.ts.
 */
import type { Backing } from "./file.js";
import type { LowerContents } from "./backing.js";
import type { Timespec } from "./vfs.js";

/** What stat shows of a host object. */
export interface HostAttributes {
  /** S_IF* and permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly atime: Timespec;
  readonly mtime: Timespec;
  readonly ctime: Timespec;
}

/** A regular file. Bytes are read when asked for; errors of the host are thrown. */
export interface HostFile extends LowerContents {
  /** False: the host refuses to give its bytes; opening it fails with EACCES. */
  readonly readable: boolean;
  /** False: it must not be changed in place; opening it for writing fails with EPERM. True where writes stay in memory. */
  readonly writable: boolean;
  /** Only behind a directory with `changes`: a store whose writes reach the host file. */
  readonly store?: Required<Backing>;
  /** No description is open and nothing is dirty: give the host's resources back. The file may be used again later. */
  idle?(): void;
}

export type HostObject =
  | { readonly kind: "directory"; readonly attributes: HostAttributes; readonly directory: HostDirectory }
  | { readonly kind: "file"; readonly attributes: HostAttributes; readonly file: HostFile }
  | { readonly kind: "symlink"; readonly attributes: HostAttributes; readonly target: string };

/** One name in a host directory. `type`: S_IFDIR, S_IFREG or S_IFLNK. */
export interface HostName {
  readonly name: string;
  readonly type: number;
}

export interface HostDirectory {
  /** Attributes of the directory itself. */
  readonly attributes: HostAttributes;
  /** Names as byte strings in ascending order, so that a listing does not depend on the host's file system. */
  names(): readonly HostName[];
  /** The object called `name`, never following a link; undefined: there is none (any more) or it may not be shown. */
  lookup(name: string): HostObject | undefined;
  /** Present if the guest's changes reach the host. */
  readonly changes?: HostChanges;
  /** The view is no longer needed; called on the directory that was mounted. */
  dispose?(): void;
}

/** Changes of a host directory. Results are 0 or an object, or -errno. Names never contain "/" and are never "." or "..". */
export interface HostChanges {
  create(name: string, mode: number): HostObject | number;
  mkdir(name: string, mode: number): HostObject | number;
  symlink(name: string, target: string): number;
  /** Give the file or link called `name` a second name in a directory of the same tree. */
  link(name: string, to: HostDirectory, newName: string): number;
  /** Remove a file or link, or with `directory` an empty directory. */
  remove(name: string, directory: boolean): number;
  /** Move to another directory of the same tree; what stands there goes. The objects handed out for it stay valid. */
  rename(name: string, to: HostDirectory, newName: string): number;
  setMode(name: string, mode: number): number;
  setTimes(name: string, atime: Timespec, mtime: Timespec): number;
}
