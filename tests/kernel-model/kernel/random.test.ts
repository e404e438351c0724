/** Seeded random numbers. */
import { expect } from "chai";
import { SeededRandom } from "../../../kernel-model/kernel/random.js";

describe("seeded random numbers", () => {
  it("are a function of seed and stream", () => {
    const draw = (seed: number, stream?: number): number[] => {
      const random = new SeededRandom(seed, stream);
      return Array.from({ length: 8 }, () => random.next());
    };
    expect(draw(5)).to.deep.equal(draw(5));
    expect(draw(5)).to.not.deep.equal(draw(6));
    expect(draw(5, 1)).to.not.deep.equal(draw(5, 2));
  });

  it("stay below their bound and reach both ends", () => {
    const random = new SeededRandom(1);
    const seen = new Set(Array.from({ length: 2000 }, () => random.below(7)));
    expect([...seen].sort((a, b) => a - b)).to.deep.equal([0, 1, 2, 3, 4, 5, 6]);
  });

  it("fill bytes of any length, each value about as often", () => {
    const bytes = new Uint8Array(100_003);
    new SeededRandom(3).fill(bytes);
    const counts = new Uint32Array(256);
    for (const byte of bytes) counts[byte]!++;
    expect(Math.min(...counts)).to.be.greaterThan(300);
    expect(Math.max(...counts)).to.be.lessThan(490);
  });
});
