/**
 * Socket addresses in user memory.
 *
 * Linux: include/uapi/linux/un.h, in.h; net/socket.c move_addr_to_kernel(), move_addr_to_user().
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EFAULT, EINVAL } from "../errno.js";
import { byteString, bytesOf, cString } from "../kernel/byte-string.js";
import { CStruct } from "../kernel/c-struct.js";
import type { Kernel } from "../kernel/kernel.js";
import { INADDR_ANY, INADDR_LOOPBACK, inetAddress, type InetAddress } from "../net/network.js";
import { AF_INET, AF_UNIX, type SocketName } from "../net/socket.js";

const SOCKADDR_MAX = 128;
const SOCKADDR_IN_BYTES = 16;
const SUN_PATH = 2;
const SOCKADDR_UN_BYTES = 110;

/** A parsed address. AF_UNIX: a path, an abstract name (behind "\0"), or "" for no name. */
export type SocketAddress =
  | { readonly family: typeof AF_UNIX; readonly name: string }
  | ({ readonly family: typeof AF_INET } & InetAddress)
  | { readonly family: "unknown"; readonly number: number };

/** The address at `at`; -EFAULT, -EINVAL. */
export function readSockaddr(kernel: Kernel, at: Va, length: number): SocketAddress | number {
  if (length < 0 || length > SOCKADDR_MAX) return -EINVAL;
  const bytes = kernel.user.read(at, length);
  if (typeof bytes === "number") return bytes;
  if (length < SUN_PATH) return -EINVAL;
  const raw = new CStruct(bytes);
  const family = raw.u16(0);
  switch (family) {
    case AF_UNIX: {
      if (length > SOCKADDR_UN_BYTES) return -EINVAL;
      const path = bytes.subarray(SUN_PATH);
      return { family, name: path[0] === 0 ? byteString(path) : cString(path) };
    }
    case AF_INET: {
      if (length < SOCKADDR_IN_BYTES) return -EINVAL;
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      return { family, port: view.getUint16(2, false), address: view.getUint32(4, false) };
    }
    default:
      return { family: "unknown", number: family };
  }
}

/** The address of a name as bytes. `remote`: an unspecified AF_INET address is the loopback to others. */
export function encodeSockaddr(domain: number, name: SocketName, remote: boolean): Uint8Array {
  if (domain === AF_INET) {
    const { address, port } = inetAddress(name);
    const bytes = new Uint8Array(SOCKADDR_IN_BYTES);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, AF_INET, true);
    view.setUint16(2, port, false);
    view.setUint32(4, remote && address === INADDR_ANY && name !== undefined ? INADDR_LOOPBACK : address, false);
    return bytes;
  }
  const abstract = name?.startsWith("\0") === true;
  const path = name === undefined ? new Uint8Array(0) : bytesOf(abstract ? name : `${name}\0`);
  const bytes = new Uint8Array(SUN_PATH + path.length);
  new DataView(bytes.buffer).setUint16(0, AF_UNIX, true);
  bytes.set(path, SUN_PATH);
  return bytes;
}

/** Write an address to `at`, cut to the length at `lengthAt`, which becomes the true one: 0, -EFAULT, -EINVAL. */
export function writeSockaddr(kernel: Kernel, at: Va, lengthAt: Va, bytes: Uint8Array): number {
  const room = kernel.user.i32(lengthAt);
  if (room === undefined) return -EFAULT;
  if (room < 0) return -EINVAL;
  if (!kernel.user.put(at, bytes.subarray(0, Math.min(room, bytes.length)))) return -EFAULT;
  return kernel.user.putU32(lengthAt, bytes.length) ? 0 : -EFAULT;
}
