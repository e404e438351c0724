/* signalfd delivers what is blocked. */
import { expect } from "chai";
import { SignalFd, signalFdOf } from "../../../kernel-model/fs/signalfd.js";
import type { OpenFile } from "../../../kernel-model/fs/vfs.js";
import type { SigInfo, Task } from "../../../kernel-model/kernel/task.js";

const [EAGAIN, EINVAL] = [11, 22];
const [SIGUSR1, SIGUSR2, SIGCHLD] = [10, 12, 17];
const bit = (signo: number): bigint => 1n << BigInt(signo - 1);

function machine(mask: bigint) {
  const pending: { queue: SigInfo[] } = { queue: [] };
  const shared: { queue: SigInfo[] } = { queue: [] };
  const task = { pending, group: { sharedPending: shared }, sighand: { actions: [], users: 1 } } as unknown as Task;
  const state = new SignalFd(mask, () => task);
  const file = { privateData: state } as unknown as OpenFile;
  return { pending, shared, task, state, file };
}

const info = (signo: number, more: Partial<SigInfo> = {}): SigInfo => ({ signo, errno: 0, code: 0, ...more });

describe("signals that are read", () => {
  it("only those of the set, the thread's own first", () => {
    const { pending, shared, state, file } = machine(bit(SIGUSR1) | bit(SIGCHLD));
    shared.queue.push(info(SIGCHLD, { pid: 55, status: 3, code: 1 }), info(SIGUSR2));
    pending.queue.push(info(SIGUSR1, { pid: 7, uid: 8 }));
    expect(state.operations.poll!(file)).to.equal(1);
    const into = new Uint8Array(300);
    expect(state.operations.read!(file, into, 0)).to.equal(256);
    const words = new DataView(into.buffer);
    expect([0, 12, 16].map((at) => words.getUint32(at, true))).to.deep.equal([SIGUSR1, 7, 8]);
    expect([0, 8, 12, 40].map((at) => words.getInt32(128 + at, true))).to.deep.equal([SIGCHLD, 1, 55, 3]);
    expect([state.operations.read!(file, into, 0), state.operations.poll!(file), shared.queue.length]).to.deep.equal([-EAGAIN, 0, 1]);
    state.mask = bit(SIGUSR2);
    expect(state.operations.read!(file, into, 0)).to.equal(128);
  });

  it("a short buffer is an error, and arrivals wake the readers of a task's handlers", () => {
    const { task, state, file } = machine(bit(SIGUSR1));
    expect(state.operations.read!(file, new Uint8Array(127), 0)).to.equal(-EINVAL);
    const queue = state.operations.waitQueue!(file);
    expect(task.sighand.arrivals).to.equal(queue);
    expect([signalFdOf(file), signalFdOf({ privateData: undefined } as OpenFile)]).to.deep.equal([state, undefined]);
  });
});
