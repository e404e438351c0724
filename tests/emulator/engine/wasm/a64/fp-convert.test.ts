/** Scalar floating point: conversions with general registers, and moves. */
import { expect } from "chai";
import { FP_CONVERT } from "../../../../../emulator/engine/wasm/a64/fp-convert.js";
import { doubles, singles } from "../../../../support/float-bits.js";
import { differFloats } from "../../../../support/float-differential.js";
import { differ, InstructionDifferential, Random, randomContext } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";
import { runVectors } from "../../../../support/vector-run.js";

const FJCVTZS = 0x1e7e_0020;
const READ_NZCV = 0xd53b_4201;

describe("scalar floating point, conversions", () => {
  it("to integers, saturating", () => {
    // FCVTZS X0, D1; FCVTAS W0, S1; FCVTZU W0, S1, #4
    const whole = (value: number): [bigint, number] => {
      const { x, fpsr } = runVectors([0x9e78_0020], { v: { 1: doubles(value) } });
      return [BigInt.asIntN(64, x(0)), fpsr];
    };
    expect([whole(-7), whole(-7.5), whole(2 ** 63), whole(-(2 ** 63)), whole(NaN)]).to.deep.equal([[-7n, 0], [-7n, 16], [2n ** 63n - 1n, 1], [-(2n ** 63n), 0], [0n, 1]]);
    expect(runVectors([0x1e24_0020], { v: { 1: singles(-2.5) } }).x(0)).to.equal(0xffff_fffdn);
    expect(runVectors([0x1e19_f020], { v: { 1: singles(1.25) } }).x(0)).to.equal(20n);
  });

  it("from integers", () => {
    // UCVTF D0, X0; SCVTF D0, W0, #31
    const of = (value: bigint): [bigint, number] => {
      const { v, fpsr } = runVectors([0x9e63_0000], { x: { 0: value } });
      return [v(0), fpsr];
    };
    expect([of(3n), of(2n ** 53n), of(2n ** 53n + 1n), of(2n ** 64n - 1n)]).to.deep.equal([[doubles(3), 0], [doubles(2 ** 53), 0], [doubles(2 ** 53), 16], [doubles(2 ** 64), 16]]);
    expect(runVectors([0x1e42_8400], { x: { 0: 0xc000_0000n } }).v(0)).to.equal(doubles(-0.5));
  });

  it("moves bits", () => {
    // FMOV X0, V1.D[1]; FMOV V0.D[1], X1; FMOV W0, H1
    expect(runVectors([0x9eae_0020], { v: { 1: 5n << 64n } }).x(0)).to.equal(5n);
    expect(runVectors([0x9eaf_0020], { v: { 0: 1n }, x: { 1: 2n } }).v(0)).to.equal((2n << 64n) | 1n);
    expect(runVectors([0x1ee6_0020], { v: { 1: 0x1234_5678n } }).x(0)).to.equal(0x5678n);
  });

  it("to JavaScript's integers", () => {
    const of = (value: number): bigint[] => {
      const { x } = runVectors([FJCVTZS, READ_NZCV], { v: { 1: doubles(value) } });
      return [x(0), x(1) >> 28n];
    };
    expect([of(-5), of(-0), of(0.5), of(2 ** 32 + 7), of(-(2 ** 31)), of(NaN)]).to.deep.equal([[0xffff_fffbn, 4n], [0n, 0n], [0n, 0n], [7n, 0n], [0x8000_0000n, 4n], [0n, 0n]]);
  });

  it("differs from the reference engine on a flushed number alone", () => {
    const pair = new InstructionDifferential(new Random(1));
    const context = randomContext(new Random(1));
    context[37 + 2] = 1n;
    context[34] = 1n << 24n;
    const [difference] = pair.run([[FJCVTZS]], [context]);
    pair.dispose();
    expect(difference?.lines).to.deep.equal(["NZCV: 40000000 / 0"]);
  });

  it("does what the reference engine does", () => {
    expect(differ(FP_CONVERT, 1000, runSeed()).differences).to.deep.equal([]);
    expect(differFloats(FP_CONVERT, 1500, runSeed())).to.deep.equal([]);
  }).timeout(60_000);
});
