/** Copies of SIMD elements between vectors and general registers. */
import { expect } from "chai";
import { SIMD_COPY } from "../../../../../emulator/engine/wasm/a64/simd-copy.js";
import { differ } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";
import { runVectors } from "../../../../support/vector-run.js";


const V1 = 0xf0e0_d0c0_b0a0_9080_7060_5040_3020_1000n;

describe("copies of SIMD elements", () => {
  it("repeats an element", () => {
    // DUP V0.8H, V1.H[3]
    expect(runVectors([0x4e0e_0420], { v: { 1: V1 } }).v(0).toString(16)).to.equal("7060".repeat(8));
  });

  it("moves an element to a general register, with and without its sign", () => {
    // SMOV X0, V1.B[15]; UMOV W0, V1.S[2]
    expect(runVectors([0x4e1f_2c20], { v: { 1: V1 } }).x(0)).to.equal(0xffff_ffff_ffff_fff0n);
    expect(runVectors([0x0e14_3c20], { v: { 1: V1 }, x: { 0: 1n << 63n } }).x(0)).to.equal(0xb0a0_9080n);
  });

  it("inserts into one element", () => {
    // INS V0.D[1], X3; INS V0.B[2], V1.B[9]
    const run = runVectors([0x4e18_1c60, 0x6e05_4c20], { v: { 0: 5n, 1: V1 }, x: { 3: 7n } });
    expect(run.v(0)).to.equal((7n << 64n) | 0x90_0005n);
  });

  it("does what the reference engine does", () => {
    expect(differ(SIMD_COPY, 200, runSeed()).differences).to.deep.equal([]);
  }).timeout(60_000);
});
