/** Engines by name. */
import { expect } from "chai";
import { ConfigError } from "../../emulator/arch/errors.js";
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

  it("4 GiB of RAM leave no room for the wasm engine", () => {
    expect(() => ENGINES.wasm(4096 * MIB, { pageSize: 4096, trace: false })).to.throw(ConfigError, /at most/);
  });
});
