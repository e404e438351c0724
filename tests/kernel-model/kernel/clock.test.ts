/** Virtual time and its timers. */
import { expect } from "chai";
import { Clock } from "../../../kernel-model/kernel/clock.js";

function machine(epoch?: number) {
  const state = { instructions: 0 };
  return { state, clock: new Clock(() => state.instructions, epoch) };
}

describe("virtual clock", () => {
  it("one instruction is one nanosecond on every clock", () => {
    const { state, clock } = machine(1000);
    const before = clock.monotonic;
    state.instructions += 1_500_000_000;
    expect(clock.monotonic - before).to.equal(1_500_000_000);
    expect(clock.realtime).to.deep.equal({ seconds: 1001, nanoseconds: 500_000_000 });
  });

  it("timers fire in the order of their expiry, equal ones in the order of arrival", () => {
    const { state, clock } = machine();
    const fired: string[] = [];
    const at = clock.monotonic;
    clock.add(at + 30, () => fired.push("c"));
    clock.add(at + 10, () => fired.push("a"));
    clock.add(at + 30, () => fired.push("d"));
    const cancelled = clock.add(at + 20, () => fired.push("never"));
    clock.add(at + 20, () => fired.push("b"));
    clock.cancel(cancelled);
    state.instructions = 25;
    clock.expire();
    expect(fired).to.deep.equal(["a", "b"]);
    state.instructions = 30;
    clock.expire();
    expect(fired).to.deep.equal(["a", "b", "c", "d"]);
  });

  it("says how many instructions are left to the next timer", () => {
    const { state, clock } = machine();
    expect(clock.instructionsToNext).to.equal(Infinity);
    clock.add(clock.monotonic + 100, () => undefined);
    state.instructions = 40;
    expect(clock.instructionsToNext).to.equal(60);
    state.instructions = 400;
    expect(clock.instructionsToNext).to.equal(0);
  });

  it("jumps when nothing can execute, and time stays ahead", () => {
    const { state, clock } = machine();
    let fired = 0;
    const start = clock.monotonic;
    clock.add(start + 5_000_000, () => fired++);
    expect(clock.skipToNext()).to.equal(true);
    expect(fired).to.equal(1);
    expect(clock.monotonic).to.equal(start + 5_000_000);
    state.instructions = 10;
    expect(clock.monotonic).to.equal(start + 5_000_010);
    expect(clock.skipToNext()).to.equal(false);
  });

  it("a timer that never fires does not pull time to its end", () => {
    const { clock } = machine();
    const never = clock.add(Infinity, () => undefined);
    expect([clock.instructionsToNext, clock.skipToNext()]).to.deep.equal([Infinity, false]);
    clock.cancel(never);
  });

  it("translates times of the wall clock", () => {
    const { clock } = machine(2000);
    const { seconds, nanoseconds } = clock.realtime;
    expect(clock.monotonicOfRealtime(seconds, nanoseconds)).to.equal(clock.monotonic);
    expect(clock.monotonicOfRealtime(seconds + 1, nanoseconds) - clock.monotonic).to.equal(1e9);
  });
});
