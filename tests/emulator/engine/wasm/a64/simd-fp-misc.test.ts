/** Vector floating point with one register. */
import { expect } from "chai";
import { SIMD_FP_MISC } from "../../../../../emulator/engine/wasm/a64/simd-fp-misc.js";
import { doubles, singles } from "../../../../support/float-bits.js";
import { differFloats } from "../../../../support/float-differential.js";
import { differ, InstructionDifferential, Random, randomContext } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";
import { runVectors } from "../../../../support/vector-run.js";

describe("vector floating point with one register", () => {
  it("widens and narrows", () => {
    // FCVTL2 V0.2D, V1.4S; FCVTN2 V0.4S, V1.2D; FCVTXN S0, D1
    expect(runVectors([0x4e61_7820], { v: { 1: singles(1, 2, 3, 4) } }).v(0)).to.equal(doubles(3, 4));
    expect(runVectors([0x4e61_6820], { v: { 0: singles(1, 2, 8, 8), 1: doubles(3, 4) } }).v(0)).to.equal(singles(1, 2, 3, 4));
    expect(runVectors([0x7e61_6820], { v: { 1: doubles(1 + 2 ** -30) } }).v(0)).to.equal(0x3f80_0001n);
  });

  it("converts to and from integers", () => {
    // FCVTZS V0.4S, V1.4S, #8; SCVTF V0.2D, V1.2D; FRINT32Z V0.2D, V1.2D
    expect(runVectors([0x4f38_fc20], { v: { 1: singles(1.5, -1, 0, 2 ** 30) } }).v(0)).to.equal(0x180n | (0xffff_ff00n << 32n) | (0x7fff_ffffn << 96n));
    expect(runVectors([0x4e61_d820], { v: { 1: (0xffff_ffff_ffff_fffen << 64n) | 5n } }).v(0)).to.equal(doubles(5, -2));
    expect(runVectors([0x4e61_e820], { v: { 1: doubles(-1.75, 2 ** 40) } }).v(0)).to.equal(doubles(-1, -(2 ** 31)));
  });

  it("compares with zero, takes roots, finds the largest number", () => {
    // FCMLT V0.4S, V1.4S, #0.0; FSQRT V0.2D, V1.2D; FMAXNMV S0, V1.4S; URECPE V0.4S, V1.4S
    expect(runVectors([0x4ea0_e820], { v: { 1: singles(-1, 0, -0, 1) } }).v(0)).to.equal(0xffff_ffffn);
    expect(runVectors([0x6ee1_f820], { v: { 1: doubles(4, 2.25) } }).v(0)).to.equal(doubles(2, 1.5));
    expect(runVectors([0x6e30_c820], { v: { 1: singles(-1, NaN, 7, 3) } }).v(0)).to.equal(singles(7));
    expect(runVectors([0x4ea1_c820], { v: { 1: 0x8000_0000n } }).v(0) & 0xffff_ffffn).to.equal(0xff80_0000n);
  });

  it("writes 16 bits where the reference engine writes 32", () => {
    const pair = new InstructionDifferential(new Random(1));
    const context = randomContext(new Random(1));
    context.fill(0n, 34, 36);
    context[37 + 2] = 0xbc00n;
    // FCVTZS H0, H1, #1
    const [difference] = pair.run([[0x5f1f_fc20]], [context]);
    pair.dispose();
    expect(difference?.lines).to.deep.equal(["V0.D[0]: fffffffe / fffe"]);
  });

  it("does what the reference engine does", () => {
    expect(differ(SIMD_FP_MISC, 1500, runSeed()).differences).to.deep.equal([]);
    expect(differFloats(SIMD_FP_MISC, 1500, runSeed())).to.deep.equal([]);
  }).timeout(60_000);
});
