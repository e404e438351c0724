/**
 * pipe2, splice, tee, vmsplice, sendfile, copy_file_range: pipes, and moving bytes between descriptors inside the kernel.
 *
 * Linux: fs/pipe.c do_pipe2(), fs/splice.c, fs/read_write.c do_sendfile(), vfs_copy_file_range(). Differs: but for
 * vmsplice() bytes are copied, never moved by page.
 */
import type { Pa, Va } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import { EAGAIN, EBADF, EFAULT, EFBIG, EINVAL, EISDIR, ESPIPE, EXDEV, EPIPE } from "../errno.js";
import { Pipe, openPipe, pipeOf } from "../fs/pipe.js";
import type { OpenFile } from "../fs/vfs.js";
import { MAX_LFS_FILESIZE, O_APPEND, O_CLOEXEC, O_DIRECT, O_NONBLOCK, O_RDONLY, O_WRONLY, S_IFIFO, isDirectory, isRegular, putFile } from "../fs/vfs.js";
import { folioPut } from "../mm/folio.js";
import { getUserPages } from "../mm/gup.js";
import type { Kernel } from "../kernel/kernel.js";
import { SIGPIPE } from "../kernel/signal-numbers.js";
import { kernelSignal, sendThreadSignal } from "../kernel/signal-send.js";
import type { Task } from "../kernel/task.js";
import type { SyscallArgs, SyscallFamily, SyscallResult } from "./abi.js";
import { descriptorLimit, fileOf } from "./file.js";
import { MAX_RW_COUNT, readInto, readIovec, type Segment, untilReady } from "./io.js";

const SPLICE_F_NONBLOCK = 2;
const SPLICE_F_ALL = 0xf;
/** Bytes moved in one step. */
const STEP = 65536;

/** Both ends of a new pipe: read end, write end; -errno. */
export function createPipe(kernel: Kernel, flags: number): readonly [OpenFile, OpenFile] | number {
  const pipe = new Pipe(kernel.sys.granule.pageSize, kernel.internal.buffers);
  const fs = kernel.internal.pipes;
  const inode = fs.createInode({ mode: S_IFIFO | 0o600, open: (_inode, file) => openPipe(file, pipe, true) });
  const ends = [O_RDONLY, O_WRONLY].map((access) => fs.openInode(inode, access | (flags & (O_NONBLOCK | O_DIRECT)), (ino) => `pipe:[${ino}]`));
  const [reader, writer] = ends;
  if (typeof reader !== "object" || typeof writer !== "object") throw new ModelBug("createPipe: an end could not be opened");
  return [reader, writer];
}

/** Give two descriptions, with the caller's references, descriptors and write them to user memory as two ints. */
export function installPair(kernel: Kernel, task: Task, pair: readonly [OpenFile, OpenFile], closeOnExec: boolean, at: Va): number {
  const files = task.files!;
  const fds: number[] = [];
  for (const file of pair) {
    const fd = files.add(file, closeOnExec, descriptorLimit(task));
    if (fd < 0) {
      for (const made of fds) files.close(made);
      for (const rest of pair.slice(fds.length)) putFile(rest);
      return fd;
    }
    fds.push(fd);
  }
  if (kernel.user.putU32(at, fds[0]!) && kernel.user.putU32((at + 4) as Va, fds[1]!)) return 0;
  for (const fd of fds) files.close(fd);
  return -EFAULT;
}

/** One end of a transfer: a file, and the offset that it uses instead of its position. */
interface End {
  readonly file: OpenFile;
  offset: number | undefined;
}

const positionOf = ({ file, offset }: End): number => offset ?? file.position;

function advance(end: End, count: number): void {
  if (end.offset !== undefined) end.offset += count;
  else if (end.file.ops.seekable) end.file.position += count;
}

/**
 * Move up to `length` bytes: the count, 0 at the end of the input, -EAGAIN if one side is not ready. What has been read and cannot be
 * written yet is not lost: as much is read as the output takes, unless the output is a stream that takes less than it said.
 */
function transfer(kernel: Kernel, task: Task, from: End, to: End, length: number): number {
  let done = 0;
  while (done < length) {
    const room = roomFor(to.file, Math.min(STEP, length - done));
    if (room === 0) return done > 0 ? done : -EAGAIN;
    const buffer = new Uint8Array(room);
    const got = from.file.ops.read!(from.file, buffer, positionOf(from));
    if (got <= 0) return done > 0 ? done : got;
    const position = (to.file.flags & O_APPEND) !== 0 && isRegular(to.file.inode) ? to.file.inode.size : positionOf(to);
    const put = to.file.ops.write!(to.file, buffer.subarray(0, got), position);
    if (put === -EPIPE) sendThreadSignal(kernel, task, kernelSignal(SIGPIPE));
    if (put < 0) return done > 0 ? done : put;
    advance(from, put);
    advance(to, put);
    done += put;
    if (put < got || got < room) break;
  }
  return done;
}

