/**
 * Instructions of floating point on both engines from register files that are made for them: numbers near each other, near ties, near the
 * limits of their formats, with the flag for inexact results set and clear.
 */
import { CONTEXT_WORDS } from "../../emulator/engine/engine.js";
import type { Encoding } from "../../emulator/engine/wasm/decode/encoding.js";
import { InstructionDifferential } from "./instruction-differential.js";
import { differenceByState, knownDifference } from "./known-differences.js";
import { Random, randomContext, randomWord } from "./random-instructions.js";

export interface Format {
  readonly width: number;
  readonly fractionBits: number;
}

export const FORMATS: readonly Format[] = [{ width: 64, fractionBits: 52 }, { width: 32, fractionBits: 23 }, { width: 16, fractionBits: 10 }];
const CHUNK = 4000;
const SHOWN = 12;

/** A number of the format, as bits: ordinary size and few bits more often than not. */
export function floatOperand(random: Random, { width, fractionBits }: Format): bigint {
  const exponentBits = width - 1 - fractionBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  const top = 2 ** exponentBits - 1;
  const field = [
    bias - 3 + random.below(7), bias - 3 + random.below(7), bias, bias + fractionBits + random.below(4) - 2, bias - fractionBits - random.below(4),
    random.below(top), random.below(3), top - 1 - random.below(3), bias + 31 - random.below(2), bias + 63 - random.below(2),
  ][random.below(random.below(3) === 0 ? 10 : 3)]!;
  const mask = (1n << BigInt(fractionBits)) - 1n;
  const bit = (): bigint => 1n << BigInt(random.below(fractionBits));
  const fractions = [random.bits64(), 0n, 0n, bit(), bit() | bit(), mask, mask ^ (bit() - 1n), random.bits64() & ~(bit() - 1n), mask >> BigInt(random.below(fractionBits)), random.bits64()];
  const bits = random.below(40) === 0 ? 0n : (BigInt(Math.min(Math.max(field, 0), top)) << BigInt(fractionBits)) | (random.pick(fractions) & mask);
  return bits | (BigInt(random.below(2)) << BigInt(width - 1));
}

/** A register file whose vectors hold numbers of one format. FPCR is 0 but for one in four. */
export function floatContext(random: Random): BigUint64Array {
  const words = randomContext(random);
  const format = random.pick(FORMATS);
  for (let n = 37; n < CONTEXT_WORDS; n++) {
    words[n] = 0n;
    for (let bit = 0; bit < 64; bit += format.width) words[n]! |= floatOperand(random, format) << BigInt(bit);
  }
  if (random.below(4) !== 0) words[34] = 0n;
  words[35] = random.below(2) === 0 ? 0n : 0x10n;
  return words;
}

/** `count` random instructions of the rows, in turns. Returns the first differences with their rows' names. */
export function differFloats(rows: readonly Encoding[], count: number, seed: number): string[] {
  const random = new Random(seed);
  const pair = new InstructionDifferential(random);
  const differences: string[] = [];
  try {
    for (let done = 0; done < count; done += CHUNK) {
      const cases: number[][] = [];
      const contexts: BigUint64Array[] = [];
      const names: string[] = [];
      for (let i = 0; i < Math.min(CHUNK, count - done); i++) {
        const row = rows[(done + i) % rows.length]!;
        const word = randomWord(row, random);
        if (word === undefined || knownDifference(word) !== undefined) continue;
        names.push(row.name);
        cases.push([word]);
        const context = floatContext(random);
        differenceByState(word)?.avoid?.(context);
        contexts.push(context);
      }
      for (const { words, lines } of pair.run(cases, contexts)) {
        const name = names[cases.findIndex((one) => one === words)] ?? "?";
        differences.push(`${name} ${words[0]!.toString(16)}\n    ${lines.join("\n    ")}`);
      }
    }
  } finally {
    pair.dispose();
  }
  return differences.slice(0, SHOWN);
}
