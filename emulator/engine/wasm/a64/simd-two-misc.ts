/** Advanced SIMD two-register miscellaneous, integer, vector and scalar. Arm: DDI 0487 C4.1.95. */
import type { Local } from "../binary/code.js";
import { I16X8, I32X4, I64X2, I8X16, V128 } from "../binary/opcodes.js";
import { encoding, type Encoding } from "../decode/encoding.js";
import type { Translator } from "../translator.js";
import * as lanes from "./simd-lanes.js";

/** Pushes the result; `d` is the old destination. */
type Emit = (t: Translator, size: number, n: Local, d: Local) => void;

const ALL = [0, 1, 2, 3];
const NARROW = [0, 1, 2];
const VECTOR = "0 Q:1 0 01110 size:2 10000 00000 10 Rn:5 Rd:5";
const SCALAR = "01 0 11110 size:2 10000 00000 10 Rn:5 Rd:5";

function vectorPattern(U: 0 | 1, opcode: string): typeof VECTOR {
  return `0 Q:1 ${U} 01110 size:2 10000 ${opcode} 10 Rn:5 Rd:5` as typeof VECTOR;
}
function scalarPattern(U: 0 | 1, opcode: string): typeof SCALAR {
  return `01 ${U} 11110 size:2 10000 ${opcode} 10 Rn:5 Rd:5` as typeof SCALAR;
}

interface Options {
  readonly sizes?: readonly number[];
  readonly scalar?: readonly number[];
  readonly accumulates?: boolean;
  readonly saturates?: boolean;
}

function rows(name: string, U: 0 | 1, opcode: string, emit: Emit, { sizes = ALL, scalar = [], accumulates = false, saturates = false }: Options = {}): Encoding[] {
  const carryOut = (t: Translator, size: number, Rn: number, Rd: number, width: number): void => {
    const n = saturates ? lanes.operand(t, Rn, width) : lanes.vector(t, Rn);
    emit(t, size, n, accumulates ? lanes.vector(t, Rd) : n);
    lanes.setResult(t, Rd, width);
  };
  const vector = encoding(name, vectorPattern(U, opcode), (t, { Q, size, Rn, Rd }) => {
    carryOut(t, size, Rn, Rd, 64 << Q);
  }, ({ Q, size }) => sizes.includes(size) && !(size === 3 && Q === 0));
  if (scalar.length === 0) return [vector];
  return [
    vector,
    encoding(`${name} (scalar)`, scalarPattern(U, opcode), (t, { size, Rn, Rd }) => {
      carryOut(t, size, Rn, Rd, lanes.bitsOf(size));
    }, ({ size }) => scalar.includes(size)),
  ];
}

/** Elements of `container` bytes, the elements of 2^size bytes in them in reverse order. */
function reverse(container: number): Emit {
  return (t, size, n) => {
    const bytes = 1 << size;
    t.code.get(n).get(n).shuffle(Array.from({ length: 16 }, (_, byte) => {
      const start = byte - (byte % container);
      const element = Math.floor((byte % container) / bytes);
      return start + (container / bytes - 1 - element) * bytes + (byte % bytes);
    }));
  };
}

/** Sums of neighbours, as elements of twice the size. */
export function addNeighbours(t: Translator, size: number, n: Local, signed: boolean): void {
  const { code } = t;
  if (size === 0) code.get(n).op(signed ? I16X8.extaddPairwiseI8x16S : I16X8.extaddPairwiseI8x16U);
  else if (size === 1) code.get(n).op(signed ? I32X4.extaddPairwiseI16x8S : I32X4.extaddPairwiseI16x8U);
  else {
    for (const lanesOf of [[0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15]]) {
      code.get(n).get(n).shuffle([...lanesOf, ...lanesOf]).op((signed ? lanes.EXTEND_LOW_S : lanes.EXTEND_LOW_U)[2]);
    }
    code.op(I64X2.add);
  }
}

