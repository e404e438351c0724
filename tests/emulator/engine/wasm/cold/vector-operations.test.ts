/** Vector instructions on the stack of words: what WebAssembly makes of the same vectors. */
import { expect } from "chai";
import { Code } from "../../../../../emulator/engine/wasm/binary/code.js";
import { ModuleBuilder } from "../../../../../emulator/engine/wasm/binary/module.js";
import { I16X8, I32X4, I64X2, I8X16, TYPE_I32, V128 } from "../../../../../emulator/engine/wasm/binary/opcodes.js";
import { VALUE_WORDS } from "../../../../../emulator/engine/wasm/cold/operations.js";
import { LANE_OPERATIONS, laneViews, VECTOR_OPERATIONS } from "../../../../../emulator/engine/wasm/cold/vector-operations.js";
import { Random } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";

/** Operands that the operations take from the stack: v vector, i i32, l i64; the result is a vector unless it is a number. */
type Shape = "v" | "vv" | "vvv" | "vi" | "i" | "l";

function shapeOf(opcode: number): Shape {
  if (opcode === V128.bitselect) return "vvv";
  if (opcode === V128.not || opcode === V128.anyTrue) return "v";
  if (opcode === I64X2.splat) return "l";
  if ([I8X16.splat, I16X8.splat, I32X4.splat].some((splat) => splat === opcode)) return "i";
  if ([I8X16, I16X8, I32X4, I64X2].some(({ shl, shrS, shrU }) => [shl, shrS, shrU].some((shift) => shift === opcode))) return "vi";
  return "vv";
}

/** Carries out the operation on operands of four words each, in WebAssembly. */
function inWebAssembly(shape: string, operands: readonly Int32Array[], emit: (code: Code) => void, number: boolean): number[] {
  const module = new ModuleBuilder();
  module.importMemory("e", "memory", 1);
  const code = new Code(0);
  code.i32(0);
  for (const [index, type] of [...shape].entries()) {
    const words = new BigInt64Array(operands[index]!.buffer.slice(0));
    if (type === "v") code.v128(words[0]!, words[1]!);
    else if (type === "l") code.i64(words[0]!);
    else code.i32(operands[index]![0]!);
  }
  emit(code);
  code.memory(number ? 0x36 : V128.store, 0).i32(0);
  module.exportFunction("run", module.func({ parameters: [], results: [TYPE_I32] }, code));
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  (new WebAssembly.Instance(new WebAssembly.Module(module.finish()), { e: { memory } }).exports["run"] as () => number)();
  return [...new Int32Array(memory.buffer, 0, number ? 1 : 4)];
}

function onStack(operands: readonly Int32Array[], carryOut: (stack: { readonly words: Int32Array; readonly lanes: ReturnType<typeof laneViews>; top: number }) => void, number: boolean): number[] {
  const words = new Int32Array(8 * VALUE_WORDS);
  // A value below must not change.
  words.fill(77, 0, VALUE_WORDS);
  for (const [index, operand] of operands.entries()) words.set(operand, (index + 1) * VALUE_WORDS);
  const stack = { words, lanes: laneViews(words), top: (operands.length + 1) * VALUE_WORDS };
  carryOut(stack);
  expect([stack.top, ...words.subarray(0, VALUE_WORDS)]).to.deep.equal([2 * VALUE_WORDS, 77, 77, 77, 77]);
  return [...words.subarray(VALUE_WORDS, VALUE_WORDS + (number ? 1 : 4))];
}

describe("vector operations on words", () => {
  const random = new Random(runSeed());
  const bytes = [0, 1, 0x7f, 0x80, 0xff, 15, 16];
  const operand = (): Int32Array => new Int32Array(Uint8Array.from({ length: 16 }, () => (random.below(2) === 0 ? random.pick(bytes) : random.below(256))).buffer);

  for (const [opcode, operation] of VECTOR_OPERATIONS) {
    it(`0x${opcode.toString(16)}`, () => {
      const shape = shapeOf(opcode);
      const number = opcode === V128.anyTrue;
      for (let turn = 0; turn < 12; turn++) {
        const operands = [...shape].map(operand);
        // Lanes that agree, and nothing but zeros, are rare otherwise.
        if (turn === 0 && operands.length === 2) operands[1] = operands[0]!.slice();
        if (turn === 1) operands[0]!.fill(0);
        expect(onStack(operands, operation, number), `${turn}`).to.deep.equal(inWebAssembly(shape, operands, (code) => code.op(opcode), number));
      }
    });
  }

  for (const [opcode, operation] of LANE_OPERATIONS) {
    it(`lane operation 0x${opcode.toString(16)}`, () => {
      const lanes = opcode <= I8X16.replaceLane ? 16 : opcode <= I16X8.replaceLane ? 8 : opcode <= I32X4.replaceLane ? 4 : 2;
      const replaces = [I8X16, I16X8, I32X4, I64X2].some(({ replaceLane }) => replaceLane === opcode);
      const shape = !replaces ? "v" : lanes === 2 ? "vl" : "vi";
      for (let lane = 0; lane < lanes; lane++) {
        const operands = [...shape].map(operand);
        const emit = (code: Code): void => {
          code.lane(opcode, lane);
          if (opcode === I64X2.extractLane) code.op(0xa7);
        };
        expect(onStack(operands, (stack) => { operation(stack, lane); }, !replaces)).to.deep.equal(inWebAssembly(shape, operands, emit, !replaces));
      }
    });
  }
});
