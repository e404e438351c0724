/**
 * Products of elements, as the forms with three registers and those by element share them: long, doubling, high halves, dot products.
 *
 * Operands are v128 locals; functions push their result. Arm: DDI 0487 C7.2 (SQDMULL, SQDMULH, SQRDMLAH, SDOT).
 */
import type { Local } from "../binary/code.js";
import { I16X8, I32X4, V128 } from "../binary/opcodes.js";
import type { Translator } from "../translator.js";
import * as lanes from "./simd-lanes.js";

/** Products of twice the size (`size`: of the operands) of the low or high halves. */
export function multiplyLong(t: Translator, size: number, n: Local, m: Local, signed: boolean, upper: boolean): void {
  const opcodes = signed ? (upper ? lanes.EXTMUL_HIGH_S : lanes.EXTMUL_LOW_S) : upper ? lanes.EXTMUL_HIGH_U : lanes.EXTMUL_LOW_U;
  t.code.get(n).get(m).op(opcodes[size]!);
}

/** Twice the signed product, saturated: only the square of the smallest number is too large. */
export function doublingMultiplyLong(t: Translator, size: number, n: Local, m: Local, upper: boolean): void {
  const { code } = t;
  const wide = size + 1;
  multiplyLong(t, size, n, m, true, upper);
  code.i32(1).op(lanes.SHL[wide]!);
  const doubled = lanes.keep(t);
  code.get(doubled);
  lanes.constant(t, wide, lanes.signBit(wide));
  code.op(lanes.EQ[wide]!);
  const overflow = lanes.keep(t);
  code.get(overflow).op(V128.anyTrue);
  lanes.setQcIf(t);
  code.get(doubled).get(overflow).op(V128.xor);
}

/** The low halves of the elements of two vectors, one behind the other; `size`: of the halves. */
function joinHalves(t: Translator, size: number, low: Local, high: Local): void {
  const bytes = 1 << size;
  t.code.get(low).get(high).shuffle(Array.from({ length: 16 }, (_, byte) => Math.floor(byte / bytes) * 2 * bytes + (byte % bytes)));
}

/** The high half of twice the product, of elements of 16 or 32 bits. */
export function doublingMultiplyHigh(t: Translator, size: number, n: Local, m: Local, rounding: boolean): void {
  const { code } = t;
  code.get(n);
  lanes.constant(t, size, lanes.signBit(size));
  code.op(lanes.EQ[size]!).get(m);
  lanes.constant(t, size, lanes.signBit(size));
  code.op(lanes.EQ[size]!).op(V128.and);
  const overflow = lanes.keep(t);
  code.get(overflow).op(V128.anyTrue);
  lanes.setQcIf(t);
  if (size === 1 && rounding) {
    code.get(n).get(m).op(I16X8.q15mulrSatS);
    return;
  }
  const wide = size + 1;
  const half = (upper: boolean): Local => {
    multiplyLong(t, size, n, m, true, upper);
    if (rounding) {
      lanes.constant(t, wide, 1n << BigInt(lanes.bitsOf(size) - 2));
      code.op(lanes.ADD[wide]!);
    }
    // Bits above the result are dropped below.
    code.i32(lanes.bitsOf(size) - 1).op(lanes.SHR_U[wide]!);
    return lanes.keep(t);
  };
  const low = half(false);
  const high = half(true);
  joinHalves(t, size, low, high);
  // An overflow has left the smallest number: inverted it is the greatest.
  code.get(overflow).op(V128.xor);
}

/** d plus or minus the high half of twice the product, rounded once, saturated. In elements of twice the size no step overflows. */
export function roundingDoublingAccumulate(t: Translator, size: number, n: Local, m: Local, d: Local, subtract: boolean): void {
  const { code } = t;
  const wide = size + 1;
  const bits = lanes.bitsOf(size);
  const half = (upper: boolean): Local => {
    code.get(d).op((upper ? lanes.EXTEND_HIGH_S : lanes.EXTEND_LOW_S)[size]!).i32(bits - 1).op(lanes.SHL[wide]!);
    multiplyLong(t, size, n, m, true, upper);
    code.op((subtract ? lanes.SUB : lanes.ADD)[wide]!);
    lanes.constant(t, wide, 1n << BigInt(bits - 2));
    code.op(lanes.ADD[wide]!).i32(bits - 1).op(lanes.SHR_S[wide]!);
    const exact = lanes.keep(t);
    lanes.saturateToHalf(t, wide, exact, "signed");
    return lanes.keep(t);
  };
  const low = half(false);
  const high = half(true);
  joinHalves(t, size, low, high);
}

/** d plus, in each element of 32 bits, the sum of the four products of bytes. */
export function dotProduct(t: Translator, n: Local, m: Local, d: Local, signed: boolean): void {
  const { code } = t;
  const half = (upper: boolean): Local => {
    const extend = signed ? (upper ? I16X8.extendHighI8x16S : I16X8.extendLowI8x16S) : upper ? I16X8.extendHighI8x16U : I16X8.extendLowI8x16U;
    // A byte without sign is positive as a signed number of 16 bits.
    code.get(n).op(extend).get(m).op(extend).op(I32X4.dotI16x8S);
    return lanes.keep(t);
  };
  const low = half(false);
  const high = half(true);
  code.get(d);
  code.get(low).get(high).shuffle([0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27]);
  code.get(low).get(high).shuffle([4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31]);
  code.op(I32X4.add).op(I32X4.add);
}

/** The 16-bit products of bytes as polynomials over {0, 1}, of the low or high halves. */
export function multiplyPolynomialsLong(t: Translator, n: Local, m: Local, upper: boolean): void {
  const { code } = t;
  const extend = upper ? I16X8.extendHighI8x16U : I16X8.extendLowI8x16U;
  code.get(n).op(extend);
  const first = lanes.keep(t);
  code.get(m).op(extend);
  const second = lanes.keep(t);
  code.v128(0n, 0n);
  for (let bit = 0; bit < 8; bit++) {
    code.get(first).i32(bit).op(I16X8.shl);
    code.get(second).i32(15 - bit).op(I16X8.shl).i32(15).op(I16X8.shrS);
    code.op(V128.and).op(V128.xor);
  }
}

/** Writes an instruction on vectors in locals; the result stays on the stack. `upper`: of the long forms, the upper halves of the operands. */
export type Emit = (t: Translator, size: number, n: Local, m: Local, d: Local, upper: boolean) => void;

/** d + n * m or d - n * m, in elements of twice the size. */
export function multiplyAccumulateLong(signed: boolean, opcodes: readonly number[]): Emit {
  return (t, size, n, m, d, upper) => {
    t.code.get(d);
    multiplyLong(t, size, n, m, signed, upper);
    t.code.op(opcodes[size + 1]!);
  };
}

/** d + 2 * n * m or d - 2 * n * m, in elements of twice the size, both steps saturating. */
export function doublingAccumulate(subtract: boolean): Emit {
  return (t, size, n, m, d, upper) => {
    doublingMultiplyLong(t, size, n, m, upper);
    const product = lanes.keep(t);
    lanes.addSaturating(t, size + 1, d, product, true, subtract);
  };
}
