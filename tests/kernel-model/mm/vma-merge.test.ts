/**
 * Merging of areas: what Linux's own tests of vma.c check (tools/testing/vma), drawn.
 */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { dupMm } from "../../../kernel-model/mm/mm-lifecycle.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { doMprotect } from "../../../kernel-model/mm/mprotect.js";
import { copyVma, vmaMergeExtend, vmaModify } from "../../../kernel-model/mm/vma-merge.js";
import { insertVmStruct, vmAreaAlloc } from "../../../kernel-model/mm/vma-ops.js";
import type { VmOperations } from "../../../kernel-model/mm/vma.js";
import { areaAt, checkAreas, limits, mapAnon, testMachine, testMm, touch } from "../../support/areas.js";
import { drawAreas, picture } from "../../support/vma-picture.js";

const P = 4096;
const BASE = 0x5000000000;
const READ = 1;
const READ_WRITE = 3;

const at = (page: number): Va => (BASE + page * P) as Va;

function space(): MmStruct {
  return testMm(testMachine().sys);
}

const map = (mm: MmStruct, first: number, count: number, prot = READ_WRITE): void => void mapAnon(mm, at(first), count * P, prot);
const protect = (mm: MmStruct, first: number, count: number, prot: number): void => {
  expect(doMprotect(mm, at(first), count * P, prot)).to.equal(0);
};

describe("merging a new range", () => {
  it("with the area before, the area behind, both, or none", () => {
    const mm = space();
    map(mm, 0, 2);
    map(mm, 2, 2);
    expect(drawAreas(mm, BASE, 9)).to.equal(picture("Wwww....."));
    map(mm, 7, 2);
    map(mm, 6, 1);
    expect(drawAreas(mm, BASE, 9)).to.equal(picture("Wwww..Www"));
    map(mm, 4, 2);
    expect(drawAreas(mm, BASE, 9)).to.equal(picture("Wwwwwwwww"));
    map(mm, 9, 2, READ);
    expect(drawAreas(mm, BASE, 11)).to.equal(picture("WwwwwwwwwRr"));
    expect(areaAt(mm, at(3)).pgoff).to.equal(BASE / P);
    checkAreas(mm.sys, [mm]);
  });

  it("not with areas of another kind: shared, growing, locked, of another file offset", () => {
    const mm = space();
    map(mm, 0, 1);
    mapAnon(mm, at(1), P, READ_WRITE, 0x21 | 0x10);
    mapAnon(mm, at(2), P, READ_WRITE, 0x21 | 0x10);
    expect(drawAreas(mm, BASE, 3)).to.equal(picture("WSS"));
    mapAnon(mm, at(10), P, READ_WRITE, 0x122 | 0x10);
    map(mm, 11, 1);
    mapAnon(mm, at(12), P, READ_WRITE, 0x2022 | 0x10);
    expect(drawAreas(mm, at(10), 3)).to.equal(picture("WWW"));
    checkAreas(mm.sys, [mm]);
  });

  it("joins an area that has pages, and the pages stay in its anon_vma", () => {
    const mm = space();
    map(mm, 0, 2);
    touch(mm, at(0));
    map(mm, 2, 2);
    expect(drawAreas(mm, BASE, 4)).to.equal(picture("Wwww"));
    touch(mm, at(3));
    expect(areaAt(mm, at(0)).anonVmaChain.length).to.equal(1);
    checkAreas(mm.sys, [mm]);
  });

  it("does not join two areas whose pages belong to different anon_vmas, but one of them", () => {
    const mm = space();
    map(mm, 0, 2);
    map(mm, 4, 2);
    touch(mm, at(0));
    touch(mm, at(4));
    map(mm, 2, 2);
    expect(drawAreas(mm, BASE, 6)).to.equal(picture("WwwwWw"));
    checkAreas(mm.sys, [mm]);
  });

  it("does not join an area whose anon_vma came from a parent", () => {
    const mm = space();
    map(mm, 0, 2);
    touch(mm, at(0));
    const child = dupMm(mm, limits())!;
    expect(areaAt(child, at(0)).anonVmaChain.length).to.equal(2);
    map(child, 2, 2);
    expect(drawAreas(child, BASE, 4)).to.equal(picture("WwWw"));
    // The parent's own anon_vma is still alone in its chain.
    map(mm, 2, 2);
    expect(drawAreas(mm, BASE, 4)).to.equal(picture("Wwww"));
    checkAreas(mm.sys, [mm, child]);
  });

  it("brings the anon_vma of the area behind into the one before", () => {
    const mm = space();
    map(mm, 0, 2);
    map(mm, 4, 2);
    touch(mm, at(4));
    const { anonVma } = areaAt(mm, at(4));
    map(mm, 2, 2);
    expect(drawAreas(mm, BASE, 6)).to.equal(picture("Wwwwww"));
    expect([areaAt(mm, at(0)).anonVma, [...anonVma!.vmas]]).to.deep.equal([anonVma, [areaAt(mm, at(0))]]);
    checkAreas(mm.sys, [mm]);
  });

  it("only where the offsets continue, in both directions", () => {
    const mm = space();
    const area = (page: number, pgoff: number): boolean => {
      const vma = vmAreaAlloc(mm, { start: at(page), end: at(page + 1), flags: 0x71, pgoff, ops: { name: "test", fault: () => 0x2 } });
      insertVmStruct(mm, vma);
      return vmaModify(vma, at(page), at(page + 1), { flags: 0x71 }) === vma;
    };
    area(4, 10);
    expect([area(5, 12), area(3, 8)]).to.deep.equal([true, true]);
    area(14, 10);
    expect([area(15, 11), area(13, 9)], "joined").to.deep.equal([false, false]);
  });

  it("not droppable memory with memory that stays", () => {
    const mm = space();
    map(mm, 0, 1);
    areaAt(mm, at(0)).droppable = true;
    map(mm, 1, 1);
    expect(drawAreas(mm, BASE, 2)).to.equal(picture("WW"));
  });

  it("leaves an area with a close operation where it is, and joins the other side", () => {
    const mm = space();
    map(mm, 0, 1);
    map(mm, 2, 1);
    areaAt(mm, at(2)).ops = { name: "test", fault: () => 0x2, close: () => undefined };
    map(mm, 1, 1);
    expect(drawAreas(mm, BASE, 3)).to.equal(picture("WwW"));
  });

  it("grows an area upwards and swallows the one that it reaches", () => {
    const mm = space();
    map(mm, 0, 2);
    map(mm, 4, 1);
    expect(vmaMergeExtend(areaAt(mm, at(0)), 2 * P)?.start).to.equal(at(0));
    expect(drawAreas(mm, BASE, 5)).to.equal(picture("Wwwww"));
  });
});

