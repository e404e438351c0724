/**
 * Reading and writing between open files and user memory: what read, write and their relatives have in common.
 *
 * Linux: fs/read_write.c vfs_read(), vfs_write(), do_iter_readv_writev(); lib/iov_iter.c import_iovec().
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EAGAIN, EBADF, EFAULT, EFBIG, EINVAL, EISDIR, EPIPE, ERESTARTSYS } from "../errno.js";
import type { OpenFile, VfsInode } from "../fs/vfs.js";
import { O_APPEND, O_NONBLOCK, getFile, isDirectory, isRegular, putFile } from "../fs/vfs.js";
import type { Kernel } from "../kernel/kernel.js";
import { RLIMIT_FSIZE } from "../kernel/rlimit.js";
import { SIGPIPE, SIGXFSZ } from "../kernel/signal-numbers.js";
import { kernelSignal, sendThreadSignal } from "../kernel/signal-send.js";
import type { Sleep, Task } from "../kernel/task.js";
import type { SyscallResult } from "./abi.js";

/** Most bytes that one call moves. Linux: MAX_RW_COUNT. */
export const MAX_RW_COUNT = 0x7ffff000;
/** Bytes moved through one buffer of the host; larger than any readahead window, so that a file sees the whole request. */
const CHUNK = 16 * 2 ** 20;
const UIO_MAXIOV = 1024;
const IOVEC_BYTES = 16;

/** One stretch of user memory. */
export interface Segment {
  readonly base: Va;
  readonly length: number;
}

/** The vector of readv and writev, cut to MAX_RW_COUNT; -EINVAL, -EFAULT. */
export function readIovec(kernel: Kernel, at: Va, count: number): Segment[] | number {
  if (count < 0 || count > UIO_MAXIOV) return -EINVAL;
  const raw = kernel.user.struct(at, count * IOVEC_BYTES);
  if (raw === undefined) return -EFAULT;
  const segments: Segment[] = [];
  let total = 0;
  for (let i = 0; i < count; i++) {
    const length = raw.i64(i * IOVEC_BYTES + 8);
    if (length < 0) return -EINVAL;
    const base = raw.size(i * IOVEC_BYTES) as Va;
    if (!kernel.user.access.accessOk(base, length)) return -EFAULT;
    const take = Math.min(length, MAX_RW_COUNT - total);
    total += take;
    segments.push({ base, length: take });
  }
  return segments;
}

/**
 * Wait until `attempt` gives another answer than -EAGAIN, unless the description is O_NONBLOCK. `interrupted`: result when a
 * signal comes.
 */
export function untilReady(file: OpenFile, nonBlocking: boolean, what: string, attempt: () => number, interrupted = (): number => -ERESTARTSYS): SyscallResult {
  const now = attempt();
  if (now !== -EAGAIN || nonBlocking) return now;
  const queue = file.ops.waitQueue?.(file);
  if (queue === undefined) return now;
  getFile(file);
  const sleep: Sleep = {
    queues: [queue],
    poll: () => {
      const result = attempt();
      return result === -EAGAIN ? undefined : result;
    },
    interrupted,
    release: () => {
      putFile(file);
    },
    what,
  };
  return sleep;
}

const isNonBlocking = (file: OpenFile): boolean => (file.flags & O_NONBLOCK) !== 0;

/** Read into `segments`. `offset` undefined: at the description's position, which moves. */
export function readInto(kernel: Kernel, file: OpenFile, segments: readonly Segment[], offset: number | undefined): SyscallResult {
  if (!file.readable) return -EBADF;
  if (isDirectory(file.inode)) return -EISDIR;
  const { ops } = file;
  if (ops.read === undefined) return -EINVAL;
  for (const { base, length } of segments) if (!kernel.user.access.accessOk(base, length)) return -EFAULT;
  const attempt = (): number => {
    let position = offset ?? file.position;
    let done = 0;
    for (const { base, length } of segments) {
      for (let at = 0; at < length; ) {
        const want = Math.min(length - at, CHUNK);
        const buffer = new Uint8Array(want);
        const got = ops.read!(file, buffer, position);
        if (got <= 0) return finish(done > 0 ? done : got, position);
        const lost = kernel.user.access.copyToUser((base + at) as Va, buffer.subarray(0, got));
        position += got - lost;
        done += got - lost;
        if (lost > 0) return finish(done > 0 ? done : -EFAULT, position);
        at += got;
        if (got < want) return finish(done, position);
      }
    }
    return finish(done, position);
  };
  const finish = (result: number, position: number): number => {
    if (result > 0 && offset === undefined && ops.seekable) file.position = position;
    return result;
  };
  return untilReady(file, isNonBlocking(file), `data to read from ${file.path}`, attempt);
}

