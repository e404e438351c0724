/** Scalar floating point: data processing with one, two and three sources. Arm: DDI 0487 C4.1.96. */
import type { Local } from "../binary/code.js";
import { CONTROL, F32, F64, I32 } from "../binary/opcodes.js";
import { encoding, type Encoding } from "../decode/encoding.js";
import {
  DOUBLE, HALF, SINGLE, TIE_AWAY, TIE_EVEN, TO_MINUS_INFINITY, TO_PLUS_INFINITY, TO_ZERO, absolute, add, div, extremum, extremumNumber, mul, mulAdd, negate, sqrt, sub,
  type FloatEnvironment, type FloatFormat, type Rounding,
} from "../soft/float.js";
import { convert, roundToInteger, roundToIntegral } from "../soft/float-convert.js";
import { lane, setLanes, withFloat } from "../soft/registers.js";
import type { Translator } from "../translator.js";
import { formatOf, getFloat, isFinite, isFormat, isNearest, isNormal, isUnflushed, isZero, localFloat, mayBeInexact, nativeOf, setFloat, setIfGood, type Native } from "./fp-operands.js";

type Binary = (env: FloatEnvironment, format: FloatFormat, a: bigint, b: bigint) => bigint;
type Unary = (env: FloatEnvironment, format: FloatFormat, a: bigint) => bigint;

/** An operation that rounds: when WebAssembly's result is right though inexact, and how to know that it is exact. */
interface Rounded {
  readonly opcode: "add" | "sub" | "mul" | "div";
  /** Pushes i32; the result `r` is in a local. */
  readonly right: (t: Translator, native: Native, r: Local, a: Local, b: Local) => void;
  /** Pushes three operands for the function: the third is the sum or product of the first two. */
  readonly exact: "exactSum" | "exactProduct";
  readonly parts: (t: Translator, native: Native, r: Local, a: Local, b: Local) => void;
}

const ADD: Rounded = {
  opcode: "add",
  right: (t, native, r) => {
    isFinite(t, native, r);
  },
  exact: "exactSum",
  parts: (t, _native, r, a, b) => t.code.get(a).get(b).get(r),
};
const SUB: Rounded = { ...ADD, opcode: "sub", parts: (t, { op }, r, a, b) => t.code.get(a).get(b).op(op.neg).get(r) };
const MUL: Rounded = {
  opcode: "mul",
  right: (t, native, r, a, b) => {
    isNormal(t, native, r);
    isZero(t, native, a);
    isZero(t, native, b);
    t.code.op(I32.or).op(I32.or);
    isFinite(t, native, r);
    t.code.op(I32.and);
  },
  exact: "exactProduct",
  parts: (t, _native, r, a, b) => t.code.get(a).get(b).get(r),
};
const DIV: Rounded = {
  opcode: "div",
  right: (t, native, r, a) => {
    isNormal(t, native, r);
    isZero(t, native, a);
    t.code.op(I32.or);
    isFinite(t, native, r);
    t.code.op(I32.and);
  },
  exact: "exactProduct",
  parts: (t, _native, r, a, b) => t.code.get(r).get(b).get(a),
};

function rounded({ opcode, right, exact, parts }: Rounded, negated: boolean) {
  return (t: Translator, native: Native, n: number, m: number, d: number): void => {
    const { code } = t;
    const a = localFloat(t, native, n);
    const b = localFloat(t, native, m);
    const r = t.temp(native.type);
    code.get(a).get(b).op(native.op[opcode]).set(r);
    setIfGood(t, native, d, r, { vReads: [n, m], vWrites: [d] }, negated, [
      () => {
        right(t, native, r, a, b);
        mayBeInexact(t);
        code.op(I32.and);
      },
      () => {
        parts(t, native, r, a, b);
        code.get(t.floatMode());
        t.callRuntime(`${exact}${native.name}`);
      },
    ]);
  };
}

/** FMAX and FMIN of numbers, none of them denormal if those are flushed. */
function larger(opcode: "max" | "min") {
  return (t: Translator, native: Native, n: number, m: number, d: number): void => {
    const a = localFloat(t, native, n);
    const b = localFloat(t, native, m);
    const r = t.temp(native.type);
    t.code.get(a).get(b).op(native.op[opcode]).set(r);
    setIfGood(t, native, d, r, { vReads: [n, m], vWrites: [d] }, false, [
      () => {
        t.code.get(r).get(r).op(native.op.eq);
        isUnflushed(t);
        t.code.op(I32.and);
      },
    ]);
  };
}

