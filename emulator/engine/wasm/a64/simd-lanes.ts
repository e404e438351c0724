/**
 * What the rows of integer Advanced SIMD have in common: WebAssembly's operations by element size, operands of 8 to 128 bits, saturation.
 *
 * `size` is log2 of the bytes of an element, `width` the bits of an operand. A function writes code that pushes its result unless it says
 * otherwise. Arm: DDI 0487 C4.1.95, J1 (SatQ, FPSR.QC).
 */
import type { Local } from "../binary/code.js";
import { CONTROL, I16X8, I32X4, I64, I64X2, I8X16, TYPE_EMPTY, TYPE_V128, V128 } from "../binary/opcodes.js";
import type { Translator } from "../translator.js";

export const ADD = [I8X16.add, I16X8.add, I32X4.add, I64X2.add] as const;
export const SUB = [I8X16.sub, I16X8.sub, I32X4.sub, I64X2.sub] as const;
export const NEG = [I8X16.neg, I16X8.neg, I32X4.neg, I64X2.neg] as const;
export const ABS = [I8X16.abs, I16X8.abs, I32X4.abs, I64X2.abs] as const;
export const EQ = [I8X16.eq, I16X8.eq, I32X4.eq, I64X2.eq] as const;
export const NE = [I8X16.ne, I16X8.ne, I32X4.ne, I64X2.ne] as const;
export const GT_S = [I8X16.gtS, I16X8.gtS, I32X4.gtS, I64X2.gtS] as const;
export const GE_S = [I8X16.geS, I16X8.geS, I32X4.geS, I64X2.geS] as const;
export const LT_S = [I8X16.ltS, I16X8.ltS, I32X4.ltS, I64X2.ltS] as const;
export const LE_S = [I8X16.leS, I16X8.leS, I32X4.leS, I64X2.leS] as const;
export const GT_U = [I8X16.gtU, I16X8.gtU, I32X4.gtU] as const;
export const GE_U = [I8X16.geU, I16X8.geU, I32X4.geU] as const;
export const MIN_S = [I8X16.minS, I16X8.minS, I32X4.minS] as const;
export const MIN_U = [I8X16.minU, I16X8.minU, I32X4.minU] as const;
export const MAX_S = [I8X16.maxS, I16X8.maxS, I32X4.maxS] as const;
export const MAX_U = [I8X16.maxU, I16X8.maxU, I32X4.maxU] as const;
export const SHL = [I8X16.shl, I16X8.shl, I32X4.shl, I64X2.shl] as const;
export const SHR_S = [I8X16.shrS, I16X8.shrS, I32X4.shrS, I64X2.shrS] as const;
export const SHR_U = [I8X16.shrU, I16X8.shrU, I32X4.shrU, I64X2.shrU] as const;
export const SPLAT = [I8X16.splat, I16X8.splat, I32X4.splat, I64X2.splat] as const;
/** Pushes i32, of 64-bit elements i64. */
export const EXTRACT_U = [I8X16.extractLaneU, I16X8.extractLaneU, I32X4.extractLane, I64X2.extractLane] as const;
export const EXTRACT_S = [I8X16.extractLaneS, I16X8.extractLaneS, I32X4.extractLane, I64X2.extractLane] as const;
export const REPLACE = [I8X16.replaceLane, I16X8.replaceLane, I32X4.replaceLane, I64X2.replaceLane] as const;
/** To elements of twice the size; the index is the size of the source. */
export const EXTEND_LOW_S = [I16X8.extendLowI8x16S, I32X4.extendLowI16x8S, I64X2.extendLowI32x4S] as const;
export const EXTEND_LOW_U = [I16X8.extendLowI8x16U, I32X4.extendLowI16x8U, I64X2.extendLowI32x4U] as const;
export const EXTEND_HIGH_S = [I16X8.extendHighI8x16S, I32X4.extendHighI16x8S, I64X2.extendHighI32x4S] as const;
export const EXTEND_HIGH_U = [I16X8.extendHighI8x16U, I32X4.extendHighI16x8U, I64X2.extendHighI32x4U] as const;
export const EXTMUL_LOW_S = [I16X8.extmulLowI8x16S, I32X4.extmulLowI16x8S, I64X2.extmulLowI32x4S] as const;
export const EXTMUL_LOW_U = [I16X8.extmulLowI8x16U, I32X4.extmulLowI16x8U, I64X2.extmulLowI32x4U] as const;
export const EXTMUL_HIGH_S = [I16X8.extmulHighI8x16S, I32X4.extmulHighI16x8S, I64X2.extmulHighI32x4S] as const;
export const EXTMUL_HIGH_U = [I16X8.extmulHighI8x16U, I32X4.extmulHighI16x8U, I64X2.extmulHighI32x4U] as const;

