/**
 * ppoll and pselect6: waiting for several descriptors.
 *
 * Linux: fs/select.c do_poll(), do_select(), core_sys_select().
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EBADF, EFAULT, EINTR, EINVAL, ERESTARTNOHAND } from "../errno.js";
import type { OpenFile, Timespec } from "../fs/vfs.js";
import { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLPRI, POLLRDNORM, POLLWRNORM, getFile, putFile } from "../fs/vfs.js";
import { CStruct } from "../kernel/c-struct.js";
import type { Kernel } from "../kernel/kernel.js";
import { RLIMIT_NOFILE } from "../kernel/rlimit.js";
import type { Sleep, Task } from "../kernel/task.js";
import type { WaitQueue } from "../kernel/wait-queue.js";
import type { SyscallArgs, SyscallFamily, SyscallResult } from "./abi.js";
import { readSigset, setTemporaryMask } from "./signal.js";
import { deadlineAfter, encodeTimespec, readTimespec, timespecOf } from "./timespec.js";

const POLLFD_BYTES = 8;
const POLLRDBAND = 0x80;
const POLLWRBAND = 0x200;
/** What a file without poll() reports. */
const DEFAULT_POLLMASK = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
/* What makes a descriptor count in each set of select. */
const READ_SET = POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR;
const WRITE_SET = POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR;
const EXCEPT_SET = POLLPRI;

/** POLL* bits of an open file now. Linux: vfs_poll(). */
export function pollMask(file: OpenFile): number {
  return file.ops.poll?.(file) ?? DEFAULT_POLLMASK;
}

/** A wait on several files: references are held while it lasts, so that another thread's close does not pull them away. */
function waitForFiles(files: readonly OpenFile[], deadline: number | undefined, poll: () => number | undefined, timedOut: () => number, interrupted: () => number): Sleep {
  const queues = new Set<WaitQueue>();
  for (const file of files) {
    getFile(file);
    const queue = file.ops.waitQueue?.(file);
    if (queue !== undefined) queues.add(queue);
  }
  const sleep: Sleep = {
    queues: [...queues],
    poll,
    timedOut,
    interrupted,
    release: () => {
      for (const file of files) putFile(file);
    },
    what: `one of ${files.length} files to become ready`,
  };
  return deadline === undefined ? sleep : { ...sleep, deadline };
}

interface Deadline {
  readonly at: number | undefined;
  /** Write what is left back to the timespec, as Linux does. Its failure is ignored. */
  readonly update: () => void;
}

function readDeadline(kernel: Kernel, at: Va): Deadline | number {
  if (at === 0) return { at: undefined, update: () => undefined };
  const time: Timespec | number = readTimespec(kernel, at);
  if (typeof time === "number") return time;
  const deadline = deadlineAfter(kernel, time);
  const update = (): void => {
    kernel.user.put(at, encodeTimespec(timespecOf(Math.max(0, deadline - kernel.clock.monotonic))));
  };
  return { at: deadline, update };
}

/** Run `poll` now and, unless it is to return at once, until it answers. The temporary mask is taken back where no signal came. */
function pollUntil(task: Task, kernel: Kernel, files: readonly OpenFile[], deadline: Deadline, poll: () => number | undefined, empty: () => number): SyscallResult {
  const restoreMask = (): void => {
    if (task.savedMask === undefined) return;
    task.blocked = task.savedMask;
    task.savedMask = undefined;
  };
  const finish = (result: number): number => {
    deadline.update();
    restoreMask();
    return result;
  };
  const attempt = (): number | undefined => {
    const result = poll();
    return result === undefined ? undefined : finish(result);
  };
  const now = attempt();
  if (now !== undefined) return now;
  if (deadline.at !== undefined && deadline.at <= kernel.clock.monotonic) return finish(empty());
  const interrupted = (): number => {
    deadline.update();
    // With a temporary mask the handler runs under it, and the mask goes back when the handler returns.
    return deadline.at === undefined ? -ERESTARTNOHAND : -EINTR;
  };
  return waitForFiles(files, deadline.at, attempt, () => finish(empty()), interrupted);
}

/** The mask argument of ppoll: 0, -EINVAL, -EFAULT. */
function applyMask(kernel: Kernel, task: Task, at: Va, bytes: number): number {
  if (at === 0) return 0;
  if (bytes !== 8) return -EINVAL;
  const mask = readSigset(kernel, at);
  if (mask === undefined) return -EFAULT;
  setTemporaryMask(task, mask);
  return 0;
}

