/* eventfd counts, blocks and wakes. */
import { expect } from "chai";
import { createEventfd } from "../../../kernel-model/fs/eventfd.js";
import type { OpenFile } from "../../../kernel-model/fs/vfs.js";

const [EAGAIN, EINVAL] = [11, 22];
const [POLLIN, POLLOUT] = [1, 4];
const file = {} as OpenFile;
const bytes = (value: bigint): Uint8Array => new Uint8Array(new BigUint64Array([value]).buffer);

describe("event counters", () => {
  it("are taken as a whole, or one by one as semaphores", () => {
    for (const [semaphore, taken] of [[false, [5n]], [true, [1n, 1n, 1n, 1n, 1n]]] as const) {
      const ops = createEventfd(2, semaphore);
      expect(ops.write!(file, bytes(3n), 0)).to.equal(8);
      const got: bigint[] = [];
      const into = new Uint8Array(8);
      while (ops.read!(file, into, 0) === 8) got.push(new BigUint64Array(into.buffer)[0]!);
      expect(got).to.deep.equal(taken);
      expect(ops.read!(file, into, 0)).to.equal(-EAGAIN);
    }
  });

  it("refuse what is short or too much", () => {
    const ops = createEventfd(1, false);
    expect([ops.read!(file, new Uint8Array(7), 0), ops.write!(file, new Uint8Array(7), 0), ops.write!(file, bytes(2n ** 64n - 1n), 0)]).to.deep.equal([-EINVAL, -EINVAL, -EINVAL]);
    expect([ops.write!(file, bytes(2n ** 64n - 2n), 0), ops.write!(file, bytes(2n ** 64n - 3n), 0)]).to.deep.equal([-EAGAIN, 8]);
    expect(ops.poll!(file)).to.equal(POLLIN);
  });

  it("poll and wake", () => {
    const ops = createEventfd(0, false);
    let woken = 0;
    ops.waitQueue!(file).add({ wake: () => woken++ });
    expect(ops.poll!(file)).to.equal(POLLOUT);
    ops.write!(file, bytes(1n), 0);
    expect([ops.poll!(file), woken]).to.deep.equal([POLLIN | POLLOUT, 1]);
  });
});