const TWO_SOURCES: readonly { readonly name: string; readonly opcode: string; readonly soft: Binary; readonly fast: (t: Translator, native: Native, n: number, m: number, d: number) => void }[] = [
  { name: "FMUL", opcode: "0000", soft: mul, fast: rounded(MUL, false) },
  { name: "FDIV", opcode: "0001", soft: div, fast: rounded(DIV, false) },
  { name: "FADD", opcode: "0010", soft: add, fast: rounded(ADD, false) },
  { name: "FSUB", opcode: "0011", soft: sub, fast: rounded(SUB, false) },
  { name: "FMAX", opcode: "0100", soft: (env, format, a, b) => extremum(env, format, a, b, 1), fast: larger("max") },
  { name: "FMIN", opcode: "0101", soft: (env, format, a, b) => extremum(env, format, a, b, -1), fast: larger("min") },
  { name: "FMAXNM", opcode: "0110", soft: (env, format, a, b) => extremumNumber(env, format, a, b, 1), fast: larger("max") },
  { name: "FMINNM", opcode: "0111", soft: (env, format, a, b) => extremumNumber(env, format, a, b, -1), fast: larger("min") },
  { name: "FNMUL", opcode: "1000", soft: (env, format, a, b) => negate(format, mul(env, format, a, b)), fast: rounded(MUL, true) },
];

function twoSources(): readonly Encoding[] {
  return TWO_SOURCES.map(({ name, opcode, soft, fast }) =>
    encoding(
      `${name} (scalar)`,
      `000 11110 ftype:2 1 Rm:5 ${opcode} 10 Rn:5 Rd:5`,
      (t, { ftype, Rm, Rn, Rd }) => {
        if (ftype === 3) t.interpret({ vReads: [Rn, Rm], vWrites: [Rd] });
        else fast(t, nativeOf(ftype), Rn, Rm, Rd);
      },
      isFormat,
      (words, { ftype, Rm, Rn, Rd }) => {
        const format = formatOf(ftype);
        const { width } = format;
        setLanes(words, Rd, width, [withFloat(words, (env) => soft(env, format, lane(words, Rn, 0, width), lane(words, Rm, 0, width)))]);
      },
    ),
  );
}

/** FMADD and its kin: the addend or the first factor may be negated before. */
function threeSources(): readonly Encoding[] {
  const rows = [
    { name: "FMADD", o1: "0", o0: "0", factor: false, addend: false },
    { name: "FMSUB", o1: "0", o0: "1", factor: true, addend: false },
    { name: "FNMADD", o1: "1", o0: "0", factor: true, addend: true },
    { name: "FNMSUB", o1: "1", o0: "1", factor: false, addend: true },
  ] as const;
  return rows.map(({ name, o1, o0, factor, addend }) =>
    encoding(
      name,
      `000 11111 ftype:2 ${o1} Rm:5 ${o0} Ra:5 Rn:5 Rd:5`,
      (t, { ftype, Rm, Ra, Rn, Rd }) => {
        const operands = { vReads: [Rn, Rm, Ra], vWrites: [Rd] };
        if (ftype === 3) {
          t.interpret(operands);
          return;
        }
        const { code } = t;
        const native = nativeOf(ftype);
        const r = t.temp(native.type);
        getFloat(t, native, Rn);
        if (factor) code.op(native.op.neg);
        getFloat(t, native, Rm);
        getFloat(t, native, Ra);
        if (addend) code.op(native.op.neg);
        code.get(t.floatMode());
        t.callRuntime(`fma${native.name}`);
        code.set(r);
        setIfGood(t, native, Rd, r, operands, false, [() => code.get(r).get(r).op(native.op.eq)]);
      },
      isFormat,
      (words, { ftype, Rm, Ra, Rn, Rd }) => {
        const format = formatOf(ftype);
        const { width } = format;
        const a = lane(words, Ra, 0, width);
        const n = lane(words, Rn, 0, width);
        const result = withFloat(words, (env) => mulAdd(env, format, addend ? negate(format, a) : a, factor ? negate(format, n) : n, lane(words, Rm, 0, width)));
        setLanes(words, Rd, width, [result]);
      },
    ),
  );
}

