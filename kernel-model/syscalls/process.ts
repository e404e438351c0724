/**
 * Creating, ending and waiting for processes.
 *
 * Linux: kernel/fork.c sys_clone(), sys_clone3(), sys_unshare(); kernel/exit.c sys_exit(), sys_wait4(), sys_waitid(); fs/exec.c sys_execve().
 */
import type { Va } from "../../emulator/arch/addr.js";
import { E2BIG, EAGAIN, EBADF, ECHILD, EFAULT, EINVAL, ENOENT } from "../errno.js";
import { resolvePath } from "../fs/path.js";
import type { OpenFile, Path } from "../fs/vfs.js";
import { O_NONBLOCK, isSymlink } from "../fs/vfs.js";
import { CStruct } from "../kernel/c-struct.js";
import { execve } from "../kernel/exec.js";
import { doExit, doGroupExit, reap } from "../kernel/exit.js";
import { addUse, groupUse } from "../kernel/resource-use.js";
import { CLONE_SETTLS, CLONE_THREAD, CSIGNAL, kernelClone, unshare } from "../kernel/fork.js";
import type { Kernel } from "../kernel/kernel.js";
import { CLD_CONTINUED, CLD_STOPPED, NSIG, SIGCHLD, SIGCONT, SIGSEGV } from "../kernel/signal-numbers.js";
import { encodeSigInfo } from "../kernel/signal-frame.js";
import { childSignal, forceSigsegv } from "../kernel/signal-send.js";
import type { ResourceUse, SigInfo, Sleep, Task, ThreadGroup } from "../kernel/task.js";
import type { SyscallFamily, SyscallResult } from "./abi.js";
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, directoryOf } from "./at.js";
import { descriptorLimit, fileOf } from "./file.js";
import { PIDFD_THREAD, pidFdAt, pidFdOpen } from "./pidfd.js";
import { encodeRusage } from "./rusage.js";

const WNOHANG = 0x1;
const WUNTRACED = 0x2;
const WEXITED = 0x4;
const WCONTINUED = 0x8;
const WNOWAIT = 0x01000000;
const P_ALL = 0;
const P_PID = 1;
const P_PGID = 2;
const P_PIDFD = 3;

const CLONE_ARGS_MIN = 64;
const CLONE_ARGS_MAX = 88;
const PAGE = 4096;
/** Longest argument or environment string: 32 pages of 4K or more. */
const MAX_ARG_STRLEN = 32 * PAGE;
/** Arguments and variables, at most. */
const MAX_ARG_STRINGS = 0x7fffffff;

/** A zero-terminated vector of strings. Linux: count(), copy_strings(). */
function readStrings(kernel: Kernel, at: Va): string[] | number {
  const strings: string[] = [];
  if (at === 0) return strings;
  let bytes = 0;
  const limit = 32 * kernel.sys.granule.pageSize;
  for (let i = 0; i < MAX_ARG_STRINGS; i++) {
    const pointer = kernel.user.u64((at + i * 8) as Va);
    if (pointer === undefined) return -EFAULT;
    if (pointer === 0n) return strings;
    const text = kernel.user.string(Number(pointer) as Va, Math.max(limit, MAX_ARG_STRLEN), E2BIG);
    if (typeof text === "number") return text;
    strings.push(text);
    bytes += text.length + 9;
    // More than the largest stack limit's share can never be accepted: stop before memory of the host is used up.
    if (bytes > 6 * 2 ** 20) return -E2BIG;
  }
  return -E2BIG;
}

function executeProgram(
  kernel: Kernel,
  task: Task,
  path: string,
  argvAt: Va,
  envpAt: Va,
  options: { readonly from?: Path; readonly opened?: OpenFile; readonly filename?: string } = {},
): number {
  const argv = readStrings(kernel, argvAt);
  if (typeof argv === "number") return argv;
  const envp = readStrings(kernel, envpAt);
  if (typeof envp === "number") return envp;
  const failed = execve(kernel, task, path, argv, envp, options);
  if (failed === undefined) return 0;
  if (!failed.fatal) return -failed.errno;
  // There is no program left to return to.
  task.syscall = -1;
  forceSigsegv(kernel, task, SIGSEGV);
  return 0;
}

/** Children that a wait call asks for. Linux: eligible_pid(). */
type Selector = (child: ThreadGroup) => boolean;

/** What a wait found. */
interface Found {
  readonly child: ThreadGroup;
  /** Status word of wait4. */
  readonly status: number;
  readonly info: SigInfo;
  readonly use: ResourceUse;
}

