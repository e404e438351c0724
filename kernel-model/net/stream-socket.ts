/**
 * Connected sockets: AF_UNIX SOCK_STREAM and SOCK_SEQPACKET, and TCP over the loopback.
 *
 * Linux: net/unix/af_unix.c unix_stream_connect(), unix_stream_sendmsg(), unix_stream_read_generic(), unix_poll(); net/ipv4/tcp.c
 * tcp_poll(). Differs: a TCP connection is made, filled and closed at once, without segments, windows or TIME_WAIT.
 */
import { EAGAIN, ECONNREFUSED, ECONNRESET, EINVAL, EISCONN, EMSGSIZE, ENOBUFS, ENOTCONN, EPIPE } from "../errno.js";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRNORM } from "../fs/vfs.js";
import type { BufferBudget } from "../fs/buffer-budget.js";
import { WaitQueue } from "../kernel/wait-queue.js";
import type { InFlight } from "./in-flight.js";
import { AF_UNIX, SHUT_RD, SHUT_RDWR, SHUT_WR, SOCKET_BUFFER_BYTES, SOCK_SEQPACKET, SOMAXCONN, messageCost } from "./socket.js";
import type { Ancillary, PeerCredentials, Received, SendOptions, Socket, SocketName } from "./socket.js";

/** What one send() left; bytes from `at` on wait. */
interface Segment {
  readonly bytes: Uint8Array;
  at: number;
  /** Bytes charged to the machine's budget until the segment is gone. */
  readonly cost: number;
  ancillary: Ancillary | undefined;
}

type State = "new" | "listening" | "connected" | "reset";

export class StreamSocket implements Socket {
  readonly domain: number;
  readonly type: number;
  readonly protocol: number;
  readonly queue = new WaitQueue();
  readonly credentials: PeerCredentials;
  name: SocketName;
  error = 0;
  reuseAddress = false;
  peer: StreamSocket | undefined;
  peerName: SocketName;
  peerCredentials: PeerCredentials | undefined;
  private state: State = "new";
  private readonly segments: Segment[] = [];
  private pending = 0;
  private readonly buffers: BufferBudget;
  private readonly inFlight: InFlight;
  private receiveShut = false;
  private sendShut = false;
  /** Connections that wait for accept(), oldest first. */
  private backlog: StreamSocket[] = [];
  private maxBacklog = 0;
  /** Called when the last reference goes, to give the name back. */
  private readonly onClose: (socket: StreamSocket) => void;

  constructor(options: {
    readonly domain: number;
    readonly type: number;
    readonly protocol: number;
    readonly credentials: PeerCredentials;
    readonly buffers: BufferBudget;
    readonly inFlight: InFlight;
    readonly onClose: (socket: StreamSocket) => void;
  }) {
    this.domain = options.domain;
    this.type = options.type;
    this.protocol = options.protocol;
    this.credentials = options.credentials;
    this.buffers = options.buffers;
    this.inFlight = options.inFlight;
    this.onClose = options.onClose;
  }

  get listening(): boolean {
    return this.state === "listening";
  }

  get connected(): boolean {
    return this.state === "connected";
  }

  /** Two ends of one connection (socketpair, connect). */
  join(other: StreamSocket): void {
    this.peer = other;
    other.peer = this;
    this.peerName = other.name;
    other.peerName = this.name;
    this.peerCredentials = other.credentials;
    other.peerCredentials = this.credentials;
    this.state = other.state = "connected";
  }

  listen(backlog: number): number {
    if (this.state !== "new" && this.state !== "listening") return -EINVAL;
    if (this.name === undefined) return -EINVAL;
    this.state = "listening";
    this.maxBacklog = Math.min(backlog < 0 ? SOMAXCONN : backlog, SOMAXCONN);
    return 0;
  }

  connect(to: Socket, name: SocketName): number {
    if (this.state === "listening") return -EINVAL;
    if (this.state === "connected") return -EISCONN;
    if (!(to instanceof StreamSocket) || to.state !== "listening" || to.receiveShut) return -ECONNREFUSED;
    if (to.backlog.length > to.maxBacklog) return -EAGAIN;
    const server = new StreamSocket({ domain: this.domain, type: this.type, protocol: this.protocol, credentials: to.credentials, buffers: this.buffers, inFlight: this.inFlight, onClose: () => undefined });
    server.name = name;
    this.join(server);
    to.backlog.push(server);
    to.queue.wakeAll();
    return 0;
  }

  accept(): Socket | number {
    if (this.state !== "listening") return -EINVAL;
    const next = this.backlog.shift();
    if (next === undefined) return this.receiveShut ? -EINVAL : -EAGAIN;
    this.queue.wakeAll();
    return next;
  }

  /** The error that waits, reported once. */
  private takeError(): number {
    const { error } = this;
    this.error = 0;
    return error === 0 ? 0 : -error;
  }

