/* `make golden` prints a table, exits 1 where a record differs, and 2 for what it cannot read. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { GoldenRecord } from "../../../lab/golden/record.js";

function golden(...args: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  return spawnSync("node", ["dist/lab/golden/main.js", ...args], { encoding: "utf8" });
}

describe("golden", function () {
  this.timeout(120_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "foliolab-"));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it("agrees with a recorded program", () => {
    const { status, stdout } = golden("--only", "anon_seq", "--cfg", "off", "golden/linux-6.12/4k-neoverse-n1.json");
    expect(stdout).to.match(/│ 4k-neoverse-n1 │ +3 │ +3 │ +0 │/);
    expect(status).to.equal(0);
  });

  it("takes another recording, and shows the first field that differs with both values", () => {
    const { records } = JSON.parse(readFileSync("golden/linux-6.12/4k-neoverse-n1.json", "utf8")) as { records: GoldenRecord[] };
    const changed = records.filter((record) => record.prog === "anon_seq" && record.cfg === "off").map((record) => (record.step === "w_seq" ? { ...record, minflt: 7 } : record));
    const file = join(folder, "4k-neoverse-n1-other.json");
    writeFileSync(file, JSON.stringify({ meta: {}, records: changed }));
    const { status, stdout } = golden(file);
    expect(stdout).to.match(/anon_seq off w_seq: minflt\n +real +7\n +model 1024\n/);
    expect(stdout).to.match(/│ +3 │ +2 │ +1 │/);
    expect(status).to.equal(1);
  });

  it("says in one line what it cannot read", () => {
    const { status, stderr } = golden(join(folder, "4k-neoverse-n1-none.json"));
    expect(stderr).to.match(/^golden: [^\n]+\n$/);
    expect(status).to.equal(2);
  });
});
