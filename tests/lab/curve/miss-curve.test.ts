/**
 * Miss curves of real runs: equal to separate TLB models of ten sizes in runs of their own, with and without the contiguous bit.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { granule } from "../../../emulator/arch/granule.js";
import { curveSizes, MissCurve, translationSizes } from "../../../lab/curve/miss-curve.js";
import { guestProgram } from "../../support/guest.js";
import { labRun } from "../../support/lab-run.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const SIZES = [2, 3, 4, 8, 16, 31, 48, 100, 256, 1000];

describe("MissCurve", () => {
  let directory: string;

  before(() => {
    directory = mkdtempSync(join(tmpdir(), "foliolab-curve-"));
  });

  after(() => {
    rmSync(directory, { recursive: true });
  });

  /** A preset whose L1D is a fully associative LRU of this size, as a file. */
  function preset(entries: number, contiguous: "whole" | "ignored"): string {
    const file = join(directory, `fa-${entries}-${contiguous}.json`);
    const structure = { entries, ways: "full", pageSizes: [4 * KIB, 64 * KIB, 2 * MIB, 32 * MIB, 1024 * MIB], contiguous, splinter: "largest", coalescedPages: 1, policy: "lru" };
    writeFileSync(file, JSON.stringify({ name: `fa-${entries}-${contiguous}`, base: "neoverse-n1", l1d: structure }));
    return file;
  }

  for (const [program, sizes] of [["gups", { 65536: "always" }], ["mallocchurn", { 65536: "always" }], ["forkwrite", { 65536: "always" }], ["btree", {}], ["sort", { 2097152: "always", 32768: "always" }]] as const) {
    it(`${program}: equal to separate simulations at ten sizes, with and without contiguous runs`, async () => {
      const thp = { enabled: "never", sizes } as const;
      const cores = ["neoverse-n1", ...SIZES.flatMap((entries) => [preset(entries, "whole"), preset(entries, "ignored")])];
      const { result: separate } = await labRun(guestProgram(program), [], { thp, cores });
      const curve = new MissCurve();
      await labRun(guestProgram(program), [], { thp }, [curve]);
      for (const entries of SIZES) {
        const { misses, withoutContiguous } = curve.at(entries);
        expect(misses, `${entries} entries`).to.equal(separate.tlb[`fa-${entries}-whole`]!.l1d.misses);
        expect(withoutContiguous, `${entries} entries without`).to.equal(separate.tlb[`fa-${entries}-ignored`]!.l1d.misses);
      }
    });
  }

  it("changes no result of the run", async () => {
    const { result: plain } = await labRun(guestProgram("btree"));
    const { result } = await labRun(guestProgram("btree"), [], {}, [new MissCurve("both")]);
    expect(result.tlb).to.deep.equal(plain.tlb);
  });

  it("falls, and stays flat from `enough` on", async () => {
    const curve = new MissCurve();
    await labRun(guestProgram("stride"), [], { thp: { enabled: "never", sizes: { 65536: "always" } } }, [curve]);
    const { enough, points, side } = curve.result();
    expect(side).to.equal("data");
    points.slice(1).forEach((point, i) => {
      expect(point.entries).to.be.greaterThan(points[i]!.entries);
      expect(point.misses).to.be.at.most(points[i]!.misses);
      expect(point.withoutContiguous).to.be.at.most(points[i]!.withoutContiguous);
    });
    const { misses, withoutContiguous } = curve.at(enough);
    expect(curve.at(1e9)).to.include({ misses, withoutContiguous });
    expect(curve.at(enough - 1)).to.not.include({ misses, withoutContiguous });
    for (const point of points) expect(point.misses).to.be.at.most(point.withoutContiguous);
  });

  it("sides: instructions and data add up at every size only if they do not share entries", async () => {
    const at = async (side: "data" | "instruction" | "both"): Promise<number> => {
      const curve = new MissCurve(side);
      await labRun(guestProgram("hello"), [], {}, [curve]);
      return curve.at(1e6).misses;
    };
    const [data, instruction, both] = [await at("data"), await at("instruction"), await at("both")];
    expect(both).to.be.at.most(data + instruction).and.at.least(Math.max(data, instruction));
  });
});

describe("translationSizes", () => {
  it("are those of pages, blocks and contiguous runs of each granule", () => {
    expect(translationSizes(granule("4k", 48))).to.deep.equal([4 * KIB, 64 * KIB, 2 * MIB, 32 * MIB, 1024 * MIB, 16 * 1024 * MIB]);
    expect(translationSizes(granule("16k", 47))).to.deep.equal([16 * KIB, 2 * MIB, 32 * MIB, 1024 * MIB]);
    expect(translationSizes(granule("64k", 48))).to.deep.equal([64 * KIB, 2 * MIB, 512 * MIB, 16 * 1024 * MIB]);
  });
});

describe("curveSizes", () => {
  it("begin at 1, end at the last, ascend, and have every small size", () => {
    const sizes = curveSizes(5000);
    expect(sizes.slice(0, 28)).to.deep.equal(Array.from({ length: 28 }, (_, i) => i + 1));
    expect(sizes.at(-1)).to.equal(5000);
    expect(sizes.length).to.be.lessThan(250);
    for (const [i, size] of sizes.entries()) if (i > 0) expect(size).to.be.greaterThan(sizes[i - 1]!);
    expect(curveSizes(1)).to.deep.equal([1]);
  });
});
