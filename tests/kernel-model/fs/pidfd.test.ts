/** The file behind a pidfd: when it is readable, who is woken. */
import { expect } from "chai";
import { PidFd, pidFdOf } from "../../../kernel-model/fs/pidfd.js";
import type { OpenFile } from "../../../kernel-model/fs/vfs.js";
import type { Task, TaskState } from "../../../kernel-model/kernel/task.js";

/** As much of a task as a pidfd looks at. */
function taskOf(state: TaskState, threads: number): Task {
  return { state, group: { threads: Array.from({ length: threads }, () => ({})) } } as unknown as Task;
}

const file = { privateData: undefined } as unknown as OpenFile;

describe("PidFd", () => {
  it("is readable when the process is a zombie without threads, and hung up when it is gone", () => {
    const poll = (state: TaskState, threads: number): number => new PidFd(taskOf(state, threads), false).operations.poll!(file);
    expect(poll("runnable", 1)).to.equal(0);
    expect(poll("sleeping", 2)).to.equal(0);
    // The leader has ended before its threads.
    expect(poll("zombie", 1)).to.equal(0);
    expect(poll("zombie", 0)).to.equal(0x41);
    expect(poll("dead", 0)).to.equal(0x51);
  });

  it("makes one queue for all descriptors of a process", () => {
    const task = taskOf("runnable", 1);
    const first = new PidFd(task, false).operations.waitQueue!(file);
    expect(new PidFd(task, true).operations.waitQueue!(file)).to.equal(first);
    expect(task.group.exitWaiters).to.equal(first);
  });

  it("is told from other files", () => {
    const state = new PidFd(taskOf("runnable", 1), true);
    expect(pidFdOf({ privateData: state } as unknown as OpenFile)).to.equal(state);
    expect(pidFdOf(file)).to.equal(-9);
  });
});
