/* timerfd counts expiries of virtual time. */
import { expect } from "chai";
import { Clock } from "../../../kernel-model/kernel/clock.js";
import { TimerFd, timerFdOf } from "../../../kernel-model/fs/timerfd.js";
import type { OpenFile } from "../../../kernel-model/fs/vfs.js";

const [EAGAIN, EINVAL] = [11, 22];

function machine() {
  let retired = 0;
  const clock = new Clock(() => retired);
  const timer = new TimerFd(clock, false);
  const file = { privateData: timer } as unknown as OpenFile;
  const advance = (nanoseconds: number): void => {
    retired += nanoseconds;
    clock.expire();
  };
  const expirations = (): number => {
    const into = new Uint8Array(8);
    const count = timer.operations.read!(file, into, 0);
    return count < 0 ? count : Number(new BigUint64Array(into.buffer)[0]!);
  };
  return { clock, timer, file, advance, expirations };
}

describe("timers that are read", () => {
  it("count expiries since the last read, missed ones too", () => {
    const { clock, timer, advance, expirations } = machine();
    timer.set(clock.monotonic + 100, 50);
    advance(99);
    expect(expirations()).to.equal(-EAGAIN);
    advance(1);
    expect(expirations()).to.equal(1);
    advance(49);
    expect(expirations()).to.equal(-EAGAIN);
    advance(501);
    expect(expirations()).to.equal(11);
    expect(timer.setting).to.deep.equal({ value: 50, interval: 50 });
  });

  it("expire once without an interval, and never when disarmed", () => {
    const { clock, timer, file, advance, expirations } = machine();
    timer.set(clock.monotonic + 10, 0);
    advance(1000);
    expect([expirations(), expirations(), timer.setting.value]).to.deep.equal([1, -EAGAIN, 0]);
    timer.set(clock.monotonic + 10, 0);
    timer.set(undefined, 0);
    advance(1000);
    expect(expirations()).to.equal(-EAGAIN);
    expect(timer.operations.read!(file, new Uint8Array(4), 0)).to.equal(-EINVAL);
  });

  it("setting forgets earlier expiries; closing takes the timer away", () => {
    const { clock, timer, file, advance, expirations } = machine();
    timer.set(clock.monotonic, 0);
    advance(1);
    expect(timer.operations.poll!(file)).to.equal(1);
    timer.set(clock.monotonic + 100, 0);
    expect(expirations()).to.equal(-EAGAIN);
    timer.operations.release!(file);
    expect(clock.instructionsToNext).to.equal(Infinity);
    expect([timerFdOf(file), timerFdOf({ privateData: 1 } as unknown as OpenFile)]).to.deep.equal([timer, undefined]);
  });
});
