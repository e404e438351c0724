/**
 * Making, naming and connecting sockets.
 *
 * Linux: net/socket.c __sys_socket(), __sys_bind(), __sys_connect(), do_accept(); net/unix/af_unix.c unix_bind(), unix_find_other();
 * net/ipv4/af_inet.c inet_stream_connect().
 */
import type { Va } from "../../emulator/arch/addr.js";
import {
  EADDRINUSE,
  EAFNOSUPPORT,
  EAGAIN,
  EALREADY,
  EBADF,
  ECONNREFUSED,
  EEXIST,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  ENOTCONN,
  ENOTSOCK,
  EOPNOTSUPP,
  EPROTONOSUPPORT,
  EPROTOTYPE,
  ESOCKTNOSUPPORT,
} from "../errno.js";
import { makeNode } from "../fs/namei.js";
import { resolvePath } from "../fs/path.js";
import type { OpenFile } from "../fs/vfs.js";
import { O_CLOEXEC, O_NONBLOCK, S_IFMT, S_IFSOCK, getFile, putFile } from "../fs/vfs.js";
import type { Kernel } from "../kernel/kernel.js";
import type { Sleep, Task } from "../kernel/task.js";
import type { WaitQueue } from "../kernel/wait-queue.js";
import { DatagramSocket } from "../net/datagram-socket.js";
import { INADDR_ANY, INADDR_LOOPBACK, inetName } from "../net/network.js";
import { AF_INET, AF_UNIX, AF_UNSPEC, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM, type PeerCredentials, type Socket, type SocketName } from "../net/socket.js";
import { openSocket, socketFileOf, type SocketFile } from "../net/socket-file.js";
import { StreamSocket } from "../net/stream-socket.js";
import type { SyscallArgs, SyscallFamily, SyscallResult } from "./abi.js";
import { fileOf, installFile } from "./file.js";
import { installPair } from "./pipe.js";
import { encodeSockaddr, readSockaddr, writeSockaddr, type SocketAddress } from "./sockaddr.js";

const SOCK_TYPE_MASK = 0xf;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
const SOCK_MAX = 11;

/** A descriptor's socket, or -EBADF, -ENOTSOCK. */
export function socketAt(task: Task, fd: number): { readonly file: OpenFile; readonly state: SocketFile } | number {
  const file = fileOf(task, fd);
  if (file === undefined) return -EBADF;
  const state = socketFileOf(file);
  return state === undefined ? -ENOTSOCK : { file, state };
}

export interface SocketWait {
  readonly file: OpenFile;
  readonly queue: WaitQueue;
  readonly nonBlocking: boolean;
  /** Nanoseconds; Infinity: none. */
  readonly timeout: number;
  readonly what: string;
  /** Result when the time is over; default -EAGAIN. */
  readonly timedOut?: () => number;
  readonly interrupted?: () => number;
}

/** Ask `attempt` until it answers with something else than -EAGAIN. */
export function waitOnSocket(kernel: Kernel, wait: SocketWait, attempt: () => number): SyscallResult {
  const now = attempt();
  if (now !== -EAGAIN || wait.nonBlocking) return now;
  getFile(wait.file);
  const sleep: Sleep = {
    queues: [wait.queue],
    poll: () => {
      const result = attempt();
      return result === -EAGAIN ? undefined : result;
    },
    timedOut: wait.timedOut ?? (() => -EAGAIN),
    ...(wait.interrupted === undefined ? {} : { interrupted: wait.interrupted }),
    release: () => {
      putFile(wait.file);
    },
    what: wait.what,
  };
  return wait.timeout === Infinity ? sleep : { ...sleep, deadline: kernel.clock.monotonic + wait.timeout };
}

export function credentialsOf(task: Task): PeerCredentials {
  return { pid: task.group.tgid, uid: task.credentials.euid, gid: task.credentials.egid };
}

/** A new socket, or the errno of an address family, type or protocol that is not there. */
function createSocket(kernel: Kernel, task: Task, domain: number, type: number, protocol: number): Socket | number {
  const credentials = credentialsOf(task);
  const { network, buffers } = kernel.internal;
  const { inFlight } = network;
  if (type < 0 || type >= SOCK_MAX) return -EINVAL;
  if (domain === AF_UNIX) {
    if (protocol !== 0 && protocol !== AF_UNIX) return -EPROTONOSUPPORT;
    const onClose = (socket: Socket): void => {
      network.releaseUnix(socket);
    };
    if (type === SOCK_DGRAM) return new DatagramSocket({ domain, protocol: 0, credentials, buffers, inFlight, onClose });
    return type === SOCK_STREAM || type === SOCK_SEQPACKET ? new StreamSocket({ domain, type, protocol: 0, credentials, buffers, inFlight, onClose }) : -ESOCKTNOSUPPORT;
  }
  if (domain !== AF_INET) return -EAFNOSUPPORT;
  const onClose = (socket: Socket): void => {
    network.releaseInet(socket);
  };
  if (type === SOCK_STREAM) {
    return protocol === 0 || protocol === IPPROTO_TCP ? new StreamSocket({ domain, type, protocol: IPPROTO_TCP, credentials, buffers, inFlight, onClose }) : -EPROTONOSUPPORT;
  }
  if (type === SOCK_DGRAM) return protocol === 0 || protocol === IPPROTO_UDP ? new DatagramSocket({ domain, protocol: IPPROTO_UDP, credentials, buffers, inFlight, onClose }) : -EPROTONOSUPPORT;
  return -ESOCKTNOSUPPORT;
}

