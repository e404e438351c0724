/**
 * Floating point with three registers of the same shape: vectors and their scalar forms, pairwise and widening ones, all precisions.
 *
 * Arm: DDI 0487 C4.1.96, Advanced SIMD three same, three same (FP16), scalar three same, scalar pairwise.
 */
import { encoding, type Encoding } from "../decode/encoding.js";
import { DOUBLE, HALF, SINGLE, absolute, add, compare, div, extremum, extremumNumber, mul, mulAdd, mulx, negate, sub, type FloatFormat } from "../soft/float.js";
import { reciprocalSqrtStep, reciprocalStep } from "../soft/float-estimate.js";
import { lane, lanes, setLanes, withFloat } from "../soft/registers.js";
import type { Local } from "../binary/code.js";
import type { InterpretedOperands, Translator } from "../translator.js";
import { emitArithmetic, emitComparison, emitExtremum, emitMultiplyAdd, getLanes, localLanes, localPairs, vectorOf, type Arithmetic, type Comparison, type Vector } from "./simd-fp-fast.js";
import { accumulateLanes, isShape, shapeOf, truth, zipLanes, zipPairs, type LaneBinary, type LaneTernary, type ShapeFields } from "./simd-fp-operands.js";

/** An operation by its place in the tables: bits 29 and 23, and the low three bits of the opcode. */
interface Operation {
  readonly name: string;
  readonly U: string;
  readonly a: string;
  readonly opcode: string;
  /** There is a scalar form. */
  readonly scalar?: boolean;
}

interface Registers {
  readonly Rm: number;
  readonly Rn: number;
  readonly Rd: number;
}
type Interpret = (words: BigUint64Array, fields: Registers & ShapeFields) => void;
export type TranslateSame = (t: Translator, fields: Registers & ShapeFields) => void;

export const max: LaneBinary = (env, format, a, b) => extremum(env, format, a, b, 1);
export const min: LaneBinary = (env, format, a, b) => extremum(env, format, a, b, -1);
export const maxNumber: LaneBinary = (env, format, a, b) => extremumNumber(env, format, a, b, 1);
export const minNumber: LaneBinary = (env, format, a, b) => extremumNumber(env, format, a, b, -1);
const equal: LaneBinary = (env, format, a, b) => truth(format, compare(env, format, a, b, false) === 0);
const greaterEqual: LaneBinary = (env, format, a, b) => truth(format, (compare(env, format, a, b, true) ?? -1) >= 0);
const greater: LaneBinary = (env, format, a, b) => truth(format, compare(env, format, a, b, true) === 1);
const ofMagnitudes = (of: LaneBinary): LaneBinary => (env, format, a, b) => of(env, format, absolute(format, a), absolute(format, b));
const multiplyAdd: LaneTernary = (env, format, d, a, b) => mulAdd(env, format, d, a, b);
const multiplySubtract: LaneTernary = (env, format, d, a, b) => mulAdd(env, format, d, negate(format, a), b);

function rows({ name, U, a, opcode, scalar = false }: Operation, translate: TranslateSame, interpret: Interpret): readonly Encoding[] {
  return [
    encoding(`${name} (vector)`, `0 Q:1 ${U} 01110 ${a} sz:1 1 Rm:5 11 ${opcode} 1 Rn:5 Rd:5`, translate, isShape, interpret),
    encoding(`${name} (vector, half)`, `0 Q:1 ${U} 01110 ${a} 10 Rm:5 00 ${opcode} 1 Rn:5 Rd:5`, translate, undefined, interpret),
    ...(scalar
      ? [
          encoding(`${name} (scalar)`, `01 ${U} 11110 ${a} sz:1 1 Rm:5 11 ${opcode} 1 Rn:5 Rd:5`, translate, undefined, interpret),
          encoding(`${name} (scalar, half)`, `01 ${U} 11110 ${a} 10 Rm:5 00 ${opcode} 1 Rn:5 Rd:5`, translate, undefined, interpret),
        ]
      : []),
  ];
}

const interpreted: TranslateSame = (t, { Rm, Rn, Rd }) => {
  t.interpret({ vReads: [Rn, Rm], vWrites: [Rd] });
};
const interpretedOnto: TranslateSame = (t, { Rm, Rn, Rd }) => {
  t.interpret({ vReads: [Rn, Rm, Rd], vWrites: [Rd] });
};

/** Two vectors in locals, or interpreted if the precision is half. */
function fast(emit: (t: Translator, vector: Vector, a: Local, b: Local, fields: Registers, operands: InterpretedOperands) => void, pairs = false): TranslateSame {
  return (t, fields) => {
    const { Rm, Rn, Rd } = fields;
    const vector = vectorOf(fields);
    if (vector === undefined) {
      interpreted(t, fields);
      return;
    }
    const { a, b } = pairs ? localPairs(t, vector, Rn, Rm) : { a: localLanes(t, vector, Rn), b: localLanes(t, vector, Rm) };
    emit(t, vector, a, b, fields, { vReads: [Rn, Rm], vWrites: [Rd] });
  };
}

