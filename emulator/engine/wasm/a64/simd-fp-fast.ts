/**
 * Vector floating point in WebAssembly, for singles and doubles: as in fp-operands.ts, a result stands if it is right in every lane.
 *
 * Lanes that an instruction does not have (vectors of 64 bits, scalars) hold copies of those that it has, so they change no decision.
 */
import type { Local } from "../binary/code.js";
import { F32, F32X4, F64, F64X2, I32, I32X4, I64, I64X2, TYPE_V128, V128 } from "../binary/opcodes.js";
import { FPCR_FZ, FPSR_IXC, TIE_AWAY, TO_MINUS_INFINITY, TO_PLUS_INFINITY, TO_ZERO, type Rounding } from "../soft/float.js";
import type { InterpretedOperands, Translator } from "../translator.js";
import { isNearest, isUnflushed, mayBeInexact, whenGood } from "./fp-operands.js";
import { shapeOf, type ShapeFields } from "./simd-fp-operands.js";

/** How a vector of singles or doubles is computed. */
export interface Vector {
  readonly op: typeof F64X2 | typeof F32X4;
  readonly int: typeof I64X2 | typeof I32X4;
  readonly double: boolean;
  /** As in the names of runtime functions. */
  readonly name: "Singles" | "Doubles";
  /** Bytes of the register that count. */
  readonly bytes: 4 | 8 | 16;
}

/** Undefined for half precision, which is interpreted. */
export function vectorOf(fields: ShapeFields): Vector | undefined {
  if (fields.sz === undefined) return undefined;
  const { format, count } = shapeOf(fields);
  const bytes = ((count * format.width) / 8) as 4 | 8 | 16;
  return fields.sz === 1 ? { op: F64X2, int: I64X2, double: true, name: "Doubles", bytes } : { op: F32X4, int: I32X4, double: false, name: "Singles", bytes };
}

/** Pushes V[n] with copies of its lanes in the place of those that do not count. */
export function getLanes(t: Translator, { bytes }: Vector, n: number): void {
  if (bytes === 16) t.getV(n);
  else if (bytes === 8) {
    t.getD(n);
    t.code.op(F64X2.splat);
  } else {
    t.getS(n);
    t.code.op(F32X4.splat);
  }
}

export function localLanes(t: Translator, vector: Vector, n: number): Local {
  const local = t.temp(TYPE_V128);
  getLanes(t, vector, n);
  t.code.set(local);
  return local;
}

/** Pushes lane `index` of V[n] in all lanes. */
export function getElement(t: Translator, { double }: Vector, n: number, index: number): void {
  t.getV(n);
  if (double) t.code.lane(F64X2.extractLane, index).op(F64X2.splat);
  else t.code.lane(F32X4.extractLane, index).op(F32X4.splat);
}

/** Pops a vector: V[d] is what counts of it. */
function setLanes(t: Translator, { bytes }: Vector, d: number): void {
  if (bytes === 16) {
    t.setV(d);
  } else if (bytes === 8) {
    t.code.lane(F64X2.extractLane, 0);
    t.setD(d);
  } else {
    t.code.lane(F32X4.extractLane, 0);
    t.setS(d);
  }
}

/** Pushes a number in all lanes. */
function constant(t: Translator, { double }: Vector, value: number): void {
  const bits = double ? new BigUint64Array(Float64Array.of(value).buffer)[0]! : new BigUint64Array(Float32Array.of(value, value).buffer)[0]!;
  t.code.v128(bits, bits);
}

/** Pushes a mask: finite lanes. */
function finiteLanes(t: Translator, vector: Vector, value: Local): void {
  t.code.get(value).op(vector.op.abs);
  constant(t, vector, Infinity);
  t.code.op(vector.op.lt);
}

/** Pushes a mask: lanes above the smallest normal number. */
function normalLanes(t: Translator, vector: Vector, value: Local): void {
  t.code.get(value).op(vector.op.abs);
  constant(t, vector, vector.double ? 2 ** -1022 : 2 ** -126);
  t.code.op(vector.op.gt);
}

function zeroLanes(t: Translator, { op }: Vector, value: Local): void {
  t.code.get(value).v128(0n, 0n).op(op.eq);
}

/** Pushes i32: no lane is a NaN. */
function noNan(t: Translator, { op, int }: Vector, value: Local): void {
  t.code.get(value).get(value).op(op.eq).op(int.allTrue);
}