const FPSR_QC = 1n << 27n;

/** Pops a vector into a new local. */
export function keep(t: Translator): Local {
  const local = t.temp(TYPE_V128);
  t.code.set(local);
  return local;
}

/** Clears the bits of the vector on the stack from `width` up. */
export function clearAbove(t: Translator, width: number): void {
  if (width === 64) t.code.i64(0).lane(I64X2.replaceLane, 1);
  else if (width < 64) t.code.v128((1n << BigInt(width)) - 1n, 0n).op(V128.and);
}

/** A vector register in a local. */
export function vector(t: Translator, n: number): Local {
  t.getV(n);
  return keep(t);
}

/** The low `width` bits of a vector register in a local, zeros above. */
export function operand(t: Translator, n: number, width: number): Local {
  t.getV(n);
  clearAbove(t, width);
  return keep(t);
}

/** Pops a vector; its low `width` bits go to a register, zeros above. */
export function setResult(t: Translator, Rd: number, width: number): void {
  clearAbove(t, width);
  t.setV(Rd);
}

/** A 64-bit word that repeats an element. */
function repeated(size: number, value: bigint): bigint {
  const bits = 8n << BigInt(size);
  const element = BigInt.asUintN(Number(bits), value);
  let word = 0n;
  for (let at = 0n; at < 64n; at += bits) word |= element << at;
  return word;
}

/** A constant in every element. */
export function constant(t: Translator, size: number, value: bigint | number): void {
  const word = repeated(size, BigInt(value));
  t.code.v128(word, word);
}

export function bitsOf(size: number): number {
  return 8 << size;
}

/** The smallest signed number of an element. */
export function signBit(size: number): bigint {
  return 1n << BigInt(bitsOf(size) - 1);
}

/** Pops an i32: if it is not 0, FPSR.QC becomes 1. */
export function setQcIf(t: Translator): void {
  t.code.if(TYPE_EMPTY);
  t.getState("fpsr");
  t.code.i64(FPSR_QC).op(I64.or);
  t.setState("fpsr");
  t.code.end();
}

/** If the vectors differ, something was saturated. Pushes nothing. */
export function setQcIfDifferent(t: Translator, a: Local, b: Local): void {
  t.code.get(a).get(b).op(V128.xor).op(V128.anyTrue);
  setQcIf(t);
}

/** The comparison a > b, or a >= b, unsigned. */
export function compareUnsigned(t: Translator, size: number, a: Local, b: Local, orEqual: boolean): void {
  const { code } = t;
  if (size === 3) {
    code.get(a);
    constant(t, 3, signBit(3));
    code.op(V128.xor).get(b);
    constant(t, 3, signBit(3));
    code.op(V128.xor).op((orEqual ? GE_S : GT_S)[3]);
  } else code.get(a).get(b).op((orEqual ? GE_U : GT_U)[size]!);
}

/** Shifts right each element by 1 to the bits of the element. Pops the vector. */
export function shiftRight(t: Translator, size: number, shift: number, signed: boolean): void {
  const bits = bitsOf(size);
  if (!signed && shift === bits) {
    t.code.op(CONTROL.drop).v128(0n, 0n);
    return;
  }
  t.code.i32(Math.min(shift, bits - 1)).op((signed ? SHR_S : SHR_U)[size]!);
}

/** The same, rounding half up. */
export function shiftRightRounding(t: Translator, size: number, value: Local, shift: number, signed: boolean): void {
  const { code } = t;
  code.get(value);
  shiftRight(t, size, shift, signed);
  code.get(value);
  if (shift > 1) code.i32(shift - 1).op(SHR_U[size]!);
  constant(t, size, 1);
  code.op(V128.and).op(ADD[size]!);
}

/** The largest element of the sign of each: the smallest or greatest signed number, or all ones. */
export function greatestOfSign(t: Translator, size: number, value: Local, signed: boolean): void {
  if (!signed) {
    t.code.v128(-1n, -1n);
    return;
  }
  t.code.get(value).i32(bitsOf(size) - 1).op(SHR_S[size]!);
  constant(t, size, signBit(size) - 1n);
  t.code.op(V128.xor);
}

