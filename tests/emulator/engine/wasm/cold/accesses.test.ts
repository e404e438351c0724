/** The runtime's loads and stores, called from TypeScript. */
import { expect } from "chai";
import { accessesOf } from "../../../../../emulator/engine/wasm/cold/accesses.js";
import { ENGINE_BYTES, FRONT, FRONT_ENTRIES, FRONT_EPOCH, RUN } from "../../../../../emulator/engine/wasm/layout.js";
import { createWasmEngine } from "../../../../../emulator/engine/wasm/wasm-engine.js";
import { createRuntime } from "../../../../../emulator/engine/wasm/runtime.js";
import { PhysicalMemory } from "../../../../../emulator/memory/physical-memory.js";

const RAM = 0x10000;
const PAGE = 4096;
const NOWHERE = -1;

/** Reads and writes of the page at 5 * 2^32 are granted, at 0x2000 of RAM. */
function bench() {
  const memory = new PhysicalMemory(RAM, ENGINE_BYTES);
  // An engine leaves the cells as a runtime has to find them.
  createWasmEngine(memory, { pageSize: PAGE, trace: false }).dispose();
  const memoryPages = memory.memory.buffer.byteLength / 65536;
  const table = new WebAssembly.Table({ element: "anyfunc", initial: 1 });
  const cells = new Uint32Array(memory.memory.buffer, RAM);
  const grant = (page: number, write: number): number => {
    if (page !== (5 * 2 ** 32) / PAGE) return NOWHERE;
    // Who grants an access shows the page in the front table.
    cells.set([page, cells[FRONT_EPOCH / 4 + 1]!, 0x2000 + write, 0], FRONT / 4 + 4 * (page % FRONT_ENTRIES));
    return 0x2000;
  };
  const runtime = createRuntime({ base: RAM, memoryPages, pageSize: PAGE, tracePcs: false, filterPages: 1, fetchPages: 1, trace: false }, { memory: memory.memory, table, grant, codeOrder: () => 0, wrote: () => undefined, drain: () => undefined, interpret: () => undefined });
  return { memory, accesses: accessesOf(runtime.exports) };
}

describe("accesses from TypeScript", () => {
  it("say where a load finds its bytes, or that it finds none", () => {
    const { accesses } = bench();
    expect(accesses.load(0x10, 5, 8, 0)).to.equal(0x2010);
    expect(accesses.load(0x10, 0x2a00_0005, 8, 0), "with a tag").to.equal(0x2010);
    expect(accesses.load(0x11, 5, 8, 8), "not aligned").to.equal(NOWHERE);
    expect(accesses.load(0x18, 5, 8, 8)).to.equal(0x2018);
    expect(accesses.load(0x10, 6, 8, 0)).to.equal(NOWHERE);
  });

  it("store the bytes that the access has, or say that it is refused", () => {
    const { memory, accesses } = bench();
    expect(accesses.store(0x20, 5, 8, 0, 0x5566_7788, 0x1122_3344)).to.equal(0);
    expect(accesses.store(0x22, 5, 2, 2, -1, -1)).to.equal(0);
    expect(memory.u64[0x2020 / 8]).to.equal(0x1122_3344_ffff_7788n);
    expect(accesses.store(0x21, 5, 2, 2, 0, 0), "not aligned").to.not.equal(0);
    expect(accesses.store(0x20, 6, 8, 0, 0, 0)).to.not.equal(0);
  });

  it("move runs", () => {
    const { memory, accesses } = bench();
    memory.u64.set([1n, 2n, 3n], 0x2000 / 8);
    const place = accesses.loadRun(0, 5, 8, 16);
    expect([...new BigUint64Array(memory.memory.buffer, place, 2)]).to.deep.equal([1n, 2n]);
    const behind = new BigUint64Array(memory.memory.buffer, RAM + RUN, 2);
    behind.set([8n, 9n]);
    expect(accesses.storeRun(0x100, 5, 8, 16)).to.not.equal(NOWHERE);
    expect([...memory.u64.subarray(0x2100 / 8, 0x2110 / 8)]).to.deep.equal([8n, 9n]);
    expect(accesses.loadRun(0xff8, 5, 8, 16), "half on the next page").to.equal(NOWHERE);
  });
});
