/**
 * User memory of the current task, as the system calls use it: typed copies over uaccess.
 *
 * Linux: include/linux/uaccess.h. Every page touched is an access by the kernel (EL1) that may fault. Reads give the value or
 * undefined (fault), writes true or false; the caller answers -EFAULT.
 */
import type { Va } from "../../emulator/arch/addr.js";
import type { UserAccess } from "../arch/arm64/uaccess.js";
import { EFAULT, ENAMETOOLONG, ENOENT } from "../errno.js";
import type { UserMemory } from "../fs/vfs.js";
import { PATH_MAX } from "../fs/vfs.js";
import { byteString } from "./byte-string.js";
import { CStruct } from "./c-struct.js";

export class UserSpace implements UserMemory {
  readonly access: UserAccess;

  constructor(access: UserAccess) {
    this.access = access;
  }

  /** `length` bytes at `from`, or -EFAULT. */
  read(from: Va, length: number): Uint8Array | number {
    if (!this.access.accessOk(from, length)) return -EFAULT;
    const bytes = new Uint8Array(length);
    return this.access.copyFromUser(bytes, from) === 0 ? bytes : -EFAULT;
  }

  /** 0 or -EFAULT; what was copied before the fault stays. */
  write(to: Va, bytes: Uint8Array): number {
    return this.access.copyToUser(to, bytes) === 0 ? 0 : -EFAULT;
  }

  /** As write(), as a truth value. */
  put(to: Va, bytes: Uint8Array): boolean {
    return this.access.copyToUser(to, bytes) === 0;
  }

  /** A C structure of `length` bytes, or undefined. */
  struct(from: Va, length: number): CStruct | undefined {
    const bytes = this.read(from, length);
    return typeof bytes === "number" ? undefined : new CStruct(bytes);
  }

  clear(to: Va, length: number): boolean {
    return this.access.clearUser(to, length) === 0;
  }

  u32(at: Va): number | undefined {
    return this.access.getUser32(at);
  }

  i32(at: Va): number | undefined {
    const value = this.access.getUser32(at);
    return value === undefined ? undefined : value | 0;
  }

  u64(at: Va): bigint | undefined {
    return this.access.getUser64(at);
  }

  putU32(at: Va, value: number): boolean {
    return this.access.putUser32(at, value);
  }

  putU64(at: Va, value: number | bigint): boolean {
    return this.access.putUser64(at, BigInt.asUintN(64, BigInt(value)));
  }

  /** A byte string of less than `limit` bytes: -EFAULT, or `tooLong` if it has no zero in time. Linux: strndup_user(). */
  string(from: Va, limit: number, tooLong: number): string | number {
    const bytes = this.access.strncpyFromUser(from, limit);
    if (typeof bytes === "number") return bytes;
    return bytes.length >= limit ? -tooLong : byteString(bytes);
  }

  /** A path: -EFAULT, -ENAMETOOLONG, or -ENOENT if it is empty and may not be. Linux: getname_flags(). */
  path(from: Va, emptyAllowed = false): string | number {
    const path = this.string(from, PATH_MAX, ENAMETOOLONG);
    return path === "" && !emptyAllowed ? -ENOENT : path;
  }

  /** The instruction at `at`, which a CPU may have executed with a translation that has gone old since; no fault is taken. */
  peek32(at: Va): number | undefined {
    if (at % 4 !== 0 || !this.access.accessOk(at, 4)) return undefined;
    const pa = this.access.lookup(at);
    return pa === -1 ? undefined : this.access.sys.memory.u32[pa / 4]!;
  }
}
