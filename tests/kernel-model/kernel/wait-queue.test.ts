/** Wait queues. */
import { expect } from "chai";
import { WaitQueue } from "../../../kernel-model/kernel/wait-queue.js";

describe("wait queue", () => {
  it("wakes in the order of arrival and forgets who left", () => {
    const queue = new WaitQueue();
    const woken: string[] = [];
    const waiter = (name: string) => ({ wake: () => woken.push(name) });
    const [a, b, c] = [waiter("a"), waiter("b"), waiter("c")];
    for (const one of [b, a, c]) queue.add(one);
    queue.remove(a);
    queue.wakeAll();
    expect(woken).to.deep.equal(["b", "c"]);
  });

  it("a waiter that leaves or joins while others are woken", () => {
    const queue = new WaitQueue();
    let count = 0;
    const late = { wake: () => count++ };
    const first = {
      wake: () => {
        queue.remove(first);
        queue.add(late);
      },
    };
    queue.add(first);
    queue.wakeAll();
    expect(count).to.equal(0);
    expect(queue.empty).to.equal(false);
    queue.wakeAll();
    expect(count).to.equal(1);
  });
});
