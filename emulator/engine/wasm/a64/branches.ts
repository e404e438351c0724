/** Branches and exceptions. Arm: DDI 0487 C4.1.93. */
import { I32, I64 } from "../binary/opcodes.js";
import { encoding, type Encoding } from "../decode/encoding.js";
import type { Translator } from "../translator.js";
import { getReg, op, signed } from "./operands.js";

/** Sets X30 to the address behind the instruction. */
function link(t: Translator): void {
  t.code.i64(t.pc + 4);
  t.setX(30);
}

/** Branches to the address in a register. */
export function toRegister(t: Translator, n: number, withLink: boolean): void {
  t.getX(n);
  if (withLink) link(t);
  t.branchIndirect();
}

export const BRANCHES: readonly Encoding[] = [
  encoding("B", "0 00101 imm26:26", (t, { imm26 }) => {
    t.branch(t.pc + 4 * signed(imm26, 26));
  }),
  encoding("BL", "1 00101 imm26:26", (t, { imm26 }) => {
    link(t);
    t.branch(t.pc + 4 * signed(imm26, 26));
  }),
  encoding("B.cond", "0101010 0 imm19:19 0 cond:4", (t, { imm19, cond }) => {
    const target = t.pc + 4 * signed(imm19, 19);
    if (cond >= 14) {
      t.branch(target);
      return;
    }
    t.getCondition(cond);
    t.branchIf(target);
  }),
  encoding("CBZ", "sf:1 011010 0 imm19:19 Rt:5", (t, { sf, imm19, Rt }) => {
    getReg(t, sf, Rt);
    op(t, sf, "eqz");
    t.branchIf(t.pc + 4 * signed(imm19, 19));
  }),
  encoding("CBNZ", "sf:1 011010 1 imm19:19 Rt:5", (t, { sf, imm19, Rt }) => {
    getReg(t, sf, Rt);
    if (sf === 1) t.code.i64(0).op(I64.ne);
    t.branchIf(t.pc + 4 * signed(imm19, 19));
  }),
  encoding("TBZ, TBNZ", "b5:1 011011 op:1 b40:5 imm14:14 Rt:5", (t, { b5, op: set, b40, imm14, Rt }) => {
    if (b5 === 0) {
      t.getW(Rt);
      t.code.i32((1 << b40) | 0).op(I32.and);
    } else {
      t.getX(Rt);
      t.code.i64(32 + b40).op(I64.shrU).op(I32.wrapI64).i32(1).op(I32.and);
    }
    if (set === 0) t.code.op(I32.eqz);
    t.branchIf(t.pc + 4 * signed(imm14, 14));
  }),

  encoding("BR", "1101011 0000 11111 000000 Rn:5 00000", (t, { Rn }) => {
    toRegister(t, Rn, false);
  }),
  encoding("BLR", "1101011 0001 11111 000000 Rn:5 00000", (t, { Rn }) => {
    toRegister(t, Rn, true);
  }),
  encoding("RET", "1101011 0010 11111 000000 Rn:5 00000", (t, { Rn }) => {
    toRegister(t, Rn, false);
  }),

  encoding("SVC", "11010100 000 imm16:16 000 01", (t) => {
    t.exit("svc");
  }),
  encoding("BRK", "11010100 001 imm16:16 000 00", (t) => {
    t.exit("breakpoint");
  }),
];
