/** Signal queues and dispositions without tasks. */
import { expect } from "chai";
import {
  copySigHand,
  defaultSigHand,
  dequeue,
  enqueue,
  flushPending,
  flushSignalHandlers,
  isCoreSignal,
  isIgnored,
  isStopSignal,
  pendingMask,
  sigmask,
} from "../../../kernel-model/kernel/signal-state.js";
import type { SigPending } from "../../../kernel-model/kernel/task.js";

const SIGINT = 2;
const SIGSEGV = 11;
const SIGUSR2 = 12;
const SIGCHLD = 17;
const SIGSTOP = 19;
const SIGURG = 23;
const RT = 34;
const info = (signo: number, value = 0n) => ({ signo, errno: 0, code: 0, value });

describe("signal queues", () => {
  it("standard signals queue once, real-time ones each time", () => {
    const pending: SigPending = { queue: [] };
    expect([SIGINT, SIGINT, RT, RT].map((signo) => enqueue(pending, info(signo)))).to.deep.equal([true, false, true, true]);
    expect(pendingMask(pending)).to.equal((1n << 1n) | (1n << 33n));
  });

  it("deliver faults first, then lower numbers, then older ones", () => {
    const pending: SigPending = { queue: [] };
    for (const one of [info(RT, 1n), info(SIGUSR2), info(RT, 2n), info(SIGINT), info(SIGSEGV)]) enqueue(pending, one);
    const order: (readonly [number, bigint])[] = [];
    for (let next = dequeue(pending, 0n); next !== undefined; next = dequeue(pending, 0n)) order.push([next.signo, next.value ?? 0n]);
    expect(order).to.deep.equal([
      [SIGSEGV, 0n],
      [SIGINT, 0n],
      [SIGUSR2, 0n],
      [RT, 1n],
      [RT, 2n],
    ]);
  });

  it("blocked signals stay", () => {
    const pending: SigPending = { queue: [] };
    enqueue(pending, info(SIGINT));
    enqueue(pending, info(SIGUSR2));
    expect(dequeue(pending, sigmask(SIGINT))?.signo).to.equal(SIGUSR2);
    expect(dequeue(pending, sigmask(SIGINT))).to.equal(undefined);
    flushPending(pending, sigmask(SIGINT));
    expect(pending.queue).to.deep.equal([]);
  });
});

describe("signal dispositions", () => {
  it("by default SIGCHLD, SIGURG, SIGWINCH and SIGCONT are ignored, four stop, ten dump core", () => {
    const { actions } = defaultSigHand();
    const all = Array.from({ length: 31 }, (_, i) => i + 1);
    expect(all.filter((signo) => isIgnored(actions[signo]!, signo))).to.deep.equal([SIGCHLD, 18, SIGURG, 28]);
    expect(all.filter(isStopSignal)).to.deep.equal([SIGSTOP, 20, 21, 22]);
    expect(all.filter(isCoreSignal)).to.deep.equal([3, 4, 5, 6, 7, 8, 11, 24, 25, 31]);
  });

  it("flushing resets handlers and keeps what is ignored", () => {
    const sighand = defaultSigHand();
    sighand.actions[SIGINT] = { handler: 0x1000n, flags: 4, restorer: 0n, mask: 1n };
    sighand.actions[SIGUSR2] = { handler: 1n, flags: 4, restorer: 0n, mask: 1n };
    flushSignalHandlers(sighand);
    expect(sighand.actions[SIGINT]).to.deep.equal({ handler: 0n, flags: 0, restorer: 0n, mask: 0n });
    expect(sighand.actions[SIGUSR2]).to.deep.equal({ handler: 1n, flags: 0, restorer: 0n, mask: 0n });
  });

  it("copies do not share changes", () => {
    const first = defaultSigHand();
    const second = copySigHand(first);
    second.actions[SIGINT] = { handler: 1n, flags: 0, restorer: 0n, mask: 0n };
    expect(first.actions[SIGINT]!.handler).to.equal(0n);
    expect(isIgnored(second.actions[SIGINT], SIGINT)).to.equal(true);
  });
});
