/** Engines by name, and the one that runs have by default. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { DEFAULT_CONFIG } from "../../lab/config.js";
import { ENGINES } from "../../lab/engines.js";
import { foliolab } from "../support/cli.js";
import { guestProgram } from "../support/guest.js";

const MIB = 2 ** 20;

describe("engines", () => {
  for (const name of ["unicorn", "wasm"] as const) {
    it(`${name}: RAM of the size that was asked for, and an engine of that name`, () => {
      const { memory, engine } = ENGINES[name](16 * MIB, { pageSize: 4096, trace: false });
      expect(memory.bytes).to.equal(16 * MIB);
      expect(memory.u8.length).to.equal(16 * MIB);
      expect(engine.name).to.equal(name);
      engine.dispose();
    });
  }

  it("wasm is the default, which loads no addon", () => {
    const folder = mkdtempSync(join(tmpdir(), "foliolab-"));
    try {
      const noAddons = join(folder, "no-addons.cjs");
      writeFileSync(noAddons, 'process.dlopen = (module, file) => { throw new Error(`no addons here: ${file}`); };');
      const run = (...options: string[]): ReturnType<typeof foliolab> => foliolab(["run", "--quiet", ...options, "--", guestProgram("hello")], { env: { NODE_OPTIONS: `--require=${noAddons}` } });
      expect(DEFAULT_CONFIG.engine).to.equal("wasm");
      expect(run()).to.deep.equal({ status: 0, stdout: "hello\n", stderr: "" });
      const { status, stderr } = run("--engine", "unicorn");
      expect([status, stderr.split("\n").length]).to.deep.equal([2, 2]);
      expect(stderr).to.include("make native").and.include("no addons here");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