function arithmetic(opcode: Arithmetic, { magnitude = false, pairs = false } = {}): TranslateSame {
  return fast((t, vector, a, b, { Rd }, operands) => {
    emitArithmetic(t, vector, opcode, magnitude, a, b, Rd, operands);
  }, pairs);
}

function extreme(opcode: "max" | "min", pairs = false): TranslateSame {
  return fast((t, vector, a, b, { Rd }, operands) => {
    emitExtremum(t, vector, opcode, a, b, Rd, operands);
  }, pairs);
}

function comparison(opcode: Comparison, magnitudes = false): TranslateSame {
  return fast((t, vector, a, b, { Rd }, operands) => {
    if (magnitudes) for (const local of [a, b]) t.code.get(local).op(vector.op.abs).set(local);
    emitComparison(t, vector, opcode, a, b, Rd, operands);
  });
}

function fused(subtract: boolean): TranslateSame {
  return (t, fields) => {
    const { Rm, Rn, Rd } = fields;
    const vector = vectorOf(fields);
    if (vector === undefined) {
      interpretedOnto(t, fields);
      return;
    }
    const factor = (): void => {
      getLanes(t, vector, Rm);
    };
    emitMultiplyAdd(t, vector, subtract, Rn, factor, Rd, { vReads: [Rn, Rm, Rd], vWrites: [Rd] });
  };
}

function binary(operation: Operation, soft: LaneBinary, translate: TranslateSame = interpreted): readonly Encoding[] {
  return rows(operation, translate, (words, fields) => {
    zipLanes(words, shapeOf(fields), fields.Rn, fields.Rm, fields.Rd, soft);
  });
}

function ternary(operation: Operation, soft: LaneTernary, translate: TranslateSame = interpretedOnto): readonly Encoding[] {
  return rows(operation, translate, (words, fields) => {
    accumulateLanes(words, shapeOf(fields), fields.Rn, fields.Rm, fields.Rd, soft);
  });
}

function pairwise(operation: Operation, soft: LaneBinary, translate: TranslateSame = interpreted): readonly Encoding[] {
  return rows(operation, translate, (words, fields) => {
    zipPairs(words, shapeOf(fields), fields.Rn, fields.Rm, fields.Rd, soft);
  });
}

const LANE_BY_LANE: readonly Encoding[] = [
  ...binary({ name: "FMAXNM", U: "0", a: "0", opcode: "000" }, maxNumber, extreme("max")),
  ...binary({ name: "FMINNM", U: "0", a: "1", opcode: "000" }, minNumber, extreme("min")),
  ...ternary({ name: "FMLA", U: "0", a: "0", opcode: "001" }, multiplyAdd, fused(false)),
  ...ternary({ name: "FMLS", U: "0", a: "1", opcode: "001" }, multiplySubtract, fused(true)),
  ...binary({ name: "FADD", U: "0", a: "0", opcode: "010" }, add, arithmetic("add")),
  ...binary({ name: "FSUB", U: "0", a: "1", opcode: "010" }, sub, arithmetic("sub")),
  ...binary({ name: "FABD", U: "1", a: "1", opcode: "010", scalar: true }, (env, format, a, b) => absolute(format, sub(env, format, a, b)), arithmetic("sub", { magnitude: true })),
  ...binary({ name: "FMULX", U: "0", a: "0", opcode: "011", scalar: true }, mulx, arithmetic("mul")),
  ...binary({ name: "FMUL", U: "1", a: "0", opcode: "011" }, mul, arithmetic("mul")),
  ...binary({ name: "FCMEQ", U: "0", a: "0", opcode: "100", scalar: true }, equal, comparison("eq")),
  ...binary({ name: "FCMGE", U: "1", a: "0", opcode: "100", scalar: true }, greaterEqual, comparison("ge")),
  ...binary({ name: "FCMGT", U: "1", a: "1", opcode: "100", scalar: true }, greater, comparison("gt")),
  ...binary({ name: "FACGE", U: "1", a: "0", opcode: "101", scalar: true }, ofMagnitudes(greaterEqual), comparison("ge", true)),
  ...binary({ name: "FACGT", U: "1", a: "1", opcode: "101", scalar: true }, ofMagnitudes(greater), comparison("gt", true)),
  ...binary({ name: "FMAX", U: "0", a: "0", opcode: "110" }, max, extreme("max")),
  ...binary({ name: "FMIN", U: "0", a: "1", opcode: "110" }, min, extreme("min")),
  ...binary({ name: "FRECPS", U: "0", a: "0", opcode: "111", scalar: true }, reciprocalStep),
  ...binary({ name: "FRSQRTS", U: "0", a: "1", opcode: "111", scalar: true }, reciprocalSqrtStep),
  ...binary({ name: "FDIV", U: "1", a: "0", opcode: "111" }, div, arithmetic("div")),
];

