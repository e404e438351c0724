/** Scalar floating point: compare, conditional compare, conditional select, immediate. Arm: DDI 0487 C4.1.96. */
import type { Local } from "../binary/code.js";
import { CONTROL, I32, TYPE_EMPTY, TYPE_I32 } from "../binary/opcodes.js";
import { encoding, type Encoding } from "../decode/encoding.js";
import { compare } from "../soft/float.js";
import { conditionHolds, lane, readNzcv, setLanes, withFloat, writeNzcv } from "../soft/registers.js";
import type { InterpretedOperands, Translator } from "../translator.js";
import { formatOf, isFormat, isUnflushed, localFloat, nativeOf, number, type Native } from "./fp-operands.js";

const LESS = 0x8000_0000;
const EQUAL = 0x6000_0000;
const GREATER = 0x2000_0000;
const UNORDERED = 0x3000_0000;

/** FPCompare on the register words: NZCV. `m` undefined: zero. */
function softCompare(words: BigUint64Array, ftype: number, n: number, m: number | undefined, signalAll: boolean): number {
  const format = formatOf(ftype);
  const { width } = format;
  const order = withFloat(words, (env) => compare(env, format, lane(words, n, 0, width), m === undefined ? 0n : lane(words, m, 0, width), signalAll));
  return order === undefined ? UNORDERED : order < 0 ? LESS : order > 0 ? GREATER : EQUAL;
}

/** Compares two locals: NZCV in the local `flags`. What is unordered, or denormal while FPCR.FZ is set, is interpreted. */
function emitCompare(t: Translator, native: Native, a: Local, b: Local, flags: Local, operands: InterpretedOperands, good: number): void {
  const { code } = t;
  code.get(a).get(b).op(native.op.lt).i32(31).op(I32.shl);
  code.get(a).get(b).op(native.op.eq).i32(30).op(I32.shl).op(I32.or);
  code.get(a).get(b).op(native.op.ge).i32(29).op(I32.shl).op(I32.or).tee(flags);
  code.i32(0).op(I32.ne);
  isUnflushed(t);
  code.op(I32.and).brIf(good);
  t.interpret(operands);
  t.getNzcv();
  code.set(flags);
}

function localZero(t: Translator, native: Native): Local {
  const local = t.temp(native.type);
  number(t, native, 0);
  t.code.set(local);
  return local;
}

const COMPARES: readonly Encoding[] = [false, true].map((withZero) =>
  encoding(
    withZero ? "FCMP, FCMPE (zero)" : "FCMP, FCMPE",
    `000 11110 ftype:2 1 Rm:5 00 1000 Rn:5 op:1 ${withZero ? "1" : "0"} 000`,
    (t, { ftype, Rm, Rn }) => {
      const operands: InterpretedOperands = { vReads: withZero ? [Rn] : [Rn, Rm], nzcv: true };
      if (ftype === 3) {
        t.interpret(operands);
        return;
      }
      const native = nativeOf(ftype);
      const a = localFloat(t, native, Rn);
      const b = withZero ? localZero(t, native) : localFloat(t, native, Rm);
      const flags = t.temp(TYPE_I32);
      const good = t.code.block(TYPE_EMPTY);
      emitCompare(t, native, a, b, flags, operands, good);
      t.code.end().get(flags);
      t.setNzcv();
    },
    isFormat,
    (words, { ftype, Rm, Rn, op }) => {
      writeNzcv(words, softCompare(words, ftype, Rn, withZero ? undefined : Rm, op === 1));
    },
  ),
);

const CONDITIONAL_COMPARE = encoding(
  "FCCMP, FCCMPE",
  "000 11110 ftype:2 1 Rm:5 cond:4 01 Rn:5 op:1 nzcv:4",
  (t, { ftype, Rm, cond, Rn, nzcv }) => {
    const { code } = t;
    const operands: InterpretedOperands = { vReads: [Rn, Rm], nzcv: true };
    if (ftype === 3) {
      t.interpret(operands);
      return;
    }
    const native = nativeOf(ftype);
    const a = localFloat(t, native, Rn);
    const b = localFloat(t, native, Rm);
    const flags = t.temp(TYPE_I32);
    const holds = t.temp(TYPE_I32);
    t.getCondition(cond);
    code.set(holds).i32(nzcv << 28).set(flags);
    const good = code.block(TYPE_EMPTY);
    code.get(holds).op(I32.eqz).brIf(good);
    emitCompare(t, native, a, b, flags, operands, good);
    code.end().get(flags);
    t.setNzcv();
  },
  isFormat,
  (words, { ftype, Rm, cond, Rn, op, nzcv }) => {
    writeNzcv(words, conditionHolds(readNzcv(words), cond) ? softCompare(words, ftype, Rn, Rm, op === 1) : nzcv << 28);
  },
);

const SELECT = encoding(
  "FCSEL",
  "000 11110 ftype:2 1 Rm:5 cond:4 11 Rn:5 Rd:5",
  (t, { ftype, Rm, cond, Rn, Rd }) => {
    if (ftype === 1) {
      t.getD(Rn);
      t.getD(Rm);
    } else if (ftype === 0) {
      t.getS(Rn);
      t.getS(Rm);
    } else {
      t.getSBits(Rn);
      t.getSBits(Rm);
    }
    t.getCondition(cond);
    t.code.op(CONTROL.select);
    if (ftype === 1) t.setD(Rd);
    else if (ftype === 0) t.setS(Rd);
    else {
      t.code.i32(0xffff).op(I32.and);
      t.setSBits(Rd);
    }
  },
  isFormat,
);

/** VFPExpandImm. */
export function expandImmediate(width: 16 | 32 | 64, imm8: number): bigint {
  const exponentBits = { 16: 5, 32: 8, 64: 11 }[width];
  const high = (imm8 >> 6) & 1;
  const exponent = ((1 - high) << (exponentBits - 1)) | ((high === 1 ? 2 ** (exponentBits - 3) - 1 : 0) << 2) | ((imm8 >> 4) & 3);
  const top = ((imm8 >> 7) << (exponentBits + 4)) | (exponent << 4) | (imm8 & 15);
  return BigInt(top) << BigInt(width - exponentBits - 5);
}

const IMMEDIATE = encoding(
  "FMOV (scalar, immediate)",
  "000 11110 ftype:2 1 imm8:8 100 00000 Rd:5",
  (t, { ftype, imm8, Rd }) => {
    t.code.v128(expandImmediate(formatOf(ftype).width, imm8), 0n);
    t.setV(Rd);
  },
  isFormat,
  (words, { ftype, imm8, Rd }) => {
    const { width } = formatOf(ftype);
    setLanes(words, Rd, width, [expandImmediate(width, imm8)]);
  },
);

export const FP_COMPARE: readonly Encoding[] = [...COMPARES, CONDITIONAL_COMPARE, SELECT, IMMEDIATE];
