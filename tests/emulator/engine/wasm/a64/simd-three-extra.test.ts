/** Rounding doubling products and dot products of SIMD registers. */
import { expect } from "chai";
import { SIMD_THREE_EXTRA } from "../../../../../emulator/engine/wasm/a64/simd-three-extra.js";
import { differ } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";
import { runVectors } from "../../../../support/vector-run.js";


describe("SIMD rounding doubling products and dot products", () => {
  it("subtracts and saturates", () => {
    // SQRDMLSH H0, H1, H2
    const run = runVectors([0x7e42_8c20], { v: { 0: 0x8000n, 1: 0x7fffn, 2: 0x7fffn } });
    expect([run.v(0), run.fpsr]).to.deep.equal([0x8000n, 1 << 27]);
    expect(runVectors([0x7e42_8c20], { v: { 0: 5n, 1: 0x4000n, 2: 4n } }).v(0)).to.equal(3n);
  });

  it("adds up four products of bytes with signs", () => {
    // SDOT V0.2S, V1.8B, V2.8B
    expect(runVectors([0x0e82_9420], { v: { 0: 1n << 127n, 1: 0xff_01_01_01n, 2: 0x80_01_01_01n } }).v(0)).to.equal(131n);
  });

  it("does what the reference engine does", () => {
    expect(differ(SIMD_THREE_EXTRA, 200, runSeed()).differences).to.deep.equal([]);
  }).timeout(60_000);
});