/** The rows of FRINT<mode>; `undefined`: as FPCR says. */
const INTEGRAL: readonly { readonly name: string; readonly opcode: string; readonly rounding: Rounding | undefined; readonly exact: boolean }[] = [
  { name: "FRINTN", opcode: "001000", rounding: TIE_EVEN, exact: false },
  { name: "FRINTP", opcode: "001001", rounding: TO_PLUS_INFINITY, exact: false },
  { name: "FRINTM", opcode: "001010", rounding: TO_MINUS_INFINITY, exact: false },
  { name: "FRINTZ", opcode: "001011", rounding: TO_ZERO, exact: false },
  { name: "FRINTA", opcode: "001100", rounding: TIE_AWAY, exact: false },
  { name: "FRINTX", opcode: "001110", rounding: undefined, exact: true },
  { name: "FRINTI", opcode: "001111", rounding: undefined, exact: false },
];
const INTEGER: readonly { readonly name: string; readonly opcode: string; readonly rounding: Rounding | undefined; readonly width: 32 | 64 }[] = [
  { name: "FRINT32Z", opcode: "010000", rounding: TO_ZERO, width: 32 },
  { name: "FRINT32X", opcode: "010001", rounding: undefined, width: 32 },
  { name: "FRINT64Z", opcode: "010010", rounding: TO_ZERO, width: 64 },
  { name: "FRINT64X", opcode: "010011", rounding: undefined, width: 64 },
];

function oneSource(name: string, opcode: string, soft: Unary, fast: (t: Translator, native: Native, n: number, d: number) => void, legal = isFormat): Encoding {
  return encoding(
    `${name} (scalar)`,
    `000 11110 ftype:2 1 ${opcode} 10000 Rn:5 Rd:5`,
    (t, { ftype, Rn, Rd }) => {
      if (ftype === 3) t.interpret({ vReads: [Rn], vWrites: [Rd] });
      else fast(t, nativeOf(ftype), Rn, Rd);
    },
    legal,
    (words, { ftype, Rn, Rd }) => {
      const format = formatOf(ftype);
      setLanes(words, Rd, format.width, [withFloat(words, (env) => soft(env, format, lane(words, Rn, 0, format.width)))]);
    },
  );
}

/** Operations on the sign bit: NaNs are patterns like others. */
function signOnly(opcode: "abs" | "neg" | undefined) {
  return (t: Translator, native: Native, n: number, d: number): void => {
    getFloat(t, native, n);
    if (opcode !== undefined) t.code.op(native.op[opcode]);
    setFloat(t, native, d);
  };
}

function squareRoot(t: Translator, native: Native, n: number, d: number): void {
  const r = t.temp(native.type);
  getFloat(t, native, n);
  t.code.op(native.op.sqrt).set(r);
  setIfGood(t, native, d, r, { vReads: [n], vWrites: [d] }, false, [
    () => {
      isFinite(t, native, r);
      mayBeInexact(t);
      t.code.op(I32.and);
    },
    () => {
      t.code.get(r).get(r);
      getFloat(t, native, n);
      t.code.get(t.floatMode());
      t.callRuntime(`exactProduct${native.name}`);
    },
  ]);
}

/** Rounds to an integral value: from the local `a` to the local `r`. */
export function emitIntegral(t: Translator, native: Native, rounding: Rounding, a: Local, r: Local): void {
  const { code } = t;
  const { op } = native;
  switch (rounding) {
    case TO_PLUS_INFINITY:
      code.get(a).op(op.ceil).set(r);
      return;
    case TO_MINUS_INFINITY:
      code.get(a).op(op.floor).set(r);
      return;
    case TO_ZERO:
      code.get(a).op(op.trunc).set(r);
      return;
    case TIE_AWAY: {
      // trunc(a), one further if the rest is a half or more; the sign of a stays on a zero.
      code.get(a).op(op.trunc).tee(r);
      pushHalfStep(t, native, a, r);
      code.op(op.add).get(a).op(op.copysign).set(r);
      return;
    }
    default:
      code.get(a).op(op.nearest).set(r);
  }
}

/** Pushes 1 with the sign of `a` if `a - whole` is a half or more, else 0. */
function pushHalfStep(t: Translator, native: Native, a: Local, whole: Local): void {
  const { code } = t;
  const constant = (value: number): void => {
    if (native.double) code.f64(value);
    else code.f32(value);
  };
  constant(1);
  code.get(a).op(native.op.copysign);
  constant(0);
  code.get(a).get(whole).op(native.op.sub).op(native.op.abs);
  constant(0.5);
  code.op(native.op.ge).op(CONTROL.select);
}

