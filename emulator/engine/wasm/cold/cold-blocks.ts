/**
 * Code that has not run often: its instructions are carried out one by one, as the rows of the decode table say. Making a module of a block costs
 * as much as carrying it out a few dozen times, and most blocks of a program that starts run once.
 */
import { BRANCHES } from "../a64/branches.js";
import { DATA_IMMEDIATE } from "../a64/data-immediate.js";
import { DATA_REGISTER } from "../a64/data-register.js";
import { FP_CONVERT } from "../a64/fp-convert.js";
import { LOADS_STORES_EXCLUSIVE } from "../a64/loads-stores-exclusive.js";
import { LOADS_STORES } from "../a64/loads-stores.js";
import { POINTER_AUTHENTICATION } from "../a64/pointer-authentication.js";
import { SIMD_ACROSS } from "../a64/simd-across.js";
import { SIMD_COPY } from "../a64/simd-copy.js";
import { SIMD_IMMEDIATE } from "../a64/simd-immediate.js";
import { SIMD_LOADS_STORES } from "../a64/simd-loads-stores.js";
import { SIMD_PERMUTE } from "../a64/simd-permute.js";
import { SIMD_SHIFT_IMMEDIATE } from "../a64/simd-shift-immediate.js";
import { SIMD_STRUCTURES } from "../a64/simd-structures.js";
import { SIMD_THREE_DIFFERENT } from "../a64/simd-three-different.js";
import { SIMD_THREE_SAME } from "../a64/simd-three-same.js";
import { SIMD_TWO_MISC } from "../a64/simd-two-misc.js";
import { SYSTEM } from "../a64/system.js";
import type { Encoding } from "../decode/encoding.js";
import type { Site } from "../sites.js";
import type { DirectExecution } from "./direct-execution.js";

/** A block that is carried out instruction by instruction. */
export interface ColdBlock {
  readonly start: number;
  readonly words: readonly number[];
  /** What each word is; undefined: nothing. */
  readonly rows: readonly (Encoding | undefined)[];
  /** So often it has been started. */
  runs: number;
}

/** CRC32 is a loop; DC ZVA makes accesses that do not count. */
export const NOT_DIRECT: readonly string[] = ["CRC32, CRC32C", "DC ZVA"];
/** What C libraries' string functions, and moves between registers, have of vector arithmetic. */
export const DIRECT_VECTORS: readonly string[] = [
  "FMOV (to general)", "FMOV (from general)", "FMOV (top half to general)", "FMOV (general to top half)",
  "AND (vector)", "BIC (vector, register)", "ORR (vector, register)", "ORN (vector)", "EOR (vector)", "BSL", "BIT", "BIF", "NOT, RBIT (vector)",
  "ADD (vector)", "SUB (vector)", "ADDP (vector)", "ADDHN", "ADDV",
  "CMEQ (register)", "CMEQ (zero)", "CMHI (register)", "CMHS (register)", "CMGT (register)", "CMGE (register)", "CMGT (zero)", "CMGE (zero)", "CMLT (zero)", "CMLE (zero)", "CMTST",
  "SMAX", "UMAX", "SMIN", "UMIN", "SMAXP", "UMAXP", "SMINP", "UMINP", "UMAXV", "UMINV",
  "SHL", "SSHR", "USHR", "SHRN", "XTN", "REV64 (vector)", "REV32 (vector)", "REV16 (vector)",
];
/** Rows that consist of nothing but what `DirectCode` has. */
export const DIRECT_ROWS: ReadonlySet<Encoding> = new Set([
  ...[
    ...DATA_IMMEDIATE, ...DATA_REGISTER, ...BRANCHES, ...SYSTEM, ...LOADS_STORES, ...LOADS_STORES_EXCLUSIVE, ...POINTER_AUTHENTICATION, ...SIMD_LOADS_STORES, ...SIMD_STRUCTURES, ...SIMD_COPY, ...SIMD_IMMEDIATE,
    ...SIMD_PERMUTE,
  ].filter(({ name }) => !NOT_DIRECT.includes(name)),
  ...[...SIMD_ACROSS, ...SIMD_SHIFT_IMMEDIATE, ...SIMD_THREE_DIFFERENT, ...SIMD_THREE_SAME, ...SIMD_TWO_MISC, ...FP_CONVERT].filter(({ name }) => DIRECT_VECTORS.includes(name)),
]);

/** The block of these words; undefined: it has instructions that only translated code carries out. */
export function coldBlock(start: number, words: readonly number[], find: (word: number) => Encoding | undefined): ColdBlock | undefined {
  const rows = words.map(find);
  return rows.every((row) => row === undefined || DIRECT_ROWS.has(row)) ? { start, words, rows, runs: 0 } : undefined;
}

/** What was done of a block. */
export interface ColdRun {
  readonly instructions: number;
  readonly loads: number;
  readonly stores: number;
  /** Where it was left other than at its end, or after `most` instructions: the PC is in the cells. */
  readonly site: Site | undefined;
}

/** Carries out the block, `most` instructions of it at most. */
export function runColdBlock(direct: DirectExecution, { start, words, rows }: ColdBlock, most: number): ColdRun {
  const count = Math.min(words.length, most);
  let [loads, stores] = [0, 0];
  direct.beginBlock();
  for (let index = 0; index < count; index++) {
    const row = rows[index];
    direct.begin(start + 4 * index, words[index]!);
    if (row === undefined) direct.exit("undefined-instruction");
    else row.translate(direct, words[index]!);
    loads += direct.loads;
    stores += direct.stores;
    if (!direct.ended) continue;
    const kind = direct.exitReason ?? (direct.refused === undefined ? undefined : "access");
    if (kind === undefined) return { instructions: index + 1, loads, stores, site: undefined };
    const done = kind === "svc" ? index + 1 : index;
    direct.setPc(start + 4 * done);
    const run = direct.refused === "single" ? undefined : direct.refused;
    const block = { start, instructions: done, loads, stores };
    return { instructions: done, loads, stores, site: { kind, block, index: done, loads, stores, ownLoads: direct.loads, ownStores: direct.stores, run } };
  }
  direct.setPc(start + 4 * count);
  return { instructions: count, loads, stores, site: undefined };
}
