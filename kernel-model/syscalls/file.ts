/**
 * Descriptors: open, close, read, write, seek, duplicate.
 *
 * Linux: fs/open.c, fs/read_write.c, fs/file.c, fs/ioctl.c, fs/readdir.c, fs/sync.c.
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EBADF, EFAULT, EINVAL, ENODEV, ENOTDIR, EOPNOTSUPP, ESPIPE } from "../errno.js";
import { openPath } from "../fs/path.js";
import type { OpenFile } from "../fs/vfs.js";
import {
  O_CLOEXEC,
  O_CREAT,
  O_LARGEFILE,
  O_NONBLOCK,
  O_PATH,
  O_TMPFILE,
  S_IFMT,
  getFile,
  isDirectory,
  isRegular,
  putFile,
  seekPosition,
} from "../fs/vfs.js";
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE } from "../mm/shmem.js";
import { CStruct } from "../kernel/c-struct.js";
import type { Kernel } from "../kernel/kernel.js";
import { RLIMIT_NOFILE } from "../kernel/rlimit.js";
import type { Sleep, Task } from "../kernel/task.js";
import type { SyscallArgs, SyscallFamily, SyscallResult } from "./abi.js";
import { directoryOf } from "./at.js";
import { MAX_RW_COUNT, inodeNewsizeOk, readInto, readIovec, writeFrom } from "./io.js";
import type { Segment } from "./io.js";

const CLOSE_RANGE_UNSHARE = 2;
const CLOSE_RANGE_CLOEXEC = 4;
const OPEN_HOW_BYTES = 24;
/** d_name in struct linux_dirent64. */
const DIRENT_NAME = 19;

/** The soft limit of descriptors. */
export const descriptorLimit = (task: Task): number => task.group.limits[RLIMIT_NOFILE]!.soft;

/** The description behind a descriptor that is open for more than its name. Linux: fdget(). */
export function fileOf(task: Task, fd: number): OpenFile | undefined {
  const file = task.files!.get(fd);
  return file === undefined || (file.flags & O_PATH) !== 0 ? undefined : file;
}

/** Give `file`, with the caller's reference, a descriptor; without one left the reference is dropped. */
export function installFile(task: Task, file: OpenFile, flags: number): number {
  const fd = task.files!.add(file, (flags & O_CLOEXEC) !== 0, descriptorLimit(task));
  if (fd < 0) putFile(file);
  return fd;
}

/** A fifo is open for good when its other end is. Linux: fifo_open(). */
function waitForPartner(task: Task, file: OpenFile, flags: number): SyscallResult {
  const sleep: Sleep = {
    queues: [file.ops.waitQueue!(file)],
    poll: () => (file.ops.openReady!(file) ? installFile(task, getFile(file), flags) : undefined),
    release: () => {
      putFile(file);
    },
    what: `the other end of ${file.path}`,
  };
  return sleep;
}

function open(kernel: Kernel, task: Task, dirfd: number, pathAt: Va, flags: number, mode: number): SyscallResult {
  const path = kernel.user.path(pathAt);
  if (typeof path === "number") return path;
  const from = directoryOf(task, dirfd, path);
  if (typeof from === "number") return from;
  const file = openPath(task.fs!, path, { flags: flags | O_LARGEFILE, mode, ...(from === undefined ? {} : { from }) });
  if (typeof file === "number") return file;
  if ((flags & O_NONBLOCK) === 0 && file.ops.openReady?.(file) === false) return waitForPartner(task, file, flags);
  return installFile(task, file, flags);
}

/** One user buffer as a vector, or -EFAULT. */
const oneSegment = (args: SyscallArgs): Segment[] => [{ base: args.address(1), length: Math.min(args.size(2), MAX_RW_COUNT) }];

type Transfer = (kernel: Kernel, task: Task, file: OpenFile, segments: readonly Segment[], offset: number | undefined) => SyscallResult;
const reading: Transfer = (kernel, _, file, segments, offset) => readInto(kernel, file, segments, offset);
const writing: Transfer = writeFrom;

/** read, write at the position of the description. */
const plain =
  (transfer: Transfer) =>
  (kernel: Kernel, task: Task, args: SyscallArgs): SyscallResult => {
    const file = fileOf(task, args.int(0));
    return file === undefined ? -EBADF : transfer(kernel, task, file, oneSegment(args), undefined);
  };

