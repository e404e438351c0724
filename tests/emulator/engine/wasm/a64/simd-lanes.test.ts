/** What SIMD rows share, seen through rows that use it: constants, saturation of each kind, narrowing to both halves. */
import { expect } from "chai";
import { ADD, bitsOf, EXTRACT_U, signBit } from "../../../../../emulator/engine/wasm/a64/simd-lanes.js";
import { runVectors } from "../../../../support/vector-run.js";

describe("lanes of SIMD instructions", () => {
  it("are 8 to 64 bits wide", () => {
    expect([0, 1, 2, 3].map(bitsOf)).to.deep.equal([8, 16, 32, 64]);
    expect([0, 1, 2, 3].map(signBit)).to.deep.equal([0x80n, 0x8000n, 0x8000_0000n, 0x8000_0000_0000_0000n]);
  });

  it("have one operation of WebAssembly for each width", () => {
    // i8x16.add, i16x8.add, i32x4.add, i64x2.add; extract_lane
    expect(ADD).to.deep.equal([0xfd6e, 0xfd8e, 0xfdae, 0xfdce]);
    expect(EXTRACT_U).to.deep.equal([0xfd16, 0xfd19, 0xfd1b, 0xfd1d]);
  });

  it("narrow to the half asked for", () => {
    // XTN V0.8B, V1.8H clears the high half; XTN2 V0.16B, V1.8H keeps the low one.
    const v = { 0: 0x77n, 1: 0x0102_0304_0506_0708_1112_1314_1516_1718n };
    expect(runVectors([0x0e21_2820], { v }).v(0)).to.equal(0x0204_0608_1214_1618n);
    expect(runVectors([0x4e21_2820], { v }).v(0)).to.equal((0x0204_0608_1214_1618n << 64n) | 0x77n);
  });

  it("saturate 64-bit numbers to 32 bits in all three ways", () => {
    // SQXTN, UQXTN and SQXTUN V0.2S, V1.2D
    const v1 = (0xffff_ffff_0000_0000n << 64n) | 0x1_0000_0000n;
    const results = [0x0ea1_4820, 0x2ea1_4820, 0x2ea1_2820].map((word) => runVectors([word], { v: { 1: v1 } }).v(0));
    expect(results).to.deep.equal([0x8000_0000_7fff_ffffn, 0xffff_ffff_ffff_ffffn, 0x0000_0000_ffff_ffffn]);
  });
});
