/** Vector floating point with three registers of the same shape. */
import { expect } from "chai";
import { SIMD_FP_THREE_SAME } from "../../../../../emulator/engine/wasm/a64/simd-fp-three-same.js";
import { doubles, singles } from "../../../../support/float-bits.js";
import { differFloats } from "../../../../support/float-differential.js";
import { differ } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";
import { runVectors } from "../../../../support/vector-run.js";

describe("vector floating point, three of the same", () => {
  it("computes lane by lane", () => {
    // FMLA V0.4S, V1.4S, V2.4S; FCMGT V0.2D, V1.2D, V2.2D; FABD S0, S1, S2
    expect(runVectors([0x4e22_cc20], { v: { 0: singles(1, 1, 1, 1), 1: singles(1, 2, 3, 4), 2: singles(2, 2, 2, -2) } }).v(0)).to.equal(singles(3, 5, 7, -7));
    expect(runVectors([0x6ee2_e420], { v: { 1: doubles(2, 1), 2: doubles(1, 2) } }).v(0)).to.equal((1n << 64n) - 1n);
    expect(runVectors([0x7ea2_d420], { v: { 1: singles(1, 5), 2: singles(3, 9) } }).v(0)).to.equal(singles(2));
  });

  it("leaves what is above 64 bits out of account", () => {
    // FADD V0.2S, V1.2S, V2.2S
    const { v, fpsr } = runVectors([0x0e22_d420], { v: { 1: singles(1, 2, Infinity, 3e38), 2: singles(1, 1, -Infinity, 3e38) } });
    expect([v(0), fpsr]).to.deep.equal([singles(2, 3), 0]);
  });

  it("takes neighbours", () => {
    // FADDP V0.4S, V1.4S, V2.4S; FADDP D0, V1.2D
    expect(runVectors([0x6e22_d420], { v: { 1: singles(1, 2, 3, 4), 2: singles(5, 6, 7, 8) } }).v(0)).to.equal(singles(3, 7, 11, 15));
    expect(runVectors([0x7e70_d820], { v: { 1: doubles(1, 2) } }).v(0)).to.equal(doubles(3));
  });

  it("multiplies halves onto singles", () => {
    // FMLAL V0.2S, V1.2H, V2.2H; FMLSL2 V0.4S, V1.4H, V2.4H
    expect(runVectors([0x0e22_ec20], { v: { 0: singles(1, 1), 1: 0x4200_4000n, 2: 0x4000_4000n } }).v(0)).to.equal(singles(5, 7));
    expect(runVectors([0x6ea2_cc20], { v: { 0: singles(1, 1, 1, 1), 1: 0x4000n << 64n, 2: 0x4200n << 64n } }).v(0)).to.equal(singles(-5, 1, 1, 1));
  });

  it("does what the reference engine does", () => {
    expect(differ(SIMD_FP_THREE_SAME, 1500, runSeed()).differences).to.deep.equal([]);
    expect(differFloats(SIMD_FP_THREE_SAME, 1500, runSeed())).to.deep.equal([]);
  }).timeout(60_000);
});