/** pread64, pwrite64 at an offset of their own. */
const positioned =
  (transfer: Transfer) =>
  (kernel: Kernel, task: Task, args: SyscallArgs): SyscallResult => {
    const offset = args.long(3);
    if (offset < 0) return -EINVAL;
    const file = fileOf(task, args.int(0));
    if (file === undefined) return -EBADF;
    return file.ops.seekable ? transfer(kernel, task, file, oneSegment(args), offset) : -ESPIPE;
  };

/** readv, writev, preadv, pwritev, preadv2, pwritev2. `offsetIndex`: argument of the offset; -1 in the newest forms is the position. */
const vectored =
  (transfer: Transfer, offsetIndex: number | undefined, flagsIndex?: number) =>
  (kernel: Kernel, task: Task, args: SyscallArgs): SyscallResult => {
    const file = fileOf(task, args.int(0));
    if (file === undefined) return -EBADF;
    let offset = offsetIndex === undefined ? undefined : args.long(offsetIndex);
    if (flagsIndex !== undefined) {
      if (args.int(flagsIndex) !== 0) return -EOPNOTSUPP;
      if (offset === -1) offset = undefined;
    }
    if (offset !== undefined && offset < 0) return -EINVAL;
    if (offset !== undefined && !file.ops.seekable) return -ESPIPE;
    const segments = readIovec(kernel, args.address(1), args.int(2));
    return typeof segments === "number" ? segments : transfer(kernel, task, file, segments, offset);
  };

/** Directory entries into a user buffer. Linux: sys_getdents64(), filldir64(). */
function getdents64(kernel: Kernel, task: Task, args: SyscallArgs): number {
  const file = fileOf(task, args.int(0));
  if (file === undefined) return -EBADF;
  if (!isDirectory(file.inode) || file.ops.iterate === undefined) return -ENOTDIR;
  const room = Math.min(args.uint(2), 2 ** 20);
  const out = new CStruct(room);
  let used = 0;
  let next = file.position;
  let tooSmall = false;
  const error = file.ops.iterate(file, file.position, ({ name, ino, type, next: behind }) => {
    const bytes = Math.ceil((DIRENT_NAME + name.length + 1) / 8) * 8;
    if (used + bytes > room) {
      tooSmall = used === 0;
      return false;
    }
    out.setU64(used, ino).setU64(used + 8, behind).setU16(used + 16, bytes);
    out.setU8(used + 18, (type & S_IFMT) >>> 12).setString(used + DIRENT_NAME, name);
    used += bytes;
    next = behind;
    return true;
  });
  if (used === 0) return error < 0 ? error : tooSmall ? -EINVAL : 0;
  if (!kernel.user.put(args.address(1), out.bytes.subarray(0, used))) return -EFAULT;
  file.position = next;
  return used;
}

/** Close or mark a range of descriptors. Linux: fs/file.c sys_close_range(). */
function closeRange(task: Task, first: number, last: number, flags: number): number {
  if (first > last || (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) !== 0) return -EINVAL;
  if ((flags & CLOSE_RANGE_UNSHARE) !== 0 && task.files!.users > 1) {
    task.files!.users--;
    task.files = task.files!.duplicate();
  }
  const files = task.files!;
  for (const [fd] of [...files.descriptors()]) {
    if (fd < first || fd > last) continue;
    if ((flags & CLOSE_RANGE_CLOEXEC) !== 0) files.setCloseOnExec(fd, true);
    else files.close(fd);
  }
  return 0;
}

function dup3(task: Task, oldFd: number, newFd: number, flags: number): number {
  const files = task.files!;
  const file = files.get(oldFd);
  if ((flags & ~O_CLOEXEC) !== 0 || oldFd === newFd) return -EINVAL;
  if (file === undefined || newFd < 0 || newFd >= descriptorLimit(task)) return -EBADF;
  getFile(file);
  if (files.get(newFd) !== undefined) files.close(newFd);
  files.install(newFd, file, (flags & O_CLOEXEC) !== 0);
  return newFd;
}

const fsync =
  (dataOnly: boolean) =>
  (_: Kernel, task: Task, args: SyscallArgs): number => {
    const file = fileOf(task, args.int(0));
    return file === undefined ? -EBADF : (file.ops.fsync?.(file, dataOnly) ?? -EINVAL);
  };

