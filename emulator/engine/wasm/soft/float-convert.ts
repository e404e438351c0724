/**
 * Conversions of floating-point numbers: between formats, to and from integers and fixed point, to integral values.
 *
 * Arm: DDI 0487 J1.3.3 shared/functions/float (FPConvert, FPToFixed, FixedToFP, FPToFixedJS, FPRoundInt, FPRoundIntN).
 */
import {
  FPCR_AHP, FPCR_DN, FPSR_IOC, FPSR_IXC, HALF, INFINITE, QUIET, SIGNALLING, TO_ZERO, ZERO, bitLength, defaultNan, infinity, processNan, round, roundsUp, shiftOut,
  signBit, small, unpack, widenNan, zero, type FloatEnvironment, type FloatFormat, type Rounding, type Unpacked,
} from "./float.js";

/** FPConvert: a number of one format in another one. */
export function convert(env: FloatEnvironment, from: FloatFormat, to: FloatFormat, bits: bigint, rounding: Rounding = env.rounding): bigint {
  const x = unpack(env, from, bits, true);
  const alternative = to === HALF && env.has(FPCR_AHP);
  if (x.kind >= QUIET) {
    if (x.kind === SIGNALLING || alternative) env.raise(FPSR_IOC);
    if (alternative) return zero(to, x.sign);
    return env.has(FPCR_DN) ? defaultNan(to) : widenNan(from, to, bits) | defaultNan(to);
  }
  if (x.kind === INFINITE) {
    if (!alternative) return infinity(to, x.sign);
    env.raise(FPSR_IOC);
    return zero(to, x.sign) | (signBit(to) - 1n);
  }
  if (x.kind === ZERO) return zero(to, x.sign);
  return round(env, to, x.sign, x.significand, x.exponent, { rounding, conversion: true });
}

/** A finite number times `2^fractionBits`, rounded to an integer. `exact`: nothing was rounded off. */
function toInteger({ sign, significand, exponent }: Unpacked, fractionBits: number, rounding: Rounding): { value: bigint; exact: boolean } {
  const { integer, rest } = shiftOut(significand, -(exponent + fractionBits));
  const magnitude = roundsUp(rounding, sign, (integer & 1n) === 1n, rest) ? integer + 1n : integer;
  return { value: sign === 1 ? -magnitude : magnitude, exact: rest === -2 };
}

/** FPToFixed: saturates; `width` bits of result. */
export function toFixed(env: FloatEnvironment, format: FloatFormat, bits: bigint, fractionBits: number, unsigned: boolean, rounding: Rounding, width: number): bigint {
  const x = unpack(env, format, bits);
  const least = unsigned ? 0n : -(1n << BigInt(width - 1));
  const most = (1n << BigInt(unsigned ? width : width - 1)) - 1n;
  if (x.kind >= INFINITE) {
    env.raise(FPSR_IOC);
    return x.kind >= QUIET ? 0n : BigInt.asUintN(width, x.sign === 1 ? least : most);
  }
  const { value, exact } = toInteger(x, fractionBits, rounding);
  if (value < least || value > most) {
    env.raise(FPSR_IOC);
    return BigInt.asUintN(width, value < least ? least : most);
  }
  if (!exact) env.raise(FPSR_IXC);
  return BigInt.asUintN(width, value);
}

/** FixedToFP. `value` is a signed or unsigned integer. */
export function fromFixed(env: FloatEnvironment, format: FloatFormat, value: bigint, fractionBits: number, rounding: Rounding = env.rounding): bigint {
  if (value === 0n) return 0n;
  return round(env, format, value < 0n ? 1 : 0, value < 0n ? -value : value, -fractionBits, { rounding });
}

/** FPToFixedJS: a double as a 32-bit integer modulo 2^32. `z`: the value was such an integer, and not minus zero. */
export function toFixedJs(env: FloatEnvironment, format: FloatFormat, bits: bigint): { value: bigint; z: boolean } {
  const x = unpack(env, format, bits);
  if (x.kind >= INFINITE) {
    env.raise(FPSR_IOC);
    return { value: 0n, z: false };
  }
  const { value, exact } = toInteger(x, 0, TO_ZERO);
  const fits = value >= -0x8000_0000n && value <= 0x7fff_ffffn;
  if (!fits) env.raise(FPSR_IOC);
  else if (!exact) env.raise(FPSR_IXC);
  // A denormal number that was flushed is no integer, minus zero is none that an integer can hold.
  return { value: BigInt.asUintN(32, value), z: fits && exact && !(x.kind === ZERO && bits !== 0n) };
}

/** The number `value`, an integer that the format represents; a zero has the sign. */
function integral(format: FloatFormat, value: bigint, sign: number): bigint {
  if (value === 0n) return zero(format, sign);
  const magnitude = value < 0n ? -value : value;
  const width = bitLength(magnitude);
  const fraction = magnitude << BigInt(format.fractionBits - width + 1);
  return small(format, sign, 1, width - 1) + fraction - (1n << BigInt(format.fractionBits));
}

/** FPRoundInt: rounds to an integral value. `exact`: a value that is not integral raises Inexact. */
export function roundToIntegral(env: FloatEnvironment, format: FloatFormat, bits: bigint, rounding: Rounding, exact: boolean): bigint {
  const x = unpack(env, format, bits);
  if (x.kind >= QUIET) return processNan(env, format, x.kind, bits);
  if (x.kind === INFINITE) return bits;
  if (x.kind === ZERO) return zero(format, x.sign);
  if (x.exponent >= 0) return bits;
  const result = toInteger(x, 0, rounding);
  if (exact && !result.exact) env.raise(FPSR_IXC);
  return integral(format, result.value, x.sign);
}

/** FPRoundIntN: rounds to an integer of `width` bits; what does not fit becomes the most negative one. */
export function roundToInteger(env: FloatEnvironment, format: FloatFormat, bits: bigint, rounding: Rounding, width: 32 | 64): bigint {
  const x = unpack(env, format, bits);
  const limit = 1n << BigInt(width - 1);
  const { value, exact } = x.kind >= INFINITE ? { value: limit, exact: true } : toInteger(x, 0, rounding);
  if (value >= limit || value < -limit) {
    env.raise(FPSR_IOC);
    return small(format, 1, 1, width - 1);
  }
  if (!exact) env.raise(FPSR_IXC);
  return integral(format, value, x.sign);
}
