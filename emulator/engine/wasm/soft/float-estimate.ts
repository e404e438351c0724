/**
 * Reciprocals: the estimates by table, and the steps of Newton's iteration.
 *
 * Arm: DDI 0487 J1.3.3 shared/functions/float (FPRecipEstimate, FPRSqrtEstimate, FPRecipStepFused, FPRSqrtStepFused, FPRecpX,
 * UnsignedRecipEstimate, UnsignedRSqrtEstimate).
 */
import {
  FINITE, FPSR_DZC, FPSR_IXC, FPSR_OFC, FPSR_UFC, INFINITE, QUIET, TIE_EVEN, TO_MINUS_INFINITY, TO_PLUS_INFINITY, ZERO, exactMulAdd, infinity, invalid, maxNormal, negate,
  processNan, round, small, unpack, zero, type FloatEnvironment, type FloatFormat, type Unpacked,
} from "./float.js";

/** 1/x to 8 bits; `a` is x in units of 2^-9, 256 to 511. */
function reciprocal(a: number): number {
  return (Math.floor(2 ** 19 / (2 * a + 1)) + 1) >> 1;
}

/** 1/sqrt(x) to 8 bits; `a` is x in units of 2^-9, 128 to 511. */
function reciprocalSqrt(a: number): number {
  const middle = a < 256 ? 2 * a + 1 : (((a >> 1) << 1) + 1) * 2;
  let b = 512;
  while (middle * (b + 1) * (b + 1) < 2 ** 28) b++;
  return (b + 1) >> 1;
}

/** Sign, exponent field and fraction in 52 bits. */
function fieldsOf({ width, fractionBits, exponentBits }: FloatFormat, bits: bigint): { sign: number; field: number; fraction: bigint } {
  return {
    sign: Number(bits >> BigInt(width - 1)),
    field: Number(bits >> BigInt(fractionBits)) & (2 ** exponentBits - 1),
    fraction: (bits & ((1n << BigInt(fractionBits)) - 1n)) << BigInt(52 - fractionBits),
  };
}

function assemble(format: FloatFormat, sign: number, field: number, fraction: bigint): bigint {
  return zero(format, sign) | (BigInt(field) << BigInt(format.fractionBits)) | (fraction >> BigInt(52 - format.fractionBits));
}

const FRACTION = (1n << 52n) - 1n;

/** FPRecipEstimate. */
export function reciprocalEstimate(env: FloatEnvironment, format: FloatFormat, bits: bigint): bigint {
  const x = unpack(env, format, bits);
  if (x.kind >= QUIET) return processNan(env, format, x.kind, bits);
  if (x.kind === INFINITE) return zero(format, x.sign);
  if (x.kind === ZERO) {
    env.raise(FPSR_DZC);
    return infinity(format, x.sign);
  }
  const bias = 2 ** (format.exponentBits - 1) - 1;
  const parts = fieldsOf(format, bits);
  let { field, fraction } = parts;
  // Below 2^-(bias + 1) the reciprocal is too large.
  if (field === 0 && fraction >> 50n === 0n) {
    env.raise(FPSR_OFC | FPSR_IXC);
    const infinite = env.rounding === TIE_EVEN || env.rounding === (x.sign === 0 ? TO_PLUS_INFINITY : TO_MINUS_INFINITY);
    return infinite ? infinity(format, x.sign) : maxNormal(format, x.sign);
  }
  // From 2^(bias - 1) on it is denormal.
  if (env.flushes(format) && field >= 2 * bias - 1) {
    env.raise(FPSR_UFC);
    return zero(format, x.sign);
  }
  if (field === 0) {
    if (fraction >> 51n === 0n) {
      field = -1;
      fraction = (fraction << 2n) & FRACTION;
    } else fraction = (fraction << 1n) & FRACTION;
  }
  const estimate = reciprocal(256 + Number(fraction >> 44n));
  const exponent = 2 * bias - 1 - field;
  fraction = BigInt(estimate & 0xff) << 44n;
  if (exponent > 0) return assemble(format, x.sign, exponent, fraction);
  return assemble(format, x.sign, 0, exponent === 0 ? (1n << 51n) | (fraction >> 1n) : (1n << 50n) | (fraction >> 2n));
}

