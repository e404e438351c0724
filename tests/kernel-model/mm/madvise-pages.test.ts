/**
 * What MADV_FREE, MADV_COLD and MADV_PAGEOUT do to pages, large folios and blocks.
 */
import { expect } from "chai";
import type { Pfn, Va } from "../../../emulator/arch/addr.js";
import { EXT4_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { doMadvise } from "../../../kernel-model/mm/madvise.js";
import { advisePages } from "../../../kernel-model/mm/madvise-pages.js";
import { dupMm, mmPut } from "../../../kernel-model/mm/mm-lifecycle.js";
import { doMmap } from "../../../kernel-model/mm/mmap.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { doMunmap } from "../../../kernel-model/mm/munmap.js";
import { PG_ACTIVE as ACTIVE, PG_DIRTY, PG_REFERENCED as REFERENCED, PG_SWAPBACKED as SWAPBACKED } from "../../../kernel-model/mm/page.js";
import { lruAddDrain } from "../../../kernel-model/mm/swap-lru.js";
import { areaAt, checkAreas, frameAt, limits, mapAnon, pteAt, testMachine, testMm, touch, touchRange } from "../../support/areas.js";
import { createTestFile } from "../../support/page-cache.js";

const P = 4096;
const CB = 65536;
const PMD = 2 ** 21;
const BASE = 0x5000000000;

/** An area of 64K folios, all written. */
function blocks(nr: number): MmStruct {
  const { sys } = testMachine();
  sys.thp.setSizeEnabled(4 as never, "always");
  const mm = testMm(sys);
  mapAnon(mm, BASE, nr * CB);
  touchRange(mm, BASE, nr * CB);
  return mm;
}

const advise = (advice: Parameters<typeof advisePages>[0], mm: MmStruct, start: number, len: number): void =>
  advisePages(advice, areaAt(mm, start), start as Va, (start + len) as Va);
const orders = (mm: MmStruct, start: number, nr: number): string =>
  Array.from({ length: nr }, (_, page) => {
    const frame = frameAt(mm, start + page * P);
    return frame < 0 ? "." : mm.sys.pages.folioOrder(mm.sys.pages.head(frame as Pfn));
  }).join("");
const headFlags = (mm: MmStruct, addr: number): number => mm.sys.pages.flags[mm.sys.pages.head(frameAt(mm, addr) as Pfn)]!;
const young = (mm: MmStruct, addr: number): boolean => (pteAt(mm, addr) & (1n << 10n)) !== 0n;
const dirty = (mm: MmStruct, addr: number): boolean => (pteAt(mm, addr) & ((1n << 55n) | (1n << 7n))) !== 1n << 7n;

describe("MADV_FREE of pages", () => {
  it("marks whole folios lazily free and leaves them mapped", () => {
    const mm = blocks(2);
    const frame = frameAt(mm, BASE);
    advise("free", mm, BASE, CB);
    expect([frameAt(mm, BASE), young(mm, BASE), dirty(mm, BASE)]).to.deep.equal([frame, false, false]);
    expect(headFlags(mm, BASE) & SWAPBACKED).to.equal(0);
    expect([young(mm, BASE + CB), headFlags(mm, BASE + CB) & SWAPBACKED]).to.deep.equal([true, SWAPBACKED]);
    expect(mm.sys.vmstat.get("pglazyfree")).to.equal(16);
    expect(orders(mm, BASE, 17)).to.equal("4".repeat(17));
    checkAreas(mm.sys, [mm]);
  });

  it("splits a folio that is covered in part, and frees its part only", () => {
    const mm = blocks(2);
    advise("free", mm, BASE + CB / 2, CB);
    lruAddDrain(mm.sys);
    expect(orders(mm, BASE, 32)).to.equal("0".repeat(32));
    expect([7, 8, 23, 24].map((page) => young(mm, BASE + page * P))).to.deep.equal([true, false, false, true]);
    expect([7, 8].map((page) => headFlags(mm, BASE + page * P) & SWAPBACKED)).to.deep.equal([SWAPBACKED, 0]);
    expect(mm.sys.thp.stat(4 as never, "split")).to.equal(2);
    checkAreas(mm.sys, [mm]);
  });

  it("splits a folio that is mapped in part", () => {
    const mm = blocks(1);
    doMunmap(mm, (BASE + 15 * P) as Va, P);
    advise("free", mm, BASE, 15 * P);
    expect(orders(mm, BASE, 16)).to.equal(`${"0".repeat(15)}.`);
    checkAreas(mm.sys, [mm]);
  });

  it("leaves folios alone that a child maps as well", () => {
    const mm = blocks(2);
    const child = dupMm(mm, limits())!;
    advise("free", mm, BASE, CB / 2);
    expect(orders(mm, BASE, 16)).to.equal("4".repeat(16));
    expect(young(mm, BASE)).to.equal(true);
    advise("cold", mm, BASE + CB, CB);
    expect(young(mm, BASE + CB)).to.equal(true);
    checkAreas(mm.sys, [mm, child]);
  });

  it("sees the access flag and dirtiness of any page of a folio", () => {
    for (const advice of ["free", "cold"] as const) {
      const { sys } = testMachine({ contpte: false });
      sys.thp.setSizeEnabled(4 as never, "always");
      const mm = testMm(sys);
      mapAnon(mm, BASE, CB);
      touchRange(mm, BASE, CB);
      const ptep = sys.pgtable.pteOffset(sys.pgtable.pmdpGet(sys.pgtable.pmdOffset(mm, BASE as Va)), BASE as Va);
      // The first page is old and clean, the others are not.
      sys.pgtable.rawSet(ptep, (sys.pgtable.rawGet(ptep) & ~((1n << 10n) | (1n << 55n))) | (1n << 7n));
      advise(advice, mm, BASE, CB);
      expect([0, 1, 15].map((page) => young(mm, BASE + page * P)), advice).to.deep.equal([false, false, false]);
    }
  });

  it("does not touch a dirty page that a child maps as well", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    mapAnon(mm, BASE, 2 * P);
    touchRange(mm, BASE, 2 * P);
    sys.pages.set(frameAt(mm, BASE) as Pfn, PG_DIRTY);
    const child = dupMm(mm, limits())!;
    advise("free", mm, BASE, 2 * P);
    // Of a clean one only this process's access is forgotten.
    expect([0, 1].map((page) => young(mm, BASE + page * P))).to.deep.equal([true, false]);
    expect(young(child, BASE)).to.equal(false);
    sys.pages.clear(frameAt(mm, BASE) as Pfn, PG_DIRTY);
    checkAreas(sys, [mm, child]);
  });

  it("passes over the zero page and holes", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    mapAnon(mm, BASE, 8 * P);
    touch(mm, BASE, false);
    touch(mm, BASE + 5 * P);
    advise("free", mm, BASE, 8 * P);
    expect([young(mm, BASE), young(mm, BASE + 5 * P)]).to.deep.equal([true, false]);
  });
});

