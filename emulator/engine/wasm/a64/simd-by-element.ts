/** Advanced SIMD integer products with an element of a vector. Arm: DDI 0487 C4.1.95. */
import type { Local } from "../binary/code.js";
import { encoding, type Encoding } from "../decode/encoding.js";
import type { Translator } from "../translator.js";
import * as lanes from "./simd-lanes.js";
import { dotProduct, doublingAccumulate, doublingMultiplyHigh, doublingMultiplyLong, multiplyAccumulateLong, multiplyLong, roundingDoublingAccumulate, type Emit } from "./simd-multiply.js";

/** Pushes the result; every element of `m` is the one chosen. */

interface Fields {
  readonly size: number;
  readonly L: number;
  readonly M: number;
  readonly Rm: number;
  readonly H: number;
}

/** The chosen element of 16 (size 1) or 32 bits in every element. */
function chosen(t: Translator, { size, L, M, Rm, H }: Fields): Local {
  const index = size === 1 ? 4 * H + 2 * L + M : 2 * H + L;
  const bytes = 1 << size;
  const m = lanes.vector(t, size === 1 ? Rm : 16 * M + Rm);
  t.code.get(m).get(m).shuffle(Array.from({ length: 16 }, (_, byte) => index * bytes + (byte % bytes)));
  return lanes.keep(t);
}

/** What the operands' width is: whole registers, twice as wide results, or operands cleared above because the result saturates. */
interface Options {
  readonly long?: boolean;
  readonly saturates?: boolean;
  readonly scalar?: boolean;
  readonly sizes?: readonly number[];
}

function rows(name: string, U: 0 | 1, opcode: string, emit: Emit, { long = false, saturates = false, scalar = false, sizes = [1, 2] }: Options): Encoding[] {
  const vector = encoding(name, `0 Q:1 ${U} 01111 size:2 L:1 M:1 Rm:4 ${opcode} H:1 0 Rn:5 Rd:5` as "0 Q:1 0 01111 size:2 L:1 M:1 Rm:4 0000 H:1 0 Rn:5 Rd:5", (t, fields) => {
    const { Q, size, Rn, Rd } = fields;
    const width = long ? 128 : 64 << Q;
    const m = chosen(t, fields);
    const operand = saturates ? lanes.operand : lanes.vector;
    emit(t, size, operand(t, Rn, width), m, operand(t, Rd, width), Q === 1);
    lanes.setResult(t, Rd, width);
  }, ({ size }) => sizes.includes(size));
  if (!scalar) return [vector];
  return [
    vector,
    encoding(`${name} (scalar)`, `01 ${U} 11111 size:2 L:1 M:1 Rm:4 ${opcode} H:1 0 Rn:5 Rd:5` as "01 0 11111 size:2 L:1 M:1 Rm:4 0000 H:1 0 Rn:5 Rd:5", (t, fields) => {
      const { size, Rn, Rd } = fields;
      const width = lanes.bitsOf(size);
      const m = chosen(t, fields);
      emit(t, size, lanes.operand(t, Rn, width), m, lanes.operand(t, Rd, long ? 2 * width : width), false);
      lanes.setResult(t, Rd, long ? 2 * width : width);
    }, ({ size }) => sizes.includes(size)),
  ];
}

function accumulate(opcodes: readonly number[]): Emit {
  return (t, size, n, m, d) => {
    t.code.get(d);
    lanes.multiply(t, size, n, m);
    t.code.op(opcodes[size]!);
  };
}

const LONG = { long: true } as const;
const DOUBLING_LONG = { long: true, scalar: true } as const;
const DOUBLING = { saturates: true, scalar: true } as const;
const DOT = { sizes: [2] } as const;

export const SIMD_BY_ELEMENT: readonly Encoding[] = [
  ...rows("MLA (by element)", 1, "0000", accumulate(lanes.ADD), {}),
  ...rows("SMLAL (by element)", 0, "0010", multiplyAccumulateLong(true, lanes.ADD), LONG),
  ...rows("UMLAL (by element)", 1, "0010", multiplyAccumulateLong(false, lanes.ADD), LONG),
  ...rows("SQDMLAL (by element)", 0, "0011", doublingAccumulate(false), DOUBLING_LONG),
  ...rows("MLS (by element)", 1, "0100", accumulate(lanes.SUB), {}),
  ...rows("SMLSL (by element)", 0, "0110", multiplyAccumulateLong(true, lanes.SUB), LONG),
  ...rows("UMLSL (by element)", 1, "0110", multiplyAccumulateLong(false, lanes.SUB), LONG),
  ...rows("SQDMLSL (by element)", 0, "0111", doublingAccumulate(true), DOUBLING_LONG),
  ...rows("MUL (by element)", 0, "1000", (t, size, n, m) => { lanes.multiply(t, size, n, m); }, {}),
  ...rows("SMULL (by element)", 0, "1010", (t, size, n, m, _d, upper) => { multiplyLong(t, size, n, m, true, upper); }, LONG),
  ...rows("UMULL (by element)", 1, "1010", (t, size, n, m, _d, upper) => { multiplyLong(t, size, n, m, false, upper); }, LONG),
  ...rows("SQDMULL (by element)", 0, "1011", (t, size, n, m, _d, upper) => { doublingMultiplyLong(t, size, n, m, upper); }, DOUBLING_LONG),
  ...rows("SQDMULH (by element)", 0, "1100", (t, size, n, m) => { doublingMultiplyHigh(t, size, n, m, false); }, DOUBLING),
  ...rows("SQRDMULH (by element)", 0, "1101", (t, size, n, m) => { doublingMultiplyHigh(t, size, n, m, true); }, DOUBLING),
  ...rows("SQRDMLAH (by element)", 1, "1101", (t, size, n, m, d) => { roundingDoublingAccumulate(t, size, n, m, d, false); }, DOUBLING),
  ...rows("SQRDMLSH (by element)", 1, "1111", (t, size, n, m, d) => { roundingDoublingAccumulate(t, size, n, m, d, true); }, DOUBLING),
  ...rows("SDOT (by element)", 0, "1110", (t, _size, n, m, d) => { dotProduct(t, n, m, d, true); }, DOT),
  ...rows("UDOT (by element)", 1, "1110", (t, _size, n, m, d) => { dotProduct(t, n, m, d, false); }, DOT),
];
