/**
 * Every guest program has a named expectation and a row in the table of guest-programs/README.md, and every expectation a program.
 */
import { readdirSync, readFileSync } from "node:fs";
import { expect } from "chai";
import { EXPECTATIONS } from "../guest-programs/expectations.js";

const programs = readdirSync("guest-programs")
  .filter((file) => file.endsWith(".c"))
  .map((file) => file.slice(0, -".c".length))
  .sort();

describe("guest programs", () => {
  it("exist", () => {
    expect(programs).to.include.members(["hello", "seq", "gups", "crash"]);
  });

  it("have an expectation each, in tests/guest-programs/expectations.ts", () => {
    expect(Object.keys(EXPECTATIONS).sort()).to.deep.equal(programs);
    for (const [name, expectations] of Object.entries(EXPECTATIONS)) expect(expectations, name).to.not.be.empty;
  });

  it("have a row each in guest-programs/README.md", () => {
    const rows = readFileSync("guest-programs/README.md", "utf8").matchAll(/^\| `([a-z]+)[^`]*` \|/gm);
    expect([...rows].map((row) => row[1]!).sort()).to.deep.equal(programs);
  });

  it("say on their first lines what they do and how they are called", () => {
    for (const name of programs) {
      const source = readFileSync(`guest-programs/${name}.c`, "utf8");
      expect(source, name).to.match(new RegExp(`^/\\*\\s+(\\* )?${name}[ :]`));
    }
  });
});
