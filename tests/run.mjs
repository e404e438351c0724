/**
 * Runs every test file under tests/ whose name ends as given and prints `N passed, N failed` last. Differs from mocha's own command in one
 * thing: a file that cannot be loaded is one failed test, and all others run.
 *
 * Usage: node --import tsx tests/run.mjs ENDING [MINUTES per test]
 */
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import Mocha from "mocha";
import FilesReporter from "./reporter.cjs";

const [ending, minutes = "2"] = process.argv.slice(2);
if (ending === undefined) throw new Error("usage: node --import tsx tests/run.mjs ENDING [MINUTES]");

const files = readdirSync("tests", { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(ending))
  .map((file) => join("tests", file))
  .sort();

const { EVENT_FILE_PRE_REQUIRE, EVENT_FILE_REQUIRE, EVENT_FILE_POST_REQUIRE } = Mocha.Suite.constants;
const mocha = new Mocha({ reporter: FilesReporter, timeout: Number(minutes) * 60_000, forbidOnly: true, forbidPending: true });
for (const file of files) {
  const path = resolve(file);
  mocha.suite.emit(EVENT_FILE_PRE_REQUIRE, globalThis, path, mocha);
  try {
    mocha.suite.emit(EVENT_FILE_REQUIRE, await import(pathToFileURL(path).href), path, mocha);
  } catch (error) {
    const test = new Mocha.Test("can be loaded", () => {
      throw error;
    });
    test.file = path;
    Mocha.Suite.create(mocha.suite, file).addTest(test);
  }
  mocha.suite.emit(EVENT_FILE_POST_REQUIRE, globalThis, path, mocha);
}

mocha.run((failures) => {
  process.exitCode = failures === 0 ? 0 : 1;
});
