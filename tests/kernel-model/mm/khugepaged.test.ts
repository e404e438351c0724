/**
 * MADV_COLLAPSE: small pages become one folio of PMD size.
 */
import { expect } from "chai";
import type { Pfn, Va } from "../../../emulator/arch/addr.js";
import { TMPFS_POLICIES } from "../../../kernel-model/fs/folio-policies.js";
import { madviseCollapse } from "../../../kernel-model/mm/khugepaged.js";
import { dupMm } from "../../../kernel-model/mm/mm-lifecycle.js";
import { doMmap } from "../../../kernel-model/mm/mmap.js";
import { doMprotect } from "../../../kernel-model/mm/mprotect.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { doMadvise } from "../../../kernel-model/mm/madvise.js";
import { doMunmap } from "../../../kernel-model/mm/munmap.js";
import { areaAt, checkAreas, frameAt, limits, mapAnon, pteAt, releaseAll, testMachine, testMm, touch, touchRange } from "../../support/areas.js";
import { createTestFile } from "../../support/page-cache.js";
import { CB, tlbiRegion } from "../../support/tlbi-region.js";

const P = 4096;
const PMD = 2 ** 21;
const BASE = 0x5000000000;
const [EAGAIN, ENOMEM, EINVAL] = [-11, -12, -22];

const collapse = (mm: MmStruct, start = BASE, len = PMD): number => madviseCollapse(areaAt(mm, start), start as Va, (start + len) as Va);
const isBlock = (mm: MmStruct, addr: number): boolean => (pteAt(mm, addr) & 3n) === 1n;
const byteAt = (mm: MmStruct, addr: number): number => mm.sys.memory.u8[frameAt(mm, addr) * P]!;

function space(): MmStruct {
  const mm = testMm(testMachine().sys);
  mapAnon(mm, BASE, 2 * PMD);
  return mm;
}

