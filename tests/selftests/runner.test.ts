/* Counting what selftests say, and judging it against real Linux. */
import { expect } from "chai";
import { countResults, judge } from "../../selftests/runner.js";

const counts = (pass: number, fail: number, xfail: number, skip: number) => ({ pass, fail, xfail, skip });

describe("selftest runner", () => {
  it("counts KTAP totals; one that gives up has failed", () => {
    expect(countResults("ok 1 a\nok 2 # SKIP b\n# Totals: pass:211 fail:1 xfail:3 xpass:0 skip:489 error:0\n", 1)).to.deep.equal(counts(211, 1, 3, 489));
    const bail = "1..1\nBail out! no\n# Planned tests != run tests (1 != 0)\n# Totals: pass:0 fail:0 xfail:0 xpass:0 skip:0 error:0\n";
    expect(countResults(bail, 1)).to.deep.equal(counts(0, 1, 0, 0));
    expect(countResults(bail, 4)).to.deep.equal(counts(0, 0, 0, 0));
  });

  it("counts lines where there are no totals, the words of khugepaged, and bare exit codes", () => {
    expect(countResults("ok 1 a\nok 2 b # SKIP c\nnot ok 3 d\n", 1)).to.deep.equal(counts(1, 1, 0, 1));
    expect(countResults("x... \u001b[32mOK\u001b[0m\ny \u001b[31mTimeout\u001b[0m\nz \u001b[33mSkip\u001b[0m\n", 1)).to.deep.equal(counts(1, 1, 0, 1));
    expect([0, 1, 4].map((exit) => countResults("hello\n", exit))).to.deep.equal([counts(1, 0, 0, 0), counts(0, 1, 0, 0), counts(0, 0, 0, 1)]);
  });

  it("what Linux passes must pass, what fails must fail there", () => {
    const real = counts(5, 0, 0, 2);
    const verdict = (...c: [number, number, number, number]) => judge({ name: "t", real }, { counts: counts(...c), seconds: 0 });
    expect([verdict(5, 0, 0, 2), verdict(6, 0, 0, 1), verdict(4, 0, 0, 3), verdict(5, 1, 0, 1)]).to.deep.equal(["agrees", "DIFFERS", "FAILS", "FAILS"]);
    expect(judge({ name: "t" }, { counts: counts(1, 0, 0, 9), seconds: 0 })).to.equal("not recorded");
    expect(judge({ name: "t" }, { counts: counts(1, 1, 0, 0), seconds: 0 })).to.equal("FAILS");
    expect(judge({ name: "t", failsOnLinux: "no swap" }, { counts: counts(1, 1, 0, 0), seconds: 0 })).to.equal("fails on Linux too");
    expect(judge({ name: "t", real }, { counts: real, seconds: 0, problem: "foliolab: it ended" })).to.equal("FAILS");
  });
});
