/**
 * Where mmap places areas: top-down, bottom-up, guard gaps, alignment for huge pages and for shared memory.
 */
import { expect } from "chai";
import type { Inode, File, FolioPolicy } from "../../../kernel-model/fs/file.js";
import { getUnmappedArea, mmGetUnmappedArea, thpGetUnmappedArea } from "../../../kernel-model/mm/unmapped-area.js";
import { areaAt, mapAnon, testMachine, testMm } from "../../support/areas.js";

const P = 4096;
const MIB = 2 ** 20;
const PMD = 2 * MIB;
const TOP = 2 ** 48 - 128 * MIB;
const MAP_SHARED = 0x1;
const MAP_PRIVATE = 0x2;
const MAP_FIXED = 0x10;
const [EPERM, ENOMEM, EINVAL] = [-1, -12, -22];

/** A file of a file system with this policy. */
function fileOf(policy: Partial<FolioPolicy>): File {
  const inode = { mapping: { policy } } as unknown as Inode;
  return { inode } as File;
}

describe("top-down placement", () => {
  it("fills downwards from mmap_base", () => {
    const mm = testMm(testMachine().sys);
    expect(mmGetUnmappedArea(mm, 0, 3 * P, MAP_PRIVATE)).to.equal(TOP - 3 * P);
    mapAnon(mm, TOP - 3 * P, 3 * P);
    expect(mmGetUnmappedArea(mm, 0, P, MAP_PRIVATE)).to.equal(TOP - 4 * P);
    mapAnon(mm, TOP - 10 * P, 2 * P);
    // A hole of 5 pages below the first area.
    expect(mmGetUnmappedArea(mm, 0, 5 * P, MAP_PRIVATE)).to.equal(TOP - 8 * P);
    expect(mmGetUnmappedArea(mm, 0, 6 * P, MAP_PRIVATE)).to.equal(TOP - 16 * P);
  });

  it("takes a hint that is free, rounded up, and ignores one that is not", () => {
    const mm = testMm(testMachine().sys);
    mapAnon(mm, 0x10000000, 4 * P);
    expect(mmGetUnmappedArea(mm, 0x20000001, P, MAP_PRIVATE)).to.equal(0x20001000);
    expect(mmGetUnmappedArea(mm, 0x10000000, P, MAP_PRIVATE)).to.equal(TOP - P);
    expect(mmGetUnmappedArea(mm, 0x10000000 - P, 2 * P, MAP_PRIVATE)).to.equal(TOP - 2 * P);
    expect(mmGetUnmappedArea(mm, 0x10000000 - P, P, MAP_PRIVATE)).to.equal(0x10000000 - P);
    expect(mmGetUnmappedArea(mm, P, P, MAP_PRIVATE), "below mmap_min_addr").to.equal(TOP - P);
    expect(mmGetUnmappedArea(mm, 2 ** 48 - P, 2 * P, MAP_PRIVATE), "over the end").to.equal(TOP - 2 * P);
  });

  it("keeps the guard gap of a growing area free", () => {
    const mm = testMm(testMachine().sys);
    mapAnon(mm, TOP - 4 * P, P, 3, 0x122 | MAP_FIXED);
    // 256 pages below the growing area; the hole above it is still good.
    expect(mmGetUnmappedArea(mm, 0, 3 * P, MAP_PRIVATE)).to.equal(TOP - 3 * P);
    expect(mmGetUnmappedArea(mm, 0, 4 * P, MAP_PRIVATE)).to.equal(TOP - 4 * P - 256 * P - 4 * P);
    const hint = TOP - 4 * P - 256 * P;
    expect(mmGetUnmappedArea(mm, hint - P, P, MAP_PRIVATE)).to.equal(hint - P);
    expect(mmGetUnmappedArea(mm, hint, P, MAP_PRIVATE)).to.equal(TOP - P);
  });

  it("goes upwards from a quarter of the space when there is no room below mmap_base", () => {
    const mm = testMm(testMachine().sys);
    mm.mmapBase = 0x30000 as typeof mm.mmapBase;
    expect(mmGetUnmappedArea(mm, 0, 0x30000, MAP_PRIVATE)).to.equal(2 ** 46);
    expect(mmGetUnmappedArea(mm, 0, 0x20000, MAP_PRIVATE)).to.equal(0x10000);
  });

  it("has limits", () => {
    const mm = testMm(testMachine().sys);
    expect(mmGetUnmappedArea(mm, 0, 2 ** 48, MAP_PRIVATE)).to.equal(ENOMEM);
    expect(getUnmappedArea(mm, undefined, 0, 2 ** 48 + P, 0, MAP_PRIVATE)).to.equal(ENOMEM);
    expect(getUnmappedArea(mm, undefined, 2 ** 48 - P, 2 * P, 0, MAP_FIXED)).to.equal(ENOMEM);
    expect(getUnmappedArea(mm, undefined, 0x10001, P, 0, MAP_FIXED)).to.equal(EINVAL);
    expect(getUnmappedArea(mm, undefined, 0xf000, P, 0, MAP_FIXED)).to.equal(EPERM);
    mm.rlimits.privileged = true;
    expect(getUnmappedArea(mm, undefined, 0xf000, P, 0, MAP_FIXED)).to.equal(0xf000);
  });
});

