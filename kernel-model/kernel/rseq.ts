/**
 * Restartable sequences: the kernel keeps a thread's CPU number in user memory and restarts a critical section that was interrupted.
 *
 * It shows in fault counts: a thread that was switched out is written to before it runs again, which after a fork is one copy-on-write fault.
 * Linux: kernel/rseq.c sys_rseq(), __rseq_handle_notify_resume(), rseq_ip_fixup(); include/linux/rseq.h rseq_fork(), rseq_execve(),
 * rseq_preempt(), rseq_migrate(), rseq_signal_deliver(). One node: node_id is 0. mm_cid is the CPU number, which is unique among the running threads of a process.
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EBUSY, EFAULT, EINVAL, EPERM } from "../errno.js";
import type { Kernel } from "./kernel.js";
import type { Task } from "./task.js";

/* struct rseq { u32 cpu_id_start, cpu_id; u64 rseq_cs; u32 flags, node_id, mm_cid; char end[]; } aligned to 32 */
const CPU_ID_START = 0;
const CPU_ID = 4;
const RSEQ_CS = 8;
const FLAGS = 16;
const NODE_ID = 20;
const MM_CID = 24;
const OFFSET_OF_END = 28;
const ALIGNMENT = 32;
/** Size of struct rseq as it was first published, and its alignment then. */
const ORIG_RSEQ_SIZE = 32;
const RSEQ_CPU_ID_UNINITIALIZED = 0xffffffff;
export const RSEQ_FLAG_UNREGISTER = 1;

/** What a thread has registered. `address` 0: nothing. */
export interface RseqState {
  readonly address: Va;
  readonly length: number;
  readonly signature: number;
}

export const NO_RSEQ: RseqState = { address: 0 as Va, length: 0, signature: 0 };

/** The thread was switched out, moved or newly made: its area is brought up to date before it returns to user mode. */
export function rseqEvent(task: Task): void {
  if (task.rseq.address === 0) return;
  task.rseqEvent = true;
  task.rseqNotify = true;
}

/** sys_rseq(). 0 or -errno. */
export function setRseq(kernel: Kernel, task: Task, address: Va, length: number, flags: number, signature: number): number {
  const { rseq } = task;
  if ((flags & RSEQ_FLAG_UNREGISTER) !== 0) {
    if (flags !== RSEQ_FLAG_UNREGISTER || rseq.address === 0 || rseq.address !== address || rseq.length !== length) return -EINVAL;
    if (rseq.signature !== signature) return -EPERM;
    const { user } = kernel;
    const at = (offset: number): Va => (address + offset) as Va;
    if (!user.putU32(at(CPU_ID_START), 0) || !user.putU32(at(CPU_ID), RSEQ_CPU_ID_UNINITIALIZED) || !user.putU32(at(NODE_ID), 0) || !user.putU32(at(MM_CID), 0)) return -EFAULT;
    task.rseq = NO_RSEQ;
    return 0;
  }
  if (flags !== 0) return -EINVAL;
  if (rseq.address !== 0) {
    if (rseq.address !== address || rseq.length !== length) return -EINVAL;
    return rseq.signature === signature ? -EBUSY : -EPERM;
  }
  if (length < ORIG_RSEQ_SIZE || address % ALIGNMENT !== 0 || length < OFFSET_OF_END) return -EINVAL;
  if (address + length > task.mm!.taskSize) return -EFAULT;
  const pointer = kernel.user.u64((address + RSEQ_CS) as Va);
  if (pointer === undefined) return -EFAULT;
  if (pointer !== 0n && !kernel.user.putU64((address + RSEQ_CS) as Va, 0n)) return -EFAULT;
  task.rseq = { address, length, signature };
  task.rseqNotify = true;
  return 0;
}

/**
 * Bring the registered area up to date, and leave an interrupted critical section at its abort address. False: the area cannot be
 * written or names nonsense, and the thread must die of SIGSEGV. Pre: the task is current and about to return to user mode.
 */
export function rseqNotifyResume(kernel: Kernel, task: Task): boolean {
  task.rseqNotify = false;
  const { address } = task.rseq;
  if (address === 0) return true;
  if (!fixInstructionPointer(kernel, task)) return false;
  const { user } = kernel;
  const at = (offset: number): Va => (address + offset) as Va;
  const cpu = Math.max(0, task.ranOn);
  return user.putU32(at(CPU_ID_START), cpu) && user.putU32(at(CPU_ID), cpu) && user.putU32(at(NODE_ID), 0) && user.putU32(at(MM_CID), cpu);
}

/** rseq_ip_fixup(). struct rseq_cs { u32 version, flags; u64 start_ip, post_commit_offset, abort_ip; } */
function fixInstructionPointer(kernel: Kernel, task: Task): boolean {
  const { user, processor } = kernel;
  const field = (task.rseq.address + RSEQ_CS) as Va;
  const pointer = user.u64(field);
  if (pointer === undefined) return false;
  if (pointer === 0n) return true;
  const limit = BigInt(task.mm!.taskSize);
  if (pointer >= limit) return false;
  const section = user.struct(Number(pointer) as Va, 32);
  if (section === undefined) return false;
  const start = section.u64(8);
  const length = section.u64(16);
  const abort = section.u64(24);
  if (start >= limit || start + length >= limit || abort >= limit || section.u32(0) > 0) return false;
  if (abort >= start && abort - start < length) return false;
  if (abort < 4n || user.u32(Number(abort - 4n) as Va) !== task.rseq.signature) return false;
  const { pc } = processor.registers;
  const inside = pc >= start && pc - start < length;
  if (!inside) return user.putU64(field, 0n);
  // rseq_need_restart(): no flag is left that a program may set, neither in the section nor in the area.
  if (section.u32(4) !== 0 || user.u32((task.rseq.address + FLAGS) as Va) !== 0) return false;
  const interrupted = task.rseqEvent;
  task.rseqEvent = false;
  if (!interrupted) return true;
  if (!user.putU64(field, 0n)) return false;
  processor.registers.pc = abort;
  return true;
}
