/**
 * Floating point with one register: vectors and their scalar forms, across lanes, conversions of width, fixed point.
 *
 * Arm: DDI 0487 C4.1.96, Advanced SIMD two-register miscellaneous (and FP16, and scalar), across lanes, shift by immediate.
 */
import { TYPE_V128 } from "../binary/opcodes.js";
import { encoding, type Encoding } from "../decode/encoding.js";
import {
  DOUBLE, HALF, SINGLE, TIE_AWAY, TIE_EVEN, TO_MINUS_INFINITY, TO_ODD, TO_PLUS_INFINITY, TO_ZERO, absolute, compare, negate, sqrt, type FloatEnvironment, type FloatFormat, type Rounding,
} from "../soft/float.js";
import { convert, fromFixed, roundToInteger, roundToIntegral, toFixed } from "../soft/float-convert.js";
import { reciprocalEstimate, reciprocalExponent, reciprocalSqrtEstimate, unsignedReciprocalEstimate, unsignedReciprocalSqrtEstimate } from "../soft/float-estimate.js";
import { lane, lanes, setLanes, withFloat } from "../soft/registers.js";
import type { Translator } from "../translator.js";
import {
  emitComparison, emitDemotion, emitFromInteger, emitIntegral, emitPromotion, emitReduction, emitSign, emitSquareRoot, emitToInteger, localLanes, vectorOf, type Comparison, type Vector,
} from "./simd-fp-fast.js";
import { isShape, mapLanes, reduceLanes, shapeOf, truth, type LaneBinary, type LaneUnary, type Shape, type ShapeFields } from "./simd-fp-operands.js";
import { max, maxNumber, min, minNumber } from "./simd-fp-three-same.js";

interface Registers {
  readonly Rn: number;
  readonly Rd: number;
}

/** An operation by its place in the tables: bits 29 and 23, and the opcode. */
interface Operation {
  readonly name: string;
  readonly U: string;
  readonly a: string;
  readonly opcode: string;
  /** Which forms there are besides the vectors of singles and doubles. */
  readonly half?: boolean;
  readonly scalar?: boolean;
  readonly vector?: boolean;
}

export type TranslateMisc = (t: Translator, fields: Registers & ShapeFields) => void;

const interpreted = (t: Translator, { Rn, Rd }: Registers): void => {
  t.interpret({ vReads: [Rn], vWrites: [Rd] });
};

function rows({ name, U, a, opcode, half = true, scalar = false, vector = true }: Operation, soft: LaneUnary, translate: TranslateMisc = interpreted): readonly Encoding[] {
  const interpret = (words: BigUint64Array, fields: Registers & ShapeFields): void => {
    mapLanes(words, shapeOf(fields), fields.Rn, fields.Rd, soft);
  };
  return [
    ...(vector ? [encoding(`${name} (vector)`, `0 Q:1 ${U} 01110 ${a} sz:1 10000 ${opcode} 10 Rn:5 Rd:5`, translate, isShape, interpret)] : []),
    ...(vector && half ? [encoding(`${name} (vector, half)`, `0 Q:1 ${U} 01110 ${a} 111100 ${opcode} 10 Rn:5 Rd:5`, translate, undefined, interpret)] : []),
    ...(scalar
      ? [
          encoding(`${name} (scalar, SIMD)`, `01 ${U} 11110 ${a} sz:1 10000 ${opcode} 10 Rn:5 Rd:5`, translate, undefined, interpret),
          encoding(`${name} (scalar, SIMD, half)`, `01 ${U} 11110 ${a} 111100 ${opcode} 10 Rn:5 Rd:5`, translate, undefined, interpret),
        ]
      : []),
  ];
}

function fast(emit: (t: Translator, vector: Vector, n: number, d: number) => void): TranslateMisc {
  return (t, fields) => {
    const vector = vectorOf(fields);
    if (vector === undefined) interpreted(t, fields);
    else emit(t, vector, fields.Rn, fields.Rd);
  };
}