/** Sets V[d] to what `finish` makes of `result` if one of the tests pushes true, else interprets. */
function setIfGood(t: Translator, vector: Vector, d: number, result: Local, operands: InterpretedOperands, tests: readonly (() => void)[], finish?: number): void {
  whenGood(t, operands, tests, () => {
    t.code.get(result);
    if (finish !== undefined) t.code.op(finish);
    setLanes(t, vector, d);
  });
}

export type Arithmetic = "add" | "sub" | "mul" | "div";

/** V[d] = a op b, or of that its magnitude. */
export function emitArithmetic(t: Translator, vector: Vector, opcode: Arithmetic, magnitude: boolean, a: Local, b: Local, d: number, operands: InterpretedOperands): void {
  const { code } = t;
  const { op, int } = vector;
  const r = t.temp(TYPE_V128);
  code.get(a).get(b).op(op[opcode]).set(r);
  const right = (): void => {
    finiteLanes(t, vector, r);
    if (opcode === "mul" || opcode === "div") {
      normalLanes(t, vector, r);
      zeroLanes(t, vector, a);
      code.op(V128.or);
      if (opcode === "mul") {
        zeroLanes(t, vector, b);
        code.op(V128.or);
      }
      code.op(V128.and);
    }
    code.op(int.allTrue);
    mayBeInexact(t);
    code.op(I32.and);
  };
  const exact = (): void => {
    if (opcode === "div") code.get(r).get(b).get(a);
    else {
      code.get(a).get(b);
      if (opcode === "sub") code.op(op.neg);
      code.get(r);
    }
    code.get(t.floatMode());
    t.callRuntime(`${opcode === "add" || opcode === "sub" ? "exactSum" : "exactProduct"}${vector.name}`);
  };
  setIfGood(t, vector, d, r, operands, [right, exact], magnitude ? op.abs : undefined);
}

export function emitSquareRoot(t: Translator, vector: Vector, n: number, d: number): void {
  const { code } = t;
  const a = localLanes(t, vector, n);
  const r = t.temp(TYPE_V128);
  code.get(a).op(vector.op.sqrt).set(r);
  setIfGood(t, vector, d, r, { vReads: [n], vWrites: [d] }, [
    () => {
      finiteLanes(t, vector, r);
      code.op(vector.int.allTrue);
      mayBeInexact(t);
      code.op(I32.and);
    },
    () => {
      code.get(r).get(r).get(a).get(t.floatMode());
      t.callRuntime(`exactProduct${vector.name}`);
    },
  ]);
}

/** The larger or the smaller one of numbers. */
export function emitExtremum(t: Translator, vector: Vector, opcode: "max" | "min", a: Local, b: Local, d: number, operands: InterpretedOperands): void {
  const r = t.temp(TYPE_V128);
  t.code.get(a).get(b).op(vector.op[opcode]).set(r);
  setIfGood(t, vector, d, r, operands, [
    () => {
      noNan(t, vector, r);
      isUnflushed(t);
      t.code.op(I32.and);
    },
  ]);
}

/** V[d] += a * b, or -=. `b`: pushes it. */
export function emitMultiplyAdd(t: Translator, vector: Vector, subtract: boolean, n: number, b: () => void, d: number, operands: InterpretedOperands): void {
  const { code } = t;
  const r = t.temp(TYPE_V128);
  getLanes(t, vector, n);
  if (subtract) code.op(vector.op.neg);
  b();
  getLanes(t, vector, d);
  code.get(t.floatMode());
  t.callRuntime(`fma${vector.name}`);
  code.set(r);
  setIfGood(t, vector, d, r, operands, [
    () => {
      noNan(t, vector, r);
    },
  ]);
}

export type Comparison = "eq" | "ge" | "gt" | "le" | "lt";

/** V[d] = all ones where the comparison of numbers holds. */
export function emitComparison(t: Translator, vector: Vector, opcode: Comparison, a: Local, b: Local, d: number, operands: InterpretedOperands): void {
  const { code } = t;
  const { op, int } = vector;
  const r = t.temp(TYPE_V128);
  code.get(a).get(b).op(op[opcode]).set(r);
  setIfGood(t, vector, d, r, operands, [
    () => {
      code.get(a).get(a).op(op.eq).get(b).get(b).op(op.eq).op(V128.and).op(int.allTrue);
      isUnflushed(t);
      code.op(I32.and);
    },
  ]);
}

/** The sign bit alone. */
export function emitSign(t: Translator, vector: Vector, opcode: "abs" | "neg", n: number, d: number): void {
  getLanes(t, vector, n);
  t.code.op(vector.op[opcode]);
  setLanes(t, vector, d);
}

