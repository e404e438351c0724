/* The random sequences of memory.property.test.ts, many. */
import { assertMemoryBehaves } from "../../support/mm-property.js";

const PARTS = 100;

describe("memory of processes, 100,000 sequences", () => {
  for (let part = 1; part <= PARTS; part++) {
    it(`part ${part} of ${PARTS}`, function () {
      this.timeout(0);
      assertMemoryBehaves(1000, { part });
    });
  }
});

describe("memory of processes with swap space, 20,000 sequences", () => {
  for (let part = 1; part <= PARTS / 5; part++) {
    it(`part ${part} of ${PARTS / 5}`, function () {
      this.timeout(0);
      assertMemoryBehaves(1000, { part: PARTS + part, swap: true });
    });
  }
});
