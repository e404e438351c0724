/**
 * Sending and receiving messages.
 *
 * Linux: net/socket.c __sys_sendto(), __sys_recvfrom(), ___sys_sendmsg(), ___sys_recvmsg(); net/core/scm.c scm_send(), scm_detach_fds();
 * include/linux/socket.h struct msghdr, cmsghdr.
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EAGAIN, EBADF, ECONNREFUSED, EFAULT, EINVAL, EISCONN, EMSGSIZE, ENOBUFS, EOPNOTSUPP, EPIPE, ERESTARTSYS } from "../errno.js";
import type { OpenFile } from "../fs/vfs.js";
import { O_NONBLOCK, getFile, putFile } from "../fs/vfs.js";
import { CStruct } from "../kernel/c-struct.js";
import type { Kernel } from "../kernel/kernel.js";
import { SIGPIPE } from "../kernel/signal-numbers.js";
import { kernelSignal, sendThreadSignal } from "../kernel/signal-send.js";
import type { Task } from "../kernel/task.js";
import {
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  NO_ANCILLARY_FILES,
  SOCK_DGRAM,
  SOCK_STREAM,
  AF_UNIX,
  type Received,
  type Socket,
} from "../net/socket.js";
import { dropFiles, type SocketFile } from "../net/socket-file.js";
import type { SyscallArgs, SyscallFamily, SyscallResult } from "./abi.js";
import { descriptorLimit, fileOf } from "./file.js";
import { readIovec, type Segment } from "./io.js";
import { encodeSockaddr, readSockaddr, writeSockaddr } from "./sockaddr.js";
import { credentialsOf, ensurePort, findSocket, socketAt, waitOnSocket } from "./socket.js";

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const SCM_CREDENTIALS = 2;
const SCM_MAX_FD = 253;
const MSGHDR_BYTES = 56;
const CMSGHDR_BYTES = 16;
const UCRED_BYTES = 12;
const UIO_MAXIOV = 1024;
/** Bytes of control messages, at most. Linux: net.core.optmem_max. */
const OPTMEM_MAX = 131_072;
/** Bytes that one call moves at most; a stream's caller goes on with the rest. */
const MOST = 16 * 2 ** 20;

/** struct msghdr. */
interface MessageHeader {
  readonly at: Va;
  readonly name: Va;
  readonly nameLength: number;
  readonly segments: readonly Segment[];
  readonly control: Va;
  readonly controlLength: number;
}

function readHeader(kernel: Kernel, at: Va): MessageHeader | number {
  const raw = kernel.user.struct(at, MSGHDR_BYTES);
  if (raw === undefined) return -EFAULT;
  const count = raw.size(24);
  if (count > UIO_MAXIOV) return -EMSGSIZE;
  const segments = readIovec(kernel, raw.size(16) as Va, count);
  if (typeof segments === "number") return segments;
  return { at, name: raw.size(0) as Va, nameLength: raw.i32(8), segments, control: raw.size(32) as Va, controlLength: raw.size(40) };
}

/** The bytes of a vector, at most MOST. */
function gather(kernel: Kernel, segments: readonly Segment[]): Uint8Array | number {
  const total = Math.min(MOST, segments.reduce((sum, { length }) => sum + length, 0));
  const bytes = new Uint8Array(total);
  let done = 0;
  for (const { base, length } of segments) {
    const count = Math.min(length, total - done);
    if (count > 0 && kernel.user.access.copyFromUser(bytes.subarray(done, done + count), base) > 0) return -EFAULT;
    done += count;
  }
  return bytes;
}

function scatter(kernel: Kernel, segments: readonly Segment[], bytes: Uint8Array): boolean {
  let done = 0;
  for (const { base, length } of segments) {
    const count = Math.min(length, bytes.length - done);
    if (count > 0 && !kernel.user.put(base, bytes.subarray(done, done + count))) return false;
    done += count;
  }
  return true;
}

// --- control messages -------------------------------------------------------------