/** Pushes the local rounded to integral values. */
function pushIntegral(t: Translator, vector: Vector, rounding: Rounding, a: Local): void {
  const { code } = t;
  const { op } = vector;
  if (rounding !== TIE_AWAY) {
    code.get(a).op(rounding === TO_PLUS_INFINITY ? op.ceil : rounding === TO_MINUS_INFINITY ? op.floor : rounding === TO_ZERO ? op.trunc : op.nearest);
    return;
  }
  // trunc(a), one further if the rest is a half or more; all with the sign of a.
  const whole = t.temp(TYPE_V128);
  const sign = t.temp(TYPE_V128);
  constant(t, vector, -0);
  code.get(a).op(V128.and).set(sign);
  code.get(a).op(op.trunc).tee(whole);
  code.get(a).get(whole).op(op.sub).op(op.abs);
  constant(t, vector, 0.5);
  code.op(op.ge);
  constant(t, vector, 1);
  code.op(V128.and).get(sign).op(V128.or).op(op.add).get(sign).op(V128.or);
}

/** `rounding` undefined: that of FPCR. `exact`: a value that is not integral raises Inexact. */
export function emitIntegral(t: Translator, vector: Vector, rounding: Rounding | undefined, exact: boolean, n: number, d: number): void {
  const { code } = t;
  const a = localLanes(t, vector, n);
  const r = t.temp(TYPE_V128);
  pushIntegral(t, vector, rounding ?? 0, a);
  code.set(r);
  setIfGood(t, vector, d, r, { vReads: [n], vWrites: [d] }, [
    () => {
      noNan(t, vector, r);
      if (exact) mayBeInexact(t);
      else if (rounding === undefined) isNearest(t);
      else isUnflushed(t);
      code.op(I32.and);
    },
  ]);
}

/** Doubles to and from 64-bit integers, which WebAssembly has no vector form for: lane by lane. Pushes the vector. */
function eachDouble(t: Translator, from: Local, extract: number, convert: number, splat: number, replace: number): void {
  t.code.get(from).lane(extract, 0).op(convert).op(splat).get(from).lane(extract, 1).op(convert).lane(replace, 1);
}

/** To integers of the same width, of numbers that fit. */
export function emitToInteger(t: Translator, vector: Vector, unsigned: boolean, rounding: Rounding, fractionBits: number, n: number, d: number): void {
  const { code } = t;
  const { op, int, double } = vector;
  const a = localLanes(t, vector, n);
  const whole = t.temp(TYPE_V128);
  const r = t.temp(TYPE_V128);
  if (fractionBits !== 0) {
    code.get(a);
    constant(t, vector, 2 ** fractionBits);
    code.op(op.mul).set(a);
  }
  pushIntegral(t, vector, rounding, a);
  code.set(whole);
  if (double) eachDouble(t, whole, F64X2.extractLane, unsigned ? I64.truncSatF64U : I64.truncSatF64S, I64X2.splat, I64X2.replaceLane);
  else code.get(whole).op(unsigned ? I32X4.truncSatF32x4U : I32X4.truncSatF32x4S);
  code.set(r);
  const fits = (): void => {
    code.get(whole);
    if (!unsigned) code.op(op.abs);
    constant(t, vector, 2 ** ((double ? 64 : 32) - (unsigned ? 0 : 1)));
    code.op(op.lt);
    if (unsigned) code.get(whole).v128(0n, 0n).op(op.ge).op(V128.and);
  };
  setIfGood(t, vector, d, r, { vReads: [n], vWrites: [d] }, [
    () => {
      fits();
      code.op(int.allTrue).get(t.floatMode()).i32(FPCR_FZ | FPSR_IXC).op(I32.and).op(I32.eqz).op(I32.and);
    },
    () => {
      fits();
      code.get(whole).get(a).op(op.eq).op(V128.and).op(int.allTrue);
    },
  ]);
}

/** From integers of the same width. */
export function emitFromInteger(t: Translator, vector: Vector, unsigned: boolean, fractionBits: number, n: number, d: number): void {
  const { code } = t;
  const { op, int, double } = vector;
  const a = localLanes(t, vector, n);
  const r = t.temp(TYPE_V128);
  if (double) eachDouble(t, a, I64X2.extractLane, unsigned ? F64.convertI64U : F64.convertI64S, F64X2.splat, F64X2.replaceLane);
  else code.get(a).op(unsigned ? F32X4.convertI32x4U : F32X4.convertI32x4S);
  if (fractionBits !== 0) {
    constant(t, vector, 2 ** -fractionBits);
    code.op(op.mul);
  }
  code.set(r);
  setIfGood(t, vector, d, r, { vReads: [n], vWrites: [d] }, [
    () => {
      mayBeInexact(t);
    },
    () => {
      // The magnitude has no more bits than a significand: nothing above them but copies of the sign.
      const bits = double ? 53 : 24;
      code.get(a);
      if (!unsigned) code.get(a).i32(bits).op(int.shrS).op(V128.xor);
      code.i32(bits).op(int.shrU).op(V128.anyTrue).op(I32.eqz);
    },
  ]);
}

