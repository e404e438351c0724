/** Data processing with registers. Arm: DDI 0487 C4.1.95. */
import type { Local } from "../binary/code.js";
import { CONTROL, I32, I64, TYPE_I32, TYPE_I64 } from "../binary/opcodes.js";
import { encoding, type Encoding } from "../decode/encoding.js";
import type { Translator } from "../translator.js";
import { addWithFlags, constant, getExtended, getReg, getShifted, localX, localXSp, op, setReg, widthOf, WORD_MASK } from "./operands.js";

const LOGIC = ["and", "or", "xor", "and"] as const;
const SHIFTS = ["shl", "shrU", "shrS", "rotr"] as const;

/** Pushes the logical combination of n and the shifted, perhaps inverted, m. */
function combine(t: Translator, sf: number, opc: number, invert: number, n: number, m: number, shift: number, amount: number): void {
  if (opc === 1 && n === 31) getShifted(t, sf, m, shift, amount);
  else {
    getReg(t, sf, n);
    getShifted(t, sf, m, shift, amount);
  }
  if (invert === 1) {
    constant(t, sf, -1);
    op(t, sf, "xor");
  }
  if (opc !== 1 || n !== 31) op(t, sf, LOGIC[opc]!);
}

/** A local with register m as the second operand of an addition: i64, of which the low half counts if `sf` is 0. */
function shiftedLocal(t: Translator, sf: number, m: number, shift: number, amount: number): Local {
  if (amount === 0) return localX(t, m);
  const local = t.temp(TYPE_I64);
  getShifted(t, sf, m, shift, amount);
  if (sf === 0) t.code.op(I64.extendI32U);
  t.code.set(local);
  return local;
}

/** Pushes the upper half of the unsigned product of two i64 locals. */
function highProduct(t: Translator, a: Local, b: Local): void {
  const { code } = t;
  const first = t.temp(TYPE_I64);
  const second = t.temp(TYPE_I64);
  const low = (local: Local): void => {
    code.get(local).i64(WORD_MASK).op(I64.and);
  };
  const high = (local: Local): void => {
    code.get(local).i64(32).op(I64.shrU);
  };
  // first = high(a) * low(b) + high(low(a) * low(b)): no overflow.
  high(a);
  low(b);
  code.op(I64.mul);
  low(a);
  low(b);
  code.op(I64.mul).i64(32).op(I64.shrU).op(I64.add).set(first);
  // second = low(a) * high(b) + low(first): no overflow.
  low(a);
  high(b);
  code.op(I64.mul);
  low(first);
  code.op(I64.add).set(second);
  high(a);
  high(b);
  code.op(I64.mul);
  high(first);
  code.op(I64.add);
  high(second);
  code.op(I64.add);
}

/** Sets the flags of an addition with carry, and pushes its result as i64; `a` and `b` are zero-extended to the width. */
function addWithCarry(t: Translator, sf: number, a: Local, b: Local): void {
  const { code } = t;
  const top = sf === 1 ? 63 : 31;
  const result = t.temp(TYPE_I64);
  const carry = t.temp(TYPE_I64);
  t.getCarry();
  code.op(I64.extendI32U).set(carry);
  code.get(a).get(b).op(I64.add).get(carry).op(I64.add);
  if (sf === 0) code.i64(WORD_MASK).op(I64.and);
  code.set(result);
  const bit = (): void => {
    code.i64(top).op(I64.shrU).op(I32.wrapI64).i32(1).op(I32.and);
  };
  code.get(result);
  bit();
  code.i32(31).op(I32.shl);
  code.get(result).op(I64.eqz).i32(30).op(I32.shl).op(I32.or);
  // Carry out: (a & b) | ((a | b) & ~result), the top bit.
  code.get(a).get(b).op(I64.and).get(a).get(b).op(I64.or).get(result).i64(-1).op(I64.xor).op(I64.and).op(I64.or);
  bit();
  code.i32(29).op(I32.shl).op(I32.or);
  code.get(a).get(result).op(I64.xor).get(b).get(result).op(I64.xor).op(I64.and);
  bit();
  code.i32(28).op(I32.shl).op(I32.or);
  t.setNzcv();
  code.get(result);
}

