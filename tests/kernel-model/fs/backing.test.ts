/** Stores behind the page cache: lower contents, writes over them, truncation, holes. */
import { expect } from "chai";
import { createBacking } from "../../../kernel-model/fs/backing.js";
import { seededRandom } from "../../support/seed.js";
import { patternByte, patternBytes } from "../../support/page-cache.js";

const CHUNK = 65536;

function lower(size: number): { size: number; reads: number; read(offset: number, into: Uint8Array): void } {
  return {
    size,
    reads: 0,
    read(offset, into) {
      if (offset + into.length > size) throw new Error("asked beyond the lower contents");
      this.reads++;
      into.set(patternBytes(offset, into.length));
    },
  };
}

describe("backing store", () => {
  it("reads the lower contents, and zeros behind them", () => {
    const store = createBacking(lower(100));
    const bytes = new Uint8Array(10).fill(9);
    store.read(95, bytes);
    expect([...bytes]).to.deep.equal([95, 96, 97, 98, 99, 0, 0, 0, 0, 0]);
    store.read(4 * CHUNK, bytes);
    expect([...bytes]).to.deep.equal(new Array(10).fill(0));
  });

  it("keeps what is written and never asks the lower contents for it again", () => {
    const below = lower(3 * CHUNK);
    const store = createBacking(below);
    store.write(CHUNK - 2, new Uint8Array([1, 2, 3, 4]));
    const reads = below.reads;
    const bytes = new Uint8Array(6);
    store.read(CHUNK - 3, bytes);
    expect([...bytes]).to.deep.equal([patternByte(CHUNK - 3), 1, 2, 3, 4, patternByte(CHUNK + 2)]);
    expect(below.reads).to.equal(reads);
  });

  it("does not bring truncated contents back when the file grows again", () => {
    const store = createBacking(lower(2 * CHUNK));
    store.write(10, new Uint8Array([7]));
    store.truncate(5);
    const bytes = new Uint8Array(8);
    store.read(3, bytes);
    expect([...bytes]).to.deep.equal([3, 4, 0, 0, 0, 0, 0, 0]);
    store.read(CHUNK + 1, bytes);
    expect([...bytes]).to.deep.equal(new Array(8).fill(0));
  });

  it("behaves like one flat array", () => {
    const random = seededRandom(1);
    const size = 4 * CHUNK;
    const store = createBacking(lower(size));
    const flat = patternBytes(0, size);
    for (let step = 0; step < 200; step++) {
      const offset = random(size);
      const length = Math.min(size - offset, random(2 * CHUNK));
      switch (random(4)) {
        case 0: {
          const bytes = new Uint8Array(length).fill(random(256));
          store.write(offset, bytes);
          flat.set(bytes, offset);
          break;
        }
        case 1:
          store.punchHole(offset, length);
          flat.fill(0, offset, offset + length);
          break;
        case 2:
          if (step % 20 !== 0) break;
          store.truncate(offset);
          flat.fill(0, offset);
          break;
        default: {
          const bytes = new Uint8Array(length);
          store.read(offset, bytes);
          expect(Buffer.compare(bytes, flat.subarray(offset, offset + length)), `step ${step}`).to.equal(0);
        }
      }
    }
    const all = new Uint8Array(size);
    store.read(0, all);
    expect(Buffer.compare(all, flat)).to.equal(0);
  });
});
