/** Scalar floating point with one, two and three sources. */
import { expect } from "chai";
import { FP_DATA } from "../../../../../emulator/engine/wasm/a64/fp-data.js";
import { doubles, singles } from "../../../../support/float-bits.js";
import { differFloats } from "../../../../support/float-differential.js";
import { differ } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";
import { runVectors } from "../../../../support/vector-run.js";

const IXC = 16;
/** MSR FPSR, X0 */
const SET_FPSR = 0xd51b_4420;

/** D0 and FPSR behind an instruction on D1, D2, D3. */
function run(word: number, a: number, b = 0, c = 0): [bigint, number] {
  const { v, fpsr } = runVectors([word], { v: { 1: doubles(a, 9), 2: doubles(b, 9), 3: doubles(c, 9) } });
  return [v(0), fpsr];
}

describe("scalar floating point, data processing", () => {
  it("adds, divides, multiplies and adds doubles, and clears the rest of the register", () => {
    // FADD, FDIV, FSQRT D0, D1, D2; FMSUB D0, D1, D2, D3; FRINTA D0, D1
    expect(run(0x1e62_2820, 0.5, 0.25)).to.deep.equal([doubles(0.75), 0]);
    expect(run(0x1e62_2820, 0.1, 0.2)).to.deep.equal([doubles(0.1 + 0.2), IXC]);
    expect(run(0x1e62_1820, 1, 3)).to.deep.equal([doubles(1 / 3), IXC]);
    expect(run(0x1e62_1820, 6, 3)).to.deep.equal([doubles(2), 0]);
    expect(run(0x1e61_c020, 2)).to.deep.equal([doubles(Math.SQRT2), IXC]);
    expect(run(0x1f42_8c20, 3, 4, 20)).to.deep.equal([doubles(8), 0]);
    expect(run(0x1f42_8c20, 1 + 2 ** -30, 1 - 2 ** -30, 1)).to.deep.equal([doubles(2 ** -60), 0]);
    expect(run(0x1e66_4020, -2.5)).to.deep.equal([doubles(-3), 0]);
  });

  it("does the same when the flag for inexact results stands", () => {
    const again = (word: number, a: number, b = 0, c = 0): [bigint, number] => {
      const { v, fpsr } = runVectors([SET_FPSR, word], { x: { 0: 16n }, v: { 1: doubles(a), 2: doubles(b), 3: doubles(c) } });
      return [v(0), fpsr];
    };
    expect(again(0x1e62_2820, 0.1, 0.2)).to.deep.equal([doubles(0.1 + 0.2), IXC]);
    expect(again(0x1e62_1820, 1, 0)).to.deep.equal([doubles(Infinity), IXC | 2]);
    expect(again(0x1e62_1820, 2 ** -1000, 2 ** 100)).to.deep.equal([0n, IXC | 8]);
    expect(again(0x1f42_8c20, 1 + 2 ** -52, 1 + 2 ** -52, -(2 ** -105))).to.deep.equal([doubles(-(1 + 2 ** -51)), IXC]);
  });

  it("computes with halves", () => {
    // FMUL H0, H1, H2; FCVT H0, S1
    expect(runVectors([0x1ee2_0820], { v: { 1: 0xffff_3e00n, 2: 0x4000n } }).v(0)).to.equal(0x4200n);
    expect(runVectors([0x1e23_c020], { v: { 1: singles(1 / 3) } }).v(0)).to.equal(0x3555n);
  });

  it("does what the reference engine does", () => {
    expect(differ(FP_DATA, 1500, runSeed()).differences).to.deep.equal([]);
    expect(differFloats(FP_DATA, 1500, runSeed())).to.deep.equal([]);
  }).timeout(60_000);
});
