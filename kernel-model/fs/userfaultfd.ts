/**
 * The file behind a userfaultfd: messages to read, and the ioctls that answer them.
 *
 * Linux: fs/userfaultfd.c userfaultfd_read(), userfaultfd_poll(), userfaultfd_ioctl(), userfaultfd_api(); include/uapi/linux/userfaultfd.h.
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EAGAIN, EFAULT, EINVAL, ESRCH } from "../errno.js";
import { UFFD_FEATURE_EXACT_ADDRESS, UFFD_FEATURE_SIGBUS, type Userfaultfd } from "../mm/userfaultfd-context.js";
import { mfillAtomic, registerRange, releaseUserfaultfd, unregisterRange } from "../mm/userfaultfd.js";
import type { FileOperations, UserMemory } from "./vfs.js";
import { O_NONBLOCK, POLLERR, POLLIN } from "./vfs.js";

const UFFD_API = 0xaan;
/** struct uffd_msg, and the event of a fault. */
const MSG_BYTES = 32;
const UFFD_EVENT_PAGEFAULT = 0x12;
const UFFD_PAGEFAULT_FLAG_WRITE = 1n;
const FEATURES = UFFD_FEATURE_SIGBUS | UFFD_FEATURE_EXACT_ADDRESS;

/** ioctl commands: direction, size of the argument, type 0xaa, number. */
const UFFDIO_API = 0xc018aa3f;
const UFFDIO_REGISTER = 0xc020aa00;
const UFFDIO_UNREGISTER = 0x8010aa01;
const UFFDIO_WAKE = 0x8010aa02;
const UFFDIO_COPY = 0xc028aa03;
const UFFDIO_ZEROPAGE = 0xc020aa04;
/** Sets of ioctl numbers that the calls announce: register, unregister, api; wake, copy, zeropage. */
const API_IOCTLS = (1n << 63n) | 0b11n;
const RANGE_IOCTLS = 0b11100n;

const REGISTER_MODE_MISSING = 1n;
const MODE_DONTWAKE = 1n;

/** 64-bit words of an argument in user memory. */
function readWords(user: UserMemory, at: Va, count: number): bigint[] | undefined {
  const bytes = user.read(at, count * 8);
  if (typeof bytes === "number") return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return Array.from({ length: count }, (_, i) => view.getBigUint64(i * 8, true));
}

function writeWords(user: UserMemory, at: Va, ...words: readonly bigint[]): boolean {
  const bytes = new Uint8Array(words.length * 8);
  const view = new DataView(bytes.buffer);
  words.forEach((word, i) => {
    view.setBigUint64(i * 8, BigInt.asUintN(64, word), true);
  });
  return user.write(at, bytes) >= 0;
}

/** A range of whole pages of user memory: first byte and length, or undefined. Linux: validate_range(). */
function rangeOf(uffd: Userfaultfd, start: bigint, length: bigint): { readonly start: Va; readonly end: Va } | undefined {
  const page = BigInt(uffd.mm.sys.granule.pageSize);
  const end = start + length;
  if (length === 0n || start % page !== 0n || length % page !== 0n || end > BigInt(uffd.mm.taskSize)) return undefined;
  return { start: Number(start) as Va, end: Number(end) as Va };
}

function api(uffd: Userfaultfd, at: Va, user: UserMemory): number {
  const words = readWords(user, at, 3);
  if (words === undefined) return -EFAULT;
  const [version, features] = words as [bigint, bigint, bigint];
  if (version !== UFFD_API || (features & ~BigInt(FEATURES)) !== 0n) return writeWords(user, at, 0n, 0n, 0n) ? -EINVAL : -EFAULT;
  if (!writeWords(user, at, UFFD_API, BigInt(FEATURES), API_IOCTLS)) return -EFAULT;
  if (uffd.features !== undefined) return -EINVAL;
  uffd.features = Number(features);
  return 0;
}

function register(uffd: Userfaultfd, at: Va, user: UserMemory): number {
  const words = readWords(user, at, 3);
  if (words === undefined) return -EFAULT;
  const [start, length, mode] = words as [bigint, bigint, bigint];
  // Write protection and minor faults are not modelled.
  if (mode !== REGISTER_MODE_MISSING) return -EINVAL;
  const range = rangeOf(uffd, start, length);
  if (range === undefined) return -EINVAL;
  const error = registerRange(uffd, range.start, range.end);
  return error === 0 && !writeWords(user, (at + 24) as Va, RANGE_IOCTLS) ? -EFAULT : error;
}

