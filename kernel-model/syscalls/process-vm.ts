/**
 * process_vm_readv and process_vm_writev: memory of another process, by its pid.
 *
 * Linux: mm/process_vm_access.c process_vm_rw().
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EFAULT, EINVAL, EPERM, ESRCH } from "../errno.js";
import { accessRemoteVm } from "../fs/procfs/mem.js";
import type { Kernel } from "../kernel/kernel.js";
import type { Task } from "../kernel/task.js";
import type { SyscallArgs, SyscallFamily } from "./abi.js";
import { readIovec, type Segment } from "./io.js";

/** Most bytes copied through one buffer of the host. */
const CHUNK = 2 ** 20;

/** May `task` look into `of`: root, or the same user throughout. Linux: __ptrace_may_access(). */
function mayAccess(task: Task, of: Task): boolean {
  const { euid, uid, gid } = task.credentials;
  const target = of.credentials;
  const same = [target.uid, target.euid, target.suid].every((id) => id === uid) && [target.gid, target.egid, target.sgid].every((id) => id === gid);
  return task.group === of.group || euid === 0 || (same && of.dumpable === 1);
}

/** Walks two vectors side by side; `move` copies a stretch and returns the bytes it moved. The bytes moved in all. */
function sideBySide(local: readonly Segment[], remote: readonly Segment[], move: (here: Va, there: Va, length: number) => number): number {
  let [i, at, done] = [0, 0, 0];
  for (const { base, length } of remote) {
    for (let moved = 0; moved < length; ) {
      while (i < local.length && at === local[i]!.length) {
        i++;
        at = 0;
      }
      if (i === local.length) return done;
      const want = Math.min(length - moved, local[i]!.length - at, CHUNK);
      const got = move((local[i]!.base + at) as Va, (base + moved) as Va, want);
      done += got;
      if (got < want) return done;
      at += got;
      moved += got;
    }
  }
  return done;
}

function processVm(kernel: Kernel, task: Task, args: SyscallArgs, write: boolean): number {
  if (args.size(5) !== 0) return -EINVAL;
  const local = readIovec(kernel, args.address(1), args.size(2));
  if (typeof local === "number") return local;
  if (local.every(({ length }) => length === 0)) return 0;
  const remote = readIovec(kernel, args.address(3), args.size(4));
  if (typeof remote === "number") return remote;
  if (remote.every(({ length }) => length === 0)) return 0;
  const of = kernel.tasks.get(args.int(0));
  if (of?.mm === undefined) return -ESRCH;
  if (!mayAccess(task, of)) return -EPERM;
  const { mm } = of;
  const moved = sideBySide(local, remote, (here, there, length) => {
    const bytes = new Uint8Array(length);
    if (write) {
      const read = length - kernel.user.access.copyFromUser(bytes, here);
      return accessRemoteVm(mm, there, bytes.subarray(0, read), { write, force: false });
    }
    const read = accessRemoteVm(mm, there, bytes, { write, force: false });
    return read - kernel.user.access.copyToUser(here, bytes.subarray(0, read));
  });
  return moved > 0 ? moved : -EFAULT;
}

export const PROCESS_VM_SYSCALLS: SyscallFamily = {
  process_vm_readv: (kernel, task, args) => processVm(kernel, task, args, false),
  process_vm_writev: (kernel, task, args) => processVm(kernel, task, args, true),
};
