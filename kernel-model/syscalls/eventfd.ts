/**
 * eventfd2, timerfd_*, signalfd4, userfaultfd, memfd_create: descriptors for things that are no files.
 *
 * Linux: fs/eventfd.c, fs/timerfd.c, fs/signalfd.c, fs/userfaultfd.c, mm/memfd.c.
 */
import type { Va } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import { EBADF, EFAULT, EINVAL, ENODEV, EPERM } from "../errno.js";
import { createEventfd } from "../fs/eventfd.js";
import { SignalFd, signalFdOf } from "../fs/signalfd.js";
import { TimerFd, timerFdOf } from "../fs/timerfd.js";
import { createUserfaultfdFile } from "../fs/userfaultfd.js";
import type { FileOperations } from "../fs/vfs.js";
import { O_CLOEXEC, O_NONBLOCK, O_RDWR } from "../fs/vfs.js";
import type { Kernel } from "../kernel/kernel.js";
import { UNBLOCKABLE } from "../kernel/signal-state.js";
import type { Task } from "../kernel/task.js";
import { Userfaultfd } from "../mm/userfaultfd-context.js";
import type { SyscallArgs, SyscallFamily } from "./abi.js";
import { fileOf, installFile } from "./file.js";
import { readSigset } from "./signal.js";
import { CLOCK_BOOTTIME, CLOCK_BOOTTIME_ALARM, CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_REALTIME_ALARM, encodeTimespec, monotonicDeadline, nanosecondsOf, readTimespec, timespecOf } from "./timespec.js";

const EFD_SEMAPHORE = 1;
const TFD_TIMER_ABSTIME = 1;
const TFD_TIMER_CANCEL_ON_SET = 2;
const ITIMERSPEC_BYTES = 32;
const SIGSET_BYTES = 8;

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const MFD_HUGETLB = 4;
const MFD_NOEXEC_SEAL = 8;
const MFD_EXEC = 16;
/** Size of the huge pages, log2, in the upper bits. */
const MFD_HUGE_MASK = 0xfc000000;
const MFD_NAME_MAX = 249;
const F_SEAL_SEAL = 0x0001;
const F_SEAL_EXEC = 0x0020;

/** A descriptor for operations without an inode of their own. Linux: anon_inode_getfd(). */
export function anonInodeFd(kernel: Kernel, task: Task, name: string, ops: FileOperations, state: unknown, flags: number): number {
  const fs = kernel.internal.anonInodes;
  const inode = fs.createInode({ mode: 0o600, open: () => ops });
  const file = fs.openInode(inode, O_RDWR | (flags & O_NONBLOCK), `anon_inode:${name}`);
  if (typeof file === "number") throw new ModelBug(`anonInodeFd: ${name} could not be opened`);
  file.privateData = state;
  return installFile(task, file, flags);
}

// --- timerfd --------------------------------------------------------------------

function encodeSetting(timer: TimerFd): Uint8Array {
  const { value, interval } = timer.setting;
  const bytes = new Uint8Array(ITIMERSPEC_BYTES);
  bytes.set(encodeTimespec(timespecOf(interval)), 0);
  bytes.set(encodeTimespec(timespecOf(value)), 16);
  return bytes;
}

function timerfdSettime(kernel: Kernel, task: Task, args: SyscallArgs): number {
  const [flags, newAt, oldAt] = [args.int(1), args.address(2), args.address(3)];
  if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) !== 0) return -EINVAL;
  const interval = readTimespec(kernel, newAt);
  if (typeof interval === "number") return interval;
  const value = readTimespec(kernel, (newAt + 16) as Va);
  if (typeof value === "number") return value;
  const file = fileOf(task, args.int(0));
  if (file === undefined) return -EBADF;
  const timer = timerFdOf(file);
  if (timer === undefined) return -EINVAL;
  if (oldAt !== 0 && !kernel.user.put(oldAt, encodeSetting(timer))) return -EFAULT;
  const wanted = nanosecondsOf(value);
  const absolute = (flags & TFD_TIMER_ABSTIME) !== 0;
  const expires = wanted === 0 ? undefined : absolute ? monotonicDeadline(kernel, value, timer.realtime) : kernel.clock.monotonic + wanted;
  timer.set(expires, nanosecondsOf(interval));
  return 0;
}

