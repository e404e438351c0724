/**
 * madvise advice by advice: flags, effects, errors, and the TLB maintenance counted on a real kernel.
 */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { EXT4_POLICY, SHM_MNT_POLICY, TMPFS_POLICIES } from "../../../kernel-model/fs/folio-policies.js";
import { doMadvise, madviseSetAnonName } from "../../../kernel-model/mm/madvise.js";
import { dupMm } from "../../../kernel-model/mm/mm-lifecycle.js";
import type { MmLimits, MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { doMmap } from "../../../kernel-model/mm/mmap.js";
import type { File } from "../../../kernel-model/fs/file.js";
import { areaAt, checkAreas, frameAt, limits, mapAnon, pteAt, releaseAll, testMachine, testMm, touch, touchRange } from "../../support/areas.js";
import { createTestFile } from "../../support/page-cache.js";
import { CB, tlbiRegion } from "../../support/tlbi-region.js";
import { drawAreas, picture } from "../../support/vma-picture.js";

const P = 4096;
const BASE = 0x5000000000;
const at = (page: number): Va => (BASE + page * P) as Va;
const [EPERM, EBADF, EAGAIN, ENOMEM, EACCES, EFAULT, EINVAL] = [-1, -9, -11, -12, -13, -14, -22];
const ADVICE = {
  NORMAL: 0, RANDOM: 1, SEQUENTIAL: 2, WILLNEED: 3, DONTNEED: 4, FREE: 8, REMOVE: 9, DONTFORK: 10, DOFORK: 11, MERGEABLE: 12, UNMERGEABLE: 13,
  HUGEPAGE: 14, NOHUGEPAGE: 15, DONTDUMP: 16, DODUMP: 17, WIPEONFORK: 18, KEEPONFORK: 19, COLD: 20, PAGEOUT: 21, POPULATE_READ: 22,
  POPULATE_WRITE: 23, DONTNEED_LOCKED: 24, COLLAPSE: 25, HWPOISON: 100, SOFT_OFFLINE: 101,
};

const space = (changes: Partial<MmLimits> = {}): MmStruct => testMm(testMachine().sys, changes);
const advise = (mm: MmStruct, page: number, count: number, advice: number): number => doMadvise(mm, at(page), count * P, advice);
const mapFile = (mm: MmStruct, file: File, page: number, count: number, flags: number, prot = 3): number =>
  doMmap(mm, { addr: at(page), len: count * P, prot, flags: flags | 0x10, file, pgoff: 0 });

describe("advices that change flags", () => {
  const flagRows: readonly [string, keyof typeof ADVICE, number, number][] = [
    // advice, bits that change, bits afterwards
    ["sequential reading", "SEQUENTIAL", 0x18000, 0x8000],
    ["random reading", "RANDOM", 0x18000, 0x10000],
    ["normal reading", "NORMAL", 0x18000, 0],
    ["not for children", "DONTFORK", 0x20000, 0x20000],
    ["for children", "DOFORK", 0x20000, 0],
    ["not in dumps", "DONTDUMP", 0x4000000, 0x4000000],
    ["in dumps", "DODUMP", 0x4000000, 0],
    ["empty for children", "WIPEONFORK", 0x2000000, 0x2000000],
    ["full for children", "KEEPONFORK", 0x2000000, 0],
    ["huge pages", "HUGEPAGE", 0x60000000, 0x20000000],
    ["no huge pages", "NOHUGEPAGE", 0x60000000, 0x40000000],
    ["for ksmd", "MERGEABLE", 0x80000000 | 0, 0x80000000 | 0],
    ["not for ksmd", "UNMERGEABLE", 0x80000000 | 0, 0],
  ];
  for (const [what, name, mask, expected] of flagRows) {
    it(`${what}: ${name}`, () => {
      for (const before of [0, mask]) {
        const mm = space();
        mapAnon(mm, at(0), P);
        const vma = areaAt(mm, at(0));
        vma.flags |= before & ~0x8000;
        expect(advise(mm, 0, 1, ADVICE[name])).to.equal(0);
        expect(vma.flags & mask).to.equal(expected);
      }
    });
  }

  it("cut and join areas", () => {
    const mm = space();
    mapAnon(mm, at(0), 8 * P);
    const hugeLetter = (flags: number): string => ((flags & 0x20000000) !== 0 ? "h" : "w");
    advise(mm, 2, 4, ADVICE.HUGEPAGE);
    expect(drawAreas(mm, BASE, 8, hugeLetter)).to.equal(picture("WwHhhhWw"));
    advise(mm, 1, 2, ADVICE.HUGEPAGE);
    expect(drawAreas(mm, BASE, 8, hugeLetter)).to.equal(picture("WHhhhhWw"));
    advise(mm, 1, 5, ADVICE.NOHUGEPAGE);
    advise(mm, 0, 8, ADVICE.HUGEPAGE);
    expect(drawAreas(mm, BASE, 8, hugeLetter)).to.equal(picture("Hhhhhhhh"));
    checkAreas(mm.sys, [mm]);
  });

  it("do not suit every area", () => {
    const mm = space();
    mapAnon(mm, at(0), P, 3, 0x31);
    mapAnon(mm, at(2), P, 3, 0x38);
    expect(advise(mm, 0, 1, ADVICE.WIPEONFORK)).to.equal(EINVAL);
    expect(advise(mm, 2, 1, ADVICE.KEEPONFORK)).to.equal(EINVAL);
    expect(advise(mm, 2, 1, ADVICE.DODUMP)).to.equal(EINVAL);
    expect(advise(mm, 0, 1, ADVICE.MERGEABLE), "ignored").to.equal(0);
    expect(areaAt(mm, at(0)).flags & 0x80000000).to.equal(0);
    areaAt(mm, at(0)).flags |= 0x4000;
    expect(advise(mm, 0, 1, ADVICE.DOFORK)).to.equal(EINVAL);
    expect(advise(mm, 0, 1, ADVICE.DODUMP)).to.equal(EINVAL);
  });

  it("report too many areas as temporary", () => {
    const mm = space();
    mapAnon(mm, at(0), 3 * P);
    mm.sys.tunables.maxMapCount = 1;
    expect(advise(mm, 1, 1, ADVICE.RANDOM)).to.equal(EAGAIN);
  });
});

describe("madvise", () => {
  it("checks its arguments", () => {
    const mm = space();
    mapAnon(mm, at(0), P);
    for (const advice of [5, 6, 7, 26, 99, 102, -1]) expect(advise(mm, 0, 1, advice), `${advice}`).to.equal(EINVAL);
    expect(doMadvise(mm, (at(0) + 8) as Va, P, ADVICE.NORMAL)).to.equal(EINVAL);
    expect(doMadvise(mm, at(0), 2 ** 64 - 1, ADVICE.NORMAL)).to.equal(EINVAL);
    expect(doMadvise(mm, at(0), 0, ADVICE.NORMAL)).to.equal(0);
    expect(advise(mm, 0, 1, ADVICE.HWPOISON)).to.equal(EPERM);
    expect(advise(mm, 0, 1, ADVICE.SOFT_OFFLINE)).to.equal(EPERM);
    expect(advise(mm, 0, 1, ADVICE.COLLAPSE), "no room for a block").to.equal(EINVAL);
  });

  it("skips holes and tells of them at the end", () => {
    const mm = space();
    mapAnon(mm, at(0), 2 * P);
    mapAnon(mm, at(3), 2 * P);
    touchRange(mm, at(0), 2 * P);
    touchRange(mm, at(3), 2 * P);
    expect(advise(mm, 1, 3, ADVICE.DONTNEED)).to.equal(ENOMEM);
    expect([0, 1, 3, 4].map((page) => frameAt(mm, at(page)) >= 0)).to.deep.equal([true, false, false, true]);
    expect(advise(mm, 4, 3, ADVICE.DONTNEED)).to.equal(ENOMEM);
    expect(advise(mm, 9, 1, ADVICE.DONTNEED)).to.equal(ENOMEM);
    expect(mm.rss[1]).to.equal(1);
  });

  it("DONTNEED and FREE spare locked memory", () => {
    const mm = space({ privileged: true });
    mapAnon(mm, at(0), 2 * P, 3, 0x2032);
    expect(advise(mm, 0, 2, ADVICE.DONTNEED)).to.equal(EINVAL);
    expect(advise(mm, 0, 2, ADVICE.FREE)).to.equal(EINVAL);
    expect(advise(mm, 0, 2, ADVICE.COLD)).to.equal(EINVAL);
    expect(advise(mm, 0, 2, ADVICE.PAGEOUT)).to.equal(EINVAL);
    expect(mm.rss[1]).to.equal(2);
    expect(advise(mm, 0, 2, ADVICE.DONTNEED_LOCKED)).to.equal(0);
    expect(mm.rss[1]).to.equal(0);
  });

  it("POPULATE_READ maps the zero page, POPULATE_WRITE pages", () => {
    const mm = space();
    mapAnon(mm, at(0), 4 * P);
    mapAnon(mm, at(4), P, 1);
    expect(advise(mm, 0, 2, ADVICE.POPULATE_READ)).to.equal(0);
    expect([frameAt(mm, at(0)), mm.rss[1]]).to.deep.equal([mm.sys.zeroPfn, 0]);
    expect(advise(mm, 1, 3, ADVICE.POPULATE_WRITE)).to.equal(0);
    expect(mm.rss[1]).to.equal(3);
    expect(advise(mm, 3, 2, ADVICE.POPULATE_WRITE), "not writable").to.equal(EINVAL);
    expect(advise(mm, 4, 2, ADVICE.POPULATE_READ), "hole").to.equal(ENOMEM);
    checkAreas(mm.sys, [mm]);
  });

  it("POPULATE beyond the end of a file is a fault", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    const { file } = createTestFile(sys, { policy: EXT4_POLICY, size: 2 * P });
    mapFile(mm, file, 0, 4, 0x1, 1);
    expect(advise(mm, 0, 2, ADVICE.POPULATE_READ)).to.equal(0);
    expect(advise(mm, 2, 1, ADVICE.POPULATE_READ)).to.equal(EFAULT);
  });

  it("WILLNEED reads files ahead and leaves memory alone", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    const { file, mapping } = createTestFile(sys, { policy: EXT4_POLICY, size: 64 * P });
    mapFile(mm, file, 0, 16, 0x2);
    mapAnon(mm, at(16), P);
    expect(advise(mm, 4, 4, ADVICE.WILLNEED)).to.equal(0);
    expect([...mapping.pages.keys()].sort((a, b) => a - b)).to.deep.equal([4, 5, 6, 7]);
    expect(advise(mm, 16, 1, ADVICE.WILLNEED)).to.equal(0);
    expect(frameAt(mm, at(16))).to.equal(-1);
  });

  it("REMOVE punches a hole into shared memory", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    const { file, mapping } = createTestFile(sys, { policy: TMPFS_POLICIES.never, size: 4 * P });
    mapFile(mm, file, 0, 4, 0x1);
    touchRange(mm, at(0), 4 * P);
    expect(advise(mm, 1, 2, ADVICE.REMOVE)).to.equal(0);
    expect([...mapping.pages.keys()].sort((a, b) => a - b)).to.deep.equal([0, 3]);
    expect([0, 1, 2, 3].map((page) => frameAt(mm, at(page)) >= 0)).to.deep.equal([true, false, false, true]);
    mapAnon(mm, at(8), P);
    expect(advise(mm, 8, 1, ADVICE.REMOVE)).to.equal(EINVAL);
    mapFile(mm, file, 9, 1, 0x2);
    expect(advise(mm, 9, 1, ADVICE.REMOVE), "private").to.equal(EACCES);
  });

  it("names anonymous memory, and only that", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    mapAnon(mm, at(0), 4 * P);
    expect(madviseSetAnonName(mm, at(1), 2 * P, "pool")).to.equal(0);
    expect([...mm.vmas].map(({ anonName }) => anonName)).to.deep.equal([undefined, "pool", undefined]);
    expect(madviseSetAnonName(mm, at(3), P, "pool")).to.equal(0);
    expect(mm.vmas.count).to.equal(2);
    expect(madviseSetAnonName(mm, at(0), 4 * P, undefined)).to.equal(0);
    expect(mm.vmas.count).to.equal(1);
    mapAnon(mm, at(8), P, 3, 0x31);
    expect(madviseSetAnonName(mm, at(8), P, "shared")).to.equal(0);
    const { file } = createTestFile(sys, { policy: SHM_MNT_POLICY, size: P });
    mapFile(mm, file, 10, 1, 0x1);
    expect(madviseSetAnonName(mm, at(10), P, "file")).to.equal(EBADF);
    expect(madviseSetAnonName(mm, (at(0) + 1) as Va, P, "x")).to.equal(EINVAL);
    expect(madviseSetAnonName(mm, at(20), P, "x")).to.equal(ENOMEM);
    checkAreas(sys, [mm]);
  });

  it("WIPEONFORK and DONTFORK decide what a child gets", () => {
    const { sys } = testMachine();
    const free = sys.buddy.nrFree;
    const mm = testMm(sys);
    mapAnon(mm, at(0), 3 * P);
    touchRange(mm, at(0), 3 * P);
    advise(mm, 0, 1, ADVICE.DONTFORK);
    advise(mm, 1, 1, ADVICE.WIPEONFORK);
    const child = dupMm(mm, limits())!;
    expect(drawAreas(child, BASE, 3)).to.equal(picture(".WW"));
    expect([frameAt(child, at(1)), frameAt(child, at(2)) === frameAt(mm, at(2))]).to.deep.equal([-1, true]);
    touch(child, at(1));
    checkAreas(sys, [mm, child]);
    releaseAll(sys, [mm, child], free);
  });
});

