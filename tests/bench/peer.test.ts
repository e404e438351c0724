/**
 * The TLB plugin that speed is compared with must itself be right, or its time means nothing.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";
import { guestProgram, runQemu } from "../support/guest.js";

interface Counts {
  readonly accesses: number;
  readonly l1dMisses: number;
  readonly l2Misses: number;
}

const plugin = join("build", "bench", "tlb-peer.so");

/** Counts of `stride` over `pages` pages, `passes` times, without those of the same program over nothing. */
function strideCounts(pages: number, passes: number): Counts {
  const run = (bytes: number): Counts => {
    const result = runQemu(guestProgram("stride"), [`${bytes}`, "4096", `${passes}`], { qemuArgs: ["-plugin", plugin] });
    expect(result.exit, result.stderr).to.deep.equal({ code: 0 });
    return JSON.parse(result.stderr) as Counts;
  };
  const [with_, without] = [run(pages * 4096), run(8)];
  return { accesses: with_.accesses - without.accesses, l1dMisses: with_.l1dMisses - without.l1dMisses, l2Misses: with_.l2Misses - without.l2Misses };
}

describe("TLB plugin for qemu-aarch64", () => {
  before(() => {
    const { status, stderr } = spawnSync("make", ["--silent", plugin], { encoding: "utf8" });
    expect(status, stderr).to.equal(0);
  });

  // stride loads and stores one word per page and pass, then loads it once more to check it. The output of the two runs differs in length, and a few pages are libc's own: hence the margins.
  it("32 pages fit the first level: one miss per page", () => {
    const { accesses, l1dMisses, l2Misses } = strideCounts(32, 16);
    expect(accesses).to.be.within(31 * 33 - 64, 31 * 33 + 64);
    expect(l1dMisses).to.be.within(31 - 8, 31 + 32);
    expect(l2Misses).to.be.within(31 - 8, 31 + 32);
  });

  it("1024 pages fit the second level: a first-level miss per access, a second-level miss per page", () => {
    const { l1dMisses, l2Misses } = strideCounts(1024, 16);
    expect(l1dMisses).to.be.within(1024 * 17 - 32, 1024 * 17 + 32);
    expect(l2Misses).to.be.within(1024 - 32, 1024 + 32);
  });

  it("2048 pages in a circle defeat LRU in both levels", () => {
    const { l1dMisses, l2Misses } = strideCounts(2048, 16);
    expect(l1dMisses).to.be.within(2048 * 17 - 32, 2048 * 17 + 32);
    expect(l2Misses).to.be.within(2048 * 17 - 32, 2048 * 17 + 32);
  });
});
