/**
 * Wait queues: who sleeps until something changes.
 *
 * Linux: include/linux/wait.h, kernel/sched/wait.c.
 * A sleeper is not a thread that stands in the middle of a function but a record with a condition to look at again when woken.
 */

/** What a wait queue wakes: a task that sleeps, or anyone who wants to look again (epoll, timers of tests). */
export interface Waiter {
  /** The thing waited for may have happened. */
  wake(): void;
}

export class WaitQueue {
  /** Oldest first: wake order is arrival order. */
  private readonly waiters = new Set<Waiter>();

  add(waiter: Waiter): void {
    this.waiters.add(waiter);
  }

  remove(waiter: Waiter): void {
    this.waiters.delete(waiter);
  }

  get empty(): boolean {
    return this.waiters.size === 0;
  }

  /** Wake every waiter, in the order in which they came. Linux: wake_up_all(). */
  wakeAll(): void {
    for (const waiter of [...this.waiters]) waiter.wake();
  }
}
