/** Scalar floating point: conversions with general registers, to and from integers and fixed point, and moves. Arm: DDI 0487 C4.1.96. */
import { F32, F64, I32, I64, I64X2, TYPE_EMPTY, TYPE_I32, TYPE_I64 } from "../binary/opcodes.js";
import { encoding, type Encoding } from "../decode/encoding.js";
import { DOUBLE, FPCR_FZ, FPSR_IXC, TIE_AWAY, TIE_EVEN, TO_MINUS_INFINITY, TO_PLUS_INFINITY, TO_ZERO, type Rounding } from "../soft/float.js";
import { fromFixed, toFixed, toFixedJs } from "../soft/float-convert.js";
import { lane, readX, setLanes, withFloat, writeNzcv, writeX } from "../soft/registers.js";
import type { Translator } from "../translator.js";
import { emitIntegral } from "./fp-data.js";
import { formatOf, isFormat, localFloat, mayBeInexact, nativeOf, number, setIfGood } from "./fp-operands.js";

/** Pushes i32: whether an inexact conversion of any number to an integer needs no flag, and no number is flushed. */
function mayLose(t: Translator): void {
  t.code.get(t.floatMode()).i32(FPCR_FZ | FPSR_IXC).op(I32.and).op(I32.eqz);
}

const TRUNCATE = {
  f64: { i64: [I64.truncF64S, I64.truncF64U], i32: [I32.truncF64S, I32.truncF64U] },
  f32: { i64: [I64.truncF32S, I64.truncF32U], i32: [I32.truncF32S, I32.truncF32U] },
} as const;
const CONVERT = {
  f64: { i64: [F64.convertI64S, F64.convertI64U], i32: [F64.convertI32S, F64.convertI32U] },
  f32: { i64: [F32.convertI64S, F32.convertI64U], i32: [F32.convertI32S, F32.convertI32U] },
} as const;

/** X[d] or W[d] = V[n] * 2^fractionBits as an integer. */
function toInteger(t: Translator, sf: number, ftype: number, unsigned: number, rounding: Rounding, fractionBits: number, n: number, d: number): void {
  const { code } = t;
  const operands = { vReads: [n], xWrites: [d] };
  if (ftype === 3) {
    t.interpret(operands);
    return;
  }
  const native = nativeOf(ftype);
  const { op } = native;
  const a = localFloat(t, native, n);
  const whole = t.temp(native.type);
  if (fractionBits !== 0) {
    code.get(a);
    number(t, native, 2 ** fractionBits);
    code.op(op.mul).set(a);
  }
  emitIntegral(t, native, rounding, a, whole);
  const limit = 2 ** ((sf === 1 ? 64 : 32) - (1 - unsigned));
  code.get(whole);
  if (unsigned === 0) code.op(op.abs);
  number(t, native, limit);
  code.op(op.lt);
  if (unsigned === 1) {
    code.get(whole);
    number(t, native, 0);
    code.op(op.ge).op(I32.and);
  }
  code.get(whole).get(a).op(op.eq);
  mayLose(t);
  code.op(I32.or).op(I32.and);
  code.if(TYPE_EMPTY);
  code.get(whole).op(TRUNCATE[native.double ? "f64" : "f32"][sf === 1 ? "i64" : "i32"][unsigned]!);
  if (sf === 1) t.setX(d);
  else t.setW(d);
  code.else();
  t.interpret(operands);
  code.end();
}

/** V[d] = X[n] or W[n] over 2^fractionBits. */
function fromInteger(t: Translator, sf: number, ftype: number, unsigned: number, fractionBits: number, n: number, d: number): void {
  const { code } = t;
  const operands = { xReads: [n], vWrites: [d] };
  if (ftype === 3) {
    t.interpret(operands);
    return;
  }
  const native = nativeOf(ftype);
  const convert = CONVERT[native.double ? "f64" : "f32"][sf === 1 ? "i64" : "i32"][unsigned]!;
  const value = t.temp(sf === 1 ? TYPE_I64 : TYPE_I32);
  const r = t.temp(native.type);
  if (sf === 1) t.getX(n);
  else t.getW(n);
  code.tee(value).op(convert);
  if (fractionBits !== 0) {
    number(t, native, 2 ** -fractionBits);
    code.op(native.op.mul);
  }
  code.set(r);
  if (sf === 0 && native.double) {
    code.get(r);
    t.setD(d);
    return;
  }
  setIfGood(t, native, d, r, operands, false, [
    () => {
      // Integers up to 2^53 or 2^24 are exact.
      const bits = native.double ? 53 : 24;
      code.get(value);
      if (sf === 1) {
        if (unsigned === 0) code.i64(2 ** bits).op(I64.add);
        code.i64(2 ** (bits + 1 - unsigned)).op(I64.leU);
      } else {
        if (unsigned === 0) code.i32(2 ** bits).op(I32.add);
        code.i32(2 ** (bits + 1 - unsigned)).op(I32.leU);
      }
    },
    () => {
      mayBeInexact(t);
    },
  ]);
}

