/* The recorded program in the model issues the TLB maintenance that was counted on real kernels. */
import { expect } from "chai";
import { granule } from "../../../emulator/arch/granule.js";
import { ConfigError } from "../../../emulator/arch/errors.js";
import { goldenMachine } from "../../../lab/golden/plan.js";
import { GoldenPrograms } from "../../../lab/golden/runner.js";
import { runTlbi, tlbiSizes } from "../../../lab/golden/tlbi-run.js";

describe("tlbiSizes", () => {
  it("one folio size is always on, or none", () => {
    expect([...tlbiSizes("64K", granule("4k"))]).to.deep.equal([[65536, "always"]]);
    expect([...tlbiSizes("2M:classic-lru", granule("16k", 47))]).to.deep.equal([[2 ** 21, "always"]]);
    expect([...tlbiSizes("order0", granule("4k"))]).to.deep.equal([]);
  });

  it("refuses a size that the pages do not have", () => {
    for (const cfg of ["all", "8K", "16K", "64M", "64"]) expect(() => tlbiSizes(cfg, granule("16k", 47)), cfg).to.throw(ConfigError, `"${cfg}"`);
  });
});

describe("runTlbi", function () {
  this.timeout(120_000);
  const programs = new GoldenPrograms("golden/tlbi", "build/golden");
  const run = (name: string, cfg: string) => runTlbi(goldenMachine(name), programs, { cfg, blocks: [1], reps: 1 });

  it("counts between the markers, with and without range instructions, with page-table isolation and with the erratum", () => {
    const counts = ["4k-n1x.json", "4k-max-nolpa2.json", "4k-n1x-kpti.json", "4k-n1.json"].map((name) => {
      const { counts, problems } = run(name, "64K");
      expect(problems, name).to.deep.equal([]);
      return counts.get("64K 1 mprotect ro: page 7");
    });
    expect(counts.map((count) => [count?.tlbi, count?.dsbIsh])).to.deep.equal([
      [{ vale1is: 17 }, 2],
      [{ rvale1is: 1, vale1is: 1 }, 2],
      [{ vale1is: 34 }, 2],
      [{ vale1is: 19 }, 4],
    ]);
    expect(counts[0]?.contpte).to.deep.equal({ try_unfold: 1, unfold: 1, faults: 0, aborts: 0, cont: "16>0" });
  });

  it("large folios of 16K pages are split to go out, and come back as one block", () => {
    const { counts, problems } = run("16k-n1x.json", "2M");
    expect(problems).to.deep.equal([]);
    // As the kernel did: unfold 128, split 128, 128 pages; a wait for each of the first two and for every page.
    expect(counts.get("2M 1 MADV_PAGEOUT: all blocks (zram)")).to.deep.include({ tlbi: { vale1is: 384 }, dsbIsh: 130 });
    expect(counts.get("2M 1 swap-in: read page 5")).to.deep.include({ tlbi: {}, dsbIsh: 0 });
    expect(counts.get("2M 1 swap-in: read page 5")?.contpte).to.deep.include({ contpte_set_ptes: 1, cont: "0>128" });
  });

  it("counts context switches apart", () => {
    const { counts } = run("4k-n1x.json", "order0");
    const exit = counts.get("order0 1 exit: process without region");
    expect([exit?.tlbi, exit?.dsbIsh, exit?.dsbIshOfSwitches]).to.deep.equal([{ aside1is: 1 }, 2, 1]);
  });

  it("runs on 16K pages and on a CPU without hardware access flag", () => {
    const sixteen = run("16k-n1x.json", "2M");
    expect(sixteen.problems).to.deep.equal([]);
    expect(sixteen.counts.get("2M 1 mprotect ro: all blocks")?.tlbi).to.deep.equal({ vale1is: 384 });
    const a72 = run("4k-a72.json", "64K");
    expect(a72.counts.get("64K 1 after FREE: write page 4 of a block")).to.deep.include({ tlbi: { vale1is: 16 }, dsbIsh: 1 });
  });
});