/** Product of elements of 8, 16 or 32 bits. */
export function multiply(t: Translator, size: number, a: Local, b: Local): void {
  const { code } = t;
  if (size !== 0) {
    code.get(a).get(b).op(size === 1 ? I16X8.mul : I32X4.mul);
    return;
  }
  code.get(a).get(b).op(I16X8.mul);
  constant(t, 1, 0xff);
  code.op(V128.and);
  code.get(a).i32(8).op(I16X8.shrU).get(b).i32(8).op(I16X8.shrU).op(I16X8.mul).i32(8).op(I16X8.shl).op(V128.or);
}

/** Sum or difference that saturates and sets FPSR.QC. */
export function addSaturating(t: Translator, size: number, a: Local, b: Local, signed: boolean, subtract: boolean): void {
  const { code } = t;
  code.get(a).get(b).op((subtract ? SUB : ADD)[size]!);
  const plain = keep(t);
  if (size <= 1) {
    const lanes = size === 0 ? I8X16 : I16X8;
    code.get(a).get(b).op(subtract ? (signed ? lanes.subSatS : lanes.subSatU) : signed ? lanes.addSatS : lanes.addSatU);
    const saturated = keep(t);
    setQcIfDifferent(t, plain, saturated);
    code.get(saturated);
    return;
  }
  if (signed) {
    code.get(a).get(plain).op(V128.xor).get(b).get(subtract ? a : plain).op(V128.xor).op(V128.and);
    code.i32(bitsOf(size) - 1).op(SHR_S[size]!);
  } else if (subtract) compareUnsigned(t, size, b, a, false);
  else compareUnsigned(t, size, a, plain, false);
  const overflow = keep(t);
  code.get(overflow).op(V128.anyTrue);
  setQcIf(t);
  if (signed) {
    // Only numbers of one sign leave the range, on their side.
    greatestOfSign(t, size, a, true);
    code.get(plain).get(overflow).op(V128.bitselect);
  } else code.get(plain).get(overflow).op(subtract ? V128.andnot : V128.or);
}

/** The range that an element of half the size keeps: signed, unsigned from unsigned, unsigned from signed. */
export type Narrowing = "signed" | "unsigned" | "signed to unsigned";

/**
 * Brings elements of 16 to 64 bits (`size` 1 to 3) into the range of elements of half the size; FPSR.QC if one was outside. The result is
 * as wide as before.
 */
export function saturateToHalf(t: Translator, size: number, value: Local, narrowing: Narrowing): void {
  const { code } = t;
  const half = BigInt(bitsOf(size) / 2);
  const least = narrowing === "signed" ? -(1n << (half - 1n)) : 0n;
  const greatest = narrowing === "signed" ? (1n << (half - 1n)) - 1n : (1n << half) - 1n;
  if (size < 3) {
    code.get(value);
    constant(t, size, greatest);
    if (narrowing === "unsigned") code.op(MIN_U[size]!);
    else {
      code.op(MIN_S[size]!);
      constant(t, size, least);
      code.op(MAX_S[size]!);
    }
  } else {
    constant(t, 3, greatest);
    code.get(value);
    if (narrowing === "unsigned") {
      code.get(value).i32(32).op(I64X2.shrU);
      code.v128(0n, 0n).op(I64X2.ne);
    } else {
      code.get(value);
      constant(t, 3, greatest);
      code.op(I64X2.gtS);
    }
    code.op(V128.bitselect);
    if (narrowing !== "unsigned") {
      const upper = keep(t);
      constant(t, 3, least);
      code.get(upper).get(value);
      constant(t, 3, least);
      code.op(I64X2.ltS).op(V128.bitselect);
    }
  }
  const clamped = keep(t);
  setQcIfDifferent(t, clamped, value);
  code.get(clamped);
}

/**
 * Pops a vector of which the low halves of the elements (`size` 1 to 3) are the result: they go to the low half of Rd, zeros above, or with
 * `upper` to the high half, the low one kept.
 */
export function setNarrowed(t: Translator, size: number, Rd: number, upper: boolean): void {
  const { code } = t;
  const part = 1 << (size - 1);
  const lanes = Array.from({ length: 8 }, (_, index) => Math.floor(index / part) * 2 * part + (index % part));
  if (upper) {
    const wide = keep(t);
    t.getV(Rd);
    code.get(wide).shuffle([0, 1, 2, 3, 4, 5, 6, 7, ...lanes.map((lane) => 16 + lane)]);
  } else {
    const word = lanes.reduce((bits, lane, index) => bits | (BigInt(lane) << BigInt(8 * index)), 0n);
    code.v128(word, 0x8080_8080_8080_8080n).op(I8X16.swizzle);
  }
  t.setV(Rd);
}
