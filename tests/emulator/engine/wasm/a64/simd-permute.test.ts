/** Permutations, extraction and tables. */
import { expect } from "chai";
import { SIMD_PERMUTE } from "../../../../../emulator/engine/wasm/a64/simd-permute.js";
import { differ } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";
import { runVectors } from "../../../../support/vector-run.js";


const V1 = 0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100n;
const V2 = 0x1f1e_1d1c_1b1a_1918_1716_1514_1312_1110n;

describe("SIMD permutations", () => {
  it("interleaves, takes apart and transposes", () => {
    // ZIP1 V0.8B, V1.8B, V2.8B; UZP2 V0.4S, V1.4S, V2.4S; TRN1 V0.2D, V1.2D, V2.2D
    expect(runVectors([0x0e02_3820], { v: { 1: V1, 2: V2 } }).v(0)).to.equal(0x1303_1202_1101_1000n);
    expect(runVectors([0x4e82_5820], { v: { 1: V1, 2: V2 } }).v(0)).to.equal(0x1f1e_1d1c_1716_1514_0f0e_0d0c_0706_0504n);
    expect(runVectors([0x4ec2_2820], { v: { 1: V1, 2: V2 } }).v(0)).to.equal(0x1716_1514_1312_1110_0706_0504_0302_0100n);
  });

  it("extracts from two registers", () => {
    // EXT V0.8B, V1.8B, V2.8B, #3
    expect(runVectors([0x2e02_1820], { v: { 1: V1, 2: V2 } }).v(0)).to.equal(0x1211_1007_0605_0403n);
  });

  it("looks bytes up, and knows what is outside of the table", () => {
    // TBL V0.16B, {V1.16B, V2.16B}, V3.16B; TBX V0.8B, {V1.16B}, V3.8B
    const indices = 0xff20_1f1e_1100_0f10n;
    expect(runVectors([0x4e03_2020], { v: { 1: V1, 2: V2, 3: indices } }).v(0)).to.equal(0x0000_0000_0000_0000_0000_1f1e_1100_0f10n);
    expect(runVectors([0x0e03_1020], { v: { 0: 0xaaaa_aaaa_aaaa_aaaa_aaaan, 1: V1, 3: indices } }).v(0)).to.equal(0xaaaa_aaaa_aa00_0faan);
  });

  it("does what the reference engine does", () => {
    expect(differ(SIMD_PERMUTE, 400, runSeed()).differences).to.deep.equal([]);
  }).timeout(60_000);
});
