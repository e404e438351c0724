/**
 * IEEE 754 arithmetic as the Arm ARM defines it: half, single and double precision on bit patterns, all rounding modes, flushing
 * to zero, NaN propagation and cumulative exception flags.
 *
 * Results are computed exactly (integer significand times a power of two) and rounded once, as the Arm ARM's pseudocode does with reals.
 * Arm: DDI 0487 J1.3.3 shared/functions/float (FPUnpack, FPRound, FPProcessNaNs, FPAdd, FPMulAdd, FPCompare, FPMax, ...).
 */

export interface FloatFormat {
  readonly width: 16 | 32 | 64;
  readonly fractionBits: number;
  readonly exponentBits: number;
}

export const HALF: FloatFormat = { width: 16, fractionBits: 10, exponentBits: 5 };
export const SINGLE: FloatFormat = { width: 32, fractionBits: 23, exponentBits: 8 };
export const DOUBLE: FloatFormat = { width: 64, fractionBits: 52, exponentBits: 11 };

/** FPCR. */
export const FPCR_FZ16 = 1 << 19;
export const FPCR_RMODE = 3 << 22;
export const FPCR_FZ = 1 << 24;
export const FPCR_DN = 1 << 25;
export const FPCR_AHP = 1 << 26;
/** FPSR: cumulative exceptions. */
export const FPSR_IOC = 1 << 0;
export const FPSR_DZC = 1 << 1;
export const FPSR_OFC = 1 << 2;
export const FPSR_UFC = 1 << 3;
export const FPSR_IXC = 1 << 4;
export const FPSR_IDC = 1 << 7;

/** Rounding modes; the first four are the values of FPCR.RMode. */
export const TIE_EVEN = 0;
export const TO_PLUS_INFINITY = 1;
export const TO_MINUS_INFINITY = 2;
export const TO_ZERO = 3;
export const TIE_AWAY = 4;
export const TO_ODD = 5;
export type Rounding = typeof TIE_EVEN | typeof TO_PLUS_INFINITY | typeof TO_MINUS_INFINITY | typeof TO_ZERO | typeof TIE_AWAY | typeof TO_ODD;

/** FPCR, and the exceptions that have been raised. */
export class FloatEnvironment {
  readonly fpcr: number;
  fpsr: number;
  readonly rounding: Rounding;

  constructor(fpcr: number, fpsr: number) {
    this.fpcr = fpcr;
    this.fpsr = fpsr;
    this.rounding = ((fpcr >>> 22) & 3) as Rounding;
  }

  raise(flag: number): void {
    this.fpsr |= flag;
  }

  has(bit: number): boolean {
    return (this.fpcr & bit) !== 0;
  }

  /** Whether denormal numbers of the format count as zero. */
  flushes({ width }: FloatFormat): boolean {
    return this.has(width === 16 ? FPCR_FZ16 : FPCR_FZ);
  }
}

export const ZERO = 0;
export const FINITE = 1;
export const INFINITE = 2;
export const QUIET = 3;
export const SIGNALLING = 4;

/** A number: `significand * 2^exponent`, negative if `sign` is 1. The significand is not 0 exactly if the kind is FINITE. */
export interface Unpacked {
  readonly kind: typeof ZERO | typeof FINITE | typeof INFINITE | typeof QUIET | typeof SIGNALLING;
  readonly sign: 0 | 1;
  readonly significand: bigint;
  readonly exponent: number;
}

