/** Code that is carried out while it is written: values, locals, and what is skipped. */
import { expect } from "chai";
import { ModelBug } from "../../../../../emulator/arch/errors.js";
import { F64, I32, I64, I64X2 } from "../../../../../emulator/engine/wasm/binary/opcodes.js";
import { DirectCode } from "../../../../../emulator/engine/wasm/cold/direct-code.js";

function popped(code: DirectCode): bigint {
  const at = code.pop();
  return (BigInt(code.words[at + 1]! >>> 0) << 32n) | BigInt(code.words[at]! >>> 0);
}

describe("direct code", () => {
  it("has the constants that it was given", () => {
    const code = new DirectCode();
    for (const value of [0, 5, -1, 2 ** 40 + 3, -(2 ** 40), 2 ** 53 - 1]) expect(popped(code.i64(value)), `${value}`).to.equal(BigInt.asUintN(64, BigInt(value)));
    for (const value of [-1n, 1n << 63n, 0x1234_5678_9abc_def0n]) expect(popped(code.i64(value))).to.equal(BigInt.asUintN(64, value));
    code.v128(1n, -2n);
    expect([...code.words.subarray(0, 4)]).to.deep.equal([1, 0, -2, -1]);
  });

  it("keeps locals until the next instruction begins", () => {
    const code = new DirectCode();
    const [a, b] = [code.local(), code.local()];
    expect(a).to.not.equal(b);
    code.i64(7).set(a).i64(9).tee(b).get(a).op(I64.add);
    expect(popped(code)).to.equal(16n);
    expect(popped(code.get(b))).to.equal(9n);
    code.begin();
    expect(code.local()).to.equal(a);
    expect(code.top).to.equal(0);
  });

  for (const [outer, inner, result] of [[1, 1, 11n], [1, 0, 12n], [0, 1, 20n], [0, 0, 20n]] as const) {
    it(`runs one way of each if: ${outer}, ${inner}`, () => {
      const code = new DirectCode();
      code.i32(outer);
      code.if();
      code.i32(inner);
      code.if();
      code.i64(11).else().i64(12).end();
      code.else();
      code.i32(inner);
      code.if();
      code.i64(20).else().i64(20).end();
      code.end();
      expect(popped(code)).to.equal(result);
      expect(code.top).to.equal(0);
    });
  }

  it("does nothing more of an instruction that is abandoned", () => {
    const code = new DirectCode();
    code.i32(1);
    code.if();
    code.abandon();
    code.else().i64(1).op(I64.add).end().set(code.local()).i32(3).op(I32.add);
    expect(code.top).to.equal(0);
    expect(code.skips).to.equal(true);
    code.begin();
    expect(code.skips).to.equal(false);
  });

  it("takes lanes and shuffles bytes", () => {
    const code = new DirectCode();
    code.v128(0x0706_0504_0302_0100n, 0x0f0e_0d0c_0b0a_0908n).v128(0x1716_1514_1312_1110n, 0x1f1e_1d1c_1b1a_1918n);
    code.shuffle([31, 30, 29, 28, 27, 26, 25, 24, 0, 1, 2, 3, 16, 17, 18, 19]);
    const vector = code.local();
    code.set(vector);
    expect(popped(code.get(vector).lane(I64X2.extractLane, 0))).to.equal(0x1819_1a1b_1c1d_1e1fn);
    expect(popped(code.get(vector).lane(I64X2.extractLane, 1))).to.equal(0x1312_1110_0302_0100n);
  });

  it("refuses what it does not have", () => {
    const code = new DirectCode();
    for (const refused of [() => code.op(F64.add), () => code.loop(), () => code.block(), () => code.br(), () => code.brIf(), () => code.f32(), () => code.f64()]) expect(refused).to.throw(ModelBug, "at once");
  });
});
