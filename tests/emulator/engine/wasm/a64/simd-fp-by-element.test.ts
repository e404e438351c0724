/** Vector floating point with one lane of the second factor. */
import { expect } from "chai";
import { SIMD_FP_BY_ELEMENT } from "../../../../../emulator/engine/wasm/a64/simd-fp-by-element.js";
import { doubles, singles } from "../../../../support/float-bits.js";
import { differFloats } from "../../../../support/float-differential.js";
import { differ } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";
import { runVectors } from "../../../../support/vector-run.js";

describe("vector floating point by element", () => {
  it("takes the lane that the fields name", () => {
    // FMLA V0.2D, V1.2D, V2.D[1]; FMUL S0, S1, V2.S[3]; FMULX V0.8H, V1.8H, V2.H[7]; FMLAL V0.4S, V1.4H, V2.H[5]
    expect(runVectors([0x4fc2_1820], { v: { 0: doubles(1, 1), 1: doubles(2, 3), 2: doubles(9, 4) } }).v(0)).to.equal(doubles(9, 13));
    expect(runVectors([0x5fa2_9820], { v: { 1: singles(2), 2: singles(0, 0, 0, 7) } }).v(0)).to.equal(singles(14));
    expect(runVectors([0x6f32_9820], { v: { 1: 0x7c00n, 2: 0n } }).v(0)).to.equal(0x4000n);
    expect(runVectors([0x4f92_0820], { v: { 1: 0x3c00_4000n, 2: 0x4200n << 80n } }).v(0)).to.equal(singles(6, 3));
  });

  it("does what the reference engine does", () => {
    expect(differ(SIMD_FP_BY_ELEMENT, 1000, runSeed()).differences).to.deep.equal([]);
    expect(differFloats(SIMD_FP_BY_ELEMENT, 1000, runSeed())).to.deep.equal([]);
  }).timeout(60_000);
});
