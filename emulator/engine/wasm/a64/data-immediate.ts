/** Data processing with an immediate. Arm: DDI 0487 C4.1.92. */
import { I32, I64, TYPE_I64 } from "../binary/opcodes.js";
import { encoding, type Encoding } from "../decode/encoding.js";

export const DATA_IMMEDIATE: readonly Encoding[] = [
  encoding("ADD/SUB (immediate)", "sf:1 op:1 S:1 100010 sh:1 imm12:12 Rn:5 Rd:5", (t, { sf, op, S, sh, imm12, Rn, Rd }) => {
    const value = sh === 1 ? imm12 * 4096 : imm12;
    if (S === 1) {
      const a = t.temp(TYPE_I64);
      const b = t.temp(TYPE_I64);
      t.getXSp(Rn);
      t.code.set(a).i64(value).set(b).get(a).get(b).op(op === 1 ? I64.sub : I64.add);
      if (op === 1) t.flagsOfSub(sf === 1 ? 64 : 32, a, b);
      else t.flagsOfAdd(sf === 1 ? 64 : 32, a, b);
      if (sf === 0) t.code.i64(0xffff_ffff).op(I64.and);
      t.setX(Rd);
    } else if (sf === 1) {
      t.getXSp(Rn);
      t.code.i64(value).op(op === 1 ? I64.sub : I64.add);
      t.setXSp(Rd);
    } else {
      t.getWSp(Rn);
      t.code.i32(value).op(op === 1 ? I32.sub : I32.add);
      t.setWSp(Rd);
    }
  }),
];
