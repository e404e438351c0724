/** Engines by name. */
import { expect } from "chai";
import { ENGINES } from "../../lab/engines.js";

const MIB = 2 ** 20;

describe("engines", () => {
  for (const name of ["unicorn", "wasm"] as const) {
    it(`${name}: RAM of the size that was asked for, and an engine of that name`, () => {
      const { memory, engine } = ENGINES[name](16 * MIB, { pageSize: 4096, trace: false });
      expect(memory.bytes).to.equal(16 * MIB);
      expect(memory.u8.length).to.equal(16 * MIB);
      expect(engine.name).to.equal(name);
      engine.dispose();
    });
  }
});
