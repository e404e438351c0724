/** Data processing with an immediate. Arm: DDI 0487 C4.1.92. */
import { I32, I64, TYPE_I64 } from "../binary/opcodes.js";
import { encoding, type Encoding } from "../decode/encoding.js";
import type { Translator } from "../translator.js";
import { addWithFlags, bitMask, constant, getReg, localXSp, op, setReg, signed, WORD_MASK } from "./operands.js";

const LOGIC = ["and", "or", "xor", "and"] as const;

/** All ones below bit `length`. */
function ones(length: number): bigint {
  return (1n << BigInt(length)) - 1n;
}

/** Adds or subtracts a constant, without flags. */
function addImmediate(t: Translator, sf: number, subtract: boolean, value: number, n: number, d: number): void {
  if (sf === 1) {
    t.getXSp(n);
    if (value !== 0) t.code.i64(value).op(subtract ? I64.sub : I64.add);
    t.setXSp(d);
  } else {
    t.getWSp(n);
    if (value !== 0) t.code.i32(value).op(subtract ? I32.sub : I32.add);
    t.setWSp(d);
  }
}

/** Sets d to the bits s:r of n, moved to the bottom and extended; s >= r. */
function extractField(t: Translator, sf: number, isSigned: boolean, r: number, s: number, n: number, d: number): void {
  const { code } = t;
  const width = sf === 1 ? 64 : 32;
  const length = s - r + 1;
  getReg(t, sf, n);
  if (s === width - 1) {
    if (r !== 0) {
      constant(t, sf, r);
      op(t, sf, isSigned ? "shrS" : "shrU");
    }
  } else if (!isSigned) {
    if (r !== 0) {
      constant(t, sf, r);
      op(t, sf, "shrU");
    }
    constant(t, sf, ones(length));
    op(t, sf, "and");
  } else if (r === 0 && (length === 8 || length === 16 || length === 32)) {
    if (length === 32) code.op(I64.extend32S);
    else op(t, sf, length === 8 ? "extend8S" : "extend16S");
  } else {
    constant(t, sf, width - 1 - s);
    op(t, sf, "shl");
    constant(t, sf, width - length);
    op(t, sf, "shrS");
  }
  setReg(t, sf, d);
}

/** Sets d to the bits s:0 of n, moved up to bit `width - r` and extended above and below; s < r. */
function placeField(t: Translator, sf: number, isSigned: boolean, r: number, s: number, n: number, d: number): void {
  const width = sf === 1 ? 64 : 32;
  const position = width - r;
  getReg(t, sf, n);
  if (s + 1 === r) {
    // LSL: the field reaches the top.
  } else if (isSigned) {
    constant(t, sf, width - 1 - s);
    op(t, sf, "shl");
    constant(t, sf, width - 1 - s - position);
    op(t, sf, "shrS");
    setReg(t, sf, d);
    return;
  } else {
    constant(t, sf, ones(s + 1));
    op(t, sf, "and");
  }
  constant(t, sf, position);
  op(t, sf, "shl");
  setReg(t, sf, d);
}

/** BFM: d keeps its other bits. */
function insertField(t: Translator, sf: number, r: number, s: number, n: number, d: number): void {
  const width = sf === 1 ? 64 : 32;
  const [length, position] = s >= r ? [s - r + 1, 0] : [s + 1, width - r];
  const field = ones(length) << BigInt(position);
  getReg(t, sf, n);
  if (length !== width) {
    const turn = s >= r ? r : width - position;
    if (turn !== 0) {
      constant(t, sf, turn);
      op(t, sf, "rotr");
    }
    constant(t, sf, field);
    op(t, sf, "and");
    getReg(t, sf, d);
    constant(t, sf, ~field);
    op(t, sf, "and");
    op(t, sf, "or");
  }
  setReg(t, sf, d);
}

function legalField({ sf, N, immr, imms }: { readonly sf: number; readonly N: number; readonly immr: number; readonly imms: number }): boolean {
  return sf === N && (sf === 1 || (immr < 32 && imms < 32));
}

const BITFIELD = "N:1 immr:6 imms:6 Rn:5 Rd:5";