  send(bytes: Uint8Array, { ancillary }: SendOptions): number {
    const { peer } = this;
    // The end of the other side is told by TCP as the error that it left, by AF_UNIX as a broken pipe.
    const error = this.domain === AF_UNIX && this.state === "connected" ? 0 : this.takeError();
    if (error < 0) return error;
    if (this.state === "new" || this.state === "listening") return this.domain === AF_UNIX ? -ENOTCONN : -EPIPE;
    if (this.sendShut || peer === undefined || peer.receiveShut) return -EPIPE;
    const room = SOCKET_BUFFER_BYTES - peer.pending;
    const whole = this.type === SOCK_SEQPACKET;
    if (whole && bytes.length > SOCKET_BUFFER_BYTES) return -EMSGSIZE;
    if (bytes.length === 0 && !whole) return 0;
    if (room <= 0 || (whole && room < bytes.length)) return -EAGAIN;
    const taken = bytes.slice(0, room);
    const carries = ancillary.files.length > 0;
    const cost = taken.length + messageCost(ancillary);
    if (!this.buffers.charge(cost)) return -ENOBUFS;
    peer.segments.push({ bytes: taken, at: 0, cost, ancillary: carries || this.domain === AF_UNIX ? ancillary : undefined });
    peer.pending += taken.length;
    peer.queue.wakeAll();
    return taken.length;
  }

  receive(into: Uint8Array, peek: boolean): Received | number {
    if (this.state === "new" || this.state === "listening") return this.domain === AF_UNIX && this.state === "new" ? -EINVAL : -ENOTCONN;
    if (this.segments.length === 0) {
      const error = this.takeError();
      if (error < 0) return error;
      if (this.receiveShut || this.peer === undefined || this.peer.sendShut) return { count: 0, messageLength: 0, from: undefined, ancillary: undefined };
      return -EAGAIN;
    }
    const whole = this.type === SOCK_SEQPACKET;
    const first = this.segments[0]!;
    let { ancillary } = first;
    let count = 0;
    let index = 0;
    while (index < this.segments.length && (count < into.length || (whole && index === 0))) {
      const segment = this.segments[index]!;
      const bytes = Math.min(into.length - count, segment.bytes.length - segment.at);
      into.set(segment.bytes.subarray(segment.at, segment.at + bytes), count);
      count += bytes;
      // Descriptors in flight come with the bytes that they were sent with, and end the read.
      const carries = (segment.ancillary?.files.length ?? 0) > 0;
      if (carries) ancillary = segment.ancillary;
      if (peek) index++;
      else {
        segment.at += bytes;
        this.pending -= whole ? segment.bytes.length : bytes;
        if (segment.ancillary !== undefined) segment.ancillary = { ...segment.ancillary, files: [] };
        if (!whole && segment.at < segment.bytes.length) break;
        this.segments.shift();
        this.buffers.release(segment.cost);
      }
      if (whole || carries) break;
    }
    if (!peek) this.peer?.queue.wakeAll();
    return { count, messageLength: whole ? first.bytes.length : count, from: this.peerName, ancillary };
  }

  shutdown(how: number): number {
    if (how !== SHUT_RD && how !== SHUT_WR && how !== SHUT_RDWR) return -EINVAL;
    if (this.state === "new") return -ENOTCONN;
    if (how !== SHUT_WR) this.receiveShut = true;
    if (how !== SHUT_RD) this.sendShut = true;
    this.queue.wakeAll();
    this.peer?.queue.wakeAll();
    return 0;
  }

  poll(): number {
    if (this.state === "listening") return this.backlog.length > 0 ? POLLIN | POLLRDNORM : 0;
    let ready = this.error !== 0 ? POLLERR : 0;
    if (this.state === "new") return ready | POLLOUT | POLLWRNORM | POLLHUP;
    const peerDone = this.peer === undefined || this.peer.sendShut;
    if (this.segments.length > 0 || peerDone || this.receiveShut) ready |= POLLIN | POLLRDNORM;
    if (peerDone || this.receiveShut) ready |= POLLRDHUP;
    if (this.peer === undefined || (this.sendShut && (this.receiveShut || this.peer.sendShut))) ready |= POLLHUP;
    const { peer } = this;
    if (peer === undefined || this.sendShut || peer.receiveShut || SOCKET_BUFFER_BYTES - peer.pending >= SOCKET_BUFFER_BYTES / 4) ready |= POLLOUT | POLLWRNORM;
    return ready;
  }

  available(): number {
    return this.pending;
  }

  close(): void {
    const { peer } = this;
    if (peer !== undefined) {
      peer.peer = undefined;
      if (this.segments.length > 0) peer.error = ECONNRESET;
      peer.queue.wakeAll();
    }
    for (const { ancillary, cost } of this.segments.splice(0)) {
      this.buffers.release(cost);
      if (ancillary !== undefined) this.inFlight.drop(ancillary.files);
    }
    for (const waiting of this.backlog.splice(0)) {
      if (waiting.peer !== undefined) waiting.peer.error = ECONNRESET;
      waiting.close();
    }
    this.peer = undefined;
    this.state = "reset";
    this.onClose(this);
    this.queue.wakeAll();
  }
}