// --- signalfd -------------------------------------------------------------------

function signalfd4(kernel: Kernel, task: Task, args: SyscallArgs): number {
  const [fd, flags] = [args.int(0), args.int(3)];
  if (args.size(2) !== SIGSET_BYTES || (flags & ~(O_CLOEXEC | O_NONBLOCK)) !== 0) return -EINVAL;
  const set = readSigset(kernel, args.address(1));
  if (set === undefined) return -EFAULT;
  const mask = set & ~UNBLOCKABLE;
  if (fd === -1) {
    const state = new SignalFd(mask, () => kernel.current!);
    return anonInodeFd(kernel, task, "[signalfd]", state.operations, state, flags);
  }
  const file = fileOf(task, fd);
  if (file === undefined) return -EBADF;
  const state = signalFdOf(file);
  if (state === undefined) return -EINVAL;
  state.mask = mask;
  return fd;
}

// --- memfd ----------------------------------------------------------------------

function memfdCreate(kernel: Kernel, task: Task, args: SyscallArgs): number {
  const flags = args.uint(1);
  const hugetlb = (flags & MFD_HUGETLB) !== 0;
  const known = MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC | MFD_HUGETLB | (hugetlb ? MFD_HUGE_MASK : 0);
  if ((flags & ~known) !== 0) return -EINVAL;
  if ((flags & MFD_EXEC) !== 0 && (flags & MFD_NOEXEC_SEAL) !== 0) return -EINVAL;
  const name = kernel.user.string(args.address(0), MFD_NAME_MAX + 1, EINVAL);
  if (typeof name === "number") return name;
  // hugetlbfs is not modelled: there is no pool of any size.
  if (hugetlb) return -ENODEV;
  const noexec = (flags & MFD_NOEXEC_SEAL) !== 0;
  const file = kernel.internal.memory.open(`memfd:${name}`, noexec ? 0o666 : 0o777);
  if (typeof file === "number") return file;
  file.inode.seals = noexec ? F_SEAL_EXEC : (flags & MFD_ALLOW_SEALING) !== 0 ? 0 : F_SEAL_SEAL;
  return installFile(task, file, (flags & MFD_CLOEXEC) !== 0 ? O_CLOEXEC : 0);
}

const UFFD_USER_MODE_ONLY = 1;

export const EVENTFD_SYSCALLS: SyscallFamily = {
  eventfd2: (kernel, task, args) => {
    const flags = args.int(1);
    if ((flags & ~(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK)) !== 0) return -EINVAL;
    return anonInodeFd(kernel, task, "[eventfd]", createEventfd(args.uint(0), (flags & EFD_SEMAPHORE) !== 0), undefined, flags);
  },
  timerfd_create: (kernel, task, args) => {
    const [clock, flags] = [args.int(0), args.int(1)];
    if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) !== 0) return -EINVAL;
    const realtime = clock === CLOCK_REALTIME || clock === CLOCK_REALTIME_ALARM;
    if (!realtime && clock !== CLOCK_MONOTONIC && clock !== CLOCK_BOOTTIME && clock !== CLOCK_BOOTTIME_ALARM) return -EINVAL;
    const timer = new TimerFd(kernel.clock, realtime);
    return anonInodeFd(kernel, task, "[timerfd]", timer.operations, timer, flags);
  },
  timerfd_settime: timerfdSettime,
  timerfd_gettime: (kernel, task, args) => {
    const file = fileOf(task, args.int(0));
    if (file === undefined) return -EBADF;
    const timer = timerFdOf(file);
    if (timer === undefined) return -EINVAL;
    return kernel.user.put(args.address(1), encodeSetting(timer)) ? 0 : -EFAULT;
  },
  signalfd4,
  userfaultfd: (kernel, task, args) => {
    const flags = args.int(0);
    if ((flags & ~(O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY)) !== 0) return -EINVAL;
    // vm.unprivileged_userfaultfd is 0.
    if ((flags & UFFD_USER_MODE_ONLY) === 0 && task.credentials.euid !== 0) return -EPERM;
    const uffd = new Userfaultfd(task.mm!);
    return anonInodeFd(kernel, task, "[userfaultfd]", createUserfaultfdFile(uffd), uffd, flags);
  },
  memfd_create: memfdCreate,
};
