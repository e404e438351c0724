/** Advanced SIMD three registers of the same type, integer, vector and scalar. Arm: DDI 0487 C4.1.95. */
import type { Local } from "../binary/code.js";
import { I16X8, I8X16, V128 } from "../binary/opcodes.js";
import { encoding, type Encoding } from "../decode/encoding.js";
import type { Translator } from "../translator.js";
import * as lanes from "./simd-lanes.js";
import { doublingMultiplyHigh } from "./simd-multiply.js";
import { shiftByRegister } from "./simd-shift-register.js";

/** Pushes the result from the operands in locals; `d` is the old destination. */
type Emit = (t: Translator, size: number, n: Local, m: Local, d: Local) => void;

interface Options {
  /** Sizes of the vector form; 0 to 3 if left out. */
  readonly sizes?: readonly number[];
  /** Sizes of the scalar form; none if left out. */
  readonly scalar?: readonly number[];
  readonly accumulates?: boolean;
  /** Operands are cleared beforehand, so that what lies above them does not saturate. */
  readonly saturates?: boolean;
}

const ALL = [0, 1, 2, 3];
const NARROW = [0, 1, 2];

function rows(name: string, U: 0 | 1, opcode: string, emit: Emit, options: Options = {}): Encoding[] {
  const { sizes = ALL, scalar = [], accumulates = false, saturates = false } = options;
  const carryOut = (t: Translator, size: number, Rm: number, Rn: number, Rd: number, width: number): void => {
    const n = saturates ? lanes.operand(t, Rn, width) : lanes.vector(t, Rn);
    const m = saturates ? lanes.operand(t, Rm, width) : lanes.vector(t, Rm);
    emit(t, size, n, m, accumulates ? lanes.vector(t, Rd) : n);
    lanes.setResult(t, Rd, width);
  };
  const vector = encoding(name, `0 Q:1 ${U} 01110 size:2 1 Rm:5 ${opcode} 1 Rn:5 Rd:5` as "0 Q:1 0 01110 size:2 1 Rm:5 00000 1 Rn:5 Rd:5", (t, { Q, size, Rm, Rn, Rd }) => {
    carryOut(t, size, Rm, Rn, Rd, 64 << Q);
  }, ({ Q, size }) => sizes.includes(size) && !(size === 3 && Q === 0));
  if (scalar.length === 0) return [vector];
  return [
    vector,
    encoding(`${name} (scalar)`, `01 ${U} 11110 size:2 1 Rm:5 ${opcode} 1 Rn:5 Rd:5` as "01 0 11110 size:2 1 Rm:5 00000 1 Rn:5 Rd:5", (t, { size, Rm, Rn, Rd }) => {
      carryOut(t, size, Rm, Rn, Rd, 8 << size);
    }, ({ size }) => scalar.includes(size)),
  ];
}

function binary(opcodes: readonly number[]): Emit {
  return (t, size, n, m) => t.code.get(n).get(m).op(opcodes[size]!);
}

/** (n + m) / 2 and (n - m) / 2 without the carry: the bits they share, and half of those they do not. */
function halvingAdd(signed: boolean): Emit {
  return (t, size, n, m) => {
    t.code.get(n).get(m).op(V128.xor);
    lanes.shiftRight(t, size, 1, signed);
    t.code.get(n).get(m).op(V128.and).op(lanes.ADD[size]!);
  };
}
function halvingSubtract(signed: boolean): Emit {
  return (t, size, n, m) => {
    t.code.get(n);
    lanes.shiftRight(t, size, 1, signed);
    t.code.get(m);
    lanes.shiftRight(t, size, 1, signed);
    t.code.op(lanes.SUB[size]!).get(m).get(n).op(V128.andnot);
    lanes.constant(t, size, 1);
    t.code.op(V128.and).op(lanes.SUB[size]!);
  };
}
function roundingHalvingAdd(signed: boolean): Emit {
  return (t, size, n, m) => {
    if (!signed && size < 2) {
      t.code.get(n).get(m).op(size === 0 ? I8X16.avgrU : I16X8.avgrU);
      return;
    }
    t.code.get(n).get(m).op(V128.or).get(n).get(m).op(V128.xor);
    lanes.shiftRight(t, size, 1, signed);
    t.code.op(lanes.SUB[size]!);
  };
}

function absoluteDifference(signed: boolean, accumulate: boolean): Emit {
  return (t, size, n, m, d) => {
    t.code.get(n).get(m).op((signed ? lanes.MAX_S : lanes.MAX_U)[size]!);
    t.code.get(n).get(m).op((signed ? lanes.MIN_S : lanes.MIN_U)[size]!).op(lanes.SUB[size]!);
    if (accumulate) t.code.get(d).op(lanes.ADD[size]!);
  };
}