/** Bytes of `wanted` that a write takes without waiting. */
function roomFor(file: OpenFile, wanted: number): number {
  const pipe = pipeOf(file);
  if (pipe === undefined || pipe.readers === 0) return wanted;
  return Math.min(wanted, pipe.room);
}

/** Wait for whichever side is a stream until bytes have moved. */
function transferring(kernel: Kernel, task: Task, from: End, to: End, length: number, nonBlocking: boolean, finish: (count: number) => number): SyscallResult {
  const attempt = (): number => {
    const count = transfer(kernel, task, from, to, length);
    return count === -EAGAIN ? count : finish(count);
  };
  const waitsForOutput = (): boolean => roomFor(to.file, 1) === 0;
  return untilReady(waitsForOutput() ? to.file : from.file, nonBlocking, `bytes to move from ${from.file.path} to ${to.file.path}`, attempt);
}

/** An offset argument in user memory: undefined for a null pointer; -errno in `error`. */
function userOffset(kernel: Kernel, at: Va): { readonly offset: number | undefined; readonly error: number } {
  if (at === 0) return { offset: undefined, error: 0 };
  const raw = kernel.user.u64(at);
  if (raw === undefined) return { offset: undefined, error: -EFAULT };
  const offset = Number(BigInt.asIntN(64, raw));
  return offset < 0 || offset > MAX_LFS_FILESIZE ? { offset: undefined, error: -EINVAL } : { offset, error: 0 };
}

function writeBack(kernel: Kernel, at: Va, end: End, count: number): number {
  if (at === 0 || end.offset === undefined || count < 0) return count;
  return kernel.user.putU64(at, end.offset) ? count : -EFAULT;
}

function sendfile(kernel: Kernel, task: Task, args: SyscallArgs): SyscallResult {
  const [out, input] = [fileOf(task, args.int(0)), fileOf(task, args.int(1))];
  const [at, count] = [args.address(2), Math.min(args.size(3), MAX_RW_COUNT)];
  const { offset, error } = userOffset(kernel, at);
  if (error < 0) return error;
  if (out === undefined || input === undefined || !input.readable || !out.writable) return -EBADF;
  if (input.ops.read === undefined || out.ops.write === undefined) return -EINVAL;
  if (offset !== undefined && !input.ops.seekable) return -ESPIPE;
  if ((out.flags & O_APPEND) !== 0) return -EINVAL;
  const from: End = { file: input, offset };
  return transferring(kernel, task, from, { file: out, offset: undefined }, count, (out.flags & O_NONBLOCK) !== 0, (moved) => writeBack(kernel, at, from, moved));
}

function splice(kernel: Kernel, task: Task, args: SyscallArgs): SyscallResult {
  const [inAt, outAt] = [args.address(1), args.address(3)];
  const [length, flags] = [Math.min(args.size(4), MAX_RW_COUNT), args.int(5)];
  if (length === 0) return 0;
  if ((flags & ~SPLICE_F_ALL) !== 0) return -EINVAL;
  const [input, out] = [fileOf(task, args.int(0)), fileOf(task, args.int(2))];
  if (input === undefined || out === undefined || !input.readable || !out.writable) return -EBADF;
  const [inPipe, outPipe] = [pipeOf(input), pipeOf(out)];
  if (inPipe === undefined && outPipe === undefined) return -EINVAL;
  if (inPipe !== undefined && inPipe === outPipe) return -EINVAL;
  if ((inPipe !== undefined && inAt !== 0) || (outPipe !== undefined && outAt !== 0)) return -ESPIPE;
  if ((inAt !== 0 && !input.ops.seekable) || (outAt !== 0 && !out.ops.seekable)) return -EINVAL;
  if ((out.flags & O_APPEND) !== 0) return -EINVAL;
  if (input.ops.read === undefined || out.ops.write === undefined) return -EINVAL;
  const [source, target] = [userOffset(kernel, inAt), userOffset(kernel, outAt)];
  if (source.error < 0 || target.error < 0) return Math.min(source.error, target.error);
  const from: End = { file: input, offset: source.offset };
  const to: End = { file: out, offset: target.offset };
  const nonBlocking = (flags & SPLICE_F_NONBLOCK) !== 0 || (input.flags & out.flags & O_NONBLOCK) !== 0;
  return transferring(kernel, task, from, to, length, nonBlocking, (moved) => writeBack(kernel, outAt, to, writeBack(kernel, inAt, from, moved)));
}

