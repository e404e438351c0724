/** What the host's WebAssembly offers beyond the standard's arithmetic: whether its relaxed multiply-add is a fused one. */
import { Code } from "./binary/code.js";
import { ModuleBuilder } from "./binary/module.js";
import { F32X4, F64X2, RELAXED, TYPE_F32, TYPE_F64 } from "./binary/opcodes.js";

/** (a, b, c) -> a * b + c of one lane. */
function multiplyAdd(splat: number, madd: number, extractLane: number): Code {
  const code = new Code(3);
  for (let operand = 0; operand < 3; operand++) code.get(operand).op(splat);
  return code.op(madd).lane(extractLane, 0);
}

/**
 * Whether the host has the relaxed multiply-add and rounds it once. A host that has it does the same in all lanes and every time: the
 * specification leaves only this choice open.
 */
export function hostFusesMultiplyAdd(): boolean {
  const module = new ModuleBuilder();
  const doubles = module.func({ parameters: [TYPE_F64, TYPE_F64, TYPE_F64], results: [TYPE_F64] }, multiplyAdd(F64X2.splat, RELAXED.f64x2Madd, F64X2.extractLane));
  const singles = module.func({ parameters: [TYPE_F32, TYPE_F32, TYPE_F32], results: [TYPE_F32] }, multiplyAdd(F32X4.splat, RELAXED.f32x4Madd, F32X4.extractLane));
  module.exportFunction("double", doubles);
  module.exportFunction("single", singles);
  const bytes = module.finish();
  if (!WebAssembly.validate(bytes)) return false;
  const { double, single } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Readonly<Record<"double" | "single", (a: number, b: number, c: number) => number>>;
  // (1 + u)^2 - (1 + 2u) is u^2, which the rounded product has lost.
  const [u, v] = [2 ** -30, 2 ** -15];
  return double(1 + u, 1 + u, -1 - 2 * u) === u * u && single(1 + v, 1 + v, -1 - 2 * v) === v * v;
}
