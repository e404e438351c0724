/** The runs of a sweep: results kept, failures told, nothing done twice. */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { parsePlan, type Plan } from "../../../lab/sweep/plan.js";
import { makeDirectory, resultFile, runKey, runSweep, type SweepOutcome, type SweepRun } from "../../../lab/sweep/runner.js";
import { guestProgram } from "../../support/guest.js";

const FOLIOLAB = [join(process.cwd(), "bin", "foliolab")] as const;

describe("runSweep", function () {
  this.timeout(120_000);
  let output = "";
  beforeEach(() => {
    output = mkdtempSync(join(tmpdir(), "foliolab-sweep-"));
  });
  afterEach(() => {
    rmSync(output, { recursive: true, force: true });
  });

  const plan = (text: string): Plan => ({ ...parsePlan(text, "p.yaml"), output });
  const sweep = async (text: string, stopped = (): boolean => false): Promise<SweepOutcome[]> =>
    runSweep({ plan: plan(text), workers: 2, foliolab: FOLIOLAB, stopped, onProgress: () => undefined });
  const states = (outcomes: readonly SweepOutcome[]): string[] => outcomes.map(({ run, result, kept }) => `${run.program} ${run.config} ${result === undefined ? "failed" : kept ? "kept" : "made"}`);
  const hello = (name = "hello", args = ""): string => `programs: [{name: ${name}, run: "${guestProgram("hello")} ${args}"}]\nconfigs: [4k, 64k]\noptions: {memory: 128m}`;

  it("writes a result per run, keeps what is there, makes again what has changed or is damaged", async () => {
    expect(states(await sweep(hello()))).to.deep.equal(["hello 4k made", "hello 64k made"]);
    const file = resultFile(output, { program: "hello", config: "64k" });
    const kept = JSON.parse(readFileSync(file, "utf8")) as SweepRun;
    expect(kept).to.deep.include({ schema: "foliolab/sweep-run/1", program: "hello", config: "64k" });
    expect(kept.result.config.pageSize).to.equal("64k");
    expect(states(await sweep(hello()))).to.deep.equal(["hello 4k kept", "hello 64k kept"]);
    writeFileSync(file, '{"schema": "foliolab/sweep-run/1", "key"');
    expect(states(await sweep(hello()))).to.deep.equal(["hello 4k kept", "hello 64k made"]);
    expect(states(await sweep(hello("hello", "you")))).to.deep.equal(["hello 4k made", "hello 64k made"]);
    expect(readdirSync(join(output, "hello")).sort(), "no half files").to.deep.equal(["4k.json", "64k.json"]);
  });

  it("a run that fails is told of and leaves no result; a guest that fails has one", async () => {
    const outcomes = await sweep(`programs:
  - {name: out-of-room, run: "${guestProgram("touch")} 64m"}
  - {name: refused, run: ${guestProgram("hello")}, options: {core: cortex-a53, page-size: 16k}}
configs: [{name: tiny, options: {memory: 16m}}]`);
    const [room, refused] = outcomes as [SweepOutcome, SweepOutcome];
    expect(room.result?.exit).to.not.deep.equal({ code: 0 });
    expect(refused.result).to.equal(undefined);
    expect(refused.failure).to.match(/cortex-a53/);
    expect(existsSync(resultFile(output, refused.run))).to.equal(false);
  });

  it("when told to stop it begins nothing more", async () => {
    let begun = 0;
    const outcomes = await runSweep({ plan: { ...plan(hello()), output }, workers: 1, foliolab: FOLIOLAB, stopped: () => begun > 0, onProgress: () => begun++ });
    expect(states(outcomes)).to.deep.equal(["hello 4k made"]);
  });

  it("makes directories, and says where it cannot", () => {
    makeDirectory(join(output, "a", "b"));
    makeDirectory(join(output, "a", "b"));
    expect(existsSync(join(output, "a", "b"))).to.equal(true);
    expect(() => {
      makeDirectory("/proc/none/x");
    }).to.throw(/ENOENT/);
  });

  it("the key depends on program, arguments and every option", () => {
    const keyOf = (text: string): string => runKey(plan(text).runs[0]!);
    const keys = [hello(), hello("hello", "x"), hello().replace("128m", "256m"), hello().replace("hello\" ", "hello\""), hello().replace(guestProgram("hello"), guestProgram("touch"))].map(keyOf);
    expect(new Set(keys).size).to.equal(4);
    expect(keyOf(hello("renamed"))).to.equal(keys[0]);
  });
});
