/**
 * Splitting folios in place: contents, sharing, counters, TLB maintenance.
 */
import { expect } from "chai";
import type { Order, Pfn, Va } from "../../../emulator/arch/addr.js";
import { ModelBug } from "../../../emulator/arch/errors.js";
import { TMPFS_POLICIES } from "../../../kernel-model/fs/folio-policies.js";
import { folioGet, folioPut } from "../../../kernel-model/mm/folio.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { canSplitFolio, splitFolio } from "../../../kernel-model/mm/split-folio.js";
import { zapPageRangeSingle } from "../../../kernel-model/mm/zap.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile, MAP_SHARED, mapFile, PROT_RW } from "../../support/page-cache.js";

const P = 4096;
const PMD = 2 ** 21;
const BASE = 0x5000000000;
const LOCKED = 1 << 0;
const EXCLUSIVE = 1 << 12;
const EAGAIN = 11;

/** A folio of `order` mapped at BASE, every page written unless `written` says otherwise. */
function mapped(order: number, written: (page: number) => boolean = () => true): { h: MmHarness; mm: MmStruct; folio: Pfn } {
  const h = new MmHarness();
  h.sys.thp.setSizeEnabled(order as Order, "always");
  const mm = h.newMm();
  h.anon(mm, BASE, 2 ** order * P);
  h.touch(mm, BASE, "write");
  for (let i = 0; i < 2 ** order; i++) if (written(i)) h.writeByte(mm, BASE + i * P + 1, 1 + (i % 250));
  const folio = order === 9 ? Number((h.pmd(mm, BASE) & 0x0000fffffffff000n) / 4096n) : h.frame(mm, BASE);
  h.clear();
  return { h, mm, folio: folio as Pfn };
}

/** split_folio() as madvise calls it: locked, with a reference. */
function split(h: MmHarness, folio: Pfn): number {
  folioGet(h.sys, folio);
  h.sys.pages.set(folio, LOCKED);
  const result = splitFolio(h.sys, folio);
  h.sys.pages.clear(folio, LOCKED);
  folioPut(h.sys, folio);
  return result;
}

describe("split_folio", () => {
  it("leaves every page in its place, as a folio of its own", () => {
    const { h, mm, folio } = mapped(4);
    expect(split(h, folio)).to.equal(0);
    for (let i = 0; i < 16; i++) {
      expect(h.frame(mm, BASE + i * P)).to.equal(folio + i);
      expect(h.sys.pages.folioOrder((folio + i) as Pfn)).to.equal(0);
      expect(h.sys.pages.test((folio + i) as Pfn, EXCLUSIVE)).to.equal(true);
      expect(h.readByte(mm, BASE + i * P + 1)).to.equal(1 + i);
    }
    expect(h.attributes(mm, BASE + 3 * P)).to.equal(0x00e8000000000f43n);
    const { thp } = h.sys;
    expect([thp.stat(4 as Order, "split"), thp.stat(4 as Order, "nr_anon"), mm.rss[1]]).to.deep.equal([1, 0, 16]);
    h.close();
  });

  it("unfolds the block, issues a TLBI per page and waits once more", () => {
    const { h, mm, folio } = mapped(4);
    split(h, folio);
    expect(h.maintenance()).to.deep.equal({ vale1is: 32, "dsb ish": 2 });
    expect(mm.tlbFlushBatched).to.equal(true);
    h.close();
  });

  it("keeps what is shared shared", () => {
    const { h, mm, folio } = mapped(2);
    const child = h.fork(mm);
    h.writeByte(child, BASE + P, 77);
    expect(split(h, folio)).to.equal(0);
    h.check();
    expect([h.readByte(mm, BASE + P + 1), h.readByte(child, BASE + P), h.readByte(child, BASE + 2 * P + 1)]).to.deep.equal([2, 77, 3]);
    expect(h.sys.pages.test(folio, EXCLUSIVE)).to.equal(false);
    expect(h.sys.pages.mapcount[folio]).to.equal(2);
    h.close();
  });

  it("frees the pages that nobody maps, and takes the folio off the queue", () => {
    const { h, mm, folio } = mapped(4);
    zapPageRangeSingle(mm.vmas.lookup(BASE)!, (BASE + 4 * P) as Va, 6 * P);
    const free = h.sys.buddy.nrFree;
    expect(split(h, folio)).to.equal(0);
    expect(h.sys.buddy.nrFree - free).to.equal(6);
    expect(h.sys.thp.stat(4 as Order, "nr_anon_partially_mapped")).to.equal(0);
    expect(h.sys.hugeMemory.deferredSplit.size).to.equal(0);
    h.close();
  });

  it("gives pages of zeros up for the zero page", () => {
    const { h, mm, folio } = mapped(4, (page) => page % 4 === 0);
    const free = h.sys.buddy.nrFree;
    split(h, folio);
    expect(h.sys.buddy.nrFree - free).to.equal(12);
    expect([h.frame(mm, BASE), h.frame(mm, BASE + P)]).to.deep.equal([folio, h.sys.zeroPfn]);
    expect(mm.rss[1]).to.equal(4);
    h.check();
    h.writeByte(mm, BASE + P, 1);
    h.close();
  });

  it("splits a PMD mapping with one flush of the block", () => {
    const { h, mm, folio } = mapped(9);
    expect(split(h, folio)).to.equal(0);
    expect(h.maintenance()).to.deep.equal({ vae1is: 1, "dsb ish": 1 });
    expect(h.pmd(mm, BASE) & 3n).to.equal(3n);
    expect([h.sys.vmstat.get("thp_split_page"), h.sys.vmstat.get("thp_split_pmd")]).to.deep.equal([1, 1]);
    expect(h.readByte(mm, BASE + 300 * P + 1)).to.equal(1 + (300 % 250));
    h.close();
  });

  it("fails while somebody else holds the folio, and counts that", () => {
    const { h, folio } = mapped(4);
    folioGet(h.sys, folio);
    expect(split(h, folio)).to.equal(-EAGAIN);
    expect(h.sys.thp.stat(4 as Order, "split_failed")).to.equal(1);
    expect(canSplitFolio(h.sys, folio), "two references too many").to.equal(true);
    folioPut(h.sys, folio);
    h.close();
  });

  it("wants the lock", () => {
    const { h, folio } = mapped(4);
    expect(() => splitFolio(h.sys, folio)).to.throw(ModelBug, "not locked");
    h.close();
  });

  it("splits a folio of the page cache, dropping what lies behind the end of the file", () => {
    const h = new MmHarness();
    const test = createTestFile(h.sys, { policy: TMPFS_POLICIES.always, size: PMD });
    const mm = h.newMm();
    mapFile(mm, BASE, PMD, PROT_RW, MAP_SHARED, test.file);
    h.writeByte(mm, BASE + 5 * P, 42);
    const folio = Number((h.pmd(mm, BASE) & 0x0000fffffffff000n) / 4096n) as Pfn;
    test.inode.size = 100 * P;
    expect(split(h, folio)).to.equal(0);
    expect([test.mapping.nrPages, test.mapping.pages.size, mm.rss[3]]).to.deep.equal([100, 100, 0]);
    expect(test.mapping.pages.get(7)).to.equal(folio + 7);
    h.check();
    expect(h.readByte(mm, BASE + 5 * P)).to.equal(42);
    h.exit(mm);
    test.dispose();
    h.close();
  });
});
