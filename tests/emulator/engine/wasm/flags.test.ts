/** Conditions from the operands of the instruction that set the flags, against the Arm ARM's AddWithCarry and ConditionHolds. */
import { expect } from "chai";
import { Code } from "../../../../emulator/engine/wasm/binary/code.js";
import { ModuleBuilder } from "../../../../emulator/engine/wasm/binary/module.js";
import { emitCondition, emitNzcvOfKind, FLAG_KINDS, FLAGS_PACKED } from "../../../../emulator/engine/wasm/flags.js";

const I32_TYPE = 0x7f;
const I64_TYPE = 0x7e;
const NAMES = ["packed", "add 32", "add 64", "sub 32", "sub 64", "logic 32", "logic 64"];
const VALUES = [0n, 1n, 2n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0x1_0000_0000n, 0x7fff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n, 0xffff_ffff_ffff_ffffn, 0x1234_5678_9abc_def0n];

/** NZCV as the architecture's pseudocode makes it, in bits 3:0. */
function reference(kind: number, first: bigint, second: bigint): number {
  const width = kind % 2 === 1 ? 32 : 64;
  const a = BigInt.asUintN(width, first);
  const logic = kind >= 5;
  const subtract = kind === 3 || kind === 4;
  const b = logic ? 0n : BigInt.asUintN(width, subtract ? ~second : second);
  const carryIn = subtract ? 1n : 0n;
  const unsigned = a + b + carryIn;
  const signed = BigInt.asIntN(width, a) + BigInt.asIntN(width, b) + carryIn;
  const result = BigInt.asUintN(width, unsigned);
  const n = result >> BigInt(width - 1) === 1n;
  const c = !logic && result !== unsigned;
  const v = !logic && BigInt.asIntN(width, result) !== signed;
  return (n ? 8 : 0) | (result === 0n ? 4 : 0) | (c ? 2 : 0) | (v ? 1 : 0);
}

function holds(condition: number, nzcv: number): boolean {
  const [n, z, c, v] = [8, 4, 2, 1].map((bit) => (nzcv & bit) !== 0) as [boolean, boolean, boolean, boolean];
  const base = [z, c, n, v, c && !z, n === v, n === v && !z, true][condition >> 1]!;
  return (condition & 1) === 1 && condition !== 15 ? !base : base;
}

/** One function per kind and condition, and one for the four bits. */
function compile(kind: number): { nzcv: (a: bigint, b: bigint) => number; conditions: ((a: bigint, b: bigint) => number)[] } {
  const module = new ModuleBuilder();
  const type = { parameters: [I64_TYPE, I64_TYPE], results: [I32_TYPE] } as const;
  const bits = new Code(2);
  emitNzcvOfKind(bits, kind, 0, 1);
  module.exportFunction("nzcv", module.func(type, bits));
  for (let condition = 0; condition < 16; condition++) {
    const code = new Code(2);
    emitCondition(code, condition & 14, kind, 0, 1);
    if ((condition & 1) === 1) {
      const odd = new Code(2);
      emitCondition(odd, condition, kind, 0, 1);
      module.exportFunction(`c${condition}`, module.func(type, odd));
    } else module.exportFunction(`c${condition}`, module.func(type, code));
  }
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.finish()));
  return { nzcv: exports["nzcv"] as (a: bigint, b: bigint) => number, conditions: Array.from({ length: 16 }, (_, i) => exports[`c${i}`] as (a: bigint, b: bigint) => number) };
}

describe("flags", () => {
  for (const kind of FLAG_KINDS) {
    it(`${NAMES[kind]!}: the four bits and every condition`, () => {
      const { nzcv, conditions } = compile(kind);
      for (const a of VALUES) {
        for (const b of VALUES) {
          const expected = reference(kind, a, b);
          expect(nzcv(a, b) >>> 28, `${a} ${b}`).to.equal(expected);
          for (let condition = 0; condition < 14; condition++) expect(conditions[condition]!(a, b), `condition ${condition} of ${a} ${b}`).to.equal(Number(holds(condition, expected)));
          expect(conditions[14]!(a, b)).to.equal(1);
          expect(conditions[15]!(a, b)).to.equal(1);
        }
      }
    });
  }

  it("packed bits", () => {
    const { nzcv, conditions } = compile(FLAGS_PACKED);
    for (let bits = 0; bits < 16; bits++) {
      const value = BigInt(bits) << 28n;
      expect(nzcv(value, 0n) >>> 28).to.equal(bits);
      for (let condition = 0; condition < 14; condition++) expect(conditions[condition]!(value, 0n)).to.equal(Number(holds(condition, bits)));
    }
  });
});
