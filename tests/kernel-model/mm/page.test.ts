/** mem_map: columns by frame number, flags of pages and folios. */
import { expect } from "chai";
import type { Pfn } from "../../../emulator/arch/addr.js";
import * as page from "../../../kernel-model/mm/page.js";
import { Pages } from "../../../kernel-model/mm/page.js";

const pfn = (n: number): Pfn => n as Pfn;

describe("pages", () => {
  it("flags are single bits, no two the same", () => {
    const flags = Object.entries(page).filter(([name]) => name.startsWith("PG_")) as [string, number][];
    expect(flags).to.have.length(24);
    for (const [name, bit] of flags) expect(Math.log2(bit >>> 0) % 1, name).to.equal(0);
    expect(new Set(flags.map(([, bit]) => bit)).size).to.equal(flags.length);
  });

  it("every frame starts alone, unreferenced, unmapped and without flags", () => {
    const pages = new Pages(100);
    expect(pages.nr).to.equal(100);
    for (const column of [pages.flags, pages.refcount, pages.mapcount, pages.entireMapcount, pages.largeMapcount, pages.nrPagesMapped, pages.order, pages.mapping, pages.index]) {
      expect(column).to.have.length(100);
      expect(column.every((value) => value === 0)).to.equal(true);
    }
    for (let n = 0; n < 100; n++) expect(pages.head(pfn(n)), "its own head").to.equal(n);
    expect(page.NO_PFN, "no frame").to.equal(-1);
  });

  it("set and clear change the bits given, of the page given", () => {
    const pages = new Pages(4);
    pages.set(pfn(1), page.PG_DIRTY | page.PG_LRU);
    pages.set(pfn(2), page.PG_LRU);
    expect([pages.test(pfn(1), page.PG_DIRTY), pages.test(pfn(2), page.PG_DIRTY), pages.test(pfn(1), page.PG_ACTIVE)]).to.deep.equal([true, false, false]);
    expect(pages.test(pfn(2), page.PG_DIRTY | page.PG_LRU), "one of several").to.equal(true);
    pages.clear(pfn(1), page.PG_LRU);
    expect([...pages.flags]).to.deep.equal([0, page.PG_DIRTY, page.PG_LRU, 0]);
  });

  it("pages of a folio lead to its head, whose order tells their number", () => {
    const pages = new Pages(32);
    // An order-3 folio at frame 8.
    for (let n = 8; n < 16; n++) {
      if (n > 8) pages.compoundHead[n] = 8 + 1;
      pages.set(pfn(n), n === 8 ? page.PG_HEAD : page.PG_TAIL);
    }
    pages.order[8] = 3;
    expect([7, 8, 11, 15, 16].map((n) => pages.head(pfn(n)))).to.deep.equal([7, 8, 8, 8, 16]);
    expect([pages.folioOrder(pfn(8)), pages.folioNrPages(pfn(8)), pages.isLarge(pfn(8))]).to.deep.equal([3, 8, true]);
    expect([pages.folioOrder(pfn(7)), pages.folioNrPages(pfn(7)), pages.isLarge(pfn(7))]).to.deep.equal([0, 1, false]);
    expect(pages.isLarge(pfn(9)), "a tail is no large folio").to.equal(false);
  });

  it("columns hold the ranges that they must", () => {
    const pages = new Pages(1);
    pages.refcount[0] = -1;
    pages.index[0] = 2 ** 40;
    pages.order[0] = 13;
    expect([pages.refcount[0], pages.index[0], pages.folioNrPages(pfn(0))], "an underflow shows; offsets beyond 32 bits; 512 MiB of 64K pages").to.deep.equal([-1, 2 ** 40, 8192]);
  });
});
