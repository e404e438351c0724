/** SIMD products with an element of a vector. */
import { expect } from "chai";
import { SIMD_BY_ELEMENT } from "../../../../../emulator/engine/wasm/a64/simd-by-element.js";
import { differ } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";
import { runVectors } from "../../../../support/vector-run.js";


describe("SIMD products with an element", () => {
  it("multiplies every element with the chosen one", () => {
    // MLA V0.8H, V1.8H, V2.H[7]
    expect(runVectors([0x6f72_0820], { v: { 0: 1n, 1: 0x0002_0003n, 2: 5n << 112n } }).v(0)).to.equal(0x000a_0010n);
  });

  it("accumulates a doubled, rounded high half", () => {
    // SQRDMLAH V0.4S, V1.4S, V2.S[3]
    const run = runVectors([0x6fa2_d820], { v: { 0: 5n, 1: 0x4000_0000n, 2: 3n << 96n } });
    expect([run.v(0), run.fpsr]).to.deep.equal([7n, 0]);
  });

  it("adds up four products of bytes", () => {
    // UDOT V0.4S, V1.16B, V2.4B[1]
    expect(runVectors([0x6fa2_e020], { v: { 0: 1n, 1: 0xff_02_03_04n, 2: 0xff_01_01_01n << 32n } }).v(0)).to.equal(BigInt(1 + 255 * 255 + 9));
  });

  it("does what the reference engine does", () => {
    expect(differ(SIMD_BY_ELEMENT, 500, runSeed()).differences).to.deep.equal([]);
  }).timeout(60_000);
});
