/* --core takes presets by name, all of them, or a file of the user's. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "chai";
import { ConfigError } from "../../emulator/arch/errors.js";
import { CORE_NAMES, corePreset, parseCore } from "../../emulator/mmu/cores.js";
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

describe("docs/core.schema.json", () => {
  const valid = new Ajv2020({ strictTypes: false, strictRequired: false }).compile(JSON.parse(readFileSync("docs/core.schema.json", "utf8")) as object);

  /** A preset as a user would write it in full. */
  function written(name: string): Record<string, unknown> {
    const { features, granules, maintenanceFlushesL1, flushOnAsidChange, l1i, l1d, l2, walkCache, latencies, walker, descriptorCaches } = corePreset(name);
    return { name: "mine", features, behaviour: { granules, maintenanceFlushesL1, flushOnAsidChange }, l1i, l1d, l2, walkCache: walkCache ?? null, latencies, walker, descriptorCaches };
  }

  it("describes every preset written in full, which the reader reads back", () => {
    for (const name of CORE_NAMES) {
      const value = written(name);
      expect(valid(value), `${name}: ${JSON.stringify(valid.errors)}`).to.equal(true);
      const { l1d, l2, walkCache, walker, descriptorCaches } = parseCore(JSON.stringify(value));
      const there = corePreset(name);
      expect({ l1d, l2, walkCache, walker, descriptorCaches }).to.deep.equal({ l1d: there.l1d, l2: there.l2, walkCache: there.walkCache, walker: there.walker, descriptorCaches: there.descriptorCaches });
    }
  });

  it("agrees with the reader on what is none", () => {
    const base = { name: "mine", base: "neoverse-n1" };
    expect(valid({ ...base, l1d: { entries: { value: 64, source: "mine" } } })).to.equal(true);
    const bad: object[] = [
      {},
      { name: "mine" },
      { name: "Mine", base: "neoverse-n1" },
      { ...base, l3: {} },
      { ...base, l1d: { entires: 3 } },
      { ...base, l1d: { entries: 0 } },
      { ...base, l1d: { entries: 40000 } },
      { ...base, l1d: { entries: { value: 3, sauce: "x" } } },
      { ...base, l1d: { policy: "mru" } },
      { ...base, l1d: { pageSizes: [] } },
      { ...base, l2: { entries: 4 } },
      { ...base, features: { bbm: 3 } },
      { ...base, latencies: { l2Hit: -1 } },
      { ...base, behaviour: { granules: ["8k"] } },
      { ...base, walker: { parallelWalks: 0 } },
      { ...base, walker: { parallelwalks: 2 } },
      { ...base, descriptorCaches: {} },
      { ...base, descriptorCaches: [{ name: "l4" }] },
      { ...base, descriptorCaches: [{ bytes: 32 }] },
      { ...base, title: 3 },
    ];
    for (const value of bad) {
      expect(valid(value), JSON.stringify(value)).to.equal(false);
      expect(() => parseCore(JSON.stringify(value)), JSON.stringify(value)).to.throw(ConfigError);
    }
  });
});
