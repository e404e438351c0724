/**
 * Signals that are read instead of handled.
 *
 * Linux: fs/signalfd.c; include/uapi/linux/signalfd.h struct signalfd_siginfo. Always about the signals of the task that reads or polls.
 */
import { EAGAIN, EINVAL } from "../errno.js";
import { dequeue, pendingMask } from "../kernel/signal-state.js";
import type { SigInfo, Task } from "../kernel/task.js";
import { WaitQueue } from "../kernel/wait-queue.js";
import type { FileOperations, OpenFile } from "./vfs.js";
import { noopSeek, POLLIN } from "./vfs.js";

const SIGINFO_BYTES = 128;
const ALL = 0xffff_ffff_ffff_ffffn;

/** struct signalfd_siginfo. */
function encode(info: SigInfo): Uint8Array {
  const view = new DataView(new ArrayBuffer(SIGINFO_BYTES));
  view.setUint32(0, info.signo, true);
  view.setInt32(4, info.errno, true);
  view.setInt32(8, info.code, true);
  view.setUint32(12, info.pid ?? 0, true);
  view.setUint32(16, info.uid ?? 0, true);
  view.setInt32(20, info.fd ?? 0, true);
  view.setUint32(24, info.timerId ?? 0, true);
  view.setUint32(28, info.band ?? 0, true);
  view.setUint32(32, info.overrun ?? 0, true);
  view.setInt32(40, info.status ?? 0, true);
  view.setInt32(44, Number(BigInt.asIntN(32, info.value ?? 0n)), true);
  view.setBigUint64(48, info.value ?? 0n, true);
  view.setBigUint64(56, BigInt(info.utime ?? 0), true);
  view.setBigUint64(64, BigInt(info.stime ?? 0), true);
  view.setBigUint64(72, info.addr ?? 0n, true);
  return new Uint8Array(view.buffer);
}

/** The set of signals that a signalfd takes. */
export class SignalFd {
  mask: bigint;
  readonly operations: FileOperations;

  /** `current`: the task that reads or polls. */
  constructor(mask: bigint, current: () => Task) {
    this.mask = mask;
    this.operations = {
      seekable: true,
      seek: noopSeek,
      read: (_file, into) => {
        if (into.length < SIGINFO_BYTES) return -EINVAL;
        const task = current();
        const blocked = ALL ^ this.mask;
        let done = 0;
        while (done + SIGINFO_BYTES <= into.length) {
          const info = dequeue(task.pending, blocked) ?? dequeue(task.group.sharedPending, blocked);
          if (info === undefined) break;
          into.set(encode(info), done);
          done += SIGINFO_BYTES;
        }
        return done === 0 ? -EAGAIN : done;
      },
      poll: () => {
        const task = current();
        return ((pendingMask(task.pending) | pendingMask(task.group.sharedPending)) & this.mask) !== 0n ? POLLIN : 0;
      },
      waitQueue: () => (current().sighand.arrivals ??= new WaitQueue()),
    };
  }
}

/** The set behind a description, undefined if it is no signalfd. */
export function signalFdOf(file: OpenFile): SignalFd | undefined {
  return file.privateData instanceof SignalFd ? file.privateData : undefined;
}
