/**
 * Seeded random numbers of the machine: getrandom, AT_RANDOM, /dev/urandom, address randomisation, scheduler jitter.
 *
 * SplitMix32 in counter form: good enough to look random to a program, and a function of the seed alone.
 */
export class SeededRandom {
  private state: number;

  /** `seed`: an integer; `stream` separates users that must not disturb each other. */
  constructor(seed: number, stream = 0) {
    this.state = (Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b)) | 0;
  }

  /** An unsigned 32-bit integer. */
  next(): number {
    this.state = (this.state + 0x9e3779b9) | 0;
    let z = this.state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }

  /** An integer from 0 to `bound` - 1; `bound` at most 2^32. */
  below(bound: number): number {
    return Math.floor((this.next() / 2 ** 32) * bound);
  }

  fill(into: Uint8Array): void {
    for (let i = 0; i < into.length; i += 4) {
      const word = this.next();
      for (let j = 0; j < 4 && i + j < into.length; j++) into[i + j] = (word >>> (8 * j)) & 0xff;
    }
  }
}