function fastIntegral(rounding: Rounding | undefined, exact: boolean): TranslateMisc {
  return fast((t, vector, n, d) => {
    emitIntegral(t, vector, rounding, exact, n, d);
  });
}
function fastToInteger(unsigned: boolean, rounding: Rounding): TranslateMisc {
  return fast((t, vector, n, d) => {
    emitToInteger(t, vector, unsigned, rounding, 0, n, d);
  });
}
function fastFromInteger(unsigned: boolean): TranslateMisc {
  return fast((t, vector, n, d) => {
    emitFromInteger(t, vector, unsigned, 0, n, d);
  });
}
function fastAgainst(opcode: Comparison): TranslateMisc {
  return fast((t, vector, n, d) => {
    const zero = t.temp(TYPE_V128);
    t.code.v128(0n, 0n).set(zero);
    emitComparison(t, vector, opcode, localLanes(t, vector, n), zero, d, { vReads: [n], vWrites: [d] });
  });
}
function fastSign(opcode: "abs" | "neg"): TranslateMisc {
  return fast((t, vector, n, d) => {
    emitSign(t, vector, opcode, n, d);
  });
}

/** Comparison with zero. */
function against(signalAll: boolean, holds: (order: number) => boolean): LaneUnary {
  return (env, format, a) => {
    const order = compare(env, format, a, 0n, signalAll);
    return truth(format, order !== undefined && holds(order));
  };
}

const integral = (rounding: Rounding | undefined, exact: boolean): LaneUnary => (env, format, a) => roundToIntegral(env, format, a, rounding ?? env.rounding, exact);
const integer = (rounding: Rounding | undefined, width: 32 | 64): LaneUnary => (env, format, a) => roundToInteger(env, format, a, rounding ?? env.rounding, width);
const toInteger = (unsigned: boolean, rounding: Rounding, fractionBits = 0): LaneUnary => (env, format, a) => toFixed(env, format, a, fractionBits, unsigned, rounding, format.width);
const fromInteger = (unsigned: boolean, fractionBits = 0): LaneUnary => (env, format, a) => fromFixed(env, format, unsigned ? a : BigInt.asIntN(format.width, a), fractionBits);

const TO_INTEGER: readonly { readonly name: string; readonly a: string; readonly opcode: string; readonly rounding: Rounding }[] = [
  { name: "FCVTN", a: "0", opcode: "11010", rounding: TIE_EVEN },
  { name: "FCVTM", a: "0", opcode: "11011", rounding: TO_MINUS_INFINITY },
  { name: "FCVTA", a: "0", opcode: "11100", rounding: TIE_AWAY },
  { name: "FCVTP", a: "1", opcode: "11010", rounding: TO_PLUS_INFINITY },
  { name: "FCVTZ", a: "1", opcode: "11011", rounding: TO_ZERO },
];

