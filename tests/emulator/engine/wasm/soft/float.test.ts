/** Arithmetic on bit patterns against the host's doubles and singles, and against known results of the Arm ARM's rules. */
import { expect } from "chai";
import fc from "fast-check";
import {
  add, bitLength, compare, defaultNan, div, DOUBLE, extremum, extremumNumber, FloatEnvironment, HALF, infinity, maxNormal, mul, mulAdd, mulx, round, shiftOut, SINGLE, small, sqrt, sub, unpack,
} from "../../../../../emulator/engine/wasm/soft/float.js";
import { seededAssert } from "../../../../support/seed.js";

const [IOC, DZC, OFC, UFC, IXC, IDC] = [1, 2, 4, 8, 16, 128] as const;
const [FZ16, FZ, DN] = [1 << 19, 1 << 24, 1 << 25] as const;
const RMODE = 22;

const double = (value: number): bigint => new BigUint64Array(Float64Array.of(value).buffer)[0]!;
const single = (value: number): bigint => BigInt(new Uint32Array(Float32Array.of(value).buffer)[0]!);
const usual = (): FloatEnvironment => new FloatEnvironment(0, 0);
/** Result and flags. */
function run(operation: (env: FloatEnvironment) => bigint | number | undefined, fpcr = 0): [string, number] {
  const env = new FloatEnvironment(fpcr, 0);
  return [String(operation(env)?.toString(16)), env.fpsr];
}
const any = fc.double();
const bothNan = (a: bigint, b: number): boolean => Number.isNaN(b) && (a & 0x7ff8_0000_0000_0000n) === 0x7ff8_0000_0000_0000n;

