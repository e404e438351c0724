/** The decode table: every encoding class that the engine carries out. */
import type { Encoding } from "../decode/encoding.js";
import { BRANCHES } from "./branches.js";
import { DATA_IMMEDIATE } from "./data-immediate.js";
import { LOADS_STORES } from "./loads-stores.js";

export const ENCODINGS: readonly Encoding[] = [...DATA_IMMEDIATE, ...BRANCHES, ...LOADS_STORES];
