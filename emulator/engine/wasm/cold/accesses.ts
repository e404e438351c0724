/**
 * Loads and stores of the runtime as TypeScript can call them: a small module of its own, because the runtime's functions take an argument that
 * JavaScript has no value for. Addresses are two words.
 */
import { Code, type Local } from "../binary/code.js";
import { ModuleBuilder } from "../binary/module.js";
import { I64, TYPE_EMPTY, TYPE_I32, TYPE_I64, type ValueType } from "../binary/opcodes.js";
import { pushUnused, RUNTIME_FUNCTIONS, type RuntimeFunction } from "../runtime.js";

export interface Accesses {
  /** Where the bytes of an access lie, or NOWHERE. `alignment`: what the address has to be a multiple of; 0: nothing. */
  load(low: number, high: number, bytes: number, alignment: number): number;
  /** Not 0: the access was refused. */
  store(low: number, high: number, bytes: number, alignment: number, valueLow: number, valueHigh: number): number;
  /** Accesses of `bytes` each that make `total`: where the bytes lie, or NOWHERE. */
  loadRun(low: number, high: number, bytes: number, total: number): number;
  /** The bytes stand in the cell RUN; NOWHERE: one of the stores was refused. */
  storeRun(low: number, high: number, bytes: number, total: number): number;
}

const LOW = 0;
const HIGH = 1;

function pushWords(code: Code, low: Local, high: Local): void {
  code.get(low).op(I64.extendI32U).get(high).op(I64.extendI32U).i64(32).op(I64.shl).op(I64.or);
}

/** The module: imports of the runtime's exports, and a function around each. */
function build(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  const names = ["load", "loadAligned", "store", "storeAligned", "loadRun", "storeRun"] as const;
  const imported = Object.fromEntries(names.map((name) => [name, module.importFunction("e", name, RUNTIME_FUNCTIONS[name])])) as Record<RuntimeFunction, number>;
  const tick = module.importFunction("e", "tick", { parameters: [], results: [TYPE_I32] });
  const call = (code: Code, name: RuntimeFunction): Code => pushUnused(code, name).returnCall(imported[name]);
  const define = (name: keyof Accesses, parameters: number, write: (code: Code) => void): void => {
    const code = new Code(parameters);
    write(code);
    module.exportFunction(name, module.func({ parameters: Array.from({ length: parameters }, (): ValueType => TYPE_I32), results: [TYPE_I32] }, code));
  };
  define("load", 4, (code) => {
    const address = code.local(TYPE_I64);
    pushWords(code, LOW, HIGH);
    code.set(address).get(3).if(TYPE_EMPTY);
    call(code.get(address).get(2).call(tick).get(3), "loadAligned").end();
    call(code.get(address).get(2).call(tick), "load");
  });
  define("store", 6, (code) => {
    const address = code.local(TYPE_I64);
    const value = code.local(TYPE_I64);
    pushWords(code, LOW, HIGH);
    code.set(address);
    pushWords(code, 4, 5);
    code.set(value).get(3).if(TYPE_EMPTY);
    call(code.get(address).get(2).get(value).call(tick).get(3), "storeAligned").end();
    call(code.get(address).get(2).get(value).call(tick), "store");
  });
  for (const name of ["loadRun", "storeRun"] as const) {
    define(name, 4, (code) => {
      pushWords(code, LOW, HIGH);
      call(code.get(2).get(3).call(tick), name);
    });
  }
  return module.finish();
}

/** `runtime`: the runtime's exports. */
export function accessesOf(runtime: WebAssembly.Exports): Accesses {
  return new WebAssembly.Instance(new WebAssembly.Module(build()), { e: runtime }).exports as unknown as Accesses;
}
