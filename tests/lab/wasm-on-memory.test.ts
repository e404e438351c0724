/** The WebAssembly engine on RAM of its own. */
import { expect } from "chai";
import { ConfigError } from "../../emulator/arch/errors.js";
import { wasmOnMemory } from "../../lab/wasm-on-memory.js";

const MIB = 2 ** 20;

describe("the wasm engine's memory", () => {
  it("holds RAM of the size that was asked for, and the engine's data behind it", () => {
    const { memory, engine } = wasmOnMemory(64 * MIB, { pageSize: 4096, trace: false });
    expect(memory.bytes).to.equal(64 * MIB);
    expect(memory.memory.buffer.byteLength).to.be.greaterThan(64 * MIB);
    engine.dispose();
  });

  it("4 GiB of RAM leave no room for the engine", () => {
    expect(() => wasmOnMemory(4096 * MIB, { pageSize: 4096, trace: false })).to.throw(ConfigError, /at most/);
  });
});
