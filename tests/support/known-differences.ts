/**
 * Instructions on which the WebAssembly engine differs from the reference engine on purpose: where that is known to be wrong against the
 * Arm ARM, or carries out what neither offers to programs. `docs/engine-wasm.md` has the same list.
 */
export interface KnownDifference {
  readonly name: string;
  /** Words that may differ. */
  readonly words: string;
  readonly matches: (word: number) => boolean;
}

function pattern(mask: number, value: number): (word: number) => boolean {
  return (word) => (word & mask) >>> 0 === value;
}

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    // Unicorn compares the zero-extended operands as signed 64-bit numbers. Arm: DDI 0487 C6.2, LDSMAXB and others: signed of the access size.
    name: "LDSMAX and LDSMIN of 8, 16 and 32 bits",
    words: "size 0x111000xx1xxxxx010x00xxxxxxxxxx but 11",
    matches: (word) => pattern(0x3f20_ec00, 0x3820_4000)(word) && word >>> 30 !== 3,
  },
  {
    // Needs no enabled key, so the reference computes a code from a key of zeros. HWCAP does not offer it.
    name: "PACGA",
    words: "10011010110xxxxx001100xxxxxxxxxx",
    matches: pattern(0xffe0_fc00, 0x9ac0_3000),
  },
];

/** The reason why a word may differ, if it may. */
export function knownDifference(word: number): string | undefined {
  return KNOWN_DIFFERENCES.find(({ matches }) => matches(word))?.name;
}
