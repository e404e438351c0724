/**
 * A bound on what pipes and sockets of one machine hold in host memory.
 *
 * Linux takes their buffers out of RAM and of per-user limits (fs/pipe.c pipe_user_pages_soft, net/core/sock.c sk_forced_mem_schedule());
 * here they are not in guest memory, so they have a limit of their own.
 */
export class BufferBudget {
  private readonly most: number;
  private used = 0;

  /** `most`: bytes. */
  constructor(most: number) {
    this.most = most;
  }

  /** Take `bytes`; false if there are not so many left. */
  charge(bytes: number): boolean {
    if (this.used + bytes > this.most) return false;
    this.used += bytes;
    return true;
  }

  release(bytes: number): void {
    this.used -= bytes;
  }

  /** Bytes in use. */
  get inUse(): number {
    return this.used;
  }
}

/** The budget of a machine with this much RAM, bytes: a quarter of it. */
export const bufferBudgetOf = (ramBytes: number): BufferBudget => new BufferBudget(Math.floor(ramBytes / 4));
