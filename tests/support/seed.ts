/**
 * One seed per test run: from FOLIOLAB_SEED, or chosen at random. It is printed once, on stderr, so that every random test of a run that
 * failed can be repeated.
 */
import fc from "fast-check";

let seed: number | undefined;

/** The seed of this run, an integer of 31 bits. The first call prints it. */
export function runSeed(): number {
  if (seed === undefined) {
    const given = process.env["FOLIOLAB_SEED"];
    seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
    if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 31) throw new Error(`FOLIOLAB_SEED=${given} is not an integer below 2^31`);
    process.stderr.write(`random tests: FOLIOLAB_SEED=${seed} repeats this run\n`);
  }
  return seed;
}

/** Checks a fast-check property `runs` times from the seed of the run. The failure message carries the seed and the shrunk counterexample. */
export function seededAssert<Values>(property: fc.IProperty<Values>, runs = 100): void {
  fc.assert(property, { seed: runSeed(), numRuns: runs });
}

/** The same for a property that returns a promise; to be awaited. */
export async function seededAssertAsync<Values>(property: fc.IAsyncProperty<Values>, runs = 100): Promise<void> {
  await fc.assert(property, { seed: runSeed(), numRuns: runs });
}

/**
 * A small generator for tests that draw values step by step: xorshift32. `next(bound)` is an integer in [0, bound), bound up to 2^32.
 * `salt` separates the streams of several tests of one run.
 */
export function seededRandom(salt = 0): (bound: number) => number {
  let state = (Math.imul(runSeed() ^ salt, 0x9e3779b1) ^ 0x6c078965) >>> 0;
  if (state === 0) state = 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}
