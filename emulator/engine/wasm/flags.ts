/**
 * NZCV as the operands of the instruction that set it: a kind and two i64 values. Conditions are compared from the operands, and the four
 * bits are made only where something reads them as bits.
 *
 * Arm: DDI 0487 C1.2.4, shared functions AddWithCarry and ConditionHolds.
 */
import type { InstructionCode, Local } from "./binary/code.js";
import { I32, I64 } from "./binary/opcodes.js";
import type { Condition } from "./translator.js";

/** The first operand is NZCV itself, in bits 31:28. */
export const FLAGS_PACKED = 0;
export const FLAGS_ADD_32 = 1;
export const FLAGS_ADD_64 = 2;
export const FLAGS_SUB_32 = 3;
export const FLAGS_SUB_64 = 4;
/** The first operand is the result. */
export const FLAGS_LOGIC_32 = 5;
export const FLAGS_LOGIC_64 = 6;

/** All but FLAGS_PACKED. */
export const FLAG_KINDS = [FLAGS_ADD_32, FLAGS_ADD_64, FLAGS_SUB_32, FLAGS_SUB_64, FLAGS_LOGIC_32, FLAGS_LOGIC_64] as const;

const N_BIT = 31;
const Z_BIT = 30;
const C_BIT = 29;
const V_BIT = 28;

/** Integer instructions of one width, on operands that are i64 locals. */
class Narrow {
  private readonly code: InstructionCode;
  private readonly wide: boolean;
  private readonly kind: number;
  private readonly a: Local;
  private readonly b: Local;

  constructor(code: InstructionCode, kind: number, a: Local, b: Local) {
    this.code = code;
    this.wide = kind === FLAGS_ADD_64 || kind === FLAGS_SUB_64 || kind === FLAGS_LOGIC_64;
    this.kind = kind;
    this.a = a;
    this.b = b;
  }

  operand(local: Local): void {
    this.code.get(local);
    if (!this.wide) this.code.op(I32.wrapI64);
  }

  op(name: "add" | "sub" | "and" | "xor" | "eq" | "ltS" | "ltU" | "geU" | "gtU" | "leU" | "leS" | "gtS" | "geS" | "eqz" | "ne"): void {
    if (name === "eqz") this.code.op(this.wide ? I64.eqz : I32.eqz);
    else this.code.op(this.wide ? I64[name] : I32[name]);
  }

  zero(): void {
    if (this.wide) this.code.i64(0);
    else this.code.i32(0);
  }

  get subtracts(): boolean {
    return this.kind === FLAGS_SUB_32 || this.kind === FLAGS_SUB_64;
  }

  get logic(): boolean {
    return this.kind === FLAGS_LOGIC_32 || this.kind === FLAGS_LOGIC_64;
  }

  result(): void {
    this.operand(this.a);
    if (this.logic) return;
    this.operand(this.b);
    this.op(this.subtracts ? "sub" : "add");
  }

  compare(name: "eq" | "ne" | "ltS" | "ltU" | "geU" | "gtU" | "leU" | "leS" | "gtS" | "geS"): void {
    this.operand(this.a);
    this.operand(this.b);
    this.op(name);
  }

  negative(): void {
    this.result();
    this.zero();
    this.op("ltS");
  }

  isZero(): void {
    if (this.subtracts) this.compare("eq");
    else {
      this.result();
      this.op("eqz");
    }
  }

  carry(): void {
    if (this.logic) this.code.i32(0);
    else if (this.subtracts) this.compare("geU");
    else {
      this.result();
      this.operand(this.a);
      this.op("ltU");
    }
  }

  overflow(): void {
    if (this.logic) {
      this.code.i32(0);
      return;
    }
    this.operand(this.a);
    this.result();
    this.op("xor");
    this.operand(this.b);
    if (this.subtracts) this.operand(this.a);
    else this.result();
    this.op("xor");
    this.op("and");
    this.zero();
    this.op("ltS");
  }
}

/** Pushes NZCV in bits 31:28 of an i32. */
export function emitNzcvOfKind(code: InstructionCode, kind: number, a: Local, b: Local): void {
  if (kind === FLAGS_PACKED) {
    code.get(a).op(I32.wrapI64);
    return;
  }
  const narrow = new Narrow(code, kind, a, b);
  narrow.negative();
  code.i32(N_BIT).op(I32.shl);
  narrow.isZero();
  code.i32(Z_BIT).op(I32.shl).op(I32.or);
  if (narrow.logic) return;
  narrow.carry();
  code.i32(C_BIT).op(I32.shl).op(I32.or);
  narrow.overflow();
  code.i32(V_BIT).op(I32.shl).op(I32.or);
}

function packedBit(code: InstructionCode, a: Local, bit: number): void {
  code.get(a).op(I32.wrapI64).i32(bit).op(I32.shrU).i32(1).op(I32.and);
}

/** Pushes whether an even condition holds, from the bits. */
function packedCondition(code: InstructionCode, pair: number, a: Local): void {
  switch (pair) {
    case 0:
      packedBit(code, a, Z_BIT);
      break;
    case 1:
      packedBit(code, a, C_BIT);
      break;
    case 2:
      packedBit(code, a, N_BIT);
      break;
    case 3:
      packedBit(code, a, V_BIT);
      break;
    case 4:
      packedBit(code, a, C_BIT);
      packedBit(code, a, Z_BIT);
      code.op(I32.gtU);
      break;
    default:
      packedBit(code, a, N_BIT);
      packedBit(code, a, V_BIT);
      if (pair === 5) code.op(I32.eq);
      else {
        code.op(I32.ne);
        packedBit(code, a, Z_BIT);
        code.op(I32.or).op(I32.eqz);
      }
  }
}

/** Pushes whether an even condition holds, from the operands of an addition. */
function additionCondition(code: InstructionCode, narrow: Narrow, pair: number): void {
  switch (pair) {
    case 4:
      narrow.carry();
      narrow.isZero();
      code.op(I32.gtU);
      break;
    default:
      narrow.negative();
      narrow.overflow();
      if (pair === 5) code.op(I32.eq);
      else {
        code.op(I32.ne);
        narrow.isZero();
        code.op(I32.or).op(I32.eqz);
      }
  }
}

/** Pushes i32 0 or 1: whether the condition holds for flags of this kind. */
export function emitCondition(code: InstructionCode, condition: Condition, kind: number, a: Local, b: Local): void {
  const pair = condition >> 1;
  if (pair === 7) {
    code.i32(1);
    return;
  }
  const narrow = new Narrow(code, kind, a, b);
  if (kind === FLAGS_PACKED) packedCondition(code, pair, a);
  else if (pair === 0) narrow.isZero();
  else if (pair === 1) narrow.carry();
  else if (pair === 2) narrow.negative();
  else if (pair === 3) narrow.overflow();
  else if (narrow.subtracts) narrow.compare(pair === 4 ? "gtU" : pair === 5 ? "geS" : "gtS");
  else if (narrow.logic) {
    if (pair === 4) code.i32(0);
    else {
      narrow.result();
      narrow.zero();
      narrow.op(pair === 5 ? "geS" : "gtS");
    }
  } else additionCondition(code, narrow, pair);
  if ((condition & 1) !== 0) code.op(I32.eqz);
}
