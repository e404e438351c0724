/** Advanced SIMD three registers, extension: SQRDMLAH, SQRDMLSH, SDOT, UDOT. Arm: DDI 0487 C4.1.95. */
import { encoding, type Encoding } from "../decode/encoding.js";
import * as lanes from "./simd-lanes.js";
import { dotProduct, roundingDoublingAccumulate } from "./simd-multiply.js";

function roundingDoubling(name: string, opcode: string, subtract: boolean): Encoding[] {
  return [
    encoding(name, `0 Q:1 1 01110 size:2 0 Rm:5 1 ${opcode} 1 Rn:5 Rd:5` as "0 Q:1 1 01110 size:2 0 Rm:5 1 0000 1 Rn:5 Rd:5", (t, { Q, size, Rm, Rn, Rd }) => {
      const width = 64 << Q;
      roundingDoublingAccumulate(t, size, lanes.operand(t, Rn, width), lanes.operand(t, Rm, width), lanes.operand(t, Rd, width), subtract);
      lanes.setResult(t, Rd, width);
    }, ({ size }) => size === 1 || size === 2),
    encoding(`${name} (scalar)`, `01 1 11110 size:2 0 Rm:5 1 ${opcode} 1 Rn:5 Rd:5` as "01 1 11110 size:2 0 Rm:5 1 0000 1 Rn:5 Rd:5", (t, { size, Rm, Rn, Rd }) => {
      const width = lanes.bitsOf(size);
      roundingDoublingAccumulate(t, size, lanes.operand(t, Rn, width), lanes.operand(t, Rm, width), lanes.operand(t, Rd, width), subtract);
      lanes.setResult(t, Rd, width);
    }, ({ size }) => size === 1 || size === 2),
  ];
}

function dot(name: string, U: 0 | 1): Encoding {
  return encoding(name, `0 Q:1 ${U} 01110 10 0 Rm:5 1 0010 1 Rn:5 Rd:5` as "0 Q:1 0 01110 10 0 Rm:5 1 0010 1 Rn:5 Rd:5", (t, { Q, Rm, Rn, Rd }) => {
    dotProduct(t, lanes.vector(t, Rn), lanes.vector(t, Rm), lanes.vector(t, Rd), U === 0);
    lanes.setResult(t, Rd, 64 << Q);
  });
}

export const SIMD_THREE_EXTRA: readonly Encoding[] = [
  ...roundingDoubling("SQRDMLAH (vector)", "0000", false),
  ...roundingDoubling("SQRDMLSH (vector)", "0001", true),
  dot("SDOT (vector)", 0),
  dot("UDOT (vector)", 1),
];
