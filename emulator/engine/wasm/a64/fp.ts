/** The rows of floating point, scalar and vector. */
import type { Encoding } from "../decode/encoding.js";
import { FP_COMPARE } from "./fp-compare.js";
import { FP_CONVERT } from "./fp-convert.js";
import { FP_DATA } from "./fp-data.js";

export const FP: readonly Encoding[] = [...FP_DATA, ...FP_COMPARE, ...FP_CONVERT];
