/* The comparison table: values, and ratios to the first row. */
import { expect } from "chai";
import { comparisonTable } from "../../../lab/report/comparison.js";
import { exampleResult } from "../../support/run-result.js";

describe("comparisonTable", () => {
  const base = exampleResult();
  const { tlb, faults } = base;
  const n1 = tlb["neoverse-n1"]!;
  const better = exampleResult({
    faults: { ...faults, minor: 99, major: 1 },
    tlb: { "neoverse-n1": { ...n1, l1d: { ...n1.l1d, misses: 250 } } },
    contpte: { mappedBytesCont: 4194304, mappedBytes: 4194304 },
  });
  const lines = comparisonTable([
    { name: "4k", result: base },
    { name: "4k+contpte", result: better },
  ]).split("\n");
  const rowsOf = (name: string): string[] => lines.filter((line) => line.startsWith(`│ ${name} `));
  const row = (name: string): string => rowsOf(name)[0]!;

  it("has one row per run", () => {
    expect(row("4k")).to.include("1,602").and.to.include("4,000").and.to.include("75.0 %");
    expect(row("4k+contpte")).to.include("100.0 %");
  });

  it("shows ratios to the first row, = where equal", () => {
    expect(row("4k")).to.not.include("x ");
    expect(row("4k+contpte")).to.match(/100 0\.062x/).and.to.match(/250 0\.063x/);
    expect(row("4k+contpte")).to.match(/10 +=/);
  });

  it("shows what the kernel did in a second table", () => {
    expect(lines.find((line) => line.includes("ptep_get loads"))).to.include("PTE writes").and.to.include("unfold");
    expect(rowsOf("4k")[1]).to.match(/│ +6 │ +6 │/);
  });

  it("says what the ratios refer to", () => {
    expect(lines.at(-1)).to.include("Ratios to 4k");
  });

  it("is empty without rows", () => {
    expect(comparisonTable([])).to.equal("");
  });
});
