/** SIMD instructions across the lanes of a vector. */
import { expect } from "chai";
import { SIMD_ACROSS } from "../../../../../emulator/engine/wasm/a64/simd-across.js";
import { differ } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";
import { runVectors } from "../../../../support/vector-run.js";


describe("SIMD instructions across lanes", () => {
  it("adds up all elements", () => {
    // UADDLV S0, V1.8H; ADDP D0, V1.2D
    expect(runVectors([0x6e70_3820], { v: { 1: (0xffffn << 112n) | 0xffff_0001n } }).v(0)).to.equal(0x1_ffffn);
    expect(runVectors([0x5ef1_b820], { v: { 1: (2n << 64n) | 0xffff_ffff_ffff_ffffn } }).v(0)).to.equal(1n);
  });

  it("finds the smallest element of the low half", () => {
    // SMINV B0, V1.8B
    expect(runVectors([0x0e31_a820], { v: { 1: (0x80n << 64n) | 0x7f_fe_05_10n } }).v(0)).to.equal(0xfen);
  });

  it("does what the reference engine does", () => {
    expect(differ(SIMD_ACROSS, 200, runSeed()).differences).to.deep.equal([]);
  }).timeout(60_000);
});
