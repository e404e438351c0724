/** The Unicorn engine: the contract of all engines, and what is its own. */
import { expect } from "chai";
import type { Pa, Va } from "../../../emulator/arch/addr.js";
import { ConfigError, ModelBug } from "../../../emulator/arch/errors.js";
import { createUnicornEngine } from "../../../emulator/engine/unicorn.js";
import { PhysicalMemory } from "../../../emulator/memory/physical-memory.js";
import { EngineBench, R, W, X } from "../../support/engine-bench.js";
import { describeEngine, HWCAP_FEATURES } from "../../support/engine-contract.js";

const CODE = 0x10000;
const DATA = 0x4000_0000;

describeEngine({ name: "unicorn", behind: 0, make: createUnicornEngine });

describe("unicorn engine alone", () => {
  it("lists these features and no others", () => {
    const engine = createUnicornEngine(new PhysicalMemory(65536), { pageSize: 4096, trace: false });
    const word = (wanted: 1 | 2) => HWCAP_FEATURES.filter(([, which]) => which === wanted).reduce((sum, [, , bit]) => sum + 2 ** bit, 0);
    expect(engine.hwcap).to.equal(word(1));
    expect(engine.hwcap2).to.equal(word(2));
    engine.dispose();
  });

  it("4 GiB of RAM, used at its end", () => {
    const made = new EngineBench((memory) => createUnicornEngine(memory, { pageSize: 4096, trace: true }), { bytes: 2 ** 32 });
    made.code(CODE, "str x1, [x1]\n ldr x0, [x1]\n br x2");
    const top = 2 ** 32 - 4096;
    made.map(DATA, top, R | W);
    made.map(0x5000_0000, top - 4096, R | X);
    made.memory.u32[(top - 4096) / 4] = 0xd400_0001; // svc #0
    made.set({ 1: DATA + 16, 2: 0x5000_0000 });
    expect(made.go().reason).to.equal("svc");
    expect(made.x(0)).to.equal(DATA + 16);
    expect(made.memory.read64((top + 16) as Pa)).to.equal(BigInt(DATA + 16));
    made.engine.dispose();
  });

  it("rejects what cannot be", () => {
    const memory = new PhysicalMemory(65536);
    expect(() => createUnicornEngine(memory, { pageSize: 8192, trace: false })).to.throw(ConfigError);
    expect(() => createUnicornEngine(memory, { pageSize: 4096, trace: false, filterPages: 65 })).to.throw(ConfigError);
    const engine = createUnicornEngine(memory, { pageSize: 4096, trace: false });
    expect(() => { engine.installTranslation(0 as Va, 65536 as Pa, R); }).to.throw(ModelBug);
    expect(() => { engine.installTranslation(2 ** 48 as Va, 0 as Pa, R); }).to.throw(ModelBug);
    expect(() => { engine.installTranslation(0 as Va, 12 as Pa, R); }).to.throw(ModelBug);
    engine.dispose();
    expect(() => engine.run(1)).to.throw(ModelBug, "disposed");
  });
});
