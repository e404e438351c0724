/* One recorded program in one machine: what the runner collects, and what it reports. */
import { expect } from "chai";
import { ConfigError } from "../../../emulator/arch/errors.js";
import { goldenMachine } from "../../../lab/golden/plan.js";
import { GoldenPrograms, runGolden } from "../../../lab/golden/runner.js";

const N1 = goldenMachine("4k-neoverse-n1.json");

describe("runGolden", function () {
  this.timeout(120_000);
  const programs = new GoldenPrograms("golden/prog", "build/golden");

  it("collects the records of a program", () => {
    const { records, problems } = runGolden(N1, programs, "anon_seq", "m64");
    expect(problems).to.deep.equal([]);
    expect(records.map((record) => record.step)).to.deep.equal(["w_seq", "r_again", "munmap"]);
    expect(records[0]).to.include({ prog: "anon_seq", cfg: "m64", page: 4096, minflt: 64 });
  });

  it("does not hide a difference: another configuration gives other records", () => {
    const { records } = runGolden(N1, programs, "anon_seq", "off");
    expect(records[0]).to.include({ cfg: "off", minflt: 1024 });
  });

  it("says that a program ended badly", () => {
    // lifetime returns 1 when the program it starts cannot be run.
    const { problems } = runGolden(N1, programs, "lifetime:sort", "off");
    expect(problems).to.deep.equal([]);
    expect(() => runGolden(N1, programs, "no_such_program", "off")).to.throw(ConfigError, "no_such_program");
  });
});
