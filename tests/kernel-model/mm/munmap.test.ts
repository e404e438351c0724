/**
 * munmap, drawn before and after: cuts, limits, frames and page tables given back.
 */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { doMunmap } from "../../../kernel-model/mm/munmap.js";
import { checkAreas, mapAnon, releaseAll, testMachine, testMm, touchRange } from "../../support/areas.js";
import { drawAreas, picture } from "../../support/vma-picture.js";

const P = 4096;
const BASE = 0x5000000000;

/** An address space in which the given pages [first, count, prot] of BASE are mapped, in order. */
function mapped(...ranges: readonly (readonly [number, number, number?])[]): MmStruct {
  const { sys } = testMachine();
  const mm = testMm(sys);
  for (const [first, count, prot] of ranges) mapAnon(mm, BASE + first * P, count * P, prot);
  return mm;
}

const unmap = (mm: MmStruct, first: number, count: number): number => doMunmap(mm, (BASE + first * P) as Va, count * P);

describe("munmap", () => {
  it("takes whole areas", () => {
    const mm = mapped([0, 3], [4, 3, 1]);
    expect(drawAreas(mm, BASE, 8)).to.equal(picture("Www.Rrr."));
    expect(unmap(mm, 4, 3)).to.equal(0);
    expect(drawAreas(mm, BASE, 8)).to.equal(picture("Www....."));
    checkAreas(mm.sys, [mm]);
  });

  it("cuts an area in its middle", () => {
    const mm = mapped([0, 8]);
    expect(unmap(mm, 2, 3)).to.equal(0);
    expect(drawAreas(mm, BASE, 8)).to.equal(picture("Ww...Www"));
    expect([...mm.vmas].map(({ pgoff }) => pgoff - BASE / P)).to.deep.equal([0, 5]);
    checkAreas(mm.sys, [mm]);
  });

  it("cuts the ends of a run of areas", () => {
    const mm = mapped([0, 3], [3, 2, 1], [5, 3]);
    expect(drawAreas(mm, BASE, 8)).to.equal(picture("WwwRrWww"));
    expect(unmap(mm, 2, 4)).to.equal(0);
    expect(drawAreas(mm, BASE, 8)).to.equal(picture("Ww....Ww"));
    checkAreas(mm.sys, [mm]);
  });

  it("finds nothing to do in a hole", () => {
    const mm = mapped([0, 1], [6, 1]);
    expect(unmap(mm, 2, 3)).to.equal(0);
    expect(drawAreas(mm, BASE, 8)).to.equal(picture("W.....W."));
  });

  it("refuses impossible ranges", () => {
    const mm = mapped([0, 1]);
    const EINVAL = 22;
    expect(doMunmap(mm, (BASE + 1) as Va, P)).to.equal(-EINVAL);
    expect(doMunmap(mm, BASE as Va, 0)).to.equal(-EINVAL);
    expect(doMunmap(mm, 2 ** 48 as Va, P)).to.equal(-EINVAL);
    expect(doMunmap(mm, (2 ** 48 - P) as Va, 2 * P)).to.equal(-EINVAL);
    expect(drawAreas(mm, BASE, 2)).to.equal(picture("W."));
  });

  it("refuses a hole in an area when there are too many areas, but not a cut at its end", () => {
    const mm = mapped([0, 8], [9, 1]);
    mm.sys.tunables.maxMapCount = 2;
    expect(unmap(mm, 2, 2)).to.equal(-12);
    expect(unmap(mm, 6, 2)).to.equal(0);
    expect(drawAreas(mm, BASE, 10)).to.equal(picture("Wwwwww...W"));
    checkAreas(mm.sys, [mm]);
  });

  it("rounds the length up to pages", () => {
    const mm = mapped([0, 3]);
    expect(doMunmap(mm, BASE as Va, P + 1)).to.equal(0);
    expect(drawAreas(mm, BASE, 3)).to.equal(picture("..W"));
  });

  it("gives all frames back", () => {
    const { sys } = testMachine();
    const free = sys.buddy.nrFree;
    const mm = testMm(sys);
    mapAnon(mm, BASE, 64 * P);
    touchRange(mm, BASE, 64 * P);
    expect(mm.rss[1]).to.equal(64);
    checkAreas(sys, [mm]);
    doMunmap(mm, (BASE + 16 * P) as Va, 16 * P);
    expect(mm.rss[1]).to.equal(48);
    checkAreas(sys, [mm]);
    doMunmap(mm, BASE as Va, 64 * P);
    expect(mm.pgtablesBytes).to.equal(0);
    releaseAll(sys, [mm], free);
  });

  it("takes locked, executable and growing memory out of the sums", () => {
    const { sys } = testMachine();
    const mm = testMm(sys, { privileged: true });
    mapAnon(mm, BASE, 4 * P, 3, 0x2032);
    mapAnon(mm, BASE + 4 * P, 2 * P, 5);
    mapAnon(mm, BASE + 6 * P, 3 * P, 3, 0x132);
    expect([mm.lockedVm, mm.execVm, mm.stackVm, mm.dataVm, mm.totalVm]).to.deep.equal([4, 2, 3, 4, 9]);
    unmap(mm, 3, 5);
    expect([mm.lockedVm, mm.execVm, mm.stackVm, mm.dataVm, mm.totalVm]).to.deep.equal([3, 0, 1, 3, 4]);
    expect([mm.hiwaterVm, mm.hiwaterRss]).to.deep.equal([9, 4]);
    checkAreas(sys, [mm]);
  });

  it("frees a table only when neighbours do not use it", () => {
    const mm = mapped([0, 1], [511, 1]);
    touchRange(mm, BASE, P);
    touchRange(mm, BASE + 511 * P, P);
    expect(mm.pgtablesBytes).to.equal(3 * P);
    unmap(mm, 0, 1);
    expect(mm.pgtablesBytes).to.equal(3 * P);
    unmap(mm, 511, 1);
    expect(mm.pgtablesBytes).to.equal(0);
  });
});
