/** `foliolab study`: the list, a report, its status. */
import { expect } from "chai";
import { studyList, studyReport } from "../../../lab/commands/study.js";
import { STUDIES, studyOf } from "../../../lab/studies/table.js";
import { foliolab } from "../../support/cli.js";
import { guestProgram } from "../../support/guest.js";

describe("foliolab study", function () {
  this.timeout(120_000);

  it("alone lists them, with what each claims", () => {
    const { status, stdout } = foliolab(["study"]);
    expect(status).to.equal(0);
    expect(stdout.trimEnd()).to.equal(studyList());
    for (const { name, title } of STUDIES) expect(stdout).to.include(name).and.include(title);
  });

  it("prints the claim beside the result, and all of it as JSON", () => {
    guestProgram("touch");
    const { status, stdout, stderr } = foliolab(["study", "fault-count", "--json", "-"]);
    expect(status, stderr).to.equal(0);
    expect(stderr).to.match(/write faults saved on 16 MiB *│ 3840 *│ 3840 *│ agrees/).and.include("Ryan Roberts");
    const { schema, studies } = JSON.parse(stdout) as { schema: string; studies: { name: string; findings: { agrees: boolean }[]; results: Record<string, { schema: string }> }[] };
    expect(schema).to.equal("foliolab/study/1");
    expect(studies.map(({ name, results }) => [name, Object.keys(results)])).to.deep.equal([["fault-count", ["pages", "folios", "contpte"]]]);
    expect(studies[0]!.results["pages"]!.schema).to.equal("foliolab/run/1");
    expect(studies[0]!.findings.every(({ agrees }) => agrees)).to.equal(true);
  });

  it("status 1 where a finding differs: a core that does not look at the contiguous bit", () => {
    guestProgram("touch");
    const { status, stderr } = foliolab(["study", "fault-count", "--core", "qemu"]);
    expect(status).to.equal(1);
    expect(stderr).to.match(/walks, contpte to folios *│ fewer *│ 1\.0x *│ DIFFERS/);
  });

  it("says what is wrong in one line", () => {
    expect(foliolab(["study", "nonsense"])).to.deep.include({ status: 2, stdout: "" });
    const { status, stderr } = foliolab(["study", "fault-count", "--programs", "/nowhere"]);
    expect([status, stderr]).to.deep.equal([2, "foliolab: /nowhere/touch: not there; `make guests` builds the programs of the studies, --programs names their folder\n"]);
  });

  it("a report says what was published, by whom, and what differs here", () => {
    const study = studyOf("memory-cost");
    const text = studyReport(study, [{ what: "a", claimed: "b", measured: "c", agrees: false }]);
    expect(text).to.include(study.source).and.include("Here: ").and.match(/│ a │ b +│ c +│ DIFFERS │/);
    expect(Math.max(...text.split("\n").map((line) => line.length))).to.be.at.most(120);
  });
});
