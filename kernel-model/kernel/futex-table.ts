/**
 * Futex keys and queues.
 *
 * Linux: kernel/futex/core.c get_futex_key(), futex_match(), futex_queue(); kernel/futex/futex.h struct futex_q.
 */
import type { Va } from "../../emulator/arch/addr.js";
import type { Inode } from "../fs/file.js";
import type { MmStruct } from "../mm/mm-struct.js";
import { VM_SHARED, type Vma } from "../mm/vma.js";
import type { Task } from "./task.js";

/** All bits: a waiter or a wake without a bit set of its own. */
export const FUTEX_BITSET_MATCH_ANY = 0xffffffff;

/** What a futex address stands for: a private one its mm and address, a shared one the file and the offset in it. */
export interface FutexKey {
  readonly object: MmStruct | Inode;
  readonly offset: number;
}

/** A task that waits on a futex. */
export interface FutexWaiter {
  key: FutexKey;
  readonly bitset: number;
  readonly task: Task;
  /** Taken off its queue by a wake. */
  woken: boolean;
}

/** Key of a private futex. */
export function privateKey(mm: MmStruct, at: Va): FutexKey {
  return { object: mm, offset: at };
}

/** Key of a futex in an area that may be shared; memory of private areas counts as private. */
export function sharedKey(vma: Vma, at: Va): FutexKey {
  if (vma.file === undefined || (vma.flags & VM_SHARED) === 0) return privateKey(vma.mm, at);
  return { object: vma.file.inode, offset: vma.pgoff * vma.mm.sys.granule.pageSize + (at - vma.start) };
}

export class FutexTable {
  private readonly queues = new Map<MmStruct | Inode, Map<number, FutexWaiter[]>>();

  /** Waiters on `key`, oldest first; do not modify. */
  waiters(key: FutexKey): readonly FutexWaiter[] {
    return this.queues.get(key.object)?.get(key.offset) ?? [];
  }

  add(waiter: FutexWaiter): void {
    const { object, offset } = waiter.key;
    let byOffset = this.queues.get(object);
    if (byOffset === undefined) this.queues.set(object, (byOffset = new Map<number, FutexWaiter[]>()));
    const queue = byOffset.get(offset);
    if (queue === undefined) byOffset.set(offset, [waiter]);
    else queue.push(waiter);
  }

  /** Nothing happens if the waiter is on no queue. */
  remove(waiter: FutexWaiter): void {
    const { object, offset } = waiter.key;
    const byOffset = this.queues.get(object);
    const queue = byOffset?.get(offset);
    if (byOffset === undefined || queue === undefined) return;
    const at = queue.indexOf(waiter);
    if (at >= 0) queue.splice(at, 1);
    if (queue.length === 0) byOffset.delete(offset);
    if (byOffset.size === 0) this.queues.delete(object);
  }

  /** Wake up to `count` waiters whose bit set meets `bitset`; how many were woken. */
  wake(key: FutexKey, count: number, bitset: number): number {
    let woken = 0;
    for (const waiter of [...this.waiters(key)]) {
      if (woken >= count) break;
      if ((waiter.bitset & bitset) === 0) continue;
      this.remove(waiter);
      waiter.woken = true;
      waiter.task.wake();
      woken++;
    }
    return woken;
  }

  /** Move up to `count` waiters from one futex to another; how many were moved. */
  requeue(from: FutexKey, to: FutexKey, count: number): number {
    let moved = 0;
    for (const waiter of [...this.waiters(from)]) {
      if (moved >= count) break;
      this.remove(waiter);
      waiter.key = to;
      this.add(waiter);
      moved++;
    }
    return moved;
  }
}