function socket(kernel: Kernel, task: Task, args: SyscallArgs): number {
  const type = args.int(1);
  const flags = type & ~SOCK_TYPE_MASK;
  if ((flags & ~(O_NONBLOCK | O_CLOEXEC)) !== 0) return -EINVAL;
  const made = createSocket(kernel, task, args.int(0), type & SOCK_TYPE_MASK, args.int(2));
  return typeof made === "number" ? made : installFile(task, openSocket(kernel.internal.sockets, made, flags), flags);
}

function socketpair(kernel: Kernel, task: Task, args: SyscallArgs): number {
  const domain = args.int(0);
  const type = args.int(1);
  const flags = type & ~SOCK_TYPE_MASK;
  if ((flags & ~(O_NONBLOCK | O_CLOEXEC)) !== 0) return -EINVAL;
  const first = createSocket(kernel, task, domain, type & SOCK_TYPE_MASK, args.int(2));
  if (typeof first === "number") return first;
  const second = createSocket(kernel, task, domain, type & SOCK_TYPE_MASK, args.int(2));
  if (typeof second === "number") return second;
  if (domain !== AF_UNIX) return -EOPNOTSUPP;
  if (first instanceof StreamSocket && second instanceof StreamSocket) first.join(second);
  else if (first instanceof DatagramSocket && second instanceof DatagramSocket) first.join(second);
  const { sockets } = kernel.internal;
  return installPair(kernel, task, [openSocket(sockets, first, flags), openSocket(sockets, second, flags)], (flags & O_CLOEXEC) !== 0, args.address(3));
}

// --- names ----------------------------------------------------------------------

function bindUnix(kernel: Kernel, task: Task, socket: Socket, name: string): number {
  const { network } = kernel.internal;
  const bound = socket.name !== undefined;
  if (name === "") return bound ? -EINVAL : network.autobind(socket);
  if (name.startsWith("\0")) return bound ? -EINVAL : network.bindAbstract(socket, name.slice(1));
  // A name that is taken is told before a second binding is.
  if (bound) return typeof resolvePath(task.fs!, name, { follow: false }) === "number" ? -EINVAL : -EADDRINUSE;
  const error = makeNode(task.fs!, { path: name, from: undefined }, S_IFSOCK | 0o777, 0);
  if (error < 0) return error === -EEXIST ? -EADDRINUSE : error;
  const made = resolvePath(task.fs!, name, { follow: false });
  if (typeof made === "number") return made;
  network.bindPath(socket, made.dentry.inode, name);
  return 0;
}

function bind(kernel: Kernel, task: Task, args: SyscallArgs): number {
  const found = socketAt(task, args.int(0));
  if (typeof found === "number") return found;
  const address = readSockaddr(kernel, args.address(1), args.int(2));
  if (typeof address === "number") return address;
  const { socket } = found.state;
  if (address.family !== socket.domain) return address.family === "unknown" && socket.domain === AF_INET ? -EAFNOSUPPORT : -EINVAL;
  if (address.family === AF_UNIX) return bindUnix(kernel, task, socket, address.name);
  return kernel.internal.network.bindInet(socket, address);
}

/** The socket that an address names, and the name as the connection will show it. Linux: unix_find_other(). */
export function findSocket(kernel: Kernel, task: Task, from: Socket, address: SocketAddress): { readonly target: Socket; readonly name: SocketName } | number {
  const { network } = kernel.internal;
  if (address.family !== from.domain) return from.domain === AF_INET ? -EAFNOSUPPORT : -EINVAL;
  let target: Socket | number;
  let name: string;
  if (address.family === AF_UNIX) {
    ({ name } = address);
    if (name === "") return -EINVAL;
    if (name.startsWith("\0")) target = network.findAbstract(name.slice(1));
    else {
      const found = resolvePath(task.fs!, name, { follow: true });
      if (typeof found === "number") return found;
      target = (found.dentry.inode.mode & S_IFMT) === S_IFSOCK ? network.findPath(found.dentry.inode) : -ECONNREFUSED;
    }
  } else {
    const reached = { port: address.port, address: address.address === INADDR_ANY ? INADDR_LOOPBACK : address.address };
    name = inetName(reached);
    target = network.findInet(from.type, reached);
  }
  if (typeof target === "number") return target;
  return target.type === from.type ? { target, name } : -EPROTOTYPE;
}

