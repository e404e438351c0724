/** What the options of `run` ask for is made before the run and added to its result. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "chai";
import { Profile } from "pprof-format";
import { ConfigError } from "../../../emulator/arch/errors.js";
import type { AnalysisOptions } from "../../../lab/cli.js";
import { prepareAnalyses } from "../../../lab/commands/analyses.js";
import type { RunResult } from "../../../lab/result.js";
import { guestProgram } from "../../support/guest.js";
import { labRun } from "../../support/lab-run.js";
import { readTrace } from "../../support/protobuf.js";

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

  it("--perfetto and --pprof write files that their formats' readers open", async () => {
    const directory = mkdtempSync(join(tmpdir(), "foliolab-analyses-"));
    try {
      const [perfetto, pprof] = [join(directory, "t.pftrace"), join(directory, "t.pb.gz")];
      const result = await analysed("stride", { perfetto, pprof });
      expect(result, "a profile is asked for with --top").to.not.have.property("profile");
      expect(readTrace(readFileSync(perfetto)).events.length).to.be.greaterThan(100);
      const decoded = Profile.decode(gunzipSync(readFileSync(pprof)));
      expect(decoded.sample.reduce((sum, { value }) => sum + Number(value[0]), 0)).to.equal(result.tlb["neoverse-n1"]!.l1d.misses + result.tlb["neoverse-n1"]!.l1i.misses);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("--curve and --report: the curve is in the result as the schema describes it, the report is written", async () => {
    const directory = mkdtempSync(join(tmpdir(), "foliolab-analyses-"));
    try {
      const report = join(directory, "r.html");
      const result = await analysed("stride", { report, curve: true });
      expect(schema(JSON.parse(JSON.stringify(result))), JSON.stringify(schema.errors)).to.equal(true);
      expect(result.curve!.points.find(({ entries }) => entries === 1)!.misses).to.be.greaterThan(0);
      expect(result.profile!.pcs.length, "20 rows, unless --top says otherwise").to.be.within(20, 40);
      expect(readFileSync(report, "utf8")).to.match(/^<!doctype html>/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("a file that cannot be written is said before the run", async () => {
    expect(await refusal({ perfetto: "/nowhere/t.pftrace" })).to.match(/^--perfetto \/nowhere/);
    expect(await refusal({ report: "/nowhere/r.html" })).to.match(/^--report \/nowhere/);
    expect(await refusal({ pprof: "lab" })).to.match(/^--pprof lab: is a directory/);
  });

  it("--top takes numbers of rows only", async () => {
    for (const top of ["0", "-1", "x", "1.5", "10001"]) expect(await refusal({ top })).to.match(/^--top /);
  });
});
