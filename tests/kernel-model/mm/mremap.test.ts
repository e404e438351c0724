/**
 * mremap in place and to another place, its failures, and the TLB maintenance counted on a real kernel.
 */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { doMremap } from "../../../kernel-model/mm/mremap.js";
import type { MmLimits, MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { doMunmap } from "../../../kernel-model/mm/munmap.js";
import { installSpecialMapping } from "../../../kernel-model/mm/special-mapping.js";
import { areaAt, checkAreas, frameAt, mapAnon, releaseAll, testMachine, testMm, touch, touchRange } from "../../support/areas.js";
import { CB, DEST, tlbiRegion, WITH_RANGES } from "../../support/tlbi-region.js";
import { drawAreas, picture } from "../../support/vma-picture.js";

const P = 4096;
const BASE = 0x5000000000;
const at = (page: number): Va => (BASE + page * P) as Va;
const [MAYMOVE, FIXED, DONTUNMAP] = [1, 2, 4];
const [EAGAIN, ENOMEM, EFAULT, EINVAL] = [-11, -12, -14, -22];
const VM_ACCOUNT = 0x100000;

const space = (changes: Partial<MmLimits> = {}): MmStruct => testMm(testMachine().sys, changes);
/** mremap in pages of BASE. */
const remap = (mm: MmStruct, from: number, oldPages: number, newPages: number, flags = 0, to = 0): number =>
  doMremap(mm, { addr: at(from), oldLen: oldPages * P, newLen: newPages * P, flags, newAddr: at(to) });

describe("mremap in place", () => {
  it("shrinks by unmapping the tail", () => {
    const mm = space();
    mapAnon(mm, at(0), 6 * P);
    touchRange(mm, at(0), 6 * P);
    expect(remap(mm, 0, 6, 2)).to.equal(at(0));
    expect(drawAreas(mm, BASE, 6)).to.equal(picture("Ww...."));
    expect(mm.rss[1]).to.equal(2);
    checkAreas(mm.sys, [mm]);
  });

  it("shrinks in the middle of an area, and over a hole behind it", () => {
    const mm = space();
    mapAnon(mm, at(0), 6 * P);
    expect(remap(mm, 1, 3, 1)).to.equal(at(1));
    expect(drawAreas(mm, BASE, 6)).to.equal(picture("Ww..Ww"));
    expect(remap(mm, 0, 5, 1)).to.equal(at(0));
    expect(drawAreas(mm, BASE, 6)).to.equal(picture("W....W"));
    checkAreas(mm.sys, [mm]);
  });

  it("grows into free space and joins what it reaches", () => {
    const mm = space();
    mapAnon(mm, at(0), 2 * P);
    mapAnon(mm, at(5), P);
    expect(remap(mm, 0, 2, 4)).to.equal(at(0));
    expect(drawAreas(mm, BASE, 6)).to.equal(picture("Wwww.W"));
    expect(remap(mm, 2, 2, 3)).to.equal(at(2));
    expect(drawAreas(mm, BASE, 6)).to.equal(picture("Wwwwww"));
    expect([mm.totalVm, mm.dataVm]).to.deep.equal([6, 6]);
    checkAreas(mm.sys, [mm]);
  });

  it("does not grow over others, nor from the middle", () => {
    const mm = space();
    mapAnon(mm, at(0), 4 * P);
    mapAnon(mm, at(4), P, 1);
    expect(remap(mm, 0, 4, 5)).to.equal(ENOMEM);
    expect(remap(mm, 0, 2, 3)).to.equal(ENOMEM);
    expect(remap(mm, 0, 4, 4)).to.equal(at(0));
  });

  it("faults in what it adds to locked memory", () => {
    const mm = space({ memlock: 4 * P });
    mapAnon(mm, at(0), 2 * P, 3, 0x2032);
    expect(remap(mm, 0, 2, 4)).to.equal(at(0));
    expect([mm.lockedVm, mm.rss[1]]).to.deep.equal([4, 4]);
    expect(remap(mm, 0, 4, 5)).to.equal(EAGAIN);
    checkAreas(mm.sys, [mm]);
  });
});

describe("mremap to another place", () => {
  it("moves pages and leaves a hole", () => {
    const { sys } = testMachine();
    const free = sys.buddy.nrFree;
    const mm = testMm(sys);
    mapAnon(mm, at(0), 4 * P);
    touchRange(mm, at(0), 4 * P);
    const frames = [0, 1, 2, 3].map((page) => frameAt(mm, at(page)));
    mapAnon(mm, at(4), P, 1);
    const addr = remap(mm, 0, 4, 6, MAYMOVE);
    expect(addr).to.equal(2 ** 48 - 2 ** 27 - 6 * P);
    expect(drawAreas(mm, BASE, 5)).to.equal(picture("....R"));
    expect([0, 1, 2, 3].map((page) => frameAt(mm, addr + page * P))).to.deep.equal(frames);
    expect(areaAt(mm, addr).pgoff, "offset of the old place").to.equal(BASE / P);
    expect([mm.rss[1], mm.totalVm]).to.deep.equal([4, 7]);
    checkAreas(sys, [mm]);
    releaseAll(sys, [mm], free);
  });

  it("gives an area without pages the offset of its new place, so that it merges", () => {
    const mm = space();
    mapAnon(mm, at(0), 2 * P);
    mapAnon(mm, at(8), 2 * P);
    expect(remap(mm, 0, 2, 2, MAYMOVE | FIXED, 10)).to.equal(at(10));
    expect(drawAreas(mm, BASE, 12)).to.equal(picture("........Wwww"));
    expect(remap(mm, 8, 2, 2, MAYMOVE | FIXED, 12), "part of an area, next to itself").to.equal(at(12));
    expect(drawAreas(mm, BASE, 14)).to.equal(picture("..........Wwww"));
    checkAreas(mm.sys, [mm]);
  });

  it("does not merge pages of different offsets, but those moved back", () => {
    const mm = space();
    mapAnon(mm, at(0), 6 * P);
    touchRange(mm, at(0), 6 * P);
    expect(remap(mm, 2, 2, 2, MAYMOVE | FIXED, 10)).to.equal(at(10));
    mapAnon(mm, at(12), P);
    expect(drawAreas(mm, BASE, 13)).to.equal(picture("Ww..Ww....WwW"));
    expect(remap(mm, 10, 2, 2, MAYMOVE | FIXED, 2)).to.equal(at(2));
    expect(drawAreas(mm, BASE, 13)).to.equal(picture("Wwwwww......W"));
    checkAreas(mm.sys, [mm]);
  });

  it("MREMAP_FIXED replaces what is at the destination, and cuts the source", () => {
    const mm = space();
    mapAnon(mm, at(0), 6 * P);
    mapAnon(mm, at(8), 4 * P, 1);
    touchRange(mm, at(0), 6 * P);
    expect(remap(mm, 1, 4, 2, MAYMOVE | FIXED, 9)).to.equal(at(9));
    expect(drawAreas(mm, BASE, 12)).to.equal(picture("W....W..RWwR"));
    expect(mm.rss[1]).to.equal(4);
    checkAreas(mm.sys, [mm]);
  });

  it("keeps the commit charge of what stays on both sides", () => {
    const mm = space();
    mapAnon(mm, at(0), 6 * P);
    touch(mm, at(2));
    remap(mm, 2, 2, 2, MAYMOVE | FIXED, 20);
    for (const page of [0, 4, 20]) expect(areaAt(mm, at(page)).flags & VM_ACCOUNT, `page ${page}`).to.equal(VM_ACCOUNT);
    expect(mm.sys.committedAs).to.equal(6);
    checkAreas(mm.sys, [mm]);
  });

  it("MREMAP_DONTUNMAP leaves the area, empty and unlocked", () => {
    const { sys } = testMachine();
    const free = sys.buddy.nrFree;
    const mm = testMm(sys, { privileged: true });
    mapAnon(mm, at(0), 3 * P, 3, 0x2032);
    const frame = frameAt(mm, at(1));
    expect(remap(mm, 0, 3, 3, MAYMOVE | DONTUNMAP | FIXED, 10)).to.equal(at(10));
    expect(drawAreas(mm, BASE, 13)).to.equal(picture("Www.......Www"));
    expect([frameAt(mm, at(1)), frameAt(mm, at(11))]).to.deep.equal([-1, frame]);
    expect([areaAt(mm, at(0)).flags & 0x2000, areaAt(mm, at(0)).anonVma, areaAt(mm, at(10)).flags & 0x2000]).to.deep.equal([0, undefined, 0x2000]);
    expect([mm.totalVm, mm.lockedVm, sys.committedAs]).to.deep.equal([6, 3, 6]);
    touch(mm, at(1));
    checkAreas(sys, [mm]);
    releaseAll(sys, [mm], free);
  });

  it("a length of zero maps shared memory a second time", () => {
    const mm = space();
    mapAnon(mm, at(0), 2 * P, 3, 0x31);
    touchRange(mm, at(0), 2 * P);
    mapAnon(mm, at(2), P, 1);
    const addr = remap(mm, 0, 0, 2, MAYMOVE);
    expect(addr).to.be.above(0);
    expect(drawAreas(mm, BASE, 3)).to.equal(picture("SsR"));
    touchRange(mm, addr, 2 * P);
    expect(frameAt(mm, addr + P)).to.equal(frameAt(mm, at(1)));
    expect(remap(mm, 2, 0, 2, MAYMOVE), "private").to.equal(EINVAL);
    checkAreas(mm.sys, [mm]);
  });

  it("moves special areas whole only", () => {
    const mm = space();
    const frame = mm.sys.buddy.allocPages(1 as never);
    installSpecialMapping(mm, at(0), 2 * P, 0x5, { name: "[vdso]", frames: [frame, (frame + 1) as never] });
    expect(remap(mm, 0, 1, 1, MAYMOVE | FIXED, 8)).to.equal(EINVAL);
    expect(remap(mm, 1, 1, 1, MAYMOVE | FIXED, 8)).to.equal(EINVAL);
    expect(drawAreas(mm, BASE, 10)).to.equal(picture("Xx........"));
    expect(remap(mm, 0, 2, 3, MAYMOVE)).to.equal(EFAULT);
    expect(remap(mm, 0, 2, 2, MAYMOVE | FIXED, 8)).to.equal(at(8));
    expect(drawAreas(mm, BASE, 10)).to.equal(picture("........Xx"));
    expect(areaAt(mm, at(8)).specialName).to.equal("[vdso]");
  });

  it("goes back to the old place when no page table can be made", () => {
    const { sys } = testMachine({ memoryMib: 8 });
    const mm = testMm(sys);
    mapAnon(mm, at(0), 2 * P);
    touchRange(mm, at(0), 2 * P);
    const frames = [0, 1].map((page) => frameAt(mm, at(page)));
    mapAnon(mm, at(2), P, 1);
    const taken: number[] = [];
    for (let page = sys.buddy.allocPages(0 as never); page !== -1; page = sys.buddy.allocPages(0 as never)) taken.push(page);
    expect(remap(mm, 0, 2, 4, MAYMOVE)).to.equal(ENOMEM);
    for (const page of taken) sys.buddy.freePages(page as never, 0 as never);
    expect([...mm.vmas].map(({ start, end }) => [(start - BASE) / P, (end - BASE) / P])).to.deep.equal([[0, 2], [2, 3]]);
    expect([0, 1].map((page) => frameAt(mm, at(page)))).to.deep.equal(frames);
    const { totalVm, dataVm } = mm;
    expect([totalVm, dataVm]).to.deep.equal([3, 2]);
  });

  it("takes back what it has moved when the second page table cannot be made", () => {
    const { sys } = testMachine({ memoryMib: 16 });
    const mm = testMm(sys);
    mapAnon(mm, at(0), 1024 * P);
    const pages = [0, 1, 511, 512, 1023];
    for (const page of pages) touchRange(mm, at(page), P);
    const frames = pages.map((page) => frameAt(mm, at(page)));
    mapAnon(mm, at(1024), P, 1);
    const taken: number[] = [];
    for (let page = sys.buddy.allocPages(0 as never); page !== -1; page = sys.buddy.allocPages(0 as never)) taken.push(page);
    // Tables of levels 1, 2 and 3 for the new place, and none for what crosses into the next level-3 table.
    for (const page of taken.splice(0, 3)) sys.buddy.freePages(page as never, 0 as never);
    const before = sys.buddy.nrFree;
    expect(remap(mm, 0, 1024, 1030, MAYMOVE)).to.equal(ENOMEM);
    expect(pages.map((page) => frameAt(mm, at(page)))).to.deep.equal(frames);
    expect([mm.vmas.count, mm.totalVm, mm.rss[1], sys.buddy.nrFree]).to.deep.equal([2, 1025, 5, before]);
    for (const page of taken) sys.buddy.freePages(page as never, 0 as never);
  });

  it("keeps locked memory locked", () => {
    const mm = space({ privileged: true });
    mapAnon(mm, at(0), 3 * P, 3, 0x2032);
    mapAnon(mm, at(3), P, 1);
    const addr = remap(mm, 0, 3, 5, MAYMOVE);
    expect([mm.lockedVm, mm.rss[1], areaAt(mm, addr).flags & 0x2000]).to.deep.equal([5, 5, 0x2000]);
    checkAreas(mm.sys, [mm]);
  });

  it("checks its arguments", () => {
    const mm = space({ as: 12 * P });
    mapAnon(mm, at(0), 4 * P);
    mapAnon(mm, at(4), P, 1);
    const call = (changes: Partial<Parameters<typeof doMremap>[1]>): number => doMremap(mm, { addr: at(0), oldLen: P, newLen: P, flags: MAYMOVE, newAddr: 0, ...changes });
    expect(call({ flags: 8 })).to.equal(EINVAL);
    expect(call({ flags: FIXED })).to.equal(EINVAL);
    expect(call({ flags: DONTUNMAP })).to.equal(EINVAL);
    expect(call({ flags: DONTUNMAP | MAYMOVE, newLen: 2 * P })).to.equal(EINVAL);
    expect(call({ addr: (at(0) + 1) as Va })).to.equal(EINVAL);
    expect(call({ newLen: 0 })).to.equal(EINVAL);
    expect(call({ addr: at(9) })).to.equal(EFAULT);
    expect(call({ oldLen: 5 * P, newLen: 6 * P }), "over the end of the area").to.equal(EFAULT);
    expect(call({ newLen: 20 * P }), "RLIMIT_AS").to.equal(ENOMEM);
    const fixed = MAYMOVE | FIXED;
    expect(call({ flags: fixed, newAddr: at(9) + 1 })).to.equal(EINVAL);
    expect(call({ flags: fixed, newAddr: 2 ** 48 })).to.equal(EINVAL);
    expect(call({ oldLen: 2 * P, newLen: 2 * P, flags: fixed, newAddr: at(1) }), "overlap").to.equal(EINVAL);
    mm.sys.tunables.maxMapCount = 5;
    expect(call({ newLen: 2 * P }), "too many areas").to.equal(ENOMEM);
    expect(drawAreas(mm, BASE, 5)).to.equal(picture("WwwwR"));
  });
});

describe("TLB maintenance of mremap, as counted on a real kernel", () => {
  const move = MAYMOVE | FIXED;
  const congruent = DEST + 3 * CB;
  const rows: readonly [string, number, Record<"64K" | "order0", Record<string, number>>, number][] = [
    ["one block, congruent", 1, { "64K": { vae1is: 16, vale1is: 32, dsb: 3 }, order0: { vae1is: 16, dsb: 1 } }, congruent],
    ["one block, 5 pages off", 1, { "64K": { vae1is: 16, vale1is: 16, dsb: 2 }, order0: { vae1is: 16, dsb: 1 } }, congruent + 5 * P],
    ["16 blocks, congruent", 16, { "64K": { vae1is: 256, vale1is: 512, dsb: 33 }, order0: { vae1is: 256, dsb: 1 } }, congruent],
    ["16 blocks, 5 pages off", 16, { "64K": { vae1is: 256, vale1is: 256, dsb: 17 }, order0: { vae1is: 256, dsb: 1 } }, congruent + 5 * P],
  ];
  for (const [what, blocks, expected, newAddr] of rows) {
    for (const config of ["64K", "order0"] as const) {
      it(`${what}, ${config}`, () => {
        const { mm, reg, len, count } = tlbiRegion(config, blocks);
        expect(count(() => doMremap(mm, { addr: reg, oldLen: len, newLen: len, flags: move, newAddr }))).to.deep.equal(expected[config]);
      });
    }
  }

  it("back to a congruent place folds again", () => {
    const { mm, reg, len, count } = tlbiRegion("64K", 1);
    const away = (congruent + 5 * P) as Va;
    doMremap(mm, { addr: reg, oldLen: len, newLen: len, flags: move, newAddr: away });
    expect(count(() => doMremap(mm, { addr: away, oldLen: len, newLen: len, flags: move, newAddr: reg }))).to.deep.equal({ vae1is: 16, vale1is: 16, dsb: 2 });
    doMunmap(mm, reg, len);
  });

  it("one page out of a block", () => {
    const { mm, reg, count } = tlbiRegion("64K", 1);
    expect(count(() => doMremap(mm, { addr: (reg + 7 * P) as Va, oldLen: P, newLen: P, flags: move, newAddr: congruent }))).to.deep.equal({ vae1is: 1, vale1is: 16, dsb: 2 });
  });

  it("with range instructions", () => {
    const { mm, reg, len, count } = tlbiRegion("64K", 16, { cpu: WITH_RANGES });
    expect(count(() => doMremap(mm, { addr: reg, oldLen: len, newLen: len, flags: move, newAddr: congruent }))).to.deep.equal({ rvae1is: 1, rvale1is: 32, dsb: 33 });
  });
});
