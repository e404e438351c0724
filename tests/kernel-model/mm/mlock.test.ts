/**
 * mlock and relatives: areas, pages, limits, and that no TLB maintenance is issued.
 */
import { expect } from "chai";
import type { Pfn, Va } from "../../../emulator/arch/addr.js";
import { doMlock, doMlockall, doMunlock, doMunlockall } from "../../../kernel-model/mm/mlock.js";
import type { MmLimits, MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { doMmap } from "../../../kernel-model/mm/mmap.js";
import { PG_MLOCKED } from "../../../kernel-model/mm/page.js";
import { installSpecialMapping } from "../../../kernel-model/mm/special-mapping.js";
import { areaAt, checkAreas, frameAt, mapAnon, releaseAll, testMachine, testMm, touchRange } from "../../support/areas.js";
import { tlbiRegion } from "../../support/tlbi-region.js";
import { drawAreas, picture } from "../../support/vma-picture.js";

const P = 4096;
const BASE = 0x5000000000;
const at = (page: number): Va => (BASE + page * P) as Va;
const [EPERM, EAGAIN, ENOMEM, EINVAL] = [-1, -11, -12, -22];
const [CURRENT, FUTURE, ONFAULT] = [1, 2, 4];
const VM_LOCKED = 0x2000;
const VM_LOCKONFAULT = 0x80000;

const space = (changes: Partial<MmLimits> = {}): MmStruct => testMm(testMachine().sys, changes);
const letter = (flags: number): string => ((flags & VM_LOCKED) === 0 ? "w" : (flags & VM_LOCKONFAULT) !== 0 ? "f" : "l");
const draw = (mm: MmStruct, nr: number): string => drawAreas(mm, BASE, nr, letter);
const mlocked = (mm: MmStruct, page: number): boolean => mm.sys.pages.test(mm.sys.pages.head(frameAt(mm, at(page)) as Pfn), PG_MLOCKED);

describe("mlock", () => {
  it("locks whole pages and faults them in", () => {
    const { sys } = testMachine();
    const free = sys.buddy.nrFree;
    const mm = testMm(sys);
    mapAnon(mm, at(0), 6 * P);
    touchRange(mm, at(1), P);
    expect(doMlock(mm, (at(1) + 100) as Va, 2 * P, 0)).to.equal(0);
    expect(draw(mm, 6)).to.equal(picture("WLllWw"));
    expect([mm.lockedVm, mm.rss[1], mlocked(mm, 1), mlocked(mm, 3)]).to.deep.equal([3, 3, true, true]);
    expect(sys.vmstat.get("nr_mlock")).to.equal(3);
    checkAreas(sys, [mm]);
    expect(doMunlock(mm, at(0), 3 * P)).to.equal(0);
    expect(draw(mm, 6)).to.equal(picture("WwwLWw"));
    expect([mm.lockedVm, mlocked(mm, 1), mlocked(mm, 3)]).to.deep.equal([1, false, true]);
    expect(doMunlock(mm, at(3), P)).to.equal(0);
    expect(draw(mm, 6)).to.equal(picture("Wwwwww"));
    expect(sys.vmstat.get("nr_mlock")).to.equal(0);
    releaseAll(sys, [mm], free);
  });

  it("on fault only marks", () => {
    const mm = space();
    mapAnon(mm, at(0), 3 * P);
    expect(doMlock(mm, at(0), 2 * P, 1)).to.equal(0);
    expect(draw(mm, 3)).to.equal(picture("FfW"));
    expect([mm.lockedVm, mm.rss[1]]).to.deep.equal([2, 0]);
    touchRange(mm, at(0), P);
    expect(mlocked(mm, 0)).to.equal(true);
    // Locked in full: nothing is counted twice.
    expect(doMlock(mm, at(0), 3 * P, 0)).to.equal(0);
    expect(draw(mm, 3)).to.equal(picture("Lll"));
    expect([mm.lockedVm, mm.rss[1]]).to.deep.equal([3, 3]);
    checkAreas(mm.sys, [mm]);
  });

  it("stops at a hole, or at memory that may not be accessed", () => {
    const mm = space();
    mapAnon(mm, at(0), 2 * P);
    mapAnon(mm, at(3), P);
    expect(doMlock(mm, at(0), 4 * P, 0)).to.equal(ENOMEM);
    expect(draw(mm, 4)).to.equal(picture("Ll.W"));
    expect(doMlock(mm, at(2), P, 0)).to.equal(ENOMEM);
    mapAnon(mm, at(8), P, 0);
    expect(doMlock(mm, at(8), P, 0)).to.equal(ENOMEM);
    expect(areaAt(mm, at(8)).flags & VM_LOCKED).to.equal(VM_LOCKED);
    expect(doMunlock(mm, at(0), 4 * P)).to.equal(ENOMEM);
    expect(draw(mm, 4)).to.equal(picture("Ww.W"));
  });

  it("says try again when memory is out", () => {
    const mm = testMm(testMachine({ memoryMib: 8 }).sys, { privileged: true });
    mapAnon(mm, at(0), 1900 * P);
    mapAnon(mm, at(1900), 1900 * P);
    expect(doMlock(mm, at(0), 3800 * P, 0)).to.equal(EAGAIN);
  });

  it("has limits", () => {
    const mm = space({ memlock: 2 * P });
    mapAnon(mm, at(0), 4 * P);
    expect(doMlock(mm, at(0), 3 * P, 0)).to.equal(ENOMEM);
    expect(doMlock(mm, at(0), 2 * P, 0)).to.equal(0);
    expect(doMlock(mm, at(1), P, 0), "locked already").to.equal(0);
    expect(doMlock(mm, at(1), 2 * P, 0)).to.equal(ENOMEM);
    expect(doMlock(mm, at(0), P, 2)).to.equal(EINVAL);
    expect(doMlock(space({ memlock: 0 }), at(0), P, 0)).to.equal(EPERM);
    mm.rlimits.privileged = true;
    expect(doMlock(mm, at(0), 4 * P, 0)).to.equal(0);
    checkAreas(mm.sys, [mm]);
  });

  it("passes over special and droppable areas", () => {
    const mm = space();
    const frame = mm.sys.buddy.allocPages(0 as never);
    installSpecialMapping(mm, at(0), P, 0x5, { name: "[vdso]", frames: [frame] });
    mapAnon(mm, at(1), P, 3, 0x38);
    expect(doMlock(mm, at(0), 2 * P, 0)).to.equal(0);
    expect([areaAt(mm, at(0)).flags & VM_LOCKED, areaAt(mm, at(1)).flags & VM_LOCKED, mm.lockedVm]).to.deep.equal([0, 0, 0]);
  });

  it("locks a large folio only as a whole, and unlocks any part of it", () => {
    const { sys } = testMachine();
    sys.thp.setSizeEnabled(4 as never, "always");
    const mm = testMm(sys);
    mapAnon(mm, at(0), 32 * P);
    touchRange(mm, at(0), 32 * P);
    doMlock(mm, at(0), 24 * P, 0);
    expect([mlocked(mm, 0), mlocked(mm, 16)]).to.deep.equal([true, false]);
    expect(sys.vmstat.get("nr_mlock")).to.equal(16);
    doMlock(mm, at(0), 32 * P, 0);
    doMunlock(mm, at(8), 8 * P);
    expect(mlocked(mm, 0)).to.equal(false);
    checkAreas(sys, [mm]);
  });

  it("locks blocks", () => {
    const { sys } = testMachine({ hugepages: true });
    const mm = testMm(sys);
    mapAnon(mm, BASE, 2 ** 21);
    touchRange(mm, BASE, 2 ** 21);
    doMlock(mm, at(0), 2 ** 21, 0);
    expect(mlocked(mm, 0)).to.equal(true);
    doMunlock(mm, at(0), 2 ** 21);
    expect(mlocked(mm, 0)).to.equal(false);
  });

  it("issues no TLB maintenance, and steps over blocks with one gather each", () => {
    for (const config of ["64K", "order0"] as const) {
      const { sys, mm, reg, len, count } = tlbiRegion(config, 16);
      mm.rlimits.privileged = true;
      expect(count(() => doMlock(mm, reg, len, 0))).to.deep.equal({});
      const before = sys.pgtable.counters.ptepGetLoads;
      expect(count(() => doMunlock(mm, reg, len))).to.deep.equal({});
      // One load per page; or per block two of its first entry, each with a look at all 16.
      expect(sys.pgtable.counters.ptepGetLoads - before).to.equal(config === "64K" ? 16 * 2 * 17 : 256);
    }
  });
});

describe("mlockall", () => {
  it("locks what is there, what comes, or both", () => {
    const mm = space();
    mapAnon(mm, at(0), 2 * P);
    mapAnon(mm, at(3), P, 0);
    expect(doMlockall(mm, CURRENT)).to.equal(0);
    expect(draw(mm, 6)).to.equal(picture("Ll.L.."));
    expect([mm.lockedVm, mm.rss[1], mm.defFlags]).to.deep.equal([3, 2, 0]);
    expect(doMlockall(mm, FUTURE)).to.equal(0);
    mapAnon(mm, at(5), P);
    expect(draw(mm, 6)).to.equal(picture("Ll.L.L"));
    expect([mm.lockedVm, mm.rss[1]]).to.deep.equal([4, 3]);
    expect(doMunlockall(mm)).to.equal(0);
    expect(draw(mm, 6)).to.equal(picture("Ww.W.W"));
    expect([mm.lockedVm, mm.defFlags]).to.deep.equal([0, 0]);
    checkAreas(mm.sys, [mm]);
  });

  it("on fault", () => {
    const mm = space();
    mapAnon(mm, at(0), P);
    expect(doMlockall(mm, CURRENT | FUTURE | ONFAULT)).to.equal(0);
    doMmap(mm, { addr: at(1), len: P, prot: 1, flags: 0x32, file: undefined, pgoff: 0 });
    expect(draw(mm, 2)).to.equal(picture("FF"));
    expect(mm.rss[1]).to.equal(0);
    checkAreas(mm.sys, [mm]);
  });

  it("checks flags and limits", () => {
    const mm = space({ memlock: P });
    mapAnon(mm, at(0), 2 * P);
    for (const flags of [0, ONFAULT, 8, CURRENT | 8]) expect(doMlockall(mm, flags)).to.equal(EINVAL);
    expect(doMlockall(mm, CURRENT)).to.equal(ENOMEM);
    expect(doMlockall(mm, FUTURE)).to.equal(0);
    expect(doMlockall(space({ memlock: 0 }), CURRENT)).to.equal(EPERM);
    mm.rlimits.privileged = true;
    expect(doMlockall(mm, CURRENT)).to.equal(0);
  });
});
