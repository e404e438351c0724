/* Advisory locks: POSIX ranges, open file descriptions, flock. */
import { expect } from "chai";
import { FileLocks, type RangeLock } from "../../../kernel-model/fs/locks.js";
import { seededRandom } from "../../support/seed.js";

const EAGAIN = 11;
const [A, B] = [{ a: 1 }, { b: 1 }];
const range = (owner: object, exclusive: boolean, start: number, end: number): RangeLock => ({ owner, exclusive, start, end, pid: 1 });

describe("advisory locks", () => {
  it("readers share, writers exclude, owners never conflict with themselves", () => {
    const locks = new FileLocks();
    expect([locks.lock(range(A, false, 0, 9)), locks.lock(range(B, false, 5, 14)), locks.lock(range(A, true, 9, 9)), locks.lock(range(A, true, 0, 4))]).to.deep.equal([0, 0, -EAGAIN, 0]);
    expect(locks.conflict(range(B, false, 0, 0))).to.include({ owner: A, exclusive: true, start: 0, end: 4 });
    expect(locks.conflict(range(B, false, 5, Infinity))).to.equal(undefined);
  });

  it("random locks and unlocks agree with one owner per byte", () => {
    const BYTES = 40;
    const below = seededRandom();
    const owners = [A, B, { c: 1 }];
    const locks = new FileLocks();
    const model = owners.map(() => new Array<"" | "r" | "w">(BYTES).fill(""));
    for (let step = 0; step < 3000; step++) {
      const who = below(3);
      const start = below(BYTES);
      const end = start + below(BYTES - start);
      const kind = (["", "r", "w"] as const)[below(3)]!;
      let free = true;
      for (let i = start; i <= end; i++) model.forEach((bytes, other) => (free &&= other === who || bytes[i] === "" || (bytes[i] === "r" && kind === "r") || kind === ""));
      if (kind === "") locks.unlock(owners[who]!, start, end);
      else expect(locks.lock(range(owners[who]!, kind === "w", start, end)), `step ${step}`).to.equal(free ? 0 : -EAGAIN);
      if (free) model[who]!.fill(kind, start, end + 1);
      for (let i = 0; i < BYTES; i++) {
        const seen = locks.conflict(range({}, true, i, i)) !== undefined;
        expect(seen, `byte ${i} at step ${step}`).to.equal(model.some((bytes) => bytes[i] !== ""));
      }
    }
  });

  it("neighbours of one kind become one lock", () => {
    const locks = new FileLocks();
    locks.lock(range(A, true, 0, 4));
    locks.lock(range(A, true, 10, 14));
    locks.lock(range(A, true, 5, 9));
    expect(locks.conflict(range(B, false, 7, 7))).to.include({ start: 0, end: 14 });
  });

  it("whole-file locks: shared, exclusive, converted, given back", () => {
    const locks = new FileLocks();
    expect([locks.lockWhole(A, false), locks.lockWhole(B, false), locks.lockWhole(A, true)]).to.deep.equal([0, 0, -EAGAIN]);
    // Converting loses the old lock even when the new one cannot be had.
    expect(locks.lockWhole(B, true)).to.equal(0);
    expect(locks.lockWhole(B, undefined)).to.equal(0);
    expect(locks.lockWhole(A, true)).to.equal(0);
  });

  it("what an owner held goes with it, and waiters are woken", () => {
    const locks = new FileLocks();
    let woken = 0;
    locks.queue.add({ wake: () => woken++ });
    locks.lock(range(A, true, 0, 9));
    locks.lockWhole(A, true);
    woken = 0;
    locks.releaseDescription(A);
    expect(woken).to.be.greaterThan(0);
    expect([locks.lock(range(B, true, 0, Infinity)), locks.lockWhole(B, true)]).to.deep.equal([0, 0]);
    woken = 0;
    locks.releaseProcess(A);
    expect(woken, "nothing was held").to.equal(0);
  });
});
