/** All rows of integer Advanced SIMD, its loads and stores, and cryptography. Arm: DDI 0487 C4.1.94, C4.1.95. */
import type { Encoding } from "../decode/encoding.js";
import { SIMD_ACROSS } from "./simd-across.js";
import { SIMD_BY_ELEMENT } from "./simd-by-element.js";
import { SIMD_COPY } from "./simd-copy.js";
import { SIMD_CRYPTO } from "./simd-crypto.js";
import { SIMD_IMMEDIATE } from "./simd-immediate.js";
import { SIMD_LOADS_STORES } from "./simd-loads-stores.js";
import { SIMD_PERMUTE } from "./simd-permute.js";
import { SIMD_SHIFT_IMMEDIATE } from "./simd-shift-immediate.js";
import { SIMD_STRUCTURES } from "./simd-structures.js";
import { SIMD_THREE_DIFFERENT } from "./simd-three-different.js";
import { SIMD_THREE_EXTRA } from "./simd-three-extra.js";
import { SIMD_THREE_SAME } from "./simd-three-same.js";
import { SIMD_TWO_MISC } from "./simd-two-misc.js";

export const SIMD: readonly Encoding[] = [
  ...SIMD_ACROSS,
  ...SIMD_BY_ELEMENT,
  ...SIMD_COPY,
  ...SIMD_CRYPTO,
  ...SIMD_IMMEDIATE,
  ...SIMD_LOADS_STORES,
  ...SIMD_PERMUTE,
  ...SIMD_SHIFT_IMMEDIATE,
  ...SIMD_STRUCTURES,
  ...SIMD_THREE_DIFFERENT,
  ...SIMD_THREE_EXTRA,
  ...SIMD_THREE_SAME,
  ...SIMD_TWO_MISC,
];
