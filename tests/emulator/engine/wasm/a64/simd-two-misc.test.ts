/** SIMD instructions with two registers. */
import { expect } from "chai";
import { SIMD_TWO_MISC } from "../../../../../emulator/engine/wasm/a64/simd-two-misc.js";
import { differ } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";
import { runVectors } from "../../../../support/vector-run.js";


const QC = 1 << 27;

describe("SIMD instructions with two registers", () => {
  it("turns elements and bits around", () => {
    // REV64 V0.8H, V1.8H; RBIT V0.16B, V1.16B
    expect(runVectors([0x4e60_0820], { v: { 1: 0x0001_0002_0003_0004n } }).v(0)).to.equal(0x0004_0003_0002_0001n);
    expect(runVectors([0x6e60_5820], { v: { 1: 0x01_80_0f_12n } }).v(0)).to.equal(0x80_01_f0_48n);
  });

  it("counts leading signs", () => {
    // CLS V0.4S, V1.4S
    expect(runVectors([0x4ea0_4820], { v: { 1: 0x0000_0001_ffff_ffff_8000_0000_4000_0000n } }).v(0)).to.equal(0x0000_001e_0000_001f_0000_0000_0000_0000n);
  });

  it("narrows from numbers with signs to numbers without", () => {
    // SQXTUN V0.8B, V1.8H
    const run = runVectors([0x2e21_2820], { v: { 1: 0x0100_ffff_00ffn } });
    expect([run.v(0), run.fpsr]).to.deep.equal([0xff_00_ffn, QC]);
    expect(runVectors([0x2e21_2820], { v: { 1: 0x00ffn } }).fpsr).to.equal(0);
  });

  it("adds numbers without signs to numbers with signs", () => {
    // SUQADD V0.4S, V1.4S
    const run = runVectors([0x4ea0_3820], { v: { 0: 0xffff_ffff_7fff_ffffn, 1: 0x8000_0000_0000_0001n } });
    expect([run.v(0), run.fpsr]).to.deep.equal([0x7fff_ffff_7fff_ffffn, QC]);
  });

  it("has no absolute value of the smallest number", () => {
    // SQABS D0, D1
    const run = runVectors([0x5ee0_7820], { v: { 1: 1n << 63n } });
    expect([run.v(0), run.fpsr]).to.deep.equal([(1n << 63n) - 1n, QC]);
  });

  it("does what the reference engine does", () => {
    expect(differ(SIMD_TWO_MISC, 800, runSeed()).differences).to.deep.equal([]);
  }).timeout(60_000);
});
