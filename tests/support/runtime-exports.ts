/** The functions of the runtime that JavaScript cannot call, behind functions that it can. */
import { Code } from "../../emulator/engine/wasm/binary/code.js";
import { ModuleBuilder } from "../../emulator/engine/wasm/binary/module.js";
import { TYPE_I32 } from "../../emulator/engine/wasm/binary/opcodes.js";
import { pushUnused, RUNTIME_FUNCTIONS } from "../../emulator/engine/wasm/runtime.js";

/** `load` and `store` of the runtime with these exports, at the times of its clock. */
export function loadAndStore(exports: WebAssembly.Exports): { readonly load: (address: bigint, size: number) => number; readonly store: (address: bigint, size: number, value: bigint) => number } {
  const module = new ModuleBuilder();
  const names = ["load", "store"] as const;
  const imported = names.map((name) => module.importFunction("e", name, RUNTIME_FUNCTIONS[name]));
  const tick = module.importFunction("e", "tick", { parameters: [], results: [TYPE_I32] });
  for (const [index, name] of names.entries()) {
    const parameters = RUNTIME_FUNCTIONS[name].parameters.slice(0, -2);
    const code = new Code(parameters.length);
    for (const parameter of parameters.keys()) code.get(parameter);
    code.call(tick);
    module.exportFunction(name, module.func({ parameters, results: RUNTIME_FUNCTIONS[name].results }, pushUnused(code, name).call(imported[index]!)));
  }
  return new WebAssembly.Instance(new WebAssembly.Module(module.finish()), { e: exports }).exports as unknown as ReturnType<typeof loadAndStore>;
}