const LANE_BY_LANE: readonly Encoding[] = [
  ...rows({ name: "FRINTN", U: "0", a: "0", opcode: "11000" }, integral(TIE_EVEN, false), fastIntegral(TIE_EVEN, false)),
  ...rows({ name: "FRINTM", U: "0", a: "0", opcode: "11001" }, integral(TO_MINUS_INFINITY, false), fastIntegral(TO_MINUS_INFINITY, false)),
  ...rows({ name: "FRINTP", U: "0", a: "1", opcode: "11000" }, integral(TO_PLUS_INFINITY, false), fastIntegral(TO_PLUS_INFINITY, false)),
  ...rows({ name: "FRINTZ", U: "0", a: "1", opcode: "11001" }, integral(TO_ZERO, false), fastIntegral(TO_ZERO, false)),
  ...rows({ name: "FRINTA", U: "1", a: "0", opcode: "11000" }, integral(TIE_AWAY, false), fastIntegral(TIE_AWAY, false)),
  ...rows({ name: "FRINTX", U: "1", a: "0", opcode: "11001" }, integral(undefined, true), fastIntegral(undefined, true)),
  ...rows({ name: "FRINTI", U: "1", a: "1", opcode: "11001" }, integral(undefined, false), fastIntegral(undefined, false)),
  ...rows({ name: "FRINT32Z", U: "0", a: "0", opcode: "11110", half: false }, integer(TO_ZERO, 32)),
  ...rows({ name: "FRINT64Z", U: "0", a: "0", opcode: "11111", half: false }, integer(TO_ZERO, 64)),
  ...rows({ name: "FRINT32X", U: "1", a: "0", opcode: "11110", half: false }, integer(undefined, 32)),
  ...rows({ name: "FRINT64X", U: "1", a: "0", opcode: "11111", half: false }, integer(undefined, 64)),
  ...TO_INTEGER.flatMap(({ name, a, opcode, rounding }) => [
    ...rows({ name: `${name}S`, U: "0", a, opcode, scalar: true }, toInteger(false, rounding), fastToInteger(false, rounding)),
    ...rows({ name: `${name}U`, U: "1", a, opcode, scalar: true }, toInteger(true, rounding), fastToInteger(true, rounding)),
  ]),
  ...rows({ name: "SCVTF", U: "0", a: "0", opcode: "11101", scalar: true }, fromInteger(false), fastFromInteger(false)),
  ...rows({ name: "UCVTF", U: "1", a: "0", opcode: "11101", scalar: true }, fromInteger(true), fastFromInteger(true)),
  ...rows({ name: "FCMGT (zero)", U: "0", a: "1", opcode: "01100", scalar: true }, against(true, (order) => order > 0), fastAgainst("gt")),
  ...rows({ name: "FCMEQ (zero)", U: "0", a: "1", opcode: "01101", scalar: true }, against(false, (order) => order === 0), fastAgainst("eq")),
  ...rows({ name: "FCMLT (zero)", U: "0", a: "1", opcode: "01110", scalar: true }, against(true, (order) => order < 0), fastAgainst("lt")),
  ...rows({ name: "FCMGE (zero)", U: "1", a: "1", opcode: "01100", scalar: true }, against(true, (order) => order >= 0), fastAgainst("ge")),
  ...rows({ name: "FCMLE (zero)", U: "1", a: "1", opcode: "01101", scalar: true }, against(true, (order) => order <= 0), fastAgainst("le")),
  ...rows({ name: "FABS", U: "0", a: "1", opcode: "01111" }, (_env, format, a) => absolute(format, a), fastSign("abs")),
  ...rows({ name: "FNEG", U: "1", a: "1", opcode: "01111" }, (_env, format, a) => negate(format, a), fastSign("neg")),
  ...rows({ name: "FSQRT", U: "1", a: "1", opcode: "11111" }, sqrt, fast(emitSquareRoot)),
  ...rows({ name: "FRECPE", U: "0", a: "1", opcode: "11101", scalar: true }, reciprocalEstimate),
  ...rows({ name: "FRSQRTE", U: "1", a: "1", opcode: "11101", scalar: true }, reciprocalSqrtEstimate),
  ...rows({ name: "FRECPX", U: "0", a: "1", opcode: "11111", scalar: true, vector: false }, reciprocalExponent),
];

/** Estimates of unsigned fractions. */
function unsignedEstimates(): readonly Encoding[] {
  const operations = [
    { name: "URECPE", U: "0", estimate: unsignedReciprocalEstimate },
    { name: "URSQRTE", U: "1", estimate: unsignedReciprocalSqrtEstimate },
  ] as const;
  return operations.map(({ name, U, estimate }) =>
    encoding(name, `0 Q:1 ${U} 01110 10 10000 11100 10 Rn:5 Rd:5`, interpreted, undefined, (words, { Q, Rn, Rd }) => {
      setLanes(words, Rd, 32, lanes(words, Rn, 32, Q === 1 ? 128 : 64).map((value) => BigInt(estimate(Number(value)))));
    }),
  );
}

