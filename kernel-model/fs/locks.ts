/**
 * Advisory locks: record locks of fcntl, by process and by open description, and whole-file locks of flock.
 *
 * Linux: fs/locks.c posix_lock_inode(), flock_lock_inode(), locks_remove_posix(), locks_remove_file(). Differs: no search for deadlocks
 * (EDEADLK); no leases.
 */
import { EAGAIN } from "../errno.js";
import { WaitQueue } from "../kernel/wait-queue.js";

/** Who holds a lock: a descriptor table (a process) or an open description. Compared by identity. */
export type LockOwner = object;

export interface RangeLock {
  readonly owner: LockOwner;
  readonly exclusive: boolean;
  /** First byte and last byte; the last may be Infinity. */
  readonly start: number;
  readonly end: number;
  /** l_pid that F_GETLK reports; -1 for locks of open descriptions. */
  readonly pid: number;
}

/** All locks on one inode. */
export class FileLocks {
  /** Woken when a lock has gone. */
  readonly queue = new WaitQueue();
  private ranges: RangeLock[] = [];
  private whole: { readonly owner: LockOwner; readonly exclusive: boolean }[] = [];

  /** A lock of another owner that stands in the way, undefined if there is none. */
  conflict({ owner, exclusive, start, end }: Omit<RangeLock, "pid">): RangeLock | undefined {
    return this.ranges.find((lock) => lock.owner !== owner && (lock.exclusive || exclusive) && lock.start <= end && lock.end >= start);
  }

  /** Take a range, replacing what the owner holds of it: 0 or -EAGAIN. */
  lock(wanted: RangeLock): number {
    if (this.conflict(wanted) !== undefined) return -EAGAIN;
    this.cut(wanted.owner, wanted.start, wanted.end);
    this.ranges.push(wanted);
    this.merge(wanted.owner);
    // An exclusive lock may have become a shared one.
    this.queue.wakeAll();
    return 0;
  }

  unlock(owner: LockOwner, start: number, end: number): void {
    this.cut(owner, start, end);
    this.queue.wakeAll();
  }

  /** flock(2): 0 or -EAGAIN; `exclusive` undefined gives the lock back. A lock that is converted is lost first. */
  lockWhole(owner: LockOwner, exclusive: boolean | undefined): number {
    const before = this.whole.length;
    this.whole = this.whole.filter((lock) => lock.owner !== owner);
    if (this.whole.length < before) this.queue.wakeAll();
    if (exclusive === undefined) return 0;
    if (this.whole.some((lock) => lock.exclusive || exclusive)) return -EAGAIN;
    this.whole.push({ owner, exclusive });
    return 0;
  }

  /** A process closed a descriptor of the file: its record locks go, whichever descriptor they were made through. */
  releaseProcess(owner: LockOwner): void {
    if (this.ranges.some((lock) => lock.owner === owner)) this.unlock(owner, 0, Infinity);
  }

  /** The last reference to an open description is gone. */
  releaseDescription(owner: LockOwner): void {
    this.releaseProcess(owner);
    this.lockWhole(owner, undefined);
  }

  /** Take [start, end] out of the owner's ranges. */
  private cut(owner: LockOwner, start: number, end: number): void {
    this.ranges = this.ranges.flatMap((lock) => {
      if (lock.owner !== owner || lock.end < start || lock.start > end) return [lock];
      const rest: RangeLock[] = [];
      if (lock.start < start) rest.push({ ...lock, end: start - 1 });
      if (lock.end > end) rest.push({ ...lock, start: end + 1 });
      return rest;
    });
  }

  /** Neighbouring ranges of one kind become one. */
  private merge(owner: LockOwner): void {
    const own = this.ranges.filter((lock) => lock.owner === owner).sort((a, b) => a.start - b.start);
    const merged: RangeLock[] = [];
    for (const lock of own) {
      const last = merged.at(-1);
      if (last !== undefined && last.exclusive === lock.exclusive && last.end + 1 >= lock.start) merged[merged.length - 1] = { ...last, end: Math.max(last.end, lock.end) };
      else merged.push(lock);
    }
    this.ranges = [...this.ranges.filter((lock) => lock.owner !== owner), ...merged];
  }
}