/** Leading zeros: the highest one is copied to all bits below it, then the zeros are counted. */
function leadingZeros(t: Translator, size: number, value: Local): void {
  const { code } = t;
  code.get(value);
  for (let shift = 1; shift < lanes.bitsOf(size); shift *= 2) {
    const so = lanes.keep(t);
    code.get(so).get(so).i32(shift).op(lanes.SHR_U[size]!).op(V128.or);
  }
  code.op(V128.not).op(I8X16.popcnt);
  if (size >= 1) code.op(I16X8.extaddPairwiseI8x16U);
  if (size >= 2) code.op(I32X4.extaddPairwiseI16x8U);
}

function leadingSigns(t: Translator, size: number, n: Local): void {
  const { code } = t;
  code.get(n).get(n).i32(lanes.bitsOf(size) - 1).op(lanes.SHR_S[size]!).op(V128.xor);
  const rest = lanes.keep(t);
  leadingZeros(t, size, rest);
  lanes.constant(t, size, 1);
  code.op(lanes.SUB[size]!);
}

/** Each nibble by a table, then exchanged. */
function reverseBits(t: Translator, n: Local): void {
  const { code } = t;
  const low = [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15];
  const table = (shift: number): void => {
    const word = (from: number): bigint => low.slice(from, from + 8).reduce((bits, value, index) => bits | (BigInt(value << shift) << BigInt(8 * index)), 0n);
    code.v128(word(0), word(8));
  };
  table(4);
  code.get(n);
  lanes.constant(t, 0, 15);
  code.op(V128.and).op(I8X16.swizzle);
  table(0);
  code.get(n).i32(4).op(I8X16.shrU).op(I8X16.swizzle).op(V128.or);
}

/** Absolute value or opposite; the one of the smallest number is too large. */
function saturatingUnary(opcodes: readonly number[]): Emit {
  return (t, size, n) => {
    const { code } = t;
    code.get(n);
    lanes.constant(t, size, lanes.signBit(size));
    code.op(lanes.EQ[size]!);
    const overflow = lanes.keep(t);
    code.get(overflow).op(V128.anyTrue);
    lanes.setQcIf(t);
    code.get(n).op(opcodes[size]!).get(overflow).op(V128.xor);
  };
}

function compareZero(opcodes: readonly number[]): Emit {
  return (t, size, n) => t.code.get(n).v128(0n, 0n).op(opcodes[size]!);
}

/** The sum of a number with a sign and one without. With half the range added to the destination its range is that of the other kind. */
function addMixed(signed: boolean): Emit {
  return (t, size, n, d) => {
    const offset = (): void => {
      lanes.constant(t, size, lanes.signBit(size));
      t.code.op(V128.xor);
    };
    t.code.get(d);
    offset();
    const moved = lanes.keep(t);
    lanes.addSaturating(t, size, moved, n, signed, false);
    offset();
  };
}

/** Narrowing moves; `narrowing` undefined: what is above is dropped. */
function narrow(name: string, U: 0 | 1, opcode: string, narrowing: lanes.Narrowing | undefined): Encoding[] {
  const vector = encoding(name, vectorPattern(U, opcode), (t, { Q, size, Rn, Rd }) => {
    if (narrowing === undefined) t.getV(Rn);
    else lanes.saturateToHalf(t, size + 1, lanes.vector(t, Rn), narrowing);
    lanes.setNarrowed(t, size + 1, Rd, Q === 1);
  }, ({ size }) => size < 3);
  if (narrowing === undefined) return [vector];
  return [
    vector,
    encoding(`${name} (scalar)`, scalarPattern(U, opcode), (t, { size, Rn, Rd }) => {
      lanes.saturateToHalf(t, size + 1, lanes.operand(t, Rn, lanes.bitsOf(size + 1)), narrowing);
      lanes.setResult(t, Rd, lanes.bitsOf(size));
    }, ({ size }) => size < 3),
  ];
}

