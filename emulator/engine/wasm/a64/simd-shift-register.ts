/** Shifts of SIMD elements by a register, as SSHL, SQSHL, SRSHL and their like share them. Arm: DDI 0487 C7.2 (SSHL, SQRSHL). */
import type { Local } from "../binary/code.js";
import { CONTROL, I16X8, I32, I64, I8X16, TYPE_I32, TYPE_I64, TYPE_V128, V128 } from "../binary/opcodes.js";
import type { Translator } from "../translator.js";
import * as lanes from "./simd-lanes.js";

const SELECT = CONTROL.select;

/** Elements of 8 and 16 bits, all at once: one step for each bit of the shift count. */
function shiftSteps(t: Translator, size: number, value: Local, count: Local, left: boolean, signed: boolean): void {
  const { code } = t;
  const bits = lanes.bitsOf(size);
  const opcode = (left ? lanes.SHL : signed ? lanes.SHR_S : lanes.SHR_U)[size]!;
  code.get(value);
  const result = t.temp(TYPE_V128);
  for (let step = 1; step < bits; step *= 2) {
    code.tee(result).i32(step).op(opcode).get(result).get(count);
    lanes.constant(t, size, step);
    code.op(V128.and);
    lanes.constant(t, size, step);
    code.op(lanes.EQ[size]!).op(V128.bitselect);
  }
}

/** The same for elements of 32 and 64 bits, one by one. */
function shiftEach(t: Translator, size: number, n: Local, m: Local, signed: boolean): void {
  const { code } = t;
  const bits = lanes.bitsOf(size);
  const type = size === 3 ? TYPE_I64 : TYPE_I32;
  const ops = size === 3 ? I64 : I32;
  const value = t.temp(type);
  const count = t.temp(type);
  const opposite = t.temp(type);
  const push = (number: number): void => {
    if (size === 3) code.i64(number);
    else code.i32(number);
  };
  code.v128(0n, 0n);
  for (let lane = 0; lane < 16 >> size; lane++) {
    code.get(n).lane(lanes.EXTRACT_U[size]!, lane).set(value).get(m).lane(lanes.EXTRACT_U[size]!, lane).op(ops.extend8S).set(count);
    push(0);
    code.get(count).op(ops.sub).set(opposite);
    // Left by less than the width, or 0.
    code.get(value).get(count).op(ops.shl);
    push(0);
    code.get(count);
    push(bits);
    code.op(ops.ltS).op(SELECT);
    // Right: signed by the width less one if it is more, unsigned 0 then.
    code.get(value);
    if (signed) {
      push(bits - 1);
      code.get(opposite).get(opposite);
      push(bits - 1);
      code.op(ops.gtS).op(SELECT).op(ops.shrS);
    } else {
      code.get(opposite).op(ops.shrU);
      push(0);
      code.get(opposite);
      push(bits);
      code.op(ops.ltS).op(SELECT);
    }
    code.get(count);
    push(0);
    code.op(ops.geS).op(SELECT).lane(lanes.REPLACE[size]!, lane);
  }
}

/** Shifts each element left by the number in the same element of `left`, -128 to 127, right if it is negative. Pushes the result. */
function shift(t: Translator, size: number, n: Local, left: Local, signed: boolean): void {
  if (size >= 2) {
    shiftEach(t, size, n, left, signed);
    return;
  }
  const { code } = t;
  const bits = lanes.bitsOf(size);
  code.get(left).op(lanes.NEG[size]!);
  const right = lanes.keep(t);
  shiftSteps(t, size, n, left, true, false);
  code.get(left);
  lanes.constant(t, size, bits);
  code.op(lanes.LT_S[size]!).op(V128.and);
  if (signed) {
    // By the width less one if it is more: -128 stays negative as a byte, hence unsigned.
    code.get(right);
    lanes.constant(t, size, bits - 1);
    code.op(lanes.MIN_U[size]!);
    const bounded = lanes.keep(t);
    shiftSteps(t, size, n, bounded, false, true);
  } else {
    shiftSteps(t, size, n, right, false, false);
    code.get(right);
    lanes.constant(t, size, bits);
    code.op((size === 0 ? I8X16 : I16X8).ltU).op(V128.and);
  }
  code.get(left).v128(0n, 0n).op(lanes.GE_S[size]!).op(V128.bitselect);
}

export interface RegisterShift {
  readonly signed: boolean;
  /** A shift to the right rounds half up. */
  readonly rounding?: boolean;
  /** A shift to the left saturates and sets FPSR.QC. */
  readonly saturating?: boolean;
}

/** Shifts each element of `n` left by the signed low byte of the same element of `m`, right if it is negative. */
export function shiftByRegister({ signed, rounding = false, saturating = false }: RegisterShift): (t: Translator, size: number, n: Local, m: Local) => void {
  return (t, size, n, m) => {
    const { code } = t;
    const bits = lanes.bitsOf(size);
    code.get(m);
    if (size > 0) code.i32(bits - 8).op(lanes.SHL[size]!).i32(bits - 8).op(lanes.SHR_S[size]!);
    const count = lanes.keep(t);
    if (rounding) {
      // To the right one place less, then half of that, rounded.
      code.get(count).get(count).i32(bits - 1).op(lanes.SHR_S[size]!).op(lanes.SUB[size]!);
      const less = lanes.keep(t);
      shift(t, size, n, less, signed);
      const shifted = lanes.keep(t);
      lanes.shiftRightRounding(t, size, shifted, 1, signed);
      code.get(shifted).get(count).v128(0n, 0n).op(lanes.LT_S[size]!).op(V128.bitselect);
    } else shift(t, size, n, count, signed);
    if (!saturating) return;
    const result = lanes.keep(t);
    // What does not come back has been too large.
    code.get(count).op(lanes.NEG[size]!);
    const back = lanes.keep(t);
    shift(t, size, result, back, signed);
    code.get(n).op(lanes.NE[size]!).get(count).v128(0n, 0n).op(lanes.GT_S[size]!).op(V128.and);
    const overflow = lanes.keep(t);
    code.get(overflow).op(V128.anyTrue);
    lanes.setQcIf(t);
    lanes.greatestOfSign(t, size, n, signed);
    code.get(result).get(overflow).op(V128.bitselect);
  };
}
