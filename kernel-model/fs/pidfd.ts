/**
 * A process, or one of its threads, as an open file.
 *
 * Linux: fs/pidfs.c pidfd_poll(), kernel/pid.c.
 */
import { EBADF } from "../errno.js";
import type { Task } from "../kernel/task.js";
import { WaitQueue } from "../kernel/wait-queue.js";
import type { FileOperations, OpenFile } from "./vfs.js";
import { POLLHUP, POLLIN, POLLRDNORM } from "./vfs.js";

/** What a pidfd stands for. The task may be gone; its process id is not given away through the descriptor again. */
export class PidFd {
  readonly task: Task;
  /** PIDFD_THREAD: it stands for the thread, not for its process. */
  readonly thread: boolean;
  readonly operations: FileOperations;

  constructor(task: Task, thread: boolean) {
    this.task = task;
    this.thread = thread;
    this.operations = {
      seekable: false,
      poll: () => this.poll(),
      waitQueue: () => (task.group.exitWaiters ??= new WaitQueue()),
    };
  }

  /** Readable once the process is a zombie, hung up when it was waited for. */
  private poll(): number {
    const { task } = this;
    if (task.state === "dead") return POLLIN | POLLRDNORM | POLLHUP;
    return task.state === "zombie" && task.group.threads.length === 0 ? POLLIN | POLLRDNORM : 0;
  }
}

/** The process behind a description, or -EBADF if it is no pidfd. Linux: pidfd_pid(). */
export function pidFdOf(file: OpenFile): PidFd | number {
  return file.privateData instanceof PidFd ? file.privateData : -EBADF;
}