/** A local with register n zero-extended from its width; `invert`: its complement. */
function plainLocal(t: Translator, sf: number, n: number, invert: boolean): Local {
  const local = t.temp(TYPE_I64);
  getReg(t, sf, n);
  if (invert) {
    constant(t, sf, -1);
    op(t, sf, "xor");
  }
  if (sf === 0) t.code.op(I64.extendI32U);
  t.code.set(local);
  return local;
}

/** Conditional compare of register n with the i64 local b. */
function conditionalCompare(t: Translator, sf: number, subtract: number, n: number, b: Local, cond: number, nzcv: number): void {
  const a = localX(t, n);
  if (subtract === 1) t.nzcvOfSub(widthOf(sf), a, b);
  else t.nzcvOfAdd(widthOf(sf), a, b);
  t.code.i32(nzcv << 28);
  t.getCondition(cond);
  t.code.op(CONTROL.select);
  t.setNzcv();
}

/** Pushes the i32 local with its bytes reversed. */
function reverse32(t: Translator, value: Local): void {
  t.code.get(value).i32(8).op(I32.rotl).i32(0x00ff_00ff).op(I32.and).get(value).i32(8).op(I32.rotr).i32(0xff00_ff00 | 0).op(I32.and).op(I32.or);
}

/** Swaps neighbouring groups of `shift` bits of the i64 local; `mask`: the lower group of each two. */
function swapGroups(t: Translator, value: Local, shift: number, mask: bigint): void {
  t.code.get(value).i64(shift).op(I64.shrU).i64(mask).op(I64.and).get(value).i64(mask).op(I64.and).i64(shift).op(I64.shl).op(I64.or);
}

/** Reverses the bytes of the i64 local in place. */
function reverse64(t: Translator, value: Local): void {
  swapGroups(t, value, 8, 0x00ff_00ff_00ff_00ffn);
  t.code.set(value);
  swapGroups(t, value, 16, 0x0000_ffff_0000_ffffn);
  t.code.i64(32).op(I64.rotl).set(value);
}

/** Division by zero gives zero; the smallest number by -1 gives itself. */
function divide(t: Translator, sf: number, m: number, n: number, d: number, isSigned: boolean): void {
  const { code } = t;
  const type = sf === 1 ? TYPE_I64 : TYPE_I32;
  const a = t.temp(type);
  const b = t.temp(type);
  getReg(t, sf, n);
  code.set(a);
  getReg(t, sf, m);
  code.tee(b);
  op(t, sf, "eqz");
  code.if(type);
  constant(t, sf, 0);
  code.else();
  if (isSigned) {
    // Negation is division by -1 without its overflow.
    code.get(b);
    constant(t, sf, -1);
    op(t, sf, "eq");
    code.if(type);
    constant(t, sf, 0);
    code.get(a);
    op(t, sf, "sub");
    code.else().get(a).get(b);
    op(t, sf, "divS");
    code.end();
  } else {
    code.get(a).get(b);
    op(t, sf, "divU");
  }
  code.end();
  setReg(t, sf, d);
}

const SOURCE1 = "11010110 00000";
const SOURCE2 = "0 0 11010110 Rm:5";

/** CRC-32 (reflected 0x04C11DB7) and CRC-32C (reflected 0x1EDC6F41). */
const POLYNOMIALS = [0xedb8_8320 | 0, 0x82f6_3b78 | 0] as const;

