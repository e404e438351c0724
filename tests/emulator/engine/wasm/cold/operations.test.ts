/** Integer instructions on 32-bit words, against bigints. */
import { expect } from "chai";
import { CONTROL, I32, I64 } from "../../../../../emulator/engine/wasm/binary/opcodes.js";
import { OPERATIONS, VALUE_WORDS } from "../../../../../emulator/engine/wasm/cold/operations.js";
import { Random } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";

const EDGES = [0n, 1n, 31n, 32n, 33n, 63n, 64n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0x1_0000_0000n, 0x7fff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n, 0xffff_ffff_ffff_ffffn];

/** What the operation leaves of the operands, as an i64; of an i32 the low word counts. */
function carryOut(opcode: number, ...operands: bigint[]): bigint {
  const words = new Int32Array(8 * VALUE_WORDS);
  const stack = { words, top: operands.length * VALUE_WORDS };
  for (const [index, value] of operands.entries()) {
    words[index * VALUE_WORDS] = Number(BigInt.asIntN(32, value));
    words[index * VALUE_WORDS + 1] = Number(BigInt.asIntN(32, value >> 32n));
  }
  OPERATIONS[opcode]!(stack);
  expect(stack.top, "one value is left").to.equal(VALUE_WORDS);
  return (BigInt(words[1]! >>> 0) << 32n) | BigInt(words[0]! >>> 0);
}

type Compute = (a: bigint, b: bigint) => bigint;
const bit = (value: boolean): bigint => (value ? 1n : 0n);
const rotate = (width: bigint, value: bigint, amount: bigint): bigint => (value << amount) | (value >> (width - amount));

/** The meaning of each operation of both widths; operands are unsigned. */
function meanings(width: 32 | 64): Readonly<Record<string, Compute>> {
  const w = BigInt(width);
  const s = (value: bigint): bigint => BigInt.asIntN(width, value);
  return {
    add: (a, b) => a + b, sub: (a, b) => a - b, mul: (a, b) => a * b, and: (a, b) => a & b, or: (a, b) => a | b, xor: (a, b) => a ^ b,
    shl: (a, b) => a << (b % w), shrU: (a, b) => a >> (b % w), shrS: (a, b) => s(a) >> (b % w), rotl: (a, b) => rotate(w, a, b % w), rotr: (a, b) => rotate(w, a, (w - (b % w)) % w),
    eq: (a, b) => bit(a === b), ne: (a, b) => bit(a !== b), ltU: (a, b) => bit(a < b), gtU: (a, b) => bit(a > b), leU: (a, b) => bit(a <= b), geU: (a, b) => bit(a >= b),
    ltS: (a, b) => bit(s(a) < s(b)), gtS: (a, b) => bit(s(a) > s(b)), leS: (a, b) => bit(s(a) <= s(b)), geS: (a, b) => bit(s(a) >= s(b)),
  };
}
const COMPARISONS = new Set(["eq", "ne", "ltU", "gtU", "leU", "geU", "ltS", "gtS", "leS", "geS"]);

describe("operations on words", () => {
  for (const width of [32, 64] as const) {
    const opcodes: Readonly<Record<string, number>> = width === 32 ? I32 : I64;
    for (const [name, meaning] of Object.entries(meanings(width))) {
      it(`i${width}.${name}`, () => {
        const random = new Random(runSeed());
        const wide = (): bigint => (BigInt(random.next()) << 32n) | BigInt(random.next());
        const values = [...EDGES, ...Array.from({ length: 40 }, wide)].map((value) => BigInt.asUintN(width, value));
        const result = width === 32 || COMPARISONS.has(name) ? 32 : 64;
        for (const a of values) for (const b of values) expect(BigInt.asUintN(result, carryOut(opcodes[name]!, a, b)), `${a} ${b}`).to.equal(BigInt.asUintN(result, meaning(a, b)));
      });
    }
  }

  it("divides what does not trap", () => {
    expect(BigInt.asIntN(32, carryOut(I32.divS, -7n, 2n))).to.equal(-3n);
    expect(carryOut(I32.divU, 0xffff_fff9n, 2n) & 0xffff_ffffn).to.equal(0x7fff_fffcn);
    expect(BigInt.asIntN(64, carryOut(I64.divS, -7n, 2n))).to.equal(-3n);
    expect(carryOut(I64.divU, 0xffff_ffff_ffff_fff9n, 2n)).to.equal(0x7fff_ffff_ffff_fffcn);
  });

  it("counts leading zeros, extends and narrows", () => {
    expect([0n, 1n, 0xffff_ffffn].map((value) => carryOut(I32.clz, value) & 0xffff_ffffn)).to.deep.equal([32n, 31n, 0n]);
    expect([0n, 1n, 0x1_0000_0000n, 1n << 63n].map((value) => carryOut(I64.clz, value))).to.deep.equal([64n, 63n, 31n, 0n]);
    expect([0n, 1n << 32n].map((value) => carryOut(I64.eqz, value) & 0xffff_ffffn)).to.deep.equal([1n, 0n]);
    expect(carryOut(I64.extend8S, 0x1_0000_0180n)).to.equal(0xffff_ffff_ffff_ff80n);
    expect(carryOut(I64.extend16S, 0x7fffn)).to.equal(0x7fffn);
    expect(carryOut(I64.extend32S, 0x8000_0000n)).to.equal(0xffff_ffff_8000_0000n);
    expect(carryOut(I64.extendI32U, 0xffff_ffff_8000_0000n)).to.equal(0x8000_0000n);
    expect(carryOut(I64.extendI32S, 0x8000_0000n)).to.equal(0xffff_ffff_8000_0000n);
    expect(carryOut(I32.extend8S, 0x80n) & 0xffff_ffffn).to.equal(0xffff_ff80n);
    expect(carryOut(I32.extend16S, 0x8000n) & 0xffff_ffffn).to.equal(0xffff_8000n);
  });

  it("selects the first of two values unless the third is 0", () => {
    expect(carryOut(CONTROL.select, 5n << 32n, 7n, 1n)).to.equal(5n << 32n);
    expect(carryOut(CONTROL.select, 5n << 32n, 7n, 0n)).to.equal(7n);
  });
});
