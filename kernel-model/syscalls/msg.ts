/**
 * msgget, msgsnd, msgrcv, msgctl.
 *
 * Linux: ipc/msg.c; include/uapi/linux/msg.h struct msginfo; include/uapi/asm-generic/msgbuf.h struct msqid64_ds.
 */
import type { Va } from "../../emulator/arch/addr.js";
import { E2BIG, EACCES, EAGAIN, EFAULT, EIDRM, EINVAL, ENOMSG, EPERM, ERESTARTNOHAND } from "../errno.js";
import { IPC_INFO, IPC_NOWAIT, IPC_RMID, IPC_SET, IPC_STAT, S_IRUGO, S_IWUGO, encodePerm, ipcPerms, updatePerm } from "../ipc/ids.js";
import { MSGMAX, MSGMNB, MSGMNI, MSG_COPY, MSG_EXCEPT, findMessage, type MessageQueue } from "../ipc/msg.js";
import { CStruct } from "../kernel/c-struct.js";
import type { Kernel } from "../kernel/kernel.js";
import type { Task } from "../kernel/task.js";
import type { SyscallArgs, SyscallFamily, SyscallResult } from "./abi.js";

const MSG_NOERROR = 0o10000;
const MSG_STAT = 11;
const MSG_INFO = 12;
const MSG_STAT_ANY = 13;
const MSQID_DS_BYTES = 120;
/** The type, in front of the text. */
const TYPE_BYTES = 8;

/** Try until it is done; `undefined`: not yet. A removed queue ends the wait. */
function untilDone(queue: MessageQueue, noWait: boolean, would: number, what: string, attempt: () => number | undefined): SyscallResult {
  const look = (): number | undefined => (queue.perm.deleted ? -EIDRM : attempt());
  const now = look();
  if (now !== undefined) return now;
  return noWait ? would : { queues: [queue.queue], poll: look, interrupted: () => -ERESTARTNOHAND, what: `${what} message queue ${queue.perm.id}` };
}

function msgsnd(kernel: Kernel, task: Task, args: SyscallArgs): SyscallResult {
  const [id, at, size, flags] = [args.int(0), args.address(1), args.size(2), args.int(3)];
  const type = kernel.user.u64(at);
  if (type === undefined) return -EFAULT;
  if (size > MSGMAX || id < 0 || BigInt.asIntN(64, type) < 1n) return -EINVAL;
  const bytes = kernel.user.read((at + TYPE_BYTES) as Va, size);
  if (typeof bytes === "number") return bytes;
  const queue = kernel.ipc.msg.ids.get(id);
  if (typeof queue === "number") return queue;
  return untilDone(queue, (flags & IPC_NOWAIT) !== 0, -EAGAIN, "room in", () => {
    if (ipcPerms(queue.perm, task.credentials, S_IWUGO) < 0) return -EACCES;
    if (queue.bytes + size > queue.limit || queue.messages.length + 1 > queue.limit) return undefined;
    queue.messages.push({ type, bytes });
    queue.bytes += size;
    queue.lastSender = task.group.tgid;
    queue.sendTime = kernel.clock.realtime.seconds;
    queue.queue.wakeAll();
    return 0;
  });
}

function msgrcv(kernel: Kernel, task: Task, args: SyscallArgs): SyscallResult {
  const [id, at, size, flags] = [args.int(0), args.address(1), args.long(2), args.int(4)];
  const type = BigInt.asIntN(64, args.u64(3));
  const copy = (flags & MSG_COPY) !== 0;
  if (id < 0 || size < 0) return -EINVAL;
  if (copy && ((flags & MSG_EXCEPT) !== 0 || (flags & IPC_NOWAIT) === 0)) return -EINVAL;
  const queue = kernel.ipc.msg.ids.get(id);
  if (typeof queue === "number") return queue;
  return untilDone(queue, (flags & IPC_NOWAIT) !== 0, -ENOMSG, "a message in", () => {
    if (ipcPerms(queue.perm, task.credentials, S_IRUGO) < 0) return -EACCES;
    const index = findMessage(queue.messages, type, flags);
    const message = queue.messages[index];
    if (message === undefined) return undefined;
    if (size < message.bytes.length && (flags & MSG_NOERROR) === 0) return -E2BIG;
    if (!copy) {
      queue.messages.splice(index, 1);
      queue.bytes -= message.bytes.length;
      queue.lastReceiver = task.group.tgid;
      queue.receiveTime = kernel.clock.realtime.seconds;
      queue.queue.wakeAll();
    }
    const text = message.bytes.subarray(0, Math.min(size, message.bytes.length));
    return kernel.user.putU64(at, message.type) && kernel.user.put((at + TYPE_BYTES) as Va, text) ? text.length : -EFAULT;
  });
}

