/**
 * Event counters: a number that is added to and taken.
 *
 * Linux: fs/eventfd.c.
 */
import { EAGAIN, EINVAL } from "../errno.js";
import { WaitQueue } from "../kernel/wait-queue.js";
import type { FileOperations } from "./vfs.js";
import { noopSeek, POLLERR, POLLIN, POLLOUT } from "./vfs.js";

const COUNTER_BYTES = 8;
const ULLONG_MAX = 0xffff_ffff_ffff_ffffn;

/** Operations of a new counter. `semaphore`: a read takes one, not all. */
export function createEventfd(initial: number, semaphore: boolean): FileOperations {
  const queue = new WaitQueue();
  let count = BigInt(initial);
  return {
    seekable: true,
    seek: noopSeek,
    read(_file, into) {
      if (into.length < COUNTER_BYTES) return -EINVAL;
      if (count === 0n) return -EAGAIN;
      const taken = semaphore ? 1n : count;
      count -= taken;
      new DataView(into.buffer, into.byteOffset).setBigUint64(0, taken, true);
      queue.wakeAll();
      return COUNTER_BYTES;
    },
    write(_file, from) {
      if (from.length < COUNTER_BYTES) return -EINVAL;
      const more = new DataView(from.buffer, from.byteOffset).getBigUint64(0, true);
      if (more === ULLONG_MAX) return -EINVAL;
      if (ULLONG_MAX - count <= more) return -EAGAIN;
      count += more;
      queue.wakeAll();
      return COUNTER_BYTES;
    },
    poll: () => (count > 0n ? POLLIN : 0) | (count === ULLONG_MAX ? POLLERR : 0) | (count < ULLONG_MAX - 1n ? POLLOUT : 0),
    waitQueue: () => queue,
  };
}
