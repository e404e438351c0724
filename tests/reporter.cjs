/**
 * Mocha reporter of `make test`: one line per test file with its time, the failures in full, and as the very last
 * line `N passed, N failed` from mocha's own statistics. A pending test counts as failed: no test skips silently.
 */
"use strict";

const path = require("node:path");
const { reporters, Runner } = require("mocha");

const { EVENT_RUN_END, EVENT_TEST_END, EVENT_TEST_FAIL, EVENT_TEST_PASS, EVENT_TEST_PENDING } = Runner.constants;

module.exports = class FilesReporter extends reporters.Base {
  constructor(runner, options) {
    super(runner, options);
    /** Per file: passed, failed and milliseconds, in the order in which the files began. */
    const files = new Map();
    let current;
    let pending = 0;

    const row = (test) => {
      const file = path.relative(process.cwd(), test.file ?? "(no file)");
      if (current !== undefined && current !== file) print(current);
      current = file;
      let entry = files.get(file);
      if (entry === undefined) files.set(file, (entry = { passed: 0, failed: 0, milliseconds: 0, printed: false }));
      return entry;
    };
    const print = (file) => {
      const entry = files.get(file);
      if (entry.printed) return;
      entry.printed = true;
      const mark = entry.failed === 0 ? "  ok  " : " FAIL ";
      const failed = entry.failed === 0 ? "" : `, ${entry.failed} failed`;
      process.stdout.write(`${mark} ${file}  ${entry.passed} passed${failed}  ${(entry.milliseconds / 1000).toFixed(2)} s\n`);
    };

    runner.on(EVENT_TEST_PASS, (test) => row(test).passed++);
    runner.on(EVENT_TEST_FAIL, (test, error) => {
      row(test).failed++;
      const message = String(error?.message ?? error).split("\n", 1)[0];
      process.stdout.write(`       ${test.fullTitle()}: ${message}\n`);
    });
    runner.on(EVENT_TEST_PENDING, (test) => {
      row(test).failed++;
      pending++;
      process.stdout.write(`       pending: ${test.fullTitle()}\n`);
    });
    runner.on(EVENT_TEST_END, (test) => (row(test).milliseconds += test.duration ?? 0));
    runner.once(EVENT_RUN_END, () => {
      if (current !== undefined) print(current);
      if (this.failures.length > 0) reporters.Base.list(this.failures);
      this.counts = { passed: this.stats.passes, failed: this.stats.failures + pending };
    });
  }

  /** Called by mocha after the run; what is printed here is the last of stdout. */
  done(failures, finish) {
    const { passed, failed } = this.counts;
    process.stdout.write(`${passed} passed, ${failed} failed\n`, () => finish(failures));
  }
};
