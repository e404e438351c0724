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
  /** Only the reference engine carries them out. */
  readonly unallocated?: true;
  /** They differ in some states only: makes a state one in which they do not. */
  readonly avoid?: (context: BigUint64Array) => void;
}

const FPCR = 34;
const FPCR_FZ = 1n << 24n;

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  { name: "LDSMAX and LDSMIN of 8, 16 and 32 bits", bits: "xx111000xx1xxxxx010x00xxxxxxxxxx", but: "11xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" },
  { name: "FCVTZS (scalar, fixed-point) of half precision", bits: "010111110001xxxx111111xxxxxxxxxx" },
  { name: "FCMLA (by element) of half precision, 64-bit", bits: "0010111101xxxxxx0xx1x0xxxxxxxxxx" },
  {
    name: "FJCVTZS of a denormal number that is flushed",
    bits: "0001111001111110000000xxxxxxxxxx",
    avoid: (context) => {
      context[FPCR]! &= ~FPCR_FZ;
    },
  },
  { name: "Scalar FNEG of half precision", bits: "0111111011111000111110xxxxxxxxxx", unallocated: true },
  { name: "Scalar pairwise of half precision with bit 22 set", bits: "01011110x111000011xx10xxxxxxxxxx", unallocated: true },
  { name: "Across lanes of half precision with bit 22 set", bits: "0x001110x111000011xx10xxxxxxxxxx", unallocated: true },
  { name: "Modified immediate with op and o2 set", bits: "0x10111100000xxxxxxx11xxxxxxxxxx", unallocated: true },
];

/** Does the word have these bits? */
export function hasBits(word: number, bits: string): boolean {
  return [...bits].every((bit, i) => bit === "x" || String((word >>> (31 - i)) & 1) === bit);
}

function matches(word: number, { bits, but }: KnownDifference): boolean {
  return hasBits(word, bits) && (but === undefined || !hasBits(word, but));
}

/** The known difference that the word may show in any state. */
export function knownDifference(word: number): KnownDifference | undefined {
  return KNOWN_DIFFERENCES.find((difference) => difference.avoid === undefined && matches(word, difference));
}

/** The known difference that the word shows in some states. */
export function differenceByState(word: number): KnownDifference | undefined {
  return KNOWN_DIFFERENCES.find((difference) => difference.avoid !== undefined && matches(word, difference));
}
