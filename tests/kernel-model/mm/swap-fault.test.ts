/**
 * Faults on swapped-out memory: what comes back, how large, for whom, and writable or not.
 */
import { expect } from "chai";
import type { Order, Va } from "../../../emulator/arch/addr.js";
import type { GranuleName } from "../../../emulator/arch/granule.js";
import { doMadvise } from "../../../kernel-model/mm/madvise.js";
import { doMremap } from "../../../kernel-model/mm/mremap.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { MmHarness } from "../../support/mm-harness.js";

const BASE = 0x5000000000;
const PAGEOUT = 21;
const DONTNEED = 4;
const WRITE = 1n << 51n;
const RDONLY = 1n << 7n;
const CONT = 1n << 52n;
const EXCLUSIVE = 1n << 2n;
const SWAPCACHE = 1 << 23;
const ANON_EXCLUSIVE = 1 << 12;
const SWAPENTS = 2;
const ANONPAGES = 1;

interface World {
  readonly h: MmHarness;
  readonly mm: MmStruct;
  readonly at: (page: number) => Va;
  readonly pageout: (first: number, count: number, mm?: MmStruct) => void;
  readonly swapped: (page: number, mm?: MmStruct) => boolean;
}

/** `pages` pages written with their number, in folios of `order` if given. */
function world(pages: number, order?: number, name: GranuleName = "4k"): World {
  const h = new MmHarness({ granule: name, swapBytes: 64 * 2 ** 20 });
  for (const each of h.sys.thp.anonOrders) h.sys.thp.setSizeEnabled(each, each === order ? "always" : "never");
  const { pageSize } = h.sys.granule;
  const mm = h.newMm();
  h.anon(mm, BASE, pages * pageSize);
  const at = (page: number): Va => (BASE + page * pageSize) as Va;
  for (let page = 0; page < pages; page++) h.writeByte(mm, at(page), page + 1);
  h.clear();
  return {
    h,
    mm,
    at,
    pageout: (first, count, of = mm) => expect(doMadvise(of, at(first), count * pageSize, PAGEOUT)).to.equal(0),
    swapped: (page, of = mm) => {
      const pte = h.pte(of, at(page));
      return pte !== 0n && (pte & (1n | (1n << 11n))) === 0n;
    },
  };
}

