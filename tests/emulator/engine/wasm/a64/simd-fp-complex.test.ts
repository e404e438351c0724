/** Complex addition and multiplication. */
import { expect } from "chai";
import { SIMD_FP_COMPLEX } from "../../../../../emulator/engine/wasm/a64/simd-fp-complex.js";
import { doubles, singles } from "../../../../support/float-bits.js";
import { differFloats } from "../../../../support/float-differential.js";
import { differ, InstructionDifferential, Random, randomContext } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";
import { runVectors } from "../../../../support/vector-run.js";

describe("complex arithmetic", () => {
  it("adds a number turned by 90 degrees", () => {
    // FCADD V0.4S, V1.4S, V2.4S, #90: (1 + 2i) + i (3 + 4i)
    expect(runVectors([0x6e82_e420], { v: { 1: singles(1, 2, 0, 0), 2: singles(3, 4, 1, 1) } }).v(0)).to.equal(singles(-3, 5, -1, 1));
  });

  it("multiplies in two steps", () => {
    // FCMLA V0.2D, V1.2D, V2.2D, #0 and #90: (1 + 2i)(3 + 4i)
    expect(runVectors([0x6ec2_c420, 0x6ec2_cc20], { v: { 1: doubles(1, 2), 2: doubles(3, 4) } }).v(0)).to.equal(doubles(-5, 10));
    // FCMLA V0.4S, V1.4S, V2.S[1], #270: minus i times the imaginary part
    expect(runVectors([0x6f82_7820], { v: { 1: singles(9, 2, 9, 1), 2: singles(0, 0, 3, 4) } }).v(0)).to.equal(singles(8, -6, 4, -3));
  });

  it("of four halves has no exceptions of lanes that are not there, other than in the reference engine", () => {
    const pair = new InstructionDifferential(new Random(1));
    const context = randomContext(new Random(1));
    context.fill(0n, 34, 36);
    context.fill(0n, 37);
    context[37 + 3] = 0x7c01n;
    // FCMLA V0.4H, V1.4H, V2.H[0], #0
    const [difference] = pair.run([[0x2f42_1020]], [context]);
    pair.dispose();
    expect(difference?.lines).to.deep.equal(["FPSR: 1 / 0"]);
  });

  it("does what the reference engine does", () => {
    expect(differ(SIMD_FP_COMPLEX, 600, runSeed()).differences).to.deep.equal([]);
    expect(differFloats(SIMD_FP_COMPLEX, 600, runSeed())).to.deep.equal([]);
  }).timeout(60_000);
});
