/** The page filter as WebAssembly: which accesses make records, in which order. The long comparison with the reference engine is runtime.test.ts. */
import { expect } from "chai";
import { ENGINE_BYTES, FRONT, FRONT_EPOCH, HELD_CODE, HELD_DATA, RING, RING_COUNT } from "../../../../emulator/engine/wasm/layout.js";
import { emptySet } from "../../../../emulator/engine/wasm/held-pages.js";
import { createRuntime } from "../../../../emulator/engine/wasm/runtime.js";
import { loadAndStore } from "../../../support/runtime-exports.js";

const RAM = 0x10000;
const A = 0x4000_1000n;
const B = 0x4000_2000n;
const C = 0xffff_4000_3000n;

/** The last word of an entry of the front table: the sink has not heard of a write, or it has; and the page may be written without asking. */
const UNHEARD = 1;
const HEARD = 2;
const HEARD_WRITTEN = 6;

/** `hearing`: what the front table says of each page. */
function filterOf(filterPages: number, hearing: () => number = () => 0) {
  const pages = (RAM + ENGINE_BYTES) / 65536;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const words = new BigUint64Array(memory.buffer, RAM);
  const cells = new Uint32Array(memory.buffer, RAM);
  words[FRONT_EPOCH / 8] = 1n << 48n;
  emptySet(cells, HELD_DATA);
  emptySet(cells, HELD_CODE);
  const asked: string[] = [];
  const { exports } = createRuntime(
    { base: RAM, memoryPages: pages, pageSize: 4096, filterPages, fetchPages: 2, trace: true, tracePcs: false },
    {
      memory,
      table: new WebAssembly.Table({ element: "anyfunc", initial: 1 }),
      grant: (page, write) => {
        asked.push(`${page.toString(16)} ${write}`);
        const entry = FRONT / 4 + 4 * (page % 131072);
        cells.set([page, Math.floor(page / 2 ** 32) + 2 ** 16, (page % 8) * 4096 + write, hearing()], entry);
        return (page % 8) * 4096;
      },
      codeOrder: () => 0,
      wrote: (page) => {
        asked.push(`${page.toString(16)} wrote`);
      },
      drain: () => undefined,
      interpret: () => undefined,
    },
  );
  const { load, store } = loadAndStore(exports);
  const records = (): string[] =>
    Array.from({ length: cells[RING_COUNT / 4]! }, (_, index) => {
      const high = cells[RING / 4 + 2 * index + 1]!;
      return `${(cells[RING / 4 + 2 * index]! + ((high >>> 2) & 0xff) * 2 ** 32).toString(16)}${["f", "r", "w", "l"][high & 3]!}${high >>> 10}`;
    });
  return { load, store, fetch: exports["fetch"] as (page: bigint) => void, clear: exports["clear"] as () => void, records, asked, memory };
}

describe("page filter of the wasm engine", () => {
  it("uses of held pages make no record, and the least recent page makes room", () => {
    const { load, records, asked } = filterOf(2);
    expect(load(A + 8n, 8)).to.equal(0x1008);
    expect(load(B, 1)).to.equal(0x2000);
    expect(load(A + 16n, 8)).to.equal(0x1010);
    expect(records()).to.deep.equal(["40001r1", "40002r2"]);
    load(C, 4);
    // In the place of B, which was not used for longest.
    expect(records()).to.deep.equal(["40001r1", "40002r2", "ffff40003r2"]);
    expect(asked).to.deep.equal(["40001 0", "40002 0", "ffff40003 0"]);
  });

  it("all held pages leave in the order of their last uses, data first", () => {
    const { load, store, fetch, clear, records } = filterOf(5);
    fetch(7n);
    load(A, 8);
    store(B, 8, 1n);
    fetch(8n);
    load(C, 8);
    load(A, 8);
    fetch(7n);
    const before = records().length;
    clear();
    expect(records().slice(before)).to.deep.equal(["0l2", "0l3", "0l1", "0l129", "0l128"]);
    clear();
    expect(records().length).to.equal(before + 5);
    load(C, 8);
    expect(records().at(-1)).to.equal("ffff40003r1");
  });

  it("the first write to a held page is recorded, the next one is not", () => {
    const { load, store, records, memory } = filterOf(4);
    load(A, 8);
    expect(store(A, 8, 0x0102_0304_0506_0708n)).to.equal(0);
    expect(store(A + 8n, 2, 0xffffn)).to.equal(0);
    load(B, 8);
    store(A, 1, 9n);
    expect(records()).to.deep.equal(["40001r1", "40001w0", "40002r2"]);
    expect(new BigUint64Array(memory.buffer, 0x1000, 2)).to.deep.equal(new BigUint64Array([0x0102_0304_0506_0709n, 0xffffn]));
  });

  it("the first write that is recorded of a page whose sink wants to know is told, whether the page is held or not", () => {
    const { load, store, asked, records } = filterOf(4, () => UNHEARD);
    load(A, 8);
    store(A, 8, 1n);
    store(A, 8, 2n);
    store(B, 8, 3n);
    expect(asked).to.deep.equal(["40001 0", "40001 1", "40001 wrote", "40002 1", "40002 wrote"]);
    expect(records()).to.deep.equal(["40001r1", "40001w0", "40002w2"]);
  });

  it("of a page that comes in by a read, and of which the sink has heard, no write is recorded; it is asked for unless it was granted", () => {
    for (const [hearing, asks] of [[HEARD, ["40001 0", "40001 1"]], [HEARD_WRITTEN, ["40001 0"]]] as const) {
      const { load, store, asked, records } = filterOf(4, () => hearing);
      load(A, 8);
      store(A, 8, 1n);
      store(A + 8n, 8, 2n);
      expect(asked).to.deep.equal(asks);
      expect(records()).to.deep.equal(["40001r1"]);
    }
  });

  it("a write by which such a page comes in is recorded", () => {
    const { store, asked, records } = filterOf(4, () => HEARD_WRITTEN);
    store(A, 8, 1n);
    expect([asked, records()]).to.deep.equal([["40001 1"], ["40001w1"]]);
  });

  it("the top byte is no part of the page", () => {
    const { load, records } = filterOf(1);
    load(A | (0xabn << 56n), 8);
    load(A, 8);
    expect(records()).to.deep.equal(["40001r1"]);
  });

  it("an access across pages touches both", () => {
    const { load, records, memory } = filterOf(4);
    new Uint8Array(memory.buffer).set([1, 2, 3, 4], 0x1ffc);
    new Uint8Array(memory.buffer).set([5, 6, 7, 8], 0x2000);
    const at = load(A + 0xffcn, 8) >>> 0;
    expect([...new Uint8Array(memory.buffer, at, 8)]).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(records()).to.deep.equal(["40001r1", "40002r2"]);
  });
});
