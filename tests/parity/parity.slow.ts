/** The whole parity table: the same output, exit status and files as under qemu-aarch64, with pages of each size. */
import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { expect } from "chai";
import { PROGRAMS } from "../../parity/programs.js";
import { configsFor, differences, LAB_CONFIGS, runLab, runQemu, writeQemuScripts, type Places } from "../../parity/runner.js";

describe("real programs behave as under qemu-aarch64", () => {
  const places: Places = { sysroot: resolve("build/sysroot"), build: resolve("build/tests/parity-all") };
  let scripts: string;
  before(() => {
    execFileSync("scripts/fetch-sysroot.sh", [places.sysroot], { stdio: ["ignore", "ignore", "inherit"] });
    scripts = writeQemuScripts(places);
  });

  for (const entry of PROGRAMS) {
    it(entry.name, () => {
      const qemu = runQemu(places, scripts, entry);
      const found = configsFor(entry, LAB_CONFIGS).flatMap((config) => differences(qemu, runLab(places, resolve("bin/foliolab"), config, entry)).map((difference) => `${config.name}: ${difference}`));
      expect(found).to.deep.equal([]);
    });
  }
});
