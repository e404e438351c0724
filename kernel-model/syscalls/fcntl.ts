/**
 * fcntl and flock: flags of descriptors and descriptions, advisory locks, pipe sizes, seals.
 *
 * Linux: fs/fcntl.c do_fcntl(), fs/locks.c fcntl_setlk(), sys_flock(), mm/memfd.c memfd_fcntl(), fs/pipe.c pipe_fcntl().
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EAGAIN, EBADF, EBUSY, EFAULT, EINVAL, EOVERFLOW, EPERM } from "../errno.js";
import { FileLocks, type LockOwner, type RangeLock } from "../fs/locks.js";
import { pipeOf } from "../fs/pipe.js";
import type { OpenFile } from "../fs/vfs.js";
import { O_APPEND, O_ASYNC, O_CLOEXEC, O_DIRECT, O_NOATIME, O_NONBLOCK, O_PATH, SEEK_CUR, SEEK_END, SEEK_SET, getFile, putFile } from "../fs/vfs.js";
import { CStruct } from "../kernel/c-struct.js";
import type { Kernel } from "../kernel/kernel.js";
import type { Sleep, Task } from "../kernel/task.js";
import { F_SEAL_FUTURE_WRITE, F_SEAL_WRITE } from "../mm/mman.js";
import { shmemMapping } from "../mm/pagemap.js";
import { F_SEAL_GROW } from "../mm/shmem.js";
import { VM_MAYWRITE, VM_SHARED } from "../mm/vma.js";
import type { SyscallFamily, SyscallResult } from "./abi.js";
import { descriptorLimit, fileOf } from "./file.js";

const F_DUPFD = 0;
const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const F_GETLK = 5;
const F_SETLK = 6;
const F_SETLKW = 7;
const F_SETOWN = 8;
const F_GETOWN = 9;
const F_SETSIG = 10;
const F_GETSIG = 11;
const F_SETOWN_EX = 15;
const F_GETOWN_EX = 16;
const F_OFD_GETLK = 36;
const F_OFD_SETLK = 37;
const F_OFD_SETLKW = 38;
const F_DUPFD_CLOEXEC = 1030;
const F_SETPIPE_SZ = 1031;
const F_GETPIPE_SZ = 1032;
const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;
const FD_CLOEXEC = 1;
/** Flags that F_SETFL changes. */
const SETFL_MASK = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | O_ASYNC;

const F_OWNER_PID = 1;
const F_OWNER_PGRP = 2;
const F_OWNER_BYTES = 8;

const F_RDLCK = 0;
const F_WRLCK = 1;
const F_UNLCK = 2;
const FLOCK_BYTES = 32;

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;

const F_SEAL_SEAL = 0x0001;
const F_SEAL_SHRINK = 0x0002;
const F_SEAL_EXEC = 0x0020;
const F_ALL_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC;

// --- record locks -------------------------------------------------------------

/** struct flock, its range made absolute: type and bytes, or -errno. Linux: flock64_to_posix_lock(). */
function readFlock(kernel: Kernel, file: OpenFile, at: Va): { readonly type: number; readonly start: number; readonly end: number; readonly pid: number } | number {
  const raw = kernel.user.struct(at, FLOCK_BYTES);
  if (raw === undefined) return -EFAULT;
  const [type, whence, offset, length] = [raw.u16(0), raw.u16(2), raw.i64(8), raw.i64(16)];
  let start: number;
  switch (whence) {
    case SEEK_SET:
      start = 0;
      break;
    case SEEK_CUR:
      start = file.position;
      break;
    case SEEK_END:
      start = file.inode.size;
      break;
    default:
      return -EINVAL;
  }
  start += offset;
  if (!Number.isSafeInteger(start)) return -EOVERFLOW;
  let end = Infinity;
  if (length > 0) end = start + length - 1;
  else if (length < 0) {
    end = start - 1;
    start += length;
  }
  if (start < 0 || type > F_UNLCK) return -EINVAL;
  return { type, start, end, pid: raw.i32(24) };
}

