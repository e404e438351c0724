/** Guest registers as locals of a function. */
import { expect } from "chai";
import { Code } from "../../../../emulator/engine/wasm/binary/code.js";
import { ModuleBuilder } from "../../../../emulator/engine/wasm/binary/module.js";
import { RegisterLocals } from "../../../../emulator/engine/wasm/register-locals.js";

const BASE = 4096;
const I64_ADD = 0x7c;
const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
const words = new BigUint64Array(memory.buffer, BASE, 101);

/** Runs code between the reading and the writing of its registers. */
function run(write: (r: RegisterLocals, code: Code) => void): void {
  const code = new Code(0);
  const registers = new RegisterLocals(code, BASE);
  write(registers, code);
  registers.leave();
  const before = new Code(0);
  registers.enter(before);
  const module = new ModuleBuilder();
  module.importMemory("e", "memory", 1);
  module.exportFunction("f", module.func({ parameters: [], results: [] }, code, before));
  (new WebAssembly.Instance(new WebAssembly.Module(module.finish()), { e: { memory } }).exports["f"] as () => void)();
}

describe("registers as locals", () => {
  beforeEach(() => {
    for (let i = 0; i < words.length; i++) words[i] = BigInt(i) * 1000n;
  });

  it("are read, changed and written back; those that are not set stay", () => {
    run((r, code) => {
      r.getX(3);
      r.getX(4);
      code.op(I64_ADD);
      r.setX(5);
    });
    expect([words[3], words[4], words[5], words[6]]).to.deep.equal([3000n, 4000n, 7000n, 6000n]);
  });

  it("31 is zero and takes nothing, or SP", () => {
    run((r) => {
      r.getX(31);
      r.setX(1);
      r.getXSp(31);
      r.setX(2);
      r.getX(7);
      r.setX(31);
      r.getX(8);
      r.setXSp(31);
    });
    expect([words[1], words[2], words[31]]).to.deep.equal([0n, 31000n, 8000n]);
  });

  it("a scalar clears the rest of its vector", () => {
    run((r, code) => {
      r.getDBits(2);
      r.setDBits(3);
      code.f32(1.5);
      r.setS(4);
      r.getV(6);
      r.setV(7);
    });
    const v = (n: number): bigint[] => [words[37 + 2 * n]!, words[38 + 2 * n]!];
    expect(v(3)).to.deep.equal([41000n, 0n]);
    expect(v(4)).to.deep.equal([0x3fc0_0000n, 0n]);
    expect(v(7)).to.deep.equal([49000n, 50000n]);
  });

  it("can be handed over on the way and taken back", () => {
    run((r, code) => {
      code.i64(5);
      r.setX(9);
      r.publish([9, 31], []);
      // What TypeScript would do.
      code.i32(BASE + 8 * 9).i64(77).memory(0x37, 0);
      r.collect([9, 31], []);
      r.getX(9);
      r.setX(10);
    });
    expect([words[9], words[10]]).to.deep.equal([77n, 77n]);
  });
});
