/**
 * MADV_PAGEOUT of everything that needs no swap space.
 */
import { expect } from "chai";
import type { Pfn, Va } from "../../../emulator/arch/addr.js";
import { EXT4_POLICY, TMPFS_POLICIES, XFS_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import type { FolioPolicy } from "../../../kernel-model/fs/file.js";
import { doMadvise } from "../../../kernel-model/mm/madvise.js";
import { doMlock } from "../../../kernel-model/mm/mlock.js";
import { dupMm } from "../../../kernel-model/mm/mm-lifecycle.js";
import { doMmap } from "../../../kernel-model/mm/mmap.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { PG_ACTIVE, PG_READAHEAD, PG_SWAPBACKED } from "../../../kernel-model/mm/page.js";
import { folioLock, folioUnlock } from "../../../kernel-model/mm/pagemap.js";
import { reclaimPages } from "../../../kernel-model/mm/reclaim-pages.js";
import { folioIsolateLru } from "../../../kernel-model/mm/swap-lru.js";
import { checkAreas, frameAt, limits, mapAnon, releaseAll, testMachine, type TestMachine, testMm, touch, touchRange } from "../../support/areas.js";
import { createTestFile, type TestFile } from "../../support/page-cache.js";

const P = 4096;
const BASE = 0x5000000000;
const at = (page: number): Va => (BASE + page * P) as Va;
const FREE = 8;
const PAGEOUT = 21;

const pageout = (mm: MmStruct, first: number, count: number): void => {
  expect(doMadvise(mm, at(first), count * P, PAGEOUT)).to.equal(0);
};
const mapped = (mm: MmStruct, nr: number): string => Array.from({ length: nr }, (_, page) => (frameAt(mm, at(page)) < 0 ? "." : "x")).join("");

/** A file mapped shared at page 0. */
function withFile(policy: FolioPolicy, pages: number, prot = 3): { machine: TestMachine; mm: MmStruct; test: TestFile } {
  const machine = testMachine();
  const mm = testMm(machine.sys, { privileged: true });
  const test = createTestFile(machine.sys, { policy, size: pages * P });
  doMmap(mm, { addr: at(0), len: pages * P, prot, flags: 0x11, file: test.file, pgoff: 0 });
  return { machine, mm, test };
}

describe("reclaim of lazily freed memory", () => {
  it("drops what MADV_FREE has marked, with one TLBI per page and one wait", () => {
    const { sys, takeTlbi } = testMachine();
    const free = sys.buddy.nrFree;
    const mm = testMm(sys);
    mapAnon(mm, at(0), 8 * P);
    touchRange(mm, at(0), 8 * P);
    doMadvise(mm, at(2), 4 * P, FREE);
    takeTlbi();
    pageout(mm, 2, 4);
    expect(mapped(mm, 8)).to.equal("xx....xx");
    expect(takeTlbi()).to.deep.equal({ vale1is: 4, dsb: 1 });
    expect([mm.rss[1], sys.vmstat.get("pglazyfreed"), mm.tlbFlushBatched]).to.deep.equal([4, 4, true]);
    touch(mm, at(2));
    expect(sys.memory.u8[frameAt(mm, at(2)) * P], "zeros again").to.equal(0);
    checkAreas(sys, [mm]);
    releaseAll(sys, [mm], free);
  });

  it("keeps what was dirtied since, as ordinary memory", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    mapAnon(mm, at(0), 2 * P);
    touchRange(mm, at(0), 2 * P);
    doMadvise(mm, at(0), 2 * P, FREE);
    touch(mm, at(1));
    const { pgtable } = sys;
    const ptep = pgtable.pteOffset(pgtable.pmdpGet(pgtable.pmdOffset(mm, at(1))), at(1));
    pgtable.rawSet(ptep, pgtable.rawGet(ptep) | (1n << 55n));
    pageout(mm, 0, 2);
    expect(mapped(mm, 2)).to.equal(".x");
    expect(sys.pages.test(frameAt(mm, at(1)) as Pfn, PG_SWAPBACKED)).to.equal(true);
    checkAreas(sys, [mm]);
  });

  it("drops droppable memory though it is dirty", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    mapAnon(mm, at(0), 4 * P, 3, 0x38);
    touchRange(mm, at(0), 4 * P);
    pageout(mm, 0, 4);
    expect([mapped(mm, 4), mm.rss[1]]).to.deep.equal(["....", 0]);
    checkAreas(sys, [mm]);
  });

  it("drops large folios and blocks whole", () => {
    for (const [order, hugepages] of [[4, false], [9, true]] as const) {
      const { sys } = testMachine({ hugepages });
      const free = sys.buddy.nrFree;
      if (!hugepages) sys.thp.setSizeEnabled(order as never, "always");
      const mm = testMm(sys);
      mapAnon(mm, at(0), 512 * P);
      touchRange(mm, at(0), 512 * P);
      doMadvise(mm, at(0), 512 * P, FREE);
      pageout(mm, 0, 512);
      expect([mapped(mm, 512), mm.rss[1], sys.thp.stat(order as never, "split")]).to.deep.equal([".".repeat(512), 0, 0]);
      checkAreas(sys, [mm]);
      releaseAll(sys, [mm], free);
    }
  });
});

