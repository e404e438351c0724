/** Plans of sweeps: what they mean, and what is wrong with one, in one line that names the place. */
import { expect } from "chai";
import { ConfigError } from "../../../emulator/arch/errors.js";
import { parsePlan } from "../../../lab/sweep/plan.js";

const FULL = `
programs:
  - run: dir/prog 10 x
  - name: other
    run: [dir/prog, "a b", 3]
    options: {fs: xfs, env: [P=1]}
configs:
  - 4k
  - name: small
    base: 4k+contpte:batch=off
    options: {core: cortex-a53, memory: 512m}
  - name: mine
    options: {thp: [64k=always, 32k=always], contpte: off, check: true}
options: {memory: 1g, env: A=2, seed: 5}
output: out
workers: 3
`;

const fails = (text: string, message: RegExp): void => {
  expect(() => parsePlan(text, "p.yaml"), text).to.throw(ConfigError, message);
};

describe("parsePlan", () => {
  it("every program under every configuration, options added up from plan, program and configuration", () => {
    const { runs, output, workers } = parsePlan(FULL, "p.yaml");
    expect([output, workers]).to.deep.equal(["out", 3]);
    expect(runs.map(({ program, config }) => `${program} ${config}`)).to.deep.equal(["prog 4k", "prog small", "prog mine", "other 4k", "other small", "other mine"]);
    expect([runs[0]!.command, runs[3]!.command]).to.deep.equal([["dir/prog", "10", "x"], ["dir/prog", "a b", "3"]]);
    expect(runs[0]!.settings).to.deep.include({ contpte: false, memory: 2 ** 30, fs: "tmpfs", seed: 5, env: { A: "2" } });
    expect(runs[4]!.settings).to.deep.include({ contpte: true, batch: false, memory: 2 ** 29, fs: "xfs", cores: ["cortex-a53"], env: { A: "2", P: "1" } });
    expect(runs[5]!.settings.thp.sizes).to.deep.equal({ 32768: "always", 65536: "always" });
    expect(runs[5]!.settings).to.deep.include({ contpte: false, check: true, batch: true });
  });

  it("all seven configurations, results beside the plan, without more said", () => {
    const { runs, output, workers } = parsePlan("programs: [{run: a}]", "dir/p.yaml");
    expect(runs.map(({ config }) => config)).to.deep.equal(["4k", "4k+mthp", "4k+contpte", "16k", "16k+contpte", "64k", "64k+contpte"]);
    expect([output, workers]).to.deep.equal(["dir/p.results", undefined]);
  });

  it("says where YAML is wrong", () => {
    fails("programs: [\n  {run: a}\nconfigs: {", /^p\.yaml:\d+:\d+: /);
    fails("a: &x [*x]\nb: *nowhere", /^p\.yaml/);
  });

  it("says what is wrong with a plan, and where", () => {
    fails("", /^p\.yaml: plan: must be a mapping/);
    fails("- 1", /plan: must be a mapping/);
    fails("programs: []", /programs: must be a list, and not empty/);
    fails("programs: [{run: a}]\nspeed: 3", /plan: unknown key "speed"; known: programs, configs/);
    fails("programs: [{name: a}]", /programs\[0\]\.run: must be a list/);
    fails("programs: [{run: ''}]", /programs\[0\]\.run: names no program/);
    fails("programs: [{run: a}, {run: b/a}]", /programs: the name "a" is given twice/);
    fails("programs: [{run: a, name: ../up}]", /"\.\.\/up" must begin with a letter or digit/);
    fails("programs: [{run: a}]\nconfigs: [8k]", /a under 8k: --configs: no configuration "8k"/);
    fails("programs: [{run: a}]\nconfigs: [{base: 4k}]", /configs\[0\]\.name: must be text/);
    fails("programs: [{run: a}]\noptions: {page-size: 5k}", /a under 4k: --page-size 5k: must be one of/);
    fails("programs: [{run: a}]\noptions: {pages: 4k}", /options: unknown key "pages"/);
    fails("programs: [{run: a}]\noptions: {check: 1}", /options\.check: must be true or false/);
    fails("programs: [{run: a}]\noptions: {memory: [1g]}", /options\.memory: must be text or a number/);
    for (const workers of ["0", "1.5", "many", "1000"]) fails(`programs: [{run: a}]\nworkers: ${workers}`, /workers: must be a number from 1 to 256/);
  });
});
