/**
 * sendmmsg and recvmmsg: several messages in one call.
 *
 * Linux: net/socket.c __sys_sendmmsg(), do_recvmmsg(); include/linux/socket.h struct mmsghdr.
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EFAULT, ERESTARTSYS } from "../errno.js";
import type { Kernel } from "../kernel/kernel.js";
import type { Sleep, Task } from "../kernel/task.js";
import { MSG_DONTWAIT } from "../net/socket.js";
import type { SyscallArgs, SyscallFamily, SyscallResult } from "./abi.js";
import { socketAt } from "./socket.js";
import { recvmsg, sendmsg } from "./sockmsg.js";
import { encodeTimespec, nanosecondsOf, readTimespec, timespecOf } from "./timespec.js";

const MMSGHDR_BYTES = 64;
/** msg_len, behind the msghdr. */
const MSG_LEN = 56;
const UIO_MAXIOV = 1024;
const MSG_WAITFORONE = 0x10000;

interface Batch {
  readonly count: number;
  /** Serves the message with this index. */
  readonly one: (index: number) => SyscallResult;
  /** A message was served with this result, at least 0: true, or why the call ends with it. */
  readonly took: (index: number, result: number) => boolean | number;
}

/**
 * One message after the other until one fails, would wait for another socket than the first that waited, or all are done. The number of messages
 * that were served, or the error of the first.
 */
function inSequence({ count, one, took }: Batch): SyscallResult {
  let served = 0;
  let waiting: Sleep | undefined;
  let queues: Sleep["queues"] | undefined;
  const ended = (error: number): number => (served > 0 ? served : error);
  /** The result of the call, or undefined: wait. */
  const advance = (): number | undefined => {
    while (served < count) {
      const result = waiting === undefined ? one(served) : waiting.poll();
      if (result === undefined) return undefined;
      if (typeof result !== "number") {
        if (queues?.every((queue, i) => queue === result.queues[i]) === false) {
          result.release?.();
          return ended(0);
        }
        waiting = result;
        queues = result.queues;
        return undefined;
      }
      waiting?.release?.();
      waiting = undefined;
      if (result < 0) return ended(result);
      const goOn = took(served, result);
      if (typeof goOn === "number") return ended(goOn);
      served++;
      if (!goOn) break;
    }
    return served;
  };
  const now = advance();
  const first = waiting as Sleep | undefined;
  if (now !== undefined || first === undefined) return now ?? 0;
  return {
    ...first,
    poll: advance,
    timedOut: () => ended(waiting?.timedOut?.() ?? 0),
    interrupted: () => ended(waiting?.interrupted?.() ?? -ERESTARTSYS),
    release: () => {
      waiting?.release?.();
      waiting = undefined;
    },
  };
}

const headerAt = (vector: Va, index: number): Va => (vector + index * MMSGHDR_BYTES) as Va;
const putLength = (kernel: Kernel, vector: Va, index: number, length: number): true | number =>
  kernel.user.putU32((headerAt(vector, index) + MSG_LEN) as Va, length) || -EFAULT;

function sendmmsg(kernel: Kernel, task: Task, args: SyscallArgs): SyscallResult {
  const [fd, vector, flags] = [args.int(0), args.address(1), args.int(3)];
  const found = socketAt(task, fd);
  if (typeof found === "number") return found;
  return inSequence({
    count: Math.min(args.uint(2), UIO_MAXIOV),
    one: (index) => sendmsg(kernel, task, fd, headerAt(vector, index), flags),
    took: (index, result) => putLength(kernel, vector, index, result),
  });
}

function recvmmsg(kernel: Kernel, task: Task, args: SyscallArgs): SyscallResult {
  const [fd, vector, timeoutAt] = [args.int(0), args.address(1), args.address(4)];
  let flags = args.int(3);
  const timeout = timeoutAt === 0 ? undefined : readTimespec(kernel, timeoutAt);
  if (typeof timeout === "number") return timeout;
  const end = timeout === undefined ? Infinity : kernel.clock.monotonic + nanosecondsOf(timeout);
  const found = socketAt(task, fd);
  if (typeof found === "number") return found;
  return inSequence({
    count: args.uint(2),
    one: (index) => recvmsg(kernel, task, fd, headerAt(vector, index), flags & ~MSG_WAITFORONE),
    took: (index, result) => {
      if ((flags & MSG_WAITFORONE) !== 0) flags |= MSG_DONTWAIT;
      const put = putLength(kernel, vector, index, result);
      if (put !== true || end === Infinity) return put;
      // The time is looked at between two messages only; a wait for one takes as long as it takes.
      const left = Math.max(0, end - kernel.clock.monotonic);
      if (!kernel.user.put(timeoutAt, encodeTimespec(timespecOf(left)))) return -EFAULT;
      return left > 0;
    },
  });
}

export const MMSG_SYSCALLS: SyscallFamily = { sendmmsg, recvmmsg };