/** Descriptions that a message is to carry, each with a reference; -errno. */
function readRights(kernel: Kernel, task: Task, header: MessageHeader): OpenFile[] | number {
  if (header.control === 0 || header.controlLength < CMSGHDR_BYTES) return [];
  if (header.controlLength > OPTMEM_MAX) return -ENOBUFS;
  const raw = kernel.user.struct(header.control, header.controlLength);
  if (raw === undefined) return -EFAULT;
  const files: OpenFile[] = [];
  for (let at = 0; at + CMSGHDR_BYTES <= header.controlLength; ) {
    const length = raw.size(at);
    if (length < CMSGHDR_BYTES || at + length > header.controlLength) return -EINVAL;
    const [level, type] = [raw.i32(at + 8), raw.i32(at + 12)];
    if (level === SOL_SOCKET && type === SCM_RIGHTS) {
      for (let fd = at + CMSGHDR_BYTES; fd + 4 <= at + length; fd += 4) {
        const file = fileOf(task, raw.i32(fd));
        if (file === undefined) return -EBADF;
        files.push(file);
      }
    } else if (level !== SOL_SOCKET || type !== SCM_CREDENTIALS) return -EINVAL;
    at += Math.ceil(length / 8) * 8;
  }
  if (files.length > SCM_MAX_FD) return -EINVAL;
  return files.map(getFile);
}

/** Deliver what came with a message; the flags that say what was cut off, or -EFAULT. */
function deliverControl(kernel: Kernel, task: Task, header: MessageHeader, state: SocketFile, received: Received, closeOnExec: boolean): number {
  const { ancillary } = received;
  let used = 0;
  let flags = 0;
  const emit = (type: number, data: Uint8Array): boolean => {
    const length = CMSGHDR_BYTES + data.length;
    if (header.control === 0 || used + length > header.controlLength) return false;
    const out = new CStruct(length).setU64(0, length).setU32(8, SOL_SOCKET).setU32(12, type);
    out.bytes.set(data, CMSGHDR_BYTES);
    if (!kernel.user.put((header.control + used) as Va, out.bytes)) return false;
    used = Math.min(header.controlLength, used + Math.ceil(length / 8) * 8);
    return true;
  };
  if (state.passCredentials && ancillary !== undefined) {
    const { pid, uid, gid } = ancillary.credentials;
    if (!emit(SCM_CREDENTIALS, new CStruct(UCRED_BYTES).setU32(0, pid).setU32(4, uid).setU32(8, gid).bytes)) flags |= MSG_CTRUNC;
  }
  const files = ancillary?.files ?? [];
  if (files.length > 0) {
    const room = header.control === 0 ? 0 : Math.max(0, Math.floor((header.controlLength - used - CMSGHDR_BYTES) / 4));
    const fds: number[] = [];
    for (const file of files) {
      const fd = fds.length < room ? task.files!.add(file, closeOnExec, descriptorLimit(task)) : -EINVAL;
      if (fd >= 0) fds.push(fd);
      else {
        putFile(file);
        flags |= MSG_CTRUNC;
      }
    }
    const data = new CStruct(fds.length * 4);
    fds.forEach((fd, i) => data.setU32(i * 4, fd));
    if (fds.length > 0 && !emit(SCM_RIGHTS, data.bytes)) flags |= MSG_CTRUNC;
  }
  return kernel.user.putU64((header.at + 40) as Va, used) && kernel.user.putU32((header.at + 48) as Va, flags) ? flags : -EFAULT;
}

// --- send -------------------------------------------------------------------------

interface Outgoing {
  readonly bytes: Uint8Array;
  readonly files: readonly OpenFile[];
  /** Destination address in user memory; 0: none. */
  readonly name: Va;
  readonly nameLength: number;
}

function destination(kernel: Kernel, task: Task, socket: Socket, { name, nameLength }: Outgoing): Socket | undefined | number {
  if (name === 0) return undefined;
  if (socket.type !== SOCK_DGRAM) return socket.peer === undefined || socket.domain !== AF_UNIX ? undefined : -EISCONN;
  const address = readSockaddr(kernel, name, nameLength);
  if (typeof address === "number") return address;
  const found = findSocket(kernel, task, socket, address);
  return typeof found === "number" ? found : found.target;
}

