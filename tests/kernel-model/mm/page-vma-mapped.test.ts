/**
 * The entries of an area at the place of a folio.
 */
import { expect } from "chai";
import type { Order, Pfn, Va } from "../../../emulator/arch/addr.js";
import { forEachEntryOf, pageOfFolio } from "../../../kernel-model/mm/page-vma-mapped.js";
import { zapPageRangeSingle } from "../../../kernel-model/mm/zap.js";
import { MmHarness } from "../../support/mm-harness.js";

const P = 4096;
const PMD = 2 ** 21;
const BASE = 0x5000000000;

describe("entries of a folio in an area", () => {
  it("are those that are not none, across page tables", () => {
    const h = new MmHarness();
    h.sys.thp.enabled = "never";
    const mm = h.newMm();
    const at = BASE + PMD - 3 * P;
    const vma = h.anon(mm, at, 8 * P);
    h.touchAll(mm, at, at + 8 * P, "write");
    zapPageRangeSingle(vma, (at + 4 * P) as Va, P);
    const seen: number[] = [];
    forEachEntryOf(vma, at / P + 1, 6, (address) => seen.push((address - at) / P));
    expect(seen).to.deep.equal([1, 2, 3, 5, 6]);
    h.close();
  });

  it("are cut to the area", () => {
    const h = new MmHarness();
    h.sys.thp.setSizeEnabled(2 as Order, "always");
    const mm = h.newMm();
    const vma = h.anon(mm, BASE, 4 * P);
    h.touch(mm, BASE, "write");
    const pages = (pgoff: number, nr: number): number[] => {
      const seen: number[] = [];
      forEachEntryOf(vma, pgoff, nr, (address, ptep) => {
        expect(h.sys.pgtable.rawGet(ptep)).to.equal(h.pte(mm, address));
        seen.push((address - BASE) / P);
      });
      return seen;
    };
    expect(pages(BASE / P - 2, 4)).to.deep.equal([0, 1]);
    expect(pages(BASE / P + 3, 9)).to.deep.equal([3]);
    expect(pages(BASE / P + 4, 1)).to.deep.equal([]);
    h.close();
  });

  it("skip PMD mappings", () => {
    const h = new MmHarness();
    const mm = h.newMm();
    const vma = h.anon(mm, BASE, PMD);
    h.touch(mm, BASE, "write");
    let seen = 0;
    forEachEntryOf(vma, BASE / P, 512, () => seen++);
    expect(seen).to.equal(0);
    h.close();
  });

  it("are told from those of other folios", () => {
    const page = (frame: number): number | undefined => pageOfFolio(32 as Pfn, 4, frame as Pfn);
    expect([page(31), page(32), page(35), page(36)]).to.deep.equal([undefined, 32, 35, undefined]);
  });
});
