/* Sums of what tasks have used. */
import { expect } from "chai";
import { addUse, groupUse, taskUse } from "../../../kernel-model/kernel/resource-use.js";
import type { Task, ThreadGroup } from "../../../kernel-model/kernel/task.js";

const use = (n: number) => ({ userTime: n, systemTime: 2 * n, minFlt: 3 * n, majFlt: 4 * n, maxRss: n, voluntarySwitches: 5 * n, involuntarySwitches: 6 * n });
const task = (n: number): Task => ({ use: { ...use(n), minFlt: 0, majFlt: 0 }, minFlt: 3 * n, majFlt: 4 * n, mm: undefined }) as unknown as Task;

describe("resource use", () => {
  it("sums add up, but for the peak of memory", () => {
    const sum = use(1);
    addUse(sum, use(10));
    expect(sum).to.deep.equal({ ...use(11), maxRss: 10 });
  });

  it("a task's own faults count, and the peak of its address space", () => {
    expect(taskUse(task(2))).to.deep.equal(use(2));
    const withMm = { ...task(2), mm: { hiwaterRss: 50, rss: [1, 2, 0, 3] } } as unknown as Task;
    expect(taskUse(withMm).maxRss).to.equal(50);
  });

  it("a process is all its threads, past and present", () => {
    expect(groupUse({ exited: use(1), threads: [task(2), task(4)] } as unknown as ThreadGroup)).to.deep.equal({ ...use(7), maxRss: 4 });
  });
});
