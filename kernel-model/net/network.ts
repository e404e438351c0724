/**
 * Names of sockets: AF_UNIX paths and abstract names, AF_INET ports of the loopback.
 *
 * Linux: net/unix/af_unix.c unix_bind(), unix_find_other(), unix_autobind(); net/ipv4/inet_connection_sock.c inet_csk_get_port();
 * net/ipv4/udp.c udp_lib_get_port(). Differs: there is one network interface, lo, with 127.0.0.0/8.
 */
import { EADDRINUSE, EADDRNOTAVAIL, ECONNREFUSED, EINVAL, ENETUNREACH } from "../errno.js";
import type { VfsInode } from "../fs/vfs.js";
import { InFlight } from "./in-flight.js";
import type { Socket, SocketName } from "./socket.js";
import { SOCK_STREAM } from "./socket.js";

/** An AF_INET address; numbers in host order. */
export interface InetAddress {
  readonly address: number;
  readonly port: number;
}

const LOOPBACK_NET = 127;
export const INADDR_ANY = 0;
export const INADDR_LOOPBACK = 0x7f000001;
/** Ports given out. Linux: net.ipv4.ip_local_port_range. */
const FIRST_LOCAL_PORT = 32768;
const LAST_LOCAL_PORT = 60999;

const isLoopback = (address: number): boolean => Math.floor(address / 2 ** 24) === LOOPBACK_NET;

export const inetName = ({ address, port }: InetAddress): string => `${address}:${port}`;

/** The address of a bound or connected AF_INET socket; 0.0.0.0:0 for one that is neither. */
export function inetAddress(name: SocketName): InetAddress {
  const [address = "0", port = "0"] = (name ?? "0:0").split(":");
  return { address: Number(address), port: Number(port) };
}

export class Network {
  readonly inFlight = new InFlight();
  private readonly abstract = new Map<string, Socket>();
  /** Sockets bound to a path, by the inode that stands there. */
  private readonly paths = new WeakMap<VfsInode, Socket>();
  /** Bound AF_INET sockets by type and port. */
  private readonly ports = new Map<string, Set<Socket>>();
  private nextPort = FIRST_LOCAL_PORT;
  private autobinds = 0;

  // --- AF_UNIX ------------------------------------------------------------------

  /** Bind to an abstract name (without its leading zero byte); 0 or -EADDRINUSE. */
  bindAbstract(socket: Socket, name: string): number {
    if (this.abstract.has(name)) return -EADDRINUSE;
    this.abstract.set(name, socket);
    socket.name = `\0${name}`;
    return 0;
  }

  /** A name of five hexadecimal digits, as bind() with no name gives it. */
  autobind(socket: Socket): number {
    for (;;) {
      const name = (this.autobinds++ % 2 ** 20).toString(16).padStart(5, "0");
      if (this.bindAbstract(socket, name) === 0) return 0;
    }
  }

  /** Bind to the inode that was made for it. */
  bindPath(socket: Socket, inode: VfsInode, path: string): void {
    this.paths.set(inode, socket);
    socket.name = path;
  }

  findAbstract(name: string): Socket | number {
    return this.abstract.get(name) ?? -ECONNREFUSED;
  }

  findPath(inode: VfsInode): Socket | number {
    return this.paths.get(inode) ?? -ECONNREFUSED;
  }

  /** The socket is gone: its abstract name is free, its path leads nowhere. */
  releaseUnix(socket: Socket): void {
    const { name } = socket;
    if (name?.startsWith("\0") === true && this.abstract.get(name.slice(1)) === socket) this.abstract.delete(name.slice(1));
  }

  // --- AF_INET ------------------------------------------------------------------

  private bound(type: number, port: number): Set<Socket> {
    const key = `${type}:${port}`;
    let found = this.ports.get(key);
    if (found === undefined) this.ports.set(key, (found = new Set()));
    return found;
  }

  /** Two sockets cannot have one port if their addresses overlap, unless both allow it and none of them listens. */
  private taken(socket: Socket, wanted: InetAddress): boolean {
    for (const other of this.bound(socket.type, wanted.port)) {
      const { address } = inetAddress(other.name);
      if (address !== INADDR_ANY && wanted.address !== INADDR_ANY && address !== wanted.address) continue;
      if (!socket.reuseAddress || !other.reuseAddress || other.listening) return true;
    }
    return false;
  }

  /** bind(): port 0 means any. 0, -EADDRNOTAVAIL, -EADDRINUSE, -EINVAL (already bound). */
  bindInet(socket: Socket, wanted: InetAddress): number {
    if (socket.name !== undefined) return -EINVAL;
    if (wanted.address !== INADDR_ANY && !isLoopback(wanted.address)) return -EADDRNOTAVAIL;
    let { port } = wanted;
    if (port === 0) {
      const span = LAST_LOCAL_PORT - FIRST_LOCAL_PORT + 1;
      for (let tried = 0; tried < span && port === 0; tried++) {
        const candidate = FIRST_LOCAL_PORT + ((this.nextPort - FIRST_LOCAL_PORT + tried) % span);
        if (this.bound(socket.type, candidate).size === 0) port = candidate;
      }
      if (port === 0) return -EADDRINUSE;
      this.nextPort = port + 1 > LAST_LOCAL_PORT ? FIRST_LOCAL_PORT : port + 1;
    } else if (this.taken(socket, wanted)) return -EADDRINUSE;
    this.bound(socket.type, port).add(socket);
    socket.name = inetName({ address: wanted.address, port });
    return 0;
  }

  /** Who receives what is sent to an address: -ENETUNREACH outside the loopback, -ECONNREFUSED if no one listens. */
  findInet(type: number, { address, port }: InetAddress): Socket | number {
    const target = address === INADDR_ANY ? INADDR_LOOPBACK : address;
    if (!isLoopback(target)) return -ENETUNREACH;
    let best: Socket | undefined;
    for (const socket of this.bound(type, port)) {
      const own = inetAddress(socket.name).address;
      if (own !== INADDR_ANY && own !== target) continue;
      if (type === SOCK_STREAM && !socket.listening) continue;
      if (best === undefined || own === target) best = socket;
    }
    return best ?? -ECONNREFUSED;
  }

  releaseInet(socket: Socket): void {
    if (socket.name === undefined) return;
    const { port } = inetAddress(socket.name);
    const holders = this.ports.get(`${socket.type}:${port}`);
    holders?.delete(socket);
    if (holders?.size === 0) this.ports.delete(`${socket.type}:${port}`);
  }
}
