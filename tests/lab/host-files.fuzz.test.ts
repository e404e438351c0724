/* A guest that looks for a way out of what it is shown: nothing outside is read or written. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { recordHostFiles } from "../support/host-recorder.js";
import { runSeed } from "../support/seed.js";
import { lookForAWayOut } from "../support/sandbox-fuzz.js";

describe("the sandbox against random calls", () => {
  it("the recorder sees what goes past it", () => {
    const dir = mkdtempSync(join(tmpdir(), "foliolab-recorder-"));
    const { calls, outside } = recordHostFiles([dir], () => {
      writeFileSync(join(dir, "inside"), "x");
      existsSync(join(dir, "..", "beside"));
    });
    rmSync(dir, { recursive: true });
    expect([calls, outside.length]).to.deep.equal([2, 1]);
  });

  it("no file outside of the directories shown is touched", () => {
    const first = runSeed() % 1_000_000;
    expect(lookForAWayOut(first, first + 4, 1500)).to.be.greaterThan(100);
  });
});
