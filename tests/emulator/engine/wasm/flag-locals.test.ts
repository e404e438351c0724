/** The flags of a function: kept as operands, made when they are read. */
import { expect } from "chai";
import { Code } from "../../../../emulator/engine/wasm/binary/code.js";
import { ModuleBuilder } from "../../../../emulator/engine/wasm/binary/module.js";
import { FlagLocals, KIND_UNKNOWN } from "../../../../emulator/engine/wasm/flag-locals.js";
import { FLAG_A, FLAG_B, FLAG_KIND } from "../../../../emulator/engine/wasm/layout.js";

const BASE = 4096;
const I32_TYPE = 0x7f;
const I64_TYPE = 0x7e;
const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
const view = new DataView(memory.buffer, BASE);

/** Runs code on two operands; returns its result and how often the flags of an unknown kind were made. */
function run(write: (flags: FlagLocals, code: Code) => void, a = 0n, b = 0n): { result: number; made: number } {
  const module = new ModuleBuilder();
  let made = 0;
  const nzcv = module.importFunction("e", "nzcv", { parameters: [I32_TYPE, I64_TYPE, I64_TYPE], results: [I32_TYPE] });
  module.importMemory("e", "memory", 1);
  const code = new Code(2);
  const flags = new FlagLocals(code, BASE, () => code.call(nzcv));
  const result = code.local(I32_TYPE);
  write(flags, code);
  code.set(result);
  flags.leave();
  code.get(result);
  const before = new Code(2);
  flags.enter(before);
  module.exportFunction("f", module.func({ parameters: [I64_TYPE, I64_TYPE], results: [I32_TYPE] }, code, before));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), { e: { memory, nzcv: () => (made++, 0x6000_0000) } });
  return { result: (exports["f"] as (x: bigint, y: bigint) => number)(a, b), made };
}

describe("flags of a function", () => {
  it("a comparison and its branch need no bits", () => {
    const less = (a: bigint, b: bigint): { result: number; made: number } =>
      run((flags) => {
        flags.ofSub(64, 0, 1);
        flags.condition(11);
      }, a, b);
    expect(less(3n, 4n)).to.deep.equal({ result: 1, made: 0 });
    expect(less(4n, 3n)).to.deep.equal({ result: 0, made: 0 });
  });

  it("flags that come from elsewhere are made once", () => {
    view.setInt32(FLAG_KIND, 4, true);
    const { result, made } = run((flags, code) => {
      expect(flags.kind).to.equal(KIND_UNKNOWN);
      flags.condition(0);
      flags.condition(2);
      code.op(0x6a);
    });
    expect({ result, made }).to.deep.equal({ result: 2, made: 1 });
  });

  it("are left behind as operands, or as bits that were set", () => {
    run((flags, code) => {
      flags.ofAdd(32, 0, 1);
      code.i32(0);
    }, 5n, 6n);
    expect([view.getInt32(FLAG_KIND, true), view.getBigInt64(FLAG_A, true), view.getBigInt64(FLAG_B, true)]).to.deep.equal([1, 5n, 6n]);
    const { result } = run((flags, code) => {
      code.i32(0x9000_0000);
      flags.set();
      flags.get();
    });
    expect(result >>> 0).to.equal(0x9000_0000);
    expect(view.getInt32(FLAG_KIND, true)).to.equal(0);
  });

  it("a function that does not set them leaves them alone", () => {
    view.setBigInt64(FLAG_A, 1234n, true);
    run((_flags, code) => void code.i32(1));
    expect(view.getBigInt64(FLAG_A, true)).to.equal(1234n);
  });
});
