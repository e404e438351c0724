/**
 * Address spaces from birth to teardown: what fork copies and shares, and that nothing is left behind.
 */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { EXT4_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { dupMm, dupMmap, exitMmap, mmAlloc, mmGet, mmPut } from "../../../kernel-model/mm/mm-lifecycle.js";
import { doMmap } from "../../../kernel-model/mm/mmap.js";
import { doMadvise } from "../../../kernel-model/mm/madvise.js";
import { areaAt, checkAreas, frameAt, limits, mapAnon, releaseAll, testMachine, testMm, touch, touchRange } from "../../support/areas.js";
import { createTestFile } from "../../support/page-cache.js";
import { CB, tlbiRegion } from "../../support/tlbi-region.js";
import { drawAreas, picture } from "../../support/vma-picture.js";

const P = 4096;
const BASE = 0x5000000000;
const at = (page: number): Va => (BASE + page * P) as Va;

describe("an address space", () => {
  it("starts empty, with its layout chosen", () => {
    const { sys } = testMachine();
    const free = sys.buddy.nrFree;
    const mm = mmAlloc(sys, limits())!;
    expect([mm.vmas.count, mm.totalVm, mm.pgtablesBytes, mm.users, mm.taskSize, mm.contextId]).to.deep.equal([0, 0, 0, 1, 2 ** 48, 0]);
    expect(mm.mmapBase).to.equal(2 ** 48 - 2 ** 27);
    expect(mmAlloc(sys, limits())!.id).to.equal(mm.id + 1);
    mmPut(mm);
    expect(sys.buddy.nrFree).to.equal(free - 1);
  });

  it("takes over what survives exec and fork", () => {
    const { sys } = testMachine();
    const from = testMm(sys);
    from.thpDisabled = true;
    from.mdwe = 1;
    from.defFlags = 0x40000000 | 0x2000;
    const kept = mmAlloc(sys, limits(), from)!;
    expect([kept.thpDisabled, kept.mdwe, kept.defFlags]).to.deep.equal([true, 1, 0x40000000]);
    from.mdwe = 3;
    expect(mmAlloc(sys, limits(), from)!.mdwe, "PR_MDWE_NO_INHERIT").to.equal(0);
  });

  it("ends with its last user", () => {
    const { sys } = testMachine();
    const free = sys.buddy.nrFree;
    const mm = testMm(sys);
    mapAnon(mm, at(0), 4 * P);
    touchRange(mm, at(0), 4 * P);
    mmGet(mm);
    mmPut(mm);
    expect([mm.users, mm.rss[1]]).to.deep.equal([1, 4]);
    releaseAll(sys, [mm], free);
    expect([mm.vmas.count, mm.rss[1], mm.pgtablesBytes]).to.deep.equal([0, 0, 0]);
  });

  it("needs a frame", () => {
    const { sys } = testMachine({ memoryMib: 8 });
    while (sys.buddy.allocPages(0 as never) !== -1);
    expect(mmAlloc(sys, limits())).to.equal(undefined);
  });

  it("drops its files when it goes", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    const { file, mapping } = createTestFile(sys, { policy: EXT4_POLICY, size: 8 * P });
    doMmap(mm, { addr: at(0), len: 4 * P, prot: 1, flags: 0x12, file, pgoff: 0 });
    touch(mm, at(0), false);
    exitMmap(mm);
    expect([file.count, mapping.mmaps.size, mm.rss[0]]).to.deep.equal([1, 0, 0]);
  });
});