function softToInteger(words: BigUint64Array, sf: number, ftype: number, unsigned: number, rounding: Rounding, fractionBits: number, n: number, d: number): void {
  const format = formatOf(ftype);
  writeX(words, d, withFloat(words, (env) => toFixed(env, format, lane(words, n, 0, format.width), fractionBits, unsigned === 1, rounding, sf === 1 ? 64 : 32)));
}

function softFromInteger(words: BigUint64Array, sf: number, ftype: number, unsigned: number, fractionBits: number, n: number, d: number): void {
  const format = formatOf(ftype);
  const width = sf === 1 ? 64 : 32;
  const bits = BigInt.asUintN(width, readX(words, n));
  const result = withFloat(words, (env) => fromFixed(env, format, unsigned === 1 ? bits : BigInt.asIntN(width, bits), fractionBits));
  setLanes(words, d, format.width, [result]);
}

const TO_INTEGER: readonly { readonly name: string; readonly rmode: string; readonly opcode: "00" | "10"; readonly rounding: Rounding }[] = [
  { name: "FCVTN", rmode: "00", opcode: "00", rounding: TIE_EVEN },
  { name: "FCVTP", rmode: "01", opcode: "00", rounding: TO_PLUS_INFINITY },
  { name: "FCVTM", rmode: "10", opcode: "00", rounding: TO_MINUS_INFINITY },
  { name: "FCVTZ", rmode: "11", opcode: "00", rounding: TO_ZERO },
  { name: "FCVTA", rmode: "00", opcode: "10", rounding: TIE_AWAY },
];

const INTEGERS: readonly Encoding[] = [
  ...TO_INTEGER.map(({ name, rmode, opcode, rounding }) =>
    encoding(
      `${name}S, ${name}U (scalar, integer)`,
      `sf:1 00 11110 ftype:2 1 ${rmode} ${opcode} U:1 000000 Rn:5 Rd:5`,
      (t, { sf, ftype, U, Rn, Rd }) => {
        toInteger(t, sf, ftype, U, rounding, 0, Rn, Rd);
      },
      isFormat,
      (words, { sf, ftype, U, Rn, Rd }) => {
        softToInteger(words, sf, ftype, U, rounding, 0, Rn, Rd);
      },
    ),
  ),
  encoding(
    "SCVTF, UCVTF (scalar, integer)",
    "sf:1 00 11110 ftype:2 1 00 01 U:1 000000 Rn:5 Rd:5",
    (t, { sf, ftype, U, Rn, Rd }) => {
      fromInteger(t, sf, ftype, U, 0, Rn, Rd);
    },
    isFormat,
    (words, { sf, ftype, U, Rn, Rd }) => {
      softFromInteger(words, sf, ftype, U, 0, Rn, Rd);
    },
  ),
];

/** A fixed-point number of 32 bits has at most 32 fraction bits. */
function isScale({ sf, ftype, scale }: { readonly sf: number; readonly ftype: number; readonly scale: number }): boolean {
  return ftype !== 2 && (sf === 1 || scale >= 32);
}