describe("do_swap_page", () => {
  it("a page goes out and comes back with its contents: one major fault", () => {
    const { h, mm, at, pageout, swapped } = world(4);
    pageout(1, 2);
    expect([0, 1, 2, 3].map((page) => swapped(page))).to.deep.equal([false, true, true, false]);
    expect([mm.rss[ANONPAGES], mm.rss[SWAPENTS]]).to.deep.equal([2, 2]);
    h.check();
    h.clear();
    expect(h.readByte(mm, at(1))).to.equal(2);
    expect(h.faults.map(({ result }) => result)).to.deep.equal([0x4]);
    expect(h.served.map(({ kind, order }) => [kind, order])).to.deep.equal([["swapIn", 0]]);
    expect([mm.majFlt, mm.rss[ANONPAGES], mm.rss[SWAPENTS], h.sys.vmstat.get("pgmajfault")]).to.deep.equal([1, 3, 1, 1]);
    expect(h.sys.swap!.inusePages - h.sys.swap!.slotsWaiting.length, "its slot is free").to.equal(1);
    h.close();
  });

  it("it comes back writable: it was this process's alone; clean after a read, dirty after a write", () => {
    const { h, mm, at, pageout } = world(2);
    pageout(0, 2);
    expect(h.pte(mm, at(0)) & EXCLUSIVE, "the entry says so").to.equal(EXCLUSIVE);
    h.touch(mm, at(0), "read");
    expect(h.pte(mm, at(0)) & (WRITE | RDONLY)).to.equal(WRITE | RDONLY);
    h.touch(mm, at(1), "write");
    expect(h.pte(mm, at(1)) & (WRITE | RDONLY)).to.equal(WRITE);
    expect(h.maintenance()["dsb ish"]! - 2, "no TLBI to bring a page back").to.equal(0);
    h.close();
  });

  it("a folio that went out whole comes back whole, as one contiguous block, at any of its pages", () => {
    const { h, mm, at, pageout } = world(32, 4);
    pageout(0, 32);
    expect([h.sys.thp.stat(4 as Order, "swpout"), h.sys.vmstat.get("pswpout")]).to.deep.equal([2, 32]);
    h.clear();
    expect(h.readByte(mm, at(21))).to.equal(22);
    for (let page = 16; page < 32; page++) {
      expect(h.pte(mm, at(page)) & (CONT | 1n), `page ${page}`).to.equal(CONT | 1n);
      expect(h.readByte(mm, at(page))).to.equal(page + 1);
    }
    expect(h.faults).to.have.length(1);
    expect(h.served).to.deep.include({ address: at(21), kind: "swapIn", order: 4 });
    expect([mm.rss[ANONPAGES], mm.rss[SWAPENTS]]).to.deep.equal([16, 16]);
    h.check();
    h.close();
  });

  it("not if the size is not enabled any more, a neighbour is gone, or the place is another", () => {
    const pageByPage = (change: (w: World) => number): number => {
      const w = world(32, 4);
      w.pageout(0, 32);
      const page = change(w);
      w.h.clear();
      w.h.touch(w.mm, w.at(page), "read");
      const { order } = w.h.served[0]!;
      w.h.close();
      return order;
    };
    expect(pageByPage(() => 3), "as a control").to.equal(4);
    expect(pageByPage(({ h }) => (h.sys.thp.setSizeEnabled(4 as Order, "never"), 3))).to.equal(0);
    expect(pageByPage(({ mm, at }) => (doMadvise(mm, at(7), 4096, DONTNEED), 3))).to.equal(0);
    const moved = ({ mm, at }: World): number => {
      expect(doMremap(mm, { addr: at(0), oldLen: 16 * 4096, newLen: 16 * 4096, flags: 3, newAddr: at(69) })).to.equal(at(69));
      return 72;
    };
    expect(pageByPage(moved), "not at its place within a folio").to.equal(0);
  });

  it("with 16K and 64K pages large folios go out page by page, and may come back as one", () => {
    for (const [name, order] of [["16k", 7], ["64k", 5]] as const) {
      const { h, mm, at, pageout } = world(2 ** order, order, name);
      pageout(0, 2 ** order);
      expect([h.sys.thp.stat(order as Order, "swpout"), h.sys.thp.stat(order as Order, "swpout_fallback"), h.sys.thp.stat(order as Order, "split")], name).to.deep.equal([0, 1, 1]);
      h.clear();
      expect(h.readByte(mm, at(9))).to.equal(10);
      expect(h.served[0]!.order, name).to.equal(order);
      expect(h.pte(mm, at(0)) & CONT).to.equal(CONT);
      h.close();
    }
  });

  it("after fork the slot belongs to both: nobody may write without a copy", () => {
    const { h, mm, at, pageout, swapped } = world(2);
    pageout(0, 2);
    const child = h.fork(mm);
    expect([h.pte(mm, at(0)) & EXCLUSIVE, h.pte(child, at(0)) & EXCLUSIVE]).to.deep.equal([0n, 0n]);
    expect([child.rss[SWAPENTS], swapped(0, child)]).to.deep.equal([2, true]);
    h.check();
    h.clear();
    expect(h.readByte(child, at(0))).to.equal(1);
    const frame = h.frame(child, at(0));
    expect(h.sys.pages.test(frame as never, SWAPCACHE), "the parent still has an entry for the slot").to.equal(true);
    expect(h.pte(child, at(0)) & (WRITE | RDONLY)).to.equal(RDONLY);
    h.writeByte(child, at(0), 99);
    expect([h.readByte(mm, at(0)), h.readByte(child, at(0))]).to.deep.equal([1, 99]);
    expect(h.frame(mm, at(0)), "the parent gets the cached page").to.equal(frame);
    h.check();
    h.writeByte(mm, at(0), 50);
    expect([h.frame(mm, at(0)), h.sys.pages.test(frame as never, SWAPCACHE), h.sys.pages.test(frame as never, ANON_EXCLUSIVE)], "and keeps it: it is alone").to.deep.equal([frame, false, true]);
    h.close();
  });

  it("a write to a shared slot copies at once; the last user takes the cached page over", () => {
    const { h, mm, at, pageout } = world(1);
    pageout(0, 1);
    const child = h.fork(mm);
    h.clear();
    h.writeByte(child, at(0), 7);
    expect(h.served.map(({ kind }) => kind)).to.deep.equal(["wpCopy"]);
    h.clear();
    h.writeByte(mm, at(0), 8);
    expect(h.served.map(({ kind }) => kind)).to.deep.equal(["swapIn"]);
    expect([h.readByte(mm, at(0)), h.readByte(child, at(0))]).to.deep.equal([8, 7]);
    expect(h.sys.vmstat.get("nr_swapcached")).to.equal(0);
    h.close();
  });

  it("memory that is read-only comes back read-only", () => {
    const { h, mm, at, pageout } = world(1);
    pageout(0, 1);
    h.anon(mm, at(8), 4096);
    mm.vmas.lookup(at(0))!.flags &= ~2;
    mm.vmas.lookup(at(0))!.pageProt = h.sys.pgtable.pageProt(mm.vmas.lookup(at(0))!.flags);
    h.touch(mm, at(0), "read");
    expect(h.pte(mm, at(0)) & (WRITE | RDONLY)).to.equal(RDONLY);
    mm.vmas.lookup(at(0))!.flags |= 2;
    h.close();
  });

  it("zeros come back as zeros, and were never written", () => {
    const h = new MmHarness({ swapBytes: 2 ** 24 });
    const mm = h.newMm();
    h.anon(mm, BASE, 2 * 4096);
    h.writeByte(mm, BASE, 0);
    doMadvise(mm, BASE as Va, 4096, PAGEOUT);
    expect([h.sys.vmstat.get("swpout_zero"), h.sys.vmstat.get("pswpout"), mm.rss[SWAPENTS]]).to.deep.equal([1, 0, 1]);
    expect(h.readByte(mm, BASE)).to.equal(0);
    expect(h.sys.vmstat.get("swpin_zero")).to.equal(1);
    h.close();
  });

  it("a PMD-sized folio goes out whole and comes back page by page", () => {
    const h = new MmHarness({ swapBytes: 2 ** 24 });
    h.sys.thp.enabled = "always";
    const mm = h.newMm();
    const start = BASE;
    h.anon(mm, start, 2 ** 21);
    h.writeByte(mm, start, 5);
    expect(h.pmd(mm, start) & 3n, "a block").to.equal(1n);
    doMadvise(mm, start as Va, 2 ** 21, PAGEOUT);
    expect([h.sys.vmstat.get("thp_swpout"), mm.rss[SWAPENTS], h.sys.vmstat.get("thp_split_pmd")]).to.deep.equal([1, 512, 1]);
    h.clear();
    expect([h.readByte(mm, start), h.readByte(mm, start + 4096)]).to.deep.equal([5, 0]);
    expect(h.served.map(({ order }) => order)).to.deep.equal([0, 0]);
    h.close();
  });
});
