/**
 * Pipes and fifos.
 *
 * Linux: fs/pipe.c pipe_read(), pipe_write(), pipe_poll(), fifo_open(), pipe_set_size().
 */
import { EAGAIN, EBUSY, EFAULT, EINVAL, ENOMEM, ENOTTY, ENXIO, EPIPE } from "../errno.js";
import { WaitQueue } from "../kernel/wait-queue.js";
import type { BufferBudget } from "./buffer-budget.js";
import type { FileOperations, OpenFile, VfsInode } from "./vfs.js";
import { O_ACCMODE, O_DIRECT, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY, POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "./vfs.js";

/** Pages that a pipe holds. Linux: PIPE_DEF_BUFFERS. */
const PIPE_DEF_BUFFERS = 16;
const MAX_BUFFERS = 2 ** 14;
const FIONREAD = 0x541b;

/** One page of a pipe; bytes `from` to `to` wait to be read. Linux: struct pipe_buffer. */
interface PipeBuffer {
  readonly page: Uint8Array;
  from: number;
  to: number;
  /** Written with O_DIRECT: read as a whole, never added to. */
  readonly packet: boolean;
  /** Of a page that is not the pipe's own: never added to, and given back by this. Linux: user_page_pipe_buf_ops. */
  readonly release?: () => void;
}

/** Linux: struct pipe_inode_info. */
export class Pipe {
  readers = 0;
  writers = 0;
  /** Opens so far, so that a fifo's opener notices a partner who has come and gone. */
  readerOpens = 0;
  writerOpens = 0;
  /** Woken by every change of contents and of partners. */
  readonly queue = new WaitQueue();
  private readonly pageSize: number;
  private readonly budget: BufferBudget;
  private readonly buffers: PipeBuffer[] = [];
  private maxBuffers = PIPE_DEF_BUFFERS;

  constructor(pageSize: number, budget: BufferBudget) {
    this.pageSize = pageSize;
    this.budget = budget;
  }

  get empty(): boolean {
    return this.buffers.length === 0;
  }

  get full(): boolean {
    return this.buffers.length >= this.maxBuffers;
  }

  /** Bytes that wait to be read. */
  get available(): number {
    return this.buffers.reduce((sum, { from, to }) => sum + to - from, 0);
  }

  /** Bytes that a write takes now at least. */
  get room(): number {
    return Math.max(0, this.maxBuffers - this.buffers.length) * this.pageSize;
  }

  /** Capacity in bytes (F_GETPIPE_SZ). */
  get capacity(): number {
    return this.maxBuffers * this.pageSize;
  }

  /** F_SETPIPE_SZ: rounded up to a power of two of pages. The new capacity, -EBUSY if more is in use, -EINVAL, -ENOMEM. */
  setCapacity(bytes: number): number {
    if (bytes < 0 || bytes > 2 ** 31) return -EINVAL;
    const wanted = 2 ** Math.ceil(Math.log2(Math.max(1, bytes / this.pageSize)));
    if (wanted > MAX_BUFFERS) return -ENOMEM;
    if (wanted < this.buffers.length) return -EBUSY;
    this.maxBuffers = wanted;
    this.queue.wakeAll();
    return this.capacity;
  }

  /** Bytes moved to `into`, 0 if no one will write any more, -EAGAIN. `peek`: leave them in the pipe (tee). */
  read(into: Uint8Array, peek = false): number {
    if (into.length === 0) return 0;
    if (this.empty) return this.writers === 0 ? 0 : -EAGAIN;
    let done = 0;
    let index = 0;
    while (done < into.length && index < this.buffers.length) {
      const buffer = this.buffers[index]!;
      const bytes = Math.min(into.length - done, buffer.to - buffer.from);
      into.set(buffer.page.subarray(buffer.from, buffer.from + bytes), done);
      done += bytes;
      if (peek) index++;
      else {
        buffer.from += bytes;
        if (buffer.packet || buffer.from === buffer.to) {
          this.buffers.shift();
          this.drop(buffer);
        }
      }
      if (buffer.packet) break;
    }
    if (!peek) this.queue.wakeAll();
    return done;
  }

  /** Bytes taken of `from`, -EAGAIN if there is no room, -EPIPE without readers, -ENOMEM. Up to PIPE_BUF bytes go in whole or not at all. */
  write(from: Uint8Array, packet: boolean): number {
    if (from.length === 0) return 0;
    if (this.readers === 0) return -EPIPE;
    const { pageSize } = this;
    let done = 0;
    // What does not fill pages goes behind the last bytes if it fits there.
    const odd = from.length % pageSize;
    const last = this.buffers.at(-1);
    if (last !== undefined && odd > 0 && !last.packet && last.release === undefined && !packet && last.to + odd <= pageSize) {
      last.page.set(from.subarray(0, odd), last.to);
      last.to += odd;
      done = odd;
    }
    while (done < from.length && !this.full) {
      if (!this.budget.charge(pageSize)) return done > 0 ? done : -ENOMEM;
      const bytes = Math.min(pageSize, from.length - done);
      const page = new Uint8Array(pageSize);
      page.set(from.subarray(done, done + bytes));
      this.buffers.push({ page, from: 0, to: bytes, packet });
      done += bytes;
    }
    if (done > 0) this.queue.wakeAll();
    return done > 0 ? done : -EAGAIN;
  }

  /**
   * Put bytes `from` to `to` of a page in that belongs to someone else, as they are when they are read; `release` is called once they have
   * been. Pre: not full, and a reader is there. Linux: fs/splice.c add_to_pipe().
   */
  addPage(page: Uint8Array, from: number, to: number, release: () => void): void {
    this.buffers.push({ page, from, to, packet: false, release });
    this.queue.wakeAll();
  }

  private drop(buffer: PipeBuffer): void {
    if (buffer.release === undefined) this.budget.release(this.pageSize);
    else buffer.release();
  }

  open(access: number): void {
    if (access !== O_WRONLY) {
      this.readers++;
      this.readerOpens++;
    }
    if (access !== O_RDONLY) {
      this.writers++;
      this.writerOpens++;
    }
    this.queue.wakeAll();
  }

  close(access: number): void {
    if (access !== O_WRONLY) this.readers--;
    if (access !== O_RDONLY) this.writers--;
    if (this.readers === 0 && this.writers === 0) {
      for (const buffer of this.buffers.splice(0)) this.drop(buffer);
    }
    this.queue.wakeAll();
  }
}

/** One end of a pipe. */
interface PipeEnd {
  readonly pipe: Pipe;
  /** Opens of the other end before this one, if it had none open: a fifo's reader hangs up only after a writer. -1: one was there. */
  readonly writerOpens: number;
  readonly readerOpens: number;
}

const endOf = (file: OpenFile): PipeEnd => file.privateData as PipeEnd;
const accessOf = (file: OpenFile): number => file.flags & O_ACCMODE;

/** The pipe behind a description, undefined if it is none. */
export function pipeOf(file: OpenFile): Pipe | undefined {
  return file.ops === PIPE_OPERATIONS ? endOf(file).pipe : undefined;
}

const PIPE_OPERATIONS: FileOperations = {
  seekable: false,
  read: (file, into) => endOf(file).pipe.read(into),
  write: (file, from) => endOf(file).pipe.write(from, (file.flags & O_DIRECT) !== 0),
  poll(file) {
    const { pipe, writerOpens } = endOf(file);
    let ready = 0;
    if (file.readable) {
      if (!pipe.empty) ready |= POLLIN | POLLRDNORM;
      if (pipe.writers === 0 && pipe.writerOpens !== writerOpens) ready |= POLLHUP;
    }
    if (file.writable) {
      if (!pipe.full) ready |= POLLOUT | POLLWRNORM;
      if (pipe.readers === 0) ready |= POLLERR;
    }
    return ready;
  },
  waitQueue: (file) => endOf(file).pipe.queue,
  openReady(file) {
    const { pipe, writerOpens, readerOpens } = endOf(file);
    const access = accessOf(file);
    if (access === O_RDONLY) return pipe.writers > 0 || pipe.writerOpens !== writerOpens;
    if (access === O_WRONLY) return pipe.readers > 0 || pipe.readerOpens !== readerOpens;
    return true;
  },
  ioctl(file, command, argument, user) {
    if (command !== FIONREAD) return -ENOTTY;
    const count = new Uint8Array(4);
    new DataView(count.buffer).setUint32(0, endOf(file).pipe.available, true);
    return user.write(argument, count) < 0 ? -EFAULT : 0;
  },
  release(file) {
    endOf(file).pipe.close(accessOf(file));
  },
};

/**
 * A description of `pipe` for the access of `file`. A fifo's writer that does not wait needs a reader: -ENXIO. One that waits gets its
 * description at once and may use it when `openReady` says so. `anonymous`: a pipe of pipe2() waits for no
 * one, also when it is opened once more through /proc/PID/fd.
 */
export function openPipe(file: OpenFile, pipe: Pipe, anonymous: boolean): FileOperations | number {
  const access = accessOf(file);
  if (!anonymous && access === O_WRONLY && (file.flags & O_NONBLOCK) !== 0 && pipe.readers === 0) return -ENXIO;
  // An anonymous pipe's read end has a writer from the start; a fifo's may wait for its first one without a hang-up.
  const writerOpens = anonymous || pipe.writers > 0 || access === O_RDWR ? -1 : pipe.writerOpens;
  const readerOpens = anonymous ? -1 : pipe.readerOpens;
  pipe.open(access);
  const end: PipeEnd = { pipe, writerOpens, readerOpens };
  file.privateData = end;
  return PIPE_OPERATIONS;
}

/** Opens the fifos of one machine: all descriptions of an inode share its pipe while one of them is open. */
export class Fifos {
  private readonly pipes = new WeakMap<VfsInode, Pipe>();
  private readonly pageSize: number;
  private readonly budget: BufferBudget;

  constructor(pageSize: number, budget: BufferBudget) {
    this.pageSize = pageSize;
    this.budget = budget;
  }

  open(file: OpenFile): FileOperations | number {
    let pipe = this.pipes.get(file.inode);
    if (pipe === undefined) {
      pipe = new Pipe(this.pageSize, this.budget);
      this.pipes.set(file.inode, pipe);
    }
    return openPipe(file, pipe, false);
  }
}
