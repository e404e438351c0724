/** Numbers as studies say them. */
import { expect } from "chai";
import { change, pteWork, times, tlbOf, tlbiOf } from "../../../lab/studies/study.js";
import { exampleResult } from "../../support/run-result.js";

describe("numbers of studies", () => {
  it("factors and changes", () => {
    expect([times(320, 100), times(6.25, 100), times(2000, 100), times(100, 100)]).to.deep.equal(["3.2x", "0.063x", "20x", "1.0x"]);
    expect([change(106.2, 100), change(90, 100), change(100, 100)]).to.deep.equal(["+6.2 %", "-10.0 %", "+0.0 %"]);
  });

  it("sums over a result", () => {
    const run = exampleResult({ contpte: { ptepGetLoads: 7, pteStores: 5, fold: 9, mappedBytesCont: 0, mappedBytes: 1 } });
    expect([tlbiOf(run), pteWork(run), tlbOf(run).walks]).to.deep.equal([6, 12, 40]);
  });
});
