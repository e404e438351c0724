/**
 * The TLB plugin that speed is compared with must itself be right, or its time means nothing; and the TLB model must find on its trace each
 * miss that it finds, and no other: two programs that share no line.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { granule } from "../../emulator/arch/granule.js";
import { corePreset } from "../../emulator/mmu/cores.js";
import { Mmu } from "../../emulator/mmu/mmu.js";
import { PageTables } from "../emulator/mmu/page-table-builder.js";
import { guestProgram, runQemu } from "../support/guest.js";

interface Counts {
  readonly accesses: number;
  readonly l1dMisses: number;
  readonly l2Misses: number;
}

const plugin = join("build", "bench", "tlb-peer.so");
const ORDERS = ["stamps", "sorted"] as const;

/** Counts of `stride` over `pages` pages, `passes` times, without those of the same program over nothing. */
function strideCounts(order: string, pages: number, passes: number): Counts {
  const run = (bytes: number): Counts => {
    const result = runQemu(guestProgram("stride"), [`${bytes}`, "4096", `${passes}`], { qemuArgs: ["-plugin", `${plugin},order=${order}`] });
    expect(result.exit, result.stderr).to.deep.equal({ code: 0 });
    return JSON.parse(result.stderr) as Counts;
  };
  const [with_, without] = [run(pages * 4096), run(8)];
  return { accesses: with_.accesses - without.accesses, l1dMisses: with_.l1dMisses - without.l1dMisses, l2Misses: with_.l2Misses - without.l2Misses };
}

/** References of a program's loads and stores as the plugin sees them: page number * 4, + 1 for an L1 miss, + 2 for an L2 miss. */
function traceOf(order: string, program: string, args: readonly string[]): { counts: Counts; words: readonly number[] } {
  const file = join("build", "bench", `trace-${process.pid}.bin`);
  try {
    const result = runQemu(guestProgram(program), args, { qemuArgs: ["-plugin", `${plugin},order=${order},trace=${file}`] });
    expect(result.exit, result.stderr).to.deep.equal({ code: 0 });
    const bytes = readFileSync(file);
    return { counts: JSON.parse(result.stderr) as Counts, words: Array.from({ length: bytes.length / 8 }, (_, i) => Number(bytes.readBigUInt64LE(8 * i))) };
  } finally {
    rmSync(file, { force: true });
  }
}

/** 48 entries in one set, 1280 in 256 sets of 5 ways, nothing but translations in them; every page of the trace mapped on its own. */
function modelFor(pages: ReadonlySet<number>): Mmu {
  const tables = new PageTables();
  let frame = 0;
  for (const page of pages) tables.map(page * 4096, 3, 0x00e8_0000_0000_0f43n | BigInt((frame += 2) * 4096));
  const core = { ...corePreset("neoverse-n1"), walkCache: undefined };
  expect([core.l1d.entries, core.l1d.ways, core.l2[0]!.entries, core.l2[0]!.ways]).to.deep.equal([48, "full", 1280, 5]);
  const mmu = new Mmu({ core, memory: tables.memory, granule: granule("4k"), updatesDescriptors: false, seed: 1 });
  mmu.setRegime(tables.regime());
  return mmu;
}

const misses = (mmu: Mmu): [number, number] => {
  const { l1d, l2 } = mmu.stats({ instructions: 0, loads: 0, stores: 0 });
  return [l1d.misses, l2.misses];
};

before(() => {
  const { status, stderr } = spawnSync("make", ["--silent", plugin], { encoding: "utf8" });
  expect(status, stderr).to.equal(0);
});

describe("TLB plugin for qemu-aarch64", () => {
  // stride loads and stores one word per page and pass, then loads it once more to check it. The output of the two runs differs in length, and a few pages are libc's own: hence the margins.
  for (const order of ORDERS) {
    it(`${order}: 32 pages fit the first level: one miss per page`, () => {
      const { accesses, l1dMisses, l2Misses } = strideCounts(order, 32, 16);
      expect(accesses).to.be.within(31 * 33 - 64, 31 * 33 + 64);
      expect(l1dMisses).to.be.within(31 - 8, 31 + 32);
      expect(l2Misses).to.be.within(31 - 8, 31 + 32);
    });

    it(`${order}: 1024 pages fit the second level: a first-level miss per access, a second-level miss per page`, () => {
      const { l1dMisses, l2Misses } = strideCounts(order, 1024, 16);
      expect(l1dMisses).to.be.within(1024 * 17 - 32, 1024 * 17 + 32);
      expect(l2Misses).to.be.within(1024 - 32, 1024 + 32);
    });

    it(`${order}: 2048 pages in a circle defeat LRU in both levels`, () => {
      const { l1dMisses, l2Misses } = strideCounts(order, 2048, 16);
      expect(l1dMisses).to.be.within(2048 * 17 - 32, 2048 * 17 + 32);
      expect(l2Misses).to.be.within(2048 * 17 - 32, 2048 * 17 + 32);
    });
  }

  it("refuses an order that it does not know", () => {
    expect(runQemu(guestProgram("hello"), [], { qemuArgs: ["-plugin", `${plugin},order=fifo`] }).exit).to.deep.equal({ code: 1 });
  });
});

describe("the TLB model on the plugin's trace", () => {
  // Fits the L2; does not; a tree; pages in turn that defeat LRU. Both ways to keep the order of use must agree with the model, so they agree with one another.
  const patterns = [["hashjoin", "10k"], ["gups", "16m", "30k"], ["btree", "5k"], ["stride", "8388608", "4096", "3"]] as const;
  for (const [order, [program, ...args]] of ORDERS.flatMap((order) => patterns.map((pattern) => [order, pattern] as const))) {
    it(`${[program, ...args].join(" ")}, ${order}: equal miss for miss`, () => {
      const { counts, words } = traceOf(order, program, args);
      expect(words.length).to.be.greaterThan(4000);
      const pages = new Set(words.map((word) => Math.floor(word / 4)));
      const record = Uint32Array.from(words.flatMap((word) => [Math.floor(word / 4) % 2 ** 32, Math.floor(word / 2 ** 34) * 4 + 1]));

      const atOnce = modelFor(pages);
      atOnce.consume(record, words.length);
      expect(misses(atOnce)).to.deep.equal([counts.l1dMisses, counts.l2Misses]);

      const oneByOne = modelFor(pages);
      let [l1, l2] = [0, 0];
      words.forEach((word, i) => {
        oneByOne.consume(record.subarray(2 * i, 2 * i + 2), 1);
        l1 += word & 1;
        l2 += (word >>> 1) & 1;
        const [l1Now, l2Now] = misses(oneByOne);
        if (l1Now !== l1 || l2Now !== l2) expect([l1Now, l2Now], `reference ${i}, page ${Math.floor(word / 4)}`).to.deep.equal([l1, l2]);
      });
    });
  }
});
