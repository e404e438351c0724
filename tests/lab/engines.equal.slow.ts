/** Guest programs with all their arguments, recorded programs and real programs give the same on both engines. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect } from "chai";
import { DEFAULT_CONFIG, ENGINE_NAMES, NAMED_CONFIGS, namedConfig } from "../../lab/config.js";
import { readRecording } from "../../lab/golden/compare.js";
import { GoldenPrograms, runGolden } from "../../lab/golden/runner.js";
import type { RunResult } from "../../lab/result.js";
import { PROGRAMS } from "../../parity/programs.js";
import { differences, LAB_CONFIGS, runLab, type Places } from "../../parity/runner.js";
import { EXPECTATIONS } from "../guest-programs/expectations.js";
import { comparableJson, expectEqualRuns } from "../support/engine-equality.js";
import { guestProgram } from "../support/guest.js";

describe("guest programs on both engines, all arguments and configurations", () => {
  for (const name of Object.keys(NAMED_CONFIGS)) {
    for (const [program, list] of Object.entries(EXPECTATIONS)) {
      for (const { args, exit } of list) {
        it(`${program} ${args.join(" ")}: ${name}`, async () => {
          await expectEqualRuns(guestProgram(program), args, { ...namedConfig(DEFAULT_CONFIG, name), memory: 512 * 2 ** 20, ...(exit === "never" ? { maxInstructions: 25_000_000 } : {}) });
        });
      }
    }
  }
});

describe("recorded programs on both engines", () => {
  const programs = new GoldenPrograms("golden/prog", "build/golden");
  for (const name of ["4k-neoverse-n1", "4k-cortex-a72", "16k-neoverse-n1", "64k-neoverse-n1", "4k-n1x-random", "4k-cortex-a72-random", "16k-n1x-random"]) {
    const { machine, records } = readRecording(`golden/linux-6.12/${name}.json`);
    const starts = new Map(records.map(({ prog, cfg }) => [`${prog} ${cfg}`, { prog, cfg }]));
    for (const [start, { prog, cfg }] of starts) {
      it(`${name}: ${start}`, () => {
        const [first, ...others] = ENGINE_NAMES.map((engine) => runGolden({ ...machine, engine }, programs, prog, cfg));
        expect(first!.records).to.have.length.greaterThan(0);
        for (const other of others) expect(other).to.deep.equal(first);
      });
    }
  }
});

describe("real programs on both engines", () => {
  const places: Places = { sysroot: resolve("build/sysroot"), build: resolve("build/tests/engines-equal") };
  before(() => {
    execFileSync("scripts/fetch-sysroot.sh", [places.sysroot], { stdio: ["ignore", "ignore", "inherit"] });
    mkdirSync(places.build, { recursive: true });
  });

  for (const entry of PROGRAMS) {
    it(entry.name, () => {
      for (const config of LAB_CONFIGS) {
        const [first, ...others] = ENGINE_NAMES.map((engine) => {
          const file = join(places.build, `${engine}.json`);
          rmSync(file, { force: true });
          const seen = runLab(places, resolve("bin/foliolab"), { ...config, options: [...config.options, "--engine", engine, "--json", file] }, entry);
          return { seen, json: comparableJson(JSON.parse(readFileSync(file, "utf8")) as RunResult) };
        });
        for (const other of others) {
          expect(differences(first!.seen, other.seen), config.name).to.deep.equal([]);
          expect(other.json, config.name).to.deep.equal(first!.json);
        }
      }
    });
  }
});
