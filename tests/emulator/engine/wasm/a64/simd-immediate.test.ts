/** Immediates of SIMD instructions. */
import { expect } from "chai";
import { SIMD_IMMEDIATE } from "../../../../../emulator/engine/wasm/a64/simd-immediate.js";
import { differ } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";
import { runVectors } from "../../../../support/vector-run.js";


describe("SIMD immediates", () => {
  it("expands the eight bits in all ways", () => {
    // MOVI V0.2D, #0xff00ff0000ff00ff; MOVI V0.4S, #0x12, MSL #8; MVNI V0.4H, #0x34, LSL #8
    expect(runVectors([0x6f05_e4a0]).v(0)).to.equal(0xff00_ff00_00ff_00ff_ff00_ff00_00ff_00ffn);
    expect(runVectors([0x4f00_c640]).v(0)).to.equal(0x0000_12ff_0000_12ff_0000_12ff_0000_12ffn);
    expect(runVectors([0x2f01_a680]).v(0)).to.equal(0xcbff_cbff_cbff_cbffn);
  });

  it("sets and clears bits of the register", () => {
    // ORR V0.4S, #0x56, LSL #24; BIC V0.8H, #0xf
    const v0 = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdefn;
    expect(runVectors([0x4f02_76c0], { v: { 0: v0 } }).v(0)).to.equal(0x5723_4567_dfab_cdef_5723_4567_dfab_cdefn);
    expect(runVectors([0x6f00_95e0], { v: { 0: v0 } }).v(0)).to.equal(0x0120_4560_89a0_cde0_0120_4560_89a0_cde0n);
  });

  it("expands floating-point numbers", () => {
    // FMOV V0.4S, #-5.25; FMOV V0.2D, #0.5; FMOV V0.4H, #1.0
    expect(runVectors([0x4f04_f6a0]).v(0)).to.equal(0xc0a8_0000_c0a8_0000_c0a8_0000_c0a8_0000n);
    expect(runVectors([0x6f03_f400]).v(0)).to.equal(0x3fe0_0000_0000_0000_3fe0_0000_0000_0000n);
    expect(runVectors([0x0f03_fe00]).v(0)).to.equal(0x3c00_3c00_3c00_3c00n);
  });

  it("does what the reference engine does", () => {
    expect(differ(SIMD_IMMEDIATE, 400, runSeed()).differences).to.deep.equal([]);
  }).timeout(60_000);
});
