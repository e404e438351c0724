/**
 * LRU flags of folios and the counters of the lists.
 */
import { expect } from "chai";
import type { Order, Pfn } from "../../../emulator/arch/addr.js";
import { ModelBug } from "../../../emulator/arch/errors.js";
import { folioAlloc, folioPut } from "../../../kernel-model/mm/folio.js";
import {
  folioAddLru,
  folioAddLruVma,
  folioDeactivate,
  folioMarkAccessed,
  folioMarkLazyfree,
  lruAddDrain,
  mlockFolio,
  munlockFolio,
  noopDirtyFolio,
  vmaHasRecency,
} from "../../../kernel-model/mm/swap-lru.js";
import type { File } from "../../../kernel-model/fs/file.js";
import { MmHarness } from "../../support/mm-harness.js";

const BASE = 0x5000000000;
const P = 4096;
const REFERENCED = 1 << 1;
const DIRTY = 1 << 3;
const LRU = 1 << 4;
const ACTIVE = 1 << 5;
const SWAPBACKED = 1 << 6;
const MLOCKED = 1 << 10;
const ANON = 1 << 11;
const WORKINGSET = 1 << 21;

function folio(order = 0): { h: MmHarness; folio: Pfn } {
  const h = new MmHarness();
  return { h, folio: folioAlloc(h.sys, order as Order) };
}

describe("LRU state", () => {
  it("counts a folio on the list that its flags say, and follows it", () => {
    const { h, folio: page } = folio(2);
    const lists = (): number[] => (["nr_inactive_file", "nr_active_anon", "nr_inactive_anon", "nr_unevictable"] as const).map((name) => h.sys.vmstat.get(name));
    folioAddLru(h.sys, page);
    expect(lists()).to.deep.equal([4, 0, 0, 0]);
    expect(() => folioAddLru(h.sys, page)).to.throw(ModelBug);
    mlockFolio(h.sys, page);
    mlockFolio(h.sys, page);
    expect([lists(), h.sys.vmstat.get("nr_mlock")]).to.deep.equal([[0, 0, 0, 4], 4]);
    munlockFolio(h.sys, page);
    munlockFolio(h.sys, page);
    expect([lists(), h.sys.vmstat.get("nr_mlock")]).to.deep.equal([[4, 0, 0, 0], 0]);
    folioPut(h.sys, page);
    expect(lists()).to.deep.equal([0, 0, 0, 0]);
    h.close();
  });

  it("locks a new folio of a locked area", () => {
    const { h, folio: page } = folio();
    const vma = h.anon(h.newMm(), BASE, P);
    vma.flags |= 0x2000;
    folioAddLruVma(page, vma);
    expect(h.sys.pages.flags[page]! & (LRU | MLOCKED)).to.equal(LRU | MLOCKED);
    vma.flags &= ~0x2000;
    folioPut(h.sys, page);
    h.close();
  });

  it("remembers a first and a second access", () => {
    const { h, folio: page } = folio();
    folioMarkAccessed(h.sys, page);
    expect(h.sys.pages.flags[page]).to.equal(REFERENCED);
    folioMarkAccessed(h.sys, page);
    expect(h.sys.pages.flags[page]).to.equal(REFERENCED | WORKINGSET);
    folioDeactivate(h.sys, page);
    expect(h.sys.pages.flags[page], "it is on no list").to.equal(REFERENCED | WORKINGSET);
    folioAddLru(h.sys, page);
    folioDeactivate(h.sys, page);
    expect([h.sys.pages.flags[page], h.sys.pages.refcount[page]], "it waits").to.deep.equal([LRU | REFERENCED | WORKINGSET, 2]);
    lruAddDrain(h.sys);
    expect([h.sys.pages.flags[page], h.sys.pages.refcount[page]]).to.deep.equal([LRU | WORKINGSET, 1]);
    folioPut(h.sys, page);
    h.close();
  });

  it("makes a swap-backed anonymous folio lazily free, and nothing else", () => {
    const { h, folio: page } = folio();
    folioMarkLazyfree(h.sys, page);
    expect(h.sys.vmstat.get("pglazyfree")).to.equal(0);
    h.sys.pages.set(page, ANON | SWAPBACKED | ACTIVE | REFERENCED);
    folioAddLru(h.sys, page);
    expect(h.sys.vmstat.get("nr_active_anon")).to.equal(1);
    folioMarkLazyfree(h.sys, page);
    lruAddDrain(h.sys);
    expect(h.sys.pages.flags[page]).to.equal(ANON | LRU);
    expect([h.sys.vmstat.get("pglazyfree"), h.sys.vmstat.get("nr_active_anon"), h.sys.vmstat.get("nr_inactive_file")]).to.deep.equal([1, 0, 1]);
    folioPut(h.sys, page);
    h.close();
  });

  it("moves 31 folios together, and a large one at once with those before it", () => {
    const { sys } = new MmHarness();
    const lazy = (order: number): Pfn => {
      const page = folioAlloc(sys, order as Order);
      sys.pages.set(page, ANON | SWAPBACKED);
      folioAddLru(sys, page);
      folioMarkLazyfree(sys, page);
      return page;
    };
    const small = Array.from({ length: 30 }, () => lazy(0));
    expect(sys.vmstat.get("pglazyfree")).to.equal(0);
    small.push(lazy(0));
    expect(sys.vmstat.get("pglazyfree")).to.equal(31);
    small.push(lazy(0));
    const large = lazy(2);
    expect(sys.vmstat.get("pglazyfree")).to.equal(31 + 1 + 4);
    expect([...small, large].every((page) => sys.pages.refcount[page] === 1)).to.equal(true);
  });

  it("tells whether a folio was clean", () => {
    const { h, folio: page } = folio();
    expect([noopDirtyFolio(h.sys, page), noopDirtyFolio(h.sys, page)]).to.deep.equal([true, false]);
    expect(h.sys.pages.flags[page]).to.equal(DIRTY);
    folioPut(h.sys, page);
    h.close();
  });

  it("learns nothing from areas read in order or at random, or from files without reuse", () => {
    const h = new MmHarness();
    const vma = h.anon(h.newMm(), BASE, P);
    const recency = (flags: number, noreuse?: boolean): boolean =>
      vmaHasRecency({ ...vma, flags, file: noreuse === undefined ? undefined : ({ advice: { random: false, noreuse } } as File) });
    expect([recency(0), recency(0x8000), recency(0x10000), recency(0, false), recency(0, true)]).to.deep.equal([true, false, false, true, false]);
    h.close();
  });
});
