/** Scalar floating point: comparisons, selection, immediates. */
import { expect } from "chai";
import { expandImmediate, FP_COMPARE } from "../../../../../emulator/engine/wasm/a64/fp-compare.js";
import { doubles } from "../../../../support/float-bits.js";
import { differFloats } from "../../../../support/float-differential.js";
import { differ } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";
import { runVectors } from "../../../../support/vector-run.js";

/** MRS X0, NZCV; FCMP D0, D1 */
const READ_NZCV = 0xd53b_4200;
const COMPARE = 0x1e61_2000;

describe("scalar floating point, comparisons", () => {
  it("knows four orders", () => {
    const flags = (a: number, b: number): bigint => runVectors([COMPARE, READ_NZCV], { v: { 0: doubles(a), 1: doubles(b) } }).x(0) >> 28n;
    expect([flags(1, 2), flags(2, 2), flags(0, -0), flags(3, 2), flags(NaN, 2), flags(-Infinity, Infinity)]).to.deep.equal([8n, 6n, 6n, 2n, 3n, 8n]);
  });

  it("compares with zero, quiet NaNs signalling", () => {
    // FCMPE S0, #0.0
    expect(runVectors([0x1e20_2018], { v: { 0: 0x7fc0_0000n } }).fpsr).to.equal(1);
    expect(runVectors([COMPARE], { v: { 0: doubles(NaN) } }).fpsr).to.equal(0);
  });

  it("compares and selects on a condition", () => {
    // FCMP D0, D1; FCCMP D0, D1, #5, NE; FCSEL D2, D0, D1, GT
    const after = (a: number, b: number): bigint => runVectors([COMPARE, 0x1e61_1405, READ_NZCV], { v: { 0: doubles(a), 1: doubles(b) } }).x(0) >> 28n;
    expect([after(1, 1), after(1, 2)]).to.deep.equal([5n, 8n]);
    const chosen = (a: number, b: number): bigint => runVectors([COMPARE, 0x1e61_cc02], { v: { 0: doubles(a, 7), 1: doubles(b, 7) } }).v(2);
    expect([chosen(1, 2), chosen(5, 2)]).to.deep.equal([doubles(2), doubles(5)]);
  });

  it("expands immediates", () => {
    // FMOV D0, #1.5; FMOV H0, #-0.125
    expect(runVectors([0x1e6f_1000]).v(0)).to.equal(doubles(1.5));
    expect(runVectors([0x1ef8_1000]).v(0)).to.equal(0xb000n);
    expect([expandImmediate(32, 0x70), expandImmediate(64, 0), expandImmediate(16, 0xff)]).to.deep.equal([0x3f80_0000n, 0x4000_0000_0000_0000n, 0xbfc0n]);
  });

  it("does what the reference engine does", () => {
    expect(differ(FP_COMPARE, 1000, runSeed()).differences).to.deep.equal([]);
    expect(differFloats(FP_COMPARE, 1000, runSeed())).to.deep.equal([]);
  }).timeout(60_000);
});
