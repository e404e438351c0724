/** The WebAssembly engine: the contract of all engines, and what is its own. */
import { expect } from "chai";
import type { Pa, Va } from "../../../../emulator/arch/addr.js";
import { ConfigError, ModelBug } from "../../../../emulator/arch/errors.js";
import type { Engine, EngineOptions } from "../../../../emulator/engine/engine.js";
import { createUnicornEngine } from "../../../../emulator/engine/unicorn.js";
import { ENGINE_BYTES } from "../../../../emulator/engine/wasm/layout.js";
import { createWasmEngine } from "../../../../emulator/engine/wasm/wasm-engine.js";
import { PhysicalMemory } from "../../../../emulator/memory/physical-memory.js";
import { EngineBench, R, X, type TraceRecord } from "../../../support/engine-bench.js";
import { describeEngine } from "../../../support/engine-contract.js";
import { isOfCode, simulate } from "../../../support/filtered-tlb.js";

const CODE = 0x10000;
const DATA = 0x4000_0000;

describeEngine({ name: "wasm", behind: ENGINE_BYTES, make: createWasmEngine });
describeEngine({ name: "wasm, everything translated", behind: ENGINE_BYTES, make: (memory, options) => createWasmEngine(memory, options, { coldRuns: 0 }) });

describe("wasm engine alone", () => {
  it("rejects what cannot be", () => {
    const memory = new PhysicalMemory(65536, ENGINE_BYTES);
    expect(() => createWasmEngine(memory, { pageSize: 8192, trace: false })).to.throw(ConfigError);
    expect(() => createWasmEngine(memory, { pageSize: 4096, trace: false, filterPages: 65 })).to.throw(ConfigError);
    expect(() => createWasmEngine(new PhysicalMemory(65536), { pageSize: 4096, trace: false })).to.throw(ModelBug, "no room");
    const engine = createWasmEngine(memory, { pageSize: 4096, trace: false });
    expect(() => { engine.installTranslation(0 as Va, 65536 as Pa, R); }).to.throw(ModelBug);
    expect(() => { engine.installTranslation(2 ** 48 as Va, 0 as Pa, R); }).to.throw(ModelBug);
    expect(() => { engine.installTranslation(0 as Va, 12 as Pa, R); }).to.throw(ModelBug);
    engine.dispose();
    expect(() => engine.run(1)).to.throw(ModelBug, "disposed");
  });

  it("code that runs long becomes a region, and goes on where it was", () => {
    const made = new EngineBench((memory) => createWasmEngine(memory, { pageSize: 4096, trace: true }), { behind: ENGINE_BYTES });
    // Two loops, one inside the other, a call, and both ways of a condition.
    made.code(CODE, "1: mov x4, #5\n2: tbz x2, #0, 3f\n add x0, x0, #1\n b 4f\n3: add x1, x1, #1\n4: bl 5f\n subs x4, x4, #1\n b.ne 2b\n subs x2, x2, #1\n b.ne 1b\n svc #0\n5: add x5, x5, #1\n ret", R | X);
    made.set({ 2: 400_000 });
    expect(made.go().reason).to.equal("svc");
    expect([made.x(0), made.x(1), made.x(5)]).to.deep.equal([1_000_000, 1_000_000, 2_000_000]);
    expect(made.engine.counters.instructions).to.equal(1_000_000 * 3 + 1_000_000 * 2 + 2_000_000 * 5 + 400_000 * 3 + 1);
    made.engine.dispose();
  });

  it("random pages, about as many as a deep filter holds: records of the reference engine, and a TLB of that many entries sees what it would see without", () => {
    for (const [depth, used] of [[48, 64], [64, 128]] as const) {
      const recordsOf = (create: (memory: PhysicalMemory, options: EngineOptions) => Engine, behind: number, filterPages: number): TraceRecord[] => {
        const made = new EngineBench((memory) => create(memory, { pageSize: 4096, trace: true, filterPages }), { behind, bytes: 2 ** 20 });
        // Page by xorshift; every fourth is written, every eighth used again at once, and some accesses cross into the next page.
        made.code(CODE, `1: eor x1, x1, x1, lsl #13\n eor x1, x1, x1, lsr #7\n eor x1, x1, x1, lsl #17\n and x3, x1, #${used - 1}\n add x3, x2, x3, lsl #12
          ldr x4, [x3]\n tst x1, #0x300000\n b.ne 2f\n str x4, [x3, #8]\n 2: tst x1, #0x7000000\n b.ne 3f\n ldr x4, [x3, #16]\n 3: tst x1, #0xf0000000\n b.ne 4f\n add x5, x3, #4092\n ldr x4, [x5]
          4: subs x0, x0, #1\n b.ne 1b\n svc #0`);
        made.data(DATA, used + 1);
        made.set({ 0: 40_000, 1: 0x1234_5678, 2: DATA });
        expect(made.go().reason).to.equal("svc");
        made.engine.dispose();
        return made.records.filter((record) => !isOfCode(record));
      };
      const records = recordsOf(createWasmEngine, ENGINE_BYTES, depth);
      expect(records).to.deep.equal(recordsOf(createUnicornEngine, 0, depth));
      const tlb = { sets: 1, ways: depth, tree: false };
      expect(simulate(tlb, records)).to.deep.equal(simulate(tlb, recordsOf(createWasmEngine, ENGINE_BYTES, 1)));
    }
  });

  it("an engine on memory that another one has used", () => {
    const memory = new PhysicalMemory(2 ** 20, ENGINE_BYTES);
    for (const value of [3, 4]) {
      const made = new EngineBench(() => createWasmEngine(memory, { pageSize: 4096, trace: true }), { bytes: 2 ** 20 });
      memory.u32.set([0xd280_0000 | (value << 5), 0xd400_0001], 0x4000 / 4);
      made.engine.installTranslation(CODE as Va, 0x4000 as Pa, R | X);
      made.engine.registers.pc = BigInt(CODE);
      expect(made.engine.run(10).reason).to.equal("svc");
      expect(made.x(0)).to.equal(value);
      made.engine.dispose();
    }
  });
});
