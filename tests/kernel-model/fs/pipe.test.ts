/* Pipes: capacity, atomic writes, ends that close. */
import { expect } from "chai";
import { BufferBudget } from "../../../kernel-model/fs/buffer-budget.js";
import { Pipe, pipeOf } from "../../../kernel-model/fs/pipe.js";
import { makeNode } from "../../../kernel-model/fs/namei.js";
import { putFile } from "../../../kernel-model/fs/vfs.js";
import { createTestNamespace } from "../../support/namespace.js";
import { seededRandom } from "../../support/seed.js";

const [EAGAIN, EBUSY, EINVAL, ENXIO, EPIPE] = [11, 16, 22, 6, 32];
const [POLLIN, POLLOUT, POLLERR, POLLHUP] = [1, 4, 8, 0x10];
const [O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK] = [0, 1, 2, 0o4000];
const PAGE = 4096;

function openPipe(): Pipe {
  const pipe = new Pipe(PAGE, new BufferBudget(2 ** 30));
  pipe.open(O_RDONLY);
  pipe.open(O_WRONLY);
  return pipe;
}

const read = (pipe: Pipe, length: number): number => pipe.read(new Uint8Array(length));
const write = (pipe: Pipe, length: number, packet = false): number => pipe.write(new Uint8Array(length), packet);

describe("pipes", () => {
  it("hold sixteen pages; small writes share a page only if they fit in it", () => {
    const pipe = openPipe();
    for (let i = 0; i < 16; i++) expect(write(pipe, 2100)).to.equal(2100);
    // Sixteen pages are begun; none has room for 2100 bytes, the last one has for 1996.
    expect([write(pipe, 2100), write(pipe, 1996), write(pipe, 1), pipe.available, pipe.capacity]).to.deep.equal([-EAGAIN, 1996, -EAGAIN, 16 * 2100 + 1996, 65536]);
    expect([read(pipe, 100), write(pipe, 1)]).to.deep.equal([100, -EAGAIN]);
    expect([read(pipe, 2000), write(pipe, 1)]).to.deep.equal([2000, 1]);
  });

  it("random writes and reads keep the order of bytes", () => {
    const below = seededRandom();
    const pipe = openPipe();
    let written = 0;
    let got = 0;
    for (let step = 0; step < 2000; step++) {
      if (below(2) === 0) {
        const length = 1 + below(9000);
        const count = pipe.write(new Uint8Array(length).map((_, i) => (written + i) & 0xff), false);
        if (count < 0) expect(count).to.equal(-EAGAIN);
        else written += count;
        if (length <= PAGE && count >= 0) expect(count, "whole or not at all").to.equal(length);
      } else {
        const into = new Uint8Array(1 + below(9000));
        const count = pipe.read(into);
        if (count < 0) expect(count).to.equal(-EAGAIN);
        else {
          for (let i = 0; i < count; i++) expect(into[i]).to.equal((got + i) & 0xff);
          got += count;
        }
      }
      expect(pipe.available).to.equal(written - got);
    }
  });

  it("packets come one by one, and what does not fit is lost", () => {
    const pipe = openPipe();
    write(pipe, 10, true);
    write(pipe, 20, true);
    expect([read(pipe, 4), read(pipe, 100), read(pipe, 100)]).to.deep.equal([4, 20, -EAGAIN]);
  });

  it("end with the other side", () => {
    const pipe = openPipe();
    write(pipe, 3);
    pipe.close(O_WRONLY);
    expect([read(pipe, 9), read(pipe, 9)]).to.deep.equal([3, 0]);
    pipe.open(O_WRONLY);
    pipe.close(O_RDONLY);
    expect(write(pipe, 1)).to.equal(-EPIPE);
  });

  it("peeking takes nothing out", () => {
    const pipe = openPipe();
    write(pipe, 5000);
    const into = new Uint8Array(4500);
    expect([pipe.read(into, true), pipe.available]).to.deep.equal([4500, 5000]);
  });

  it("sizes are powers of two of pages, and never less than what is in use", () => {
    const pipe = openPipe();
    write(pipe, 3 * PAGE);
    expect([pipe.setCapacity(1), pipe.setCapacity(5 * PAGE), pipe.setCapacity(-1), pipe.setCapacity(2 ** 32)]).to.deep.equal([-EBUSY, 8 * PAGE, -EINVAL, -EINVAL]);
  });

  it("take their pages out of one budget, and give them back", () => {
    const budget = new BufferBudget(3 * PAGE);
    const pipes = [new Pipe(PAGE, budget), new Pipe(PAGE, budget)];
    for (const pipe of pipes) {
      pipe.open(O_RDONLY);
      pipe.open(O_WRONLY);
    }
    expect([write(pipes[0]!, 2 * PAGE), write(pipes[1]!, 2 * PAGE), write(pipes[1]!, PAGE)]).to.deep.equal([2 * PAGE, PAGE, -12]);
    read(pipes[0]!, PAGE);
    expect([write(pipes[1]!, PAGE), budget.inUse]).to.deep.equal([PAGE, 3 * PAGE]);
    for (const pipe of pipes) {
      pipe.close(O_RDONLY);
      pipe.close(O_WRONLY);
    }
    expect(budget.inUse).to.equal(0);
  });

  it("every change wakes who waits", () => {
    const pipe = openPipe();
    let woken = 0;
    pipe.queue.add({ wake: () => woken++ });
    write(pipe, 1);
    read(pipe, 1);
    pipe.close(O_WRONLY);
    expect(woken).to.equal(3);
  });
});

describe("fifos", () => {
  it("wait for their other end; a reader sees a hang-up only after a writer", () => {
    const t = createTestNamespace();
    makeNode(t.fs, { path: "/tmp/p", from: undefined }, 0o10666, 0);
    const node = t.inode("/tmp/p");
    expect(() => t.open("/tmp/p", O_WRONLY | O_NONBLOCK)).to.throw(String(-ENXIO));
    const reader = t.open("/tmp/p", O_RDONLY);
    expect([reader.ops.openReady!(reader), reader.ops.poll!(reader)]).to.deep.equal([false, 0]);
    const writer = t.open("/tmp/p", O_WRONLY);
    expect([reader.ops.openReady!(reader), writer.ops.openReady!(writer)]).to.deep.equal([true, true]);
    writer.ops.write!(writer, new Uint8Array([7]), 0);
    expect([reader.ops.poll!(reader)! & (POLLIN | POLLHUP), writer.ops.poll!(writer)! & (POLLOUT | POLLERR)]).to.deep.equal([POLLIN, POLLOUT]);
    putFile(writer);
    expect(reader.ops.openReady!(reader), "a writer that has come and gone counts").to.equal(true);
    expect(reader.ops.poll!(reader)! & (POLLIN | POLLHUP)).to.equal(POLLIN | POLLHUP);
    putFile(reader);
    const both = t.open("/tmp/p", O_RDWR);
    expect([both.ops.openReady!(both), pipeOf(both)!.available, pipeOf(t.open("/tmp/p", O_RDONLY)) === pipeOf(both)]).to.deep.equal([true, 0, true]);
    putFile(both);
    expect(node.holders).to.equal(1);
    t.close();
  });
});