/** FCVTN and FCVTXN: to half the width, in the low half of the destination or (Q) in its high half. */
function narrow(words: BigUint64Array, Q: number, from: FloatFormat, to: FloatFormat, n: number, d: number, rounding?: Rounding): void {
  const values = withFloat(words, (env) => lanes(words, n, from.width, 128).map((value) => convert(env, from, to, value, rounding)));
  setLanes(words, d, to.width, Q === 1 ? [...lanes(words, d, to.width, 64), ...values] : values);
}

const NARROW_AND_WIDEN: readonly Encoding[] = [
  encoding(
    "FCVTN, FCVTN2",
    "0 Q:1 0 01110 0 sz:1 10000 10110 10 Rn:5 Rd:5",
    (t, { Q, sz, Rn, Rd }) => {
      if (sz === 1) emitDemotion(t, Q === 1, Rn, Rd);
      else t.interpret({ vReads: Q === 1 ? [Rn, Rd] : [Rn], vWrites: [Rd] });
    },
    undefined,
    (words, { Q, sz, Rn, Rd }) => {
      narrow(words, Q, sz === 1 ? DOUBLE : SINGLE, sz === 1 ? SINGLE : HALF, Rn, Rd);
    },
  ),
  encoding(
    "FCVTXN, FCVTXN2",
    "0 Q:1 1 01110 01 10000 10110 10 Rn:5 Rd:5",
    (t, { Q, Rn, Rd }) => {
      t.interpret({ vReads: Q === 1 ? [Rn, Rd] : [Rn], vWrites: [Rd] });
    },
    undefined,
    (words, { Q, Rn, Rd }) => {
      narrow(words, Q, DOUBLE, SINGLE, Rn, Rd, TO_ODD);
    },
  ),
  encoding("FCVTXN (scalar)", "01 1 11110 01 10000 10110 10 Rn:5 Rd:5", interpreted, undefined, (words, { Rn, Rd }) => {
    setLanes(words, Rd, 32, [withFloat(words, (env) => convert(env, DOUBLE, SINGLE, lane(words, Rn, 0, 64), TO_ODD))]);
  }),
  encoding("FCVTL, FCVTL2", "0 Q:1 0 01110 0 sz:1 10000 10111 10 Rn:5 Rd:5", (t, { Q, sz, Rn, Rd }) => {
    if (sz === 1) emitPromotion(t, Q === 1, Rn, Rd);
    else t.interpret({ vReads: [Rn], vWrites: [Rd] });
  }, undefined, (words, { Q, sz, Rn, Rd }) => {
    const [from, to] = sz === 1 ? [SINGLE, DOUBLE] : [HALF, SINGLE];
    const values = lanes(words, Rn, from.width, 128);
    const half = Q === 1 ? values.slice(values.length / 2) : values.slice(0, values.length / 2);
    setLanes(words, Rd, to.width, withFloat(words, (env) => half.map((value) => convert(env, from, to, value))));
  }),
];

function acrossLanes(): readonly Encoding[] {
  const operations: readonly { readonly name: string; readonly a: string; readonly opcode: string; readonly soft: LaneBinary }[] = [
    { name: "FMAXNMV", a: "0", opcode: "01100", soft: maxNumber },
    { name: "FMINNMV", a: "1", opcode: "01100", soft: minNumber },
    { name: "FMAXV", a: "0", opcode: "01111", soft: max },
    { name: "FMINV", a: "1", opcode: "01111", soft: min },
  ];
  return operations.flatMap(({ name, a, opcode, soft }) => [
    encoding(name, `0 1 1 01110 ${a} 0 11000 ${opcode} 10 Rn:5 Rd:5`, (t, { Rn, Rd }) => {
      emitReduction(t, a === "0" ? "max" : "min", Rn, Rd);
    }, undefined, (words, { Rn, Rd }) => {
      reduceLanes(words, { format: SINGLE, count: 4 }, Rn, Rd, soft);
    }),
    encoding(`${name} (half)`, `0 Q:1 0 01110 ${a} 0 11000 ${opcode} 10 Rn:5 Rd:5`, interpreted, undefined, (words, { Q, Rn, Rd }) => {
      reduceLanes(words, { format: HALF, count: Q === 1 ? 8 : 4 }, Rn, Rd, soft);
    }),
  ]);
}

