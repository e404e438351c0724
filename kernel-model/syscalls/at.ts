/**
 * The directory argument of the *at() calls.
 *
 * Linux: include/uapi/linux/fcntl.h AT_*, fs/namei.c path_init().
 */
import { EBADF, ENOTDIR } from "../errno.js";
import type { Path } from "../fs/vfs.js";
import { isDirectory } from "../fs/vfs.js";
import type { Task } from "../kernel/task.js";

export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_EACCESS = 0x200;
export const AT_REMOVEDIR = 0x200;
export const AT_SYMLINK_FOLLOW = 0x400;
export const AT_NO_AUTOMOUNT = 0x800;
export const AT_EMPTY_PATH = 0x1000;
export const AT_STATX_SYNC_TYPE = 0x6000;

/** Where a relative `path` starts: undefined for the working directory (and for absolute paths), -EBADF, -ENOTDIR. */
export function directoryOf(task: Task, dirfd: number, path: string): Path | undefined | number {
  if (path.startsWith("/") || dirfd === AT_FDCWD) return undefined;
  const file = task.files!.get(dirfd);
  if (file === undefined) return -EBADF;
  if (file.where === undefined || !isDirectory(file.inode)) return -ENOTDIR;
  return file.where;
}