describe("reclaim of page cache", () => {
  it("drops clean pages of files, and their mappings", () => {
    const { machine, mm, test } = withFile(EXT4_POLICY, 8, 1);
    for (let page = 0; page < 8; page++) touch(mm, at(page), false);
    machine.takeTlbi();
    pageout(mm, 2, 3);
    expect(mapped(mm, 8)).to.equal("xx...xxx");
    expect([...test.mapping.pages.keys()].sort((a, b) => a - b)).to.deep.equal([0, 1, 5, 6, 7]);
    expect(machine.takeTlbi()).to.deep.equal({ vale1is: 3, dsb: 1 });
    expect(mm.rss[0]).to.equal(5);
    checkAreas(machine.sys, [mm]);
  });

  it("drops large folios of XFS whole", () => {
    const { machine, mm, test } = withFile(XFS_POLICY, 64, 1);
    for (let page = 0; page < 64; page++) touch(mm, at(page), false);
    pageout(mm, 0, 64);
    expect([mapped(mm, 64), test.mapping.nrPages]).to.deep.equal([".".repeat(64), 0]);
    checkAreas(machine.sys, [mm]);
  });

  it("unmaps dirty pages, marks them to go when written, and keeps them", () => {
    const { machine, mm, test } = withFile(EXT4_POLICY, 4);
    touchRange(mm, at(0), 2 * P);
    const folio = frameAt(mm, at(0)) as Pfn;
    pageout(mm, 0, 1);
    expect(mapped(mm, 2)).to.equal(".x");
    expect([test.mapping.pages.get(0), test.mapping.dirty.has(0), machine.sys.pages.test(folio, PG_ACTIVE | PG_READAHEAD)]).to.deep.equal([folio, true, true]);
    expect(machine.sys.vmstat.get("nr_vmscan_immediate_reclaim")).to.equal(1);
  });

  it("unmaps shared memory, which has nowhere to go", () => {
    const { machine, mm, test } = withFile(TMPFS_POLICIES.never, 4);
    touchRange(mm, at(0), 4 * P);
    pageout(mm, 0, 4);
    expect([mapped(mm, 4), test.mapping.nrPages, mm.rss[3]]).to.deep.equal(["....", 4, 0]);
    touch(mm, at(1), false);
    expect(machine.sys.memory.u8[frameAt(mm, at(1)) * P]).to.equal(0xa5);
  });

  it("leaves pages alone that others map or lock", () => {
    const { machine, mm, test } = withFile(EXT4_POLICY, 4, 1);
    for (let page = 0; page < 4; page++) touch(mm, at(page), false);
    const other = testMm(machine.sys, { privileged: true });
    doMmap(other, { addr: at(0), len: P, prot: 1, flags: 0x11, file: test.file, pgoff: 0 });
    touch(other, at(0), false);
    pageout(mm, 0, 4);
    expect(mapped(mm, 1)).to.equal("x");
    expect(test.mapping.pages.has(0)).to.equal(true);
    // Directly, without madvise's look at the map count: the mlocked mapping of another process stops it.
    doMlock(other, at(0), P, 0);
    const folio = frameAt(mm, at(0)) as Pfn;
    folioIsolateLru(machine.sys, folio);
    expect(reclaimPages(machine.sys, [folio])).to.equal(0);
    expect(frameAt(other, at(0))).to.equal(folio);
    folioLock(machine.sys, folio);
    folioIsolateLru(machine.sys, folio);
    expect(reclaimPages(machine.sys, [folio]), "locked").to.equal(0);
    folioUnlock(machine.sys, folio);
    checkAreas(machine.sys, [mm, other]);
  });
});

describe("reclaim of anonymous memory without swap", () => {
  it("keeps it, active, in the counts of its list", () => {
    const { sys } = testMachine();
    const free = sys.buddy.nrFree;
    const mm = testMm(sys);
    mapAnon(mm, at(0), 4 * P);
    touchRange(mm, at(0), 4 * P);
    const before = [sys.vmstat.get("nr_active_anon"), sys.vmstat.get("nr_inactive_anon")];
    pageout(mm, 0, 3);
    expect([sys.vmstat.get("nr_active_anon"), sys.vmstat.get("nr_inactive_anon"), sys.vmstat.get("pgactivate")]).to.deep.equal([before[0]! + 3, before[1]! - 3, 3]);
    expect(mapped(mm, 4)).to.equal("xxxx");
    const child = dupMm(mm, limits())!;
    releaseAll(sys, [mm, child], free);
    expect([sys.vmstat.get("nr_active_anon"), sys.vmstat.get("nr_inactive_anon")]).to.deep.equal([0, 0]);
  });
});