/** An AF_INET socket that has no port gets one. */
export function ensurePort(kernel: Kernel, socket: Socket): number {
  if (socket.domain !== AF_INET || socket.name !== undefined) return 0;
  return kernel.internal.network.bindInet(socket, { address: socket.type === SOCK_STREAM ? INADDR_LOOPBACK : INADDR_ANY, port: 0 });
}

function connect(kernel: Kernel, task: Task, args: SyscallArgs): SyscallResult {
  const found = socketAt(task, args.int(0));
  if (typeof found === "number") return found;
  const { file, state } = found;
  const { socket } = state;
  const address = readSockaddr(kernel, args.address(1), args.int(2));
  if (typeof address === "number") return address;
  if (address.family === "unknown" && address.number === AF_UNSPEC && socket instanceof DatagramSocket) {
    socket.disconnect();
    return 0;
  }
  const nonBlocking = (file.flags & O_NONBLOCK) !== 0;
  const tcp = socket.domain === AF_INET && socket.type === SOCK_STREAM;
  if (tcp && state.connecting) {
    state.connecting = false;
    if (socket.error !== 0) {
      const { error } = socket;
      socket.error = 0;
      return -error;
    }
    return socket.peer === undefined ? -EALREADY : 0;
  }
  if (socket.type !== SOCK_DGRAM && socket.peer !== undefined) return -EISCONN;
  const attempt = (): number => {
    const other = findSocket(kernel, task, socket, address);
    if (typeof other === "number") return other;
    const port = ensurePort(kernel, socket);
    return port < 0 ? port : socket.connect(other.target, other.name);
  };
  if (tcp && nonBlocking) {
    const result = attempt();
    if (result !== 0 && result !== -ECONNREFUSED) return result === -EAGAIN ? -EINPROGRESS : result;
    // The handshake ends after the call has returned, well or not.
    state.connecting = true;
    if (result < 0) {
      socket.error = -result;
      socket.queue.wakeAll();
    }
    return -EINPROGRESS;
  }
  const first = findSocket(kernel, task, socket, address);
  const queue = typeof first === "number" ? socket.queue : first.target.queue;
  return waitOnSocket(kernel, { file, queue, nonBlocking, timeout: state.sendTimeout, what: "a connection to be accepted" }, attempt);
}

function accept(kernel: Kernel, task: Task, args: SyscallArgs, flags: number): SyscallResult {
  if ((flags & ~(O_NONBLOCK | O_CLOEXEC)) !== 0) return -EINVAL;
  const found = socketAt(task, args.int(0));
  if (typeof found === "number") return found;
  const { file, state } = found;
  const [at, lengthAt]: readonly [Va, Va] = [args.address(1), args.address(2)];
  const attempt = (): number => {
    const accepted = state.socket.accept();
    if (typeof accepted === "number") return accepted;
    const made = openSocket(kernel.internal.sockets, accepted, flags);
    if (at !== 0) {
      const error = writeSockaddr(kernel, at, lengthAt, encodeSockaddr(accepted.domain, accepted.peerName, true));
      if (error < 0) {
        putFile(made);
        return error;
      }
    }
    return installFile(task, made, flags);
  };
  const wait: SocketWait = { file, queue: state.socket.queue, nonBlocking: (file.flags & O_NONBLOCK) !== 0, timeout: state.receiveTimeout, what: "a connection" };
  return waitOnSocket(kernel, wait, attempt);
}

const nameCall =
  (peer: boolean) =>
  (kernel: Kernel, task: Task, args: SyscallArgs): number => {
    const found = socketAt(task, args.int(0));
    if (typeof found === "number") return found;
    const { socket } = found.state;
    if (peer && socket.peer === undefined) return -ENOTCONN;
    return writeSockaddr(kernel, args.address(1), args.address(2), encodeSockaddr(socket.domain, peer ? socket.peerName : socket.name, peer));
  };

export const SOCKET_SYSCALLS: SyscallFamily = {
  socket,
  socketpair,
  bind,
  connect,
  listen: (kernel, task, args) => {
    const found = socketAt(task, args.int(0));
    if (typeof found === "number") return found;
    const { socket } = found.state;
    if (socket.type === SOCK_STREAM) {
      const port = ensurePort(kernel, socket);
      if (port < 0) return port;
    }
    return socket.listen(args.int(1));
  },
  accept: (kernel, task, args) => accept(kernel, task, args, 0),
  accept4: (kernel, task, args) => accept(kernel, task, args, args.int(3)),
  getsockname: nameCall(false),
  getpeername: nameCall(true),
  shutdown: (_, task, args) => {
    const found = socketAt(task, args.int(0));
    return typeof found === "number" ? found : found.state.socket.shutdown(args.int(1));
  },
};