describe("bottom-up placement", () => {
  it("fills upwards from mmap_base and keeps away from growing areas", () => {
    const mm = testMm(testMachine().sys, { stack: Infinity });
    const base = 2 ** 46;
    expect(mmGetUnmappedArea(mm, 0, P, MAP_PRIVATE)).to.equal(base);
    mapAnon(mm, base, 2 * P);
    expect(mmGetUnmappedArea(mm, 0, P, MAP_PRIVATE)).to.equal(base + 2 * P);
    mapAnon(mm, base + 10 * P, P, 3, 0x122 | MAP_FIXED);
    expect(mmGetUnmappedArea(mm, 0, P, MAP_PRIVATE)).to.equal(base + 11 * P);
  });
});

describe("placement for huge pages", () => {
  it("aligns anonymous mappings whose length is a multiple of the PMD size", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    mapAnon(mm, TOP - 3 * P, 3 * P);
    const place = (len: number): number => getUnmappedArea(mm, undefined, 0, len, 0, MAP_PRIVATE);
    expect(place(PMD)).to.equal(TOP - PMD - PMD);
    expect(place(2 * PMD)).to.equal(TOP - 3 * PMD);
    expect(place(PMD - P)).to.equal(TOP - 3 * P - (PMD - P));
    expect(place(PMD + P)).to.equal(TOP - 3 * P - (PMD + P));
    expect(place(MIB)).to.equal(TOP - 3 * P - MIB);
  });

  it("goes one PMD up when the padded place is aligned by itself", () => {
    const mm = testMm(testMachine().sys);
    // mmap_base is a multiple of 2 MiB: the padded area starts aligned, and the first PMD of it would be wasted.
    expect(getUnmappedArea(mm, undefined, 0, PMD, 0, MAP_PRIVATE)).to.equal(TOP - PMD);
  });

  it("honours a hint before the alignment", () => {
    const mm = testMm(testMachine().sys);
    expect(getUnmappedArea(mm, undefined, 0x20001000, PMD, 0, MAP_PRIVATE)).to.equal(0x20001000);
    expect(thpGetUnmappedArea(mm, 0x20001000, PMD, 0, MAP_PRIVATE)).to.equal(0x20001000);
  });

  it("puts files of ext4 and XFS congruent to their offset", () => {
    const mm = testMm(testMachine().sys);
    mapAnon(mm, TOP - 3 * P, 3 * P);
    const file = fileOf({ kind: "pagecache", thpPlacement: true });
    const place = (len: number, pgoff: number): number => getUnmappedArea(mm, file, 0, len, pgoff, MAP_PRIVATE);
    expect(place(5 * MIB, 0) % PMD).to.equal(0);
    expect(place(5 * MIB, 7) % PMD).to.equal(7 * P);
    // No whole aligned block in the range: no alignment.
    expect(place(3 * MIB, 256) % PMD).to.equal(MIB);
    expect(place(2 * MIB, 257)).to.equal(TOP - 3 * P - 2 * MIB);
    expect(place(MIB, 0)).to.equal(TOP - 3 * P - MIB);
  });

  it("puts other files anywhere, however long", () => {
    const mm = testMm(testMachine().sys);
    mapAnon(mm, TOP - 3 * P, 3 * P);
    expect(getUnmappedArea(mm, fileOf({ kind: "pagecache", thpPlacement: false }), 0, PMD, 0, MAP_PRIVATE)).to.equal(TOP - 3 * P - PMD);
  });
});

