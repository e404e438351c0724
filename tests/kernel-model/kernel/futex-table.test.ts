/** Futex queues without tasks. */
import { expect } from "chai";
import { FutexTable, type FutexKey, type FutexWaiter } from "../../../kernel-model/kernel/futex-table.js";
import type { Inode } from "../../../kernel-model/fs/file.js";
import type { Task } from "../../../kernel-model/kernel/task.js";

const ANY = 0xffffffff;

describe("futex table", () => {
  const object = { ino: 1 } as Inode;
  const key = (offset: number): FutexKey => ({ object, offset });
  let woken: string[];
  const waiter = (name: string, at: FutexKey, bitset = ANY): FutexWaiter => ({ key: at, bitset, woken: false, task: { wake: () => woken.push(name) } as unknown as Task });

  beforeEach(() => {
    woken = [];
  });

  it("wakes so many, oldest first, and only on that key", () => {
    const table = new FutexTable();
    for (const name of ["a", "b", "c"]) table.add(waiter(name, key(8)));
    table.add(waiter("other", key(12)));
    expect(table.wake(key(8), 2, ANY)).to.equal(2);
    expect(woken).to.deep.equal(["a", "b"]);
    expect(table.wake(key(8), 10, ANY)).to.equal(1);
    expect(table.wake(key(8), 10, ANY)).to.equal(0);
    expect(table.waiters(key(12))).to.have.length(1);
  });

  it("keys are compared by object and offset", () => {
    const table = new FutexTable();
    table.add(waiter("a", { object, offset: 4 }));
    expect(table.wake({ object: { ino: 1 } as Inode, offset: 4 }, 1, ANY)).to.equal(0);
    expect(table.wake({ object, offset: 4 }, 1, ANY)).to.equal(1);
  });

  it("bit sets choose", () => {
    const table = new FutexTable();
    table.add(waiter("low", key(0), 1));
    table.add(waiter("high", key(0), 2));
    expect(table.wake(key(0), 5, 2)).to.equal(1);
    expect(woken).to.deep.equal(["high"]);
  });

  it("requeue moves waiters without waking them", () => {
    const table = new FutexTable();
    const [a, b] = [waiter("a", key(0)), waiter("b", key(0))];
    table.add(a);
    table.add(b);
    expect(table.requeue(key(0), key(64), 1)).to.equal(1);
    expect(woken).to.deep.equal([]);
    expect(a.key.offset).to.equal(64);
    table.remove(a);
    expect(table.waiters(key(64))).to.deep.equal([]);
    expect(table.waiters(key(0))).to.deep.equal([b]);
  });
});