/** FPRSqrtEstimate. */
export function reciprocalSqrtEstimate(env: FloatEnvironment, format: FloatFormat, bits: bigint): bigint {
  const x = unpack(env, format, bits);
  if (x.kind >= QUIET) return processNan(env, format, x.kind, bits);
  if (x.kind === ZERO) {
    env.raise(FPSR_DZC);
    return infinity(format, x.sign);
  }
  if (x.sign === 1) return invalid(env, format);
  if (x.kind === INFINITE) return zero(format, 0);
  const bias = 2 ** (format.exponentBits - 1) - 1;
  let { field, fraction } = fieldsOf(format, bits);
  if (field === 0) {
    while (fraction >> 51n === 0n) {
      fraction <<= 1n;
      field--;
    }
    fraction = (fraction << 1n) & FRACTION;
  }
  const scaled = (field & 1) === 0 ? 256 + Number(fraction >> 44n) : 128 + Number(fraction >> 45n);
  return assemble(format, 0, (3 * bias - 1 - field) >> 1, BigInt(reciprocalSqrt(scaled) & 0xff) << 44n);
}

/** FPRecpX: the reciprocal of the exponent. */
export function reciprocalExponent(env: FloatEnvironment, format: FloatFormat, bits: bigint): bigint {
  const x = unpack(env, format, bits);
  if (x.kind >= QUIET) return processNan(env, format, x.kind, bits);
  const { sign, field } = fieldsOf(format, bits);
  const top = 2 ** format.exponentBits - 1;
  return assemble(format, sign, field === 0 ? top - 1 : top ^ field, 0n);
}

/** `constant - a * b`, over two to the power `halvings`, rounded once; infinity times zero counts as zero. */
function step(env: FloatEnvironment, format: FloatFormat, a: bigint, b: bigint, constant: bigint, halvings: number): bigint {
  const negated = negate(format, a);
  const x = unpack(env, format, negated);
  const y = unpack(env, format, b);
  for (const wanted of [QUIET + 1, QUIET]) {
    if (x.kind === wanted) return processNan(env, format, wanted, negated);
    if (y.kind === wanted) return processNan(env, format, wanted, b);
  }
  if (x.kind === INFINITE || y.kind === INFINITE) {
    if (x.kind === ZERO || y.kind === ZERO) return small(format, 0, Number(constant), -halvings);
    return infinity(format, x.sign ^ y.sign);
  }
  const addend: Unpacked = { kind: FINITE, sign: 0, significand: constant, exponent: 0 };
  const { sum, exponent } = exactMulAdd(addend, x, y);
  if (sum === 0n) return zero(format, env.rounding === TO_MINUS_INFINITY ? 1 : 0);
  return round(env, format, sum < 0n ? 1 : 0, sum < 0n ? -sum : sum, exponent - halvings);
}

/** FPRecipStepFused: `2 - a * b`. */
export function reciprocalStep(env: FloatEnvironment, format: FloatFormat, a: bigint, b: bigint): bigint {
  return step(env, format, a, b, 2n, 0);
}

/** FPRSqrtStepFused: `(3 - a * b) / 2`. */
export function reciprocalSqrtStep(env: FloatEnvironment, format: FloatFormat, a: bigint, b: bigint): bigint {
  return step(env, format, a, b, 3n, 1);
}

/** UnsignedRecipEstimate of 32 bits. */
export function unsignedReciprocalEstimate(value: number): number {
  return value >>> 31 === 0 ? 0xffff_ffff : (reciprocal(value >>> 23) << 23) >>> 0;
}

/** UnsignedRSqrtEstimate of 32 bits. */
export function unsignedReciprocalSqrtEstimate(value: number): number {
  return value >>> 30 === 0 ? 0xffff_ffff : (reciprocalSqrt(value >>> 23) << 23) >>> 0;
}
