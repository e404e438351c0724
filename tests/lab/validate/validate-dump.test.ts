/** Validation of one table: rule sets together, limits, the addresses that the oracle is asked for. */
import { expect } from "chai";
import { parseTextDump } from "../../../emulator/validate/dump-format.js";
import { visitTables, type VisitedTable } from "../../../emulator/validate/visit-tables.js";
import { oracleAddresses, validateDump } from "../../../lab/validate/validate-dump.js";
import { editDescriptor, modelDump, PART, validateDumpText } from "../../support/model-dump.js";

describe("validating a dump", () => {
  const clean = modelDump();

  it("counts all violations and keeps as many per rule as asked", () => {
    const text = [0, 1, 2, 3, 4].reduce((before, i) => editDescriptor(before, 3, PART.small + i * 4096, (value) => value & ~(1n << 53n)), clean);
    const result = validateDump(parseTextDump(text, "d"), { oracle: false, keep: 2 });
    expect(result.totals).to.deep.equal({ "L-PXN": 5 });
    expect(result.violations).to.have.length(2);
    expect([result.errors, result.warnings]).to.deep.equal([5, 0]);
  });

  it("does without folios", () => {
    const text = clean.replace(/^folios?( .*)?\n/gm, "");
    expect(validateDumpText(text).totals).to.deep.equal({});
    expect(validateDumpText(text.replace(/^tcr/m, "folios\ntcr")).totals).to.have.property("L-FRAME");
  });

  it("asks the oracle for both ends of every leaf, and for gaps", () => {
    const dump = parseTextDump(clean, "d");
    const tables: VisitedTable[] = [];
    visitTables(dump.memory, dump.regime, { table: (table) => void tables.push(table), problem: () => undefined });
    const addresses = new Set(tables.flatMap(oracleAddresses));
    for (const va of [PART.blocks, PART.blocks + 0x1fff, PART.small, PART.none, PART.huge, PART.huge + 2 ** 21 - 1]) expect(addresses.has(va as never), va.toString(16)).to.equal(true);
    const { oracle } = validateDump(dump, { oracle: true, keep: 1 });
    expect(oracle).to.deep.include({ disagreements: [] });
    expect(oracle!.compared).to.equal(2 * tables.flatMap(oracleAddresses).length);
  });
});
