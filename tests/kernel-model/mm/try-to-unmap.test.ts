/**
 * Taking folios out of page tables, mapping by mapping.
 */
import { expect } from "chai";
import type { Pfn, Va } from "../../../emulator/arch/addr.js";
import { XFS_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { folioGet, folioPut } from "../../../kernel-model/mm/folio.js";
import { doMadvise } from "../../../kernel-model/mm/madvise.js";
import { doMmap } from "../../../kernel-model/mm/mmap.js";
import { folioLock, folioUnlock } from "../../../kernel-model/mm/pagemap.js";
import { tryToUnmap, tryToUnmapFlush, type UnmapBatch } from "../../../kernel-model/mm/try-to-unmap.js";
import { lruAddDrain } from "../../../kernel-model/mm/swap-lru.js";
import { addToSwap } from "../../../kernel-model/mm/swap-state.js";
import type { MemorySystem } from "../../../kernel-model/mm/memory-system.js";
import { areaAt, checkAreas, frameAt, mapAnon, pteAt, testMachine, testMm, touch, touchRange } from "../../support/areas.js";
import { createTestFile } from "../../support/page-cache.js";

const P = 4096;
const CB = 65536;
const PMD = 2 ** 21;
const BASE = 0x5000000000;
const FREE = 8;

/** As reclaim calls it: locked, with a reference. */
function unmap(sys: MemorySystem, folio: Pfn): { unmapped: boolean; batch: UnmapBatch } {
  const batch: UnmapBatch = { flushRequired: false, writable: false };
  folioGet(sys, folio);
  folioLock(sys, folio);
  const unmapped = tryToUnmap(sys, folio, batch);
  folioUnlock(sys, folio);
  folioPut(sys, folio);
  return { unmapped, batch };
}

describe("try_to_unmap", () => {
  it("finds a file's folio in every process", () => {
    const { sys, takeTlbi } = testMachine();
    const { file, mapping } = createTestFile(sys, { policy: XFS_POLICY, size: 16 * P });
    const mms = [0, 1, 2].map(() => testMm(sys));
    for (const mm of mms) {
      doMmap(mm, { addr: BASE, len: 16 * P, prot: 1, flags: 0x11, file, pgoff: 0 });
      touch(mm, BASE, false);
    }
    const folio = mapping.pages.get(0)!;
    const pages = sys.pages.folioNrPages(folio);
    takeTlbi();
    const { unmapped, batch } = unmap(sys, folio);
    expect([unmapped, batch.flushRequired, batch.writable]).to.deep.equal([true, true, false]);
    expect(takeTlbi()).to.deep.equal({ vale1is: 3 * pages });
    tryToUnmapFlush(sys, batch);
    tryToUnmapFlush(sys, batch);
    expect(takeTlbi(), "one wait").to.deep.equal({ dsb: 1 });
    expect(mms.map((mm) => [frameAt(mm, BASE), mm.tlbFlushBatched])).to.deep.equal(mms.map(() => [-1, true]));
    checkAreas(sys, mms);
  });

  it("unfolds a contiguous block at its first page", () => {
    const { sys, takeTlbi } = testMachine();
    sys.thp.setSizeEnabled(4 as never, "always");
    const mm = testMm(sys);
    mapAnon(mm, BASE, CB);
    touchRange(mm, BASE, CB);
    doMadvise(mm, BASE as Va, CB, FREE);
    const folio = sys.pages.head(frameAt(mm, BASE) as Pfn);
    takeTlbi();
    expect(unmap(sys, folio).unmapped).to.equal(true);
    expect(takeTlbi()).to.deep.equal({ vale1is: 32, dsb: 1 });
    expect(mm.rss[1]).to.equal(0);
    checkAreas(sys, [mm]);
  });

  it("drops a clean block in one flush, and splits a dirty one to find its pages dirty", () => {
    const { sys, takeTlbi } = testMachine({ hugepages: true });
    const mm = testMm(sys);
    mapAnon(mm, BASE, 2 * PMD);
    touchRange(mm, BASE, 2 * PMD);
    doMadvise(mm, BASE as Va, 2 * PMD, FREE);
    const pmdp = sys.pgtable.pmdOffset(mm, (BASE + PMD) as Va);
    sys.pgtable.rawSet(pmdp, sys.pgtable.rawGet(pmdp) | (1n << 55n));
    takeTlbi();
    expect(unmap(sys, frameAt(mm, BASE) as Pfn).unmapped).to.equal(true);
    expect(takeTlbi()).to.deep.equal({ vae1is: 1, dsb: 1 });
    expect(unmap(sys, frameAt(mm, BASE + PMD) as Pfn).unmapped).to.equal(false);
    expect([pteAt(mm, BASE), pteAt(mm, BASE + PMD) & 3n, sys.vmstat.get("thp_split_pmd")]).to.deep.equal([0n, 3n, 1]);
    checkAreas(sys, [mm]);
  });

  it("stops at locked areas", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    mapAnon(mm, BASE, P);
    touchRange(mm, BASE, P);
    doMadvise(mm, BASE as Va, P, FREE);
    lruAddDrain(sys);
    areaAt(mm, BASE).flags |= 0x2000;
    mm.lockedVm = 1;
    const frame = frameAt(mm, BASE) as Pfn;
    expect(unmap(sys, frame).unmapped).to.equal(false);
    expect([frameAt(mm, BASE), sys.vmstat.get("nr_mlock")]).to.deep.equal([frame, 1]);
  });

  it("keeps a page that somebody else holds", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    mapAnon(mm, BASE, P);
    touchRange(mm, BASE, P);
    doMadvise(mm, BASE as Va, P, FREE);
    lruAddDrain(sys);
    const frame = frameAt(mm, BASE) as Pfn;
    folioGet(sys, frame);
    expect(unmap(sys, frame).unmapped).to.equal(false);
    expect(frameAt(mm, BASE)).to.equal(frame);
    folioPut(sys, frame);
    checkAreas(sys, [mm]);
  });

  it("anonymous memory needs slots first; its entries become theirs, with the mark of an exclusive page", () => {
    const { sys } = testMachine({ swapBytes: 2 ** 24 });
    const mm = testMm(sys);
    mapAnon(mm, BASE, 2 * P);
    touchRange(mm, BASE, 2 * P);
    const folios = [frameAt(mm, BASE) as Pfn, frameAt(mm, BASE + P) as Pfn];
    expect(() => unmap(sys, folios[0]!)).to.throw("needs slots");
    sys.pages.clear(folios[1]!, 1 << 12);
    const slots = folios.map((folio) => {
      sys.pages.set(folio, 1);
      expect(addToSwap(sys, folio)).to.equal(true);
      folioGet(sys, folio);
      const batch = { flushRequired: false, writable: false };
      expect(tryToUnmap(sys, folio, batch)).to.equal(true);
      tryToUnmapFlush(sys, batch);
      sys.pages.clear(folio, 1);
      return BigInt(sys.pages.swap[folio]!);
    });
    expect([pteAt(mm, BASE), pteAt(mm, BASE + P)]).to.deep.equal([(slots[0]! << 12n) | 4n, slots[1]! << 12n]);
    expect([mm.rss[1], mm.rss[2], sys.swap!.count(Number(slots[0]))]).to.deep.equal([0, 2, 1]);
    for (const folio of folios) folioPut(sys, folio);
    checkAreas(sys, [mm]);
  });
});
