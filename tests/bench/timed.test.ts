/**
 * Times of child processes: processor time is the child's, and the program's own streams and status come through.
 */
import { expect } from "chai";
import { medians, timed } from "../../bench/timed.js";

/** JavaScript that computes until its process has used the given seconds. */
const busy = (seconds: number): string => `while (process.cpuUsage().user + process.cpuUsage().system < ${seconds * 1e6}) Math.sqrt(2);`;

describe("timed", () => {
  it("counts the processor time that the child used, and not what was used before", () => {
    const { cpu, wall } = timed(process.execPath, ["-e", busy(0.3)]);
    expect(cpu).to.be.at.least(0.29);
    expect(wall).to.be.greaterThan(0);
    expect(timed("true", []).cpu).to.be.lessThan(0.29);
  });

  it("hands standard input over and standard output back", () => {
    expect(timed("tr", ["a-z", "A-Z"], { stdin: "one two\n" }).stdout).to.equal("ONE TWO\n");
  });

  it("keeps the program's stderr apart from the times", () => {
    expect(() => timed("bash", ["-c", "echo wrong >&2; exit 3"])).to.throw(/ended with 3:[^]*wrong\n$/);
    expect(timed("bash", ["-c", "echo 1 1 1 >&2; exit 3"], { status: 3 }).wall).to.be.greaterThan(0);
  });

  it("refuses another status than the one asked for", () => {
    expect(() => timed("true", [], { status: 1 })).to.throw("ended with 0");
  });
});

describe("medians", () => {
  it("of wall-clock and of processor time, each its own", () => {
    expect(medians([{ wall: 3, cpu: 1 }, { wall: 1, cpu: 9 }, { wall: 2, cpu: 5 }])).to.deep.equal({ wall: 2, cpu: 5 });
    expect(medians([{ wall: 1, cpu: 4 }, { wall: 2, cpu: 1 }])).to.deep.equal({ wall: 1.5, cpu: 2.5 });
    expect(medians([{ wall: 7, cpu: 8 }])).to.deep.equal({ wall: 7, cpu: 8 });
    expect(() => medians([])).to.throw("no runs");
  });
});