/** The byte product of polynomials over {0, 1}, low halves. */
const multiplyPolynomials: Emit = (t, _size, n, m) => {
  const { code } = t;
  code.v128(0n, 0n);
  for (let bit = 0; bit < 8; bit++) {
    code.get(n);
    if (bit > 0) code.i32(bit).op(I8X16.shl);
    code.get(m);
    if (bit < 7) code.i32(7 - bit).op(I8X16.shl);
    code.i32(7).op(I8X16.shrS).op(V128.and).op(V128.xor);
  }
};

const SATURATING = { saturates: true } as const;

const ROWS: readonly Encoding[] = [
  ...rows("SHADD", 0, "00000", halvingAdd(true), { sizes: NARROW }),
  ...rows("UHADD", 1, "00000", halvingAdd(false), { sizes: NARROW }),
  ...rows("SQADD", 0, "00001", (t, size, n, m) => { lanes.addSaturating(t, size, n, m, true, false); }, { ...SATURATING, scalar: ALL }),
  ...rows("UQADD", 1, "00001", (t, size, n, m) => { lanes.addSaturating(t, size, n, m, false, false); }, { ...SATURATING, scalar: ALL }),
  ...rows("SRHADD", 0, "00010", roundingHalvingAdd(true), { sizes: NARROW }),
  ...rows("URHADD", 1, "00010", roundingHalvingAdd(false), { sizes: NARROW }),
  ...rows("SHSUB", 0, "00100", halvingSubtract(true), { sizes: NARROW }),
  ...rows("UHSUB", 1, "00100", halvingSubtract(false), { sizes: NARROW }),
  ...rows("SQSUB", 0, "00101", (t, size, n, m) => { lanes.addSaturating(t, size, n, m, true, true); }, { ...SATURATING, scalar: ALL }),
  ...rows("UQSUB", 1, "00101", (t, size, n, m) => { lanes.addSaturating(t, size, n, m, false, true); }, { ...SATURATING, scalar: ALL }),
  ...rows("CMGT (register)", 0, "00110", binary(lanes.GT_S), { scalar: [3] }),
  ...rows("CMHI (register)", 1, "00110", (t, size, n, m) => { lanes.compareUnsigned(t, size, n, m, false); }, { scalar: [3] }),
  ...rows("CMGE (register)", 0, "00111", binary(lanes.GE_S), { scalar: [3] }),
  ...rows("CMHS (register)", 1, "00111", (t, size, n, m) => { lanes.compareUnsigned(t, size, n, m, true); }, { scalar: [3] }),
  ...rows("SSHL", 0, "01000", shiftByRegister({ signed: true }), { scalar: [3] }),
  ...rows("USHL", 1, "01000", shiftByRegister({ signed: false }), { scalar: [3] }),
  ...rows("SQSHL (register)", 0, "01001", shiftByRegister({ signed: true, saturating: true }), { ...SATURATING, scalar: ALL }),
  ...rows("UQSHL (register)", 1, "01001", shiftByRegister({ signed: false, saturating: true }), { ...SATURATING, scalar: ALL }),
  ...rows("SRSHL", 0, "01010", shiftByRegister({ signed: true, rounding: true }), { scalar: [3] }),
  ...rows("URSHL", 1, "01010", shiftByRegister({ signed: false, rounding: true }), { scalar: [3] }),
  ...rows("SQRSHL", 0, "01011", shiftByRegister({ signed: true, rounding: true, saturating: true }), { ...SATURATING, scalar: ALL }),
  ...rows("UQRSHL", 1, "01011", shiftByRegister({ signed: false, rounding: true, saturating: true }), { ...SATURATING, scalar: ALL }),
  ...rows("SMAX", 0, "01100", binary(lanes.MAX_S), { sizes: NARROW }),
  ...rows("UMAX", 1, "01100", binary(lanes.MAX_U), { sizes: NARROW }),
  ...rows("SMIN", 0, "01101", binary(lanes.MIN_S), { sizes: NARROW }),
  ...rows("UMIN", 1, "01101", binary(lanes.MIN_U), { sizes: NARROW }),
  ...rows("SABD", 0, "01110", absoluteDifference(true, false), { sizes: NARROW }),
  ...rows("UABD", 1, "01110", absoluteDifference(false, false), { sizes: NARROW }),
  ...rows("SABA", 0, "01111", absoluteDifference(true, true), { sizes: NARROW, accumulates: true }),
  ...rows("UABA", 1, "01111", absoluteDifference(false, true), { sizes: NARROW, accumulates: true }),
  ...rows("ADD (vector)", 0, "10000", binary(lanes.ADD), { scalar: [3] }),
  ...rows("SUB (vector)", 1, "10000", binary(lanes.SUB), { scalar: [3] }),
  ...rows("CMTST", 0, "10001", (t, size, n, m) => t.code.get(n).get(m).op(V128.and).v128(0n, 0n).op(lanes.NE[size]!), { scalar: [3] }),
  ...rows("CMEQ (register)", 1, "10001", binary(lanes.EQ), { scalar: [3] }),
  ...rows("MLA (vector)", 0, "10010", (t, size, n, m, d) => {
    t.code.get(d);
    lanes.multiply(t, size, n, m);
    t.code.op(lanes.ADD[size]!);
  }, { sizes: NARROW, accumulates: true }),
  ...rows("MLS (vector)", 1, "10010", (t, size, n, m, d) => {
    t.code.get(d);
    lanes.multiply(t, size, n, m);
    t.code.op(lanes.SUB[size]!);
  }, { sizes: NARROW, accumulates: true }),
  ...rows("MUL (vector)", 0, "10011", (t, size, n, m) => { lanes.multiply(t, size, n, m); }, { sizes: NARROW }),
  ...rows("PMUL", 1, "10011", multiplyPolynomials, { sizes: [0] }),
  ...rows("SQDMULH (vector)", 0, "10110", (t, size, n, m) => { doublingMultiplyHigh(t, size, n, m, false); }, { ...SATURATING, sizes: [1, 2], scalar: [1, 2] }),
  ...rows("SQRDMULH (vector)", 1, "10110", (t, size, n, m) => { doublingMultiplyHigh(t, size, n, m, true); }, { ...SATURATING, sizes: [1, 2], scalar: [1, 2] }),
];

