/**
 * Random instructions of the whole decode table on both engines: each row in turn, alone and in short sequences, and words of the whole
 * 32-bit space, most of them undefined.
 */
import type { Encoding } from "../../emulator/engine/wasm/decode/encoding.js";
import { Decoder } from "../../emulator/engine/wasm/decode/decoder.js";
import { type Difference, InstructionDifferential, TUNINGS } from "./instruction-differential.js";
import { differenceByState, knownDifference } from "./known-differences.js";
import { Random, randomSequence, randomWord, turns } from "./random-instructions.js";

/** Of ten instructions: alone, in sequences, of the whole space. */
const ALONE = 7;
const SEQUENCES = 2;
/** Cases of a chunk; chunks in turn are carried out at once, translated, and translated as code that runs often. */
const CHUNK = 5_000;
const SHOWN = 12;

export interface TableRun {
  /** Instructions that were tried; those of sequences one by one. */
  readonly instructions: number;
  /** By row: how often it was tried alone. */
  readonly runs: ReadonlyMap<string, number>;
  /** Rows of which no legal word was found. */
  readonly unreachable: readonly string[];
  /** Random words that neither engine should carry out. */
  readonly undefinedWords: number;
  readonly differing: number;
  /** The first differences, with the names of their rows. */
  readonly differences: readonly string[];
}

/** Tries `count` random instructions of the rows, from `seed`. */
export function differTable(rows: readonly Encoding[], count: number, seed: number): TableRun {
  const random = new Random(seed);
  const decoder = new Decoder(rows);
  const order = rows.flatMap((row) => Array.from({ length: turns(row) }, () => row));
  const runs = new Map(rows.map((row) => [row.name, 0]));
  const unreachable = new Set<string>();
  const differences: Difference[] = [];
  let [instructions, undefinedWords, differing, turn] = [0, 0, 0, random.below(order.length)];

  const nextCase = (): number[] | undefined => {
    const kind = random.below(10);
    if (kind < ALONE) {
      const row = order[turn++ % order.length]!;
      const word = randomWord(row, random);
      if (word === undefined) unreachable.add(row.name);
      else if (knownDifference(word) === undefined) {
        // An exception of the encoding class may have a row of its own.
        const name = decoder.find(word)!.name;
        runs.set(name, runs.get(name)! + 1);
        return [word];
      }
      return undefined;
    }
    if (kind < ALONE + SEQUENCES) return randomSequence(rows, random);
    const word = random.next();
    if (decoder.find(word) === undefined) undefinedWords++;
    return [word];
  };

  const pairs = TUNINGS.map((tuning) => new InstructionDifferential(random, tuning));
  try {
    for (let chunk = 0; instructions < count; chunk++) {
      const cases: number[][] = [];
      for (let size = 0; size < CHUNK && instructions < count; ) {
        const words = nextCase();
        if (words === undefined) {
          // Rows without legal words must not make this endless.
          size++;
          continue;
        }
        if (words.some((word) => knownDifference(word) !== undefined || (words.length > 1 && differenceByState(word) !== undefined))) continue;
        cases.push(words);
        size += words.length;
        instructions += words.length;
      }
      const found = pairs[chunk % pairs.length]!.run(cases);
      differing += found.length;
      differences.push(...found.slice(0, SHOWN - differences.length));
    }
  } finally {
    for (const pair of pairs) pair.dispose();
  }
  const text = ({ words, lines }: Difference): string => `${words.map((word) => `${word.toString(16).padStart(8, "0")} ${decoder.find(word)?.name ?? "(no row)"}`).join("; ")}\n    ${lines.join("\n    ")}`;
  return { instructions, runs, unreachable: [...unreachable], undefinedWords, differing, differences: differences.map(text) };
}