export const FILE_SYSCALLS: SyscallFamily = {
  openat: (kernel, task, args) => {
    const flags = args.int(2);
    const mode = (flags & (O_CREAT | (O_TMPFILE & ~0o40000))) !== 0 ? args.uint(3) & 0o7777 : 0;
    return open(kernel, task, args.int(0), args.address(1), flags, mode);
  },

  openat2: (kernel, task, args) => {
    const size = args.size(3);
    if (size < OPEN_HOW_BYTES || size > kernel.sys.granule.pageSize) return -EINVAL;
    const how = kernel.user.struct(args.address(2), OPEN_HOW_BYTES);
    if (how === undefined) return -EFAULT;
    // RESOLVE_* restrictions are not modelled; a program that wants one must not get less than it asked for.
    if (how.u64(16) !== 0n || how.u64(0) > 0x7fffffffn || how.u64(8) > 0o7777n) return -EINVAL;
    const flags = how.u32(0) | 0;
    if ((flags & O_CREAT) === 0 && (flags & O_TMPFILE) !== O_TMPFILE && how.u64(8) !== 0n) return -EINVAL;
    return open(kernel, task, args.int(0), args.address(1), flags, how.u32(8));
  },

  close: (_, task, args) => task.files!.close(args.int(0)),
  close_range: (_, task, args) => closeRange(task, args.uint(0), args.uint(1), args.uint(2)),

  read: plain(reading),
  write: plain(writing),
  pread64: positioned(reading),
  pwrite64: positioned(writing),
  readv: vectored(reading, undefined),
  writev: vectored(writing, undefined),
  preadv: vectored(reading, 3),
  pwritev: vectored(writing, 3),
  preadv2: vectored(reading, 3, 5),
  pwritev2: vectored(writing, 3, 5),

  lseek: (_, task, args) => {
    const file = fileOf(task, args.int(0));
    if (file === undefined) return -EBADF;
    if (!file.ops.seekable) return -ESPIPE;
    const position = seekPosition(file, args.long(1), args.int(2));
    if (position >= 0) file.position = position;
    return position;
  },

  dup: (_, task, args) => {
    const file = task.files!.get(args.int(0));
    if (file === undefined) return -EBADF;
    const fd = task.files!.unused(0, descriptorLimit(task));
    if (fd >= 0) task.files!.install(fd, getFile(file), false);
    return fd;
  },
  dup3: (_, task, args) => dup3(task, args.int(0), args.int(1), args.int(2)),
  getdents64,
  fsync: fsync(false),
  fdatasync: fsync(true),

  ftruncate: (kernel, task, args) => {
    const file = fileOf(task, args.int(0));
    const size = args.long(1);
    if (size < 0) return -EINVAL;
    if (file === undefined) return -EBADF;
    if (!file.writable || !isRegular(file.inode)) return -EINVAL;
    const error = inodeNewsizeOk(kernel, task, file.inode, size);
    return error < 0 ? error : (file.inode.ops.setAttributes?.(file.inode, { size }) ?? -EINVAL);
  },

  fallocate: (kernel, task, args) => {
    const file = fileOf(task, args.int(0));
    const [mode, offset, length] = [args.int(1), args.long(2), args.long(3)];
    if (file === undefined) return -EBADF;
    if (offset < 0 || length <= 0) return -EINVAL;
    if (!file.writable) return -EBADF;
    if (!file.ops.seekable) return -ESPIPE;
    if (!isRegular(file.inode)) return -ENODEV;
    // tmpfs asks even if the size is kept. Linux: shmem_fallocate(), xfs_falloc_newsize(), ext4_do_fallocate().
    const grows = (mode & FALLOC_FL_PUNCH_HOLE) === 0 && ((mode & FALLOC_FL_KEEP_SIZE) === 0 || file.inode.fs.type === "tmpfs");
    const error = grows && file.ops.fallocate !== undefined ? inodeNewsizeOk(kernel, task, file.inode, offset + length) : 0;
    return error < 0 ? error : (file.ops.fallocate?.(file, mode, offset, length) ?? -EOPNOTSUPP);
  },

  fadvise64: (_, task, args) => {
    const file = fileOf(task, args.int(0));
    if (file === undefined) return -EBADF;
    if (!file.ops.seekable) return -ESPIPE;
    return file.ops.fadvise?.(file, args.long(1), args.long(2), args.int(3)) ?? 0;
  },
};