function ppoll(kernel: Kernel, task: Task, args: SyscallArgs): SyscallResult {
  const at = args.address(0);
  const count = args.uint(1);
  if (count > task.group.limits[RLIMIT_NOFILE]!.soft) return -EINVAL;
  const deadline = readDeadline(kernel, args.address(2));
  if (typeof deadline === "number") return deadline;
  const raw = kernel.user.read(at, count * POLLFD_BYTES);
  if (typeof raw === "number") return raw;
  const masked = applyMask(kernel, task, args.address(3), args.size(4));
  if (masked < 0) return masked;
  const entries = new CStruct(raw);
  const files: (OpenFile | undefined)[] = [];
  for (let i = 0; i < count; i++) {
    const fd = entries.i32(i * POLLFD_BYTES);
    files.push(fd < 0 ? undefined : task.files!.get(fd));
  }
  const writeBack = (): boolean => {
    for (let i = 0; i < count; i++) {
      if (!kernel.user.access.putUser16((at + i * POLLFD_BYTES + 6) as Va, entries.u16(i * POLLFD_BYTES + 6))) return false;
    }
    return true;
  };
  const poll = (): number | undefined => {
    let ready = 0;
    for (let i = 0; i < count; i++) {
      const wanted = entries.u16(i * POLLFD_BYTES + 4) | POLLERR | POLLHUP;
      const file = files[i];
      const fd = entries.i32(i * POLLFD_BYTES);
      const got = fd < 0 ? 0 : file === undefined ? POLLNVAL : pollMask(file) & wanted;
      entries.setU16(i * POLLFD_BYTES + 6, got);
      if (got !== 0) ready++;
    }
    if (ready === 0) return undefined;
    return writeBack() ? ready : -EFAULT;
  };
  const present = files.filter((file) => file !== undefined);
  return pollUntil(task, kernel, present, deadline, poll, () => (writeBack() ? 0 : -EFAULT));
}

/** One of select's bit sets. */
interface FdSet {
  readonly at: Va;
  readonly bits: Uint8Array | undefined;
}

const hasBit = ({ bits }: FdSet, fd: number): boolean => bits !== undefined && ((bits[fd >> 3] ?? 0) & (1 << (fd & 7))) !== 0;

function pselect6(kernel: Kernel, task: Task, args: SyscallArgs): SyscallResult {
  const n = Math.min(args.int(0), task.group.limits[RLIMIT_NOFILE]!.hard);
  if (n < 0) return -EINVAL;
  const deadline = readDeadline(kernel, args.address(4));
  if (typeof deadline === "number") return deadline;
  const bytes = Math.ceil(n / 64) * 8;
  const sets: FdSet[] = [];
  for (const index of [1, 2, 3]) {
    const at = args.address(index);
    const bits = at === 0 ? undefined : kernel.user.read(at, bytes);
    if (typeof bits === "number") return bits;
    sets.push({ at, bits });
  }
  const maskAt = args.address(5);
  if (maskAt !== 0) {
    const packed = kernel.user.struct(maskAt, 16);
    if (packed === undefined) return -EFAULT;
    const masked = applyMask(kernel, task, packed.size(0) as Va, packed.size(8));
    if (masked < 0) return masked;
  }
  const files: { readonly fd: number; readonly file: OpenFile }[] = [];
  for (let fd = 0; fd < n; fd++) {
    if (!sets.some((set) => hasBit(set, fd))) continue;
    const file = task.files!.get(fd);
    if (file === undefined) return -EBADF;
    files.push({ fd, file });
  }
  const writeBack = (results: readonly Uint8Array[]): boolean => sets.every(({ at, bits }, i) => bits === undefined || kernel.user.put(at, results[i]!));
  const empty = (): Uint8Array[] => sets.map(() => new Uint8Array(bytes));
  const poll = (): number | undefined => {
    const results = empty();
    let ready = 0;
    for (const { fd, file } of files) {
      const mask = pollMask(file);
      [READ_SET, WRITE_SET, EXCEPT_SET].forEach((wanted, i) => {
        if (!hasBit(sets[i]!, fd) || (mask & wanted) === 0) return;
        results[i]![fd >> 3]! |= 1 << (fd & 7);
        ready++;
      });
    }
    if (ready === 0) return undefined;
    return writeBack(results) ? ready : -EFAULT;
  };
  return pollUntil(task, kernel, files.map(({ file }) => file), deadline, poll, () => (writeBack(empty()) ? 0 : -EFAULT));
}

export const POLL_SYSCALLS: SyscallFamily = { ppoll, pselect6 };