describe("MADV_FREE and MADV_COLD of blocks", () => {
  function huge(): MmStruct {
    const { sys } = testMachine({ hugepages: true });
    const mm = testMm(sys);
    mapAnon(mm, BASE, 2 * PMD);
    touchRange(mm, BASE, 2 * PMD);
    return mm;
  }

  it("keep a whole block", () => {
    for (const advice of ["free", "cold"] as const) {
      const mm = huge();
      advise(advice, mm, BASE, PMD);
      expect(pteAt(mm, BASE) & 3n).to.equal(1n);
      expect([young(mm, BASE), dirty(mm, BASE), young(mm, BASE + PMD)]).to.deep.equal([false, advice === "cold", true]);
      expect(headFlags(mm, BASE) & SWAPBACKED).to.equal(advice === "free" ? 0 : SWAPBACKED);
      checkAreas(mm.sys, [mm]);
    }
  });

  it("split a block that is covered in part", () => {
    const mm = huge();
    advise("free", mm, BASE, PMD + P);
    expect(pteAt(mm, BASE) & 3n).to.equal(1n);
    expect(orders(mm, BASE + PMD, 4)).to.equal("0000");
    expect([0, 1].map((page) => young(mm, BASE + PMD + page * P))).to.deep.equal([false, true]);
    checkAreas(mm.sys, [mm]);
  });
});

describe("MADV_COLD of pages", () => {
  it("makes folios old and inactive, and keeps their dirtiness", () => {
    const mm = blocks(1);
    const head = mm.sys.pages.head(frameAt(mm, BASE) as Pfn);
    mm.sys.pages.flags[head]! |= REFERENCED | ACTIVE;
    advise("cold", mm, BASE, CB);
    expect([young(mm, BASE), dirty(mm, BASE), headFlags(mm, BASE) & (REFERENCED | ACTIVE)]).to.deep.equal([false, true, 0]);
    expect(orders(mm, BASE, 16)).to.equal("4".repeat(16));
  });
});

