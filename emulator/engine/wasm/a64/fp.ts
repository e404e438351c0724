/** The rows of floating point, scalar and vector. */
import type { Encoding } from "../decode/encoding.js";
import { FP_COMPARE } from "./fp-compare.js";
import { FP_CONVERT } from "./fp-convert.js";
import { FP_DATA } from "./fp-data.js";
import { SIMD_FP_BY_ELEMENT } from "./simd-fp-by-element.js";
import { SIMD_FP_COMPLEX } from "./simd-fp-complex.js";
import { SIMD_FP_MISC } from "./simd-fp-misc.js";
import { SIMD_FP_THREE_SAME } from "./simd-fp-three-same.js";

export const FP: readonly Encoding[] = [...FP_DATA, ...FP_COMPARE, ...FP_CONVERT, ...SIMD_FP_THREE_SAME, ...SIMD_FP_BY_ELEMENT, ...SIMD_FP_COMPLEX, ...SIMD_FP_MISC];