const LOW_HALVES = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
const HIGH_HALVES = [8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31];
const EVEN_SINGLES = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];
const ODD_SINGLES = [4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31];

/** The first and the second ones of neighbours in Vm:Vn, in locals. */
export function localPairs(t: Translator, { double, bytes }: Vector, n: number, m: number): { readonly a: Local; readonly b: Local } {
  const { code } = t;
  const a = t.temp(TYPE_V128);
  const b = t.temp(TYPE_V128);
  const all = t.temp(TYPE_V128);
  const [even, odd] = double ? [LOW_HALVES, HIGH_HALVES] : [EVEN_SINGLES, ODD_SINGLES];
  // A pair of doubles fills a register, also where the result is a scalar.
  const whole = bytes === 16 || double;
  const push = (): void => {
    if (whole) {
      t.getV(n);
      t.getV(m);
    } else code.get(all).get(all);
  };
  if (!whole) {
    t.getV(n);
    t.getV(m);
    code.shuffle(LOW_HALVES).set(all);
  }
  push();
  code.shuffle(even).set(a);
  push();
  code.shuffle(odd).set(b);
  return { a, b };
}

/** FMAXV and its kin of four singles. */
export function emitReduction(t: Translator, opcode: "max" | "min", n: number, d: number): void {
  const { code } = t;
  const vector: Vector = { op: F32X4, int: I32X4, double: false, name: "Singles", bytes: 4 };
  const r = t.temp(TYPE_V128);
  t.getV(n);
  t.getV(n);
  t.getV(n);
  code.shuffle(HIGH_HALVES).op(F32X4[opcode]).tee(r).get(r).get(r).shuffle(ODD_SINGLES).op(F32X4[opcode]).set(r);
  setIfGood(t, vector, d, r, { vReads: [n], vWrites: [d] }, [
    () => {
      code.get(r).lane(F32X4.extractLane, 0).get(r).lane(F32X4.extractLane, 0).op(F32.eq);
      isUnflushed(t);
      code.op(I32.and);
    },
  ]);
}

/** Two singles, of the high half if so, as doubles. */
export function emitPromotion(t: Translator, high: boolean, n: number, d: number): void {
  const { code } = t;
  const vector: Vector = { op: F64X2, int: I64X2, double: true, name: "Doubles", bytes: 16 };
  const r = t.temp(TYPE_V128);
  t.getV(n);
  if (high) {
    t.getV(n);
    code.shuffle(HIGH_HALVES);
  }
  code.op(F64X2.promoteLowF32x4).set(r);
  setIfGood(t, vector, d, r, { vReads: [n], vWrites: [d] }, [
    () => {
      noNan(t, vector, r);
      isUnflushed(t);
      code.op(I32.and);
    },
  ]);
}

/** Two doubles as singles, to the high half if so. */
export function emitDemotion(t: Translator, high: boolean, n: number, d: number): void {
  const { code } = t;
  const singles: Vector = { op: F32X4, int: I32X4, double: false, name: "Singles", bytes: 16 };
  const r = t.temp(TYPE_V128);
  const twice = t.temp(TYPE_V128);
  t.getV(n);
  code.op(F32X4.demoteF64x2Zero).tee(r).get(r).shuffle(LOW_HALVES).set(twice);
  if (high) {
    t.getV(d);
    code.get(r).shuffle(LOW_HALVES).set(r);
  }
  setIfGood(t, singles, d, r, { vReads: high ? [n, d] : [n], vWrites: [d] }, [
    () => {
      finiteLanes(t, singles, twice);
      normalLanes(t, singles, twice);
      code.op(V128.and).op(I32X4.allTrue);
      mayBeInexact(t);
      code.op(I32.and);
    },
    () => {
      code.get(twice).op(F64X2.promoteLowF32x4);
      t.getV(n);
      code.op(F64X2.eq).op(I64X2.allTrue);
      isNearest(t);
      code.op(I32.and);
    },
  ]);
}
