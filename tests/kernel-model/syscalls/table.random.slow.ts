/** Random system calls, many. */
import { expect } from "chai";
import { runSeed } from "../../support/seed.js";
import { runRandomCalls } from "../../support/random-calls.js";

describe("100,000 random system call sequences", () => {
  const first = runSeed() % 1_000_000;
  // Fifty calls make a sequence; a machine runs forty of them.
  for (let part = 0; part < 25; part++) {
    it(`part ${part + 1} of 25`, function () {
      this.timeout(0);
      const ends = runRandomCalls(first + part * 100, first + (part + 1) * 100, 2000);
      expect(ends["exit"] ?? 0).to.be.greaterThan(10);
    });
  }
});
