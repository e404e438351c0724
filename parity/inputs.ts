/** Deterministic inputs of the parity table: text, numbers, bytes without pattern, JSON. */

/** 32-bit xorshift; the same sequence for the same seed. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

const SYLLABLES = ["ka", "lo", "mi", "ren", "tu", "sha", "po", "vel", "ni", "dor", "qua", "est"];

/** Lines of made-up words, each line with its number, until `bytes` are reached. */
export function text(bytes: number, seed = 1): string {
  const next = sequence(seed);
  const lines: string[] = [];
  for (let length = 0, n = 1; length < bytes; n++) {
    const words = Array.from({ length: 3 + (next() % 8) }, () => Array.from({ length: 1 + (next() % 3) }, () => SYLLABLES[next() % SYLLABLES.length]).join(""));
    const line = `${n} ${words.join(" ")}`;
    lines.push(line);
    length += line.length + 1;
  }
  return `${lines.join("\n")}\n`;
}

/** `count` numbers below `limit`, one per line. */
export function numbers(count: number, limit = 1_000_000, seed = 2): string {
  const next = sequence(seed);
  return Array.from({ length: count }, () => `${next() % limit}\n`).join("");
}

/** Bytes that do not compress. */
export function noise(bytes: number, seed = 3): Uint8Array {
  const next = sequence(seed);
  return Uint8Array.from({ length: bytes }, () => next() & 0xff);
}

/** A JSON array of `count` records with strings, numbers, nested arrays and nulls. */
export function records(count: number, seed = 4): string {
  const next = sequence(seed);
  const record = (id: number): object => ({
    id,
    name: `${SYLLABLES[next() % SYLLABLES.length]}${SYLLABLES[next() % SYLLABLES.length]}`,
    value: (next() % 100_000) / 8,
    tags: Array.from({ length: next() % 4 }, () => SYLLABLES[next() % SYLLABLES.length]),
    parent: id % 5 === 0 ? null : next() % (id + 1),
  });
  return `${JSON.stringify(Array.from({ length: count }, (_, i) => record(i)))}\n`;
}