const ADDLP = { sizes: NARROW } as const;
const ADALP = { sizes: NARROW, accumulates: true } as const;
const DOUBLEWORD = { scalar: [3] } as const;
const SATURATING = { scalar: ALL, saturates: true } as const;

export const SIMD_TWO_MISC: readonly Encoding[] = [
  ...rows("REV64 (vector)", 0, "00000", reverse(8), { sizes: NARROW }),
  ...rows("REV32 (vector)", 1, "00000", reverse(4), { sizes: [0, 1] }),
  ...rows("REV16 (vector)", 0, "00001", reverse(2), { sizes: [0] }),
  ...rows("SADDLP", 0, "00010", (t, size, n) => { addNeighbours(t, size, n, true); }, ADDLP),
  ...rows("UADDLP", 1, "00010", (t, size, n) => { addNeighbours(t, size, n, false); }, ADDLP),
  ...rows("SUQADD", 0, "00011", addMixed(false), { ...SATURATING, accumulates: true }),
  ...rows("USQADD", 1, "00011", addMixed(true), { ...SATURATING, accumulates: true }),
  ...rows("CLS (vector)", 0, "00100", (t, size, n) => { leadingSigns(t, size, n); }, { sizes: NARROW }),
  ...rows("CLZ (vector)", 1, "00100", (t, size, n) => { leadingZeros(t, size, n); }, { sizes: NARROW }),
  ...rows("CNT", 0, "00101", (t, _size, n) => t.code.get(n).op(I8X16.popcnt), { sizes: [0] }),
  ...rows("NOT, RBIT (vector)", 1, "00101", (t, size, n) => {
    // Size 1 is RBIT.
    if (size === 0) t.code.get(n).op(V128.not);
    else reverseBits(t, n);
  }, { sizes: [0, 1] }),
  ...rows("SADALP", 0, "00110", (t, size, n, d) => {
    addNeighbours(t, size, n, true);
    t.code.get(d).op(lanes.ADD[size + 1]!);
  }, ADALP),
  ...rows("UADALP", 1, "00110", (t, size, n, d) => {
    addNeighbours(t, size, n, false);
    t.code.get(d).op(lanes.ADD[size + 1]!);
  }, ADALP),
  ...rows("SQABS", 0, "00111", saturatingUnary(lanes.ABS), SATURATING),
  ...rows("SQNEG", 1, "00111", saturatingUnary(lanes.NEG), SATURATING),
  ...rows("CMGT (zero)", 0, "01000", compareZero(lanes.GT_S), DOUBLEWORD),
  ...rows("CMGE (zero)", 1, "01000", compareZero(lanes.GE_S), DOUBLEWORD),
  ...rows("CMEQ (zero)", 0, "01001", compareZero(lanes.EQ), DOUBLEWORD),
  ...rows("CMLE (zero)", 1, "01001", compareZero(lanes.LE_S), DOUBLEWORD),
  ...rows("CMLT (zero)", 0, "01010", compareZero(lanes.LT_S), DOUBLEWORD),
  ...rows("ABS (vector)", 0, "01011", (t, size, n) => t.code.get(n).op(lanes.ABS[size]!), DOUBLEWORD),
  ...rows("NEG (vector)", 1, "01011", (t, size, n) => t.code.get(n).op(lanes.NEG[size]!), DOUBLEWORD),
  ...narrow("XTN", 0, "10010", undefined),
  ...narrow("SQXTUN", 1, "10010", "signed to unsigned"),
  encoding("SHLL", vectorPattern(1, "10011"), (t, { Q, size, Rn, Rd }) => {
    t.getV(Rn);
    t.code.op((Q === 1 ? lanes.EXTEND_HIGH_U : lanes.EXTEND_LOW_U)[size]!).i32(lanes.bitsOf(size)).op(lanes.SHL[size + 1]!);
    t.setV(Rd);
  }, ({ size }) => size < 3),
  ...narrow("SQXTN", 0, "10100", "signed"),
  ...narrow("UQXTN", 1, "10100", "unsigned"),
];
