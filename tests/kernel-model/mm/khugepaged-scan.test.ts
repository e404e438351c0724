/* What a round of khugepaged collapses, and what its limits leave alone. */
import { expect } from "chai";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { khugepagedDoScan } from "../../../kernel-model/mm/khugepaged-scan.js";
import { MmHarness } from "../../support/mm-harness.js";

const P = 4096;
const PMD = 2 ** 21;
const BASE = 0x5000000000;
const VM_HUGEPAGE = 0x20000000;

/** Pages `written` of a PMD range, small because no size was enabled when they were touched. */
function touched(written: number): { h: MmHarness; mm: MmStruct; scan: () => boolean; huge: () => boolean } {
  const h = new MmHarness();
  const mm = h.newMm();
  h.sys.thp.set("enabled", "never");
  const vma = h.anon(mm, BASE, PMD);
  for (let i = 0; i < written; i++) h.writeByte(mm, BASE + i * P, 1 + (i % 200));
  h.sys.thp.set("enabled", "madvise");
  vma.flags |= VM_HUGEPAGE;
  h.sys.hugeMemory.khugepaged.slots.add(mm);
  return { h, mm, scan: () => khugepagedDoScan(h.sys), huge: () => (h.pmd(mm, BASE) & 2n) === 0n };
}

describe("khugepaged", () => {
  it("gives a full range one folio, with its contents", () => {
    const { h, mm, scan, huge } = touched(512);
    expect([scan(), huge()]).to.deep.equal([true, true]);
    expect([h.readByte(mm, BASE), h.readByte(mm, BASE + 300 * P), mm.rss[1]]).to.deep.equal([1, 101, 512]);
    const { pagesCollapsed, fullScans } = h.sys.thp.khugepaged;
    expect([pagesCollapsed, fullScans]).to.deep.equal([1, 1]);
    h.check();
    h.close();
  });

  it("max_ptes_none: how many pages may be missing", () => {
    const few = touched(500);
    few.h.sys.thp.khugepaged.maxPtesNone = 11;
    few.scan();
    expect(few.huge()).to.equal(false);
    few.h.sys.thp.khugepaged.maxPtesNone = 12;
    few.scan();
    expect(few.huge()).to.equal(true);
    few.h.check();
    few.h.close();
  });

  it("max_ptes_shared: how many may be someone else's too", () => {
    const { h, mm, scan, huge } = touched(512);
    const child = h.fork(mm);
    for (let i = 0; i < 100; i++) h.writeByte(child, BASE + i * P, 9);
    h.writeByte(mm, BASE, 5);
    h.sys.thp.khugepaged.maxPtesShared = 411;
    scan();
    expect(huge()).to.equal(false);
    h.sys.thp.khugepaged.maxPtesShared = 412;
    scan();
    expect(huge()).to.equal(true);
    expect([h.readByte(mm, BASE), h.readByte(child, BASE), h.readByte(child, BASE + 200 * P)]).to.deep.equal([5, 9, 1]);
    h.check();
    h.close();
  });

  it("scans pages_to_scan pages a round and goes on where it was", () => {
    const { h, mm, scan } = touched(512);
    const far = h.anon(mm, BASE + 8 * PMD, 2 * PMD);
    far.flags |= VM_HUGEPAGE;
    for (const block of [0, 1]) h.touch(mm, BASE + 8 * PMD + block * PMD, "write");
    h.sys.thp.khugepaged.pagesToScan = 600;
    scan();
    expect(h.sys.thp.khugepaged.fullScans).to.equal(0);
    for (let i = 0; i < 4; i++) scan();
    expect(h.sys.thp.khugepaged.fullScans).to.be.greaterThan(0);
    h.check();
    h.close();
  });
});
