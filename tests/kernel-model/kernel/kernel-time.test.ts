/* What entries to the kernel cost. */
import { expect } from "chai";
import { Clock } from "../../../kernel-model/kernel/clock.js";
import { KernelTime } from "../../../kernel-model/kernel/kernel-time.js";
import { noResourceUse, type Task } from "../../../kernel-model/kernel/task.js";
import type { MemorySystem } from "../../../kernel-model/mm/memory-system.js";

describe("KernelTime", () => {
  it("200 ns for a call, 500 for other exceptions, and a nanosecond for 4 bytes handed out", () => {
    const buddy = { nrAllocated: 7 };
    const clock = new Clock(() => 0);
    const time = new KernelTime({ buddy, granule: { pageSize: 4096 } } as unknown as MemorySystem, clock);
    const task = { use: noResourceUse() } as Task;
    const start = clock.monotonic;
    expect(time.charge(task, { kind: "svc" })).to.equal(200);
    buddy.nrAllocated += 16;
    expect(time.charge(task, { kind: "breakpoint" })).to.equal(500 + 16384);
    expect(time.charge(task, { kind: "budget-spent" }), "the lab stopped it").to.equal(0);
    expect([clock.monotonic - start, task.use.systemTime, task.use.userTime]).to.deep.equal([17084, 17084, 0]);
  });
});
