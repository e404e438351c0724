/**
 * Functions of the runtime module for floating point: fused multiply-add, which WebAssembly lacks, and whether results are exact.
 *
 * All of them round to nearest and flush nothing. `mode` is that of `Translator.floatMode`: 0 if an inexact result is right, FPSR_IXC if only
 * an exact one is, anything else: no result is. A NaN as result, or 0 for a question, means: interpret.
 *
 * Doubles: the product is the sum of two doubles (Veltkamp, Dekker), the three are added by error-free sums, the last but one rounded
 * to odd. S. Boldo, G. Melquiond: Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd (2008).
 * Singles: the product is exact in double precision, the sum is rounded to odd before it is rounded to single.
 * Where the host's relaxed SIMD has a fused multiply-add, that is taken first.
 */
import { ModelBug } from "../../arch/errors.js";
import { Code, type Local } from "./binary/code.js";
import { CONTROL, F32, F32X4, F64, F64X2, I32, I32X4, I64, I64X2, RELAXED, TYPE_EMPTY, TYPE_F32, TYPE_F64, TYPE_I32, TYPE_I64, TYPE_V128, V128, type ValueType } from "./binary/opcodes.js";

/** The functions by name. `fma...`: (a, b, c, mode) -> a * b + c. `exact...`: (a, b, r, mode) -> whether a + b or a * b is exactly the finite r. */
export const FLOAT_FUNCTIONS = {
  fmaDouble: { parameters: [TYPE_F64, TYPE_F64, TYPE_F64, TYPE_I32], results: [TYPE_F64] },
  fmaSingle: { parameters: [TYPE_F32, TYPE_F32, TYPE_F32, TYPE_I32], results: [TYPE_F32] },
  fmaDoubles: { parameters: [TYPE_V128, TYPE_V128, TYPE_V128, TYPE_I32], results: [TYPE_V128] },
  fmaSingles: { parameters: [TYPE_V128, TYPE_V128, TYPE_V128, TYPE_I32], results: [TYPE_V128] },
  exactSumDouble: { parameters: [TYPE_F64, TYPE_F64, TYPE_F64, TYPE_I32], results: [TYPE_I32] },
  exactSumSingle: { parameters: [TYPE_F32, TYPE_F32, TYPE_F32, TYPE_I32], results: [TYPE_I32] },
  exactSumDoubles: { parameters: [TYPE_V128, TYPE_V128, TYPE_V128, TYPE_I32], results: [TYPE_I32] },
  exactSumSingles: { parameters: [TYPE_V128, TYPE_V128, TYPE_V128, TYPE_I32], results: [TYPE_I32] },
  exactProductDouble: { parameters: [TYPE_F64, TYPE_F64, TYPE_F64, TYPE_I32], results: [TYPE_I32] },
  exactProductSingle: { parameters: [TYPE_F32, TYPE_F32, TYPE_F32, TYPE_I32], results: [TYPE_I32] },
  exactProductDoubles: { parameters: [TYPE_V128, TYPE_V128, TYPE_V128, TYPE_I32], results: [TYPE_I32] },
  exactProductSingles: { parameters: [TYPE_V128, TYPE_V128, TYPE_V128, TYPE_I32], results: [TYPE_I32] },
} as const;
export type FloatFunction = keyof typeof FLOAT_FUNCTIONS;

const A = 0;
const B = 1;
const C = 2;
const MODE = 3;
/** Parameters of a function, with the unused vector of those that take none (`unknownToJavaScript`). */
const parameters = (type: ValueType): number => (type === TYPE_V128 ? 4 : 5);
const EXACT_ONLY = 0x10;

/** Products between these need no denormal number for their low part, and no infinity for the parts of the factors. */
const LEAST_PRODUCT = 2 ** -900;
const MOST_PRODUCT = 2 ** 900;
const MOST_OPERAND = 2 ** 990;
/** Veltkamp's constant for 53 bits. */
const SPLITTER = 2 ** 27 + 1;
const LEAST_SINGLE = 2 ** -126;
const LEAST_DOUBLE = 2 ** -1022;
const LEAST_ADDEND_SINGLE = 2 ** -60;
const ONES = -1n;

