/** SIMD instructions with three registers of different types. */
import { expect } from "chai";
import { SIMD_THREE_DIFFERENT } from "../../../../../emulator/engine/wasm/a64/simd-three-different.js";
import { differ } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";
import { runVectors } from "../../../../support/vector-run.js";


describe("SIMD instructions with three registers of different types", () => {
  it("accumulates products of the high halves", () => {
    // SMLAL2 V0.4S, V1.8H, V2.8H
    const run = runVectors([0x4e62_8020], { v: { 0: 10n, 1: 0xffffn << 64n, 2: 3n << 64n } });
    expect(run.v(0)).to.equal(7n);
  });

  it("rounds what it narrows", () => {
    // RADDHN V0.8B, V1.8H, V2.8H
    expect(runVectors([0x2e22_4020], { v: { 0: 1n << 100n, 1: 0x0100_0100n, 2: 0x0080_007fn } }).v(0)).to.equal(0x0201n);
  });

  it("saturates the one product that is too large", () => {
    // SQDMULL S0, H1, H2
    const run = runVectors([0x5e62_d020], { v: { 1: 0x1_8000n, 2: 0x8000n } });
    expect([run.v(0), run.fpsr]).to.deep.equal([0x7fff_ffffn, 1 << 27]);
  });

  it("multiplies polynomials", () => {
    // PMULL V0.8H, V1.8B, V2.8B
    expect(runVectors([0x0e22_e020], { v: { 1: 0xff03n, 2: 0xff03n } }).v(0)).to.equal(0x5555_0005n);
  });

  it("does what the reference engine does", () => {
    expect(differ(SIMD_THREE_DIFFERENT, 600, runSeed()).differences).to.deep.equal([]);
  }).timeout(60_000);
});