function stat(kernel: Kernel, task: Task, id: number, command: number, to: Va): number {
  const { ids } = kernel.ipc.msg;
  const queue = command === IPC_STAT ? ids.get(id) : ids.at(id);
  if (typeof queue === "number") return queue;
  if (command !== MSG_STAT_ANY && ipcPerms(queue.perm, task.credentials, S_IRUGO) < 0) return -EACCES;
  const out = new CStruct(MSQID_DS_BYTES);
  encodePerm(out, queue.perm);
  out.setU64(48, queue.sendTime).setU64(56, queue.receiveTime).setU64(64, queue.changeTime);
  out.setU64(72, queue.bytes).setU64(80, queue.messages.length).setU64(88, queue.limit).setU32(96, queue.lastSender).setU32(100, queue.lastReceiver);
  if (!kernel.user.put(to, out.bytes)) return -EFAULT;
  return command === IPC_STAT ? 0 : queue.perm.id;
}

function info(kernel: Kernel, command: number, to: Va): number {
  const { ids } = kernel.ipc.msg;
  const all = ids.all();
  const used = command === MSG_INFO ? [all.length, all.reduce((sum, { messages }) => sum + messages.length, 0), all.reduce((sum, { bytes }) => sum + bytes, 0)] : [];
  const [pool = (MSGMNI * MSGMNB) / 1024, map = MSGMNB, tql = MSGMNB] = used;
  const out = new CStruct(32).setU32(0, pool).setU32(4, map).setU32(8, MSGMAX).setU32(12, MSGMNB).setU32(16, MSGMNI).setU32(20, 16).setU32(24, tql).setU16(28, 0xffff);
  return kernel.user.put(to, out.bytes) ? Math.max(0, ids.maxIndex) : -EFAULT;
}

function msgctl(kernel: Kernel, task: Task, args: SyscallArgs): number {
  const [id, command, at] = [args.int(0), args.int(1), args.address(2)];
  const { msg } = kernel.ipc;
  if (id < 0 || command < 0) return -EINVAL;
  switch (command) {
    case IPC_INFO:
    case MSG_INFO:
      return info(kernel, command, at);
    case IPC_STAT:
    case MSG_STAT:
    case MSG_STAT_ANY:
      return stat(kernel, task, id, command, at);
    case IPC_RMID:
    case IPC_SET: {
      const from = command === IPC_SET ? kernel.user.struct(at, MSQID_DS_BYTES) : undefined;
      if (command === IPC_SET && from === undefined) return -EFAULT;
      const queue = msg.ids.owned(id, task.credentials);
      if (typeof queue === "number") return queue;
      if (from === undefined) {
        msg.remove(queue);
        return 0;
      }
      const limit = from.size(88);
      if (limit > MSGMNB && task.credentials.euid !== 0) return -EPERM;
      updatePerm(queue.perm, from);
      queue.limit = limit;
      queue.changeTime = kernel.clock.realtime.seconds;
      queue.queue.wakeAll();
      return 0;
    }
    default:
      return -EINVAL;
  }
}

export const MSG_SYSCALLS: SyscallFamily = {
  msgget: (kernel, task, args) => {
    const { msg } = kernel.ipc;
    return msg.ids.getOrMake(args.int(0), args.int(1), task.credentials, (perm) => msg.make(perm, kernel.clock.realtime.seconds), () => 0);
  },
  msgsnd,
  msgrcv,
  msgctl,
};
