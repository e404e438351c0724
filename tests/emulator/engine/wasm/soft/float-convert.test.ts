/** Conversions on bit patterns against the host's, and against known results of the Arm ARM's rules. */
import { expect } from "chai";
import fc from "fast-check";
import { DOUBLE, FloatEnvironment, HALF, SINGLE, TIE_AWAY, TIE_EVEN, TO_MINUS_INFINITY, TO_ODD, TO_PLUS_INFINITY, TO_ZERO } from "../../../../../emulator/engine/wasm/soft/float.js";
import { convert, fromFixed, roundToInteger, roundToIntegral, toFixed, toFixedJs } from "../../../../../emulator/engine/wasm/soft/float-convert.js";
import { seededAssert } from "../../../../support/seed.js";

const [IOC, UFC, IXC, IDC] = [1, 8, 16, 128] as const;
const [FZ, AHP] = [1 << 24, 1 << 26] as const;
const double = (value: number): bigint => new BigUint64Array(Float64Array.of(value).buffer)[0]!;
const single = (value: number): bigint => BigInt(new Uint32Array(Float32Array.of(value).buffer)[0]!);
const usual = (): FloatEnvironment => new FloatEnvironment(0, 0);
function run(operation: (env: FloatEnvironment) => bigint, fpcr = 0): [string, number] {
  const env = new FloatEnvironment(fpcr, 0);
  return [operation(env).toString(16), env.fpsr];
}
const numbers = fc.double({ noNaN: true });