/** Locks of the file, made with the first one. */
const locksOf = (file: OpenFile): FileLocks => (file.inode.locks ??= new FileLocks());

/** A lock that can be had is taken; one that cannot is waited for, or -EAGAIN. */
function waitForLock(file: OpenFile, wait: boolean, attempt: () => number): SyscallResult {
  const result = attempt();
  if (result !== -EAGAIN || !wait) return result;
  getFile(file);
  const sleep: Sleep = {
    queues: [locksOf(file).queue],
    poll: () => {
      const again = attempt();
      return again === -EAGAIN ? undefined : again;
    },
    release: () => {
      putFile(file);
    },
    what: `a lock on ${file.path}`,
  };
  return sleep;
}

function setLock(kernel: Kernel, task: Task, file: OpenFile, at: Va, owner: LockOwner, wait: boolean): SyscallResult {
  const wanted = readFlock(kernel, file, at);
  if (typeof wanted === "number") return wanted;
  const { type, start, end } = wanted;
  const description = owner === file;
  if (description && wanted.pid !== 0) return -EINVAL;
  if (type === F_UNLCK) {
    file.inode.locks?.unlock(owner, start, end);
    return 0;
  }
  if (type === F_RDLCK ? !file.readable : !file.writable) return -EBADF;
  const lock: RangeLock = { owner, exclusive: type === F_WRLCK, start, end, pid: description ? -1 : task.group.tgid };
  return waitForLock(file, wait, () => locksOf(file).lock(lock));
}

function getLock(kernel: Kernel, file: OpenFile, at: Va, owner: LockOwner): number {
  const wanted = readFlock(kernel, file, at);
  if (typeof wanted === "number") return wanted;
  if (wanted.type === F_UNLCK) return -EINVAL;
  const found = file.inode.locks?.conflict({ owner, exclusive: wanted.type === F_WRLCK, start: wanted.start, end: wanted.end });
  const raw = kernel.user.struct(at, FLOCK_BYTES);
  if (raw === undefined) return -EFAULT;
  const out = new CStruct(raw.bytes);
  if (found === undefined) out.setU16(0, F_UNLCK);
  else {
    out.setU16(0, found.exclusive ? F_WRLCK : F_RDLCK).setU16(2, SEEK_SET);
    out.setU64(8, found.start).setU64(16, found.end === Infinity ? 0 : found.end - found.start + 1).setU32(24, found.pid >>> 0);
  }
  return kernel.user.put(at, out.bytes) ? 0 : -EFAULT;
}

// --- seals --------------------------------------------------------------------

/** Seals of a memory file; every other file of a tmpfs is sealed against seals. undefined: not in memory. */
function sealsOf(file: OpenFile): number | undefined {
  const { inode } = file;
  if (inode.seals !== undefined) return inode.seals;
  return inode.mapping !== undefined && shmemMapping(inode.mapping) ? F_SEAL_SEAL : undefined;
}

function addSeals(file: OpenFile, seals: number): number {
  if (!file.writable) return -EPERM;
  if ((seals & ~F_ALL_SEALS) !== 0) return -EINVAL;
  const now = sealsOf(file);
  if (now === undefined) return -EINVAL;
  if ((now & F_SEAL_SEAL) !== 0) return -EPERM;
  const { inode } = file;
  let wanted = seals;
  if ((wanted & F_SEAL_WRITE) !== 0 && (now & F_SEAL_WRITE) === 0) {
    const writable = [...(inode.mapping?.mmaps ?? [])].some((vma) => (vma.flags & VM_SHARED) !== 0 && (vma.flags & VM_MAYWRITE) !== 0);
    if (writable) return -EBUSY;
  }
  // A file that stays executable may not be written either.
  if ((wanted & F_SEAL_EXEC) !== 0 && (inode.mode & 0o111) !== 0) wanted |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
  inode.seals = now | wanted;
  return 0;
}

