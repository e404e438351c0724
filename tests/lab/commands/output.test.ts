/* Where results may go, and what progress says. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { ConfigError } from "../../../emulator/arch/errors.js";
import { checkWritable, countInterrupts, progressLine, writeJson } from "../../../lab/commands/output.js";

describe("output", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "foliolab-"));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it("writes JSON with a final line break", () => {
    const file = join(folder, "x.json");
    writeJson(file, { a: 1 });
    expect(readFileSync(file, "utf8")).to.equal('{\n  "a": 1\n}\n');
  });

  it("tells before a run what could not be written after it", () => {
    checkWritable("--json", undefined);
    checkWritable("--json", "-");
    checkWritable("--json", join(folder, "new.json"));
    expect(() => checkWritable("--json", join(folder, "no", "x.json"))).to.throw(ConfigError, "--json");
    expect(() => checkWritable("--json", folder)).to.throw(ConfigError, "directory");
  });

  it("counts interrupts while it listens", () => {
    const { interrupts, stop } = countInterrupts();
    process.emit("SIGINT");
    expect(interrupts()).to.equal(1);
    stop();
    expect(process.listenerCount("SIGINT")).to.equal(0);
  });

  it("shows no progress where nobody watches", () => {
    const { show, clear } = progressLine("x: ");
    show({ instructions: 1e9, faults: 1, residentBytes: 1, seconds: 10 });
    clear();
  });
});
