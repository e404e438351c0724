/** Vectors in WebAssembly: which rows have them, and that lanes outside of a register's part decide nothing. */
import { expect } from "chai";
import { vectorOf } from "../../../../../emulator/engine/wasm/a64/simd-fp-fast.js";
import { singles } from "../../../../support/float-bits.js";
import { runVectors } from "../../../../support/vector-run.js";

describe("vectors in WebAssembly", () => {
  it("hold singles and doubles", () => {
    expect([vectorOf({ Q: 1, sz: 0 }), vectorOf({ Q: 0, sz: 0 }), vectorOf({ sz: 1 }), vectorOf({ sz: 0 })].map((vector) => [vector?.name, vector?.bytes])).to.deep.equal([
      ["Singles", 16], ["Singles", 8], ["Doubles", 8], ["Singles", 4],
    ]);
    expect(vectorOf({ Q: 1 })).to.equal(undefined);
  });

  it("raise nothing for lanes that are not there", () => {
    // FABD S0, S1, S2 with infinities above
    expect(runVectors([0x7ea2_d420], { v: { 1: singles(1, Infinity), 2: singles(0.5, Infinity) } }).fpsr).to.equal(0);
  });
});