describe("fork", () => {
  it("copies areas and layout, not locks", () => {
    const { sys } = testMachine();
    const free = sys.buddy.nrFree;
    const mm = testMm(sys);
    mm.startBrk = at(2);
    mm.brk = at(3);
    mm.startStack = at(100);
    mapAnon(mm, at(0), 2 * P, 3, 0x2032);
    mapAnon(mm, at(2), P, 1);
    mapAnon(mm, at(5), P, 5);
    mapAnon(mm, at(8), P, 3, 0x132);
    const child = dupMm(mm, limits())!;
    expect(drawAreas(child, BASE, 9)).to.equal(drawAreas(mm, BASE, 9));
    expect([child.lockedVm, areaAt(child, at(0)).flags & 0x2000, areaAt(mm, at(0)).flags & 0x2000]).to.deep.equal([0, 0, 0x2000]);
    expect([child.startBrk, child.brk, child.startStack, child.mmapBase, child.hiwaterVm]).to.deep.equal([at(2), at(3), at(100), mm.mmapBase, 5]);
    expect([child.rss[1], child.hiwaterRss]).to.deep.equal([2, 2]);
    checkAreas(sys, [mm, child]);
    releaseAll(sys, [mm, child], free);
  });

  it("shares pages until they are written", () => {
    const { sys } = testMachine();
    const free = sys.buddy.nrFree;
    const mm = testMm(sys);
    mapAnon(mm, at(0), 2 * P);
    touchRange(mm, at(0), 2 * P);
    const child = dupMm(mm, limits())!;
    expect(frameAt(child, at(0))).to.equal(frameAt(mm, at(0)));
    touch(child, at(0));
    expect(frameAt(child, at(0))).to.not.equal(frameAt(mm, at(0)));
    expect(frameAt(child, at(1))).to.equal(frameAt(mm, at(1)));
    checkAreas(sys, [mm, child]);
    releaseAll(sys, [child, mm], free);
  });

  it("takes a reference of every file and enters i_mmap", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    const { file, mapping } = createTestFile(sys, { policy: EXT4_POLICY, size: 8 * P });
    doMmap(mm, { addr: at(0), len: 4 * P, prot: 3, flags: 0x12, file, pgoff: 0 });
    const child = dupMm(mm, limits())!;
    expect([file.count, mapping.mmaps.size]).to.deep.equal([3, 2]);
    mmPut(child);
    expect([file.count, mapping.mmaps.size]).to.deep.equal([2, 1]);
  });

  it("leaves out VM_DONTCOPY areas and their pages in all sums", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    mapAnon(mm, at(0), 8 * P);
    touchRange(mm, at(0), 8 * P);
    doMadvise(mm, at(2), 3 * P, 10);
    const child = dupMm(mm, limits())!;
    expect(drawAreas(child, BASE, 8)).to.equal(picture("Ww...Www"));
    expect([child.totalVm, child.dataVm, child.rss[1]]).to.deep.equal([5, 5, 5]);
    checkAreas(sys, [mm, child]);
  });

  it("gives VM_WIPEONFORK areas no tie to the parent's pages", () => {
    const mm = testMm(testMachine().sys);
    mapAnon(mm, at(0), 2 * P);
    touchRange(mm, at(0), 2 * P);
    doMadvise(mm, at(0), 2 * P, 18);
    const child = dupMm(mm, limits())!;
    const wiped = areaAt(child, at(0));
    expect([wiped.anonVma, wiped.anonVmaChain, areaAt(mm, at(0)).anonVma!.vmas.has(wiped)]).to.deep.equal([undefined, [], false]);
    checkAreas(mm.sys, [mm, child]);
  });

  it("undoes everything when memory or commit is out", () => {
    const { sys } = testMachine({ memoryMib: 8 });
    const mm = testMm(sys);
    mapAnon(mm, at(0), 4 * P);
    mapAnon(mm, BASE + 2 ** 30, 4 * P, 3);
    touchRange(mm, at(0), 4 * P);
    touchRange(mm, BASE + 2 ** 30, 4 * P);
    const committed = sys.committedAs;
    const taken: number[] = [];
    for (let page = sys.buddy.allocPages(0 as never); page !== -1; page = sys.buddy.allocPages(0 as never)) taken.push(page);
    // Enough for the root table and some of the others.
    for (const page of taken.splice(0, 5)) sys.buddy.freePages(page as never, 0 as never);
    const free = sys.buddy.nrFree;
    expect(dupMm(mm, limits())).to.equal(undefined);
    expect([sys.buddy.nrFree, sys.committedAs]).to.deep.equal([free, committed]);
    for (const page of taken) sys.buddy.freePages(page as never, 0 as never);
    checkAreas(sys, [mm]);

    sys.tunables.overcommitMemory = 2;
    sys.committedAs += 945;
    const child = mmAlloc(sys, limits())!;
    expect(dupMmap(child, mm)).to.equal(-12);
    mmPut(child);
    sys.committedAs -= 945;
    checkAreas(sys, [mm]);
  });

  it("flushes the parent's ASID once, as on a real kernel", () => {
    for (const config of ["64K", "order0"] as const) {
      const { mm, count } = tlbiRegion(config, 16);
      expect(count(() => dupMm(mm, limits()))).to.deep.equal({ aside1is: 1, dsb: 1 });
    }
    const { mm, reg, count } = tlbiRegion("64K", 1);
    doMadvise(mm, reg, CB / 2, 10);
    expect(count(() => dupMm(mm, limits()))).to.deep.equal({ aside1is: 1, vale1is: 16, dsb: 2 });
  });

  it("exit takes one flush of the ASID", () => {
    const { mm, count } = tlbiRegion("64K", 16);
    expect(count(() => mmPut(mm))).to.deep.equal({ aside1is: 1, dsb: 1 });
  });
});
