/**
 * futex and robust lists.
 *
 * Linux: kernel/futex/syscalls.c sys_futex(), do_futex(), sys_set_robust_list(), sys_get_robust_list().
 */
import { EFAULT, EINVAL, ENOSYS, ESRCH } from "../errno.js";
import {
  FUTEX_CLOCK_REALTIME,
  FUTEX_CMP_REQUEUE,
  FUTEX_PRIVATE_FLAG,
  FUTEX_REQUEUE,
  FUTEX_WAIT,
  FUTEX_WAIT_BITSET,
  FUTEX_WAKE,
  FUTEX_WAKE_BITSET,
  FUTEX_WAKE_OP,
  futexRequeue,
  futexWait,
  futexWake,
  futexWakeOp,
} from "../kernel/futex.js";
import { FUTEX_BITSET_MATCH_ANY } from "../kernel/futex-table.js";
import type { SyscallFamily } from "./abi.js";
import { monotonicDeadline, readTimespec } from "./timespec.js";

const ROBUST_LIST_HEAD_BYTES = 24;

export const FUTEX_SYSCALLS: SyscallFamily = {
  futex: (kernel, task, args) => {
    const at = args.address(0);
    const op = args.int(1);
    const command = op & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
    const isPrivate = (op & FUTEX_PRIVATE_FLAG) !== 0;
    const realtime = (op & FUTEX_CLOCK_REALTIME) !== 0;
    const value = args.uint(2);
    if (realtime && command !== FUTEX_WAIT_BITSET) return -ENOSYS;
    switch (command) {
      case FUTEX_WAIT:
      case FUTEX_WAIT_BITSET: {
        const timeout = args.address(3);
        let deadline: number | undefined;
        if (timeout !== 0) {
          const time = readTimespec(kernel, timeout);
          if (typeof time === "number") return time;
          // FUTEX_WAIT's time-out is relative, the other's absolute.
          deadline = command === FUTEX_WAIT ? kernel.clock.monotonic + time.seconds * 1e9 + time.nanoseconds : monotonicDeadline(kernel, time, realtime);
        }
        const bitset = command === FUTEX_WAIT ? FUTEX_BITSET_MATCH_ANY : args.uint(5);
        return futexWait(kernel, task, at, isPrivate, value, deadline, bitset);
      }
      case FUTEX_WAKE:
        return futexWake(kernel, task, at, isPrivate, args.int(2), FUTEX_BITSET_MATCH_ANY);
      case FUTEX_WAKE_BITSET:
        return futexWake(kernel, task, at, isPrivate, args.int(2), args.uint(5));
      case FUTEX_REQUEUE:
        return futexRequeue(kernel, task, at, args.address(4), isPrivate, args.int(2), args.int(3), undefined);
      case FUTEX_CMP_REQUEUE:
        return futexRequeue(kernel, task, at, args.address(4), isPrivate, args.int(2), args.int(3), args.uint(5));
      case FUTEX_WAKE_OP:
        return futexWakeOp(kernel, task, at, args.address(4), isPrivate, args.int(2), args.int(3), args.uint(5));
      default:
        return -ENOSYS;
    }
  },

  set_robust_list: (_, task, args) => {
    if (args.size(1) !== ROBUST_LIST_HEAD_BYTES) return -EINVAL;
    task.robustList = args.address(0);
    return 0;
  },

  get_robust_list: (kernel, task, args) => {
    const pid = args.int(0);
    const of = pid === 0 ? task : kernel.tasks.get(pid);
    if (of === undefined) return -ESRCH;
    if (!kernel.user.putU64(args.address(2), ROBUST_LIST_HEAD_BYTES)) return -EFAULT;
    return kernel.user.putU64(args.address(1), of.robustList) ? 0 : -EFAULT;
  },
};

