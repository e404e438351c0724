/**
 * One row of the decode table: an encoding as the Arm ARM draws it, and what translates it.
 *
 * A pattern lists the 32 bits from the highest down: `0` and `1` are fixed, `name:width` is a field. The field names are checked where
 * the row is used: `encoding("...", "sf:1 0 0 100010 sh:1 imm12:12 Rn:5 Rd:5", (t, { sf, Rd }) => ...)`.
 * Arm: DDI 0487 C4, the diagrams of C6.2 and C7.2.
 */
import { ModelBug } from "../../../arch/errors.js";
import type { Translator } from "../translator.js";

/** The names of the fields of a pattern. */
export type FieldNames<P extends string> = P extends `${infer Head} ${infer Tail}` ? FieldNames<Head> | FieldNames<Tail> : P extends `${infer Name}:${string}` ? Name : never;
export type Fields<P extends string> = Readonly<Record<FieldNames<P>, number>>;

export interface FieldPlace {
  readonly name: string;
  readonly low: number;
  readonly width: number;
  /** All ones of that width. */
  readonly mask: number;
}

export interface Encoding {
  readonly name: string;
  readonly pattern: string;
  /** Bits that are fixed, and their values; unsigned. */
  readonly mask: number;
  readonly value: number;
  readonly fields: readonly FieldPlace[];
  /** False for combinations of fields that this encoding leaves unallocated. */
  legal(word: number): boolean;
  /** Writes the code of the instruction. `t.pc` is its address, `t.word` the instruction. */
  translate(t: Translator, word: number): void;
  /** Carries the instruction out on the register words, for what `Translator.interpret` leaves to TypeScript. */
  interpret?(words: BigUint64Array, word: number): void;
}

function fixedBits(bits: string, pattern: string): number {
  let value = 0;
  for (const bit of bits) {
    if (bit !== "0" && bit !== "1") throw new ModelBug(`decode table: bit ${bit} in "${pattern}"`);
    value = 2 * value + (bit === "1" ? 1 : 0);
  }
  return value;
}

/** Parses a pattern. Throws ModelBug if it has not 32 bits. */
export function parsePattern(pattern: string): Pick<Encoding, "mask" | "value" | "fields"> {
  let at = 32;
  let mask = 0;
  let value = 0;
  const fields: FieldPlace[] = [];
  for (const token of pattern.split(" ")) {
    const colon = token.indexOf(":");
    if (token === "" || colon === 0) throw new ModelBug(`decode table: pattern "${pattern}"`);
    const width = colon < 0 ? token.length : Number(token.slice(colon + 1));
    const ones = width < 32 ? (1 << width) - 1 : -1;
    at -= width;
    if (colon < 0) {
      mask |= ones << at;
      value |= fixedBits(token, pattern) << at;
    } else fields.push({ name: token.slice(0, colon), low: at, width, mask: ones });
  }
  if (at !== 0) throw new ModelBug(`decode table: "${pattern}" has ${32 - at} bits`);
  return { mask: mask >>> 0, value: value >>> 0, fields };
}

function extract(fields: readonly FieldPlace[], word: number): Record<string, number> {
  const values: Record<string, number> = {};
  for (const { name, low, mask } of fields) values[name] = (word >>> low) & mask;
  return values;
}

/** A row of the decode table. `legal`: which combinations of fields are allocated; all of them if left out. */
export function encoding<const P extends string>(
  name: string,
  pattern: P,
  translate: (t: Translator, fields: Fields<P>) => void,
  legal?: (fields: Fields<P>) => boolean,
  interpret?: (words: BigUint64Array, fields: Fields<P>) => void,
): Encoding {
  const parsed = parsePattern(pattern);
  return {
    ...(interpret === undefined
      ? {}
      : {
          interpret: (words: BigUint64Array, word: number) => {
            interpret(words, extract(parsed.fields, word) as Fields<P>);
          },
        }),
    name,
    pattern,
    ...parsed,
    legal: legal === undefined ? () => true : (word) => legal(extract(parsed.fields, word) as Fields<P>),
    translate: (t, word) => {
      translate(t, extract(parsed.fields, word) as Fields<P>);
    },
  };
}
