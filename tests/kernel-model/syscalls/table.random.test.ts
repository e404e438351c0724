/** Random system calls. */
import { expect } from "chai";
import { runSeed } from "../../support/seed.js";
import { runRandomCalls } from "../../support/random-calls.js";

describe("random system calls", () => {
  it("end in any way but an exception, and give every frame back", () => {
    const first = runSeed() % 1_000_000;
    const ends = runRandomCalls(first, first + 60);
    expect(ends["exit"]).to.be.greaterThan(20);
  });
});
