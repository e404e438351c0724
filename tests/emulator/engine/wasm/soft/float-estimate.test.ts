/** Reciprocal estimates and steps: known values of the Arm ARM's tables, and how good the estimates are. */
import { expect } from "chai";
import fc from "fast-check";
import { DOUBLE, FloatEnvironment, HALF, SINGLE } from "../../../../../emulator/engine/wasm/soft/float.js";
import {
  reciprocalEstimate, reciprocalExponent, reciprocalSqrtEstimate, reciprocalSqrtStep, reciprocalStep, unsignedReciprocalEstimate, unsignedReciprocalSqrtEstimate,
} from "../../../../../emulator/engine/wasm/soft/float-estimate.js";
import { seededAssert } from "../../../../support/seed.js";

const [IOC, DZC, OFC, UFC, IXC] = [1, 2, 4, 8, 16] as const;
const FZ = 1 << 24;
const single = (value: number): bigint => BigInt(new Uint32Array(Float32Array.of(value).buffer)[0]!);
const ofSingle = (bits: bigint): number => new Float32Array(Uint32Array.of(Number(bits)).buffer)[0]!;
function run(operation: (env: FloatEnvironment) => bigint, fpcr = 0): [string, number] {
  const env = new FloatEnvironment(fpcr, 0);
  return [operation(env).toString(16), env.fpsr];
}

describe("reciprocals", () => {
  it("are good to 8 bits", () => {
    seededAssert(fc.property(fc.double({ min: 2 ** -100, max: 2 ** 100, noNaN: true }), (a) => {
      const value = Math.fround(a);
      const estimate = ofSingle(reciprocalEstimate(new FloatEnvironment(0, 0), SINGLE, single(value)));
      const root = ofSingle(reciprocalSqrtEstimate(new FloatEnvironment(0, 0), SINGLE, single(value)));
      return Math.abs(estimate * value - 1) < 2 ** -8 && Math.abs(root * Math.sqrt(value) - 1) < 2 ** -8;
    }), 500);
  });

  it("of one, zero, infinity, the too small and the too large", () => {
    expect(run((env) => reciprocalEstimate(env, SINGLE, single(1)))).to.deep.equal(["3f7f8000", 0]);
    expect(run((env) => reciprocalEstimate(env, SINGLE, single(-0)))).to.deep.equal(["ff800000", DZC]);
    expect(run((env) => reciprocalEstimate(env, SINGLE, single(-Infinity)))).to.deep.equal(["80000000", 0]);
    expect(run((env) => reciprocalEstimate(env, SINGLE, 1n))).to.deep.equal(["7f800000", OFC | IXC]);
    expect(run((env) => reciprocalEstimate(env, SINGLE, 1n), 3 << 22)).to.deep.equal(["7f7fffff", OFC | IXC]);
    expect(run((env) => reciprocalEstimate(env, SINGLE, single(2 ** 127)), FZ)).to.deep.equal(["0", UFC]);
    expect(run((env) => reciprocalEstimate(env, SINGLE, single(2 ** 127)))).to.deep.equal(["3fe000", 0]);
    expect(run((env) => reciprocalSqrtEstimate(env, HALF, 0x8000n))).to.deep.equal(["fc00", DZC]);
    expect(run((env) => reciprocalSqrtEstimate(env, SINGLE, single(-4)))).to.deep.equal(["7fc00000", IOC]);
    expect(run((env) => reciprocalSqrtEstimate(env, SINGLE, single(4)))).to.deep.equal(["3eff8000", 0]);
  });

  it("step towards the quotient and the root", () => {
    expect(run((env) => reciprocalStep(env, SINGLE, single(3), single(0.5)))).to.deep.equal([single(0.5).toString(16), 0]);
    expect(run((env) => reciprocalSqrtStep(env, SINGLE, single(3), single(0.5)))).to.deep.equal([single(0.75).toString(16), 0]);
    expect(run((env) => reciprocalStep(env, DOUBLE, 0x7ff0n << 48n, 0n))).to.deep.equal([(0x4000n << 48n).toString(16), 0]);
    expect(run((env) => reciprocalSqrtStep(env, DOUBLE, 0x7ff0n << 48n, 0n))).to.deep.equal([(0x3ff8n << 48n).toString(16), 0]);
    // The first operand is negated before it is looked at.
    expect(run((env) => reciprocalStep(env, SINGLE, 0x7fc0_0001n, 0n))).to.deep.equal(["ffc00001", 0]);
  });

  it("of exponents and of unsigned fractions", () => {
    expect(run((env) => reciprocalExponent(env, SINGLE, single(-8)))).to.deep.equal([(0x8000_0000n | (BigInt(255 - 130) << 23n)).toString(16), 0]);
    expect(run((env) => reciprocalExponent(env, SINGLE, 0n))).to.deep.equal(["7f000000", 0]);
    expect([0x8000_0000, 0xffff_ffff, 0x7fff_ffff].map((value) => unsignedReciprocalEstimate(value).toString(16))).to.deep.equal(["ff800000", "80000000", "ffffffff"]);
    expect([0x4000_0000, 0xffff_ffff, 0x3fff_ffff].map((value) => unsignedReciprocalSqrtEstimate(value).toString(16))).to.deep.equal(["ff800000", "80000000", "ffffffff"]);
  });
});