describe("copy_vma", () => {
  it("gives an area without pages the offset of its new place, another keeps its own", () => {
    const mm = space();
    map(mm, 0, 2);
    expect(copyVma(areaAt(mm, at(0)), at(8), 2 * P, BASE / P).created.pgoff).to.equal(BASE / P + 8);
    touch(mm, at(0));
    const { created, needRmapLocks } = copyVma(areaAt(mm, at(0)), at(16), 2 * P, BASE / P);
    expect([created.pgoff, created.anonVma, needRmapLocks]).to.deep.equal([BASE / P, areaAt(mm, at(0)).anonVma, false]);
  });

  it("may swallow the source itself", () => {
    const mm = space();
    map(mm, 0, 2);
    const { created, source } = copyVma(areaAt(mm, at(0)), at(2), 2 * P, BASE / P);
    expect(created).to.equal(source);
    // Downwards the source is the area behind, which grows as well.
    map(mm, 10, 2);
    const below = copyVma(areaAt(mm, at(10)), at(8), 2 * P, BASE / P + 10);
    expect([below.created === below.source, below.needRmapLocks]).to.deep.equal([true, true]);
    expect(drawAreas(mm, BASE, 12)).to.equal(picture("Wwww....Wwww"));
  });
});

describe("merging a changed range", () => {
  it("cuts when no neighbour fits", () => {
    const mm = space();
    map(mm, 0, 9);
    protect(mm, 3, 3, READ);
    expect(drawAreas(mm, BASE, 9)).to.equal(picture("WwwRrrWww"));
    checkAreas(mm.sys, [mm]);
  });

  it("joins both neighbours when the whole area changes", () => {
    const mm = space();
    map(mm, 0, 9);
    protect(mm, 3, 3, READ);
    protect(mm, 3, 3, READ_WRITE);
    expect(drawAreas(mm, BASE, 9)).to.equal(picture("Wwwwwwwww"));
    checkAreas(mm.sys, [mm]);
  });

  it("moves the bound to the area before", () => {
    const mm = space();
    map(mm, 0, 9);
    protect(mm, 4, 5, READ);
    protect(mm, 4, 2, READ_WRITE);
    expect(drawAreas(mm, BASE, 9)).to.equal(picture("WwwwwwRrr"));
    expect([...mm.vmas].map(({ pgoff }) => pgoff - BASE / P)).to.deep.equal([0, 6]);
    checkAreas(mm.sys, [mm]);
  });

  it("moves the bound to the area behind", () => {
    const mm = space();
    map(mm, 0, 9);
    protect(mm, 4, 5, READ);
    protect(mm, 2, 2, READ);
    expect(drawAreas(mm, BASE, 9)).to.equal(picture("WwRrrrrrr"));
    expect([...mm.vmas].map(({ pgoff }) => pgoff - BASE / P)).to.deep.equal([0, 2]);
    checkAreas(mm.sys, [mm]);
  });

  it("runs over several areas and leaves one", () => {
    const mm = space();
    map(mm, 0, 9);
    for (const page of [1, 3, 5, 7]) protect(mm, page, 1, READ);
    expect(drawAreas(mm, BASE, 9)).to.equal(picture("WRWRWRWRW"));
    protect(mm, 0, 9, READ);
    expect(drawAreas(mm, BASE, 9)).to.equal(picture("Rrrrrrrrr"));
    checkAreas(mm.sys, [mm]);
  });

  it("a neighbour without anon_vma does not take over an area that has one, unless a third brings it in", () => {
    const mm = space();
    map(mm, 0, 6);
    protect(mm, 2, 2, READ);
    touch(mm, at(4));
    // pages 0-1 and 2-3 have no anon_vma, 4-5 has
    protect(mm, 4, 2, READ);
    expect(drawAreas(mm, BASE, 6)).to.equal(picture("WwRrRr"));
    protect(mm, 4, 2, READ_WRITE);
    protect(mm, 2, 2, READ_WRITE);
    expect(drawAreas(mm, BASE, 6)).to.equal(picture("Wwwwww"));
    expect(areaAt(mm, at(0)).anonVma).to.not.equal(undefined);
    checkAreas(mm.sys, [mm]);
  });

  it("forgets the areas that it has swallowed", () => {
    const mm = space();
    map(mm, 0, 9);
    for (let page = 0; page < 9; page++) touch(mm, at(page));
    protect(mm, 3, 3, READ);
    const { anonVma } = areaAt(mm, at(0));
    expect(anonVma!.vmas.size).to.equal(3);
    protect(mm, 3, 3, READ_WRITE);
    expect([...anonVma!.vmas]).to.deep.equal([areaAt(mm, at(0))]);
    expect(anonVma!.numActiveVmas).to.equal(1);
  });

  it("joins the area before when the one behind may not go", () => {
    const mm = space();
    map(mm, 0, 9);
    protect(mm, 3, 3, READ);
    areaAt(mm, at(6)).ops = { name: "test", fault: () => 0x2, close: () => undefined };
    protect(mm, 3, 3, READ_WRITE);
    expect(drawAreas(mm, BASE, 9)).to.equal(picture("WwwwwwWww"));
  });

  it("never swallows an area with a close operation", () => {
    const closed: number[] = [];
    const ops: VmOperations = { name: "test", fault: () => 0x2, close: (vma) => void closed.push((vma.start - BASE) / P) };
    const mm = space();
    const flags = 0x71;
    const areas = [0, 2, 4].map((page) => vmAreaAlloc(mm, { start: at(page), end: at(page + 2), flags: page === 2 ? 0x73 : flags, pgoff: page, ops }));
    for (const vma of areas) {
      expect(insertVmStruct(mm, vma)).to.equal(0);
      mm.totalVm += 2;
    }
    expect(vmaModify(areas[1]!, at(2), at(4), { flags })).to.equal(areas[1]);
    expect([...mm.vmas].length).to.equal(3);
    // Only bounds may move: the area itself stays.
    const moved = vmaModify(areas[1]!, at(2), at(3), { flags });
    expect(moved).to.equal(areas[0]);
    expect([...mm.vmas].map(({ start, end }) => [(start - BASE) / P, (end - BASE) / P])).to.deep.equal([
      [0, 3],
      [3, 4],
      [4, 6],
    ]);
    expect(closed).to.deep.equal([]);
  });

  it("reports too many areas", () => {
    const mm = space();
    map(mm, 0, 9);
    mm.sys.tunables.maxMapCount = 2;
    expect(doMprotect(mm, at(3), 3 * P, READ)).to.equal(-12);
    // The first of the two cuts was made, as in Linux.
    expect(drawAreas(mm, BASE, 9)).to.equal(picture("WwwWwwwww"));
    checkAreas(mm.sys, [mm]);
  });
});
