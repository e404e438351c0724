/**
 * The system call table: from a number to the function that serves it.
 *
 * Linux: arch/arm64/kernel/sys.c sys_call_table, syscall.c invoke_syscall(). A call without a function returns -ENOSYS; calls are
 * counted by number in Kernel.syscallCounts, so a report can name what was missing.
 */
import { ENOSYS } from "../errno.js";
import type { Kernel } from "../kernel/kernel.js";
import type { Task } from "../kernel/task.js";
import type { SyscallArgs, SyscallFamily, SyscallHandler, SyscallResult } from "./abi.js";
import { ATTR_SYSCALLS } from "./attr.js";
import { CAPABILITY_SYSCALLS } from "./capability.js";
import { EPOLL_SYSCALLS } from "./epoll.js";
import { EVENTFD_SYSCALLS } from "./eventfd.js";
import { FCNTL_SYSCALLS } from "./fcntl.js";
import { FILE_SYSCALLS } from "./file.js";
import { FUTEX_SYSCALLS } from "./futex.js";
import { ID_SYSCALLS } from "./ids.js";
import { INFO_SYSCALLS } from "./info.js";
import { IOCTL_SYSCALLS } from "./ioctl.js";
import { MEMBARRIER_SYSCALLS } from "./membarrier.js";
import { MEMORY_SYSCALLS } from "./memory.js";
import { MEMPOLICY_SYSCALLS } from "./mempolicy.js";
import { MMSG_SYSCALLS } from "./mmsg.js";
import { MOUNT_SYSCALLS } from "./mount.js";
import { NAMEI_SYSCALLS } from "./namei.js";
import { MSG_SYSCALLS } from "./msg.js";
import { SYSCALL_NAMES } from "./names.js";
import { PIDFD_SYSCALLS } from "./pidfd.js";
import { PIPE_SYSCALLS } from "./pipe.js";
import { POLL_SYSCALLS } from "./poll.js";
import { PROCESS_VM_SYSCALLS } from "./process-vm.js";
import { PROCESS_SYSCALLS } from "./process.js";
import { RSEQ_SYSCALLS } from "./rseq.js";
import { SCHED_SYSCALLS } from "./sched.js";
import { SEM_SYSCALLS } from "./sem.js";
import { SHM_SYSCALLS } from "./shm.js";
import { SIGNAL_SYSCALLS } from "./signal.js";
import { SOCKET_SYSCALLS } from "./socket.js";
import { SOCKMSG_SYSCALLS } from "./sockmsg.js";
import { SOCKOPT_SYSCALLS } from "./sockopt.js";
import { STAT_SYSCALLS } from "./stat.js";
import { SYNC_SYSCALLS } from "./sync.js";
import { TIME_SYSCALLS } from "./time.js";

/** Every family of system calls. A new family is one file and one line here. */
export const SYSCALL_FAMILIES: readonly SyscallFamily[] = [
  PROCESS_SYSCALLS,
  PIDFD_SYSCALLS,
  ID_SYSCALLS,
  CAPABILITY_SYSCALLS,
  SCHED_SYSCALLS,
  RSEQ_SYSCALLS,
  INFO_SYSCALLS,
  MEMORY_SYSCALLS,
  MEMPOLICY_SYSCALLS,
  PROCESS_VM_SYSCALLS,
  SHM_SYSCALLS,
  SEM_SYSCALLS,
  MSG_SYSCALLS,
  MEMBARRIER_SYSCALLS,
  TIME_SYSCALLS,
  SIGNAL_SYSCALLS,
  FUTEX_SYSCALLS,
  FILE_SYSCALLS,
  IOCTL_SYSCALLS,
  STAT_SYSCALLS,
  POLL_SYSCALLS,
  NAMEI_SYSCALLS,
  MOUNT_SYSCALLS,
  ATTR_SYSCALLS,
  PIPE_SYSCALLS,
  FCNTL_SYSCALLS,
  SYNC_SYSCALLS,
  EVENTFD_SYSCALLS,
  EPOLL_SYSCALLS,
  SOCKET_SYSCALLS,
  SOCKMSG_SYSCALLS,
  MMSG_SYSCALLS,
  SOCKOPT_SYSCALLS,
];

export class SyscallTable {
  private readonly handlers: (SyscallHandler | undefined)[] = [];
  private readonly names = new Map<number, string>(SYSCALL_NAMES);

  /** `families`: later ones replace calls of the same name. Names that the ABI does not have are an error of the caller. */
  constructor(families: readonly SyscallFamily[]) {
    const numbers = new Map(SYSCALL_NAMES.map(([nr, name]) => [name, nr]));
    for (const family of families) {
      for (const [name, handler] of Object.entries(family)) {
        const nr = numbers.get(name);
        if (nr === undefined) throw new RangeError(`SyscallTable: there is no system call ${name}`);
        this.handlers[nr] = handler;
      }
    }
  }

  /** Linux's name of a number; "#N" for numbers that are no call. */
  nameOf(nr: number): string {
    return this.names.get(nr) ?? `#${nr}`;
  }

  /** True if a function serves this number. */
  isImplemented(nr: number): boolean {
    return this.handlers[nr] !== undefined;
  }

  dispatch(kernel: Kernel, task: Task, nr: number, args: SyscallArgs): SyscallResult {
    const handler = this.handlers[nr];
    return handler === undefined ? -ENOSYS : handler(kernel, task, args);
  }
}

/** The calls of the model. */
export function createSyscallTable(): SyscallTable {
  return new SyscallTable(SYSCALL_FAMILIES);
}
