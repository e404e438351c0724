/**
 * mmap, brk and stack growth: flags, limits, errors, and what the areas look like afterwards.
 */
import { expect } from "chai";
import type { File, Inode } from "../../../kernel-model/fs/file.js";
import { calcVmFlagBits, calcVmProtBits, doBrk, doMmap, expandDownwards, expandStack, findVma, mapDenyWriteExec, vmBrkFlags, type MmapRequest } from "../../../kernel-model/mm/mmap.js";
import type { MmLimits, MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { doMunmap } from "../../../kernel-model/mm/munmap.js";
import type { Va } from "../../../emulator/arch/addr.js";
import type { VmOperations } from "../../../kernel-model/mm/vma.js";
import { areaAt, checkAreas, mapAnon, releaseAll, testMachine, testMm, touch, touchRange } from "../../support/areas.js";
import { drawAreas, picture } from "../../support/vma-picture.js";

const P = 4096;
const MIB = 2 ** 20;
const BASE = 0x5000000000;
const at = (page: number): Va => (BASE + page * P) as Va;

const [EPERM, EAGAIN, ENOMEM, EACCES, EEXIST, ENODEV, EINVAL, EOVERFLOW, EOPNOTSUPP] = [-1, -11, -12, -13, -17, -19, -22, -75, -95];
const MAP = { SHARED: 0x1, PRIVATE: 0x2, SHARED_VALIDATE: 0x3, DROPPABLE: 0x8, FIXED: 0x10, ANON: 0x20, GROWSDOWN: 0x100, LOCKED: 0x2000, NORESERVE: 0x4000, POPULATE: 0x8000, STACK: 0x20000, HUGETLB: 0x40000, SYNC: 0x80000, FIXED_NOREPLACE: 0x100000 };
const VM = { SHARED: 0x8, MAYWRITE: 0x20, MAYSHARE: 0x80, GROWSDOWN: 0x100, LOCKED: 0x2000, ACCOUNT: 0x100000, NORESERVE: 0x200000, WIPEONFORK: 0x2000000, DONTDUMP: 0x4000000, NOHUGEPAGE: 0x40000000 };

const space = (changes: Partial<MmLimits> = {}): MmStruct => testMm(testMachine().sys, changes);
const anon = (mm: MmStruct, changes: Partial<MmapRequest> = {}): number =>
  doMmap(mm, { addr: 0, len: 4 * P, prot: 3, flags: MAP.PRIVATE | MAP.ANON, file: undefined, pgoff: 0, ...changes });

interface TestFile extends File {
  readonly mmaps: Set<unknown>;
  released: boolean;
}

/** An open file that can be mapped; no page of it is ever faulted in here. */
function openFile(changes: { readable?: boolean; writable?: boolean; ops?: VmOperations | undefined; seals?: number; pageMkwrite?: boolean } = {}): TestFile {
  const fault: VmOperations = { name: "test", fault: () => 0x2, ...(changes.pageMkwrite === true ? { pageMkwrite: () => 0 } : {}) };
  const mmaps = new Set<unknown>();
  const inode = { mapping: { policy: { kind: "pagecache", thpPlacement: false }, mmaps }, ...(changes.seals === undefined ? {} : { seals: changes.seals }) } as unknown as Inode;
  const { readable = true, writable = true } = changes;
  const ops = "ops" in changes ? changes.ops : fault;
  const file = { inode, path: "/f", readable, writable, count: 1, released: false, mmaps, mmapOps: () => ops, release: () => void (file.released = true) } as unknown as TestFile;
  return file;
}

describe("flag translation", () => {
  it("of PROT_* and MAP_*", () => {
    expect([0, 1, 2, 4, 7, 8].map(calcVmProtBits)).to.deep.equal([0, 1, 2, 4, 7, 0]);
    expect(calcVmFlagBits(MAP.GROWSDOWN | MAP.LOCKED)).to.equal(VM.GROWSDOWN | VM.LOCKED);
    expect(calcVmFlagBits(MAP.STACK)).to.equal(VM.NOHUGEPAGE);
    expect(calcVmFlagBits(MAP.NORESERVE | MAP.POPULATE | MAP.PRIVATE)).to.equal(0);
  });

  it("MDWE denies writable code and new code", () => {
    const mm = space();
    const denied = (oldFlags: number, newFlags: number): boolean => mapDenyWriteExec(mm, oldFlags, newFlags);
    expect(denied(0, 7)).to.equal(false);
    mm.mdwe = 1;
    expect([denied(7, 7), denied(3, 5), denied(5, 5), denied(3, 3)]).to.deep.equal([true, true, false, false]);
    expect(anon(mm, { prot: 7 })).to.equal(EACCES);
    expect(anon(mm, { prot: 5 })).to.be.above(0);
  });
});

describe("mmap of anonymous memory", () => {
  it("makes an area with the flags asked for, and counts it", () => {
    const mm = space();
    const addr = anon(mm);
    expect(addr).to.equal(2 ** 48 - 128 * MIB - 4 * P);
    const vma = areaAt(mm, addr);
    // read, write, mayread, maywrite, mayexec, account
    expect(vma.flags).to.equal(0x100073);
    expect(vma.pgoff).to.equal(addr / P);
    expect(vma.pageProt).to.equal(0x60000000000fc3n);
    expect([mm.totalVm, mm.dataVm, mm.sys.committedAs]).to.deep.equal([4, 4, 4]);
    expect(findVma(mm, addr - 1)).to.equal(vma);
    checkAreas(mm.sys, [mm]);
  });

  it("has protections as arm64 maps them", () => {
    const mm = space();
    const prots = [0, 1, 2, 3, 4, 5, 6, 7].map((prot) => areaAt(mm, mapAnon(mm, at(2 * prot), P, prot)).pageProt);
    const [none, readonly, exec] = [0x60000000000f82n, 0x60000000000fc3n, 0x20000000000fc3n];
    expect(prots).to.deep.equal([none, readonly, readonly, readonly, exec, exec, exec, exec]);
    const shared = [1, 3, 7].map((prot) => areaAt(mm, mapAnon(mm, at(32 + 2 * prot), P, prot, MAP.SHARED | MAP.ANON | MAP.FIXED)).pageProt);
    expect(shared).to.deep.equal([readonly, 0x68000000000fc3n, 0x28000000000fc3n]);
  });

  it("replaces what is there with MAP_FIXED, all or nothing", () => {
    const mm = space();
    mapAnon(mm, at(0), 8 * P);
    touchRange(mm, at(0), 8 * P);
    mapAnon(mm, at(2), 3 * P, 1);
    expect(drawAreas(mm, BASE, 8)).to.equal(picture("WwRrrWww"));
    expect(mm.rss[1]).to.equal(5);
    checkAreas(mm.sys, [mm]);
    mapAnon(mm, at(0), 8 * P);
    expect(drawAreas(mm, BASE, 8)).to.equal(picture("Wwwwwwww"));
    expect([mm.rss[1], mm.dataVm]).to.deep.equal([0, 8]);
    checkAreas(mm.sys, [mm]);
  });

  it("refuses to replace with MAP_FIXED_NOREPLACE", () => {
    const mm = space();
    mapAnon(mm, at(2), P);
    const flags = MAP.PRIVATE | MAP.ANON | MAP.FIXED_NOREPLACE;
    expect(anon(mm, { addr: at(0), flags })).to.equal(EEXIST);
    expect(anon(mm, { addr: at(3), flags })).to.equal(at(3));
  });

  it("has droppable, shared and thread-stack variants", () => {
    const mm = space();
    const droppable = areaAt(mm, anon(mm, { addr: at(0), flags: MAP.DROPPABLE | MAP.ANON | MAP.FIXED }));
    expect(droppable.droppable).to.equal(true);
    expect(droppable.flags & (VM.NORESERVE | VM.WIPEONFORK | VM.DONTDUMP | VM.ACCOUNT)).to.equal(VM.NORESERVE | VM.WIPEONFORK | VM.DONTDUMP);
    const shared = areaAt(mm, anon(mm, { addr: at(10), flags: MAP.SHARED | MAP.ANON | MAP.FIXED }));
    expect(shared.flags & (VM.SHARED | VM.MAYSHARE | VM.ACCOUNT)).to.equal(VM.SHARED | VM.MAYSHARE);
    expect([shared.pgoff, shared.file?.path, shared.ops?.name]).to.deep.equal([0, "/dev/zero (deleted)", "shmem_anon_vm_ops"]);
    const stack = areaAt(mm, anon(mm, { addr: at(20), flags: MAP.PRIVATE | MAP.ANON | MAP.FIXED | MAP.STACK | MAP.NORESERVE }));
    expect(stack.flags & (VM.NOHUGEPAGE | VM.NORESERVE | VM.ACCOUNT)).to.equal(VM.NOHUGEPAGE | VM.NORESERVE);
    expect(anon(mm, { flags: MAP.DROPPABLE | MAP.ANON | MAP.LOCKED })).to.equal(EINVAL);
    expect(anon(mm, { flags: MAP.DROPPABLE | MAP.ANON | MAP.GROWSDOWN })).to.equal(EINVAL);
    expect(anon(mm, { flags: MAP.SHARED | MAP.ANON | MAP.GROWSDOWN })).to.equal(EINVAL);
    expect(anon(mm, { flags: MAP.SHARED_VALIDATE | MAP.ANON })).to.equal(EINVAL);
    expect(anon(mm, { flags: MAP.ANON })).to.equal(EINVAL);
    checkAreas(mm.sys, [mm]);
  });

  it("populates on demand", () => {
    const { sys } = testMachine();
    const free = sys.buddy.nrFree;
    const mm = testMm(sys);
    anon(mm, { flags: MAP.PRIVATE | MAP.ANON | MAP.POPULATE });
    expect(mm.rss[1]).to.equal(4);
    const locked = anon(mm, { flags: MAP.PRIVATE | MAP.ANON | MAP.LOCKED });
    expect([mm.rss[1], mm.lockedVm]).to.deep.equal([8, 4]);
    expect(areaAt(mm, locked).flags & VM.LOCKED).to.equal(VM.LOCKED);
    // Reading populates what may not be written; nothing populates what may not be accessed.
    anon(mm, { prot: 1, flags: MAP.PRIVATE | MAP.ANON | MAP.POPULATE });
    anon(mm, { prot: 0, flags: MAP.PRIVATE | MAP.ANON | MAP.POPULATE });
    expect(mm.rss[1]).to.equal(8);
    checkAreas(sys, [mm]);
    releaseAll(sys, [mm], free);
  });

  it("checks lengths and limits", () => {
    const mm = space({ as: 16 * P, data: 8 * P, memlock: 2 * P });
    expect(anon(mm, { len: 0 })).to.equal(EINVAL);
    expect(anon(mm, { len: 2 ** 64 - 1 })).to.equal(ENOMEM);
    expect(anon(mm, { len: 17 * P, prot: 1 })).to.equal(ENOMEM);
    expect(anon(mm, { len: 9 * P })).to.equal(ENOMEM);
    expect(anon(mm, { len: 9 * P, prot: 1 })).to.be.above(0);
    expect(anon(mm, { len: 3 * P, flags: MAP.PRIVATE | MAP.ANON | MAP.LOCKED })).to.equal(EAGAIN);
    expect(anon(mm, { len: 2 * P, flags: MAP.PRIVATE | MAP.ANON | MAP.LOCKED })).to.be.above(0);
    expect(anon(mm, { len: P, flags: MAP.PRIVATE | MAP.ANON | MAP.LOCKED })).to.equal(EAGAIN);
    expect(anon(space({ memlock: 0 }), { flags: MAP.PRIVATE | MAP.ANON | MAP.LOCKED })).to.equal(EPERM);
    expect(anon(space({ memlock: 0, privileged: true }), { flags: MAP.PRIVATE | MAP.ANON | MAP.LOCKED })).to.be.above(0);
    checkAreas(mm.sys, [mm]);
  });

  it("counts what MAP_FIXED replaces against the new mapping", () => {
    const mm = space({ as: 4 * P });
    mapAnon(mm, at(0), 4 * P);
    expect(anon(mm, { addr: at(0), flags: 0x32 })).to.equal(at(0));
    expect(anon(mm, { addr: at(1), flags: 0x32 })).to.equal(ENOMEM);
    checkAreas(mm.sys, [mm]);
  });

  it("does not lock droppable memory", () => {
    const mm = space();
    mm.defFlags = VM.LOCKED;
    const addr = anon(mm, { flags: MAP.DROPPABLE | MAP.ANON });
    expect([areaAt(mm, addr).flags & VM.LOCKED, mm.lockedVm]).to.deep.equal([0, 0]);
  });

  it("a data limit of zero means the hard limit", () => {
    const mm = space({ data: 0, dataMax: 8 * P });
    expect(anon(mm)).to.be.above(0);
    expect(anon(mm, { len: 5 * P })).to.equal(ENOMEM);
  });

  it("counts areas against vm.max_map_count", () => {
    const mm = space();
    mm.sys.tunables.maxMapCount = 2;
    for (const page of [0, 2, 4]) expect(anon(mm, { addr: at(page), len: P, flags: 0x32 })).to.equal(at(page));
    expect(anon(mm, { addr: at(6), len: P, flags: 0x32 })).to.equal(ENOMEM);
  });

  it("answers MAP_HUGETLB as a kernel without reserved huge pages", () => {
    const ask = (granule: "4k" | "16k" | "64k", sizeLog: number): number =>
      anon(testMm(testMachine({ granule }).sys), { flags: MAP.PRIVATE | MAP.ANON | MAP.HUGETLB | (sizeLog << 26) });
    for (const log of [0, 16, 21, 25, 30]) expect(ask("4k", log), `4k 2^${log}`).to.equal(ENOMEM);
    for (const log of [12, 22, 29]) expect(ask("4k", log), `4k 2^${log}`).to.equal(EINVAL);
    for (const log of [0, 21, 25, 30]) expect(ask("16k", log), `16k 2^${log}`).to.equal(ENOMEM);
    for (const log of [0, 21, 29, 34]) expect(ask("64k", log), `64k 2^${log}`).to.equal(ENOMEM);
    expect(ask("64k", 25)).to.equal(EINVAL);
    expect(anon(space(), { file: openFile(), flags: MAP.PRIVATE | MAP.HUGETLB })).to.equal(EINVAL);
  });
});

describe("mmap of files", () => {
  const map = (mm: MmStruct, file: File, changes: Partial<MmapRequest> = {}): number => anon(mm, { file, flags: MAP.PRIVATE, ...changes });

  it("holds a reference and is entered in i_mmap until the last area goes", () => {
    const mm = space();
    const file = openFile();
    const addr = map(mm, file, { len: 6 * P, pgoff: 10 });
    expect([file.count, file.mmaps.size, areaAt(mm, addr).pgoff]).to.deep.equal([2, 1, 10]);
    doMunmap(mm, (addr + 2 * P) as Va, P);
    expect([file.count, file.mmaps.size, areaAt(mm, addr + 3 * P).pgoff]).to.deep.equal([3, 2, 13]);
    // The hole is filled with the same part of the file: one area again.
    map(mm, file, { addr: addr + 2 * P, len: P, pgoff: 12, flags: MAP.PRIVATE | MAP.FIXED });
    expect([file.count, file.mmaps.size, mm.vmas.count]).to.deep.equal([2, 1, 1]);
    doMunmap(mm, addr as Va, 6 * P);
    expect([file.count, file.mmaps.size, file.released]).to.deep.equal([1, 0, false]);
  });

  it("does not join parts that do not follow each other in the file", () => {
    const mm = space();
    const file = openFile();
    for (const [page, pgoff] of [[0, 5], [1, 6], [2, 8]] as const) map(mm, file, { addr: at(page), len: P, pgoff, flags: MAP.PRIVATE | MAP.FIXED });
    expect(drawAreas(mm, BASE, 3)).to.equal(picture("WwW"));
    map(mm, openFile(), { addr: at(3), len: P, pgoff: 9, flags: MAP.PRIVATE | MAP.FIXED });
    expect(drawAreas(mm, BASE, 4)).to.equal(picture("WwWW"));
  });

  it("checks how the file was opened", () => {
    const mm = space();
    expect(map(mm, openFile({ readable: false }))).to.equal(EACCES);
    expect(map(mm, openFile({ writable: false }), { flags: MAP.SHARED })).to.equal(EACCES);
    expect(map(mm, openFile({ ops: undefined }))).to.equal(ENODEV);
    expect(map(mm, openFile(), { flags: MAP.PRIVATE | MAP.GROWSDOWN })).to.equal(EINVAL);
    expect(map(mm, openFile(), { flags: 0 })).to.equal(EINVAL);
    expect(map(mm, openFile(), { pgoff: 2 ** 52 })).to.equal(EOVERFLOW);
    const readonly = areaAt(mm, map(mm, openFile({ writable: false }), { flags: MAP.SHARED, prot: 1 }));
    expect(readonly.flags & (VM.SHARED | VM.MAYSHARE | VM.MAYWRITE)).to.equal(VM.MAYSHARE);
    expect(mm.vmas.count).to.equal(1);
  });

  it("names flags that it does not know only when asked to validate", () => {
    const mm = space();
    const shared = (flags: number): number => map(mm, openFile(), { flags });
    expect(shared(MAP.SHARED | MAP.SYNC)).to.be.above(0);
    expect(shared(MAP.SHARED_VALIDATE | MAP.SYNC)).to.equal(EOPNOTSUPP);
    expect(shared(MAP.SHARED_VALIDATE | MAP.NORESERVE)).to.be.above(0);
  });

  it("respects write seals", () => {
    const mm = space();
    const sealed = openFile({ seals: 0x8 });
    expect(map(mm, sealed, { flags: MAP.SHARED })).to.equal(EPERM);
    const addr = map(mm, sealed, { flags: MAP.SHARED, prot: 1 });
    expect(areaAt(mm, addr).flags & VM.MAYWRITE).to.equal(0);
    expect(map(mm, sealed)).to.be.above(0);
  });

  it("starts shared pages read-only where writes must be noticed", () => {
    const mm = space();
    const prot = (file: File): bigint => areaAt(mm, map(mm, file, { flags: MAP.SHARED })).pageProt;
    expect(prot(openFile())).to.equal(0x60000000000fc3n);
    expect(prot(openFile({ pageMkwrite: true }))).to.equal(0x60000000000fc3n);
    const shmem = openFile();
    Object.assign(shmem.inode, { mapping: { policy: { kind: "shmem", name: "tmpfs", huge: "never" }, mmaps: new Set() } });
    expect(prot(shmem)).to.equal(0x68000000000fc3n);
  });
});

describe("brk", () => {
  /** An mm with a page of data at page 0 and an empty heap from page 1 on. */
  function withHeap(changes: Partial<MmLimits> = {}): MmStruct {
    const mm = space(changes);
    mapAnon(mm, at(0), P);
    mm.startData = at(0);
    mm.endData = at(1);
    mm.startBrk = at(1);
    mm.brk = at(1);
    return mm;
  }

  it("grows and shrinks one area, apart from the data before it", () => {
    const mm = withHeap();
    expect(doBrk(mm, at(2) + 8)).to.equal(at(2) + 8);
    expect(drawAreas(mm, BASE, 6)).to.equal(picture("WWw..."));
    expect(doBrk(mm, at(5))).to.equal(at(5));
    expect(drawAreas(mm, BASE, 6)).to.equal(picture("WWwww."));
    expect(doBrk(mm, at(2))).to.equal(at(2));
    expect(drawAreas(mm, BASE, 6)).to.equal(picture("WW...."));
    expect(doBrk(mm, at(1))).to.equal(at(1));
    expect(drawAreas(mm, BASE, 6)).to.equal(picture("W....."));
    expect([mm.dataVm, mm.totalVm]).to.deep.equal([1, 1]);
    checkAreas(mm.sys, [mm]);
  });

  it("stays within a page without an area", () => {
    const mm = withHeap();
    doBrk(mm, at(1) + 100);
    expect(doBrk(mm, at(1) + 200)).to.equal(at(1) + 200);
    expect(mm.vmas.count).to.equal(2);
  });

  it("tells the old end when it cannot do it", () => {
    const mm = withHeap({ data: 8 * P });
    expect(doBrk(mm, 0)).to.equal(at(1));
    expect(doBrk(mm, at(1) - 1)).to.equal(at(1));
    expect(doBrk(mm, at(8))).to.equal(at(8));
    expect(doBrk(mm, at(8) + 1), "data and heap over RLIMIT_DATA").to.equal(at(8));
    doBrk(mm, at(2));
    mapAnon(mm, at(5), P, 1);
    expect(doBrk(mm, at(5)), "no page between").to.equal(at(2));
    expect(doBrk(mm, at(4))).to.equal(at(4));
    expect(doBrk(mm, at(7)), "in the way").to.equal(at(4));
    checkAreas(mm.sys, [mm]);
  });

  it("keeps the guard gap of a stack above it", () => {
    const mm = withHeap();
    mapAnon(mm, at(1000), P, 3, 0x132);
    expect(doBrk(mm, at(743))).to.equal(at(743));
    expect(doBrk(mm, at(744))).to.equal(at(743));
  });

  it("does not extend an area that was forked or protected differently", () => {
    const mm = withHeap();
    doBrk(mm, at(3));
    areaAt(mm, at(2)).flags |= VM.DONTDUMP;
    doBrk(mm, at(5));
    expect(drawAreas(mm, BASE, 6)).to.equal(picture("WWwWw."));
  });

  it("populates when future memory is locked", () => {
    const mm = withHeap();
    mm.defFlags = VM.LOCKED;
    doBrk(mm, at(4));
    expect([mm.lockedVm, mm.rss[1]]).to.deep.equal([3, 3]);
    checkAreas(mm.sys, [mm]);
  });

  it("vm_brk_flags maps bss, over what is there", () => {
    const mm = space();
    mapAnon(mm, at(0), 4 * P, 1);
    expect(vmBrkFlags(mm, at(2), 3 * P - 5, 0)).to.equal(0);
    expect(drawAreas(mm, BASE, 6)).to.equal(picture("RrWww."));
    expect(vmBrkFlags(mm, at(5), P, 4)).to.equal(0);
    expect(drawAreas(mm, BASE, 6)).to.equal(picture("RrWwwA"));
    expect(vmBrkFlags(mm, at(8), P, 8)).to.equal(EINVAL);
    expect(vmBrkFlags(mm, at(8), 0, 0)).to.equal(0);
    checkAreas(mm.sys, [mm]);
  });
});

describe("stack growth", () => {
  const STACK = 600;
  /** A stack of two pages at page 600. */
  function withStack(changes: Partial<MmLimits> = {}): MmStruct {
    const mm = space(changes);
    mapAnon(mm, at(STACK), 2 * P, 3, 0x132);
    return mm;
  }

  it("covers the address with whole pages", () => {
    const mm = withStack();
    const vma = expandStack(mm, at(STACK - 3) + 100)!;
    expect([vma.start, vma.end, vma.pgoff]).to.deep.equal([at(STACK - 3), at(STACK + 2), BASE / P + STACK - 3]);
    expect(mm.stackVm).to.equal(5);
    expect(vma.anonVma, "prepared for the fault").to.not.equal(undefined);
    expect(expandStack(mm, at(STACK))).to.equal(vma);
    touch(mm, at(STACK - 2));
    checkAreas(mm.sys, [mm]);
  });

  it("finds nothing below other areas or above all", () => {
    const mm = withStack();
    mapAnon(mm, at(700), P);
    expect(expandStack(mm, at(650))).to.equal(undefined);
    expect(expandStack(mm, at(800))).to.equal(undefined);
    expect(expandDownwards(areaAt(mm, at(700)), at(690))).to.equal(-14);
  });

  it("keeps 256 pages to an accessible area below, but not to a guard or another stack", () => {
    const mm = withStack();
    mapAnon(mm, at(100), P);
    expect(expandStack(mm, at(356))).to.equal(undefined);
    expect(expandStack(mm, at(357))?.start).to.equal(at(357));
    const guarded = withStack();
    mapAnon(guarded, at(500), P, 0);
    expect(expandStack(guarded, at(501))?.start).to.equal(at(501));
    const stacks = withStack();
    mapAnon(stacks, at(500), P, 3, 0x132);
    expect(expandStack(stacks, at(501))?.start).to.equal(at(501));
  });

  it("respects RLIMIT_STACK, RLIMIT_AS and mmap_min_addr", () => {
    const mm = withStack({ stack: 4 * P });
    expect(expandStack(mm, at(STACK - 3))).to.equal(undefined);
    expect(expandStack(mm, at(STACK - 2))?.start).to.equal(at(STACK - 2));
    const small = withStack({ as: 3 * P });
    expect(expandStack(small, at(STACK - 2))).to.equal(undefined);
    const low = space();
    mapAnon(low, 0x12000, P, 3, 0x132);
    expect(expandDownwards(areaAt(low, 0x12000), 0xf000)).to.equal(EPERM);
    expect(expandDownwards(areaAt(low, 0x12000), 0x10000)).to.equal(0);
  });
});
