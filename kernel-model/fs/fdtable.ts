/**
 * Descriptor tables.
 *
 * Linux: fs/file.c, include/linux/fdtable.h struct files_struct.
 */
import { EBADF, EMFILE } from "../errno.js";
import type { OpenFile } from "./vfs.js";
import { getFile, putFile } from "./vfs.js";

export class FdTable {
  /** Tasks that share the table (CLONE_FILES). Written by fork and exit. */
  users = 1;
  private readonly files: (OpenFile | undefined)[] = [];
  private readonly closeOnExec = new Set<number>();

  /** The description behind `fd`, or undefined (EBADF). Takes no reference. */
  get(fd: number): OpenFile | undefined {
    return this.files[fd];
  }

  /** Lowest free descriptor not below `from`, or -EMFILE if it is not below `limit` (RLIMIT_NOFILE). */
  unused(from: number, limit: number): number {
    let fd = from;
    while (this.files[fd] !== undefined) fd++;
    return fd < limit ? fd : -EMFILE;
  }

  /** Put `file` at `fd`; the caller's reference becomes the table's. Pre: `fd` is free. */
  install(fd: number, file: OpenFile, closeOnExec: boolean): void {
    this.files[fd] = file;
    if (closeOnExec) this.closeOnExec.add(fd);
    else this.closeOnExec.delete(fd);
  }

  /** Lowest free descriptor gets `file` (with the caller's reference). Returns it or -EMFILE; then the reference stays the caller's. */
  add(file: OpenFile, closeOnExec: boolean, limit: number, from = 0): number {
    const fd = this.unused(from, limit);
    if (fd >= 0) this.install(fd, file, closeOnExec);
    return fd;
  }

  /** 0 or -EBADF. */
  close(fd: number): number {
    const file = this.files[fd];
    if (file === undefined) return -EBADF;
    this.files[fd] = undefined;
    this.closeOnExec.delete(fd);
    file.inode.locks?.releaseProcess(this);
    file.ops.flush?.(file);
    putFile(file);
    return 0;
  }

  isCloseOnExec(fd: number): boolean {
    return this.closeOnExec.has(fd);
  }

  setCloseOnExec(fd: number, on: boolean): void {
    if (on) this.closeOnExec.add(fd);
    else this.closeOnExec.delete(fd);
  }

  /** Open descriptors in ascending order. */
  *descriptors(): IterableIterator<readonly [number, OpenFile]> {
    for (let fd = 0; fd < this.files.length; fd++) {
      const file = this.files[fd];
      if (file !== undefined) yield [fd, file];
    }
  }

  /** A copy with its own references. Linux: dup_fd(). */
  duplicate(): FdTable {
    const copy = new FdTable();
    for (const [fd, file] of this.descriptors()) copy.install(fd, getFile(file), this.closeOnExec.has(fd));
    return copy;
  }

  /** Close what is marked close-on-exec. Linux: do_close_on_exec(). */
  closeForExec(): void {
    for (const fd of [...this.closeOnExec].sort((a, b) => a - b)) this.close(fd);
  }

  /** Close everything: the last user is gone. */
  closeAll(): void {
    for (const [fd] of this.descriptors()) this.close(fd);
  }
}