const FIXED_POINT: readonly Encoding[] = [
  encoding(
    "FCVTZS, FCVTZU (scalar, fixed-point)",
    "sf:1 00 11110 ftype:2 0 11 00 U:1 scale:6 Rn:5 Rd:5",
    (t, { sf, ftype, U, scale, Rn, Rd }) => {
      toInteger(t, sf, ftype, U, TO_ZERO, 64 - scale, Rn, Rd);
    },
    isScale,
    (words, { sf, ftype, U, scale, Rn, Rd }) => {
      softToInteger(words, sf, ftype, U, TO_ZERO, 64 - scale, Rn, Rd);
    },
  ),
  encoding(
    "SCVTF, UCVTF (scalar, fixed-point)",
    "sf:1 00 11110 ftype:2 0 00 01 U:1 scale:6 Rn:5 Rd:5",
    (t, { sf, ftype, U, scale, Rn, Rd }) => {
      fromInteger(t, sf, ftype, U, 64 - scale, Rn, Rd);
    },
    isScale,
    (words, { sf, ftype, U, scale, Rn, Rd }) => {
      softFromInteger(words, sf, ftype, U, 64 - scale, Rn, Rd);
    },
  ),
];

/** X with D, W with S, both with H. */
function isMove({ sf, ftype }: { readonly sf: number; readonly ftype: number }): boolean {
  return ftype === 3 || ftype === sf;
}

const MOVES: readonly Encoding[] = [
  encoding("FMOV (to general)", "sf:1 00 11110 ftype:2 1 00 110 000000 Rn:5 Rd:5", (t, { ftype, Rn, Rd }) => {
    if (ftype === 1) {
      t.getDBits(Rn);
      t.setX(Rd);
    } else {
      t.getSBits(Rn);
      if (ftype === 3) t.code.i32(0xffff).op(I32.and);
      t.setW(Rd);
    }
  }, isMove),
  encoding("FMOV (from general)", "sf:1 00 11110 ftype:2 1 00 111 000000 Rn:5 Rd:5", (t, { ftype, Rn, Rd }) => {
    if (ftype === 1) {
      t.getX(Rn);
      t.setDBits(Rd);
    } else {
      t.getW(Rn);
      if (ftype === 3) t.code.i32(0xffff).op(I32.and);
      t.setSBits(Rd);
    }
  }, isMove),
  encoding("FMOV (top half to general)", "1 00 11110 10 1 01 110 000000 Rn:5 Rd:5", (t, { Rn, Rd }) => {
    t.getV(Rn);
    t.code.lane(I64X2.extractLane, 1);
    t.setX(Rd);
  }),
  encoding("FMOV (general to top half)", "1 00 11110 10 1 01 111 000000 Rn:5 Rd:5", (t, { Rn, Rd }) => {
    t.getV(Rd);
    t.getX(Rn);
    t.code.lane(I64X2.replaceLane, 1);
    t.setV(Rd);
  }),
];

const JAVASCRIPT = encoding(
  "FJCVTZS",
  "0 00 11110 01 1 11 110 000000 Rn:5 Rd:5",
  (t, { Rn, Rd }) => {
    const { code } = t;
    const native = nativeOf(1);
    const a = localFloat(t, native, Rn);
    const whole = t.temp(native.type);
    const result = t.temp(TYPE_I32);
    const flags = t.temp(TYPE_I32);
    code.get(a).op(F64.trunc).tee(whole).op(F64.abs).f64(2 ** 31).op(F64.lt);
    code.get(whole).get(a).op(F64.eq);
    mayLose(t);
    code.op(I32.or).op(I32.and).if(TYPE_EMPTY);
    code.get(whole).op(I32.truncF64S).set(result);
    code.get(whole).get(a).op(F64.eq).get(a).op(I64.reinterpretF64).i64(-(2n ** 63n)).op(I64.ne).op(I32.and).i32(30).op(I32.shl).set(flags);
    code.else();
    t.interpret({ vReads: [Rn], xWrites: [Rd], nzcv: true });
    t.getNzcv();
    code.set(flags);
    t.getW(Rd);
    code.set(result).end().get(result);
    t.setW(Rd);
    code.get(flags);
    t.setNzcv();
  },
  undefined,
  (words, { Rn, Rd }) => {
    const { value, z } = withFloat(words, (env) => toFixedJs(env, DOUBLE, lane(words, Rn, 0, 64)));
    writeX(words, Rd, value);
    writeNzcv(words, z ? 1 << 30 : 0);
  },
);

export const FP_CONVERT: readonly Encoding[] = [...INTEGERS, ...FIXED_POINT, ...MOVES, JAVASCRIPT];
