/** The explanation of a descriptor, as text and as JSON. */
import { expect } from "chai";
import { granule, type Level } from "../../../emulator/arch/granule.js";
import { descriptorFindings, explainJson, explainText } from "../../../lab/descriptor/explain.js";

const options = (level: Level = 3) => ({ context: { granule: granule("4k"), level, lpa2: false, mair: 0x04_00_44_ff_ffn }, oaBits: 48 });

describe("explaining a descriptor", () => {
  it("has a headline, a row per field, rights, Linux's view, and no broken rule", () => {
    const text = explainText(0x00f8_0000_1234_5f43n, options());
    expect(text).to.match(/^0x00f8000012345f43 {2}page descriptor, level 3, 4k granule: maps 4k at 0x12345000$/m);
    expect(text).to.match(/^ {2}52 +Contiguous +0x1 +one of 16 that may be cached as one entry +PTE_CONT$/m);
    expect(text).to.match(/^ {2}EL0 {5}rw-$/m);
    expect(text).to.match(/^ {2}EL1 {5}rw- {2}\(no data access under PSTATE.PAN\)$/m);
    expect(text).to.match(/^no rule is broken$/m);
  });

  it("says what tables, blocks and reserved encodings are", () => {
    expect(explainText(0x0800_0000_4100_0003n, options(2))).to.match(/table descriptor, level 2, 4k granule: next table at 0x41000000/);
    expect(explainText(0x0060_0000_4020_0fc1n, options(2))).to.match(/block descriptor, level 2, 4k granule: maps 2m at 0x40200000/);
    expect(explainText(0x0060_0000_4020_0fc1n, options())).to.match(/reserved encoding, level 3/);
    expect(explainText(0x0068_0000_1234_5fc3n, options())).to.match(/EL0 {5}r-- {2}\(w with TCR.HD/);
  });

  it("names the rules that are broken, with source and consequence", () => {
    const text = explainText(0x0040_0000_1234_5743n, options());
    for (const id of ["L-NG", "L-PXN", "L-WRITE-RDONLY"]) expect(text).to.match(new RegExp(`^error ${id}: `, "m"));
    expect(text).to.match(/^ {2}consequence: /m);
    expect(descriptorFindings(0n, options())).to.deep.equal([]);
  });

  it("is the same as JSON", () => {
    const json = JSON.parse(explainJson(0x0060_0000_1234_5f82n, options())) as Record<string, unknown>;
    expect(json).to.include({ schema: "foliolab/descriptor/1", kind: "invalid", granule: "4k", level: 3, address: null });
    expect(json["linux"]).to.include({ state: "prot-none" });
    expect(json["linuxFields"]).to.have.length.greaterThan(10);
    const page = JSON.parse(explainJson(0x0040_0000_1234_5743n, options())) as { violations: { rule: string }[]; memory: string; rights: { el0: { execute: boolean } } };
    expect(page.violations.map(({ rule }) => rule)).to.include("L-NG");
    expect(page.memory).to.match(/^Normal/);
    expect(page.rights.el0.execute).to.equal(false);
  });
});
