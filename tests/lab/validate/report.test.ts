/** The report of a validation. */
import { expect } from "chai";
import { validateJson, validateText } from "../../../lab/validate/report.js";
import { validateDump } from "../../../lab/validate/validate-dump.js";
import { parseTextDump } from "../../../emulator/validate/dump-format.js";
import { editDescriptor, modelDump, PART, validateDumpText } from "../../support/model-dump.js";

const clean = modelDump();
const broken = [0, 1, 2].reduce((text, i) => editDescriptor(text, 3, PART.small + i * 4096, (value) => value & ~(1n << 11n)), editDescriptor(clean, 3, PART.blocks + 0x3000, (value) => value & ~(1n << 52n)));

describe("report of validate", () => {
  it("of a clean table is a line of numbers and a sum", () => {
    expect(validateText("t.dump", validateDumpText(clean))).to.match(/^t\.dump: 4k granule, 48-bit addresses, TTBR0 0x[0-9a-f]+: \d+ tables, \d+ descriptors, \d+ pages \(3 contiguous runs\), 1 level-2 block\n\n0 errors, 0 warnings\n$/);
  });

  it("explains each rule once, and gives each violation its place", () => {
    const text = validateText("t", validateDumpText(broken));
    expect(text.match(/^error A-CONT-MIXED: /gm)).to.have.length(1);
    expect(text.match(/^error L-NG: /gm)).to.have.length(1);
    expect(text.match(/^ {4}va 0x510000[012]000 level 3 entry 0x[0-9a-f]+: 0x/gm)).to.have.length(3);
    expect(text).to.match(/^ {4}va 0x5000000000 level 3 entries 0x[0-9a-f]+-0x[0-9a-f]+: entry 3 /m);
    expect(text).to.match(/TLB conflict abort/);
    expect(text).to.match(/^4 errors, 0 warnings$/m);
    expect(text.indexOf("A-CONT-MIXED")).to.be.lessThan(text.indexOf("L-NG"));
  });

  it("says how many were left out, and what the oracle did", () => {
    const dump = parseTextDump(broken, "t");
    const text = validateText("t", validateDump(dump, { oracle: true, keep: 1 }));
    expect(text).to.match(/^ {4}\.\.\. L-NG: 2 more$/m);
    expect(text).to.match(/^oracle: \d+ translations, 0 disagreements/m);
  });

  it("is the same as JSON", () => {
    const dump = parseTextDump(broken, "t");
    const json = JSON.parse(validateJson("t", validateDump(dump, { oracle: true, keep: 9 }))) as { violations: { rule: string; va: string; level: number }[]; errors: number; totals: object; schema: string; oracle: { disagreements: number } };
    expect(json.schema).to.equal("foliolab/validate/1");
    expect(json.errors).to.equal(4);
    expect(json.totals).to.deep.equal({ "A-CONT-MIXED": 1, "L-NG": 3 });
    expect(json.violations[0]).to.deep.include({ rule: "A-CONT-MIXED", va: "0x5000000000", level: 3 });
    expect(json.oracle.disagreements).to.equal(0);
  });
});