describe("MADV_COLLAPSE", () => {
  it("gathers pages, zero pages and holes into one folio", () => {
    const { sys } = testMachine();
    const free = sys.buddy.nrFree;
    const mm = testMm(sys);
    mapAnon(mm, BASE, 2 * PMD);
    touchRange(mm, BASE, 3 * P);
    touch(mm, BASE + 5 * P, false);
    touchRange(mm, BASE + PMD - P, P);
    expect(collapse(mm)).to.equal(0);
    expect(isBlock(mm, BASE)).to.equal(true);
    expect([0, 2, 3, 5, 511].map((page) => byteAt(mm, BASE + page * P))).to.deep.equal([0xa5, 0xa5, 0, 0, 0xa5]);
    // Dirty, writable, young; one PMD mapping of an exclusive folio.
    expect(pteAt(mm, BASE) & ~0x0000ffffffe00000n).to.equal(0x00e8000000000f41n);
    expect([mm.rss[1], sys.pages.folioOrder(frameAt(mm, BASE) as Pfn), sys.vmstat.get("thp_collapse_alloc")]).to.deep.equal([512, 9, 1]);
    checkAreas(sys, [mm]);
    expect(collapse(mm), "done already").to.equal(0);
    doMunmap(mm, BASE as Va, 2 * PMD);
    releaseAll(sys, [mm], free);
  });

  it("brings back what is swapped out, also what a child shares, and keeps nothing in the swap cache", () => {
    const { sys } = testMachine({ swapBytes: 2 ** 24 });
    const free = sys.buddy.nrFree;
    const mm = testMm(sys);
    mapAnon(mm, BASE, PMD);
    touchRange(mm, BASE, 20 * P);
    doMadvise(mm, BASE as Va, 8 * P, 21);
    const child = dupMm(mm, limits())!;
    touch(mm, BASE + 19 * P);
    sys.memory.u8[frameAt(mm, BASE + 19 * P) * P] = 0xa5;
    expect(mm.rss[2]).to.equal(8);
    expect(collapse(mm)).to.equal(0);
    expect([isBlock(mm, BASE), mm.rss[2], child.rss[2]]).to.deep.equal([true, 0, 8]);
    expect([0, 7, 8, 19, 20].map((page) => byteAt(mm, BASE + page * P))).to.deep.equal([0xa5, 0xa5, 0xa5, 0xa5, 0]);
    checkAreas(sys, [mm, child]);
    releaseAll(sys, [mm, child], free);
  });

  it("gives the small folios back", () => {
    const { sys } = testMachine();
    sys.thp.setSizeEnabled(4 as never, "always");
    const mm = testMm(sys);
    mapAnon(mm, BASE, 2 * PMD);
    touchRange(mm, BASE, PMD);
    const before = sys.buddy.nrFree;
    expect(collapse(mm)).to.equal(0);
    expect(sys.buddy.nrFree).to.equal(before);
    expect(sys.thp.stat(4 as never, "nr_anon")).to.equal(0);
    checkAreas(sys, [mm]);
  });

  it("takes whole blocks of the range only", () => {
    const mm = space();
    touchRange(mm, BASE, P);
    touchRange(mm, BASE + PMD, P);
    expect(collapse(mm, BASE + P, P), "not even a bound").to.equal(EINVAL);
    expect(collapse(mm, BASE + P, 2 * PMD - 2 * P), "none, but no error").to.equal(0);
    expect([isBlock(mm, BASE), isBlock(mm, BASE + PMD)]).to.deep.equal([false, false]);
    expect(collapse(mm, BASE, 2 * PMD)).to.equal(0);
    expect([isBlock(mm, BASE), isBlock(mm, BASE + PMD)]).to.deep.equal([true, true]);
    checkAreas(mm.sys, [mm]);
  });

  it("copies pages that a child shares", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    mapAnon(mm, BASE, PMD);
    touchRange(mm, BASE, 2 * P);
    const child = dupMm(mm, limits())!;
    touchRange(mm, BASE + 8 * P, P);
    expect(collapse(mm)).to.equal(0);
    expect(frameAt(child, BASE)).to.not.equal(frameAt(mm, BASE));
    expect(byteAt(child, BASE)).to.equal(0xa5);
    checkAreas(sys, [mm, child]);
  });

  it("does without what it cannot have", () => {
    expect(collapse(space()), "never touched").to.equal(EINVAL);
    const mm = space();
    touchRange(mm, BASE, P);
    doMprotect(mm, BASE as Va, 2 * PMD, 1);
    expect(collapse(mm), "nothing writable").to.equal(EINVAL);
    doMprotect(mm, BASE as Va, 2 * PMD, 3);
    mm.thpDisabled = true;
    expect(collapse(mm), "PR_SET_THP_DISABLE").to.equal(EINVAL);
    mm.thpDisabled = false;
    expect(collapse(mm, BASE + PMD), "no table entry").to.equal(EINVAL);
    const frame = frameAt(mm, BASE);
    mm.sys.pages.refcount[frame]!++;
    expect(collapse(mm), "somebody else holds a page").to.equal(EAGAIN);
    mm.sys.pages.refcount[frame]!--;
    while (mm.sys.buddy.allocPages(9 as never) !== -1);
    expect(collapse(mm), "no folio").to.equal(ENOMEM);
    expect(mm.sys.vmstat.get("thp_collapse_alloc_failed")).to.equal(1);
    const small = testMm(testMachine().sys);
    mapAnon(small, BASE + P, PMD);
    touchRange(small, BASE + P, P);
    expect(collapse(small, BASE + P, PMD), "no aligned block in the area").to.equal(EINVAL);
  });

  it("goes on behind a range that may work later, and stops at others", () => {
    const mm = testMm(testMachine().sys);
    mapAnon(mm, BASE, 3 * PMD);
    touchRange(mm, BASE + PMD, P);
    touchRange(mm, BASE + 2 * PMD, P);
    const { pages } = mm.sys;
    pages.refcount[frameAt(mm, BASE + PMD)]!++;
    expect(collapse(mm, BASE + PMD, 2 * PMD)).to.equal(EAGAIN);
    expect(isBlock(mm, BASE + 2 * PMD)).to.equal(true);
    pages.refcount[frameAt(mm, BASE + PMD)]!--;
    expect(collapse(mm, BASE, 2 * PMD), "the first has no entry").to.equal(EINVAL);
    expect(isBlock(mm, BASE + PMD)).to.equal(false);
  });

  it("does not pretend for files", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    const { file } = createTestFile(sys, { policy: TMPFS_POLICIES.never, size: PMD });
    doMmap(mm, { addr: BASE, len: PMD, prot: 3, flags: 0x11, file, pgoff: 0 });
    expect(() => collapse(mm)).to.throw("files");
  });
});

describe("TLB maintenance round a collapse, as counted on a real kernel", () => {
  const at = 0x5000000000 + 2 ** 22;
  it("flushes the range, and unfolds every block", () => {
    for (const [config, expected] of [["64K", { aside1is: 1, vale1is: 512, dsb: 34 }], ["order0", { aside1is: 1, dsb: 2 }]] as const) {
      const { mm, reg, len, count } = tlbiRegion(config, 32, { at });
      expect(count(() => expect(doMadvise(mm, reg, len, 25)).to.equal(0)), config).to.deep.equal(expected);
    }
  });

  it("then splits the block for one page, drops contpte blocks, and goes", () => {
    const { mm, reg, len, count } = tlbiRegion("64K", 32, { at });
    doMadvise(mm, reg, len, 25);
    expect(count(() => doMprotect(mm, (reg + 7 * P) as Va, P, 1))).to.deep.equal({ vae1is: 1, vale1is: 17, dsb: 3 });
    expect(count(() => doMadvise(mm, (reg + 2 * CB) as Va, CB, 4))).to.deep.equal({ vale1is: 16, dsb: 1 });
    expect(count(() => doMunmap(mm, reg, len))).to.deep.equal({ vale1is: 512, vae1is: 1, dsb: 4 });
  });
});