/** Takes over the references of `out.files`. */
function send(kernel: Kernel, task: Task, found: { readonly file: OpenFile; readonly state: SocketFile }, out: Outgoing, flags: number): SyscallResult {
  const { file, state } = found;
  const { socket } = state;
  const refuse = (error: number): number => {
    for (const carried of out.files) putFile(carried);
    return error;
  };
  if ((flags & MSG_OOB) !== 0) return refuse(-EOPNOTSUPP);
  const to = destination(kernel, task, socket, out);
  if (typeof to === "number") {
    // Nobody is there to receive a UDP datagram: it is lost, and an ICMP error comes back to a connected sender only.
    return to === -ECONNREFUSED && socket.type === SOCK_DGRAM && socket.domain !== AF_UNIX ? refuse(out.bytes.length) : refuse(to);
  }
  const port = socket.type === SOCK_DGRAM ? ensurePort(kernel, socket) : 0;
  if (port < 0) return refuse(port);
  const stream = socket.type === SOCK_STREAM;
  let done = 0;
  let carried = out.files;
  const attempt = (): number => {
    for (;;) {
      const ancillary = { files: carried, credentials: credentialsOf(task) };
      const count = socket.send(out.bytes.subarray(done), { ancillary, ...(to === undefined ? {} : { to }) });
      if (count === -EAGAIN) return -EAGAIN;
      if (count < 0) {
        if (count === -EPIPE && (flags & MSG_NOSIGNAL) === 0 && done === 0) sendThreadSignal(kernel, task, kernelSignal(SIGPIPE));
        const kept = carried;
        carried = NO_ANCILLARY_FILES;
        for (const one of kept) putFile(one);
        return done > 0 ? done : count;
      }
      carried = NO_ANCILLARY_FILES;
      done += count;
      if (!stream || done >= out.bytes.length) return done;
    }
  };
  const nonBlocking = (file.flags & O_NONBLOCK) !== 0 || (flags & MSG_DONTWAIT) !== 0;
  const partial = (none: number): number => (done > 0 ? done : refuseCarried(none));
  const refuseCarried = (error: number): number => {
    for (const one of carried) putFile(one);
    carried = NO_ANCILLARY_FILES;
    return error;
  };
  const result = waitOnSocket(
    kernel,
    {
      file,
      queue: socket.type === SOCK_DGRAM ? (to ?? socket.peer ?? socket).queue : socket.queue,
      nonBlocking,
      timeout: state.sendTimeout,
      what: `room to send on ${file.path}`,
      timedOut: () => partial(-EAGAIN),
      interrupted: () => partial(-ERESTARTSYS),
    },
    attempt,
  );
  return result === -EAGAIN ? partial(-EAGAIN) : result;
}

// --- receive ----------------------------------------------------------------------

