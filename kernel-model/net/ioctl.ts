/**
 * ioctls of sockets: how much is queued, and the one network interface.
 *
 * Linux: net/ipv4/af_inet.c inet_ioctl(), net/ipv4/devinet.c devinet_ioctl(), net/core/dev_ioctl.c dev_ifsioc(), dev_ifconf(), net/unix/af_unix.c
 * unix_ioctl(); include/uapi/linux/sockios.h, if.h struct ifreq, struct ifconf.
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EADDRNOTAVAIL, EFAULT, ENODEV, ENOTTY, EPERM } from "../errno.js";
import type { UserMemory } from "../fs/vfs.js";
import { CStruct } from "../kernel/c-struct.js";
import { AF_INET, type Socket } from "./socket.js";

const TIOCOUTQ = 0x5411;
const FIONREAD = 0x541b;
const SIOCGIFNAME = 0x8910;
const SIOCGIFCONF = 0x8912;
const SIOCGIFFLAGS = 0x8913;
const SIOCGIFADDR = 0x8915;
const SIOCGIFDSTADDR = 0x8917;
const SIOCGIFBRDADDR = 0x8919;
const SIOCGIFNETMASK = 0x891b;
const SIOCGIFMETRIC = 0x891d;
const SIOCGIFMTU = 0x8921;
const SIOCGIFHWADDR = 0x8927;
const SIOCGIFINDEX = 0x8933;
const SIOCGIFTXQLEN = 0x8942;
/** Requests that set what the ones above read have even numbers below; all need a privilege over the network that no guest has. */
const SIOCSIFFLAGS = 0x8914;
const SIOCSIFADDR = 0x8916;
const SIOCSIFNETMASK = 0x891c;
const SIOCSIFMTU = 0x8922;

const IFREQ_BYTES = 40;
/** Behind the name. */
const IFR_DATA = 16;
const IFNAMSIZ = 16;

/** The loopback interface. */
const NAME = "lo";
const INDEX = 1;
const MTU = 65_536;
const TX_QUEUE_LENGTH = 1000;
/** IFF_UP, IFF_LOOPBACK, IFF_RUNNING. */
const FLAGS = 0x1 | 0x8 | 0x40;
const ARPHRD_LOOPBACK = 772;
const ADDRESS = [127, 0, 0, 1];
const NETMASK = [255, 0, 0, 0];

/** A sockaddr_in with an address and no port at `at`. */
function putAddress(out: CStruct, at: number, address: readonly number[]): void {
  out.setU16(at, AF_INET);
  out.bytes.set(address, at + 4);
}

/** Fills the answer of a request about the interface; undefined: no such request. */
function answer(command: number, out: CStruct): number | undefined {
  out.bytes.fill(0, IFR_DATA);
  switch (command) {
    case SIOCGIFFLAGS:
      out.setU16(IFR_DATA, FLAGS);
      return 0;
    case SIOCGIFADDR:
    case SIOCGIFDSTADDR:
      putAddress(out, IFR_DATA, ADDRESS);
      return 0;
    case SIOCGIFBRDADDR:
      putAddress(out, IFR_DATA, [0, 0, 0, 0]);
      return 0;
    case SIOCGIFNETMASK:
      putAddress(out, IFR_DATA, NETMASK);
      return 0;
    case SIOCGIFHWADDR:
      out.setU16(IFR_DATA, ARPHRD_LOOPBACK);
      return 0;
    case SIOCGIFMETRIC:
      return 0;
    case SIOCGIFMTU:
      out.setU32(IFR_DATA, MTU);
      return 0;
    case SIOCGIFINDEX:
      out.setU32(IFR_DATA, INDEX);
      return 0;
    case SIOCGIFTXQLEN:
      out.setU32(IFR_DATA, TX_QUEUE_LENGTH);
      return 0;
    case SIOCSIFFLAGS:
    case SIOCSIFADDR:
    case SIOCSIFNETMASK:
    case SIOCSIFMTU:
      return -EPERM;
    default:
      return undefined;
  }
}

/** One struct ifreq per interface, as many as fit, or with no buffer the size of all. */
function ifconf(argument: Va, user: UserMemory): number {
  const raw = user.read(argument, 16);
  if (typeof raw === "number") return -EFAULT;
  const request = new CStruct(raw);
  const to = request.size(8) as Va;
  let bytes = IFREQ_BYTES;
  if (to !== 0) {
    if (request.i32(0) < IFREQ_BYTES) bytes = 0;
    const out = new CStruct(bytes);
    if (bytes > 0) {
      out.setString(0, NAME);
      putAddress(out, IFR_DATA, ADDRESS);
    }
    if (user.write(to, out.bytes) < 0) return -EFAULT;
  }
  return user.write(argument, request.setU32(0, bytes).bytes.subarray(0, 4)) < 0 ? -EFAULT : 0;
}

function interfaceRequest(command: number, argument: Va, user: UserMemory): number {
  const raw = user.read(argument, IFREQ_BYTES);
  if (typeof raw === "number") return -EFAULT;
  const request = new CStruct(raw);
  if (command === SIOCGIFNAME) {
    if (request.i32(IFR_DATA) !== INDEX) return -ENODEV;
    request.bytes.fill(0, 0, IFNAMSIZ);
    request.setString(0, NAME);
    return user.write(argument, request.bytes) < 0 ? -EFAULT : 0;
  }
  const name = String.fromCharCode(...raw.subarray(0, IFNAMSIZ - 1)).split("\0")[0]!;
  const known = answer(command, request);
  if (known === undefined) return -ENOTTY;
  // "lo:1" would be a further address of the same interface.
  if (name.split(":")[0] !== NAME) return -ENODEV;
  if (name !== NAME && (command === SIOCGIFADDR || command === SIOCGIFNETMASK)) return -EADDRNOTAVAIL;
  if (known < 0) return known;
  return user.write(argument, request.bytes) < 0 ? -EFAULT : 0;
}

/** 0 or -errno. */
export function socketIoctl(socket: Socket, command: number, argument: Va, user: UserMemory): number {
  const give = (count: number): number => (user.write(argument, new CStruct(4).setU32(0, count).bytes) < 0 ? -EFAULT : 0);
  switch (command) {
    case FIONREAD:
      return give(socket.available());
    case TIOCOUTQ:
      // What was sent lies with the receiver at once.
      return give(0);
    case SIOCGIFCONF:
      return ifconf(argument, user);
    default:
      return command >= SIOCGIFNAME && command <= SIOCGIFTXQLEN ? interfaceRequest(command, argument, user) : -ENOTTY;
  }
}
