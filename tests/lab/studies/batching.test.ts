/** The comparison page by page and in batches, on made-up results. */
import { expect } from "chai";
import type { RunResult } from "../../../lab/result.js";
import { batchFindings, batchRuns, ownCost } from "../../../lab/studies/batching.js";
import { tlbiOf } from "../../../lab/studies/study.js";
import { exampleResult } from "../../support/run-result.js";

const result = (loads: number, tlbi: number): RunResult =>
  exampleResult({ contpte: { ptepGetLoads: loads, pteStores: 0, mappedBytesCont: 0, mappedBytes: 0 }, tlbi: { ops: { vale1is: tlbi }, dsb: 0 } });

describe("batching", () => {
  it("runs the call and what is taken off under three configurations", () => {
    const runs = batchRuns("fork", "1m");
    expect(Object.values(runs).map(({ config, args }) => `${config} ${args.join(" ")}`)).to.deep.equal([
      "4k+mthp fork 1m",
      "4k+mthp keep 1m",
      "4k+contpte:batch=off fork 1m",
      "4k+contpte:batch=off keep 1m",
      "4k+contpte fork 1m",
      "4k+contpte keep 1m",
    ]);
    expect(batchRuns("unmap", "1m", ["keep", "64k"])["batched, without"]!.args).to.deep.equal(["keep", "64k"]);
  });

  it("compares what the call itself costs", () => {
    const made: Record<string, RunResult> = {
      before: result(110, 3),
      "before, without": result(10, 1),
      pageByPage: result(510, 1001),
      "pageByPage, without": result(10, 1),
      batched: result(112, 3),
      "batched, without": result(10, 1),
    };
    const run = (label: string): RunResult => made[label]!;
    expect(ownCost(run, "pageByPage", tlbiOf)).to.equal(1000);
    const said = batchFindings(run, { pageByPage: "a", batched: "b" }, 1.1);
    expect(said.map(({ claimed, measured, agrees }) => [claimed, measured, agrees])).to.deep.equal([
      ["a", "5.0x", true],
      ["b", "1.0x", true],
      ["a whole run per run unfolded", "1000 (before 2)", true],
      ["none more than before", "2 (before 2)", true],
    ]);
    made["batched"] = result(160, 4);
    expect(batchFindings(run, { pageByPage: "", batched: "" }, 1.1).map(({ agrees }) => agrees)).to.deep.equal([true, false, true, false]);
  });
});
