/** The list of studies: complete, and found by name. */
import { readdirSync } from "node:fs";
import { expect } from "chai";
import { ConfigError } from "../../../emulator/arch/errors.js";
import { STUDIES, studyOf } from "../../../lab/studies/table.js";

/** Files of the folder that are no studies. */
const OTHERS = ["batching", "study", "table"];

describe("table of studies", () => {
  it("has every study of the folder, each once, under the name of its file", () => {
    const files = readdirSync("lab/studies").filter((file) => file.endsWith(".ts")).map((file) => file.replace(/\.ts$/, ""));
    expect(STUDIES.map(({ name }) => name).sort()).to.deep.equal(files.filter((file) => !OTHERS.includes(file)).sort());
  });

  it("finds a study by name, and names them all when there is none", () => {
    expect(studyOf("fork-batch").title).to.match(/fork/);
    expect(() => studyOf("nonsense")).to.throw(ConfigError, /"nonsense"; known: fault-count, .*cow-after-fork/);
  });
});