describe("MADV_PAGEOUT without swap", () => {
  it("splits large anonymous folios, whose pages become active", () => {
    const mm = blocks(2);
    advise("pageout", mm, BASE, CB);
    expect(orders(mm, BASE, 17)).to.equal(`${"0".repeat(16)}4`);
    expect([headFlags(mm, BASE) & ACTIVE, headFlags(mm, BASE + 15 * P) & ACTIVE]).to.deep.equal([ACTIVE, ACTIVE]);
    expect(mm.sys.thp.stat(4 as never, "swpout_fallback")).to.equal(1);
    expect(mm.rss[1]).to.equal(32);
    checkAreas(mm.sys, [mm]);
  });

  it("spares the page cache where only private copies may go", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    const { file } = createTestFile(sys, { policy: EXT4_POLICY, size: 4 * P });
    doMmap(mm, { addr: BASE, len: 4 * P, prot: 1, flags: 0x11, file, pgoff: 0 });
    touch(mm, BASE, false);
    const vma = areaAt(mm, BASE);
    advisePages("pageout", vma, vma.start, vma.end, true);
    expect(frameAt(mm, BASE)).to.not.equal(-1);
    advisePages("pageout", vma, vma.start, vma.end);
    expect(frameAt(mm, BASE)).to.equal(-1);
  });
});

describe("swapped-out memory", () => {
  it("MADV_FREE drops it: zeros next time, and the slots are free", () => {
    const { sys } = testMachine({ swapBytes: 2 ** 24 });
    const mm = testMm(sys);
    mapAnon(mm, BASE, 8 * P);
    touchRange(mm, BASE, 8 * P);
    doMadvise(mm, BASE as Va, 6 * P, 21);
    expect(mm.rss[2]).to.equal(6);
    expect(doMadvise(mm, (BASE + P) as Va, 3 * P, 8)).to.equal(0);
    expect([mm.rss[2], pteAt(mm, BASE + P), pteAt(mm, BASE + 3 * P)]).to.deep.equal([3, 0n, 0n]);
    expect(pteAt(mm, BASE + 4 * P)).to.not.equal(0n);
    touch(mm, BASE + 2 * P, false);
    expect(sys.memory.u8[frameAt(mm, BASE + 2 * P) * P]).to.equal(0);
    checkAreas(sys, [mm]);
  });

  it("MADV_FREE of a page in the swap cache gives its slot up first, unless a child needs it", () => {
    const { sys } = testMachine({ swapBytes: 2 ** 24 });
    const mm = testMm(sys);
    mapAnon(mm, BASE, 2 * P);
    touchRange(mm, BASE, 2 * P);
    doMadvise(mm, BASE as Va, 2 * P, 21);
    const child = dupMm(mm, limits())!;
    touch(mm, BASE, false);
    expect(sys.vmstat.get("nr_swapcached"), "read ahead, too").to.equal(2);
    doMadvise(mm, BASE as Va, P, 8);
    expect(sys.pages.test(frameAt(mm, BASE) as Pfn, 1 << 6), "still swap-backed").to.equal(true);
    mmPut(child);
    doMadvise(mm, BASE as Va, P, 8);
    lruAddDrain(sys);
    expect(sys.pages.test(frameAt(mm, BASE) as Pfn, 1 << 6)).to.equal(false);
    checkAreas(sys, [mm]);
  });

  it("MADV_COLD and a second MADV_PAGEOUT leave it where it is", () => {
    const { sys, takeTlbi } = testMachine({ swapBytes: 2 ** 24 });
    const mm = testMm(sys);
    mapAnon(mm, BASE, 4 * P);
    touchRange(mm, BASE, 4 * P);
    doMadvise(mm, BASE as Va, 4 * P, 21);
    doMadvise(mm, BASE as Va, 4 * P, 4);
    mapAnon(mm, BASE, 4 * P);
    touchRange(mm, BASE, 4 * P);
    doMadvise(mm, BASE as Va, 4 * P, 21);
    takeTlbi();
    doMadvise(mm, BASE as Va, 4 * P, 20);
    expect(takeTlbi(), "the flush that reclaim deferred").to.deep.equal({ aside1is: 1, dsb: 1 });
    doMadvise(mm, BASE as Va, 4 * P, 21);
    expect([mm.rss[2], takeTlbi()]).to.deep.equal([4, {}]);
  });
});