describe("conversions on bit patterns", () => {
  it("doubles to singles and back as the host does", () => {
    seededAssert(fc.property(numbers, (a) => convert(usual(), DOUBLE, SINGLE, double(a)) === single(a)), 1000);
    seededAssert(fc.property(fc.float({ noNaN: true }), (a) => convert(usual(), SINGLE, DOUBLE, single(a)) === double(a)), 500);
  });

  it("halves there and back", () => {
    for (let bits = 0n; bits < 0x7c00n; bits++) expect(convert(usual(), SINGLE, HALF, convert(usual(), HALF, SINGLE, bits))).to.equal(bits);
    expect(run((env) => convert(env, SINGLE, HALF, single(65520)))).to.deep.equal(["7c00", 4 | IXC]);
    expect(run((env) => convert(env, DOUBLE, HALF, double(2 ** -25 + 2 ** -40)))).to.deep.equal(["1", UFC | IXC]);
  });

  it("alternative halves have no infinity and no NaN", () => {
    expect(run((env) => convert(env, HALF, SINGLE, 0x7c00n), AHP)).to.deep.equal([single(65536).toString(16), 0]);
    expect(run((env) => convert(env, SINGLE, HALF, single(-Infinity)), AHP)).to.deep.equal(["ffff", IOC]);
    expect(run((env) => convert(env, SINGLE, HALF, 0xffc0_0000n), AHP)).to.deep.equal(["8000", IOC]);
    expect(run((env) => convert(env, SINGLE, HALF, single(2 ** 17)), AHP)).to.deep.equal(["7fff", IOC]);
  });

  it("NaNs keep the high bits of their fraction and become quiet", () => {
    expect(run((env) => convert(env, DOUBLE, SINGLE, 0xfff4_0000_2000_0000n))).to.deep.equal(["ffe00001", IOC]);
    expect(run((env) => convert(env, SINGLE, DOUBLE, 0x7fc0_0001n))).to.deep.equal(["7ff8000020000000", 0]);
  });

  it("rounds to odd", () => {
    expect(run((env) => convert(env, DOUBLE, SINGLE, double(1 + 2 ** -30), TO_ODD))).to.deep.equal(["3f800001", IXC]);
    expect(run((env) => convert(env, DOUBLE, SINGLE, double(2 ** 200), TO_ODD))).to.deep.equal(["7f7fffff", 4 | IXC]);
  });

  it("to integers as the host rounds", () => {
    const modes = [[TO_ZERO, Math.trunc], [TO_PLUS_INFINITY, Math.ceil], [TO_MINUS_INFINITY, Math.floor]] as const;
    for (const [rounding, host] of modes) {
      seededAssert(fc.property(fc.double({ min: -(2 ** 70), max: 2 ** 70, noNaN: true }), (a) => {
        const [wanted, limit] = [BigInt(host(a)), 2n ** 63n];
        const clamped = wanted >= limit ? limit - 1n : wanted < -limit ? -limit : wanted;
        return toFixed(usual(), DOUBLE, double(a), 0, false, rounding, 64) === BigInt.asUintN(64, clamped);
      }), 300);
      seededAssert(fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), (a) => roundToIntegral(usual(), DOUBLE, double(a), rounding, true) === double(host(a))), 300);
    }
    expect([0.5, 1.5, 2.5, -0.5, -2.5].map((a) => Number(BigInt.asIntN(64, toFixed(usual(), DOUBLE, double(a), 0, false, TIE_EVEN, 64))))).to.deep.equal([0, 2, 2, 0, -2]);
    expect([0.5, 1.5, 2.5, -0.5, -2.5].map((a) => Number(BigInt.asIntN(64, toFixed(usual(), DOUBLE, double(a), 0, false, TIE_AWAY, 64))))).to.deep.equal([1, 2, 3, -1, -3]);
  });

  it("saturates, and says whether something was lost", () => {
    expect(run((env) => toFixed(env, DOUBLE, double(3e9), 0, false, TO_ZERO, 32))).to.deep.equal(["7fffffff", IOC]);
    expect(run((env) => toFixed(env, DOUBLE, double(-1), 0, true, TO_ZERO, 32))).to.deep.equal(["0", IOC]);
    expect(run((env) => toFixed(env, DOUBLE, double(-0.5), 0, true, TO_ZERO, 32))).to.deep.equal(["0", IXC]);
    expect(run((env) => toFixed(env, DOUBLE, double(NaN), 0, false, TO_ZERO, 64))).to.deep.equal(["0", IOC]);
    expect(run((env) => toFixed(env, SINGLE, single(1.25), 2, false, TO_ZERO, 32))).to.deep.equal(["5", 0]);
    expect(run((env) => toFixed(env, SINGLE, 1n, 0, false, TO_PLUS_INFINITY, 32), FZ)).to.deep.equal(["0", IDC]);
  });

  it("from integers as the host does", () => {
    seededAssert(fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), (value) => fromFixed(usual(), DOUBLE, value, 0) === double(Number(value))), 1000);
    expect(run((env) => fromFixed(env, SINGLE, 3n, 1))).to.deep.equal([single(1.5).toString(16), 0]);
    expect(run((env) => fromFixed(env, HALF, 0x1_0000n, 0))).to.deep.equal(["7c00", 4 | IXC]);
  });

  it("to JavaScript's 32-bit integers", () => {
    seededAssert(fc.property(numbers, (a) => {
      const { value, z } = toFixedJs(usual(), DOUBLE, double(a));
      return Number(value) === a >>> 0 && z === Object.is(a | 0, a);
    }), 1000);
    // Flushed: no integer.
    expect(toFixedJs(new FloatEnvironment(FZ, 0), DOUBLE, 1n)).to.deep.equal({ value: 0n, z: false });
  });

  it("to integers of 32 and 64 bits that stay numbers", () => {
    expect(run((env) => roundToInteger(env, DOUBLE, double(2 ** 31), TO_ZERO, 32))).to.deep.equal([double(-(2 ** 31)).toString(16), IOC]);
    expect(run((env) => roundToInteger(env, DOUBLE, double(-(2 ** 63)), TO_ZERO, 64))).to.deep.equal([double(-(2 ** 63)).toString(16), 0]);
    expect(run((env) => roundToInteger(env, SINGLE, single(-0.25), TO_ZERO, 64))).to.deep.equal(["80000000", IXC]);
    expect(run((env) => roundToInteger(env, SINGLE, single(NaN), TO_ZERO, 32))).to.deep.equal([single(-(2 ** 31)).toString(16), IOC]);
  });

  it("keeps the sign of a zero that it rounds to", () => {
    expect(run((env) => roundToIntegral(env, DOUBLE, double(-0.25), TIE_EVEN, false))).to.deep.equal([double(-0).toString(16), 0]);
    expect(run((env) => roundToIntegral(env, DOUBLE, double(0.25), TIE_EVEN, true))).to.deep.equal(["0", IXC]);
  });
});
