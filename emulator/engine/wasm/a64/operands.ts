/**
 * What the integer rows of the decode table share: immediates, shifted and extended operands, results of 32 or 64 bits.
 *
 * Arm: DDI 0487, the shared pseudocode: DecodeBitMasks, ShiftReg, ExtendReg.
 */
import type { Local } from "../binary/code.js";
import { I32, I64, TYPE_I64 } from "../binary/opcodes.js";
import type { Translator } from "../translator.js";

export const WORD_MASK = 0xffff_ffffn;
const ALL_ONES = 0xffff_ffff_ffff_ffffn;

/** `bits` as a signed number of `width` bits, 32 at most. */
export function signed(bits: number, width: number): number {
  return (bits << (32 - width)) >> (32 - width);
}

/** 64 or 32: the width that the field `sf` chooses. */
export function widthOf(sf: number): 32 | 64 {
  return sf === 1 ? 64 : 32;
}

/** The mask of a logical immediate; undefined if the fields are reserved. */
export function bitMask(sf: number, n: number, imms: number, immr: number): bigint | undefined {
  if (sf === 0 && n === 1) return undefined;
  const combined = (n << 6) | (~imms & 0x3f);
  if (combined < 2) return undefined;
  const size = 1 << (31 - Math.clz32(combined));
  const ones = (imms & (size - 1)) + 1;
  const turn = immr & (size - 1);
  if (ones === size) return undefined;
  const run = (1n << BigInt(ones)) - 1n;
  const elementMask = (1n << BigInt(size)) - 1n;
  let mask = ((run >> BigInt(turn)) | (run << BigInt(size - turn))) & elementMask;
  for (let width = size; width < 64; width *= 2) mask |= mask << BigInt(width);
  return sf === 1 ? mask & ALL_ONES : mask & WORD_MASK;
}

/** A local with X[n]. */
export function localX(t: Translator, n: number): Local {
  const local = t.temp(TYPE_I64);
  t.getX(n);
  t.code.set(local);
  return local;
}

/** A local with X[n], or SP for 31. */
export function localXSp(t: Translator, n: number): Local {
  const local = t.temp(TYPE_I64);
  t.getXSp(n);
  t.code.set(local);
  return local;
}

/** Pushes W[n] or X[n] as an operand of its own width: i32 or i64. */
export function getReg(t: Translator, sf: number, n: number): void {
  if (sf === 1) t.getX(n);
  else t.getW(n);
}

/** Pops the result, i32 or i64 as `sf` says. */
export function setReg(t: Translator, sf: number, n: number): void {
  if (sf === 1) t.setX(n);
  else t.setW(n);
}

/** Pushes a constant of the width that `sf` says. */
export function constant(t: Translator, sf: number, value: bigint | number): void {
  if (sf === 1) t.code.i64(BigInt.asIntN(64, BigInt(value)));
  else t.code.i32(Number(BigInt.asIntN(32, BigInt(value))));
}

/** The opcode of an operation that i32 and i64 both have. */
export function op(t: Translator, sf: number, name: keyof typeof I32 & keyof typeof I64): void {
  t.code.op(sf === 1 ? I64[name] : I32[name]);
}

const SHIFTS = ["shl", "shrU", "shrS", "rotr"] as const;

/** Pushes register n shifted by a constant. `type`: LSL, LSR, ASR, ROR. */
export function getShifted(t: Translator, sf: number, n: number, type: number, amount: number): void {
  getReg(t, sf, n);
  if (amount === 0 || n === 31) return;
  constant(t, sf, amount);
  op(t, sf, SHIFTS[type]!);
}

/** Pushes X[n], i64, extended (option: UXTB, UXTH, UXTW, UXTX, SXTB ... SXTX) and then shifted left. */
export function getExtended(t: Translator, n: number, option: number, shift: number): void {
  const { code } = t;
  if (option === 2) {
    t.getW(n);
    code.op(I64.extendI32U);
  } else {
    t.getX(n);
    if (option === 0) code.i64(0xff).op(I64.and);
    else if (option === 1) code.i64(0xffff).op(I64.and);
    else if (option === 4) code.op(I64.extend8S);
    else if (option === 5) code.op(I64.extend16S);
    else if (option === 6) code.op(I64.extend32S);
  }
  if (shift !== 0) code.i64(shift).op(I64.shl);
}

/** Sets register d to `a + b` or `a - b`, and the flags. Both are i64 locals; d 31 is the zero register. */
export function addWithFlags(t: Translator, sf: number, subtract: boolean, a: Local, b: Local, d: number): void {
  if (subtract) t.flagsOfSub(widthOf(sf), a, b);
  else t.flagsOfAdd(widthOf(sf), a, b);
  if (d === 31) return;
  t.code.get(a).get(b).op(subtract ? I64.sub : I64.add);
  if (sf === 1) t.setX(d);
  else {
    t.code.op(I32.wrapI64);
    t.setW(d);
  }
}
