/**
 * epoll_create1, epoll_ctl, epoll_pwait, epoll_pwait2.
 *
 * Linux: fs/eventpoll.c.
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EBADF, EFAULT, EINTR, EINVAL } from "../errno.js";
import { EPOLLEXCLUSIVE, EventPoll, eventPollOf } from "../fs/eventpoll.js";
import { O_CLOEXEC, getFile, putFile } from "../fs/vfs.js";
import { CStruct } from "../kernel/c-struct.js";
import type { Kernel } from "../kernel/kernel.js";
import type { Sleep, Task } from "../kernel/task.js";
import type { SyscallArgs, SyscallFamily, SyscallResult } from "./abi.js";
import { anonInodeFd } from "./eventfd.js";
import { fileOf } from "./file.js";
import { readSigset, setTemporaryMask } from "./signal.js";
import { deadlineAfter, readTimespec } from "./timespec.js";

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
/** struct epoll_event is not packed on arm64: events, padding, data. */
const EPOLL_EVENT_BYTES = 16;
const EP_MAX_EVENTS = Math.floor(0x7fffffff / EPOLL_EVENT_BYTES);
const SIGSET_BYTES = 8;
const NS_PER_MS = 1_000_000;

function epollCtl(kernel: Kernel, task: Task, args: SyscallArgs): number {
  const [operation, fd] = [args.int(1), args.int(2)];
  let events = 0;
  let data = 0n;
  if (operation !== EPOLL_CTL_DEL) {
    const raw = kernel.user.struct(args.address(3), EPOLL_EVENT_BYTES);
    if (raw === undefined) return -EFAULT;
    events = raw.u32(0);
    data = raw.u64(8);
  }
  const [file, target] = [fileOf(task, args.int(0)), fileOf(task, fd)];
  if (file === undefined || target === undefined) return -EBADF;
  const set = eventPollOf(file);
  if (set === undefined || file === target) return -EINVAL;
  if (events >= EPOLLEXCLUSIVE && Math.floor(events / EPOLLEXCLUSIVE) % 2 === 1 && (operation === EPOLL_CTL_MOD || eventPollOf(target) !== undefined)) return -EINVAL;
  switch (operation) {
    case EPOLL_CTL_ADD:
      return set.add(target, fd, events, data);
    case EPOLL_CTL_MOD:
      return set.modify(target, fd, events, data);
    case EPOLL_CTL_DEL:
      return set.remove(target, fd);
    default:
      return -EINVAL;
  }
}

/** `deadline`: monotonic nanoseconds, undefined: wait for ever; in the past: only look. */
function wait(kernel: Kernel, task: Task, args: SyscallArgs, deadline: number | undefined): SyscallResult {
  const at = args.address(1);
  const most = args.int(2);
  if (most <= 0 || most > EP_MAX_EVENTS) return -EINVAL;
  if (!kernel.user.access.accessOk(at, most * EPOLL_EVENT_BYTES)) return -EFAULT;
  const file = fileOf(task, args.int(0));
  if (file === undefined) return -EBADF;
  const set = eventPollOf(file);
  if (set === undefined) return -EINVAL;
  const maskAt = args.address(4);
  if (maskAt !== 0) {
    if (args.size(5) !== SIGSET_BYTES) return -EINVAL;
    const mask = readSigset(kernel, maskAt);
    if (mask === undefined) return -EFAULT;
    setTemporaryMask(task, mask);
  }
  const finish = (result: number): number => {
    if (task.savedMask !== undefined) {
      task.blocked = task.savedMask;
      task.savedMask = undefined;
    }
    return result;
  };
  const poll = (): number | undefined => {
    const events = set.take(most);
    if (events.length === 0) return undefined;
    const out = new CStruct(events.length * EPOLL_EVENT_BYTES);
    events.forEach(({ events: mask, data }, i) => out.setU32(i * EPOLL_EVENT_BYTES, mask).setU64(i * EPOLL_EVENT_BYTES + 8, data));
    return finish(kernel.user.put(at, out.bytes) ? events.length : -EFAULT);
  };
  const now = poll();
  if (now !== undefined) return now;
  if (deadline !== undefined && deadline <= kernel.clock.monotonic) return finish(0);
  getFile(file);
  const sleep: Sleep = {
    queues: [set.queue],
    poll,
    timedOut: () => finish(0),
    interrupted: () => -EINTR,
    release: () => {
      putFile(file);
    },
    what: "an event of an epoll set",
  };
  return deadline === undefined ? sleep : { ...sleep, deadline };
}

function deadlineAt(kernel: Kernel, at: Va): number | undefined | { readonly error: number } {
  if (at === 0) return undefined;
  const time = readTimespec(kernel, at);
  return typeof time === "number" ? { error: time } : deadlineAfter(kernel, time);
}

export const EPOLL_SYSCALLS: SyscallFamily = {
  epoll_create1: (kernel, task, args) => {
    const flags = args.int(0);
    if ((flags & ~O_CLOEXEC) !== 0) return -EINVAL;
    const set = new EventPoll();
    return anonInodeFd(kernel, task, "[eventpoll]", set.operations, set, flags);
  },
  epoll_ctl: epollCtl,
  epoll_pwait: (kernel, task, args) => {
    const milliseconds = args.int(3);
    return wait(kernel, task, args, milliseconds < 0 ? undefined : kernel.clock.monotonic + milliseconds * NS_PER_MS);
  },
  epoll_pwait2: (kernel, task, args) => {
    const deadline = deadlineAt(kernel, args.address(3));
    return typeof deadline === "object" ? deadline.error : wait(kernel, task, args, deadline);
  },
};
