/**
 * Code that has not run often: its instructions are carried out one by one, as the rows of the decode table say. Making a module of a block costs
 * as much as carrying it out a few dozen times, and most blocks of a program that starts run once.
 */
import { BRANCHES } from "../a64/branches.js";
import { DATA_IMMEDIATE } from "../a64/data-immediate.js";
import { DATA_REGISTER } from "../a64/data-register.js";
import { LOADS_STORES_EXCLUSIVE } from "../a64/loads-stores-exclusive.js";
import { LOADS_STORES } from "../a64/loads-stores.js";
import { POINTER_AUTHENTICATION } from "../a64/pointer-authentication.js";
import { SIMD_LOADS_STORES } from "../a64/simd-loads-stores.js";
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
const NOT_DIRECT = ["CRC32, CRC32C", "DC ZVA"];
/** Rows that consist of nothing but what `DirectCode` has. */
export const DIRECT_ROWS: ReadonlySet<Encoding> = new Set(
  [...DATA_IMMEDIATE, ...DATA_REGISTER, ...BRANCHES, ...SYSTEM, ...LOADS_STORES, ...LOADS_STORES_EXCLUSIVE, ...POINTER_AUTHENTICATION, ...SIMD_LOADS_STORES].filter(({ name }) => !NOT_DIRECT.includes(name)),
);

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
