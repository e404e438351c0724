/** Tasks and thread groups. */
import { expect } from "chai";
import { initialLimits, mmLimitsOf } from "../../../kernel-model/kernel/rlimit.js";
import { defaultSigHand } from "../../../kernel-model/kernel/signal-state.js";
import { ROOT_CREDENTIALS, Task, createThreadGroup, noResourceUse } from "../../../kernel-model/kernel/task.js";

function process(pid: number, woken: number[] = []) {
  const limits = initialLimits(10);
  return createThreadGroup({ tgid: pid, parent: undefined, pgrp: pid, session: pid, limits, mmLimits: mmLimitsOf(limits, true) }, (group) => new Task({ pid, group, sighand: defaultSigHand(), credentials: ROOT_CREDENTIALS, onWake: (task) => woken.push(task.pid) }));
}

describe("tasks", () => {
  it("a new process has one thread, its leader", () => {
    const group = process(7);
    expect(group.threads).to.deep.equal([group.leader]);
    expect(group.leader.isLeader).to.equal(true);
    expect(group.leader.group).to.equal(group);
    expect(group.leader.state).to.equal("runnable");
    expect(noResourceUse()).to.deep.equal({ userTime: 0, systemTime: 0, minFlt: 0, majFlt: 0, maxRss: 0, voluntarySwitches: 0, involuntarySwitches: 0 });
  });

  it("limits are copied, not shared", () => {
    const [a, b] = [process(1), process(2)];
    a.limits[0] = { soft: 1, hard: 1 };
    expect(b.limits[0]!.soft).to.equal(Infinity);
  });

  it("only a sleeping task can be woken", () => {
    const woken: number[] = [];
    const { leader } = process(3, woken);
    leader.wake();
    expect(woken).to.deep.equal([]);
    for (const state of ["stopped", "zombie", "dead"] as const) {
      leader.state = state;
      leader.wake();
    }
    expect(woken).to.deep.equal([]);
    leader.state = "sleeping";
    leader.wake();
    expect(woken).to.deep.equal([3]);
  });
});
