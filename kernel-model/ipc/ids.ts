/**
 * Identifiers of System V IPC objects: keys, permissions, ids that are not given away again soon.
 *
 * Linux: ipc/util.c ipc_addid(), ipc_obtain_object_check(), ipcget(), ipcperms(); include/uapi/asm-generic/ipcbuf.h struct ipc64_perm.
 */
import { EACCES, EEXIST, EIDRM, EINVAL, ENOENT, ENOSPC, EPERM } from "../errno.js";
import type { CStruct } from "../kernel/c-struct.js";
import type { Credentials } from "../kernel/task.js";

export const IPC_PRIVATE = 0;
export const IPC_CREAT = 0o1000;
export const IPC_EXCL = 0o2000;
export const IPC_NOWAIT = 0o4000;
export const IPC_RMID = 0;
export const IPC_SET = 1;
export const IPC_STAT = 2;
export const IPC_INFO = 3;

export const S_IRUGO = 0o444;
export const S_IWUGO = 0o222;

/** Bytes of struct ipc64_perm, with which every *_ds begins. */
export const PERM_BYTES = 48;

const IPCMNI_SHIFT = 15;
const IPCMNI = 2 ** IPCMNI_SHIFT;
/** Places used in turn before one is used again, at least. */
const MIN_CYCLE = 64;
const MAX_SEQ = 2 ** (31 - IPCMNI_SHIFT);

/** Owner and identity of an object. */
export interface IpcPerm {
  readonly key: number;
  readonly id: number;
  readonly seq: number;
  readonly cuid: number;
  readonly cgid: number;
  uid: number;
  gid: number;
  /** Permission bits, and flags of the object's kind. */
  mode: number;
  /** The object was removed; its id is no longer known. */
  deleted: boolean;
}

export interface IpcObject {
  readonly perm: IpcPerm;
}

/** 0, or -EACCES if the modes of `flag` are not granted. Linux: ipcperms(). */
export function ipcPerms(perm: IpcPerm, by: Credentials, flag: number): number {
  const wanted = ((flag >> 6) | (flag >> 3) | flag) & 7;
  let granted = perm.mode;
  if (by.euid === perm.cuid || by.euid === perm.uid) granted >>= 6;
  else if ([by.egid, ...by.groups].some((gid) => gid === perm.cgid || gid === perm.gid)) granted >>= 3;
  return (wanted & ~granted) !== 0 && by.euid !== 0 ? -EACCES : 0;
}

/** The objects of one kind. */
export class IpcIds<T extends IpcObject> {
  /** By place: the low bits of an id. */
  private readonly objects = new Map<number, T>();
  private readonly keys = new Map<number, T>();
  private last = -1;
  private seq = 0;
  private readonly limit: number;

  /** `limit`: objects at most. */
  constructor(limit: number) {
    this.limit = Math.min(limit, IPCMNI);
  }

  get inUse(): number {
    return this.objects.size;
  }

  /** Highest place in use, -1 if there is none: what the *_INFO commands return. */
  get maxIndex(): number {
    return Math.max(-1, ...this.objects.keys());
  }

  /** In the order of their places. */
  all(): T[] {
    return [...this.objects.entries()].sort(([a], [b]) => a - b).map(([, object]) => object);
  }

  /** Enters what `make` builds around the new identity. Its id, or -ENOSPC, or what `make` returns. Linux: ipc_addid(). */
  add(key: number, mode: number, by: Credentials, make: (perm: IpcPerm) => T | number): number {
    if (this.objects.size >= this.limit) return -ENOSPC;
    const places = Math.min(Math.max(Math.floor((this.objects.size * 3) / 2), MIN_CYCLE), IPCMNI);
    let index = (this.last + 1) % places;
    while (this.objects.has(index)) index = (index + 1) % places;
    const seq = index <= this.last ? (this.seq + 1) % MAX_SEQ : this.seq;
    const id = seq * IPCMNI + index;
    const made = make({ key, id, seq, cuid: by.euid, cgid: by.egid, uid: by.euid, gid: by.egid, mode: mode & 0o777, deleted: false });
    if (typeof made === "number") return made;
    this.last = index;
    this.seq = seq;
    this.objects.set(index, made);
    if (key !== IPC_PRIVATE) this.keys.set(key, made);
    return id;
  }

  /** The object with an id: -EINVAL if there is none, -EIDRM if its place was given to another. */
  get(id: number): T | number {
    const object = id < 0 ? undefined : this.objects.get(id % IPCMNI);
    if (object === undefined) return -EINVAL;
    return object.perm.id === id ? object : -EIDRM;
  }

  /** The object at a place, for the *_STAT commands that walk over all. */
  at(index: number): T | number {
    return this.objects.get(index % IPCMNI) ?? -EINVAL;
  }

  /** No one finds it by its key any more; it keeps its id. */
  forgetKey(object: T): void {
    if (this.keys.get(object.perm.key) === object) this.keys.delete(object.perm.key);
  }

  remove(object: T): void {
    this.forgetKey(object);
    this.objects.delete(object.perm.id % IPCMNI);
    object.perm.deleted = true;
  }

  /** shmget, semget, msgget. `check`: whether an object that exists fits the request. Linux: ipcget(). */
  getOrMake(key: number, flag: number, by: Credentials, make: (perm: IpcPerm) => T | number, check: (object: T) => number): number {
    if (key === IPC_PRIVATE) return this.add(key, flag, by, make);
    const found = this.keys.get(key);
    if (found === undefined) return (flag & IPC_CREAT) === 0 ? -ENOENT : this.add(key, flag, by, make);
    if ((flag & IPC_CREAT) !== 0 && (flag & IPC_EXCL) !== 0) return -EEXIST;
    const unfit = check(found);
    if (unfit < 0) return unfit;
    return ipcPerms(found.perm, by, flag) < 0 ? -EACCES : found.perm.id;
  }

  /** The object with an id if its owner, its maker or root asks: IPC_SET, IPC_RMID. Linux: ipcctl_obtain_check(). */
  owned(id: number, by: Credentials): T | number {
    const object = this.get(id);
    if (typeof object === "number") return object;
    return [object.perm.cuid, object.perm.uid, 0].some((uid) => uid === by.euid || by.euid === 0) ? object : -EPERM;
  }
}

/** Write struct ipc64_perm at the start of `out`. */
export function encodePerm(out: CStruct, { key, uid, gid, cuid, cgid, mode, seq }: IpcPerm): void {
  out.setU32(0, key >>> 0).setU32(4, uid).setU32(8, gid).setU32(12, cuid).setU32(16, cgid).setU32(20, mode).setU16(24, seq % 65536);
}

/** What IPC_SET changes: owner and permission bits. Linux: ipc_update_perm(). */
export function updatePerm(perm: IpcPerm, from: CStruct): void {
  perm.uid = from.u32(4);
  perm.gid = from.u32(8);
  perm.mode = (perm.mode & ~0o777) | (from.u32(20) & 0o777);
}
