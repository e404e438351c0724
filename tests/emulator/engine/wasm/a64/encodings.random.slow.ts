/** Five million random instructions of the whole decode table on both engines from the same states. */
import { expect } from "chai";
import { ENCODINGS } from "../../../../../emulator/engine/wasm/a64/encodings.js";
import { differTable } from "../../../../support/decode-table-differential.js";
import { runSeed } from "../../../../support/seed.js";

const INSTRUCTIONS = 5_000_000;
const PARTS = 10;

describe("random instructions, slow", () => {
  for (let part = 0; part < PARTS; part++) {
    it(`do on both engines the same, part ${part + 1} of ${PARTS} of ${INSTRUCTIONS}`, () => {
      const run = differTable(ENCODINGS, INSTRUCTIONS / PARTS, runSeed() + part);
      expect(run.differences.join("\n"), `${run.differing} cases differ`).to.equal("");
      expect(run.instructions).to.be.at.least(INSTRUCTIONS / PARTS);
      expect([...run.runs].filter(([, times]) => times === 0).map(([name]) => name), "rows that were not tried").to.deep.equal([]);
    });
  }
});
