/** Fused multiply-add and tests of exactness in WebAssembly against exact arithmetic in TypeScript. */
import { setFlagsFromString } from "node:v8";
import { expect } from "chai";
import { Code } from "../../../../emulator/engine/wasm/binary/code.js";
import { hasVector, ModuleBuilder, unknownToJavaScript } from "../../../../emulator/engine/wasm/binary/module.js";
import { F32, F64, I32, TYPE_F64, TYPE_I32, TYPE_V128, V128 } from "../../../../emulator/engine/wasm/binary/opcodes.js";
import { hostFusesMultiplyAdd } from "../../../../emulator/engine/wasm/host-float.js";
import { FLOAT_FUNCTIONS, floatFunction, type FloatFunction } from "../../../../emulator/engine/wasm/runtime-float.js";
import { DOUBLE, FloatEnvironment, SINGLE, add, mul, mulAdd, type FloatFormat } from "../../../../emulator/engine/wasm/soft/float.js";
import { Random } from "../../../support/random-instructions.js";
import { runSeed } from "../../../support/seed.js";

const IXC = 0x10;

/** The functions behind calls that take their operands from memory: three vectors, mode; the result goes behind them. */
function instantiate(fused: boolean): { readonly words: BigUint64Array; readonly call: (name: FloatFunction, mode: number) => void } {
  const module = new ModuleBuilder();
  module.importMemory("e", "memory", 1);
  for (const name of Object.keys(FLOAT_FUNCTIONS) as FloatFunction[]) {
    const { parameters, results } = FLOAT_FUNCTIONS[name];
    const inner = module.func(unknownToJavaScript(FLOAT_FUNCTIONS[name]), floatFunction(name, fused));
    const code = new Code(1);
    code.i32(48);
    const loads = { [TYPE_V128]: V128.load, [TYPE_F64]: F64.load } as Readonly<Record<number, number>>;
    for (const [index, type] of parameters.slice(0, 3).entries()) code.i32(16 * index).memory(loads[type] ?? F32.load, 0);
    code.get(0);
    if (!hasVector(FLOAT_FUNCTIONS[name])) code.v128(0n, 0n);
    code.call(inner);
    const stores = { [TYPE_V128]: V128.store, [TYPE_F64]: F64.store, [TYPE_I32]: I32.store } as Readonly<Record<number, number>>;
    code.memory(stores[results[0]] ?? F32.store, 0);
    module.exportFunction(name, module.func({ parameters: [TYPE_I32], results: [] }, code));
  }
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), { e: { memory } });
  return {
    words: new BigUint64Array(memory.buffer, 0, 8),
    call: (name, mode) => {
      (exports[name] as (mode: number) => void)(mode);
    },
  };
}

/** Numbers whose sums and products come near ties, near each other, near the limits. */
function operand(random: Random, { width, fractionBits, exponentBits }: FloatFormat): bigint {
  const bias = 2 ** (exponentBits - 1) - 1;
  const ordinary = BigInt(bias - 3 + random.below(7));
  const all = BigInt(random.below(2 ** exponentBits));
  const field = random.below(8) === 0 ? all : ordinary;
  const mask = (1n << BigInt(fractionBits)) - 1n;
  const bit = (): bigint => 1n << BigInt(random.below(fractionBits));
  const fraction = [random.bits64() & mask, 0n, 0n, bit(), bit() | bit(), mask, (mask ^ (bit() - 1n)) & mask, (random.bits64() & mask & ~(bit() - 1n))][random.below(8)]!;
  const zero = random.below(32) === 0;
  return (BigInt(random.below(2)) << BigInt(width - 1)) | (zero ? 0n : (field << BigInt(fractionBits)) | fraction);
}

function isNan(bits: bigint, { width, fractionBits, exponentBits }: FloatFormat): boolean {
  const magnitude = bits & ((1n << BigInt(width - 1)) - 1n);
  return magnitude > ((1n << BigInt(exponentBits)) - 1n) << BigInt(fractionBits);
}

// Node 20 has relaxed SIMD behind a flag, later ones have it; the functions are tested with it and without.
if (!hostFusesMultiplyAdd()) setFlagsFromString("--experimental-wasm-relaxed-simd");

