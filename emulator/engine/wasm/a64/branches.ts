/** Branches, exceptions and system instructions. Arm: DDI 0487 C4.1.93. */
import { encoding, type Encoding } from "../decode/encoding.js";

/** `bits` as a signed number of `width` bits. */
function signed(bits: number, width: number): number {
  return bits >= 2 ** (width - 1) ? bits - 2 ** width : bits;
}

export const BRANCHES: readonly Encoding[] = [
  encoding("B.cond", "0101010 0 imm19:19 0 cond:4", (t, { imm19, cond }) => {
    t.getCondition(cond);
    t.branchIf(t.pc + 4 * signed(imm19, 19));
  }),
  encoding("SVC", "11010100 000 imm16:16 000 01", (t) => {
    t.exit("svc");
  }),
];
