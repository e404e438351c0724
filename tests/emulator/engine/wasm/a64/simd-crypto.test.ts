/** Cryptographic instructions: rounds of published examples. */
import { expect } from "chai";
import { SIMD_CRYPTO } from "../../../../../emulator/engine/wasm/a64/simd-crypto.js";
import { differ } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";
import { runVectors } from "../../../../support/vector-run.js";


/** Bytes in the order of memory as a vector. */
const fromBytes = (hex: string): bigint => [...hex.matchAll(/../g)].reduceRight((value, [byte]) => (value << 8n) | BigInt(`0x${byte}`), 0n);

describe("cryptographic instructions", () => {
  it("encrypts the first round of FIPS 197, appendix B", () => {
    // AESE V0.16B, V1.16B; AESMC V0.16B, V0.16B: input, cipher key; then what round 2 starts from, before its key is added.
    const run = runVectors([0x4e28_4820, 0x4e28_6800], { v: { 0: fromBytes("3243f6a8885a308d313198a2e0370734"), 1: fromBytes("2b7e151628aed2a6abf7158809cf4f3c") } });
    expect(run.v(0)).to.equal(fromBytes("046681e5e0cb199a48f8d37a2806264c"));
  });

  it("undoes a round", () => {
    // AESE, AESMC, AESIMC, AESD with a key of zeros: back at the start.
    const start = 0x0123_4567_89ab_cdef_1122_3344_5566_7788n;
    expect(runVectors([0x4e28_4820, 0x4e28_6800, 0x4e28_7800, 0x4e28_5820], { v: { 0: start } }).v(0)).to.equal(start);
  });

  it("multiplies polynomials of 64 bits", () => {
    // PMULL2 V0.1Q, V1.2D, V2.2D: (x + 1)^2 = x^2 + 1, and all ones squared
    expect(runVectors([0x4ee2_e020], { v: { 1: 3n << 64n, 2: 3n << 64n } }).v(0)).to.equal(5n);
    expect(runVectors([0x4ee2_e020], { v: { 1: ((1n << 64n) - 1n) << 64n, 2: ((1n << 64n) - 1n) << 64n } }).v(0)).to.equal(0x5555_5555_5555_5555_5555_5555_5555_5555n);
  });

  it("turns the sum of two registers", () => {
    // XAR V0.2D, V1.2D, V2.2D, #8
    expect(runVectors([0xce82_2020], { v: { 1: 0x1234n, 2: 0x0034n } }).v(0)).to.equal(0x12n);
  });

  it("does what the reference engine does", () => {
    expect(differ(SIMD_CRYPTO, 600, runSeed()).differences).to.deep.equal([]);
  }).timeout(60_000);
});
