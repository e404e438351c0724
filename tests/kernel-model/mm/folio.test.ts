/** References, map counts and the end of a folio. */
import { expect } from "chai";
import type { Order, Pfn } from "../../../emulator/arch/addr.js";
import {
  folioAlloc,
  folioEntireMapcount,
  folioGet,
  folioLikelyMappedShared,
  folioMapcount,
  folioPut,
  folioPutRefs,
  folioRefAdd,
  pageMapcount,
  zeroFolio,
} from "../../../kernel-model/mm/folio.js";
import type { MemorySystem } from "../../../kernel-model/mm/memory-system.js";
import { testSystem } from "../../support/memory-system.js";

const LOCKED = 1 << 0;
const LRU = 1 << 4;
const ACTIVE = 1 << 5;
const SWAPBACKED = 1 << 6;
const UNEVICTABLE = 1 << 9;
const MLOCKED = 1 << 10;
const ANON = 1 << 11;
const HEAD = 1 << 16;
const TAIL = 1 << 17;
const PARTIALLY_MAPPED = 1 << 18;
const DEFERRED_SPLIT = 1 << 19;

const alloc = (sys: MemorySystem, order: number): Pfn => folioAlloc(sys, order as Order);

describe("folio", () => {
  it("is allocated with one reference, as a compound page above order 0", () => {
    const { sys } = testSystem();
    const { pages } = sys;
    const small = alloc(sys, 0);
    expect([pages.refcount[small], pages.flags[small], pages.isLarge(small), pages.folioNrPages(small), pages.head(small)]).to.deep.equal([1, 0, false, 1, small]);
    const folio = alloc(sys, 4);
    expect([pages.refcount[folio], pages.flags[folio], pages.folioOrder(folio), pages.folioNrPages(folio)]).to.deep.equal([1, HEAD, 4, 16]);
    for (let page = folio + 1; page < folio + 16; page++) {
      expect([pages.flags[page], pages.refcount[page], pages.head(page as Pfn)]).to.deep.equal([TAIL, 0, folio]);
    }
  });

  it("fails without memory", () => {
    const { sys } = testSystem({ bytes: 2 ** 20 });
    expect(alloc(sys, 8)).to.equal(-1);
  });

  it("is zeroed as a whole", () => {
    const { sys } = testSystem({ granule: "16k" });
    folioPut(sys, alloc(sys, 2));
    const folio = alloc(sys, 2);
    sys.memory.u8.fill(5, folio * 16384, (folio + 5) * 16384);
    zeroFolio(sys, folio);
    expect(sys.memory.u8.subarray(folio * 16384, (folio + 4) * 16384).every((byte) => byte === 0)).to.equal(true);
    expect(sys.memory.u8[(folio + 4) * 16384]).to.equal(5);
  });

  it("is not written at all where its frames never had an owner", () => {
    const { sys } = testSystem();
    const folio = alloc(sys, 1);
    // A mark that only filling would remove: the owner has not written, so the frames count as zeros.
    sys.memory.u8[folio * 4096] = 1;
    zeroFolio(sys, folio);
    expect(sys.memory.u8[folio * 4096]).to.equal(1);
    folioPut(sys, folio);
    expect(sys.buddy.isPristine(folio)).to.equal(false);
  });

  it("is freed with its last reference, and every frame is announced", () => {
    const written: number[] = [];
    const { sys } = testSystem({ frameWritten: (page) => void written.push(page) });
    const { pages, buddy } = sys;
    const before = buddy.buddyinfo();
    const folio = alloc(sys, 2);
    folioGet(sys, folio);
    folioRefAdd(sys, folio, 5);
    folioPutRefs(sys, folio, 5);
    folioPut(sys, folio);
    expect(pages.refcount[folio]).to.equal(1);
    expect(written).to.deep.equal([]);
    folioPut(sys, folio);
    expect(written).to.deep.equal([folio, folio + 1, folio + 2, folio + 3]);
    expect(buddy.buddyinfo()).to.deep.equal(before);
    for (let page = folio; page < folio + 4; page++) expect(pages.head(page as Pfn)).to.equal(page);
    expect(() => folioPut(sys, folio)).to.throw("loses 1 of 0");
    expect(() => folioGet(sys, folio)).to.throw("0 references");
  });

  it("takes its counters with it", () => {
    const { sys } = testSystem();
    const { pages, vmstat, thp } = sys;
    const folio = alloc(sys, 4);
    pages.flags[folio]! |= ANON | SWAPBACKED | LRU | ACTIVE | UNEVICTABLE | MLOCKED | DEFERRED_SPLIT | PARTIALLY_MAPPED;
    pages.mapping[folio] = 1;
    vmstat.add("nr_unevictable", 16);
    vmstat.add("nr_mlock", 16);
    thp.statInc(4 as Order, "nr_anon");
    thp.statInc(4 as Order, "nr_anon_partially_mapped");
    sys.hugeMemory.deferredSplit.add(folio);
    folioPut(sys, folio);
    expect([vmstat.get("nr_unevictable"), vmstat.get("nr_mlock"), vmstat.get("unevictable_pgs_cleared")]).to.deep.equal([0, 0, 16]);
    expect([thp.stat(4 as Order, "nr_anon"), thp.stat(4 as Order, "nr_anon_partially_mapped"), sys.hugeMemory.deferredSplit.size]).to.deep.equal([0, 0, 0]);
    expect([pages.flags[folio + 1], pages.mapping[folio]]).to.deep.equal([0, 0]);
  });

  it("must not be freed while it is mapped, locked or cached", () => {
    const { sys } = testSystem();
    const { pages } = sys;
    const folio = alloc(sys, 0);
    pages.mapcount[folio] = 1;
    expect(() => folioPut(sys, folio)).to.throw("mapped 1 times");
    pages.mapcount[folio] = 0;
    pages.refcount[folio] = 1;
    pages.flags[folio] = LOCKED;
    expect(() => folioPut(sys, folio)).to.throw("flags 0x1");
    pages.flags[folio] = 0;
    pages.refcount[folio] = 1;
    pages.mapping[folio] = 3;
    expect(() => folioPut(sys, folio)).to.throw("page cache");
  });

  it("counts its mappings", () => {
    const { sys } = testSystem();
    const { pages } = sys;
    const small = alloc(sys, 0);
    pages.mapcount[small] = 3;
    expect([folioMapcount(sys, small), pageMapcount(sys, small), folioLikelyMappedShared(sys, small)]).to.deep.equal([3, 3, true]);
    pages.mapcount[small] = 1;
    expect(folioLikelyMappedShared(sys, small)).to.equal(false);
    const folio = alloc(sys, 2);
    const set = (perPage: readonly number[], entire: number): void => {
      perPage.forEach((count, i) => void (pages.mapcount[folio + i] = count));
      pages.entireMapcount[folio] = entire;
      pages.largeMapcount[folio] = perPage.reduce((a, b) => a + b, entire);
    };
    set([1, 1, 1, 1], 0);
    expect([folioMapcount(sys, folio), folioEntireMapcount(sys, folio), folioLikelyMappedShared(sys, folio)]).to.deep.equal([4, 0, false]);
    set([2, 1, 0, 0], 0);
    expect(folioLikelyMappedShared(sys, folio), "first page twice").to.equal(true);
    set([1, 2, 0, 0], 0);
    expect(folioLikelyMappedShared(sys, folio), "the guess looks at the first page only").to.equal(false);
    set([2, 2, 2, 1], 0);
    expect(folioLikelyMappedShared(sys, folio), "more mappings than pages").to.equal(true);
    set([0, 1, 0, 0], 1);
    expect([folioMapcount(sys, folio), pageMapcount(sys, folio), pageMapcount(sys, (folio + 1) as Pfn), folioLikelyMappedShared(sys, folio)]).to.deep.equal([2, 1, 2, true]);
    set([0, 0, 0, 0], 1);
    expect(folioLikelyMappedShared(sys, folio)).to.equal(false);
  });
});
