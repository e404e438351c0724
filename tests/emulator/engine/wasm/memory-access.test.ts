/** Loads and stores of translated code, before and after it is hot: sizes, ends of pages, runs of vectors. */
import { expect } from "chai";
import { ENGINE_BYTES } from "../../../../emulator/engine/wasm/layout.js";
import { createWasmEngine } from "../../../../emulator/engine/wasm/wasm-engine.js";
import { EngineBench } from "../../../support/engine-bench.js";

const DATA = 0x4000_0000;

describe("accesses of translated code", () => {
  for (const rounds of [1, 60_000]) {
    it(`${rounds} rounds over all sizes and a page's end`, () => {
      const made = new EngineBench((memory) => createWasmEngine(memory, { pageSize: 4096, trace: true }), { behind: ENGINE_BYTES, bytes: 2 ** 20 });
      made.code(0x10000, "1: ldr x3, [x1]\n add x3, x3, #1\n str x3, [x1]\n ldrb w4, [x1]\n strh w4, [x2]\n ldr q0, [x1, #-8]\n str q0, [x2, #16]\n ldp w5, w6, [x1]\n stp w5, w6, [x2, #40]\n subs x0, x0, #1\n b.ne 1b\n svc #0");
      const pa = made.data(DATA, 2);
      made.set({ 0: rounds, 1: DATA + 0xffc, 2: DATA + 64 });
      expect(made.go().reason).to.equal("svc");
      const { u32, u8 } = made.memory;
      expect(u32[(pa + 0xffc) / 4]).to.equal(rounds);
      expect(u8[pa + 64]! + 256 * u8[pa + 65]!).to.equal(rounds % 256);
      expect(u32[(pa + 64 + 16 + 8) / 4]).to.equal(rounds);
      expect(u32[(pa + 64 + 40) / 4]).to.equal(rounds);
      expect([made.engine.counters.loads, made.engine.counters.stores]).to.deep.equal([rounds * 6, rounds * 6]);
      made.engine.dispose();
    });
  }
});