/** Neighbours of both registers, Vn below Vm. */
function pairwise(name: string, U: 0 | 1, opcode: string, operation: readonly number[], sizes: readonly number[]): Encoding {
  return encoding(name, `0 Q:1 ${U} 01110 size:2 1 Rm:5 ${opcode} 1 Rn:5 Rd:5` as "0 Q:1 0 01110 size:2 1 Rm:5 00000 1 Rn:5 Rd:5", (t, { Q, size, Rm, Rn, Rd }) => {
    const bytes = 1 << size;
    const each = 8 << Q;
    const neighbours = (odd: number): void => {
      t.getV(Rn);
      t.getV(Rm);
      t.code.shuffle(Array.from({ length: 16 }, (_, byte) => {
        const from = (Math.floor(byte / bytes) * 2 + odd) * bytes + (byte % bytes);
        return from < each ? from : 16 + (from % each);
      }));
    };
    neighbours(0);
    neighbours(1);
    t.code.op(operation[size]!);
    lanes.setResult(t, Rd, 64 << Q);
  }, ({ Q, size }) => sizes.includes(size) && !(size === 3 && Q === 0));
}

const PAIRWISE: readonly Encoding[] = [
  pairwise("SMAXP", 0, "10100", lanes.MAX_S, NARROW),
  pairwise("UMAXP", 1, "10100", lanes.MAX_U, NARROW),
  pairwise("SMINP", 0, "10101", lanes.MIN_S, NARROW),
  pairwise("UMINP", 1, "10101", lanes.MIN_U, NARROW),
  pairwise("ADDP (vector)", 0, "10111", lanes.ADD, ALL),
];

/** Bits by bits; size and U choose. */
function logic(name: string, U: 0 | 1, size: string, emit: (t: Translator, Rm: number, Rn: number, Rd: number) => void): Encoding {
  return encoding(name, `0 Q:1 ${U} 01110 ${size} 1 Rm:5 00011 1 Rn:5 Rd:5` as "0 Q:1 0 01110 00 1 Rm:5 00011 1 Rn:5 Rd:5", (t, { Q, Rm, Rn, Rd }) => {
    emit(t, Rm, Rn, Rd);
    lanes.setResult(t, Rd, 64 << Q);
  });
}

function bitwise(opcode: number): (t: Translator, Rm: number, Rn: number) => void {
  return (t, Rm, Rn) => {
    t.getV(Rn);
    t.getV(Rm);
    t.code.op(opcode);
  };
}

function select(first: "n" | "d", second: "m" | "d" | "n", mask: "m" | "d"): (t: Translator, Rm: number, Rn: number, Rd: number) => void {
  return (t, Rm, Rn, Rd) => {
    const registers = { n: Rn, m: Rm, d: Rd };
    t.getV(registers[first]);
    t.getV(registers[second]);
    t.getV(registers[mask]);
    t.code.op(V128.bitselect);
  };
}

const LOGIC: readonly Encoding[] = [
  logic("AND (vector)", 0, "00", bitwise(V128.and)),
  logic("BIC (vector, register)", 0, "01", bitwise(V128.andnot)),
  logic("ORR (vector, register)", 0, "10", (t, Rm, Rn) => {
    // ORR of a register with itself is the move between registers.
    t.getV(Rn);
    if (Rm === Rn) return;
    t.getV(Rm);
    t.code.op(V128.or);
  }),
  logic("ORN (vector)", 0, "11", (t, Rm, Rn) => {
    t.getV(Rn);
    t.getV(Rm);
    t.code.op(V128.not).op(V128.or);
  }),
  logic("EOR (vector)", 1, "00", bitwise(V128.xor)),
  logic("BSL", 1, "01", select("n", "m", "d")),
  logic("BIT", 1, "10", select("n", "d", "m")),
  logic("BIF", 1, "11", select("d", "n", "m")),
];

export const SIMD_THREE_SAME: readonly Encoding[] = [...ROWS, ...PAIRWISE, ...LOGIC];
