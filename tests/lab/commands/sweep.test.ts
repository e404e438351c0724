/** `foliolab sweep` as a user calls it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { sweepTables } from "../../../lab/commands/sweep.js";
import { DEFAULT_CONFIG } from "../../../lab/config.js";
import { foliolab } from "../../support/cli.js";
import { guestProgram } from "../../support/guest.js";
import { exampleResult } from "../../support/run-result.js";

describe("foliolab sweep", function () {
  this.timeout(120_000);
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "foliolab-sweep-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const planFile = (text: string): string => {
    const file = join(folder, "plan.yaml");
    writeFileSync(file, text);
    return file;
  };

  it("runs the plan, says how far it is, and ends with a table per program", () => {
    const file = planFile(`programs: [{run: ${guestProgram("hello")}}, {run: "${guestProgram("touch")} 256k"}]\nconfigs: [4k, 4k+contpte]\noptions: {memory: 128m}\n`);
    const first = foliolab(["sweep", "--workers", "2", file]);
    expect(first.status, first.stderr).to.equal(0);
    expect(first.stdout).to.equal("");
    for (const run of ["hello 4k", "hello 4k\\+contpte", "touch 4k", "touch 4k\\+contpte"]) expect(first.stderr).to.match(new RegExp(`^[1-4]/4 ${run}: done$`, "m"));
    expect(first.stderr).to.match(/^touch\n┌/m).and.include(`4 of 4 results in ${join(folder, "plan.results")}, 0 of them kept from before`);
    expect(existsSync(join(folder, "plan.results", "touch", "4k+contpte.json"))).to.equal(true);
    const again = foliolab(["sweep", file]);
    expect(again.stderr).to.include("4 of them kept from before");
    expect(foliolab(["sweep", "--quiet", file])).to.deep.equal({ status: 0, stdout: "", stderr: "" });
  });

  it("status 1 where a guest fails", () => {
    const { status, stderr } = foliolab(["sweep", planFile(`programs: [{run: "${guestProgram("crash")} exit 3"}]\nconfigs: [4k]\n`)]);
    expect(status).to.equal(1);
    expect(stderr).to.include("1/1 crash 4k: exit status 3");
  });

  it("says what is wrong before the first run, in one line", () => {
    const cases: [string, RegExp][] = [
      ["programs: [{run: /no/such}]", /^foliolab: \/no\/such: no such file\n$/],
      ["programs: [", /^foliolab: .*plan\.yaml:\d+:\d+: .*\n$/],
      [`programs: [{run: ${guestProgram("hello")}}]\noutput: /proc/none`, /^foliolab: \/proc\/none: .*\n$/],
    ];
    for (const [text, message] of cases) {
      const { status, stderr } = foliolab(["sweep", planFile(text)]);
      expect(stderr).to.match(message);
      expect(status).to.equal(2);
    }
    expect(foliolab(["sweep", join(folder, "none.yaml")]).status).to.equal(2);
    expect(foliolab(["sweep", "--workers", "x", planFile(`programs: [{run: ${guestProgram("hello")}}]`)]).stderr).to.match(/^foliolab: --workers x: must be a number/);
  });

  it("Ctrl-C ends what runs and keeps what is done", async () => {
    const file = planFile(`programs: [{run: ${guestProgram("hello")}}, {run: ${guestProgram("spin")}}]\nconfigs: [4k]\noptions: {memory: 128m}\n`);
    const child = spawn(join(process.cwd(), "bin", "foliolab"), ["sweep", "--workers", "1", file], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    let interrupted = false;
    child.stderr.on("data", (bytes: Buffer) => {
      said += bytes.toString();
      if (interrupted || !said.includes("1/2 hello 4k: done")) return;
      interrupted = true;
      child.kill("SIGINT");
    });
    const [code] = (await once(child, "close")) as [number | null];
    expect(code, said).to.equal(130);
    expect(existsSync(join(folder, "plan.results", "hello", "4k.json"))).to.equal(true);
    expect(existsSync(join(folder, "plan.results", "spin", "4k.json"))).to.equal(false);
    expect(said).to.include("1 of 2 results");
  });

  it("a program without results says so in the tables", () => {
    const run = (program: string) => ({ program, config: "4k", command: ["x"] as [string], settings: DEFAULT_CONFIG });
    const text = sweepTables([
      { run: run("a"), result: undefined, failure: "why", kept: false },
      { run: run("b"), result: exampleResult(), failure: "", kept: true },
    ]);
    expect(text).to.match(/^a: no results\n\nb\n┌/);
  });
});