/** `deliver` puts bytes, name and control data in place; what it returns is the call's result unless it is negative. */
function receive(
  kernel: Kernel,
  found: { readonly file: OpenFile; readonly state: SocketFile },
  length: number,
  flags: number,
  deliver: (bytes: Uint8Array, received: Received) => number,
): SyscallResult {
  const { file, state } = found;
  const { socket } = state;
  if ((flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
  const peek = (flags & MSG_PEEK) !== 0;
  const all = (flags & MSG_WAITALL) !== 0 && socket.type === SOCK_STREAM && !peek;
  const buffer = new Uint8Array(Math.min(length, MOST));
  let done = 0;
  let last: Received | undefined;
  const finish = (): number => deliver(buffer.subarray(0, done), last!);
  const attempt = (): number => {
    for (;;) {
      const received = socket.receive(buffer.subarray(done), peek);
      if (typeof received === "number") {
        if (received === -EAGAIN || done === 0) return received;
        return finish();
      }
      done += received.count;
      last = peek && received.ancillary !== undefined ? { ...received, ancillary: { ...received.ancillary, files: [] } } : received;
      if (!all || received.count === 0 || done >= buffer.length || (received.ancillary?.files.length ?? 0) > 0) return finish();
    }
  };
  const nonBlocking = (file.flags & O_NONBLOCK) !== 0 || (flags & MSG_DONTWAIT) !== 0;
  const partial = (none: number): number => (done > 0 ? finish() : none);
  const result = waitOnSocket(
    kernel,
    { file, queue: socket.queue, nonBlocking, timeout: state.receiveTimeout, what: `a message on ${file.path}`, timedOut: () => partial(-EAGAIN), interrupted: () => partial(-ERESTARTSYS) },
    attempt,
  );
  return result === -EAGAIN ? partial(-EAGAIN) : result;
}

/** Bytes that the call reports: with MSG_TRUNC the whole length of a message that did not fit. */
const reported = (received: Received, count: number, flags: number, socket: Socket): number =>
  (flags & MSG_TRUNC) !== 0 && socket.type !== SOCK_STREAM ? received.messageLength : count;

/** One message out of a msghdr in user memory. Linux: ___sys_sendmsg(). */
export function sendmsg(kernel: Kernel, task: Task, fd: number, at: Va, flags: number): SyscallResult {
  const found = socketAt(task, fd);
  if (typeof found === "number") return found;
  const header = readHeader(kernel, at);
  if (typeof header === "number") return header;
  const bytes = gather(kernel, header.segments);
  if (typeof bytes === "number") return bytes;
  const files = found.state.socket.domain === AF_UNIX ? readRights(kernel, task, header) : [];
  if (typeof files === "number") return files;
  return send(kernel, task, found, { bytes, files, name: header.name, nameLength: header.nameLength }, flags);
}

/** One message into a msghdr in user memory. Linux: ___sys_recvmsg(). */
export function recvmsg(kernel: Kernel, task: Task, fd: number, at: Va, flags: number): SyscallResult {
  const found = socketAt(task, fd);
  if (typeof found === "number") return found;
  const header = readHeader(kernel, at);
  if (typeof header === "number") return header;
  const { socket } = found.state;
  const length = header.segments.reduce((sum, { length: one }) => sum + one, 0);
  return receive(kernel, found, length, flags, (bytes, received) => {
    if (!scatter(kernel, header.segments, bytes)) {
      dropFiles(received.ancillary);
      return -EFAULT;
    }
    const control = deliverControl(kernel, task, header, found.state, received, (flags & MSG_CMSG_CLOEXEC) !== 0);
    if (control < 0) return control;
    const cut = socket.type !== SOCK_STREAM && received.messageLength > bytes.length ? MSG_TRUNC : 0;
    if (!kernel.user.putU32((at + 48) as Va, control | cut | (flags & MSG_CMSG_CLOEXEC))) return -EFAULT;
    if (header.name !== 0) {
      const name = received.from === undefined && socket.type === SOCK_STREAM ? new Uint8Array(0) : encodeSockaddr(socket.domain, received.from, true);
      const error = writeSockaddr(kernel, header.name, (at + 8) as Va, name);
      if (error < 0) return error;
    }
    return reported(received, bytes.length, flags, socket);
  });
}

function sendto(kernel: Kernel, task: Task, args: SyscallArgs): SyscallResult {
  const found = socketAt(task, args.int(0));
  if (typeof found === "number") return found;
  const bytes = gather(kernel, [{ base: args.address(1), length: args.size(2) }]);
  if (typeof bytes === "number") return bytes;
  return send(kernel, task, found, { bytes, files: NO_ANCILLARY_FILES, name: args.address(4), nameLength: args.int(5) }, args.int(3));
}

function recvfrom(kernel: Kernel, task: Task, args: SyscallArgs): SyscallResult {
  const found = socketAt(task, args.int(0));
  if (typeof found === "number") return found;
  const [at, length, flags, nameAt, lengthAt] = [args.address(1), args.size(2), args.int(3), args.address(4), args.address(5)];
  if (!kernel.user.access.accessOk(at, length)) return -EFAULT;
  const { socket } = found.state;
  return receive(kernel, found, length, flags, (bytes, received) => {
    dropFiles(received.ancillary);
    if (!kernel.user.put(at, bytes)) return -EFAULT;
    if (nameAt !== 0) {
      const name = received.from === undefined && socket.type === SOCK_STREAM ? new Uint8Array(0) : encodeSockaddr(socket.domain, received.from, true);
      const error = writeSockaddr(kernel, nameAt, lengthAt, name);
      if (error < 0) return error;
    }
    return reported(received, bytes.length, flags, socket);
  });
}

export const SOCKMSG_SYSCALLS: SyscallFamily = {
  sendto,
  recvfrom,
  sendmsg: (kernel, task, args) => sendmsg(kernel, task, args.int(0), args.address(1), args.int(2)),
  recvmsg: (kernel, task, args) => recvmsg(kernel, task, args.int(0), args.address(1), args.int(2)),
};