export const DATA_IMMEDIATE: readonly Encoding[] = [
  encoding("ADR", "0 immlo:2 10000 immhi:19 Rd:5", (t, { immlo, immhi, Rd }) => {
    t.code.i64(t.pc + signed(immhi, 19) * 4 + immlo);
    t.setX(Rd);
  }),
  encoding("ADRP", "1 immlo:2 10000 immhi:19 Rd:5", (t, { immlo, immhi, Rd }) => {
    t.code.i64(t.pc - (t.pc % 4096) + (signed(immhi, 19) * 4 + immlo) * 4096);
    t.setX(Rd);
  }),

  encoding("ADD, SUB (immediate)", "sf:1 op:1 0 100010 sh:1 imm12:12 Rn:5 Rd:5", (t, { sf, op: subtract, sh, imm12, Rn, Rd }) => {
    addImmediate(t, sf, subtract === 1, sh === 1 ? imm12 * 4096 : imm12, Rn, Rd);
  }),
  encoding("ADDS, SUBS (immediate)", "sf:1 op:1 1 100010 sh:1 imm12:12 Rn:5 Rd:5", (t, { sf, op: subtract, sh, imm12, Rn, Rd }) => {
    const a = localXSp(t, Rn);
    const b = t.temp(TYPE_I64);
    t.code.i64(sh === 1 ? imm12 * 4096 : imm12).set(b);
    addWithFlags(t, sf, subtract === 1, a, b, Rd);
  }),

  encoding(
    "AND, ORR, EOR (immediate)",
    "sf:1 opc:2 100100 N:1 immr:6 imms:6 Rn:5 Rd:5",
    (t, { sf, opc, N, immr, imms, Rn, Rd }) => {
      const mask = bitMask(sf, N, imms, immr)!;
      if (opc === 1 && Rn === 31) constant(t, sf, mask);
      else {
        getReg(t, sf, Rn);
        constant(t, sf, mask);
        op(t, sf, LOGIC[opc]!);
      }
      if (sf === 1) t.setXSp(Rd);
      else t.setWSp(Rd);
    },
    ({ sf, opc, N, immr, imms }) => opc !== 3 && bitMask(sf, N, imms, immr) !== undefined,
  ),
  encoding(
    "ANDS (immediate)",
    "sf:1 11 100100 N:1 immr:6 imms:6 Rn:5 Rd:5",
    (t, { sf, N, immr, imms, Rn, Rd }) => {
      const result = t.temp(TYPE_I64);
      t.getX(Rn);
      constant(t, 1, bitMask(sf, N, imms, immr)!);
      t.code.op(I64.and).set(result);
      t.flagsOfLogic(sf === 1 ? 64 : 32, result);
      if (Rd === 31) return;
      t.code.get(result);
      t.setX(Rd);
    },
    ({ sf, N, immr, imms }) => bitMask(sf, N, imms, immr) !== undefined,
  ),

  encoding(
    "MOVN",
    "sf:1 00 100101 hw:2 imm16:16 Rd:5",
    (t, { sf, hw, imm16, Rd }) => {
      const value = ~(BigInt(imm16) << BigInt(16 * hw));
      t.code.i64(sf === 1 ? value : value & WORD_MASK);
      t.setX(Rd);
    },
    ({ sf, hw }) => sf === 1 || hw < 2,
  ),
  encoding(
    "MOVZ",
    "sf:1 10 100101 hw:2 imm16:16 Rd:5",
    (t, { hw, imm16, Rd }) => {
      t.code.i64(BigInt.asIntN(64, BigInt(imm16) << BigInt(16 * hw)));
      t.setX(Rd);
    },
    ({ sf, hw }) => sf === 1 || hw < 2,
  ),
  encoding(
    "MOVK",
    "sf:1 11 100101 hw:2 imm16:16 Rd:5",
    (t, { sf, hw, imm16, Rd }) => {
      const shift = BigInt(16 * hw);
      getReg(t, sf, Rd);
      constant(t, sf, ~(0xffffn << shift));
      op(t, sf, "and");
      if (imm16 !== 0) {
        constant(t, sf, BigInt(imm16) << shift);
        op(t, sf, "or");
      }
      setReg(t, sf, Rd);
    },
    ({ sf, hw }) => sf === 1 || hw < 2,
  ),

  encoding(
    "SBFM",
    `sf:1 00 100110 ${BITFIELD}`,
    (t, { sf, immr, imms, Rn, Rd }) => {
      if (imms >= immr) extractField(t, sf, true, immr, imms, Rn, Rd);
      else placeField(t, sf, true, immr, imms, Rn, Rd);
    },
    legalField,
  ),
  encoding(
    "BFM",
    `sf:1 01 100110 ${BITFIELD}`,
    (t, { sf, immr, imms, Rn, Rd }) => {
      insertField(t, sf, immr, imms, Rn, Rd);
    },
    legalField,
  ),
  encoding(
    "UBFM",
    `sf:1 10 100110 ${BITFIELD}`,
    (t, { sf, immr, imms, Rn, Rd }) => {
      if (imms >= immr) extractField(t, sf, false, immr, imms, Rn, Rd);
      else placeField(t, sf, false, immr, imms, Rn, Rd);
    },
    legalField,
  ),

  encoding(
    "EXTR",
    "sf:1 00 100111 N:1 0 Rm:5 imms:6 Rn:5 Rd:5",
    (t, { sf, Rm, imms, Rn, Rd }) => {
      const width = sf === 1 ? 64 : 32;
      if (Rn === Rm) {
        getReg(t, sf, Rm);
        if (imms !== 0) {
          constant(t, sf, imms);
          op(t, sf, "rotr");
        }
      } else if (imms === 0) getReg(t, sf, Rm);
      else {
        getReg(t, sf, Rm);
        constant(t, sf, imms);
        op(t, sf, "shrU");
        getReg(t, sf, Rn);
        constant(t, sf, width - imms);
        op(t, sf, "shl");
        op(t, sf, "or");
      }
      setReg(t, sf, Rd);
    },
    ({ sf, N, imms }) => sf === N && (sf === 1 || imms < 32),
  ),
];