describe("floating point on bit patterns", () => {
  it("adds, subtracts, multiplies, divides and takes roots of doubles as the host does", () => {
    const operations = [
      [add, (a: number, b: number) => a + b], [sub, (a: number, b: number) => a - b], [mul, (a: number, b: number) => a * b], [div, (a: number, b: number) => a / b],
      [(env: FloatEnvironment, format: typeof DOUBLE, a: bigint) => sqrt(env, format, a), (a: number) => Math.sqrt(a)],
    ] as const;
    for (const [soft, host] of operations) {
      seededAssert(fc.property(any, any, (a, b) => {
        const result = soft(usual(), DOUBLE, double(a), double(b));
        return result === double(host(a, b)) || bothNan(result, host(a, b));
      }), 1000);
    }
  });

  it("does so for singles", () => {
    seededAssert(fc.property(fc.float(), fc.float(), (a, b) => {
      if (Number.isNaN(a) || Number.isNaN(b)) return true;
      // The double result of two singles is so precise that rounding it again changes nothing.
      for (const [soft, host] of [[add, a + b], [sub, a - b], [mul, a * b], [div, a / b]] as const) {
        if (!Number.isNaN(host) && soft(usual(), SINGLE, single(a), single(b)) !== single(host)) return false;
      }
      return Number.isNaN(Math.sqrt(a)) || sqrt(usual(), SINGLE, single(a)) === single(Math.sqrt(a));
    }), 1000);
  });

  it("compares and chooses as the host does", () => {
    seededAssert(fc.property(any, any, (a, b) => {
      const order = compare(usual(), DOUBLE, double(a), double(b), false);
      if (Number.isNaN(a) || Number.isNaN(b)) return order === undefined;
      const larger = extremum(usual(), DOUBLE, double(a), double(b), 1);
      const smaller = extremum(usual(), DOUBLE, double(a), double(b), -1);
      return order === (a < b ? -1 : a > b ? 1 : 0) && larger === double(Math.max(a, b)) && smaller === double(Math.min(a, b));
    }), 1000);
  });

  it("rounds a fused multiply-add once", () => {
    const [x, y] = [1 + 2 ** -30, 1 - 2 ** -30];
    expect(run((env) => mulAdd(env, DOUBLE, double(-1), double(x), double(y)))).to.deep.equal([double(-(2 ** -60)).toString(16), 0]);
    seededAssert(fc.property(fc.integer({ min: -(2 ** 25), max: 2 ** 25 }), fc.integer({ min: -(2 ** 25), max: 2 ** 25 }), fc.integer(), (a, b, c) =>
      mulAdd(usual(), DOUBLE, double(c), double(a), double(b)) === double(a * b + c || 0)), 300);
  });

  it("raises what the operation deserves", () => {
    expect(run((env) => add(env, DOUBLE, double(1), double(2 ** -60)))).to.deep.equal([double(1).toString(16), IXC]);
    expect(run((env) => div(env, DOUBLE, double(1), double(0)))).to.deep.equal([double(Infinity).toString(16), DZC]);
    expect(run((env) => div(env, DOUBLE, 0n, 0n))).to.deep.equal(["7ff8000000000000", IOC]);
    expect(run((env) => mul(env, SINGLE, single(2 ** 100), single(2 ** 100)))).to.deep.equal(["7f800000", OFC | IXC]);
    expect(run((env) => mul(env, SINGLE, single(2 ** -100), single(-(2 ** -100))))).to.deep.equal(["80000000", UFC | IXC]);
    expect(run((env) => mul(env, SINGLE, single(2 ** -100), single(2 ** -40)))).to.deep.equal(["200", 0]);
    expect(run((env) => sqrt(env, SINGLE, single(-1)))).to.deep.equal(["7fc00000", IOC]);
    expect(run((env) => sqrt(env, SINGLE, single(-0)))).to.deep.equal(["80000000", 0]);
    expect(run((env) => sub(env, HALF, 0x7c00n, 0x7c00n))).to.deep.equal(["7e00", IOC]);
  });

  it("rounds in the direction that FPCR says", () => {
    const third = (mode: number): [string, number] => run((env) => div(env, SINGLE, single(1), single(3)), mode << RMODE);
    expect([0, 1, 2, 3].map((mode) => third(mode)[0])).to.deep.equal(["3eaaaaab", "3eaaaaab", "3eaaaaaa", "3eaaaaaa"]);
    const huge = (mode: number, sign: number): string => run((env) => mul(env, SINGLE, single(sign * 2 ** 127), single(4)), mode << RMODE)[0];
    expect([0, 1, 2, 3].map((mode) => [huge(mode, 1), huge(mode, -1)])).to.deep.equal([["7f800000", "ff800000"], ["7f800000", "ff7fffff"], ["7f7fffff", "ff800000"], ["7f7fffff", "ff7fffff"]]);
    expect([0, 1, 2, 3].map((mode) => run((env) => sub(env, SINGLE, single(1), single(1)), mode << RMODE)[0])).to.deep.equal(["0", "0", "80000000", "0"]);
  });

  it("flushes denormal numbers where FPCR says", () => {
    expect(run((env) => add(env, SINGLE, 1n, 0n), FZ)).to.deep.equal(["0", IDC]);
    expect(run((env) => mul(env, SINGLE, single(2 ** -100), single(2 ** -40)), FZ)).to.deep.equal(["0", UFC]);
    expect(run((env) => add(env, HALF, 1n, 0n), FZ)).to.deep.equal(["1", 0]);
    expect(run((env) => add(env, HALF, 1n, 0n), FZ16)).to.deep.equal(["0", 0]);
    expect(run((env) => compare(env, DOUBLE, 1n, 0n, false), FZ)).to.deep.equal(["0", IDC]);
  });

  it("hands NaNs on: a signalling one first, quieted; the default one if FPCR says so", () => {
    expect(run((env) => add(env, SINGLE, 0x7fc0_0001n, 0x7f80_0002n))).to.deep.equal(["7fc00002", IOC]);
    expect(run((env) => add(env, SINGLE, 0xffc0_0001n, 0x7fc0_0002n))).to.deep.equal(["ffc00001", 0]);
    expect(run((env) => add(env, SINGLE, 0xffc0_0001n, 0x7fc0_0002n), DN)).to.deep.equal(["7fc00000", 0]);
    expect(run((env) => sub(env, SINGLE, 0n, 0xffc0_0002n))).to.deep.equal(["ffc00002", 0]);
    // The addend comes first; infinity times zero makes a quiet addend invalid.
    expect(run((env) => mulAdd(env, SINGLE, 0x7fc0_0003n, 0x7fc0_0001n, 0n))).to.deep.equal(["7fc00003", 0]);
    expect(run((env) => mulAdd(env, SINGLE, 0x7fc0_0003n, 0x7f80_0000n, 0n))).to.deep.equal(["7fc00000", IOC]);
    expect(run((env) => extremumNumber(env, SINGLE, 0x7fc0_0003n, single(2), 1))).to.deep.equal(["40000000", 0]);
    expect(run((env) => extremumNumber(env, SINGLE, 0x7f80_0003n, single(2), 1))).to.deep.equal(["7fc00003", IOC]);
    expect(run((env) => compare(env, SINGLE, 0x7fc0_0000n, 0n, true))).to.deep.equal(["undefined", IOC]);
  });

  it("multiplies infinity by zero in its own way", () => {
    expect(run((env) => mulx(env, DOUBLE, double(-Infinity), 0n))).to.deep.equal([double(-2).toString(16), 0]);
    expect(run((env) => mulx(env, DOUBLE, double(3), double(0.5)))).to.deep.equal([double(1.5).toString(16), 0]);
  });

  it("widens halves for a fused multiply-add", () => {
    expect(run((env) => mulAdd(env, SINGLE, single(1), 0x3c01n, 0x4000n, HALF))).to.deep.equal([single(3 + 2 ** -9).toString(16), 0]);
    expect(run((env) => mulAdd(env, SINGLE, single(1), 0x7c01n, 0x4000n, HALF))).to.deep.equal(["7fc02000", IOC]);
  });

  it("makes constants and takes numbers apart", () => {
    expect([infinity(HALF, 1), maxNormal(SINGLE, 0), defaultNan(HALF), small(DOUBLE, 0, 3, -1), small(SINGLE, 1, 1, 1)].map((bits) => bits.toString(16))).to.deep.equal([
      "fc00", "7f7fffff", "7e00", double(1.5).toString(16), single(-2).toString(16),
    ]);
    expect([0n, 1n, 255n, 256n, 1n << 100n].slice(1).map(bitLength)).to.deep.equal([1, 8, 9, 101]);
    expect(shiftOut(0b1011n, 2)).to.deep.equal({ integer: 2n, rest: 1 });
    expect(shiftOut(0b1010n, 2)).to.deep.equal({ integer: 2n, rest: 0 });
    expect(shiftOut(0b1000n, 2, true)).to.deep.equal({ integer: 2n, rest: -1 });
    const { significand, exponent } = unpack(usual(), SINGLE, single(6));
    expect(Number(significand) * 2 ** exponent).to.equal(6);
    expect(run((env) => round(env, HALF, 0, 0xffffn, 0))).to.deep.equal(["7c00", OFC | IXC]);
  });
});
