/** Advanced SIMD copy: DUP, INS, UMOV, SMOV. Arm: DDI 0487 C4.1.95. */
import { I64 } from "../binary/opcodes.js";
import { encoding, type Encoding } from "../decode/encoding.js";
import { EXTRACT_S, EXTRACT_U, REPLACE, SPLAT, setResult } from "./simd-lanes.js";

/** The lowest bit set of imm5 is log2 of the bytes of an element; 4: unallocated. */
function sizeOf(imm5: number): number {
  for (let size = 0; size < 4; size++) if (((imm5 >> size) & 1) === 1) return size;
  return 4;
}

function laneOf(imm5: number): number {
  return imm5 >> (sizeOf(imm5) + 1);
}

const vectorForm = ({ Q, imm5 }: { readonly Q: number; readonly imm5: number }): boolean => sizeOf(imm5) < 4 && !(sizeOf(imm5) === 3 && Q === 0);

export const SIMD_COPY: readonly Encoding[] = [
  encoding("DUP (element)", "0 Q:1 0 01110000 imm5:5 0 0000 1 Rn:5 Rd:5", (t, { Q, imm5, Rn, Rd }) => {
    const size = sizeOf(imm5);
    const bytes = 1 << size;
    t.getV(Rn);
    if (size === 3) t.code.lane(EXTRACT_U[3], laneOf(imm5)).op(SPLAT[3]);
    else {
      t.getV(Rn);
      t.code.shuffle(Array.from({ length: 16 }, (_, byte) => laneOf(imm5) * bytes + (byte % bytes)));
    }
    setResult(t, Rd, 64 << Q);
  }, vectorForm),
  encoding("DUP (general)", "0 Q:1 0 01110000 imm5:5 0 0001 1 Rn:5 Rd:5", (t, { Q, imm5, Rn, Rd }) => {
    const size = sizeOf(imm5);
    if (size === 3) t.getX(Rn);
    else t.getW(Rn);
    t.code.op(SPLAT[size]!);
    setResult(t, Rd, 64 << Q);
  }, vectorForm),
  encoding("INS (general)", "0 1 0 01110000 imm5:5 0 0011 1 Rn:5 Rd:5", (t, { imm5, Rn, Rd }) => {
    const size = sizeOf(imm5);
    t.getV(Rd);
    if (size === 3) t.getX(Rn);
    else t.getW(Rn);
    t.code.lane(REPLACE[size]!, laneOf(imm5));
    t.setV(Rd);
  }, ({ imm5 }) => sizeOf(imm5) < 4),
  encoding("SMOV", "0 Q:1 0 01110000 imm5:5 0 0101 1 Rn:5 Rd:5", (t, { Q, imm5, Rn, Rd }) => {
    const size = sizeOf(imm5);
    t.getV(Rn);
    t.code.lane(EXTRACT_S[size]!, laneOf(imm5));
    if (Q === 0) t.setW(Rd);
    else {
      t.code.op(I64.extendI32S);
      t.setX(Rd);
    }
  }, ({ Q, imm5 }) => sizeOf(imm5) <= 1 || (sizeOf(imm5) === 2 && Q === 1)),
  encoding("UMOV", "0 Q:1 0 01110000 imm5:5 0 0111 1 Rn:5 Rd:5", (t, { imm5, Rn, Rd }) => {
    const size = sizeOf(imm5);
    t.getV(Rn);
    t.code.lane(EXTRACT_U[size]!, laneOf(imm5));
    if (size === 3) t.setX(Rd);
    else t.setW(Rd);
  }, ({ Q, imm5 }) => (Q === 0 ? sizeOf(imm5) < 3 : sizeOf(imm5) === 3)),
  encoding("INS (element)", "0 1 1 01110000 imm5:5 0 imm4:4 1 Rn:5 Rd:5", (t, { imm5, imm4, Rn, Rd }) => {
    const size = sizeOf(imm5);
    t.getV(Rd);
    t.getV(Rn);
    t.code.lane(EXTRACT_U[size]!, imm4 >> size).lane(REPLACE[size]!, laneOf(imm5));
    t.setV(Rd);
  }, ({ imm5 }) => sizeOf(imm5) < 4),
  encoding("DUP (element, scalar)", "01 0 11110000 imm5:5 0 0000 1 Rn:5 Rd:5", (t, { imm5, Rn, Rd }) => {
    const size = sizeOf(imm5);
    t.getV(Rn);
    t.code.lane(EXTRACT_U[size]!, laneOf(imm5));
    if (size === 3) t.setDBits(Rd);
    else t.setSBits(Rd);
  }, ({ imm5 }) => sizeOf(imm5) < 4),
];
