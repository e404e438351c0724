/** Advanced SIMD shift by immediate, integer, vector and scalar. Arm: DDI 0487 C4.1.95. */
import type { Local } from "../binary/code.js";
import { V128 } from "../binary/opcodes.js";
import { encoding, type Encoding } from "../decode/encoding.js";
import type { Translator } from "../translator.js";
import * as lanes from "./simd-lanes.js";

/** Pushes the result; `shift` is the one in assembly, `d` the old destination. */
type Emit = (t: Translator, size: number, n: Local, shift: number, d: Local) => void;

const VECTOR = "0 Q:1 0 011110 immh:4 immb:3 00000 1 Rn:5 Rd:5";
const SCALAR = "01 0 111110 immh:4 immb:3 00000 1 Rn:5 Rd:5";

function vectorPattern(U: 0 | 1, opcode: string): typeof VECTOR {
  return `0 Q:1 ${U} 011110 immh:4 immb:3 ${opcode} 1 Rn:5 Rd:5` as typeof VECTOR;
}
function scalarPattern(U: 0 | 1, opcode: string): typeof SCALAR {
  return `01 ${U} 111110 immh:4 immb:3 ${opcode} 1 Rn:5 Rd:5` as typeof SCALAR;
}

/** The highest one of immh is log2 of the bytes of an element; immh 0 belongs to the immediates. */
function sizeOf(immh: number): number {
  return 31 - Math.clz32(immh);
}
function shiftOf(immh: number, immb: number, left: boolean): number {
  const bits = lanes.bitsOf(sizeOf(immh));
  return left ? immh * 8 + immb - bits : 2 * bits - (immh * 8 + immb);
}

const vectorAllocated = ({ Q, immh }: { readonly Q: number; readonly immh: number }): boolean => immh !== 0 && !(immh >= 8 && Q === 0);

/** The scalar form is of 64 bits. */
function rows(name: string, U: 0 | 1, opcode: string, left: boolean, emit: Emit): Encoding[] {
  const carryOut = (t: Translator, immh: number, immb: number, Rn: number, Rd: number, width: number): void => {
    emit(t, sizeOf(immh), lanes.vector(t, Rn), shiftOf(immh, immb, left), lanes.vector(t, Rd));
    lanes.setResult(t, Rd, width);
  };
  return [
    encoding(name, vectorPattern(U, opcode), (t, { Q, immh, immb, Rn, Rd }) => {
      carryOut(t, immh, immb, Rn, Rd, 64 << Q);
    }, vectorAllocated),
    encoding(`${name} (scalar)`, scalarPattern(U, opcode), (t, { immh, immb, Rn, Rd }) => {
      carryOut(t, immh, immb, Rn, Rd, 64);
    }, ({ immh }) => immh >= 8),
  ];
}

function right(signed: boolean, rounding: boolean, accumulate: boolean): Emit {
  return (t, size, n, shift, d) => {
    if (rounding) lanes.shiftRightRounding(t, size, n, shift, signed);
    else {
      t.code.get(n);
      lanes.shiftRight(t, size, shift, signed);
    }
    if (accumulate) t.code.get(d).op(lanes.ADD[size]!);
  };
}

/** Bits of `d` stay where no bit of `n` arrives. */
function insert(left: boolean): Emit {
  return (t, size, n, shift, d) => {
    const { code } = t;
    const bits = BigInt(lanes.bitsOf(size));
    const all = (1n << bits) - 1n;
    code.get(n);
    if (left) code.i32(shift).op(lanes.SHL[size]!);
    else lanes.shiftRight(t, size, shift, false);
    code.get(d);
    lanes.constant(t, size, left ? all << BigInt(shift) : all >> BigInt(shift));
    code.op(V128.bitselect);
  };
}

/** Saturating shifts left; with `toUnsigned` from signed to unsigned numbers. */
function saturatingLeft(name: string, U: 0 | 1, opcode: string, signed: boolean, toUnsigned: boolean): Encoding[] {
  const carryOut = (t: Translator, immh: number, immb: number, Rn: number, Rd: number, width: number): void => {
    const { code } = t;
    const size = sizeOf(immh);
    const shift = shiftOf(immh, immb, true);
    const n = lanes.operand(t, Rn, width);
    let value = n;
    if (toUnsigned) {
      code.get(n).get(n).i32(lanes.bitsOf(size) - 1).op(lanes.SHR_S[size]!).op(V128.andnot);
      value = lanes.keep(t);
    }
    code.get(value).i32(shift).op(lanes.SHL[size]!);
    const result = lanes.keep(t);
    // What does not come back has been too large.
    code.get(result).i32(shift).op((signed ? lanes.SHR_S : lanes.SHR_U)[size]!);
    const back = lanes.keep(t);
    lanes.setQcIfDifferent(t, back, n);
    lanes.greatestOfSign(t, size, value, signed);
    code.get(result).get(back).get(value).op(lanes.NE[size]!).op(V128.bitselect);
    lanes.setResult(t, Rd, width);
  };
  return [
    encoding(name, vectorPattern(U, opcode), (t, { Q, immh, immb, Rn, Rd }) => {
      carryOut(t, immh, immb, Rn, Rd, 64 << Q);
    }, vectorAllocated),
    encoding(`${name} (scalar)`, scalarPattern(U, opcode), (t, { immh, immb, Rn, Rd }) => {
      carryOut(t, immh, immb, Rn, Rd, lanes.bitsOf(sizeOf(immh)));
    }, ({ immh }) => immh !== 0),
  ];
}

