/** SIMD instructions with three registers of one type. */
import { expect } from "chai";
import { SIMD_THREE_SAME } from "../../../../../emulator/engine/wasm/a64/simd-three-same.js";
import { differ } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";
import { runVectors } from "../../../../support/vector-run.js";


const QC = 1 << 27;

describe("SIMD instructions with three registers of one type", () => {
  it("saturates and says so", () => {
    // SQADD V0.8H, V1.8H, V2.8H; UQSUB B0, B1, B2
    const sum = runVectors([0x4e62_0c20], { v: { 1: 0x8000_7fff_0001n, 2: 0xffff_0001_0001n } });
    expect([sum.v(0), sum.fpsr]).to.deep.equal([0x8000_7fff_0002n, QC]);
    const small = runVectors([0x4e62_0c20], { v: { 1: 1n, 2: 1n } });
    expect([small.v(0), small.fpsr]).to.deep.equal([2n, 0]);
    const difference = runVectors([0x7e22_2c20], { v: { 1: 0x0105n, 2: 0xff06n } });
    expect([difference.v(0), difference.fpsr]).to.deep.equal([0n, QC]);
  });

  it("does not look above a scalar for saturation", () => {
    // UQSUB B0, B1, B2
    expect(runVectors([0x7e22_2c20], { v: { 1: 0x0005n, 2: 0xff05n } }).fpsr).to.equal(0);
  });

  it("shifts by a signed byte, rounding where asked", () => {
    // URSHL V0.4S, V1.4S, V2.4S; SSHL V0.16B, V1.16B, V2.16B
    const one = (by: bigint): bigint => runVectors([0x6ea2_5420], { v: { 1: 0x8000_0003n, 2: by } }).v(0);
    expect([one(1n), one(0xffn), one(0xe0n), one(0xdfn)]).to.deep.equal([6n, 0x4000_0002n, 1n, 0n]);
    expect(runVectors([0x4e22_4420], { v: { 1: 0x81_81_81_81n, 2: 0x80_f9_ff_01n } }).v(0)).to.equal(0xff_ff_c0_02n);
  });

  it("takes the larger one of neighbours", () => {
    // UMAXP V0.16B, V1.16B, V2.16B
    expect(runVectors([0x6e22_a420], { v: { 1: 0x0102_8001n, 2: 0x05n << 120n } }).v(0)).to.equal((0x05n << 120n) | 0x0280n);
  });

  it("selects bits", () => {
    // BSL V0.16B, V1.16B, V2.16B
    expect(runVectors([0x6e62_1c20], { v: { 0: 0xf0n, 1: 0xabn, 2: 0xcdn } }).v(0)).to.equal(0xadn);
  });

  it("multiplies to high halves and polynomials", () => {
    // SQDMULH H0, H1, H2; PMUL V0.8B, V1.8B, V2.8B
    const square = runVectors([0x5e62_b420], { v: { 1: 0x8000n, 2: 0x8000n } });
    expect([square.v(0), square.fpsr]).to.deep.equal([0x7fffn, QC]);
    expect(runVectors([0x5e62_b420], { v: { 1: 0x4000n, 2: 0x4000n } }).v(0)).to.equal(0x2000n);
    expect(runVectors([0x2e22_9c20], { v: { 1: 0x0103n, 2: 0xff03n } }).v(0)).to.equal(0xff05n);
  });

  it("does what the reference engine does", () => {
    expect(differ(SIMD_THREE_SAME, 1500, runSeed()).differences).to.deep.equal([]);
  }).timeout(60_000);
});
