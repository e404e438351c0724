/** foliolab validate: exit status and outputs. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { ConfigError } from "../../../emulator/arch/errors.js";
import { validateCommand, type ValidateCommandOptions } from "../../../lab/commands/validate.js";
import { editDescriptor, modelDump, PART } from "../../support/model-dump.js";

describe("foliolab validate", () => {
  const directory = mkdtempSync(join(tmpdir(), "foliolab-"));
  after(() => {
    rmSync(directory, { recursive: true });
  });
  const clean = join(directory, "clean.dump");
  const broken = join(directory, "broken.dump");
  const odd = join(directory, "odd.dump");
  writeFileSync(clean, modelDump());
  writeFileSync(broken, editDescriptor(modelDump(), 3, PART.blocks, (value) => value & ~(1n << 52n)));
  writeFileSync(odd, editDescriptor(modelDump(), 3, PART.small, (value) => value | (1n << 63n)));
  const run = (path: string, options: ValidateCommandOptions = {}): { status: number; text: string } => {
    let text = "";
    const status = validateCommand(path, options, (part) => {
      text += part;
    });
    return { status, text };
  };

  it("ends with 0 for a clean table, with 1 for a broken one, with 0 and a warning for an odd one", () => {
    expect(run(clean)).to.deep.include({ status: 0 });
    expect(run(broken)).to.deep.include({ status: 1 });
    expect(run(odd).status).to.equal(0);
    expect(run(odd).text).to.match(/^warning L-SOFTWARE: /m);
    expect(run(clean, { oracle: true }).text).to.match(/^oracle: \d+ translations, 0 disagreements/m);
  });

  it("is quiet if asked, and writes JSON to a file or to standard output", () => {
    expect(run(broken, { quiet: true })).to.deep.equal({ status: 1, text: "" });
    const json = join(directory, "out.json");
    expect(run(broken, { json }).text).to.include("A-CONT-MIXED");
    expect((JSON.parse(readFileSync(json, "utf8")) as { errors: number }).errors).to.equal(1);
    expect((JSON.parse(run(broken, { json: "-" }).text) as { errors: number }).errors).to.equal(1);
  });

  it("refuses a dump that cannot be read, and a limit that is none", () => {
    expect(() => run(join(directory, "none"))).to.throw(ConfigError, "no such file");
    expect(() => run(clean, { limit: "0" })).to.throw(ConfigError, "--limit 0");
    expect(() => run(clean, { limit: "x" })).to.throw(ConfigError, "--limit x");
  });
});
