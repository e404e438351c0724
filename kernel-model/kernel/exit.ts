/**
 * The end of threads and processes, and what the parent learns of it.
 *
 * Linux: kernel/exit.c do_exit(), do_group_exit(), exit_notify(), forget_original_parent(), wait_task_zombie(); fs/exec.c de_thread();
 * kernel/fork.c mm_release().
 */
import type { Va } from "../../emulator/arch/addr.js";
import { putFile } from "../fs/vfs.js";
import { mmPut } from "../mm/mm-lifecycle.js";
import { getMmRss } from "../mm/vma-ops.js";
import { FUTEX_BITSET_MATCH_ANY, privateKey } from "./futex-table.js";
import { exitRobustList } from "./futex.js";
import { cancelTimer, deletePosixTimers } from "./itimer.js";
import type { Kernel } from "./kernel.js";
import { SA_NOCLDWAIT, SIGCHLD, SIGKILL, SIG_IGN } from "./signal-numbers.js";
import { childSignal, sendGroupSignal } from "./signal-send.js";
import { addUse, taskUse } from "./resource-use.js";
import type { Task, ThreadGroup } from "./task.js";

/**
 * Leave the address space: robust futexes, clear_child_tid, the vfork parent, then the memory. Pre: the task is current or shares
 * the current mm. Linux: mm_release(), exit_mm(), exec_mmap().
 */
export function releaseMm(kernel: Kernel, task: Task): void {
  const mm = task.mm!;
  kernel.activateMm(mm);
  exitRobustList(kernel, task);
  const clear = task.clearChildTid;
  if (clear !== 0) {
    // Only if someone is left to look at it.
    if (mm.users > 1 && kernel.user.putU32(clear, 0)) kernel.futexes.wake(privateKey(mm, clear), 1, FUTEX_BITSET_MATCH_ANY);
    task.clearChildTid = 0 as Va;
  }
  task.use.maxRss = Math.max(task.use.maxRss, mm.hiwaterRss, getMmRss(mm));
  task.mm = undefined;
  if (mm.users === 1) kernel.deactivateMm();
  mmPut(mm);
  task.vforkDone?.wakeAll();
  task.vforkDone = undefined;
}

/** Drop descriptors, directories, handlers and the executable. */
function releaseResources(task: Task): void {
  if (task.files !== undefined && --task.files.users === 0) task.files.closeAll();
  task.files = undefined;
  if (task.fs !== undefined) task.fs.users--;
  task.fs = undefined;
  if (task.exe !== undefined) putFile(task.exe);
  task.exe = undefined;
}

/** End one thread with a wait status. Linux: do_exit(). */
export function doExit(kernel: Kernel, task: Task, status: number): void {
  const { group } = task;
  kernel.endSleep(task);
  if (task.mm !== undefined) releaseMm(kernel, task);
  releaseResources(task);
  task.sighand.users--;
  task.exitCode = status;
  addUse(group.exited, taskUse(task));
  group.threads.splice(group.threads.indexOf(task), 1);
  task.state = "dead";
  if (kernel.current === task) kernel.current = undefined;
  if (!task.isLeader) kernel.tasks.delete(task.pid);
  else task.state = "zombie";
  if (group.threads.length === 0) exitNotify(kernel, group, group.groupExitCode ?? status);
}

/** End every thread of the group of `task`, which is current. Linux: do_group_exit(), zap_other_threads(). */
export function doGroupExit(kernel: Kernel, task: Task, status: number): void {
  const { group } = task;
  group.groupExitCode ??= status;
  for (const thread of [...group.threads]) {
    if (thread !== task) doExit(kernel, thread, group.groupExitCode);
  }
  doExit(kernel, task, group.groupExitCode);
}

/** exec by one of several threads: the others end, and the caller becomes the leader with the leader's pid. Linux: de_thread(). */
export function dethread(kernel: Kernel, task: Task): void {
  const { group } = task;
  for (const thread of [...group.threads]) {
    if (thread !== task) doExit(kernel, thread, SIGKILL);
  }
  if (task.isLeader) return;
  kernel.tasks.delete(task.pid);
  task.pid = group.tgid;
  group.leader = task;
  kernel.tasks.set(task.pid, task);
}

/** The last thread is gone: children find a new parent, the parent is told. Linux: exit_notify(). */
function exitNotify(kernel: Kernel, group: ThreadGroup, status: number): void {
  group.groupExitCode = status;
  cancelTimer(kernel, group.realTimer);
  deletePosixTimers(kernel, group);
  reparentChildren(kernel, group);
  group.exitWaiters?.wakeAll();
  kernel.ipc.sem.exit(group, group.tgid);
  const { parent } = group;
  if (parent === undefined) {
    reap(kernel, group);
    return;
  }
  const leaderAction = parent.leader.sighand.actions[SIGCHLD]!;
  const autoreap = group.exitSignal === SIGCHLD && (leaderAction.handler === SIG_IGN || (leaderAction.flags & SA_NOCLDWAIT) !== 0);
  if (group.exitSignal !== 0 && !(autoreap && leaderAction.handler === SIG_IGN)) {
    sendGroupSignal(kernel, parent, childSignal(group, group.exitSignal, status));
  }
  if (autoreap) reap(kernel, group);
  parent.waitChild.wakeAll();
}

/** Orphans go to the nearest subreaper, else to the host's init, which waits for them at once. */
function reparentChildren(kernel: Kernel, group: ThreadGroup): void {
  let reaper = group.parent;
  while (reaper !== undefined && !(reaper.subreaper && reaper.threads.length > 0)) reaper = reaper.parent;
  for (const child of group.children) {
    child.parent = reaper;
    reaper?.children.add(child);
    if (child.threads.length > 0) {
      for (const thread of child.threads) {
        if (thread.deathSignal !== 0) sendGroupSignal(kernel, child, { signo: thread.deathSignal, errno: 0, code: 0, pid: group.tgid, uid: 0 });
      }
    } else if (reaper === undefined) {
      reap(kernel, child);
    } else {
      reaper.waitChild.wakeAll();
    }
  }
  group.children.clear();
}

/** Forget a zombie. Linux: release_task(). */
export function reap(kernel: Kernel, group: ThreadGroup): void {
  group.leader.state = "dead";
  group.exitWaiters?.wakeAll();
  kernel.tasks.delete(group.leader.pid);
  kernel.groups.delete(group.tgid);
  group.parent?.children.delete(group);
}

/** End every process at once, for shutdown: no signals, no handlers. */
export function killAll(kernel: Kernel): void {
  for (const group of [...kernel.groups.values()]) {
    group.parent = undefined;
    group.groupExitCode ??= SIGKILL;
    for (const thread of [...group.threads]) {
      thread.robustList = 0 as Va;
      thread.clearChildTid = 0 as Va;
      doExit(kernel, thread, group.groupExitCode);
    }
    if (kernel.groups.has(group.tgid)) reap(kernel, group);
  }
}
