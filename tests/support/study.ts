/** Runs a study for its test. */
import { expect } from "chai";
import { DEFAULT_CONFIG, namedConfig } from "../../lab/config.js";
import type { RunResult } from "../../lab/result.js";
import type { Study } from "../../lab/studies/study.js";
import { guestProgram } from "./guest.js";
import { labRun } from "./lab-run.js";

/** Every finding agrees with the claim; were all its runs the first one, some would not. */
export function itHolds(study: Study): void {
  it(`${study.name}: the claim holds`, async function () {
    this.timeout(120_000);
    const results: Record<string, RunResult> = {};
    for (const [label, { config, program, args }] of Object.entries(study.runs)) {
      const { result } = await labRun(guestProgram(program), args, namedConfig(DEFAULT_CONFIG, config));
      expect(result.exit, `${program} ${args.join(" ")} under ${config}`).to.deep.equal({ code: 0 });
      results[label] = result;
    }
    const used = new Set<string>();
    const findings = study.findings((label) => {
      used.add(label);
      return results[label]!;
    });
    for (const { what, claimed, measured, agrees } of findings) expect(agrees, `${what}: claimed ${claimed}, measured ${measured}`).to.equal(true);
    expect([...used].filter((label) => !Object.hasOwn(study.runs, label))).to.deep.equal([]);
    const [first] = Object.values(results);
    expect(study.findings(() => first!).some(({ agrees }) => !agrees), "the findings can tell").to.equal(true);
  });

  it(`${study.name}: says what it claims and who said it`, () => {
    expect(study.claim.length).to.be.greaterThan(60);
    expect(study.source).to.match(/20\d\d/);
    expect(study.name).to.match(/^[a-z]+(-[a-z]+)*$/);
  });
}
