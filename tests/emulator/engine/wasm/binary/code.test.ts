/** Function bodies, run by the host. */
import { expect } from "chai";
import { Code } from "../../../../../emulator/engine/wasm/binary/code.js";
import { ModuleBuilder, type FunctionType } from "../../../../../emulator/engine/wasm/binary/module.js";

const I32_TYPE = 0x7f;
const I64_TYPE = 0x7e;
const F64_TYPE = 0x7c;
const ADD = 0x6a;
const SUB = 0x6b;
const MUL = 0x6c;
const GT = 0x4a;
const EQZ = 0x45;
const I64_ADD = 0x7c;
const F64_MUL = 0xa2;

function compile(type: FunctionType, write: (code: Code) => void): (...args: never[]) => unknown {
  const module = new ModuleBuilder();
  const code = new Code(type.parameters.length);
  write(code);
  module.exportFunction("f", module.func(type, code));
  return new WebAssembly.Instance(new WebAssembly.Module(module.finish())).exports["f"] as (...args: never[]) => unknown;
}

describe("code", () => {
  it("a loop with its labels: a factorial", () => {
    const f = compile({ parameters: [I32_TYPE], results: [I32_TYPE] }, (code) => {
      const product = code.local(I32_TYPE);
      code.i32(1).set(product);
      const done = code.block();
      const loop = code.loop();
      code.get(0).op(EQZ).brIf(done);
      code.get(product).get(0).op(MUL).set(product).get(0).i32(1).op(SUB).set(0).br(loop).end().end();
      code.get(product);
    }) as (n: number) => number;
    expect([0, 1, 5, 10].map(f)).to.deep.equal([1, 1, 120, 3628800]);
  });

  it("locals of mixed types keep their own values", () => {
    const f = compile({ parameters: [F64_TYPE], results: [F64_TYPE] }, (code) => {
      const [a, b, c] = [code.local(I64_TYPE), code.local(F64_TYPE), code.local(I64_TYPE)];
      code.i64(5n).set(a).f64(2.5).set(b).i64(-7).set(c);
      code.get(0).get(b).op(F64_MUL).get(a).get(c).op(I64_ADD).op(0xb9).op(0xa0);
    }) as (x: number) => number;
    expect(f(4)).to.equal(8);
  });

  it("branch tables and if with else", () => {
    const f = compile({ parameters: [I32_TYPE], results: [I32_TYPE] }, (code) => {
      const outer = code.block();
      const middle = code.block();
      const inner = code.block();
      code.get(0).brTable([inner, middle], outer).end();
      code.i32(100).return().end();
      code.i32(200).return().end();
      code.get(0).i32(5).op(GT).if(I32_TYPE);
      code.i32(1).else().i32(2).end();
    }) as (n: number) => number;
    expect([0, 1, 2, 9].map(f)).to.deep.equal([100, 200, 2, 1]);
  });

  it("vector constants, lanes and shuffles", () => {
    const f = compile({ parameters: [], results: [I32_TYPE] }, (code) => {
      code.v128(0x0706050403020100n, 0x0f0e0d0c0b0a0908n).v128(0n, 0xff00_0000_0000_0000n);
      code.shuffle([3, 2, 1, 31, ...Array.from({ length: 12 }, () => 0)]).lane(0xfd1b, 0);
    }) as () => number;
    expect(f() >>> 0).to.equal(0xff010203);
  });
  it("numbers that take a prefix", () => {
    const f = compile({ parameters: [F64_TYPE], results: [I32_TYPE] }, (code) => void code.get(0).op(0xfc02)) as (x: number) => number;
    expect([1.9, -1.9, 1e20, NaN].map(f)).to.deep.equal([1, -1, 0x7fffffff, 0]);
    expect(compile({ parameters: [I32_TYPE, I32_TYPE], results: [I32_TYPE] }, (code) => void code.get(0).get(1).op(ADD))(...([2, 3] as never[]))).to.equal(5);
  });
});
