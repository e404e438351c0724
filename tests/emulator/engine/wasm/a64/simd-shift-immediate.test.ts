/** SIMD shifts by an immediate. */
import { expect } from "chai";
import { SIMD_SHIFT_IMMEDIATE } from "../../../../../emulator/engine/wasm/a64/simd-shift-immediate.js";
import { differ } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";
import { runVectors } from "../../../../support/vector-run.js";


const QC = 1 << 27;

describe("SIMD shifts by an immediate", () => {
  it("narrows, and keeps the low bits", () => {
    // SHRN V0.8B, V1.8H, #4
    expect(runVectors([0x0f0c_8420], { v: { 0: 1n << 100n, 1: 0xffff_0000_1234n } }).v(0)).to.equal(0xff_00_23n);
  });

  it("shifts by all bits of an element", () => {
    // SRSHR V0.4S, V1.4S, #32; SSRA V0.2D, V1.2D, #64
    expect(runVectors([0x4f20_2420], { v: { 1: 0x8000_0000_7fff_ffffn } }).v(0)).to.equal(0n);
    expect(runVectors([0x4f40_1420], { v: { 0: 5n, 1: 1n << 63n } }).v(0)).to.equal(4n);
  });

  it("inserts", () => {
    // SLI V0.8B, V1.8B, #3
    expect(runVectors([0x2f0b_5420], { v: { 0: 0xffn, 1: 0x11n } }).v(0)).to.equal(0x8fn);
  });

  it("saturates", () => {
    // SQRSHRUN H0, S1, #16; SQSHLU V0.8H, V1.8H, #15
    const negative = runVectors([0x7f10_8c20], { v: { 1: 0x8000_0000n } });
    expect([negative.v(0), negative.fpsr]).to.deep.equal([0n, QC]);
    expect(runVectors([0x7f10_8c20], { v: { 1: 0x1_8000n } }).v(0)).to.equal(2n);
    const left = runVectors([0x6f1f_6420], { v: { 1: 0xffff_0002_0001n } });
    expect([left.v(0), left.fpsr]).to.deep.equal([0x0000_ffff_8000n, QC]);
  });

  it("lengthens with the sign", () => {
    // SSHLL2 V0.2D, V1.4S, #1
    expect(runVectors([0x4f21_a420], { v: { 1: 0xffff_ffffn << 96n } }).v(0)).to.equal(0xffff_ffff_ffff_fffen << 64n);
  });

  it("does what the reference engine does", () => {
    expect(differ(SIMD_SHIFT_IMMEDIATE, 1000, runSeed()).differences).to.deep.equal([]);
  }).timeout(60_000);
});