for (const fused of [false, true]) describe(`runtime functions of floating point, ${fused ? "with the host's" : "without a"} fused multiply-add`, () => {
  const seed = runSeed();
  before(() => {
    if (fused) expect(hostFusesMultiplyAdd(), "the host fuses").to.equal(true);
  });
  const { words, call } = instantiate(fused);
  const put = (format: FloatFormat, index: number, lanes: readonly bigint[]): void => {
    words[2 * index] = 0n;
    words[2 * index + 1] = 0n;
    for (const [lane, bits] of lanes.entries()) {
      const at = lane * format.width;
      words[2 * index + (at >> 6)]! |= bits << BigInt(at & 63);
    }
  };
  const result = (format: FloatFormat, lane: number): bigint => BigInt.asUintN(format.width, words[6 + ((lane * format.width) >> 6)]! >> BigInt((lane * format.width) & 63));

  for (const [name, format, lanes] of [["fmaDouble", DOUBLE, 1], ["fmaSingle", SINGLE, 1], ["fmaDoubles", DOUBLE, 2], ["fmaSingles", SINGLE, 4]] as const) {
    it(`${name}: right or not at all`, () => {
      const random = new Random(seed);
      let good = 0;
      for (let round = 0; round < 4000; round++) {
        const mode = random.below(2) * IXC;
        const operands = [0, 1, 2].map((index) => {
          const list = Array.from({ length: lanes }, () => operand(random, format));
          put(format, index, list);
          return list;
        });
        call(name, mode);
        if (isNan(result(format, 0), format)) continue;
        good++;
        for (let lane = 0; lane < lanes; lane++) {
          const env = new FloatEnvironment(0, 0);
          const [a, b, c] = operands.map((list) => list[lane]!) as [bigint, bigint, bigint];
          const wanted = mulAdd(env, format, c, a, b);
          const text = `${a.toString(16)} * ${b.toString(16)} + ${c.toString(16)}, mode ${mode}`;
          expect(result(format, lane).toString(16), text).to.equal(wanted.toString(16));
          expect(env.fpsr & ~(IXC - mode), `flags of ${text}`).to.equal(0);
        }
      }
      expect(good).to.be.greaterThan(lanes > 2 ? 200 : 800);
    });
  }

  for (const [name, format, lanes, soft] of [
    ["exactSumDouble", DOUBLE, 1, add], ["exactSumSingle", SINGLE, 1, add], ["exactSumDoubles", DOUBLE, 2, add], ["exactSumSingles", SINGLE, 4, add],
    ["exactProductDouble", DOUBLE, 1, mul], ["exactProductSingle", SINGLE, 1, mul], ["exactProductDoubles", DOUBLE, 2, mul], ["exactProductSingles", SINGLE, 4, mul],
  ] as const) {
    it(`${name}: only if exact`, () => {
      const random = new Random(seed);
      let good = 0;
      for (let round = 0; round < 4000; round++) {
        const a = Array.from({ length: lanes }, () => operand(random, format));
        const b = Array.from({ length: lanes }, () => operand(random, format));
        const env = new FloatEnvironment(0, 0);
        const r = a.map((value, lane) => soft(env, format, value, b[lane]!));
        for (const [index, list] of [a, b, r].entries()) put(format, index, list);
        call(name, IXC);
        if (BigInt.asUintN(32, words[6]!) === 0n) continue;
        good++;
        expect(env.fpsr, `${a.map((x) => x.toString(16)).join()} ${b.map((x) => x.toString(16)).join()}`).to.equal(0);
      }
      expect(good).to.be.greaterThan(lanes > 2 ? 5 : 100);
    });
  }

  it("nothing is good in another mode", () => {
    put(DOUBLE, 0, [0n, 0n]);
    put(DOUBLE, 1, [0n, 0n]);
    put(DOUBLE, 2, [0n, 0n]);
    for (const name of ["exactSumDouble", "exactProductDoubles"] as const) {
      call(name, 1 << 22);
      expect(BigInt.asUintN(32, words[6]!), name).to.equal(0n);
      call(name, 0);
      expect(BigInt.asUintN(32, words[6]!), name).to.equal(1n);
    }
    call("fmaDoubles", 1 << 24);
    expect(isNan(words[6]!, DOUBLE)).to.equal(true);
  });

});
