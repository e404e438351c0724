/**
 * Sockets of the guest: what every kind has in common. Nothing here reaches outside the model.
 *
 * Linux: include/linux/net.h struct socket, proto_ops; include/linux/socket.h; include/uapi/asm-generic/socket.h.
 */
import type { OpenFile } from "../fs/vfs.js";
import type { WaitQueue } from "../kernel/wait-queue.js";

export const AF_UNSPEC = 0;
export const AF_UNIX = 1;
export const AF_INET = 2;

export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_SEQPACKET = 5;

export const MSG_OOB = 0x1;
export const MSG_PEEK = 0x2;
export const MSG_CTRUNC = 0x8;
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_EOR = 0x80;
export const MSG_WAITALL = 0x100;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_CMSG_CLOEXEC = 0x40000000;

export const SHUT_RD = 0;
export const SHUT_WR = 1;
export const SHUT_RDWR = 2;

/** Bytes that wait in one direction, at most. Linux: net.core.rmem_default. */
export const SOCKET_BUFFER_BYTES = 212_992;
/** Connections that wait to be accepted, at most. Linux: net.core.somaxconn. */
export const SOMAXCONN = 4096;

/** Who made a socket (SO_PEERCRED). */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Where a socket is bound or connected, as the family's own key; undefined: nowhere. */
export type SocketName = string | undefined;

/** What a message carries besides bytes. */
export interface Ancillary {
  /** Descriptions in flight (SCM_RIGHTS), each with a reference. */
  readonly files: readonly OpenFile[];
  readonly credentials: PeerCredentials;
}

export interface Received {
  /** Bytes delivered. */
  readonly count: number;
  /** Length of the whole message, where messages have bounds. */
  readonly messageLength: number;
  readonly from: SocketName;
  readonly ancillary: Ancillary | undefined;
}

export interface SendOptions {
  /** Destination of a datagram. */
  readonly to?: Socket;
  readonly ancillary: Ancillary;
}

/** Operations return -errno; -EAGAIN where the caller may wait on `queue`. */
export interface Socket {
  readonly domain: number;
  readonly type: number;
  readonly protocol: number;
  /** Woken by every change that a waiting caller or poll may care for. */
  readonly queue: WaitQueue;
  readonly credentials: PeerCredentials;
  /** Own name; set by bind, and by connect where the family gives out names. */
  name: SocketName;
  /** SO_ERROR: the error that the next operation or getsockopt reports. */
  error: number;
  /** SO_REUSEADDR or SO_REUSEPORT. */
  reuseAddress: boolean;
  readonly listening: boolean;
  /** The other end of a connection, the default destination of datagrams. */
  readonly peer: Socket | undefined;
  /** Name and maker of the other end, which outlive it. */
  readonly peerName: SocketName;
  readonly peerCredentials: PeerCredentials | undefined;
  listen(backlog: number): number;
  /** Connect to a socket that was found by `name`; -EAGAIN if its queue of connections is full. */
  connect(to: Socket, name: SocketName): number;
  accept(): Socket | number;
  send(bytes: Uint8Array, options: SendOptions): number;
  receive(into: Uint8Array, peek: boolean): Received | number;
  shutdown(how: number): number;
  poll(): number;
  /** Bytes that can be received now (FIONREAD). */
  available(): number;
  close(): void;
}

export const NO_ANCILLARY_FILES: readonly OpenFile[] = [];

/** What a message takes besides its bytes: its record, and the descriptions in flight, each of which may be a socket that carries more. */
export const messageCost = ({ files }: Ancillary): number => 256 + files.length * 4096;