/** One child that is in a state asked for; it is consumed unless WNOWAIT. Linux: wait_consider_task(). */
function findChild(kernel: Kernel, task: Task, selector: Selector, options: number): Found | undefined {
  for (const child of task.group.children) {
    if (!selector(child)) continue;
    const take = (options & WNOWAIT) === 0;
    if (child.threads.length === 0 && (options & WEXITED) !== 0) {
      const status = child.groupExitCode ?? 0;
      const use = { ...child.exited };
      addUse(use, child.childrenUse);
      const info = childSignal(child, SIGCHLD, status);
      if (take) {
        addUse(task.group.childrenUse, use);
        reap(kernel, child);
      }
      return { child, status, info, use };
    }
    const own = { signo: SIGCHLD, errno: 0, pid: child.tgid, uid: child.leader.credentials.uid };
    if (child.stopSignal !== 0 && !child.stopReported && (options & WUNTRACED) !== 0) {
      if (take) child.stopReported = true;
      return { child, status: child.stopSignal * 256 + 0x7f, info: { ...own, code: CLD_STOPPED, status: child.stopSignal }, use: groupUse(child) };
    }
    if (child.continued && (options & WCONTINUED) !== 0) {
      if (take) child.continued = false;
      return { child, status: 0xffff, info: { ...own, code: CLD_CONTINUED, status: SIGCONT }, use: groupUse(child) };
    }
  }
  return undefined;
}

/** Wait for a child; `deliver` writes what was found. Linux: do_wait(). */
function waitFor(kernel: Kernel, task: Task, selector: Selector, options: number, what: string, deliver: (found: Found | undefined) => number): SyscallResult {
  const poll = (): number | undefined => {
    const found = findChild(kernel, task, selector, options);
    if (found !== undefined) return deliver(found);
    return [...task.group.children].some(selector) ? undefined : -ECHILD;
  };
  const now = poll();
  if (now !== undefined) return now;
  if ((options & WNOHANG) !== 0) return deliver(undefined);
  const sleep: Sleep = { queues: [task.group.waitChild], poll, what };
  return sleep;
}