/** A format, one value or a vector of it. */
interface Kind {
  readonly op: typeof F64 | typeof F32 | typeof F64X2 | typeof F32X4;
  readonly type: ValueType;
}
const DOUBLE: Kind = { op: F64, type: TYPE_F64 };
const SINGLE: Kind = { op: F32, type: TYPE_F32 };
const DOUBLES: Kind = { op: F64X2, type: TYPE_V128 };
const SINGLES: Kind = { op: F32X4, type: TYPE_V128 };

/** Pushes a constant in all lanes. */
function constant(code: Code, { op }: Kind, value: number): void {
  if (op === F64) code.f64(value);
  else if (op === F32) code.f32(value);
  else if (op === F64X2) code.f64(value).op(F64X2.splat);
  else code.f32(value).op(F32X4.splat);
}

/** error = a + b - sum, exactly. Knuth's TwoSum. */
function errorOfSum(code: Code, { op, type }: Kind, a: Local, b: Local, sum: Local): Local {
  const part = code.local(type);
  const error = code.local(type);
  code.get(sum).get(a).op(op.sub).set(part);
  code.get(a).get(sum).get(part).op(op.sub).op(op.sub);
  code.get(b).get(part).op(op.sub).op(op.add).set(error);
  return error;
}

/** High and low half of the significand. */
function split(code: Code, kind: Kind, a: Local): { high: Local; low: Local } {
  const { op, type } = kind;
  const scaled = code.local(type);
  const high = code.local(type);
  const low = code.local(type);
  code.get(a);
  constant(code, kind, SPLITTER);
  code.op(op.mul).tee(scaled).get(scaled).get(a).op(op.sub).op(op.sub).set(high);
  code.get(a).get(high).op(op.sub).set(low);
  return { high, low };
}

/** error = a * b - product, exactly, for doubles. */
function errorOfProduct(code: Code, kind: Kind, a: Local, b: Local, product: Local): Local {
  const { op, type } = kind;
  const x = split(code, kind, a);
  const y = split(code, kind, b);
  const error = code.local(type);
  code.get(x.high).get(y.high).op(op.mul).get(product).op(op.sub);
  code.get(x.high).get(y.low).op(op.mul).op(op.add);
  code.get(x.low).get(y.high).op(op.mul).op(op.add);
  code.get(x.low).get(y.low).op(op.mul).op(op.add).set(error);
  return error;
}

function sum(code: Code, { op, type }: Kind, a: Local, b: Local): Local {
  const result = code.local(type);
  code.get(a).get(b).op(op.add).set(result);
  return result;
}

/** If the sum is not exact and its last bit is 0, steps it towards its error: the last bit is then 1. Doubles. */
function toOdd(code: Code, kind: Kind, total: Local, error: Local): void {
  if (kind === DOUBLE) {
    const bits = code.local(TYPE_I64);
    code.get(total).op(I64.reinterpretF64).set(bits);
    code.get(bits);
    code.get(error).op(I64.reinterpretF64).get(bits).op(I64.xor).i64(63).op(I64.shrS).i64(1).op(I64.or);
    code.i64(0);
    code.get(error).f64(0).op(F64.ne).get(bits).op(I32.wrapI64).i32(-1).op(I32.xor).op(I32.and);
    code.op(CONTROL.select).op(I64.add).op(F64.reinterpretI64).set(total);
    return;
  }
  code.get(total);
  // The sign of the step: 1, or -1 where the signs differ.
  code.get(error).get(total).op(V128.xor).i32(63).op(I64X2.shrS).v128(1n, 1n).op(V128.or);
  code.get(error).v128(0n, 0n).op(F64X2.ne).op(V128.and);
  code.get(total).v128(1n, 1n).op(V128.and).v128(1n, 1n).op(I64X2.sub).op(V128.and);
  code.op(I64X2.add).set(total);
}

