/** Complex arithmetic on pairs of lanes: FCADD, and FCMLA of vectors and by element. Arm: DDI 0487 C7.2 (FCADD, FCMLA). */
import { encoding, type Encoding } from "../decode/encoding.js";
import { DOUBLE, HALF, SINGLE, add, mulAdd, negate, type FloatFormat } from "../soft/float.js";
import { lane, lanes, setLanes, withFloat } from "../soft/registers.js";
import type { Translator } from "../translator.js";

function formatOfSize(size: number): FloatFormat {
  return size === 1 ? HALF : size === 2 ? SINGLE : DOUBLE;
}

function isComplex({ Q, size }: { readonly Q: number; readonly size: number }): boolean {
  return size !== 0 && !(size === 3 && Q === 0);
}

/** Adds the second number turned by 90 degrees, or 270. */
function complexAdd(words: BigUint64Array, Q: number, size: number, rot: number, n: number, m: number, d: number): void {
  const format = formatOfSize(size);
  const { width } = format;
  const a = lanes(words, n, width, Q === 1 ? 128 : 64);
  const b = lanes(words, m, width, Q === 1 ? 128 : 64);
  const results = withFloat(words, (env) =>
    a.map((value, i) => {
      const other = b[i ^ 1]!;
      // i times (x + iy) is -y + ix; the real part is negated at 90 degrees, the imaginary one at 270.
      return add(env, format, value, (i & 1) === rot ? negate(format, other) : other);
    }),
  );
  setLanes(words, d, width, results);
}

/** Adds one half of a complex product: of the real part of the first factor, or (90 and 270 degrees) of the imaginary one. `b`: the lane of the second factor. */
function complexMultiplyAdd(words: BigUint64Array, Q: number, size: number, rot: number, n: number, d: number, b: (index: number) => bigint): void {
  const format = formatOfSize(size);
  const { width } = format;
  const before = lanes(words, d, width, Q === 1 ? 128 : 64);
  const a = lanes(words, n, width, Q === 1 ? 128 : 64);
  const other = before.map((_, i) => b(i ^ (rot & 1)));
  const results = withFloat(words, (env) =>
    before.map((value, i) => {
      const odd = i & 1;
      const negative = rot === 2 || rot === (odd === 0 ? 1 : 3);
      return mulAdd(env, format, value, a[(i & ~1) | (rot & 1)]!, negative ? negate(format, other[i]!) : other[i]!);
    }),
  );
  setLanes(words, d, width, results);
}

function onto(t: Translator, n: number, m: number, d: number): void {
  t.interpret({ vReads: [n, m, d], vWrites: [d] });
}

export const SIMD_FP_COMPLEX: readonly Encoding[] = [
  encoding(
    "FCADD",
    "0 Q:1 1 01110 size:2 0 Rm:5 111 rot:1 01 Rn:5 Rd:5",
    (t, { Rm, Rn, Rd }) => {
      t.interpret({ vReads: [Rn, Rm], vWrites: [Rd] });
    },
    isComplex,
    (words, { Q, size, Rm, rot, Rn, Rd }) => {
      complexAdd(words, Q, size, rot, Rn, Rm, Rd);
    },
  ),
  encoding(
    "FCMLA (vector)",
    "0 Q:1 1 01110 size:2 0 Rm:5 110 rot:2 1 Rn:5 Rd:5",
    (t, { Rm, Rn, Rd }) => {
      onto(t, Rn, Rm, Rd);
    },
    isComplex,
    (words, { Q, size, Rm, rot, Rn, Rd }) => {
      const { width } = formatOfSize(size);
      complexMultiplyAdd(words, Q, size, rot, Rn, Rd, (index) => lane(words, Rm, index, width));
    },
  ),
  encoding(
    "FCMLA (by element)",
    "0 Q:1 1 01111 size:2 L:1 Rm:5 0 rot:2 1 H:1 0 Rn:5 Rd:5",
    (t, { Rm, Rn, Rd }) => {
      onto(t, Rn, Rm, Rd);
    },
    ({ Q, size, L, H }) => (size === 1 && !(Q === 0 && H === 1)) || (size === 2 && Q === 1 && L === 0),
    (words, { Q, size, L, Rm, rot, H, Rn, Rd }) => {
      const { width } = formatOfSize(size);
      const pair = size === 1 ? 2 * H + L : H;
      complexMultiplyAdd(words, Q, size, rot, Rn, Rd, (index) => lane(words, Rm, 2 * pair + (index & 1), width));
    },
  ),
];
