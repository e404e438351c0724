/**
 * What tasks have used: sums for getrusage, wait4 and timers of CPU time.
 *
 * Linux: kernel/sys.c getrusage(), kernel/sched/cputime.c thread_group_cputime().
 */
import { getMmRss } from "../mm/vma-ops.js";
import type { ResourceUse, Task, ThreadGroup } from "./task.js";

/** Add `more` to `sum`. */
export function addUse(sum: ResourceUse, more: ResourceUse): void {
  sum.userTime += more.userTime;
  sum.systemTime += more.systemTime;
  sum.minFlt += more.minFlt;
  sum.majFlt += more.majFlt;
  sum.maxRss = Math.max(sum.maxRss, more.maxRss);
  sum.voluntarySwitches += more.voluntarySwitches;
  sum.involuntarySwitches += more.involuntarySwitches;
}

/** Use by a task so far; its own counters and the peak of its mm. */
export function taskUse(task: Task): ResourceUse {
  const { mm } = task;
  const maxRss = mm === undefined ? task.use.maxRss : Math.max(task.use.maxRss, mm.hiwaterRss, getMmRss(mm));
  return { ...task.use, minFlt: task.minFlt, majFlt: task.majFlt, maxRss };
}

/** Use by all threads of a group, past and present. */
export function groupUse(group: ThreadGroup): ResourceUse {
  const sum: ResourceUse = { ...group.exited };
  for (const thread of group.threads) addUse(sum, taskUse(thread));
  return sum;
}
