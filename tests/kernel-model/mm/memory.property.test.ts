/* Random sequences of operations on address spaces against an oracle of pages and contents; tests/support/mm-property.ts has both. */
import { assertMemoryBehaves } from "../../support/mm-property.js";

const RUNS = 2000;
const SWAP_RUNS = 500;

describe("memory of processes", () => {
  it(`behaves as pages with contents (${RUNS} sequences)`, function () {
    this.timeout(600_000);
    assertMemoryBehaves(RUNS);
  });

  it(`behaves so when pages go to swap space and come back (${SWAP_RUNS} sequences)`, function () {
    this.timeout(600_000);
    assertMemoryBehaves(SWAP_RUNS, { swap: true });
  });
});