function bias({ exponentBits }: FloatFormat): number {
  return 2 ** (exponentBits - 1) - 1;
}
/** The exponent field of infinities and NaNs. */
function topExponent({ exponentBits }: FloatFormat): number {
  return 2 ** exponentBits - 1;
}
export function signBit({ width }: FloatFormat): bigint {
  return 1n << BigInt(width - 1);
}
function withSign(format: FloatFormat, sign: number, bits: bigint): bigint {
  return sign === 1 ? bits | signBit(format) : bits;
}
export function zero(format: FloatFormat, sign: number): bigint {
  return withSign(format, sign, 0n);
}
export function infinity(format: FloatFormat, sign: number): bigint {
  return withSign(format, sign, BigInt(topExponent(format)) << BigInt(format.fractionBits));
}
/** The largest finite number. */
export function maxNormal(format: FloatFormat, sign: number): bigint {
  return withSign(format, sign, infinity(format, 0) - 1n);
}
function quietBit({ fractionBits }: FloatFormat): bigint {
  return 1n << BigInt(fractionBits - 1);
}
export function defaultNan(format: FloatFormat): bigint {
  return infinity(format, 0) | quietBit(format);
}
/** `numerator * 2^exponent` as bits; it must be a normal number of few bits. */
export function small(format: FloatFormat, sign: number, numerator: number, exponent: number): bigint {
  const width = 32 - Math.clz32(numerator);
  const field = exponent + width - 1 + bias(format);
  return withSign(format, sign, (BigInt(field - 1) << BigInt(format.fractionBits)) + (BigInt(numerator) << BigInt(format.fractionBits - width + 1)));
}
export function negate(format: FloatFormat, bits: bigint): bigint {
  return bits ^ signBit(format);
}
export function absolute(format: FloatFormat, bits: bigint): bigint {
  return bits & ~signBit(format);
}

/** Number of bits up to the highest one that is set. */
export function bitLength(value: bigint): number {
  const digits = value.toString(16);
  return 4 * (digits.length - 1) + 32 - Math.clz32(Number.parseInt(digits[0]!, 16));
}

/** FPUnpack. `conversion`: as FPUnpackCV, for conversions between formats: alternative half precision counts, FZ16 does not. */
export function unpack(env: FloatEnvironment, format: FloatFormat, bits: bigint, conversion = false): Unpacked {
  const { fractionBits, width } = format;
  const sign = Number(bits >> BigInt(width - 1)) as 0 | 1;
  const fraction = bits & ((1n << BigInt(fractionBits)) - 1n);
  const top = topExponent(format);
  const field = Number(bits >> BigInt(fractionBits)) & top;
  if (field === 0) {
    if (fraction !== 0n && env.flushes(format) && !(conversion && width === 16)) {
      if (width !== 16) env.raise(FPSR_IDC);
    } else if (fraction !== 0n) return { kind: FINITE, sign, significand: fraction, exponent: 1 - bias(format) - fractionBits };
    return { kind: ZERO, sign, significand: 0n, exponent: 0 };
  }
  if (field === top && !(conversion && width === 16 && env.has(FPCR_AHP))) {
    const kind = fraction === 0n ? INFINITE : (fraction & quietBit(format)) !== 0n ? QUIET : SIGNALLING;
    return { kind, sign, significand: 0n, exponent: 0 };
  }
  return { kind: FINITE, sign, significand: fraction | (1n << BigInt(fractionBits)), exponent: field - bias(format) - fractionBits };
}

/** Whether the rounding mode goes to the neighbour away from zero. `rest` against one half: -2 exact, -1 below, 0 equal, 1 above. */
export function roundsUp(rounding: Rounding, sign: number, odd: boolean, rest: number): boolean {
  switch (rounding) {
    case TIE_EVEN:
      return rest > 0 || (rest === 0 && odd);
    case TO_PLUS_INFINITY:
      return rest !== -2 && sign === 0;
    case TO_MINUS_INFINITY:
      return rest !== -2 && sign === 1;
    case TIE_AWAY:
      return rest >= 0;
    default:
      return false;
  }
}

/** `value / 2^shift` as integer and what is left, against one half as in `roundsUp`. `sticky`: the value is a little larger than given. */
export function shiftOut(value: bigint, shift: number, sticky = false): { integer: bigint; rest: number } {
  if (shift <= 0) return { integer: value << BigInt(-shift), rest: sticky ? -1 : -2 };
  const integer = value >> BigInt(shift);
  const left = value - (integer << BigInt(shift));
  const half = 1n << BigInt(shift - 1);
  if (left === 0n) return { integer, rest: sticky ? -1 : -2 };
  return { integer, rest: left < half ? -1 : left > half || sticky ? 1 : 0 };
}

/**
 * FPRound: the nearest number of the format to `significand * 2^exponent` (a little more if `sticky`), not zero.
 * With `sticky` the significand must have two bits more than the format. `conversion`: as FPRoundCV.
 */
