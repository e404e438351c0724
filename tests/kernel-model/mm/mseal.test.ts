/**
 * mseal: what a sealed area refuses, and what it does not.
 */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { doMadvise } from "../../../kernel-model/mm/madvise.js";
import { doMlock } from "../../../kernel-model/mm/mlock.js";
import { dupMm } from "../../../kernel-model/mm/mm-lifecycle.js";
import { doMmap } from "../../../kernel-model/mm/mmap.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { doMprotect } from "../../../kernel-model/mm/mprotect.js";
import { doMremap } from "../../../kernel-model/mm/mremap.js";
import { doMseal } from "../../../kernel-model/mm/mseal.js";
import { doMunmap } from "../../../kernel-model/mm/munmap.js";
import { areaAt, checkAreas, limits, mapAnon, testMachine, testMm, touchRange } from "../../support/areas.js";
import { drawAreas, picture } from "../../support/vma-picture.js";

const P = 4096;
const BASE = 0x5000000000;
const at = (page: number): Va => (BASE + page * P) as Va;
const [EPERM, ENOMEM, EINVAL] = [-1, -12, -22];

const sealed = (mm: MmStruct): string => [...mm.vmas].map((vma) => (vma.sealed ? "s" : "-")).join("");

/** Pages 0 to 8, of which 3 to 5 are sealed. */
function space(prot = 3): MmStruct {
  const mm = testMm(testMachine().sys, { privileged: true });
  mapAnon(mm, at(0), 9 * P, prot);
  expect(doMseal(mm, at(3), 3 * P, 0)).to.equal(0);
  return mm;
}

describe("mseal", () => {
  it("makes the range an area of its own, and joins sealed neighbours", () => {
    const mm = space();
    expect([drawAreas(mm, BASE, 9), sealed(mm)]).to.deep.equal([picture("WwwWwwWww"), "-s-"]);
    expect(doMseal(mm, at(2), 5 * P - 1, 0)).to.equal(0);
    expect([drawAreas(mm, BASE, 9), sealed(mm)]).to.deep.equal([picture("WwWwwwwWw"), "-s-"]);
    expect(doMseal(mm, at(0), 9 * P, 0)).to.equal(0);
    expect([drawAreas(mm, BASE, 9), sealed(mm)]).to.deep.equal([picture("Wwwwwwwww"), "s"]);
    mapAnon(mm, at(9), P);
    expect(sealed(mm), "a new range does not join").to.equal("s-");
    checkAreas(mm.sys, [mm]);
  });

  it("changes nothing when there is a hole", () => {
    const mm = space();
    mapAnon(mm, at(10), P);
    for (const [first, count] of [[8, 3], [9, 1], [10, 2], [20, 1]] as const) expect(doMseal(mm, at(first), count * P, 0)).to.equal(ENOMEM);
    expect(sealed(mm)).to.equal("-s--");
    mm.sys.tunables.maxMapCount = 4;
    expect(doMseal(mm, at(1), P, 0), "too many areas").to.equal(ENOMEM);
  });

  it("checks its arguments", () => {
    const mm = space();
    expect(doMseal(mm, at(0), P, 1)).to.equal(EINVAL);
    expect(doMseal(mm, (at(0) + 1) as Va, P, 0)).to.equal(EINVAL);
    expect(doMseal(mm, at(0), 2 ** 64 - 1, 0)).to.equal(EINVAL);
    expect(doMseal(mm, at(50), 0, 0)).to.equal(0);
  });

  it("keeps the area from being unmapped, replaced, moved and protected", () => {
    const mm = space();
    touchRange(mm, at(0), 9 * P);
    const fixed = (from: number, count: number, to: number): number =>
      doMremap(mm, { addr: at(from), oldLen: count * P, newLen: count * P, flags: 3, newAddr: at(to) });
    expect(doMunmap(mm, at(0), 9 * P)).to.equal(EPERM);
    expect(doMunmap(mm, at(4), P)).to.equal(EPERM);
    expect(doMmap(mm, { addr: at(5), len: 2 * P, prot: 3, flags: 0x32, file: undefined, pgoff: 0 })).to.equal(EPERM);
    expect(fixed(3, 1, 20), "source").to.equal(EPERM);
    expect(fixed(0, 2, 4), "destination").to.equal(EPERM);
    expect(doMremap(mm, { addr: at(3), oldLen: 3 * P, newLen: P, flags: 0, newAddr: 0 }), "shrink").to.equal(EPERM);
    expect(doMprotect(mm, at(4), P, 1)).to.equal(EPERM);
    expect(mm.rss[1]).to.equal(9);
    // What precedes the sealed area is changed.
    expect(doMprotect(mm, at(2), 3 * P, 1)).to.equal(EPERM);
    expect(drawAreas(mm, BASE, 9)).to.equal(picture("WwRWwwWww"));
    checkAreas(mm.sys, [mm]);
  });

  it("keeps data from being lost where it cannot be written again", () => {
    const [DONTNEED, FREE, DONTFORK, WIPEONFORK, COLD] = [4, 8, 10, 18, 20];
    const readonly = space(1);
    for (const advice of [DONTNEED, FREE, DONTFORK, WIPEONFORK]) expect(doMadvise(readonly, at(3), P, advice), `${advice}`).to.equal(EPERM);
    expect(doMadvise(readonly, at(3), P, COLD)).to.equal(0);
    expect(doMadvise(readonly, at(0), P, DONTNEED)).to.equal(0);
    const writable = space();
    for (const advice of [DONTNEED, FREE]) expect(doMadvise(writable, at(3), P, advice), `${advice}`).to.equal(0);
  });

  it("lets it be locked and inherited", () => {
    const mm = space();
    expect(doMlock(mm, at(3), P, 0)).to.equal(0);
    const child = dupMm(mm, limits())!;
    expect(areaAt(child, at(4)).sealed).to.equal(true);
    checkAreas(mm.sys, [mm, child]);
  });
});
