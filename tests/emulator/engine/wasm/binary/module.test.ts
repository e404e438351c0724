/** Modules: imports, exports, tables, memory. */
import { expect } from "chai";
import { Code } from "../../../../../emulator/engine/wasm/binary/code.js";
import { ModuleBuilder, unknownToJavaScript } from "../../../../../emulator/engine/wasm/binary/module.js";

const I32_TYPE = 0x7f;
const UNARY = { parameters: [I32_TYPE], results: [I32_TYPE] } as const;

describe("module", () => {
  it("imports functions, memory and a table, and puts functions into the table", () => {
    const module = new ModuleBuilder();
    const twice = module.importFunction("e", "twice", UNARY);
    module.importMemory("e", "memory", 1);
    module.importTable("e", "table", 4);
    const code = new Code(1);
    // Doubles what the host says, adds the word in memory at 8.
    code.get(0).call(twice).i32(8).memory(0x28, 0).op(0x6a);
    const number = module.func(UNARY, code);
    const caller = new Code(1);
    caller.get(0).i32(3).returnCallIndirect(module.type(UNARY));
    module.element(3, number);
    module.exportFunction("viaTable", module.func(UNARY, caller));
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    const table = new WebAssembly.Table({ element: "anyfunc", initial: 4 });
    new Int32Array(memory.buffer)[2] = 100;
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), { e: { memory, table, twice: (n: number) => 2 * n } });
    expect((exports["viaTable"] as (n: number) => number)(21)).to.equal(142);
    expect((table.get(3) as (n: number) => number)(1)).to.equal(102);
    expect(table.get(0)).to.equal(null);
  });

  it("equal types are one", () => {
    const module = new ModuleBuilder();
    expect(module.type(UNARY)).to.equal(module.type({ parameters: [I32_TYPE], results: [I32_TYPE] }));
    expect(module.type({ parameters: [], results: [] })).to.not.equal(module.type(UNARY));
  });

  it("a type with a vector is none that JavaScript can call", () => {
    const module = new ModuleBuilder();
    const type = unknownToJavaScript(UNARY);
    expect(type).to.deep.equal({ parameters: [I32_TYPE, 0x7b], results: [I32_TYPE] });
    expect(unknownToJavaScript(type)).to.equal(type);
    module.exportFunction("f", module.func(type, new Code(2).get(0)));
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.finish()));
    expect(() => (exports["f"] as (n: number) => number)(1)).to.throw(TypeError);
  });

  it("is nothing but its head if it has nothing", () => {
    expect(WebAssembly.validate(new ModuleBuilder().finish())).to.equal(true);
    expect(new ModuleBuilder().finish().length).to.equal(8);
  });
});