export function round(
  env: FloatEnvironment, format: FloatFormat, sign: number, significand: bigint, exponent: number,
  { sticky = false, rounding = env.rounding, conversion = false }: { sticky?: boolean; rounding?: Rounding; conversion?: boolean } = {},
): bigint {
  const { fractionBits, width } = format;
  const minimum = 1 - bias(format);
  const magnitude = exponent + bitLength(significand) - 1;
  if (magnitude < minimum && env.flushes(format) && !(conversion && width === 16)) {
    env.raise(FPSR_UFC);
    return zero(format, sign);
  }
  let field = Math.max(magnitude - minimum + 1, 0);
  const lowest = Math.max(magnitude, minimum) - fractionBits;
  const { integer, rest } = shiftOut(significand, lowest - exponent, sticky);
  let mantissa = integer;
  let inexact = rest !== -2;
  if (field === 0 && inexact) env.raise(FPSR_UFC);
  if (roundsUp(rounding, sign, (mantissa & 1n) === 1n, rest)) {
    mantissa += 1n;
    if (field === 0 && mantissa >> BigInt(fractionBits) === 1n) field = 1;
    else if (mantissa >> BigInt(fractionBits + 1) === 1n) {
      mantissa >>= 1n;
      field++;
    }
  }
  if (rounding === TO_ODD && inexact) mantissa |= 1n;
  const alternative = width === 16 && conversion && env.has(FPCR_AHP);
  let result: bigint;
  if (!alternative && field >= topExponent(format)) {
    const infinite = rounding === TIE_EVEN || rounding === TIE_AWAY || rounding === (sign === 0 ? TO_PLUS_INFINITY : TO_MINUS_INFINITY);
    result = infinite ? infinity(format, sign) : maxNormal(format, sign);
    env.raise(FPSR_OFC);
    inexact = true;
  } else if (alternative && field > topExponent(format)) {
    result = withSign(format, sign, signBit(format) - 1n);
    env.raise(FPSR_IOC);
    inexact = false;
  } else result = withSign(format, sign, (BigInt(field) << BigInt(fractionBits)) | (mantissa & ((1n << BigInt(fractionBits)) - 1n)));
  if (inexact) env.raise(FPSR_IXC);
  return result;
}

/** FPProcessNaN. */
export function processNan(env: FloatEnvironment, format: FloatFormat, kind: number, bits: bigint): bigint {
  if (kind === SIGNALLING) env.raise(FPSR_IOC);
  return env.has(FPCR_DN) ? defaultNan(format) : bits | quietBit(format);
}

/** FPProcessNaNs of any number of operands: the first signalling one, else the first quiet one; undefined if there is none. */
function processNans(env: FloatEnvironment, format: FloatFormat, kinds: readonly number[], operands: readonly bigint[]): bigint | undefined {
  for (const wanted of [SIGNALLING, QUIET]) {
    const index = kinds.indexOf(wanted);
    if (index >= 0) return processNan(env, format, wanted, operands[index]!);
  }
  return undefined;
}

export function invalid(env: FloatEnvironment, format: FloatFormat): bigint {
  env.raise(FPSR_IOC);
  return defaultNan(format);
}

/** Rounds a sum, which may be 0 and has its sign. */
function roundSum(env: FloatEnvironment, format: FloatFormat, sum: bigint, exponent: number): bigint {
  if (sum === 0n) return zero(format, env.rounding === TO_MINUS_INFINITY ? 1 : 0);
  return round(env, format, sum < 0n ? 1 : 0, sum < 0n ? -sum : sum, exponent);
}

export function signed({ sign, significand }: Unpacked): bigint {
  return sign === 1 ? -significand : significand;
}

/** `a + b`, with the lower of the two exponents. */
export function exactSum(a: bigint, aExponent: number, b: bigint, bExponent: number): { sum: bigint; exponent: number } {
  const exponent = Math.min(aExponent, bExponent);
  return { sum: (a << BigInt(aExponent - exponent)) + (b << BigInt(bExponent - exponent)), exponent };
}

/** FPAdd. */
export function add(env: FloatEnvironment, format: FloatFormat, a: bigint, b: bigint): bigint {
  const x = unpack(env, format, a);
  const y = unpack(env, format, b);
  const nan = processNans(env, format, [x.kind, y.kind], [a, b]);
  if (nan !== undefined) return nan;
  if (x.kind === INFINITE || y.kind === INFINITE) {
    if (x.kind === y.kind && x.sign !== y.sign) return invalid(env, format);
    return infinity(format, x.kind === INFINITE ? x.sign : y.sign);
  }
  if (x.kind === ZERO && y.kind === ZERO && x.sign === y.sign) return zero(format, x.sign);
  const { sum, exponent } = x.kind === ZERO ? { sum: signed(y), exponent: y.exponent } : y.kind === ZERO ? { sum: signed(x), exponent: x.exponent } : exactSum(signed(x), x.exponent, signed(y), y.exponent);
  return roundSum(env, format, sum, exponent);
}

