/* `foliolab cores` lists every preset, marks what is unverified, and shows sources. */
import { expect } from "chai";
import { CORE_NAMES } from "../../../emulator/mmu/cores.js";
import { foliolab } from "../../support/cli.js";

describe("foliolab cores", () => {
  it("lists every preset once", () => {
    const { status, stdout } = foliolab(["cores"]);
    expect(status).to.equal(0);
    for (const name of CORE_NAMES) expect(stdout.split("\n").filter((line) => line.startsWith(`│ ${name} `)), name).to.have.length(1);
    expect(stdout).to.match(/│ cortex-a78 .*unverified/);
  });

  it("shows a source for each number of a preset", () => {
    const { status, stdout } = foliolab(["cores", "neoverse-n1"]);
    expect(status).to.equal(0);
    expect(stdout).to.match(/│ l1d.entries +│ 48 /);
    expect(stdout).to.include("chipsandcheese");
  });
});