/** a * b + c of doubles within the guarded range; `exact` gets what has been rounded off, a sum of magnitudes. */
function fusedDoubles(code: Code, kind: Kind, product: Local): { result: Local; lost: readonly [Local, Local] } {
  const { op } = kind;
  const low = errorOfProduct(code, kind, A, B, product);
  const t = sum(code, kind, C, low);
  const tLow = errorOfSum(code, kind, C, low, t);
  const v = sum(code, kind, product, t);
  const vLow = errorOfSum(code, kind, product, t, v);
  const z = sum(code, kind, tLow, vLow);
  const zLow = errorOfSum(code, kind, tLow, vLow, z);
  toOdd(code, kind, z, zLow);
  const result = code.local(kind.type);
  code.get(v).get(z).op(op.add).set(result);
  return { result, lost: [zLow, errorOfSum(code, kind, v, z, result)] };
}

/** Leaves the function with `otherwise` unless mode is 0 or EXACT_ONLY. */
function checkMode(code: Code, otherwise: () => void): void {
  code.get(MODE).i32(~EXACT_ONLY).op(I32.and).if(TYPE_EMPTY);
  otherwise();
  code.return().end();
}

/** Pushes |local| < limit. */
function below(code: Code, kind: Kind, value: Local, limit: number): void {
  code.get(value).op(kind.op.abs);
  constant(code, kind, limit);
  code.op(kind.op.lt);
}

/** Pushes |local| > limit. */
function above(code: Code, kind: Kind, value: Local, limit: number): void {
  code.get(value).op(kind.op.abs);
  constant(code, kind, limit);
  code.op(kind.op.gt);
}

function isZero(code: Code, kind: Kind, value: Local): void {
  code.get(value);
  constant(code, kind, 0);
  code.op(kind.op.eq);
}

/** Pushes whether the product of A and B may be taken apart: `zero` (a local) says that one of them is 0. The operands are finite then. */
function guard(code: Code, kind: Kind, product: Local, zero: Local, and: number, or: number): void {
  above(code, kind, product, LEAST_PRODUCT);
  below(code, kind, product, MOST_PRODUCT);
  code.op(and).get(zero).op(or);
  below(code, kind, A, MOST_OPERAND);
  below(code, kind, B, MOST_OPERAND);
  code.op(and).op(and);
}

function zeroFactor(code: Code, kind: Kind, or: number): Local {
  const zero = code.local(kind.type === TYPE_V128 ? TYPE_V128 : TYPE_I32);
  isZero(code, kind, A);
  isZero(code, kind, B);
  code.op(or).set(zero);
  return zero;
}

function multiply(code: Code, { op, type }: Kind): Local {
  const product = code.local(type);
  code.get(A).get(B).op(op.mul).set(product);
  return product;
}

/**
 * The host's fused multiply-add, for mode 0: returns its result if that is finite and either not tiny or exact. It is exact if a factor is 0, or if
 * the addend is so large that what a tiny sum has kept of the product cannot be denormal.
 */
function tryHost(code: Code, kind: Kind, scalar: Kind): void {
  const result = code.local(kind.type);
  const single = scalar === SINGLE;
  code.get(MODE).op(I32.eqz).if(TYPE_EMPTY);
  for (const operand of [A, B, C]) {
    code.get(operand);
    if (kind === scalar) code.op(single ? F32X4.splat : F64X2.splat);
  }
  code.op(single ? RELAXED.f32x4Madd : RELAXED.f64x2Madd);
  if (kind === scalar) code.lane(single ? F32X4.extractLane : F64X2.extractLane, 0);
  code.set(result);
  const [and, or] = kind === scalar ? [I32.and, I32.or] : [V128.and, V128.or];
  above(code, kind, result, single ? LEAST_SINGLE : LEAST_DOUBLE);
  above(code, kind, C, single ? LEAST_ADDEND_SINGLE : LEAST_PRODUCT);
  code.op(or);
  isZero(code, kind, A);
  code.op(or);
  isZero(code, kind, B);
  code.op(or);
  below(code, kind, result, Infinity);
  code.op(and);
  if (kind !== scalar) code.op(single ? I32X4.allTrue : I64X2.allTrue);
  code.if(TYPE_EMPTY);
  code.get(result).return().end().end();
}

