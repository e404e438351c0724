/** Floating point with one lane of the second factor: vectors, scalars, widening. Arm: DDI 0487 C4.1.96, vector x indexed element. */
import { TYPE_V128 } from "../binary/opcodes.js";
import { encoding, type Encoding } from "../decode/encoding.js";
import { mul, mulAdd, mulx, negate } from "../soft/float.js";
import { lane } from "../soft/registers.js";
import type { Translator } from "../translator.js";
import { emitArithmetic, emitMultiplyAdd, getElement, localLanes, vectorOf } from "./simd-fp-fast.js";
import { accumulateLanes, isShape, shapeOf, type LaneTernary, type ShapeFields } from "./simd-fp-operands.js";
import { accumulateHalves } from "./simd-fp-three-same.js";

interface ElementFields extends ShapeFields {
  readonly L: number;
  readonly M: number;
  readonly H: number;
  readonly Rm: number;
  readonly Rn: number;
  readonly Rd: number;
}

/** Register and lane of the second factor. Half precision has 16 registers and 8 lanes. */
function element({ sz, L, M, H, Rm }: ElementFields): { readonly m: number; readonly index: number } {
  if (sz === undefined) return { m: Rm, index: 4 * H + 2 * L + M };
  return { m: 16 * M + Rm, index: sz === 1 ? H : 2 * H + L };
}

function isElement(fields: { readonly Q?: number; readonly sz?: number; readonly L: number }): boolean {
  return isShape(fields) && !(fields.sz === 1 && fields.L === 1);
}

/** Whether the destination is an operand. */
interface Operation {
  readonly name: string;
  readonly U: string;
  readonly opcode: string;
  readonly onto: boolean;
  readonly subtract?: boolean;
  readonly soft: LaneTernary;
}

const OPERATIONS: readonly Operation[] = [
  { name: "FMLA", U: "0", opcode: "0001", onto: true, soft: (env, format, d, a, b) => mulAdd(env, format, d, a, b) },
  { name: "FMLS", U: "0", opcode: "0101", onto: true, subtract: true, soft: (env, format, d, a, b) => mulAdd(env, format, d, negate(format, a), b) },
  { name: "FMUL", U: "0", opcode: "1001", onto: false, soft: (env, format, _d, a, b) => mul(env, format, a, b) },
  { name: "FMULX", U: "1", opcode: "1001", onto: false, soft: (env, format, _d, a, b) => mulx(env, format, a, b) },
];

function rows({ name, U, opcode, onto, subtract = false, soft }: Operation): readonly Encoding[] {
  const translate = (t: Translator, fields: ElementFields): void => {
    const { Rn, Rd } = fields;
    const { m, index } = element(fields);
    const operands = { vReads: onto ? [Rn, m, Rd] : [Rn, m], vWrites: [Rd] };
    const vector = vectorOf(fields);
    if (vector === undefined) {
      t.interpret(operands);
      return;
    }
    const factor = (): void => {
      getElement(t, vector, m, index);
    };
    if (onto) {
      emitMultiplyAdd(t, vector, subtract, Rn, factor, Rd, operands);
      return;
    }
    const b = t.temp(TYPE_V128);
    factor();
    t.code.set(b);
    emitArithmetic(t, vector, "mul", false, localLanes(t, vector, Rn), b, Rd, operands);
  };
  const interpret = (words: BigUint64Array, fields: ElementFields): void => {
    const { m, index } = element(fields);
    const shape = shapeOf(fields);
    accumulateLanes(words, shape, fields.Rn, lane(words, m, index, shape.format.width), fields.Rd, soft);
  };
  return [
    encoding(`${name} (by element)`, `0 Q:1 ${U} 01111 1 sz:1 L:1 M:1 Rm:4 ${opcode} H:1 0 Rn:5 Rd:5`, translate, isElement, interpret),
    encoding(`${name} (by element, half)`, `0 Q:1 ${U} 01111 00 L:1 M:1 Rm:4 ${opcode} H:1 0 Rn:5 Rd:5`, translate, undefined, interpret),
    encoding(`${name} (scalar, by element)`, `01 ${U} 11111 1 sz:1 L:1 M:1 Rm:4 ${opcode} H:1 0 Rn:5 Rd:5`, translate, isElement, interpret),
    encoding(`${name} (scalar, by element, half)`, `01 ${U} 11111 00 L:1 M:1 Rm:4 ${opcode} H:1 0 Rn:5 Rd:5`, translate, undefined, interpret),
  ];
}

function widening(): readonly Encoding[] {
  const operations = [
    { name: "FMLAL", U: "0", opcode: "0000", high: false, subtract: false },
    { name: "FMLSL", U: "0", opcode: "0100", high: false, subtract: true },
    { name: "FMLAL2", U: "1", opcode: "1000", high: true, subtract: false },
    { name: "FMLSL2", U: "1", opcode: "1100", high: true, subtract: true },
  ] as const;
  return operations.map(({ name, U, opcode, high, subtract }) =>
    encoding(
      `${name} (by element)`,
      `0 Q:1 ${U} 01111 10 L:1 M:1 Rm:4 ${opcode} H:1 0 Rn:5 Rd:5`,
      (t, { Rm, Rn, Rd }) => {
        t.interpret({ vReads: [Rn, Rm, Rd], vWrites: [Rd] });
      },
      undefined,
      (words, { Q, L, M, Rm, H, Rn, Rd }) => {
        const factor = lane(words, Rm, 4 * H + 2 * L + M, 16);
        accumulateHalves(words, Q, high, subtract, Rn, Rd, () => factor);
      },
    ),
  );
}

export const SIMD_FP_BY_ELEMENT: readonly Encoding[] = [...OPERATIONS.flatMap(rows), ...widening()];