/** FPSub. A NaN `b` propagates with the sign that it has. */
export function sub(env: FloatEnvironment, format: FloatFormat, a: bigint, b: bigint): bigint {
  const y = absolute(format, b);
  return add(env, format, a, y > infinity(format, 0) ? b : negate(format, b));
}

function product(env: FloatEnvironment, format: FloatFormat, a: bigint, b: bigint, extended: boolean): bigint {
  const x = unpack(env, format, a);
  const y = unpack(env, format, b);
  const nan = processNans(env, format, [x.kind, y.kind], [a, b]);
  if (nan !== undefined) return nan;
  const sign = x.sign ^ y.sign;
  if (x.kind === INFINITE || y.kind === INFINITE) {
    if (x.kind !== ZERO && y.kind !== ZERO) return infinity(format, sign);
    return extended ? small(format, sign, 1, 1) : invalid(env, format);
  }
  if (x.kind === ZERO || y.kind === ZERO) return zero(format, sign);
  return round(env, format, sign, x.significand * y.significand, x.exponent + y.exponent);
}

/** FPMul. */
export function mul(env: FloatEnvironment, format: FloatFormat, a: bigint, b: bigint): bigint {
  return product(env, format, a, b, false);
}

/** FPMulX: infinity times zero is two. */
export function mulx(env: FloatEnvironment, format: FloatFormat, a: bigint, b: bigint): bigint {
  return product(env, format, a, b, true);
}

/** FPDiv. */
export function div(env: FloatEnvironment, format: FloatFormat, a: bigint, b: bigint): bigint {
  const x = unpack(env, format, a);
  const y = unpack(env, format, b);
  const nan = processNans(env, format, [x.kind, y.kind], [a, b]);
  if (nan !== undefined) return nan;
  const sign = x.sign ^ y.sign;
  if (x.kind === y.kind && x.kind !== FINITE) return invalid(env, format);
  if (x.kind === INFINITE || y.kind === ZERO) {
    if (x.kind !== INFINITE) env.raise(FPSR_DZC);
    return infinity(format, sign);
  }
  if (x.kind === ZERO || y.kind === INFINITE) return zero(format, sign);
  // Two bits more than the format, however short the dividend is.
  const shift = 2 * format.fractionBits + 4;
  const dividend = x.significand << BigInt(shift);
  const quotient = dividend / y.significand;
  return round(env, format, sign, quotient, x.exponent - y.exponent - shift, { sticky: quotient * y.significand !== dividend });
}

