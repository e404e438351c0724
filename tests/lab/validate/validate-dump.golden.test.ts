/** Every page table of the recordings of real Linux is accepted, and the oracle agrees on every leaf of them. */
import { expect } from "chai";
import { place } from "../../../emulator/validate/rule.js";
import { validateDump } from "../../../lab/validate/validate-dump.js";
import { goldenRecords, GoldenTables, RECORDINGS } from "../../support/golden-tables.js";

describe("validate: tables of real Linux", () => {
  for (const [file, name, vaBits] of RECORDINGS) {
    it(`are accepted, and the oracle agrees (${file})`, () => {
      const rebuilt = new GoldenTables(name, vaBits);
      const records = goldenRecords(file);
      expect(records.length).to.be.greaterThan(100);
      let runs = 0;
      let compared = 0;
      for (const record of records) {
        const { key, regime, tables, folios } = rebuilt.rebuild(record);
        const result = validateDump({ regime, memory: tables, folios }, { oracle: true, keep: 3 });
        // One program maps memory rwx, which is legal and worth a warning.
        const unexpected = result.violations.filter(({ rule }) => !(rule.id === "A-WRITE-EXEC" && record.step.startsWith("rwx")));
        const found = unexpected.map((violation) => `${violation.rule.id} ${place(violation)}: ${violation.detail}`);
        expect(found, key).to.deep.equal([]);
        const present = (record.sum as { present?: number; pmd_leaf_pages?: number } | undefined)?.present ?? 0;
        const [, , blocks, pages] = result.counts.leaves;
        if (blocks === 0) expect(pages, `${key}: present pages`).to.equal(present);
        runs += result.counts.runs[3];
        expect(result.counts.runs[3], `${key}: contiguous blocks`).to.equal((record.sum as { cont_blocks?: number }).cont_blocks);
        compared += result.oracle!.compared;
      }
      expect(runs, "contiguous blocks seen").to.be.greaterThan(100);
      expect(compared).to.be.greaterThan(10_000);
    });
  }
});