function integral(rounding: Rounding | undefined, exact: boolean) {
  return (t: Translator, native: Native, n: number, d: number): void => {
    const { code } = t;
    const a = localFloat(t, native, n);
    const r = t.temp(native.type);
    emitIntegral(t, native, rounding ?? TIE_EVEN, a, r);
    setIfGood(t, native, d, r, { vReads: [n], vWrites: [d] }, false, [
      () => {
        code.get(r).get(r).op(native.op.eq);
        if (exact) mayBeInexact(t);
        else if (rounding === undefined) isNearest(t);
        else isUnflushed(t);
        code.op(I32.and);
      },
    ]);
  };
}

function softConvert(from: FloatFormat, to: FloatFormat) {
  return (words: BigUint64Array, n: number, d: number): void => {
    setLanes(words, d, to.width, [withFloat(words, (env) => convert(env, from, to, lane(words, n, 0, from.width)))]);
  };
}

const FORMATS = [
  { format: SINGLE, type: "00", letter: "S" },
  { format: DOUBLE, type: "01", letter: "D" },
  { format: HALF, type: "11", letter: "H" },
] as const;

/** Single to double is exact; only a NaN and a denormal number that is flushed are not WebAssembly's business. */
function promote(t: Translator, n: number, d: number): void {
  const native = nativeOf(1);
  const r = t.temp(native.type);
  t.getS(n);
  t.code.op(F64.promoteF32).set(r);
  setIfGood(t, native, d, r, { vReads: [n], vWrites: [d] }, false, [
    () => {
      t.code.get(r).get(r).op(F64.eq);
      isUnflushed(t);
      t.code.op(I32.and);
    },
  ]);
}

function demote(t: Translator, n: number, d: number): void {
  const native = nativeOf(0);
  const { code } = t;
  const a = localFloat(t, nativeOf(1), n);
  const r = t.temp(native.type);
  code.get(a).op(F32.demoteF64).set(r);
  setIfGood(t, native, d, r, { vReads: [n], vWrites: [d] }, false, [
    () => {
      isNormal(t, native, r);
      isFinite(t, native, r);
      code.op(I32.and);
      mayBeInexact(t);
      code.op(I32.and);
    },
    () => {
      code.get(r).op(F64.promoteF32).get(a).op(F64.eq);
      isNearest(t);
      code.op(I32.and);
    },
  ]);
}

function conversions(): readonly Encoding[] {
  return FORMATS.flatMap((from) =>
    FORMATS.filter((to) => to !== from).map((to) =>
      encoding(
        `FCVT ${to.letter}, ${from.letter}`,
        `000 11110 ${from.type} 1 0001 ${to.type} 10000 Rn:5 Rd:5`,
        (t, { Rn, Rd }) => {
          if (from.format === SINGLE && to.format === DOUBLE) promote(t, Rn, Rd);
          else if (from.format === DOUBLE && to.format === SINGLE) demote(t, Rn, Rd);
          else t.interpret({ vReads: [Rn], vWrites: [Rd] });
        },
        undefined,
        (words, { Rn, Rd }) => {
          softConvert(from.format, to.format)(words, Rn, Rd);
        },
      ),
    ),
  );
}

export const FP_DATA: readonly Encoding[] = [
  ...twoSources(),
  ...threeSources(),
  oneSource("FMOV", "000000", (_env, _format, a) => a, signOnly(undefined)),
  oneSource("FABS", "000001", (_env, format, a) => absolute(format, a), signOnly("abs")),
  oneSource("FNEG", "000010", (_env, format, a) => negate(format, a), signOnly("neg")),
  oneSource("FSQRT", "000011", sqrt, squareRoot),
  ...conversions(),
  ...INTEGRAL.map(({ name, opcode, rounding, exact }) =>
    oneSource(name, opcode, (env, format, a) => roundToIntegral(env, format, a, rounding ?? env.rounding, exact), integral(rounding, exact)),
  ),
  ...INTEGER.map(({ name, opcode, rounding, width }) =>
    oneSource(
      name, opcode, (env, format, a) => roundToInteger(env, format, a, rounding ?? env.rounding, width),
      (t, _native, n, d) => {
        t.interpret({ vReads: [n], vWrites: [d] });
      },
      ({ ftype }) => ftype < 2,
    ),
  ),
];