describe("placement of shared memory", () => {
  const place = (setUp: (thp: ReturnType<typeof testMachine>["sys"]["thp"]) => void, len: number, policy?: Partial<FolioPolicy>, pgoff = 0): number => {
    const { sys } = testMachine();
    setUp(sys.thp);
    const mm = testMm(sys);
    mapAnon(mm, TOP - 3 * P, 3 * P);
    const file = policy === undefined ? undefined : fileOf({ kind: "shmem", ...policy });
    const addr = getUnmappedArea(mm, file, 0, len, pgoff, MAP_SHARED);
    expect(mm.vmas.findIntersection(addr, addr + len)).to.equal(undefined);
    return TOP - 3 * P - addr;
  };

  it("is not aligned while no size is enabled", () => {
    expect(place(() => undefined, 4 * MIB)).to.equal(4 * MIB);
    expect(place(() => undefined, 4 * MIB, { name: "tmpfs", huge: "never" })).to.equal(4 * MIB);
  });

  it("is aligned to the largest enabled size", () => {
    // 64K of two sizes: 16K and 64K
    const addr = place((thp) => {
      thp.setShmemSizeEnabled(2 as never, "always");
      thp.setShmemSizeEnabled(4 as never, "within_size");
    }, 4 * MIB);
    expect((TOP - 3 * P - addr) % 65536).to.equal(0);
    expect(addr).to.be.below(4 * MIB + 65536);
    const inherited = place((thp) => {
      thp.shmemEnabled = "advise";
      thp.setShmemSizeEnabled(3 as never, "inherit");
      thp.setShmemSizeEnabled(9 as never, "never");
    }, 4 * MIB);
    expect((TOP - 3 * P - inherited) % 32768).to.equal(0);
    expect(inherited).to.be.below(4 * MIB + 32768);
  });

  it("is not aligned when shorter than that size", () => {
    expect(place((thp) => thp.setShmemSizeEnabled(4 as never, "always"), 15 * P)).to.equal(15 * P);
  });

  it("follows huge= of the mount for files, force and deny for all", () => {
    const aligned = (distance: number): boolean => (TOP - 3 * P - distance) % PMD === 0;
    expect(aligned(place(() => undefined, 4 * MIB, { name: "tmpfs", huge: "always" }))).to.equal(true);
    expect(aligned(place((thp) => void (thp.shmemEnabled = "deny"), 4 * MIB, { name: "tmpfs", huge: "always" }))).to.equal(false);
    expect(aligned(place((thp) => void (thp.shmemEnabled = "force"), 4 * MIB, { name: "tmpfs", huge: "never" }))).to.equal(true);
    expect(aligned(place((thp) => void (thp.shmemEnabled = "always"), 4 * MIB, { name: "shm_mnt", huge: "never" }))).to.equal(true);
    const congruent = place(() => undefined, 8 * MIB, { name: "tmpfs", huge: "always" }, 5);
    expect((TOP - 3 * P - congruent) % PMD).to.equal(5 * P);
  });

  it("MAP_FIXED stays where it is", () => {
    const { sys } = testMachine();
    sys.thp.shmemEnabled = "force";
    const mm = testMm(sys);
    expect(getUnmappedArea(mm, undefined, 0x20001000, PMD, 0, MAP_SHARED | MAP_FIXED)).to.equal(0x20001000);
    mapAnon(mm, 0x20001000, P);
    expect(areaAt(mm, 0x20001000).start).to.equal(0x20001000);
  });
});
