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

  it("marks each number that no manual or measurement gives", () => {
    const { stdout } = foliolab(["cores"]);
    const row = (name: string): string => stdout.split("\n").find((line) => line.startsWith(`│ ${name} `))!;
    expect(row("cortex-a78"), "from memory").to.match(/│ 32\? FA\? \(.*│ 1024\? 4-way\? \(/);
    expect(row("neoverse-n1"), "L1I measured, L1D second-hand, L2 as Cortex-A76").to.match(/│ 48 FA \(.*│ 48~ FA~ \(.*│ 1280~ 5-way~ \(/);
    expect(row("cortex-a76"), "read").to.match(/│ 48 FA \([^)]*\) +│ 48 FA \([^)]*\) +│ 1280 5-way \([^)]*\), 4 pages/);
    expect(stdout).to.include("? = no source states it");
  });

  it("shows a source for each number of a preset", () => {
    const { status, stdout } = foliolab(["cores", "neoverse-n1"]);
    expect(status).to.equal(0);
    expect(stdout).to.match(/│ l1d.entries +│ 48 /);
    expect(stdout).to.include("chipsandcheese");
  });
});
