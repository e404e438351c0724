/**
 * Faults that a process handles itself: who is told, and who waits.
 *
 * Linux: fs/userfaultfd.c struct userfaultfd_ctx, handle_userfault(), dup_userfaultfd(), mremap_userfaultfd_prep(); include/linux/userfaultfd_k.h.
 * Differs: absent pages of anonymous memory only; an access by the kernel never waits, as if UFFD_USER_MODE_ONLY had been asked for.
 */
import { alignDown, type Va } from "../../emulator/arch/addr.js";
import { WaitQueue } from "../kernel/wait-queue.js";
import type { MmStruct } from "./mm-struct.js";
import { FAULT_FLAG_ALLOW_RETRY, FAULT_FLAG_USER, FAULT_FLAG_WRITE, VM_FAULT_RETRY, VM_FAULT_SIGBUS, VM_UFFD_MISSING, type VmFault, type Vma } from "./vma.js";

/** UFFD_FEATURE_*: faults end in SIGBUS at once; addresses are told to the byte. */
export const UFFD_FEATURE_SIGBUS = 1 << 7;
export const UFFD_FEATURE_EXACT_ADDRESS = 1 << 11;

/** A fault that waits for its page. Life: told (a reader may take the message) -> read -> resolved. */
export interface Userfault {
  readonly address: Va;
  readonly write: boolean;
  resolved: boolean;
  readonly queue: WaitQueue;
}

/** One userfaultfd. */
export class Userfaultfd {
  readonly mm: MmStruct;
  /** Features that UFFDIO_API has switched on; undefined before that call. */
  features: number | undefined;
  /** The last descriptor has been closed. */
  released = false;
  /** Woken by every new message. */
  readonly queue = new WaitQueue();
  /** Faults that no one has read yet, and those that wait for an answer. */
  readonly pending: Userfault[] = [];
  private answered: Userfault[] = [];

  constructor(mm: MmStruct) {
    this.mm = mm;
  }

  /** The oldest fault that no one knows of yet. */
  take(): Userfault | undefined {
    const fault = this.pending.shift();
    if (fault !== undefined) this.answered.push(fault);
    return fault;
  }

  /** Let all who wait for addresses in [start, end) try again. Linux: wake_userfault(). */
  wake(start: number, end: number): void {
    const wakes = ({ address }: Userfault): boolean => address >= start && address < end;
    for (const fault of [...this.pending, ...this.answered].filter(wakes)) {
      fault.resolved = true;
      fault.queue.wakeAll();
    }
    this.pending.splice(0, Infinity, ...this.pending.filter((fault) => !wakes(fault)));
    this.answered = this.answered.filter((fault) => !wakes(fault));
  }
}

/** userfaultfd_missing(): faults of absent pages in the area are someone else's. */
export function userfaultfdMissing(vma: Vma): boolean {
  return (vma.flags & VM_UFFD_MISSING) !== 0;
}

/** The area is no longer handled by a userfaultfd: after a move or in a forked child. */
export function dropUserfaultfd(vma: Vma): void {
  if (!userfaultfdMissing(vma)) return;
  vma.flags &= ~VM_UFFD_MISSING;
  vma.uffd = undefined;
}

/** Tell the area's userfaultfd. VM_FAULT_RETRY with `mm.userfaultWait` set, or VM_FAULT_SIGBUS for who cannot wait. */
export function handleUserfault(vmf: VmFault): number {
  const { vma } = vmf;
  const context = vma.uffd;
  if (context?.features === undefined || context.released || (context.features & UFFD_FEATURE_SIGBUS) !== 0) return VM_FAULT_SIGBUS;
  if ((vmf.flags & FAULT_FLAG_USER) === 0 || (vmf.flags & FAULT_FLAG_ALLOW_RETRY) === 0) return VM_FAULT_SIGBUS;
  const exact = (context.features & UFFD_FEATURE_EXACT_ADDRESS) !== 0;
  const address = exact ? vmf.realAddress : alignDown(vmf.address, vma.mm.sys.granule.pageSize);
  const fault: Userfault = { address, write: (vmf.flags & FAULT_FLAG_WRITE) !== 0, resolved: false, queue: new WaitQueue() };
  context.pending.push(fault);
  context.queue.wakeAll();
  vma.mm.userfaultWait = fault;
  return VM_FAULT_RETRY;
}