// --- calls --------------------------------------------------------------------

const fcntl: SyscallFamily[string] = (kernel, task, args) => {
  const [fd, command, argument, at] = [args.int(0), args.int(1), args.int(2), args.address(2)];
  const files = task.files!;
  const file = files.get(fd);
  if (file === undefined) return -EBADF;
  switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC: {
      if (argument < 0 || argument >= descriptorLimit(task)) return -EINVAL;
      const copy = files.unused(argument, descriptorLimit(task));
      if (copy >= 0) files.install(copy, getFile(file), command === F_DUPFD_CLOEXEC);
      return copy;
    }
    case F_GETFD:
      return files.isCloseOnExec(fd) ? FD_CLOEXEC : 0;
    case F_SETFD:
      files.setCloseOnExec(fd, (argument & FD_CLOEXEC) !== 0);
      return 0;
    case F_GETFL:
      return file.flags & ~O_CLOEXEC;
    default:
      break;
  }
  if ((file.flags & O_PATH) !== 0) return -EBADF;
  switch (command) {
    case F_SETFL:
      file.flags = (file.flags & ~SETFL_MASK) | (argument & SETFL_MASK);
      return 0;
    case F_GETLK:
      return getLock(kernel, file, at, files);
    case F_SETLK:
    case F_SETLKW:
      return setLock(kernel, task, file, at, files, command === F_SETLKW);
    case F_OFD_GETLK:
      return getLock(kernel, file, at, file);
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
      return setLock(kernel, task, file, at, file, command === F_OFD_SETLKW);
    case F_SETOWN:
      file.owner = argument;
      return 0;
    case F_GETOWN:
      return file.owner ?? 0;
    case F_SETOWN_EX: {
      const raw = kernel.user.struct(at, F_OWNER_BYTES);
      if (raw === undefined) return -EFAULT;
      if (raw.i32(0) < 0 || raw.i32(0) > F_OWNER_PGRP) return -EINVAL;
      file.owner = raw.i32(0) === F_OWNER_PGRP ? -raw.i32(4) : raw.i32(4);
      return 0;
    }
    case F_GETOWN_EX: {
      const owner = file.owner ?? 0;
      const out = new CStruct(F_OWNER_BYTES).setU32(0, owner < 0 ? F_OWNER_PGRP : F_OWNER_PID).setU32(4, Math.abs(owner));
      return kernel.user.put(at, out.bytes) ? 0 : -EFAULT;
    }
    case F_SETSIG:
      // Signal-driven I/O is not modelled: only the default is accepted.
      return argument === 0 ? 0 : -EINVAL;
    case F_GETSIG:
      return 0;
    case F_GETPIPE_SZ:
      return pipeOf(file)?.capacity ?? -EBADF;
    case F_SETPIPE_SZ:
      return pipeOf(file)?.setCapacity(args.uint(2)) ?? -EBADF;
    case F_ADD_SEALS:
      return addSeals(file, args.uint(2));
    case F_GET_SEALS:
      return sealsOf(file) ?? -EINVAL;
    default:
      return -EINVAL;
  }
};

export const FCNTL_SYSCALLS: SyscallFamily = {
  fcntl,
  flock: (_, task, args) => {
    const file = fileOf(task, args.int(0));
    const operation = args.int(1);
    const kind = operation & ~LOCK_NB;
    if (kind !== LOCK_SH && kind !== LOCK_EX && kind !== LOCK_UN) return -EINVAL;
    if (file === undefined) return -EBADF;
    if (kind === LOCK_UN) return file.inode.locks?.lockWhole(file, undefined) ?? 0;
    return waitForLock(file, (operation & LOCK_NB) === 0, () => locksOf(file).lockWhole(file, kind === LOCK_EX));
  },
};
