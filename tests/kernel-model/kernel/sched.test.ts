/* Run queues, slices, turns and where a task is placed. */
import { expect } from "chai";
import { Scheduler } from "../../../kernel-model/kernel/sched.js";
import type { Task } from "../../../kernel-model/kernel/task.js";

const ALL = 2n ** 64n - 1n;
const QUANTUM = 1000;

type Plain = { pid: number; state: string; rtPriority: number; policy: number; cpu: number; cpusAllowed: bigint };
const task = (pid: number, changes: Partial<Plain> = {}): Task => ({ pid, state: "runnable", rtPriority: 0, policy: 0, cpu: 0, cpusAllowed: ALL, ...changes }) as unknown as Task;

function scheduler(cpus: number): { sched: Scheduler; next: (instructions: number) => string } {
  const sched = new Scheduler({ cpus, quantum: QUANTUM, jitter: undefined });
  return {
    sched,
    /** Picks, runs the task for so long or for its budget, and says who ran where. */
    next(instructions) {
      const picked = sched.pickNext();
      if (picked === undefined) return "idle";
      sched.running.current = picked;
      sched.account(Math.min(instructions, sched.budget));
      return `${picked.pid}@${sched.running.cpu}`;
    },
  };
}

describe("Scheduler", () => {
  it("one CPU: a task keeps its slice, then the next one has its turn", () => {
    const { sched, next } = scheduler(1);
    for (const one of [task(1), task(2)]) sched.enqueue(one);
    expect([next(400), next(600), next(1000), next(100)]).to.deep.equal(["1@0", "1@0", "2@0", "1@0"]);
  });

  it("new tasks go to idle CPUs, then to the one with the fewest", () => {
    const { sched } = scheduler(3);
    const tasks = [1, 2, 3, 4, 5].map((pid) => task(pid));
    for (const one of tasks) sched.enqueue(one);
    expect(tasks.map(({ cpu }) => cpu)).to.deep.equal([0, 1, 2, 0, 1]);
  });

  it("CPUs execute in turns of 100,000 instructions, and a turn is no slice", () => {
    const { sched, next } = scheduler(2);
    for (const one of [task(1), task(2)]) sched.enqueue(one);
    expect(next(Infinity)).to.equal("1@0");
    expect(next(60_000)).to.equal("2@1");
    expect(next(Infinity), "40,000 of the turn are left").to.equal("2@1");
    expect(sched.budget, "nothing is left of it").to.equal(1);
    expect(next(1)).to.equal("1@0");
    expect(sched.queues.map(({ current }) => current!.pid)).to.deep.equal([1, 2]);
  });

  it("a woken task goes back to its CPU if that is idle", () => {
    const { sched, next } = scheduler(2);
    const [a, b] = [task(1), task(2)];
    for (const one of [a, b]) sched.enqueue(one);
    next(Infinity);
    next(Infinity);
    b.state = "sleeping";
    next(Infinity);
    b.state = "runnable";
    sched.enqueue(b);
    expect(b.cpu).to.equal(1);
    a.state = "sleeping";
    next(10);
    a.state = "runnable";
    a.cpusAllowed = 2n;
    sched.moveIfNotAllowed(a);
    expect(a.cpu, "it may run on CPU 1 only").to.equal(1);
  });

  it("an idle CPU takes a waiting task of the busiest, as far as it may", () => {
    const { sched, next } = scheduler(2);
    const tasks = [task(1), task(2, { cpusAllowed: 1n }), task(3), task(4)];
    const [, , third] = tasks;
    for (const one of tasks) sched.enqueue(one);
    expect(tasks.map(({ cpu }) => cpu)).to.deep.equal([0, 0, 1, 1]);
    next(Infinity);
    for (const one of [third!, tasks[3]!]) one.state = "zombie";
    // CPU 1 has nothing: 2 waits on CPU 0 but may not move, so CPU 0 goes on.
    expect(next(10)).to.equal("2@0");
    tasks[0]!.cpusAllowed = ALL;
    sched.yieldSlice();
    expect(next(10)).to.equal("1@1");
  });

  it("real-time tasks run before others, FIFO without end", () => {
    const { sched, next } = scheduler(1);
    const fifo = task(9, { policy: 1, rtPriority: 5 });
    sched.enqueue(task(1));
    sched.enqueue(fifo);
    expect([next(5_000_000), next(5_000_000)]).to.deep.equal(["9@0", "9@0"]);
    fifo.state = "sleeping";
    expect(next(1)).to.equal("1@0");
  });

  it("nobody can run", () => {
    const { sched, next } = scheduler(4);
    sched.enqueue(task(1, { state: "sleeping" }));
    expect(next(1)).to.equal("idle");
  });
});
