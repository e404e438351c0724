/** Products that several SIMD rows share, seen through rows that use them. */
import { expect } from "chai";
import { multiplyLong } from "../../../../../emulator/engine/wasm/a64/simd-multiply.js";
import { runVectors } from "../../../../support/vector-run.js";

const QC = 1 << 27;

describe("products of SIMD elements", () => {
  it("are written as one operation where they are long", () => {
    const opcodes: number[] = [];
    const code = { get: () => code, op: (opcode: number) => opcodes.push(opcode) };
    multiplyLong({ code } as never, 1, 0, 1, false, true);
    // i32x4.extmul_high_i16x8_u
    expect(opcodes).to.deep.equal([0xfdbf]);
  });

  it("round half up", () => {
    // SQRDMULH V0.4S, V1.4S, V2.4S and SQDMULH V0.4S, V1.4S, V2.4S
    const v = { 1: 0x4000_0000n, 2: 1n };
    expect(runVectors([0x6ea2_b420], { v }).v(0)).to.equal(1n);
    expect(runVectors([0x4ea2_b420], { v }).v(0)).to.equal(0n);
  });

  it("saturate the square of the smallest number in any lane", () => {
    const least = 0x8000_0000n << 96n;
    const run = runVectors([0x4ea2_b420], { v: { 1: least | 6n, 2: least | 0x4000_0000n } });
    expect([run.v(0), run.fpsr]).to.deep.equal([(0x7fff_ffffn << 96n) | 3n, QC]);
  });
});
