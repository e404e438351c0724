/**
 * Words on which the WebAssembly engine differs from the reference engine on purpose: where that is known to be wrong against the
 * Arm ARM, or carries out what neither offers to programs. `docs/engine-wasm.md` gives the reasons.
 */
export interface KnownDifference {
  readonly name: string;
  /** Bits 31 to 0; x: any. */
  readonly bits: string;
  /** Exceptions among these words, by the same notation. */
  readonly but?: string;
}

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  { name: "LDSMAX and LDSMIN of 8, 16 and 32 bits", bits: "xx111000xx1xxxxx010x00xxxxxxxxxx", but: "11xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" },
  { name: "FCVTZS (scalar, fixed-point) of half precision", bits: "010111110001xxxx111111xxxxxxxxxx" },
  { name: "FCMLA (by element) of half precision, 64-bit", bits: "0010111101xxxxxx0xx1x0xxxxxxxxxx" },
  { name: "Scalar FNEG of half precision", bits: "0111111011111000111110xxxxxxxxxx" },
  { name: "Scalar pairwise of half precision with bit 22 set", bits: "01011110x111000011xx10xxxxxxxxxx" },
  { name: "Across lanes of half precision with bit 22 set", bits: "0x001110x111000011xx10xxxxxxxxxx" },
  { name: "Modified immediate with op and o2 set", bits: "0x10111100000xxxxxxx11xxxxxxxxxx" },
];

/** Does the word have these bits? */
export function hasBits(word: number, bits: string): boolean {
  return [...bits].every((bit, i) => bit === "x" || String((word >>> (31 - i)) & 1) === bit);
}

/** The known difference that the word may show. */
export function knownDifference(word: number): KnownDifference | undefined {
  return KNOWN_DIFFERENCES.find(({ bits, but }) => hasBits(word, bits) && (but === undefined || !hasBits(word, but)));
}
