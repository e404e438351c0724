/* `foliolab compare` runs every configuration and tells where a program behaves differently. */
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { guestProgram } from "../../support/guest.js";
import { foliolab } from "../../support/cli.js";

describe("foliolab compare", function () {
  this.timeout(300_000);

  it("shows the guest's output once and one row per configuration", () => {
    const file = join(tmpdir(), `foliolab-compare-${process.pid}.json`);
    const { status, stdout, stderr } = foliolab(["compare", "--configs", "4k,4k+contpte,64k", "--json", file, "--", guestProgram("seq"), "256k"]);
    expect(status).to.equal(0);
    expect(stdout.trim().split("\n")).to.have.length(1);
    for (const name of ["4k", "4k+contpte", "64k"]) expect(stderr).to.include(`│ ${name} `);
    const json = JSON.parse(readFileSync(file, "utf8")) as { schema: string; runs: { name: string; result: { config: { pageSize: string } } }[] };
    rmSync(file);
    expect(json.schema).to.equal("foliolab/compare/1");
    expect(json.runs.map(({ name, result }) => [name, result.config.pageSize])).to.deep.equal([
      ["4k", "4k"],
      ["4k+contpte", "4k"],
      ["64k", "64k"],
    ]);
  });

  it("runs all seven by default, a row each in both tables", () => {
    const { stderr } = foliolab(["compare", "--", guestProgram("hello")]);
    expect(stderr.split("\n").filter((line) => /^│ \d+k/.test(line))).to.have.length(14);
  });

  it("fails, and says where, when a run fails", () => {
    const { status, stderr } = foliolab(["compare", "--configs", "4k", "--", guestProgram("crash"), "exit", "3"]);
    expect(status).to.equal(1);
    expect(stderr).to.match(/^4k: exit status 3$/m);
  });
});
