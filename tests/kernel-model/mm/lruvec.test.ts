/**
 * LRU lists: which one a folio is on, and in which order it leaves.
 */
import { expect } from "chai";
import type { Pfn } from "../../../emulator/arch/addr.js";
import { LruVecs, lruOf, lruStat, lruStatIndex } from "../../../kernel-model/mm/lruvec.js";
import { Pages } from "../../../kernel-model/mm/page.js";
import { VMSTAT_NAMES } from "../../../kernel-model/mm/vmstat.js";

const ACTIVE = 1 << 5;
const SWAPBACKED = 1 << 6;
const UNEVICTABLE = 1 << 9;

function setup(): { pages: Pages; lru: LruVecs; list: (memcg: number, lru: number) => number[] } {
  const pages = new Pages(64);
  const lru = new LruVecs(pages, 2);
  return { pages, lru, list: (memcg, which) => [...lru.folios(memcg, which)] };
}

describe("LRU lists", () => {
  it("a folio's flags say which list, and each list has its counter", () => {
    const flags = [SWAPBACKED, SWAPBACKED | ACTIVE, 0, ACTIVE, UNEVICTABLE | ACTIVE | SWAPBACKED];
    expect(flags.map(lruOf)).to.deep.equal([0, 1, 2, 3, 4]);
    expect(flags.map((f) => lruStat(lruOf(f)))).to.deep.equal(["nr_inactive_anon", "nr_active_anon", "nr_inactive_file", "nr_active_file", "nr_unevictable"]);
    expect(flags.map((f) => VMSTAT_NAMES[lruStatIndex(lruOf(f))])).to.deep.equal(flags.map((f) => lruStat(lruOf(f))));
  });

  it("who came first leaves first, wherever one is taken out", () => {
    const { lru, list } = setup();
    for (const folio of [10, 11, 12, 13]) lru.add(folio as Pfn);
    expect(list(0, 2)).to.deep.equal([10, 11, 12, 13]);
    expect(lru.oldest(0, 2)).to.equal(10);
    lru.remove(12 as Pfn);
    lru.remove(10 as Pfn);
    lru.remove(13 as Pfn);
    expect(list(0, 2)).to.deep.equal([11]);
    lru.remove(11 as Pfn);
    expect([lru.oldest(0, 2), lru.size(0, 2)]).to.deep.equal([-1, 0]);
    lru.add(10 as Pfn);
    expect(list(0, 2)).to.deep.equal([10]);
  });

  it("lists and cgroups are apart, and sizes are pages", () => {
    const { pages, lru, list } = setup();
    pages.flags[8] = SWAPBACKED;
    pages.order[8] = 3;
    pages.memcg[8] = 1;
    pages.flags[20] = SWAPBACKED;
    for (const folio of [8, 20, 21]) lru.add(folio as Pfn);
    expect([list(1, 0), list(0, 0), list(0, 2)]).to.deep.equal([[8], [20], [21]]);
    expect([lru.size(1, 0), lru.size(0, 0), lru.size(0, 1)]).to.deep.equal([8, 1, 0]);
  });

  it("the pages of a folio that is split stay at its place, the first one leaving first", () => {
    const { pages, lru, list } = setup();
    pages.order[8] = 2;
    for (const folio of [5, 8, 6]) lru.add(folio as Pfn);
    lru.shrink(8 as Pfn, 3);
    for (const tail of [11, 10, 9]) lru.addBeside(tail as Pfn, 8 as Pfn);
    pages.order[8] = 0;
    expect(list(0, 2)).to.deep.equal([5, 8, 9, 10, 11, 6]);
    expect(lru.size(0, 2)).to.equal(6);
    const newest = setup();
    newest.lru.add(8 as Pfn);
    newest.lru.addBeside(9 as Pfn, 8 as Pfn);
    newest.lru.add(3 as Pfn);
    expect(newest.list(0, 2)).to.deep.equal([8, 9, 3]);
  });
});
