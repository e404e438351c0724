/**
 * What the floating-point rows share: formats, and the code that decides between WebAssembly's arithmetic and `soft/`.
 *
 * WebAssembly rounds to nearest, ties to even, knows no flags and leaves the payload of NaNs open. Its result is the architecture's if FPCR asks for
 * that rounding without flushing, if the result is a number within the normal range (or exact), and if Inexact need not be raised because it stands already.
 * Everything else goes to `interpret`.
 */
import type { Local } from "../binary/code.js";
import { F32, F64, I32, TYPE_EMPTY, TYPE_F32, TYPE_F64 } from "../binary/opcodes.js";
import { DOUBLE, FPCR_FZ, FPCR_RMODE, HALF, SINGLE, type FloatFormat } from "../soft/float.js";
import type { InterpretedOperands, Translator } from "../translator.js";

/** The formats by the field `ftype`; 2 is unallocated. */
export function formatOf(ftype: number): FloatFormat {
  return ftype === 0 ? SINGLE : ftype === 1 ? DOUBLE : HALF;
}

export function isFormat({ ftype }: { readonly ftype: number }): boolean {
  return ftype !== 2;
}

/** Opcodes and numbers of the format that WebAssembly computes with. */
export interface Native {
  readonly op: typeof F64 | typeof F32;
  readonly type: typeof TYPE_F64 | typeof TYPE_F32;
  readonly double: boolean;
  /** As in the names of runtime functions. */
  readonly name: "Single" | "Double";
  /** The smallest normal number. */
  readonly least: number;
}

const NATIVE_SINGLE: Native = { op: F32, type: TYPE_F32, double: false, name: "Single", least: 2 ** -126 };
const NATIVE_DOUBLE: Native = { op: F64, type: TYPE_F64, double: true, name: "Double", least: 2 ** -1022 };

/** For ftype 0 and 1. */
export function nativeOf(ftype: number): Native {
  return ftype === 1 ? NATIVE_DOUBLE : NATIVE_SINGLE;
}

export function getFloat(t: Translator, { double }: Native, n: number): void {
  if (double) t.getD(n);
  else t.getS(n);
}

export function setFloat(t: Translator, { double }: Native, n: number): void {
  if (double) t.setD(n);
  else t.setS(n);
}

/** A local with the low lane of V[n]. */
export function localFloat(t: Translator, native: Native, n: number): Local {
  const local = t.temp(native.type);
  getFloat(t, native, n);
  t.code.set(local);
  return local;
}

/** Pushes a constant of the format. */
export function number(t: Translator, { double }: Native, value: number): void {
  if (double) t.code.f64(value);
  else t.code.f32(value);
}

/** Pushes i32: whether no rounding mode but ties to even, and no flushing, is set. */
export function isNearest(t: Translator): void {
  t.code.get(t.floatMode()).i32(FPCR_RMODE | FPCR_FZ).op(I32.and).op(I32.eqz);
}

/** Pushes i32: whether denormal numbers are not flushed, which is all that matters to what does not round. */
export function isUnflushed(t: Translator): void {
  t.code.get(t.floatMode()).i32(FPCR_FZ).op(I32.and).op(I32.eqz);
}

/** Pushes i32: whether a result may be inexact. */
export function mayBeInexact(t: Translator): void {
  t.code.get(t.floatMode()).op(I32.eqz);
}

/** Pushes i32: the local is a finite number. */
export function isFinite(t: Translator, native: Native, value: Local): void {
  t.code.get(value).op(native.op.abs);
  number(t, native, Infinity);
  t.code.op(native.op.lt);
}

/** Pushes i32: the magnitude of the local is above the smallest normal number. */
export function isNormal(t: Translator, native: Native, value: Local): void {
  t.code.get(value).op(native.op.abs);
  number(t, native, native.least);
  t.code.op(native.op.gt);
}

/** Pushes i32: the local is a zero. */
export function isZero(t: Translator, native: Native, value: Local): void {
  t.code.get(value);
  number(t, native, 0);
  t.code.op(native.op.eq);
}

/** Runs `then` if one of the tests pushes an i32 that is not 0; else the instruction is interpreted. */
export function whenGood(t: Translator, operands: InterpretedOperands, tests: readonly (() => void)[], then: () => void): void {
  const { code } = t;
  const done = code.block(TYPE_EMPTY);
  const good = code.block(TYPE_EMPTY);
  for (const test of tests) {
    test();
    code.brIf(good);
  }
  t.interpret(operands);
  code.br(done).end();
  then();
  code.end();
}

/**
 * Sets V[d] to `result`, or to its negation, which `tests` decide about: each pushes an i32, the first one that is not 0 makes `result` good; if there
 * is none, the instruction is interpreted.
 */
export function setIfGood(t: Translator, native: Native, d: number, result: Local, operands: InterpretedOperands, negated: boolean, tests: readonly (() => void)[]): void {
  whenGood(t, operands, tests, () => {
    t.code.get(result);
    if (negated) t.code.op(native.op.neg);
    setFloat(t, native, d);
  });
}
