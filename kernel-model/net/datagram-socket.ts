/**
 * Sockets of messages without a connection: AF_UNIX SOCK_DGRAM, and UDP over the loopback.
 *
 * Linux: net/unix/af_unix.c unix_dgram_sendmsg(), unix_dgram_recvmsg(); net/ipv4/udp.c.
 */
import { EAGAIN, ECONNREFUSED, EDESTADDRREQ, EINVAL, EMSGSIZE, ENOBUFS, ENOTCONN, EOPNOTSUPP, EPIPE, EPROTOTYPE } from "../errno.js";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRNORM } from "../fs/vfs.js";
import type { BufferBudget } from "../fs/buffer-budget.js";
import { WaitQueue } from "../kernel/wait-queue.js";
import type { InFlight } from "./in-flight.js";
import { AF_UNIX, SHUT_RD, SHUT_RDWR, SHUT_WR, SOCKET_BUFFER_BYTES, SOCK_DGRAM, messageCost } from "./socket.js";
import type { Ancillary, PeerCredentials, Received, SendOptions, Socket, SocketName } from "./socket.js";

/** Messages that wait in an AF_UNIX socket before its senders do. Linux: net.unix.max_dgram_qlen. */
const MAX_DGRAM_QLEN = 10;
/** Longest UDP payload. */
const UDP_MAX_BYTES = 65507;

interface Message {
  /** Bytes charged to the machine's budget until it is received. */
  readonly cost: number;
  readonly bytes: Uint8Array;
  readonly from: SocketName;
  readonly ancillary: Ancillary | undefined;
}

export class DatagramSocket implements Socket {
  readonly domain: number;
  readonly type = SOCK_DGRAM;
  readonly protocol: number;
  readonly queue = new WaitQueue();
  readonly credentials: PeerCredentials;
  readonly listening = false;
  name: SocketName;
  error = 0;
  reuseAddress = false;
  peer: DatagramSocket | undefined;
  peerName: SocketName;
  peerCredentials: PeerCredentials | undefined;
  private readonly messages: Message[] = [];
  private pending = 0;
  private readonly buffers: BufferBudget;
  private readonly inFlight: InFlight;
  private closed = false;
  private receiveShut = false;
  private sendShut = false;
  private readonly onClose: (socket: DatagramSocket) => void;

  constructor(options: {
    readonly domain: number;
    readonly protocol: number;
    readonly credentials: PeerCredentials;
    readonly buffers: BufferBudget;
    readonly inFlight: InFlight;
    readonly onClose: (socket: DatagramSocket) => void;
  }) {
    this.domain = options.domain;
    this.protocol = options.protocol;
    this.credentials = options.credentials;
    this.buffers = options.buffers;
    this.inFlight = options.inFlight;
    this.onClose = options.onClose;
  }

  /** socketpair. */
  join(other: DatagramSocket): void {
    this.peer = other;
    other.peer = this;
    this.peerCredentials = other.credentials;
    other.peerCredentials = this.credentials;
  }

  listen(): number {
    return -EOPNOTSUPP;
  }

  /** Set the default destination; only its messages are received then. */
  connect(to: Socket, name: SocketName): number {
    if (!(to instanceof DatagramSocket)) return -EPROTOTYPE;
    this.peer = to;
    this.peerName = name;
    return 0;
  }

  /** connect() with AF_UNSPEC. */
  disconnect(): void {
    this.peer = undefined;
    this.peerName = undefined;
  }

  accept(): number {
    return -EOPNOTSUPP;
  }

  private takeError(): number {
    const { error } = this;
    this.error = 0;
    return error === 0 ? 0 : -error;
  }

  send(bytes: Uint8Array, { to, ancillary }: SendOptions): number {
    const error = this.takeError();
    if (error < 0) return error;
    if (this.sendShut) return -EPIPE;
    const target = to ?? this.peer;
    if (target === undefined) return this.domain === AF_UNIX ? -ENOTCONN : -EDESTADDRREQ;
    if (!(target instanceof DatagramSocket)) return -EPROTOTYPE;
    const local = this.domain === AF_UNIX;
    if (bytes.length > (local ? SOCKET_BUFFER_BYTES : UDP_MAX_BYTES)) return -EMSGSIZE;
    if (target.closed) {
      if (to === undefined) this.disconnect();
      return local ? -ECONNREFUSED : bytes.length;
    }
    if (target.receiveShut) return local ? -EPIPE : bytes.length;
    // A connected socket hears its partner only.
    if (target.peer !== undefined && target.peer !== this) return local ? -EINVAL : bytes.length;
    const full = target.pending + bytes.length > SOCKET_BUFFER_BYTES || (local && target.messages.length >= MAX_DGRAM_QLEN);
    // UDP drops what does not fit; AF_UNIX is reliable.
    if (full) return local ? -EAGAIN : bytes.length;
    const cost = bytes.length + messageCost(ancillary);
    if (!this.buffers.charge(cost)) return -ENOBUFS;
    target.messages.push({ cost, bytes: bytes.slice(), from: this.name, ancillary: local ? ancillary : undefined });
    target.pending += bytes.length;
    target.queue.wakeAll();
    return bytes.length;
  }

  receive(into: Uint8Array, peek: boolean): Received | number {
    const message = this.messages[0];
    if (message === undefined) {
      const error = this.takeError();
      if (error < 0) return error;
      return this.receiveShut ? { count: 0, messageLength: 0, from: undefined, ancillary: undefined } : -EAGAIN;
    }
    const count = Math.min(into.length, message.bytes.length);
    into.set(message.bytes.subarray(0, count));
    if (!peek) {
      this.messages.shift();
      this.buffers.release(message.cost);
      this.pending -= message.bytes.length;
      this.queue.wakeAll();
      this.peer?.queue.wakeAll();
    }
    return { count, messageLength: message.bytes.length, from: message.from, ancillary: message.ancillary };
  }

  shutdown(how: number): number {
    if (how !== SHUT_RD && how !== SHUT_WR && how !== SHUT_RDWR) return -EINVAL;
    if (this.peer === undefined) return -ENOTCONN;
    if (how !== SHUT_WR) this.receiveShut = true;
    if (how !== SHUT_RD) this.sendShut = true;
    this.queue.wakeAll();
    return 0;
  }

  poll(): number {
    let ready = this.error !== 0 ? POLLERR : 0;
    if (this.messages.length > 0 || this.receiveShut) ready |= POLLIN | POLLRDNORM;
    if (this.receiveShut) ready |= POLLRDHUP | (this.sendShut ? POLLHUP : 0);
    const full = this.domain === AF_UNIX && this.peer !== undefined && this.peer.peer !== this && this.peer.messages.length >= MAX_DGRAM_QLEN;
    return full ? ready : ready | POLLOUT | POLLWRNORM;
  }

  available(): number {
    return this.messages[0]?.bytes.length ?? 0;
  }

  close(): void {
    this.closed = true;
    const { peer } = this;
    if (peer?.peer === this) {
      peer.peer = undefined;
      if (this.domain === AF_UNIX) peer.error = ECONNREFUSED;
      peer.queue.wakeAll();
    }
    for (const { ancillary, cost } of this.messages.splice(0)) {
      this.buffers.release(cost);
      if (ancillary !== undefined) this.inFlight.drop(ancillary.files);
    }
    this.peer = undefined;
    this.onClose(this);
  }
}