/** UFFDIO_COPY and UFFDIO_ZEROPAGE: the result goes to the word at `resultAt`, and waiters are woken unless `mode` says no. */
function fill(uffd: Userfaultfd, target: { readonly start: bigint; readonly length: bigint; readonly mode: bigint }, resultAt: Va, user: UserMemory, source?: Va): number {
  const range = rangeOf(uffd, target.start, target.length);
  if (range === undefined || (target.mode & ~MODE_DONTWAKE) !== 0n) return -EINVAL;
  if (uffd.mm.users === 0) return -ESRCH;
  const { pageSize } = uffd.mm.sys.granule;
  const read = source === undefined ? undefined : (distance: number): Uint8Array | number => user.read((source + distance) as Va, pageSize);
  const done = mfillAtomic(uffd.mm, range.start, range.end - range.start, read);
  if (!writeWords(user, resultAt, BigInt(done))) return -EFAULT;
  if (done < 0) return done;
  if ((target.mode & MODE_DONTWAKE) === 0n) uffd.wake(range.start, range.start + done);
  return done === range.end - range.start ? 0 : -EAGAIN;
}

function ioctl(uffd: Userfaultfd, command: number, at: Va, user: UserMemory): number {
  if (command >>> 0 === UFFDIO_API) return api(uffd, at, user);
  if (uffd.features === undefined) return -EINVAL;
  switch (command >>> 0) {
    case UFFDIO_REGISTER:
      return register(uffd, at, user);
    case UFFDIO_UNREGISTER:
    case UFFDIO_WAKE: {
      const words = readWords(user, at, 2);
      if (words === undefined) return -EFAULT;
      const range = rangeOf(uffd, words[0]!, words[1]!);
      if (range === undefined) return -EINVAL;
      if (command >>> 0 === UFFDIO_UNREGISTER) return unregisterRange(uffd, range.start, range.end);
      uffd.wake(range.start, range.end);
      return 0;
    }
    case UFFDIO_COPY: {
      const words = readWords(user, at, 4);
      if (words === undefined) return -EFAULT;
      const [start, source, length, mode] = words as [bigint, bigint, bigint, bigint];
      if (source + length > BigInt(uffd.mm.taskSize)) return -EINVAL;
      return fill(uffd, { start, length, mode }, (at + 32) as Va, user, Number(source) as Va);
    }
    case UFFDIO_ZEROPAGE: {
      const words = readWords(user, at, 3);
      if (words === undefined) return -EFAULT;
      const [start, length, mode] = words as [bigint, bigint, bigint];
      return fill(uffd, { start, length, mode }, (at + 24) as Va, user);
    }
    default:
      return -EINVAL;
  }
}

/** Operations of a new userfaultfd. */
export function createUserfaultfdFile(uffd: Userfaultfd): FileOperations {
  return {
    seekable: false,
    read(_file, into) {
      if (uffd.features === undefined) return -EINVAL;
      const view = new DataView(into.buffer, into.byteOffset, into.length);
      let at = 0;
      while (at + MSG_BYTES <= into.length) {
        const fault = uffd.take();
        if (fault === undefined) break;
        into.fill(0, at, at + MSG_BYTES);
        view.setUint8(at, UFFD_EVENT_PAGEFAULT);
        view.setBigUint64(at + 8, fault.write ? UFFD_PAGEFAULT_FLAG_WRITE : 0n, true);
        view.setBigUint64(at + 16, BigInt(fault.address), true);
        at += MSG_BYTES;
      }
      if (at > 0) return at;
      return into.length < MSG_BYTES ? -EINVAL : -EAGAIN;
    },
    // Who would wait in poll() must not wait in read().
    poll: (file) => (uffd.features === undefined || (file.flags & O_NONBLOCK) === 0 ? POLLERR : uffd.pending.length > 0 ? POLLIN : 0),
    waitQueue: () => uffd.queue,
    ioctl: (_file, command, argument, user) => ioctl(uffd, command, argument, user),
    release: () => {
      releaseUserfaultfd(uffd);
    },
  };
}
