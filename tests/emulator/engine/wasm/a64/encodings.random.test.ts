/** Random instructions of the whole decode table, alone and in sequences, on both engines from the same states. */
import { expect } from "chai";
import { ENCODINGS } from "../../../../../emulator/engine/wasm/a64/encodings.js";
import { differTable } from "../../../../support/decode-table-differential.js";
import { runSeed } from "../../../../support/seed.js";

const INSTRUCTIONS = 100_000;

describe("random instructions", () => {
  it(`do on both engines the same, ${INSTRUCTIONS} of them, every row of the decode table among them`, () => {
    const run = differTable(ENCODINGS, INSTRUCTIONS, runSeed());
    expect(run.differences.join("\n"), `${run.differing} cases differ`).to.equal("");
    expect(run.instructions).to.be.at.least(INSTRUCTIONS);
    expect(run.undefinedWords).to.be.greaterThan(INSTRUCTIONS / 100);
    expect(run.unreachable, "rows without legal words").to.deep.equal([]);
    expect([...run.runs].filter(([, times]) => times === 0).map(([name]) => name), "rows that were not tried").to.deep.equal([]);
  }).timeout(600_000);
});
