/** The decode table: every encoding class that the engine carries out. */
import type { Encoding } from "../decode/encoding.js";
import { BRANCHES } from "./branches.js";
import { DATA_IMMEDIATE } from "./data-immediate.js";
import { DATA_REGISTER } from "./data-register.js";
import { FP } from "./fp.js";
import { LOADS_STORES_EXCLUSIVE } from "./loads-stores-exclusive.js";
import { LOADS_STORES } from "./loads-stores.js";
import { POINTER_AUTHENTICATION } from "./pointer-authentication.js";
import { SIMD } from "./simd.js";
import { SYSTEM } from "./system.js";

export const ENCODINGS: readonly Encoding[] = [...DATA_IMMEDIATE, ...DATA_REGISTER, ...BRANCHES, ...SYSTEM, ...LOADS_STORES, ...LOADS_STORES_EXCLUSIVE, ...POINTER_AUTHENTICATION, ...SIMD, ...FP];
