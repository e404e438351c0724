/** Instructions that are carried out in TypeScript on the register words. */
import { ModelBug } from "../../../arch/errors.js";
import type { Encoding } from "../decode/encoding.js";

/** Carries out one instruction on the register words (layout of CONTEXT_WORDS); the encoding is one that has an `interpret`. */
export function interpret(words: BigUint64Array, row: Encoding | undefined, word: number): void {
  if (row?.interpret === undefined) throw new ModelBug(`wasm engine: no interpretation of ${word.toString(16)}`);
  row.interpret(words, word);
}
