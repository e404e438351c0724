/** Damaged programs. */
import { expect } from "chai";
import { runRandomPrograms } from "../../support/random-programs.js";
import { runSeed } from "../../support/seed.js";

describe("damaged programs", () => {
  it("are refused with a reason or run to some end", () => {
    const first = runSeed() % 1_000_000;
    const { refused, started } = runRandomPrograms(first, first + 300);
    expect(refused).to.be.greaterThan(30);
    expect(started).to.be.greaterThan(30);
  });
});