/** Write from `segments`. `offset` undefined: at the description's position, which moves. A blocking write to a stream goes on until all is written. */
export function writeFrom(kernel: Kernel, task: Task, file: OpenFile, segments: readonly Segment[], offset: number | undefined): SyscallResult {
  if (!file.writable) return -EBADF;
  const { ops, inode } = file;
  if (ops.write === undefined) return -EINVAL;
  for (const { base, length } of segments) if (!kernel.user.access.accessOk(base, length)) return -EFAULT;
  // Nothing is still a message to a socket, and an error to an event counter.
  if (segments.length === 1 && segments[0]!.length === 0) return untilReady(file, isNonBlocking(file), `room to write to ${file.path}`, () => ops.write!(file, new Uint8Array(0), 0));
  let index = 0;
  let at = 0;
  let done = 0;
  let position = offset ?? file.position;
  const attempt = (): number => {
    if ((file.flags & O_APPEND) !== 0 && ops.seekable) position = inode.size;
    while (index < segments.length) {
      const { base, length } = segments[index]!;
      if (at === length) {
        index++;
        at = 0;
        continue;
      }
      const wanted = Math.min(length - at, CHUNK);
      const allowed = limitFileSize(kernel, task, file, position, wanted);
      if (allowed < 0) return finish(allowed);
      const buffer = new Uint8Array(allowed);
      const readable = allowed - kernel.user.access.copyFromUser(buffer, (base + at) as Va);
      if (readable === 0) return finish(-EFAULT);
      const put = ops.write!(file, buffer.subarray(0, readable), position);
      if (put < 0) return put === -EAGAIN && !isNonBlocking(file) ? -EAGAIN : finish(put);
      position += put;
      done += put;
      at += put;
      if (offset === undefined && ops.seekable) file.position = position;
      // What the limit on file sizes cut off is not tried again: the signal is for a write that moves nothing.
      if (allowed < wanted && put === allowed) return done;
      if (put < readable) {
        if (put === 0 || ops.seekable || isNonBlocking(file)) return finish(0);
        return -EAGAIN;
      }
      if (readable < allowed) return finish(-EFAULT);
    }
    return done;
  };
  const finish = (error: number): number => {
    if (error === -EPIPE) sendThreadSignal(kernel, task, kernelSignal(SIGPIPE));
    return done > 0 ? done : error;
  };
  return untilReady(file, isNonBlocking(file), `room to write to ${file.path}`, attempt, () => (done > 0 ? done : -ERESTARTSYS));
}

/** RLIMIT_FSIZE: bytes that may be written at `position`, -EFBIG (and SIGXFSZ) if none. Linux: generic_write_check_limits(). */
function limitFileSize(kernel: Kernel, task: Task, file: OpenFile, position: number, count: number): number {
  if (!isRegular(file.inode)) return count;
  const limit = task.group.limits[RLIMIT_FSIZE]!.soft;
  if (position + count <= limit) return count;
  if (position < limit) return limit - position;
  sendThreadSignal(kernel, task, kernelSignal(SIGXFSZ));
  return -EFBIG;
}

/** May a file become so large? 0, or -EFBIG (and SIGXFSZ) beyond RLIMIT_FSIZE; shrinking always may. Linux: fs/attr.c inode_newsize_ok(). */
export function inodeNewsizeOk(kernel: Kernel, task: Task, inode: VfsInode, size: number): number {
  if (size <= inode.size || size <= task.group.limits[RLIMIT_FSIZE]!.soft) return 0;
  sendThreadSignal(kernel, task, kernelSignal(SIGXFSZ));
  return -EFBIG;
}
