/** Transfers that wait, end early, or fault. */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { WaitQueue } from "../../../kernel-model/kernel/wait-queue.js";
import { programOf, exitCode } from "../../support/elf-builder.js";
import { createTestMachine, type TestMachine } from "../../support/kernel-machine.js";
import { readInto, readIovec, untilReady, writeFrom } from "../../../kernel-model/syscalls/io.js";

const EAGAIN = 11;
const EPIPE = 32;
const ERESTARTSYS = 512;
const O_NONBLOCK = 0o4000;

describe("transfers between files and user memory", () => {
  let machine: TestMachine;
  let stack: Va;
  beforeEach(() => {
    machine = createTestMachine({ files: { "/p": programOf(...exitCode(0)) } });
    machine.kernel.spawn("/p", ["p"], []);
    stack = (machine.kernel.currentMm().startStack - 16384) as Va;
  });
  afterEach(() => {
    machine.shutdown();
  });
  const task = () => machine.kernel.current!;

  it("a read that would block sleeps until data comes, and holds the file", () => {
    const queue = new WaitQueue();
    const pipe: { data?: Uint8Array } = {};
    let released = 0;
    const file = machine.fs.stream(
      {
        seekable: false,
        read: (_, into) => {
          if (pipe.data === undefined) return -EAGAIN;
          into.set(pipe.data);
          return pipe.data.length;
        },
        waitQueue: () => queue,
        release: () => released++,
      },
      0,
      "pipe",
    );
    const sleep = readInto(machine.kernel, file, [{ base: stack, length: 100 }], undefined);
    if (typeof sleep === "number") throw new Error(`did not wait: ${sleep}`);
    expect(sleep.queues).to.deep.equal([queue]);
    expect(sleep.poll()).to.equal(undefined);
    expect(sleep.interrupted!()).to.equal(-ERESTARTSYS);
    expect(file.count).to.equal(2);
    pipe.data = Uint8Array.of(1, 2, 3);
    expect(sleep.poll()).to.equal(3);
    sleep.release!();
    expect([file.count, released]).to.deep.equal([1, 0]);
    expect([...(machine.kernel.user.read(stack, 4) as Uint8Array)]).to.deep.equal([1, 2, 3, 0]);
  });

  it("O_NONBLOCK, and files without a queue, do not wait", () => {
    const file = machine.fs.stream({ seekable: false, read: () => -EAGAIN, waitQueue: () => new WaitQueue() }, O_NONBLOCK, "pipe");
    expect(readInto(machine.kernel, file, [{ base: stack, length: 1 }], undefined)).to.equal(-EAGAIN);
    const plain = machine.fs.stream({ seekable: false, read: () => -EAGAIN }, 0, "pipe");
    expect(untilReady(plain, false, "nothing", () => -EAGAIN)).to.equal(-EAGAIN);
  });

  it("a blocking write goes on until all is written; a signal leaves the part that was", () => {
    const queue = new WaitQueue();
    const taken: number[] = [];
    let room = 3;
    const file = machine.fs.stream(
      {
        seekable: false,
        write: (_, from) => {
          if (room === 0) return -EAGAIN;
          const n = Math.min(room, from.length);
          taken.push(...from.subarray(0, n));
          room -= n;
          return n;
        },
        waitQueue: () => queue,
      },
      1,
      "pipe",
    );
    machine.kernel.user.write(stack, Uint8Array.of(1, 2, 3, 4, 5, 6, 7));
    const sleep = writeFrom(machine.kernel, task(), file, [{ base: stack, length: 5 }, { base: (stack + 5) as Va, length: 2 }], undefined);
    if (typeof sleep === "number") throw new Error(`did not wait: ${sleep}`);
    expect(sleep.interrupted!()).to.equal(3);
    room = 2;
    expect(sleep.poll()).to.equal(undefined);
    room = 9;
    expect(sleep.poll()).to.equal(7);
    expect(taken).to.deep.equal([1, 2, 3, 4, 5, 6, 7]);
    sleep.release!();
  });

  it("a broken pipe sends SIGPIPE", () => {
    task().sighand.actions[13] = { handler: 0x1000n, flags: 0, restorer: 0n, mask: 0n };
    const file = machine.fs.stream({ seekable: false, write: () => -EPIPE }, 1, "pipe");
    expect(writeFrom(machine.kernel, task(), file, [{ base: stack, length: 1 }], undefined)).to.equal(-EPIPE);
    expect(task().pending.queue.map(({ signo }) => signo)).to.deep.equal([13]);
  });

  it("vectors are checked before anything moves and cut to 2 GiB less a page", () => {
    const entries = (...pairs: readonly (readonly [number, number | bigint])[]): void => {
      const view = new DataView(new ArrayBuffer(pairs.length * 16));
      pairs.forEach(([base, length], i) => {
        view.setBigUint64(i * 16, BigInt(base), true);
        view.setBigUint64(i * 16 + 8, BigInt.asUintN(64, BigInt(length)), true);
      });
      machine.kernel.user.write(stack, new Uint8Array(view.buffer));
    };
    entries([4096, 10], [8192, 0x7fffffff]);
    expect(readIovec(machine.kernel, stack, 2)).to.deep.equal([{ base: 4096, length: 10 }, { base: 8192, length: 0x7ffff000 - 10 }]);
    entries([4096, -1]);
    expect(readIovec(machine.kernel, stack, 1)).to.equal(-22);
    entries([2 ** 48, 1]);
    expect(readIovec(machine.kernel, stack, 1)).to.equal(-14);
    expect(readIovec(machine.kernel, stack, 1025)).to.equal(-22);
    expect(readIovec(machine.kernel, 8 as Va, 1)).to.equal(-14);
    expect(readIovec(machine.kernel, stack, 0)).to.deep.equal([]);
  });
});
