/** The module of the runtime's arithmetic, made when the first translated code needs it. */
import { expect } from "chai";
import { createArithmetic } from "../../../../emulator/engine/wasm/runtime-arithmetic.js";
import { CRYPTO_FUNCTIONS } from "../../../../emulator/engine/wasm/runtime-crypto.js";
import { FLOAT_FUNCTIONS } from "../../../../emulator/engine/wasm/runtime-float.js";
import { runVectors } from "../../../support/vector-run.js";
import { assemble } from "../../../support/assembly.js";

describe("runtime arithmetic", () => {
  it("has all functions of floating point and cryptography", () => {
    expect(Object.keys(createArithmetic()).sort()).to.deep.equal([...Object.keys(FLOAT_FUNCTIONS), ...Object.keys(CRYPTO_FUNCTIONS)].sort());
  });

  it("is there for code that needs it", () => {
    const words = [...new Uint32Array(assemble("fmadd d0, d1, d2, d3\naese v4.16b, v5.16b").slice().buffer)];
    const [two, three] = [0x4000_0000_0000_0000n, 0x4008_0000_0000_0000n];
    const { v } = runVectors(words, { v: { 1: two, 2: three, 3: two } });
    expect(v(0)).to.equal(0x4020_0000_0000_0000n);
    // SubBytes of zeros.
    expect(v(4)).to.equal(0x63636363_63636363_63636363_63636363n);
  });
});
