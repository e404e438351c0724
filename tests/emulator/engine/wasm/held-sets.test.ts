/** Sets of held pages: their numbers, their counts, and which pages stand beside a new one. Whole sequences are in held-pages.test.ts. */
import { expect } from "chai";
import { Code } from "../../../../emulator/engine/wasm/binary/code.js";
import { ModuleBuilder } from "../../../../emulator/engine/wasm/binary/module.js";
import { HeldSets, SETS_BYTES } from "../../../../emulator/engine/wasm/held-sets.js";

const I32_TYPE = 0x7f;
const I64_TYPE = 0x7e;
const AT = 4096;

interface Functions {
  readonly set: (address: bigint, order: number) => number;
  readonly isFull: (set: number) => number;
  readonly join: (slot: number, set: number) => void;
  readonly leave: (slot: number) => void;
  readonly beside: (address: bigint, order: number, set: number, slot: number, page: bigint) => number;
}

function functions(sets: number, ways: number): Functions & { readonly bytes: Uint8Array } {
  const module = new ModuleBuilder();
  module.importMemory("e", "memory", 1);
  const held = new HeldSets(AT, 12, { sets, ways });
  const [order, set, slot] = [1, 2, 3];
  const add = (name: keyof Functions, parameters: readonly number[], results: readonly number[], body: (code: Code) => unknown): void => {
    const code = new Code(parameters.length);
    body(code);
    module.exportFunction(name, module.func({ parameters, results } as Parameters<ModuleBuilder["func"]>[0], code));
  };
  add("set", [I64_TYPE, I32_TYPE], [I32_TYPE], (code) => held.pushSet(code, 0, 1));
  add("isFull", [I32_TYPE], [I32_TYPE], (code) => held.pushIsFull(code, 0));
  add("join", [I32_TYPE, I32_TYPE], [], (code) => {
    held.join(code, 0, 1);
  });
  add("leave", [I32_TYPE], [], (code) => {
    held.leave(code, 0);
  });
  add("beside", [I64_TYPE, I32_TYPE, I32_TYPE, I32_TYPE, I64_TYPE], [I32_TYPE], (code) => held.pushIsBeside(code, slot!, () => code.get(4), set!, 0, order!));
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), { e: { memory } });
  return { ...(exports as unknown as Functions), bytes: new Uint8Array(memory.buffer, AT, SETS_BYTES) };
}

describe("sets of held pages", () => {
  it("the set is the number of the entry modulo the sets, of which 128 are told apart", () => {
    const { set } = functions(32, 5);
    expect([set(0x4000_7000n, 0), set(0x4000_7000n, 2), set(0x4002_1000n, 0), set(0xffff_ffff_f000n, 31)]).to.deep.equal([7, 1, 1, 31]);
    expect(functions(2 ** 15, 5).set(0xff000n, 0)).to.equal(127);
    expect(functions(1, 5).set(0xff000n, 0)).to.equal(0);
  });

  it("is full with as many pages as ways", () => {
    const { isFull, join, leave, bytes } = functions(4, 2);
    join(5, 3);
    expect([isFull(3), isFull(2)]).to.deep.equal([0, 0]);
    join(31, 3);
    join(0, 2);
    expect([isFull(3), isFull(2)]).to.deep.equal([1, 0]);
    leave(5);
    expect([isFull(3), isFull(2)]).to.deep.equal([0, 0]);
    leave(31);
    leave(0);
    expect([...bytes.subarray(32)].every((count) => count === 0)).to.equal(true);
  });

  it("a page stands beside another if it is in the set and not in its entry", () => {
    const { join, beside } = functions(4, 2);
    join(6, 1);
    expect(beside(0x4000n, 2, 1, 6, 0x7000n)).to.equal(0);
    expect(beside(0x4000n, 2, 1, 6, 0x8000n)).to.equal(1);
    expect(beside(0x4000n, 0, 1, 6, 0x7000n)).to.equal(1);
    expect(beside(0x4000n, 0, 2, 6, 0x7000n)).to.equal(0);
  });
});
