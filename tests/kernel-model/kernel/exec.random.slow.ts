/** Damaged programs, many. */
import { expect } from "chai";
import { runRandomPrograms } from "../../support/random-programs.js";
import { runSeed } from "../../support/seed.js";

describe("100,000 damaged programs", () => {
  const first = runSeed() % 1_000_000;
  for (let part = 0; part < 100; part++) {
    it(`part ${part + 1} of 100`, function () {
      this.timeout(0);
      expect(runRandomPrograms(first + part * 1000, first + (part + 1) * 1000).started).to.be.greaterThan(100);
    });
  }
});