/** The integer square root. */
function integerSqrt(value: bigint): bigint {
  let root = 1n << BigInt((bitLength(value) + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** FPSqrt. */
export function sqrt(env: FloatEnvironment, format: FloatFormat, a: bigint): bigint {
  const x = unpack(env, format, a);
  if (x.kind >= QUIET) return processNan(env, format, x.kind, a);
  if (x.kind === ZERO) return zero(format, x.sign);
  if (x.sign === 1) return invalid(env, format);
  if (x.kind === INFINITE) return infinity(format, 0);
  let shift = 2 * format.fractionBits + 8;
  if (((x.exponent - shift) & 1) !== 0) shift++;
  const value = x.significand << BigInt(shift);
  const root = integerSqrt(value);
  return round(env, format, 0, root, (x.exponent - shift) / 2, { sticky: root * root !== value });
}

/** Exact value of `addend + x * y`, for operands that are zero or finite. */
export function exactMulAdd(addend: Unpacked, x: Unpacked, y: Unpacked): { sum: bigint; exponent: number } {
  const times = signed(x) * signed(y);
  if (times === 0n) return { sum: signed(addend), exponent: addend.exponent };
  if (addend.kind === ZERO) return { sum: times, exponent: x.exponent + y.exponent };
  return exactSum(signed(addend), addend.exponent, times, x.exponent + y.exponent);
}

/** FPMulAdd and FPMulAddH: `addend + a * b` rounded once; `a` and `b` may be of half precision. */
export function mulAdd(env: FloatEnvironment, format: FloatFormat, addend: bigint, a: bigint, b: bigint, factors: FloatFormat = format): bigint {
  const z = unpack(env, format, addend);
  const x = unpack(env, factors, a);
  const y = unpack(env, factors, b);
  const infinite = x.kind === INFINITE || y.kind === INFINITE;
  const undefinedProduct = infinite && (x.kind === ZERO || y.kind === ZERO);
  const widen = (bits: bigint): bigint => (factors === format ? bits : widenNan(factors, format, bits));
  const nan = processNans(env, format, [z.kind, x.kind, y.kind], [addend, x.kind >= QUIET ? widen(a) : a, y.kind >= QUIET ? widen(b) : b]);
  if (z.kind === QUIET && undefinedProduct) return invalid(env, format);
  if (nan !== undefined) return nan;
  const sign = x.sign ^ y.sign;
  if (undefinedProduct || (z.kind === INFINITE && infinite && z.sign !== sign)) return invalid(env, format);
  if (z.kind === INFINITE || infinite) return infinity(format, z.kind === INFINITE ? z.sign : sign);
  const productZero = x.kind === ZERO || y.kind === ZERO;
  if (z.kind === ZERO && productZero && z.sign === sign) return zero(format, sign);
  const { sum, exponent } = exactMulAdd(z, x, y);
  return roundSum(env, format, sum, exponent);
}

/** A NaN in another format, its fraction cut or filled at the low end. */
export function widenNan(from: FloatFormat, to: FloatFormat, bits: bigint): bigint {
  const fraction = bits & ((1n << BigInt(from.fractionBits)) - 1n);
  const shift = to.fractionBits - from.fractionBits;
  const moved = shift >= 0 ? fraction << BigInt(shift) : fraction >> BigInt(-shift);
  return withSign(to, Number(bits >> BigInt(from.width - 1)), infinity(to, 0) | moved);
}

/** -1, 0 or 1 as `x` is below, equal to or above `y`; neither is a NaN. */
function order(x: Unpacked, y: Unpacked): number {
  const rank = ({ kind, sign }: Unpacked): number => (kind === INFINITE ? 1 - 2 * sign : 0);
  if (x.kind === INFINITE || y.kind === INFINITE) return Math.sign(rank(x) - rank(y));
  const { sum } = exactSum(signed(x), x.exponent, -signed(y), y.exponent);
  return sum < 0n ? -1 : sum > 0n ? 1 : 0;
}

/** FPCompare and its kin: -1, 0, 1, or undefined for unordered. `signalAll`: quiet NaNs are invalid too. */
export function compare(env: FloatEnvironment, format: FloatFormat, a: bigint, b: bigint, signalAll: boolean): number | undefined {
  const x = unpack(env, format, a);
  const y = unpack(env, format, b);
  if (x.kind >= QUIET || y.kind >= QUIET) {
    if (signalAll || x.kind === SIGNALLING || y.kind === SIGNALLING) env.raise(FPSR_IOC);
    return undefined;
  }
  return order(x, y);
}

/** FPMax (`larger` 1) and FPMin (-1). */
export function extremum(env: FloatEnvironment, format: FloatFormat, a: bigint, b: bigint, larger: 1 | -1): bigint {
  const x = unpack(env, format, a);
  const y = unpack(env, format, b);
  const nan = processNans(env, format, [x.kind, y.kind], [a, b]);
  if (nan !== undefined) return nan;
  const first = order(x, y) === larger;
  const chosen = first ? x : y;
  if (chosen.kind === ZERO) return zero(format, larger === 1 ? x.sign & y.sign : x.sign | y.sign);
  return first ? a : b;
}

/** FPMaxNum and FPMinNum: a quiet NaN loses against a number. */
export function extremumNumber(env: FloatEnvironment, format: FloatFormat, a: bigint, b: bigint, larger: 1 | -1): bigint {
  const quiet = (bits: bigint): boolean => (absolute(format, bits) & defaultNan(format)) === defaultNan(format);
  const loser = infinity(format, larger === 1 ? 1 : 0);
  if (quiet(a) && !quiet(b)) return extremum(env, format, loser, b, larger);
  if (quiet(b) && !quiet(a)) return extremum(env, format, a, loser, larger);
  return extremum(env, format, a, b, larger);
}