/** tee: copy what is in one pipe to another without taking it out. */
function tee(_: Kernel, task: Task, args: SyscallArgs): SyscallResult {
  const [input, out] = [fileOf(task, args.int(0)), fileOf(task, args.int(1))];
  const [length, flags] = [Math.min(args.size(2), MAX_RW_COUNT), args.int(3)];
  if ((flags & ~SPLICE_F_ALL) !== 0) return -EINVAL;
  if (length === 0) return 0;
  if (input === undefined || out === undefined || !input.readable || !out.writable) return -EBADF;
  const [source, target] = [pipeOf(input), pipeOf(out)];
  if (source === undefined || target === undefined || source === target) return -EINVAL;
  const attempt = (): number => {
    if (source.empty) return source.writers === 0 ? 0 : -EAGAIN;
    const room = target.readers === 0 ? length : Math.min(length, target.room);
    if (room === 0) return -EAGAIN;
    const buffer = new Uint8Array(Math.min(room, source.available));
    const got = source.read(buffer, true);
    return got <= 0 ? got : target.write(buffer.subarray(0, got), false);
  };
  return untilReady(source.empty ? input : out, (flags & SPLICE_F_NONBLOCK) !== 0, `bytes to copy from ${input.path}`, attempt);
}

function copyFileRange(kernel: Kernel, task: Task, args: SyscallArgs): SyscallResult {
  const [inAt, outAt] = [args.address(1), args.address(3)];
  const length = Math.min(args.size(4), MAX_RW_COUNT);
  const [input, out] = [fileOf(task, args.int(0)), fileOf(task, args.int(2))];
  if (input === undefined || out === undefined) return -EBADF;
  const [source, target] = [userOffset(kernel, inAt), userOffset(kernel, outAt)];
  if (source.error < 0 || target.error < 0) return Math.min(source.error, target.error);
  if (args.uint(5) !== 0) return -EINVAL;
  if (isDirectory(input.inode) || isDirectory(out.inode)) return -EISDIR;
  if (!isRegular(input.inode) || !isRegular(out.inode)) return -EINVAL;
  if (!input.readable || !out.writable || (out.flags & O_APPEND) !== 0) return -EBADF;
  if (input.inode.fs !== out.inode.fs && input.inode.fs.type !== out.inode.fs.type) return -EXDEV;
  const from: End = { file: input, offset: source.offset };
  const to: End = { file: out, offset: target.offset };
  if (positionOf(to) + length > MAX_LFS_FILESIZE) return -EFBIG;
  const count = Math.max(0, Math.min(length, input.inode.size - positionOf(from)));
  if (input.inode === out.inode && positionOf(from) < positionOf(to) + count && positionOf(to) < positionOf(from) + count) return -EINVAL;
  const moved = transfer(kernel, task, from, to, count);
  return writeBack(kernel, outAt, to, writeBack(kernel, inAt, from, moved));
}

function vmsplice(kernel: Kernel, task: Task, args: SyscallArgs): SyscallResult {
  if ((args.int(3) & ~SPLICE_F_ALL) !== 0) return -EINVAL;
  const file = fileOf(task, args.int(0));
  if (file === undefined || pipeOf(file) === undefined) return -EBADF;
  const segments = readIovec(kernel, args.address(1), args.int(2));
  if (typeof segments === "number") return segments;
  if (!file.writable) return readInto(kernel, file, segments, undefined);
  return untilReady(file, (args.int(3) & SPLICE_F_NONBLOCK) !== 0, `room to write to ${file.path}`, () => pagesToPipe(kernel, task, pipeOf(file)!, segments));
}

/**
 * Put the user pages behind `segments` into the pipe until it is full: they are not copied, so a store before they are read is seen unless
 * it goes to a copy of the page. Bytes; -EAGAIN, -EPIPE, -EFAULT. Linux: fs/splice.c vmsplice_to_pipe(), iter_to_pipe().
 */
function pagesToPipe(kernel: Kernel, task: Task, pipe: Pipe, segments: readonly Segment[]): number {
  const { sys } = kernel;
  const { pageSize } = sys.granule;
  let done = 0;
  for (const { base, length } of segments) {
    for (let at = 0; at < length; ) {
      if (pipe.readers === 0) {
        sendThreadSignal(kernel, task, kernelSignal(SIGPIPE));
        return done > 0 ? done : -EPIPE;
      }
      if (pipe.full) return done > 0 ? done : -EAGAIN;
      const from = (base + at) % pageSize;
      const bytes = Math.min(pageSize - from, length - at);
      const got = getUserPages(task.mm!, (base + at) as Va, 1, false);
      if (typeof got === "number") return done > 0 ? done : -EFAULT;
      const page = got[0]!;
      pipe.addPage(sys.memory.slice((page * pageSize) as Pa, pageSize), from, from + bytes, () => {
        folioPut(sys, sys.pages.head(page));
      });
      at += bytes;
      done += bytes;
    }
  }
  return done;
}

export const PIPE_SYSCALLS: SyscallFamily = {
  pipe2: (kernel, task, args) => {
    const flags = args.int(1);
    if ((flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT)) !== 0) return -EINVAL;
    const pair = createPipe(kernel, flags);
    return typeof pair === "number" ? pair : installPair(kernel, task, pair, (flags & O_CLOEXEC) !== 0, args.address(0));
  },
  sendfile,
  splice,
  tee,
  vmsplice,
  copy_file_range: copyFileRange,
};