const PAIRWISE: readonly Encoding[] = [
  ...pairwise({ name: "FMAXNMP", U: "1", a: "0", opcode: "000" }, maxNumber, extreme("max", true)),
  ...pairwise({ name: "FMINNMP", U: "1", a: "1", opcode: "000" }, minNumber, extreme("min", true)),
  ...pairwise({ name: "FADDP", U: "1", a: "0", opcode: "010" }, add, arithmetic("add", { pairs: true })),
  ...pairwise({ name: "FMAXP", U: "1", a: "0", opcode: "110" }, max, extreme("max", true)),
  ...pairwise({ name: "FMINP", U: "1", a: "1", opcode: "110" }, min, extreme("min", true)),
];

/** The two low lanes of one register. */
function scalarPairs(): readonly Encoding[] {
  const operations = [
    { name: "FMAXNMP", a: "0", opcode: "01100", soft: maxNumber, fastPair: extreme("max", true) },
    { name: "FMINNMP", a: "1", opcode: "01100", soft: minNumber, fastPair: extreme("min", true) },
    { name: "FADDP", a: "0", opcode: "01101", soft: add, fastPair: arithmetic("add", { pairs: true }) },
    { name: "FMAXP", a: "0", opcode: "01111", soft: max, fastPair: extreme("max", true) },
    { name: "FMINP", a: "1", opcode: "01111", soft: min, fastPair: extreme("min", true) },
  ] as const;
  return operations.flatMap(({ name, a, opcode, soft, fastPair }) => {
    const translate: (t: Translator, fields: { readonly sz?: number; readonly Rn: number; readonly Rd: number }) => void = (t, fields) => {
      fastPair(t, { ...fields, Rm: fields.Rn });
    };
    const interpret = (format: FloatFormat, words: BigUint64Array, n: number, d: number): void => {
      const { width } = format;
      setLanes(words, d, width, [withFloat(words, (env) => soft(env, format, lane(words, n, 0, width), lane(words, n, 1, width)))]);
    };
    return [
      encoding(`${name} (scalar)`, `01 1 11110 ${a} sz:1 11000 ${opcode} 10 Rn:5 Rd:5`, translate, undefined, (words, { sz, Rn, Rd }) => {
        interpret(sz === 1 ? DOUBLE : SINGLE, words, Rn, Rd);
      }),
      encoding(`${name} (scalar, half)`, `01 0 11110 ${a} 0 11000 ${opcode} 10 Rn:5 Rd:5`, translate, undefined, (words, { Rn, Rd }) => {
        interpret(HALF, words, Rn, Rd);
      }),
    ];
  });
}

/** Singles plus products of halves: of the low or (FMLAL2) the high half of the first register. `b`: the second factor for a lane. */
export function accumulateHalves(words: BigUint64Array, Q: number, high: boolean, subtract: boolean, n: number, d: number, b: (index: number) => bigint): void {
  const count = Q === 1 ? 4 : 2;
  const before = lanes(words, d, 32, 32 * count);
  const first = high ? count : 0;
  const factors = before.map((_, i) => lane(words, n, first + i, 16));
  const others = before.map((_, i) => b(first + i));
  setLanes(words, d, 32, withFloat(words, (env) => before.map((value, i) => mulAdd(env, SINGLE, value, subtract ? negate(HALF, factors[i]!) : factors[i]!, others[i]!, HALF))));
}

function widening(): readonly Encoding[] {
  const operations = [
    { name: "FMLAL", U: "0", a: "0", opcode: "11101", high: false },
    { name: "FMLSL", U: "0", a: "1", opcode: "11101", high: false },
    { name: "FMLAL2", U: "1", a: "0", opcode: "11001", high: true },
    { name: "FMLSL2", U: "1", a: "1", opcode: "11001", high: true },
  ] as const;
  return operations.map(({ name, U, a, opcode, high }) =>
    encoding(`${name} (vector)`, `0 Q:1 ${U} 01110 ${a} 0 1 Rm:5 ${opcode} 1 Rn:5 Rd:5`, interpretedOnto, undefined, (words, { Q, Rm, Rn, Rd }) => {
      accumulateHalves(words, Q, high, a === "1", Rn, Rd, (index) => lane(words, Rm, index, 16));
    }),
  );
}

export const SIMD_FP_THREE_SAME: readonly Encoding[] = [...LANE_BY_LANE, ...PAIRWISE, ...scalarPairs(), ...widening()];