/** One bit at a time: `acc` ^= the value, then as many steps as it has bits; an X is done in two halves. */
function crc32(t: Translator, bytes: number, polynomial: number, n: number, m: number, d: number): void {
  const { code } = t;
  const acc = t.temp(TYPE_I32);
  const count = t.temp(TYPE_I32);
  const steps = (bits: number): void => {
    code.set(acc).i32(bits).set(count);
    const again = code.loop();
    code.get(acc).i32(1).op(I32.shrU).i32(0).get(acc).i32(1).op(I32.and).op(I32.sub).i32(polynomial).op(I32.and).op(I32.xor).set(acc);
    code.get(count).i32(1).op(I32.sub).tee(count).brIf(again);
    code.end();
  };
  const upper = t.temp(TYPE_I32);
  if (bytes === 8) {
    t.getX(m);
    code.i64(32).op(I64.shrU).op(I32.wrapI64).set(upper);
  }
  t.getW(n);
  t.getW(m);
  if (bytes < 4) code.i32(bytes === 1 ? 0xff : 0xffff).op(I32.and);
  code.op(I32.xor);
  steps(8 * Math.min(bytes, 4));
  if (bytes === 8) {
    code.get(acc).get(upper).op(I32.xor);
    steps(32);
  }
  code.get(acc);
  t.setW(d);
}