/** Shifts right to elements of half the size; `narrowing` undefined: what is above is dropped, and there is no scalar form. */
function narrow(name: string, U: 0 | 1, opcode: string, rounding: boolean, narrowing: lanes.Narrowing | undefined): Encoding[] {
  // Leaves the elements of twice the size on the stack.
  const carryOut = (t: Translator, immh: number, immb: number, n: Local): void => {
    const wide = sizeOf(immh) + 1;
    const shift = shiftOf(immh, immb, false);
    const signed = narrowing !== "unsigned" && narrowing !== undefined;
    if (rounding) lanes.shiftRightRounding(t, wide, n, shift, signed);
    else {
      t.code.get(n);
      lanes.shiftRight(t, wide, shift, signed);
    }
    if (narrowing !== undefined) {
      const shifted = lanes.keep(t);
      lanes.saturateToHalf(t, wide, shifted, narrowing);
    }
  };
  const vector = encoding(name, vectorPattern(U, opcode), (t, { Q, immh, immb, Rn, Rd }) => {
    carryOut(t, immh, immb, lanes.vector(t, Rn));
    lanes.setNarrowed(t, sizeOf(immh) + 1, Rd, Q === 1);
  }, ({ immh }) => immh !== 0 && immh < 8);
  if (narrowing === undefined) return [vector];
  return [
    vector,
    encoding(`${name} (scalar)`, scalarPattern(U, opcode), (t, { immh, immb, Rn, Rd }) => {
      carryOut(t, immh, immb, lanes.operand(t, Rn, lanes.bitsOf(sizeOf(immh) + 1)));
      lanes.setResult(t, Rd, lanes.bitsOf(sizeOf(immh)));
    }, ({ immh }) => immh !== 0 && immh < 8),
  ];
}

function long(name: string, U: 0 | 1): Encoding {
  return encoding(name, vectorPattern(U, "10100"), (t, { Q, immh, immb, Rn, Rd }) => {
    const size = sizeOf(immh);
    const shift = shiftOf(immh, immb, true);
    t.getV(Rn);
    t.code.op((U === 0 ? (Q === 1 ? lanes.EXTEND_HIGH_S : lanes.EXTEND_LOW_S) : Q === 1 ? lanes.EXTEND_HIGH_U : lanes.EXTEND_LOW_U)[size]!);
    if (shift > 0) t.code.i32(shift).op(lanes.SHL[size + 1]!);
    t.setV(Rd);
  }, ({ immh }) => immh !== 0 && immh < 8);
}

export const SIMD_SHIFT_IMMEDIATE: readonly Encoding[] = [
  ...rows("SSHR", 0, "00000", false, right(true, false, false)),
  ...rows("USHR", 1, "00000", false, right(false, false, false)),
  ...rows("SSRA", 0, "00010", false, right(true, false, true)),
  ...rows("USRA", 1, "00010", false, right(false, false, true)),
  ...rows("SRSHR", 0, "00100", false, right(true, true, false)),
  ...rows("URSHR", 1, "00100", false, right(false, true, false)),
  ...rows("SRSRA", 0, "00110", false, right(true, true, true)),
  ...rows("URSRA", 1, "00110", false, right(false, true, true)),
  ...rows("SRI", 1, "01000", false, insert(false)),
  ...rows("SHL", 0, "01010", true, (t, size, n, shift) => t.code.get(n).i32(shift).op(lanes.SHL[size]!)),
  ...rows("SLI", 1, "01010", true, insert(true)),
  ...saturatingLeft("SQSHLU", 1, "01100", false, true),
  ...saturatingLeft("SQSHL (immediate)", 0, "01110", true, false),
  ...saturatingLeft("UQSHL (immediate)", 1, "01110", false, false),
  ...narrow("SHRN", 0, "10000", false, undefined),
  ...narrow("RSHRN", 0, "10001", true, undefined),
  ...narrow("SQSHRUN", 1, "10000", false, "signed to unsigned"),
  ...narrow("SQRSHRUN", 1, "10001", true, "signed to unsigned"),
  ...narrow("SQSHRN", 0, "10010", false, "signed"),
  ...narrow("UQSHRN", 1, "10010", false, "unsigned"),
  ...narrow("SQRSHRN", 0, "10011", true, "signed"),
  ...narrow("UQRSHRN", 1, "10011", true, "unsigned"),
  long("SSHLL", 0),
  long("USHLL", 1),
];