function fmaDouble(fused: boolean): Code {
  const code = new Code(parameters(TYPE_F64));
  if (fused) tryHost(code, DOUBLE, DOUBLE);
  checkMode(code, () => code.f64(NaN));
  const product = multiply(code, DOUBLE);
  const zero = zeroFactor(code, DOUBLE, I32.or);
  guard(code, DOUBLE, product, zero, I32.and, I32.or);
  below(code, DOUBLE, C, MOST_OPERAND);
  code.op(I32.and).op(I32.eqz).if(TYPE_EMPTY);
  code.f64(NaN).return().end();
  code.get(zero).if(TYPE_EMPTY);
  code.get(product).get(C).op(F64.add).return().end();
  const { result, lost } = fusedDoubles(code, DOUBLE, product);
  code.get(result).f64(NaN).get(MODE).op(I32.eqz);
  for (const part of lost) isZero(code, DOUBLE, part);
  code.op(I32.and).op(I32.or).op(CONTROL.select);
  return code;
}

function fmaDoubles(fused: boolean): Code {
  const code = new Code(parameters(TYPE_V128));
  if (fused) tryHost(code, DOUBLES, DOUBLE);
  checkMode(code, () => code.v128(ONES, ONES));
  const product = multiply(code, DOUBLES);
  const zero = zeroFactor(code, DOUBLES, V128.or);
  guard(code, DOUBLES, product, zero, V128.and, V128.or);
  below(code, DOUBLES, C, MOST_OPERAND);
  code.op(V128.and).op(I64X2.allTrue).op(I32.eqz).if(TYPE_EMPTY);
  code.v128(ONES, ONES).return().end();
  const { result, lost } = fusedDoubles(code, DOUBLES, product);
  code.get(MODE).if(TYPE_EMPTY);
  for (const part of lost) isZero(code, DOUBLES, part);
  code.op(V128.and).get(zero).op(V128.or).op(I64X2.allTrue).op(I32.eqz).if(TYPE_EMPTY);
  code.v128(ONES, ONES).return().end().end();
  code.get(product).get(C).op(F64X2.add).get(result).get(zero).op(V128.bitselect);
  return code;
}

/** Singles as doubles: A * B + C rounded to odd; `lost` is what the sum has rounded off. */
function fusedSingles(code: Code, kind: Kind, a: Local, b: Local, c: Local): { total: Local; lost: Local } {
  const product = code.local(kind.type);
  code.get(a).get(b).op(kind.op.mul).set(product);
  const total = sum(code, kind, product, c);
  const lost = errorOfSum(code, kind, product, c, total);
  toOdd(code, kind, total, lost);
  return { total, lost };
}

function fmaSingle(fused: boolean): Code {
  const code = new Code(parameters(TYPE_F32));
  if (fused) tryHost(code, SINGLE, SINGLE);
  checkMode(code, () => code.f32(NaN));
  const [a, b, c] = [A, B, C].map((single) => {
    const double = code.local(TYPE_F64);
    code.get(single).op(F64.promoteF32).set(double);
    return double;
  }) as [Local, Local, Local];
  const { total, lost } = fusedSingles(code, DOUBLE, a, b, c);
  const result = code.local(TYPE_F32);
  code.get(total).op(F32.demoteF64).set(result);
  code.get(result).f32(NaN);
  isZero(code, DOUBLE, lost);
  code.get(result).op(F64.promoteF32).get(total).op(F64.eq).op(I32.and);
  code.get(MODE).op(I32.eqz);
  above(code, SINGLE, result, LEAST_SINGLE);
  below(code, SINGLE, result, Infinity);
  code.op(I32.and).op(I32.and).op(I32.or).op(CONTROL.select);
  return code;
}

const HIGH_HALF = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
/** Low halves of two vectors. */
const LOW_HALVES = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
/** 32 bits of each 64-bit lane of two vectors. */
const NARROW_MASKS = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];

/** Two of the four singles as doubles, in a new local. */
function promoteHalf(code: Code, singles: Local, high: boolean): Local {
  const doubles = code.local(TYPE_V128);
  code.get(singles);
  if (high) code.get(singles).shuffle(HIGH_HALF);
  code.op(F64X2.promoteLowF32x4).set(doubles);
  return doubles;
}

