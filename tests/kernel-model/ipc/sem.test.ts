/** Operations on several semaphores: all or none, and what is undone. */
import { expect } from "chai";
import { SemaphoreSets, performSemOps, type SemOp, type SemaphoreSet } from "../../../kernel-model/ipc/sem.js";
import { ROOT_CREDENTIALS } from "../../../kernel-model/kernel/task.js";

const NOWAIT = 0o4000;
const UNDO = 0x1000;
const process = {};

function setOf(sets: SemaphoreSets, ...values: number[]): SemaphoreSet {
  const set = sets.ids.get(sets.ids.add(0, 0o600, ROOT_CREDENTIALS, (perm) => sets.make(perm, values.length, 0))) as SemaphoreSet;
  values.forEach((value, i) => {
    set.semaphores[i]!.value = value;
  });
  return set;
}

const op = (num: number, by: number, flags = 0): SemOp => ({ num, op: by, flags });
const values = (set: SemaphoreSet): number[] => set.semaphores.map(({ value }) => value);

describe("performSemOps", () => {
  it("does all operations in order, or none", () => {
    const set = setOf(new SemaphoreSets(), 1, 0);
    const waiter = { blocking: op(0, 0) };
    const perform = (...ops: SemOp[]): number => performSemOps(set, ops, process, 42, waiter);
    expect([perform(op(0, -1), op(1, 2)), values(set)]).to.deep.equal([0, [0, 2]]);
    expect(set.semaphores[1]!.pid).to.equal(42);
    expect([perform(op(1, -1), op(0, -1)), values(set), waiter.blocking]).to.deep.equal([1, [0, 2], op(0, -1)]);
    expect([perform(op(1, -1), op(0, -1, NOWAIT)), values(set)]).to.deep.equal([-11, [0, 2]]);
    expect([perform(op(1, 1), op(1, 32765)), values(set)]).to.deep.equal([-34, [0, 2]]);
    expect([perform(op(0, 0), op(0, 5), op(0, -5), op(0, 0)), values(set)]).to.deep.equal([0, [0, 2]]);
    expect(perform(op(1, 0))).to.equal(1);
  });

  it("remembers what a process has to give back", () => {
    const sets = new SemaphoreSets();
    const set = setOf(sets, 3, 0);
    const waiter = { blocking: op(0, 0) };
    performSemOps(set, [op(0, -2, UNDO), op(1, 4, UNDO)], process, 1, waiter);
    // What did not happen is not undone.
    expect(performSemOps(set, [op(0, -1, UNDO), op(0, -1, UNDO | NOWAIT)], process, 1, waiter)).to.equal(-11);
    set.semaphores[1]!.value = 1;
    sets.exit(process, 7);
    expect([values(set), set.semaphores[0]!.pid]).to.deep.equal([[3, 0], 7]);
    sets.exit(process, 8);
    expect(values(set)).to.deep.equal([3, 0]);
  });
});
