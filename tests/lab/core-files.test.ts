/* --core takes presets by name, all of them, or a file of the user's. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { ConfigError } from "../../emulator/arch/errors.js";
import { loadCore, loadCores } from "../../lab/core-files.js";

describe("loadCore", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "foliolab-"));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it("finds a preset", () => {
    expect(loadCore("neoverse-n1").name).to.equal("neoverse-n1");
  });

  it("reads a user's preset from a file", () => {
    const file = join(folder, "mine.json");
    writeFileSync(file, JSON.stringify({ name: "mine", base: "neoverse-n1", l1d: { entries: 64 } }));
    const core = loadCore(file);
    expect(core.name).to.equal("mine");
    expect(core.l1d.entries).to.equal(64);
  });

  it("names what is wrong in one line", () => {
    expect(() => loadCore("neoverse-n9")).to.throw(ConfigError, "neoverse-n9");
    expect(() => loadCore(join(folder, "none.json"))).to.throw(ConfigError, "none.json");
  });

  it("expands all, keeps the order, drops duplicates", () => {
    expect(loadCores(["cortex-a72", "neoverse-n1", "cortex-a72"], "4k").map((core) => core.name)).to.deep.equal(["cortex-a72", "neoverse-n1"]);
    const all = loadCores(["neoverse-v2", "all"], "4k").map((core) => core.name);
    expect(all[0]).to.equal("neoverse-v2");
    expect(new Set(all).size).to.equal(all.length);
    expect(all).to.include.members(["cortex-a53", "cortex-a72", "cortex-a76", "neoverse-n1"]);
    expect(all).to.not.include("qemu-n1");
  });

  it("all leaves out what lacks the granule; a core that is named stays for the machine to refuse", () => {
    const all = loadCores(["neoverse-n1", "all"], "16k").map((core) => core.name);
    expect(all).to.include("m1-firestorm").and.to.not.include("cortex-a53");
    expect(loadCores(["cortex-a53"], "16k").map((core) => core.name)).to.deep.equal(["cortex-a53"]);
  });
});