describe("TLB maintenance of madvise, as counted on a real kernel", () => {
  const { DONTNEED, FREE, COLD } = ADVICE;
  type Counts = Record<string, number>;
  const rows: readonly [string, number, number, number, number, Counts, Counts][] = [
    // blocks, advice, offset, pages; with 64K folios, with order 0
    ["DONTNEED: first page", 1, DONTNEED, 0, 1, { vale1is: 17, dsb: 2 }, { vale1is: 1, dsb: 1 }],
    ["DONTNEED: page 7", 1, DONTNEED, 7, 1, { vale1is: 17, dsb: 2 }, { vale1is: 1, dsb: 1 }],
    ["DONTNEED: first half", 1, DONTNEED, 0, 8, { vale1is: 24, dsb: 2 }, { vale1is: 8, dsb: 1 }],
    ["DONTNEED: second half", 1, DONTNEED, 8, 8, { vale1is: 24, dsb: 2 }, { vale1is: 8, dsb: 1 }],
    ["DONTNEED: one block", 1, DONTNEED, 0, 16, { vale1is: 16, dsb: 1 }, { vale1is: 16, dsb: 1 }],
    ["DONTNEED: 16 blocks", 16, DONTNEED, 0, 256, { vale1is: 256, dsb: 1 }, { vale1is: 256, dsb: 1 }],
    ["COLD: one block", 1, COLD, 0, 16, { vale1is: 16, dsb: 1 }, { vale1is: 16, dsb: 1 }],
    ["COLD: 16 blocks", 16, COLD, 0, 256, { vale1is: 256, dsb: 1 }, { vale1is: 256, dsb: 1 }],
    ["COLD: first half (splits)", 1, COLD, 0, 8, { aside1is: 1, vale1is: 40, dsb: 4 }, { vale1is: 8, dsb: 1 }],
    ["FREE: one block", 1, FREE, 0, 16, { vale1is: 16, dsb: 1 }, { vale1is: 16, dsb: 1 }],
    ["FREE: 16 blocks", 16, FREE, 0, 256, { vale1is: 256, dsb: 1 }, { vale1is: 256, dsb: 1 }],
    ["FREE: first half (splits)", 1, FREE, 0, 8, { aside1is: 1, vale1is: 40, dsb: 4 }, { vale1is: 8, dsb: 1 }],
    ["FREE: page 7 (splits)", 1, FREE, 7, 1, { aside1is: 1, vale1is: 33, dsb: 4 }, { vale1is: 1, dsb: 1 }],
  ];
  for (const [what, blocks, advice, offset, pages, large, small] of rows) {
    for (const [config, expected] of [["64K", large], ["order0", small]] as const) {
      it(`${what}, ${config}`, () => {
        const { sys, mm, reg, count } = tlbiRegion(config, blocks);
        expect(count(() => doMadvise(mm, (reg + offset * P) as Va, pages * P, advice))).to.deep.equal(expected);
        checkAreas(sys, [mm]);
      });
    }
  }

  it("a whole PMD range", () => {
    for (const advice of [FREE, DONTNEED]) {
      const { mm, reg, len, count } = tlbiRegion("64K", 32, { at: 0x5000000000 + 2 ** 22 });
      expect(count(() => doMadvise(mm, reg, len, advice))).to.deep.equal({ aside1is: 1, dsb: 2 });
    }
  });

  it("the flags of entries after COLD and FREE", () => {
    const { mm, reg } = tlbiRegion("64K", 2);
    doMadvise(mm, reg, CB, COLD);
    doMadvise(mm, (reg + CB) as Va, CB, FREE);
    // access flag, dirty (bit 55), read-only, contiguous
    const bits = (addr: number): bigint[] => [10n, 55n, 7n, 52n].map((bit) => (pteAt(mm, addr) >> bit) & 1n);
    for (const page of [0, 15]) {
      expect(bits(reg + page * P)).to.deep.equal([0n, 1n, 0n, 1n]);
      expect(bits(reg + CB + page * P)).to.deep.equal([0n, 0n, 1n, 1n]);
    }
  });
});
