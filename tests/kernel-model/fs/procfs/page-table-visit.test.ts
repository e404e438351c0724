/** The walk of procfs over one area: which entries it shows, in which order, cut to the range. */
import { expect } from "chai";
import { visitPageTable } from "../../../../kernel-model/fs/procfs/page-table-visit.js";
import type { Vma } from "../../../../kernel-model/mm/vma.js";
import { MmHarness } from "../../../support/mm-harness.js";

const P = 4096;
const PMD = 2 ** 21;
const BASE = 0x4000_0000;

/** What the visitor sees: [address, "pte" or "none"], or [address, "pmd", end]. */
function visited(vma: Vma, start: number, end: number): unknown[] {
  const seen: unknown[] = [];
  visitPageTable(vma, start, end, {
    pmd: (address, stop) => void seen.push([address, "pmd", stop]),
    pte: (address, pte, ptep) => {
      expect(vma.mm.sys.pgtable.ptepGet(ptep), "the entry is at the address given").to.equal(pte);
      seen.push([address, pte === 0n ? "none" : "pte"]);
    },
  });
  return seen;
}

describe("visit of page tables", () => {
  it("entries of existing tables, none entries too; nothing where there is no table", () => {
    const h = new MmHarness();
    h.sys.thp.set("enabled", "never");
    const mm = h.newMm();
    const vma = h.anon(mm, BASE, 3 * PMD);
    expect(visited(vma, vma.start, vma.end), "no table at all").to.deep.equal([]);
    h.touch(mm, BASE + PMD + 5 * P, "write");
    const all = visited(vma, vma.start, vma.end) as [number, string][];
    expect(all).to.have.length(512);
    expect(all.map(([address]) => address)).to.deep.equal(Array.from({ length: 512 }, (_, i) => BASE + PMD + i * P));
    expect(all.filter(([, kind]) => kind === "pte")).to.deep.equal([[BASE + PMD + 5 * P, "pte"]]);
    h.close();
  });

  it("is cut to the range asked for, across tables", () => {
    const h = new MmHarness();
    h.sys.thp.set("enabled", "never");
    const mm = h.newMm();
    const vma = h.anon(mm, BASE, 2 * PMD);
    h.touch(mm, BASE + PMD - P, "write");
    h.touch(mm, BASE + PMD, "write");
    expect(visited(vma, BASE + PMD - 2 * P, BASE + PMD + 2 * P)).to.deep.equal([
      [BASE + PMD - 2 * P, "none"],
      [BASE + PMD - P, "pte"],
      [BASE + PMD, "pte"],
      [BASE + PMD + P, "none"],
    ]);
    h.close();
  });

  it("a block is one visit, with the part of it that lies in the range", () => {
    const h = new MmHarness();
    h.sys.thp.set("enabled", "always");
    const mm = h.newMm();
    const vma = h.anon(mm, BASE, 2 * PMD);
    h.touch(mm, BASE, "write");
    h.touch(mm, BASE + PMD, "write");
    expect(visited(vma, BASE + 3 * P, BASE + PMD + 7 * P)).to.deep.equal([
      [BASE + 3 * P, "pmd", BASE + PMD],
      [BASE + PMD, "pmd", BASE + PMD + 7 * P],
    ]);
    h.close();
  });
});
