/**
 * System calls on the address space: decode, check what the entry code checks, call mm.
 *
 * Linux: arch/arm64/kernel/sys.c sys_mmap(), mm/mmap.c, mprotect.c, mremap.c, madvise.c, mlock.c, mincore.c, msync.c, mseal.c, memfd.c.
 */
import type { Va } from "../../emulator/arch/addr.js";
import { alignUp, isAligned } from "../../emulator/arch/addr.js";
import { EBADF, EFAULT, EINVAL, ENOMEM } from "../errno.js";
import { doMadvise } from "../mm/madvise.js";
import { MAP_ANONYMOUS } from "../mm/mman.js";
import { doMincore } from "../mm/mincore.js";
import { doMlock, doMlockall, doMunlock, doMunlockall } from "../mm/mlock.js";
import { doBrk, doMmap } from "../mm/mmap.js";
import { doMprotect } from "../mm/mprotect.js";
import { doMremap } from "../mm/mremap.js";
import { doMseal } from "../mm/mseal.js";
import { doMsync } from "../mm/msync.js";
import { doMunmap } from "../mm/munmap.js";
import type { SyscallFamily } from "./abi.js";

/** Pages that one step of mincore reports. */
const MINCORE_CHUNK = 4096;

export const MEMORY_SYSCALLS: SyscallFamily = {
  brk: (_, task, args) => doBrk(task.mm!, args.address(0)),

  mmap: (_, task, args) => {
    const mm = task.mm!;
    const { pageSize } = mm.sys.granule;
    const flags = args.int(3);
    const offset = args.size(5);
    if (!isAligned(offset, pageSize)) return -EINVAL;
    const anonymous = (flags & MAP_ANONYMOUS) !== 0;
    const file = anonymous ? undefined : task.files!.get(args.int(4));
    if (!anonymous && file === undefined) return -EBADF;
    return doMmap(mm, { addr: args.address(0), len: args.size(1), prot: args.int(2), flags, file, pgoff: offset / pageSize });
  },

  munmap: (_, task, args) => doMunmap(task.mm!, args.address(0), args.size(1)),
  mprotect: (_, task, args) => doMprotect(task.mm!, args.address(0), args.size(1), args.int(2)),
  mremap: (_, task, args) =>
    doMremap(task.mm!, { addr: args.address(0), oldLen: args.size(1), newLen: args.size(2), flags: args.int(3), newAddr: args.address(4) }),
  madvise: (_, task, args) => doMadvise(task.mm!, args.address(0), args.size(1), args.int(2)),
  mseal: (_, task, args) => doMseal(task.mm!, args.address(0), args.size(1), args.int(2)),
  msync: (_, task, args) => doMsync(task.mm!, args.address(0), args.size(1), args.int(2)),

  mlock: (_, task, args) => doMlock(task.mm!, args.address(0), args.size(1), 0),
  mlock2: (_, task, args) => doMlock(task.mm!, args.address(0), args.size(1), args.int(2)),
  munlock: (_, task, args) => doMunlock(task.mm!, args.address(0), args.size(1)),
  mlockall: (_, task, args) => doMlockall(task.mm!, args.int(0)),
  munlockall: (_, task) => doMunlockall(task.mm!),

  mincore: (kernel, task, args) => {
    const mm = task.mm!;
    const { pageSize } = mm.sys.granule;
    const start = args.address(0);
    const length = args.size(1);
    const vector = args.address(2);
    if (!isAligned(start, pageSize)) return -EINVAL;
    if (!kernel.user.access.accessOk(start, length)) return -ENOMEM;
    let left = alignUp(length, pageSize) / pageSize;
    if (!kernel.user.access.accessOk(vector, left)) return -EFAULT;
    let at: number = start;
    let to: number = vector;
    while (left > 0) {
      const bytes = doMincore(mm, at as Va, Math.min(left, MINCORE_CHUNK));
      if (typeof bytes === "number") return bytes;
      if (!kernel.user.put(to as Va, bytes)) return -EFAULT;
      at += bytes.length * pageSize;
      to += bytes.length;
      left -= bytes.length;
    }
    return 0;
  },
};
