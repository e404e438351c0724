/** What the options of `run` ask for is made before the run and added to its result. */
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "chai";
import { ConfigError } from "../../../emulator/arch/errors.js";
import type { AnalysisOptions } from "../../../lab/cli.js";
import { prepareAnalyses } from "../../../lab/commands/analyses.js";
import type { RunResult } from "../../../lab/result.js";
import { guestProgram } from "../../support/guest.js";
import { labRun } from "../../support/lab-run.js";

async function analysed(program: string, options: AnalysisOptions): Promise<RunResult> {
  const wanted = await prepareAnalyses(options);
  const { result } = await labRun(guestProgram(program), [], {}, wanted.analyses);
  return wanted.complete(result);
}

async function refusal(options: AnalysisOptions): Promise<string> {
  return prepareAnalyses(options).then(
    () => expect.fail(`${JSON.stringify(options)} is not refused`),
    (error: unknown) => {
      expect(error).to.be.instanceOf(ConfigError);
      return (error as ConfigError).message;
    },
  );
}

const schema = new Ajv2020({ allErrors: true }).compile(JSON.parse(readFileSync("docs/run.schema.json", "utf8")) as object);

describe("prepareAnalyses", () => {
  it("nothing asked, nothing made", async () => {
    expect((await prepareAnalyses({})).analyses).to.deep.equal([]);
    expect(await analysed("hello", {})).to.not.have.property("profile");
  });

  it("--top adds the profile, as the schema describes it", async () => {
    const result = await analysed("stride", { top: "5" });
    expect(schema(JSON.parse(JSON.stringify(result))), JSON.stringify(schema.errors)).to.equal(true);
    expect(result.profile!.pcs.length).to.be.within(5, 10);
    expect(result.profile!.pcs[0]!.l1d).to.be.greaterThan(0);
  });

  it("--top takes numbers of rows only", async () => {
    for (const top of ["0", "-1", "x", "1.5", "10001"]) expect(await refusal({ top })).to.match(/^--top /);
  });
});