export const DATA_REGISTER: readonly Encoding[] = [
  encoding(
    "AND, BIC, ORR, ORN, EOR, EON (shifted register)",
    "sf:1 opc:2 01010 shift:2 N:1 Rm:5 imm6:6 Rn:5 Rd:5",
    (t, { sf, opc, shift, N, Rm, imm6, Rn, Rd }) => {
      combine(t, sf, opc, N, Rn, Rm, shift, imm6);
      setReg(t, sf, Rd);
    },
    ({ sf, opc, imm6 }) => opc !== 3 && (sf === 1 || imm6 < 32),
  ),
  encoding(
    "ANDS, BICS (shifted register)",
    "sf:1 11 01010 shift:2 N:1 Rm:5 imm6:6 Rn:5 Rd:5",
    (t, { sf, shift, N, Rm, imm6, Rn, Rd }) => {
      const result = t.temp(TYPE_I64);
      combine(t, sf, 3, N, Rn, Rm, shift, imm6);
      if (sf === 0) t.code.op(I64.extendI32U);
      t.code.set(result);
      t.flagsOfLogic(widthOf(sf), result);
      if (Rd === 31) return;
      t.code.get(result);
      t.setX(Rd);
    },
    ({ sf, imm6 }) => sf === 1 || imm6 < 32,
  ),

  encoding(
    "ADD, SUB (shifted register)",
    "sf:1 op:1 0 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5",
    (t, { sf, op: subtract, shift, Rm, imm6, Rn, Rd }) => {
      getReg(t, sf, Rn);
      getShifted(t, sf, Rm, shift, imm6);
      op(t, sf, subtract === 1 ? "sub" : "add");
      setReg(t, sf, Rd);
    },
    ({ sf, shift, imm6 }) => shift !== 3 && (sf === 1 || imm6 < 32),
  ),
  encoding(
    "ADDS, SUBS (shifted register)",
    "sf:1 op:1 1 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5",
    (t, { sf, op: subtract, shift, Rm, imm6, Rn, Rd }) => {
      const a = localX(t, Rn);
      addWithFlags(t, sf, subtract === 1, a, shiftedLocal(t, sf, Rm, shift, imm6), Rd);
    },
    ({ sf, shift, imm6 }) => shift !== 3 && (sf === 1 || imm6 < 32),
  ),
  encoding(
    "ADD, SUB (extended register)",
    "sf:1 op:1 0 01011 00 1 Rm:5 option:3 imm3:3 Rn:5 Rd:5",
    (t, { sf, op: subtract, Rm, option, imm3, Rn, Rd }) => {
      t.getXSp(Rn);
      getExtended(t, Rm, option, imm3);
      t.code.op(subtract === 1 ? I64.sub : I64.add);
      if (sf === 1) t.setXSp(Rd);
      else {
        t.code.op(I32.wrapI64);
        t.setWSp(Rd);
      }
    },
    ({ imm3 }) => imm3 <= 4,
  ),
  encoding(
    "ADDS, SUBS (extended register)",
    "sf:1 op:1 1 01011 00 1 Rm:5 option:3 imm3:3 Rn:5 Rd:5",
    (t, { sf, op: subtract, Rm, option, imm3, Rn, Rd }) => {
      const a = localXSp(t, Rn);
      const b = t.temp(TYPE_I64);
      getExtended(t, Rm, option, imm3);
      t.code.set(b);
      addWithFlags(t, sf, subtract === 1, a, b, Rd);
    },
    ({ imm3 }) => imm3 <= 4,
  ),

  encoding("ADC, SBC", "sf:1 op:1 0 11010000 Rm:5 000000 Rn:5 Rd:5", (t, { sf, op: subtract, Rm, Rn, Rd }) => {
    getReg(t, sf, Rn);
    getReg(t, sf, Rm);
    if (subtract === 1) {
      constant(t, sf, -1);
      op(t, sf, "xor");
    }
    op(t, sf, "add");
    t.getCarry();
    if (sf === 1) t.code.op(I64.extendI32U);
    op(t, sf, "add");
    setReg(t, sf, Rd);
  }),
  encoding("ADCS, SBCS", "sf:1 op:1 1 11010000 Rm:5 000000 Rn:5 Rd:5", (t, { sf, op: subtract, Rm, Rn, Rd }) => {
    const a = plainLocal(t, sf, Rn, false);
    addWithCarry(t, sf, a, plainLocal(t, sf, Rm, subtract === 1));
    t.setX(Rd);
  }),

  encoding("RMIF", "1 0 1 11010000 imm6:6 00001 Rn:5 0 mask:4", (t, { imm6, Rn, mask }) => {
    t.getX(Rn);
    t.code.i64(imm6).op(I64.rotr).op(I32.wrapI64).i32(28).op(I32.shl).i32((mask << 28) | 0).op(I32.and);
    t.getNzcv();
    t.code.i32((~mask & 15) << 28).op(I32.and).op(I32.or);
    t.setNzcv();
  }),
  encoding("SETF8, SETF16", "0 0 1 11010000 000000 sz:1 0010 Rn:5 0 1101", (t, { sz, Rn }) => {
    const bits = sz === 1 ? 16 : 8;
    const value = t.temp(TYPE_I32);
    t.getW(Rn);
    t.code.i32(32 - bits).op(I32.shl).set(value);
    // N is the top bit of the field, V whether the bit above it differs.
    t.code.get(value).i32(-0x8000_0000).op(I32.and).get(value).op(I32.eqz).i32(30).op(I32.shl).op(I32.or);
    t.getW(Rn);
    t.code.i32(31 - bits).op(I32.shl).get(value).op(I32.xor).i32(31).op(I32.shrU).i32(28).op(I32.shl).op(I32.or);
    t.getNzcv();
    t.code.i32(0x2000_0000).op(I32.and).op(I32.or);
    t.setNzcv();
  }),

  encoding("CCMN, CCMP (register)", "sf:1 op:1 1 11010010 Rm:5 cond:4 0 0 Rn:5 0 nzcv:4", (t, { sf, op: subtract, Rm, cond, Rn, nzcv }) => {
    conditionalCompare(t, sf, subtract, Rn, localX(t, Rm), cond, nzcv);
  }),
  encoding("CCMN, CCMP (immediate)", "sf:1 op:1 1 11010010 imm5:5 cond:4 1 0 Rn:5 0 nzcv:4", (t, { sf, op: subtract, imm5, cond, Rn, nzcv }) => {
    const b = t.temp(TYPE_I64);
    t.code.i64(imm5).set(b);
    conditionalCompare(t, sf, subtract, Rn, b, cond, nzcv);
  }),

  encoding("CSEL, CSINC, CSINV, CSNEG", "sf:1 op:1 0 11010100 Rm:5 cond:4 0 o2:1 Rn:5 Rd:5", (t, { sf, op: invert, Rm, cond, o2, Rn, Rd }) => {
    if (Rn === 31 && Rm === 31 && invert !== o2) {
      // CSET and CSETM.
      t.getCondition(cond);
      t.code.op(I32.eqz);
      if (sf === 1) t.code.op(I64.extendI32U);
      if (invert === 1) {
        const set = t.temp(sf === 1 ? TYPE_I64 : TYPE_I32);
        t.code.set(set);
        constant(t, sf, 0);
        t.code.get(set);
        op(t, sf, "sub");
      }
      setReg(t, sf, Rd);
      return;
    }
    getReg(t, sf, Rn);
    if (invert === 1 && o2 === 1) constant(t, sf, 0);
    getReg(t, sf, Rm);
    if (invert === 1 && o2 === 1) op(t, sf, "sub");
    else if (invert === 1) {
      constant(t, sf, -1);
      op(t, sf, "xor");
    } else if (o2 === 1) {
      constant(t, sf, 1);
      op(t, sf, "add");
    }
    t.getCondition(cond);
    t.code.op(CONTROL.select);
    setReg(t, sf, Rd);
  }),

  encoding("RBIT", `sf:1 1 0 ${SOURCE1} 000000 Rn:5 Rd:5`, (t, { sf, Rn, Rd }) => {
    const value = localX(t, Rn);
    swapGroups(t, value, 1, 0x5555_5555_5555_5555n);
    t.code.set(value);
    swapGroups(t, value, 2, 0x3333_3333_3333_3333n);
    t.code.set(value);
    swapGroups(t, value, 4, 0x0f0f_0f0f_0f0f_0f0fn);
    t.code.set(value);
    reverse64(t, value);
    t.code.get(value);
    if (sf === 0) t.code.i64(32).op(I64.shrU);
    t.setX(Rd);
  }),
  encoding("REV16", `sf:1 1 0 ${SOURCE1} 000001 Rn:5 Rd:5`, (t, { sf, Rn, Rd }) => {
    swapGroups(t, localX(t, Rn), 8, 0x00ff_00ff_00ff_00ffn);
    if (sf === 0) t.code.i64(WORD_MASK).op(I64.and);
    t.setX(Rd);
  }),
  encoding("REV (32-bit)", `0 1 0 ${SOURCE1} 000010 Rn:5 Rd:5`, (t, { Rn, Rd }) => {
    const value = t.temp(TYPE_I32);
    t.getW(Rn);
    t.code.set(value);
    reverse32(t, value);
    t.setW(Rd);
  }),
  encoding("REV32", `1 1 0 ${SOURCE1} 000010 Rn:5 Rd:5`, (t, { Rn, Rd }) => {
    const value = localX(t, Rn);
    swapGroups(t, value, 8, 0x00ff_00ff_00ff_00ffn);
    t.code.set(value);
    swapGroups(t, value, 16, 0x0000_ffff_0000_ffffn);
    t.setX(Rd);
  }),
  encoding("REV (64-bit)", `1 1 0 ${SOURCE1} 000011 Rn:5 Rd:5`, (t, { Rn, Rd }) => {
    const value = localX(t, Rn);
    reverse64(t, value);
    t.code.get(value);
    t.setX(Rd);
  }),
  encoding("CLZ", `sf:1 1 0 ${SOURCE1} 000100 Rn:5 Rd:5`, (t, { sf, Rn, Rd }) => {
    getReg(t, sf, Rn);
    op(t, sf, "clz");
    setReg(t, sf, Rd);
  }),
  encoding("CLS", `sf:1 1 0 ${SOURCE1} 000101 Rn:5 Rd:5`, (t, { sf, Rn, Rd }) => {
    getReg(t, sf, Rn);
    getReg(t, sf, Rn);
    constant(t, sf, 1);
    op(t, sf, "shrS");
    op(t, sf, "xor");
    op(t, sf, "clz");
    constant(t, sf, 1);
    op(t, sf, "sub");
    setReg(t, sf, Rd);
  }),

  encoding("UDIV", `sf:1 ${SOURCE2} 000010 Rn:5 Rd:5`, (t, { sf, Rm, Rn, Rd }) => {
    divide(t, sf, Rm, Rn, Rd, false);
  }),
  encoding("SDIV", `sf:1 ${SOURCE2} 000011 Rn:5 Rd:5`, (t, { sf, Rm, Rn, Rd }) => {
    divide(t, sf, Rm, Rn, Rd, true);
  }),
  encoding("LSLV, LSRV, ASRV, RORV", `sf:1 ${SOURCE2} 0010 op2:2 Rn:5 Rd:5`, (t, { sf, Rm, op2, Rn, Rd }) => {
    // WebAssembly's shifts take the amount modulo the width, as these do.
    getReg(t, sf, Rn);
    getReg(t, sf, Rm);
    op(t, sf, SHIFTS[op2]!);
    setReg(t, sf, Rd);
  }),
  encoding(
    "CRC32, CRC32C",
    `sf:1 ${SOURCE2} 010 C:1 sz:2 Rn:5 Rd:5`,
    (t, { Rm, C, sz, Rn, Rd }) => {
      crc32(t, 1 << sz, POLYNOMIALS[C as 0 | 1], Rn, Rm, Rd);
    },
    ({ sf, sz }) => (sf === 1) === (sz === 3),
  ),

  encoding("MADD, MSUB", "sf:1 00 11011 000 Rm:5 o0:1 Ra:5 Rn:5 Rd:5", (t, { sf, Rm, o0, Ra, Rn, Rd }) => {
    const add = Ra !== 31 || o0 === 1;
    if (add) getReg(t, sf, Ra);
    getReg(t, sf, Rn);
    getReg(t, sf, Rm);
    op(t, sf, "mul");
    if (add) op(t, sf, o0 === 1 ? "sub" : "add");
    setReg(t, sf, Rd);
  }),
  encoding("SMADDL, SMSUBL, UMADDL, UMSUBL", "1 00 11011 U:1 01 Rm:5 o0:1 Ra:5 Rn:5 Rd:5", (t, { U, Rm, o0, Ra, Rn, Rd }) => {
    const { code } = t;
    const add = Ra !== 31 || o0 === 1;
    if (add) t.getX(Ra);
    t.getW(Rn);
    code.op(U === 1 ? I64.extendI32U : I64.extendI32S);
    t.getW(Rm);
    code.op(U === 1 ? I64.extendI32U : I64.extendI32S).op(I64.mul);
    if (add) code.op(o0 === 1 ? I64.sub : I64.add);
    t.setX(Rd);
  }),
  encoding("UMULH", "1 00 11011 1 10 Rm:5 0 Ra:5 Rn:5 Rd:5", (t, { Rm, Rn, Rd }) => {
    const a = localX(t, Rn);
    highProduct(t, a, localX(t, Rm));
    t.setX(Rd);
  }),
  encoding("SMULH", "1 00 11011 0 10 Rm:5 0 Ra:5 Rn:5 Rd:5", (t, { Rm, Rn, Rd }) => {
    const { code } = t;
    const a = localX(t, Rn);
    const b = localX(t, Rm);
    // As unsigned numbers, negative factors are too large by 2^64.
    highProduct(t, a, b);
    code.get(a).i64(63).op(I64.shrS).get(b).op(I64.and).op(I64.sub);
    code.get(b).i64(63).op(I64.shrS).get(a).op(I64.and).op(I64.sub);
    t.setX(Rd);
  }),
];