interface FixedFields extends Registers {
  readonly Q?: number;
  readonly immh: number;
  readonly immb: number;
}

/** The highest bit of immh names the format; what is below counts fraction bits down. */
function fixedPoint({ Q, immh, immb }: FixedFields): { readonly shape: Shape; readonly fractionBits: number } {
  const format = immh >= 8 ? DOUBLE : immh >= 4 ? SINGLE : HALF;
  const { width } = format;
  return { shape: { format, count: Q === undefined ? 1 : (Q === 1 ? 128 : 64) / width }, fractionBits: 2 * width - (immh * 8 + immb) };
}

function isFixedPoint({ Q, immh }: { readonly Q?: number; readonly immh: number }): boolean {
  return immh >= 2 && !(Q === 0 && immh >= 8);
}

function fixedPointRows(): readonly Encoding[] {
  const operations: readonly { readonly name: string; readonly U: string; readonly opcode: string; readonly soft: (fractionBits: number) => LaneUnary; readonly emit: (t: Translator, vector: Vector, fractionBits: number, n: number, d: number) => void }[] = [
    { name: "SCVTF", U: "0", opcode: "11100", soft: (fractionBits) => fromInteger(false, fractionBits), emit: (t, vector, fractionBits, n, d) => { emitFromInteger(t, vector, false, fractionBits, n, d); } },
    { name: "UCVTF", U: "1", opcode: "11100", soft: (fractionBits) => fromInteger(true, fractionBits), emit: (t, vector, fractionBits, n, d) => { emitFromInteger(t, vector, true, fractionBits, n, d); } },
    { name: "FCVTZS", U: "0", opcode: "11111", soft: (fractionBits) => toInteger(false, TO_ZERO, fractionBits), emit: (t, vector, fractionBits, n, d) => { emitToInteger(t, vector, false, TO_ZERO, fractionBits, n, d); } },
    { name: "FCVTZU", U: "1", opcode: "11111", soft: (fractionBits) => toInteger(true, TO_ZERO, fractionBits), emit: (t, vector, fractionBits, n, d) => { emitToInteger(t, vector, true, TO_ZERO, fractionBits, n, d); } },
  ];
  return operations.flatMap(({ name, U, opcode, soft, emit }) => {
    const translate = (t: Translator, fields: FixedFields): void => {
      const { shape, fractionBits } = fixedPoint(fields);
      const vector = shape.format === HALF ? undefined : vectorOf({ ...(fields.Q === undefined ? {} : { Q: fields.Q }), sz: shape.format === DOUBLE ? 1 : 0 });
      if (vector === undefined) interpreted(t, fields);
      else emit(t, vector, fractionBits, fields.Rn, fields.Rd);
    };
    const interpret = (words: BigUint64Array, fields: FixedFields): void => {
      const { shape, fractionBits } = fixedPoint(fields);
      const convertLane = soft(fractionBits);
      mapLanes(words, shape, fields.Rn, fields.Rd, (env: FloatEnvironment, format: FloatFormat, a: bigint) => convertLane(env, format, a));
    };
    return [
      encoding(`${name} (vector, fixed-point)`, `0 Q:1 ${U} 011110 immh:4 immb:3 ${opcode} 1 Rn:5 Rd:5`, translate, isFixedPoint, interpret),
      encoding(`${name} (scalar, SIMD, fixed-point)`, `01 ${U} 111110 immh:4 immb:3 ${opcode} 1 Rn:5 Rd:5`, translate, isFixedPoint, interpret),
    ];
  });
}

export const SIMD_FP_MISC: readonly Encoding[] = [...LANE_BY_LANE, ...unsignedEstimates(), ...NARROW_AND_WIDEN, ...acrossLanes(), ...fixedPointRows()];
