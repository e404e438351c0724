/**
 * `make selftests`: the kernel's own mm selftests in foliolab, compared with what real Linux 6.12 answers. Exit status 1 if one fails that
 * does not fail there.
 *
 * Usage: tsx selftests/run.ts [--only REGEXP] [--linux DIR]
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import Table from "cli-table3";
import { type Counts, SELFTESTS } from "./programs.js";
import { buildSelfTest, judge, type Places, runSelfTest } from "./runner.js";

const { values } = parseArgs({ options: { only: { type: "string", default: "" }, linux: { type: "string", default: "build/selftests/linux" } } });
const places: Places = { linux: resolve(values.linux), build: resolve("build/selftests/bin"), cli: resolve("bin/foliolab") };
const only = new RegExp(values.only);
const tests = SELFTESTS.filter(({ name }) => only.test(name));
if (tests.length === 0) throw new Error("nothing to run: see --only");

const text = ({ pass, fail, xfail, skip }: Counts): string => `${pass} ${fail} ${xfail} ${skip}`;
const table = new Table({ head: ["program", "passed", "failed", "xfail", "skipped", "Linux 6.12", "", "s"], style: { head: [], border: [] } });
let failures = 0;
for (const test of tests) {
  const real = test.real === undefined ? "" : text(test.real);
  const reason = test.leftOut ?? buildSelfTest(places, test);
  if (reason !== undefined) {
    if (test.real !== undefined) failures++;
    table.push([test.name, "", "", "", "", real, `left out: ${reason}`, ""]);
    continue;
  }
  const observed = runSelfTest(places, test);
  const verdict = judge(test, observed);
  if (verdict === "FAILS") failures++;
  const { pass, fail, xfail, skip } = observed.counts;
  const why = observed.problem ?? (verdict === "fails on Linux too" ? test.failsOnLinux : undefined);
  const shown = why === undefined ? verdict : `${verdict}: ${why}`;
  process.stderr.write(`${test.name}: ${text(observed.counts)} ${shown}\n`);
  table.push([test.name, pass, fail, xfail, skip, real, shown, observed.seconds.toFixed(1)]);
}
process.stdout.write(`${table.toString()}\n`);
process.stdout.write(`${tests.length} programs, ${failures} with failures that Linux 6.12 does not have\n`);
process.exitCode = failures === 0 ? 0 : 1;