export const PROCESS_SYSCALLS: SyscallFamily = {
  exit: (kernel, task, args) => {
    doExit(kernel, task, (args.int(0) & 0xff) * 256);
    return 0;
  },

  exit_group: (kernel, task, args) => {
    doGroupExit(kernel, task, (args.int(0) & 0xff) * 256);
    return 0;
  },

  set_tid_address: (_, task, args) => {
    task.clearChildTid = args.address(0);
    return task.pid;
  },

  clone: (kernel, task, args) => {
    const flags = args.uint(0);
    return kernelClone(kernel, task, {
      flags: flags & ~CSIGNAL,
      clearSighand: false,
      exitSignal: flags & CSIGNAL,
      stack: args.address(1),
      tls: args.u64(3),
      parentTid: args.address(2),
      childTid: args.address(4),
      pidfdAt: args.address(2),
      unusedFd: () => task.files!.unused(0, descriptorLimit(task)),
      openPidFd: (child, thread) => pidFdOpen(kernel, task, child, thread ? PIDFD_THREAD : 0),
    });
  },

  clone3: (kernel, task, args) => {
    const size = args.size(1);
    if (size > kernel.sys.granule.pageSize) return -E2BIG;
    if (size < CLONE_ARGS_MIN) return -EINVAL;
    const bytes = kernel.user.read(args.address(0), size);
    if (typeof bytes === "number") return bytes;
    const whole = new Uint8Array(Math.max(size, CLONE_ARGS_MAX));
    whole.set(bytes);
    if (whole.subarray(CLONE_ARGS_MAX).some((byte) => byte !== 0)) return -E2BIG;
    const from = new CStruct(whole);
    const flags = from.u64(0);
    const clearSighand = (flags & 0x100000000n) !== 0n;
    const low = Number(flags & 0xffffffffn);
    const exitSignal = from.size(32);
    const stack = from.size(40);
    const stackSize = from.size(48);
    // set_tid and cgroup need privileges that a guest does not have.
    if (flags >> 33n !== 0n || (low & CSIGNAL) !== 0 || exitSignal > NSIG || from.u64(72) !== 0n) return -EINVAL;
    if ((low & CLONE_THREAD) !== 0 && exitSignal !== 0) return -EINVAL;
    if ((stack === 0) !== (stackSize === 0)) return -EINVAL;
    if (stack !== 0 && !kernel.user.access.accessOk(stack as Va, stackSize)) return -EINVAL;
    return kernelClone(kernel, task, {
      flags: low | 0,
      clearSighand,
      exitSignal,
      stack: stack + stackSize,
      tls: (low & CLONE_SETTLS) !== 0 ? from.u64(56) : 0n,
      parentTid: from.size(24) as Va,
      childTid: from.size(16) as Va,
      pidfdAt: from.size(8) as Va,
      unusedFd: () => task.files!.unused(0, descriptorLimit(task)),
      openPidFd: (child, thread) => pidFdOpen(kernel, task, child, thread ? PIDFD_THREAD : 0),
    });
  },

  execve: (kernel, task, args) => {
    const path = kernel.user.path(args.address(0));
    if (typeof path === "number") return path;
    return executeProgram(kernel, task, path, args.address(1), args.address(2));
  },

  execveat: (kernel, task, args) => {
    const dirfd = args.int(0);
    const flags = args.int(4);
    if ((flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) !== 0) return -EINVAL;
    const path = kernel.user.path(args.address(1), (flags & AT_EMPTY_PATH) !== 0);
    if (typeof path === "number") return path;
    const [argv, envp] = [args.address(2), args.address(3)];
    if (path === "") {
      const opened = task.files!.get(dirfd);
      return opened === undefined ? -EBADF : executeProgram(kernel, task, `/dev/fd/${dirfd}`, argv, envp, { opened });
    }
    const from = directoryOf(task, dirfd, path);
    if (typeof from === "number") return from;
    if ((flags & AT_SYMLINK_NOFOLLOW) !== 0) {
      const found = resolvePath(task.fs!, path, { follow: false, ...(from === undefined ? {} : { from }) });
      if (typeof found !== "number" && isSymlink(found.dentry.inode)) return -ENOENT;
    }
    return executeProgram(kernel, task, path, argv, envp, from === undefined ? {} : { from, filename: `/dev/fd/${dirfd}/${path}` });
  },

  unshare: (kernel, task, args) => unshare(kernel, task, args.uint(0)),

  wait4: (kernel, task, args) => {
    const pid = args.int(0);
    const statusTo = args.address(1);
    const options = args.int(2);
    const usageTo = args.address(3);
    if ((options & ~(WNOHANG | WUNTRACED | WCONTINUED | 0xe0000000)) !== 0 || pid === -0x80000000) return -EINVAL;
    const { pgrp } = task.group;
    const selector: Selector =
      pid > 0 ? (child) => child.tgid === pid : pid === -1 ? () => true : pid === 0 ? (child) => child.pgrp === pgrp : (child) => child.pgrp === -pid;
    return waitFor(kernel, task, selector, (options & (WNOHANG | WUNTRACED | WCONTINUED)) | WEXITED, "a child process", (found) => {
      if (found === undefined) return 0;
      if (statusTo !== 0 && !kernel.user.putU32(statusTo, found.status)) return -EFAULT;
      if (usageTo !== 0 && !kernel.user.put(usageTo, encodeRusage(found.use, kernel.sys.granule.pageSize))) return -EFAULT;
      return found.child.tgid;
    });
  },

  waitid: (kernel, task, args) => {
    const which = args.int(0);
    const id = args.int(1);
    const infoTo = args.address(2);
    const options = args.int(3);
    const usageTo = args.address(4);
    if ((options & ~(WNOHANG | WNOWAIT | WEXITED | WUNTRACED | WCONTINUED | 0xe0000000)) !== 0) return -EINVAL;
    if ((options & (WEXITED | WUNTRACED | WCONTINUED)) === 0) return -EINVAL;
    let selector: Selector;
    // A pidfd opened with PIDFD_NONBLOCK answers EAGAIN where WNOHANG would report nothing.
    let nonBlocking = false;
    if (which === P_ALL) selector = () => true;
    else if (which === P_PID && id > 0) selector = (child) => child.tgid === id;
    else if (which === P_PGID && id >= 0) selector = (child) => child.pgrp === (id === 0 ? task.group.pgrp : id);
    else if (which === P_PIDFD && id >= 0) {
      const found = pidFdAt(task, id);
      if (typeof found === "number") return found;
      selector = (child) => child === found.task.group;
      nonBlocking = (fileOf(task, id)!.flags & O_NONBLOCK) !== 0;
    } else return -EINVAL;
    return waitFor(kernel, task, selector, nonBlocking ? options | WNOHANG : options, "a child process", (found) => {
      if (found === undefined && nonBlocking && (options & WNOHANG) === 0) return -EAGAIN;
      if (usageTo !== 0 && found !== undefined && !kernel.user.put(usageTo, encodeRusage(found.use, kernel.sys.granule.pageSize))) return -EFAULT;
      if (infoTo === 0) return 0;
      const bytes = found === undefined ? new Uint8Array(32) : encodeSigInfo(found.info).subarray(0, 32);
      return kernel.user.put(infoTo, bytes) ? 0 : -EFAULT;
    });
  },
};

