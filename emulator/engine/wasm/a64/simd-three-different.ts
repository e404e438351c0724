/** Advanced SIMD three registers of different types: long, wide and narrowing forms. Arm: DDI 0487 C4.1.95. */
import type { Local } from "../binary/code.js";
import { encoding, type Encoding } from "../decode/encoding.js";
import type { Translator } from "../translator.js";
import * as lanes from "./simd-lanes.js";
import { doublingAccumulate, doublingMultiplyLong, multiplyAccumulateLong, multiplyLong, multiplyPolynomialsLong, type Emit } from "./simd-multiply.js";

/** Pushes the 128-bit result; `size` is the one of the narrow elements, `upper`: of the high halves. `d`: the old destination. */

const PATTERN = "0 Q:1 0 01110 size:2 1 Rm:5 0000 00 Rn:5 Rd:5";

function pattern(U: 0 | 1, opcode: string): typeof PATTERN {
  return `0 Q:1 ${U} 01110 size:2 1 Rm:5 ${opcode} 00 Rn:5 Rd:5` as typeof PATTERN;
}

function row(name: string, U: 0 | 1, opcode: string, emit: Emit, sizes: readonly number[] = [0, 1, 2]): Encoding {
  return encoding(name, pattern(U, opcode), (t, { Q, size, Rm, Rn, Rd }) => {
    emit(t, size, lanes.vector(t, Rn), lanes.vector(t, Rm), lanes.vector(t, Rd), Q === 1);
    t.setV(Rd);
  }, ({ size }) => sizes.includes(size));
}

/** Both forms of the doubling products, which exist for elements of 16 and 32 bits. */
function doubling(name: string, opcode: string, emit: Emit): Encoding[] {
  return [
    row(name, 0, opcode, emit, [1, 2]),
    encoding(`${name} (scalar)`, `01 0 11110 size:2 1 Rm:5 ${opcode} 00 Rn:5 Rd:5` as "01 0 11110 size:2 1 Rm:5 0000 00 Rn:5 Rd:5", (t, { size, Rm, Rn, Rd }) => {
      const width = lanes.bitsOf(size);
      emit(t, size, lanes.operand(t, Rn, width), lanes.operand(t, Rm, width), lanes.operand(t, Rd, 2 * width), false);
      lanes.setResult(t, Rd, 2 * width);
    }, ({ size }) => size === 1 || size === 2),
  ];
}

function extend(t: Translator, size: number, value: Local, signed: boolean, upper: boolean): void {
  t.code.get(value).op((signed ? (upper ? lanes.EXTEND_HIGH_S : lanes.EXTEND_LOW_S) : upper ? lanes.EXTEND_HIGH_U : lanes.EXTEND_LOW_U)[size]!);
}

function long(signed: boolean, opcodes: readonly number[]): Emit {
  return (t, size, n, m, _d, upper) => {
    extend(t, size, n, signed, upper);
    extend(t, size, m, signed, upper);
    t.code.op(opcodes[size + 1]!);
  };
}
function wide(signed: boolean, opcodes: readonly number[]): Emit {
  return (t, size, n, m, _d, upper) => {
    t.code.get(n);
    extend(t, size, m, signed, upper);
    t.code.op(opcodes[size + 1]!);
  };
}
function absoluteDifferenceLong(signed: boolean, accumulate: boolean): Emit {
  return (t, size, n, m, d, upper) => {
    t.code.get(n).get(m).op((signed ? lanes.MAX_S : lanes.MAX_U)[size]!);
    t.code.get(n).get(m).op((signed ? lanes.MIN_S : lanes.MIN_U)[size]!).op(lanes.SUB[size]!);
    const difference = lanes.keep(t);
    extend(t, size, difference, false, upper);
    if (accumulate) t.code.get(d).op(lanes.ADD[size + 1]!);
  };
}

/** The high halves of sums or differences. */
function narrowing(name: string, U: 0 | 1, opcode: string, opcodes: readonly number[]): Encoding {
  return encoding(name, pattern(U, opcode), (t, { Q, size, Rm, Rn, Rd }) => {
    const { code } = t;
    const half = lanes.bitsOf(size);
    t.getV(Rn);
    t.getV(Rm);
    code.op(opcodes[size + 1]!);
    if (U === 1) {
      lanes.constant(t, size + 1, 1n << BigInt(half - 1));
      code.op(lanes.ADD[size + 1]!);
    }
    code.i32(half).op(lanes.SHR_U[size + 1]!);
    lanes.setNarrowed(t, size + 1, Rd, Q === 1);
  }, ({ size }) => size < 3);
}

export const SIMD_THREE_DIFFERENT: readonly Encoding[] = [
  row("SADDL", 0, "0000", long(true, lanes.ADD)),
  row("UADDL", 1, "0000", long(false, lanes.ADD)),
  row("SADDW", 0, "0001", wide(true, lanes.ADD)),
  row("UADDW", 1, "0001", wide(false, lanes.ADD)),
  row("SSUBL", 0, "0010", long(true, lanes.SUB)),
  row("USUBL", 1, "0010", long(false, lanes.SUB)),
  row("SSUBW", 0, "0011", wide(true, lanes.SUB)),
  row("USUBW", 1, "0011", wide(false, lanes.SUB)),
  narrowing("ADDHN", 0, "0100", lanes.ADD),
  narrowing("RADDHN", 1, "0100", lanes.ADD),
  row("SABAL", 0, "0101", absoluteDifferenceLong(true, true)),
  row("UABAL", 1, "0101", absoluteDifferenceLong(false, true)),
  narrowing("SUBHN", 0, "0110", lanes.SUB),
  narrowing("RSUBHN", 1, "0110", lanes.SUB),
  row("SABDL", 0, "0111", absoluteDifferenceLong(true, false)),
  row("UABDL", 1, "0111", absoluteDifferenceLong(false, false)),
  row("SMLAL (vector)", 0, "1000", multiplyAccumulateLong(true, lanes.ADD)),
  row("UMLAL (vector)", 1, "1000", multiplyAccumulateLong(false, lanes.ADD)),
  ...doubling("SQDMLAL (vector)", "1001", doublingAccumulate(false)),
  row("SMLSL (vector)", 0, "1010", multiplyAccumulateLong(true, lanes.SUB)),
  row("UMLSL (vector)", 1, "1010", multiplyAccumulateLong(false, lanes.SUB)),
  ...doubling("SQDMLSL (vector)", "1011", doublingAccumulate(true)),
  row("SMULL (vector)", 0, "1100", (t, size, n, m, _d, upper) => { multiplyLong(t, size, n, m, true, upper); }),
  row("UMULL (vector)", 1, "1100", (t, size, n, m, _d, upper) => { multiplyLong(t, size, n, m, false, upper); }),
  ...doubling("SQDMULL (vector)", "1101", (t, size, n, m, _d, upper) => { doublingMultiplyLong(t, size, n, m, upper); }),
  row("PMULL (bytes)", 0, "1110", (t, _size, n, m, _d, upper) => { multiplyPolynomialsLong(t, n, m, upper); }, [0]),
];