function fmaSingles(fused: boolean): Code {
  const code = new Code(parameters(TYPE_V128));
  if (fused) tryHost(code, SINGLES, SINGLE);
  checkMode(code, () => code.v128(ONES, ONES));
  const halves = [false, true].map((high) => {
    const [a, b, c] = [A, B, C].map((local) => promoteHalf(code, local, high)) as [Local, Local, Local];
    return fusedSingles(code, DOUBLES, a, b, c);
  });
  const result = code.local(TYPE_V128);
  for (const { total } of halves) code.get(total).op(F32X4.demoteF64x2Zero);
  code.shuffle(LOW_HALVES).set(result);
  for (const [index, { total, lost }] of halves.entries()) {
    isZero(code, DOUBLES, lost);
    code.get(promoteHalf(code, result, index === 1)).get(total).op(F64X2.eq).op(V128.and);
  }
  code.shuffle(NARROW_MASKS);
  above(code, SINGLES, result, LEAST_SINGLE);
  below(code, SINGLES, result, Infinity);
  code.op(V128.and).get(MODE).op(I32.eqz).op(I32X4.splat).v128(0x1_0000_0001n, 0x1_0000_0001n).op(I32X4.eq).op(V128.and).op(V128.or);
  code.op(I32X4.allTrue).if(TYPE_EMPTY);
  code.get(result).return().end().v128(ONES, ONES);
  return code;
}

function exactSum(kind: Kind, allTrue: number | undefined): Code {
  const code = new Code(parameters(kind.type));
  checkMode(code, () => code.i32(0));
  isZero(code, kind, errorOfSum(code, kind, A, B, C));
  if (allTrue !== undefined) code.op(allTrue);
  return code;
}

function exactProductOfDoubles(kind: Kind): Code {
  const vector = kind.type === TYPE_V128;
  const [and, or] = vector ? [V128.and, V128.or] : [I32.and, I32.or];
  const code = new Code(parameters(kind.type));
  checkMode(code, () => code.i32(0));
  const product = multiply(code, kind);
  const zero = zeroFactor(code, kind, or);
  const error = errorOfProduct(code, kind, A, B, product);
  isZero(code, kind, error);
  code.get(zero).op(or);
  code.get(product).get(C).op(kind.op.eq).op(and);
  guard(code, kind, product, zero, and, or);
  code.op(and);
  if (vector) code.op(I64X2.allTrue);
  return code;
}

/** Products of singles are exact as doubles. */
function exactProductSingle(): Code {
  const code = new Code(parameters(TYPE_F32));
  checkMode(code, () => code.i32(0));
  code.get(A).op(F64.promoteF32).get(B).op(F64.promoteF32).op(F64.mul).get(C).op(F64.promoteF32).op(F64.eq);
  below(code, SINGLE, C, Infinity);
  code.op(I32.and);
  return code;
}

function exactProductSingles(): Code {
  const code = new Code(parameters(TYPE_V128));
  checkMode(code, () => code.i32(0));
  for (const high of [false, true]) {
    const [a, b, r] = [A, B, C].map((local) => promoteHalf(code, local, high)) as [Local, Local, Local];
    code.get(a).get(b).op(F64X2.mul).get(r).op(F64X2.eq);
    below(code, DOUBLES, r, Infinity);
    code.op(V128.and).op(I64X2.allTrue);
  }
  code.op(I32.and);
  return code;
}

/** The body of a function. `fused`: the host's relaxed multiply-add rounds once. */
export function floatFunction(name: FloatFunction, fused: boolean): Code {
  switch (name) {
    case "fmaDouble":
      return fmaDouble(fused);
    case "fmaSingle":
      return fmaSingle(fused);
    case "fmaDoubles":
      return fmaDoubles(fused);
    case "fmaSingles":
      return fmaSingles(fused);
    case "exactSumDouble":
      return exactSum(DOUBLE, undefined);
    case "exactSumSingle":
      return exactSum(SINGLE, undefined);
    case "exactSumDoubles":
      return exactSum(DOUBLES, I64X2.allTrue);
    case "exactSumSingles":
      return exactSum(SINGLES, I32X4.allTrue);
    case "exactProductDouble":
      return exactProductOfDoubles(DOUBLE);
    case "exactProductDoubles":
      return exactProductOfDoubles(DOUBLES);
    case "exactProductSingle":
      return exactProductSingle();
    case "exactProductSingles":
      return exactProductSingles();
    default:
      throw new ModelBug(`wasm engine: no function ${name as string}`);
  }
}
