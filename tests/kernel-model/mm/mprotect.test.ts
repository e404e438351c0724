/**
 * mprotect of areas and entries, with the TLB maintenance counted on a real kernel.
 */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { EXT4_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { doMadvise } from "../../../kernel-model/mm/madvise.js";
import { doMmap } from "../../../kernel-model/mm/mmap.js";
import { dupMm } from "../../../kernel-model/mm/mm-lifecycle.js";
import type { MmLimits, MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { changeProtection, doMprotect, mprotectFixup } from "../../../kernel-model/mm/mprotect.js";
import { MmuGather } from "../../../kernel-model/mm/mmu-gather.js";
import { areaAt, checkAreas, limits, mapAnon, pteAt, releaseAll, testMachine, testMm, touch } from "../../support/areas.js";
import { createTestFile } from "../../support/page-cache.js";
import { CB, tlbiRegion, WITH_RANGES } from "../../support/tlbi-region.js";
import { drawAreas, picture } from "../../support/vma-picture.js";

const P = 4096;
const BASE = 0x5000000000;
const at = (page: number): Va => (BASE + page * P) as Va;
const [NONE, R, RW, RX] = [0, 1, 3, 5];
const [ENOMEM, EACCES, EINVAL] = [-12, -13, -22];

/* Attributes of entries without the address. */
const ADDRESS = 0x0000fffffffff000n;
const attributes = (mm: MmStruct, addr: number): bigint => pteAt(mm, addr) & ~ADDRESS;
const ANON_RW = 0x00e8000000000f43n;
const ANON_RO_DIRTY = 0x00e0000000000fc3n;
const CONT = 1n << 52n;

const space = (changes: Partial<MmLimits> = {}): MmStruct => testMm(testMachine().sys, changes);

describe("mprotect of areas", () => {
  it("cuts, keeps the limits of the file, and joins again", () => {
    const mm = space();
    mapAnon(mm, at(0), 8 * P);
    expect(doMprotect(mm, at(2), 2 * P, R)).to.equal(0);
    expect(doMprotect(mm, at(5), P, NONE)).to.equal(0);
    expect(drawAreas(mm, BASE, 8)).to.equal(picture("WwRrWNWw"));
    expect(doMprotect(mm, at(1), 6 * P - 1, RW)).to.equal(0);
    expect(drawAreas(mm, BASE, 8)).to.equal(picture("Wwwwwwww"));
    areaAt(mm, at(0)).flags &= ~0x20; // VM_MAYWRITE
    expect(doMprotect(mm, at(0), P, R)).to.equal(0);
    expect(doMprotect(mm, at(0), P, RW)).to.equal(EACCES);
    checkAreas(mm.sys, [mm]);
  });

  it("stops at a hole, with what precedes it changed", () => {
    const mm = space();
    mapAnon(mm, at(0), 2 * P);
    mapAnon(mm, at(3), 2 * P);
    expect(doMprotect(mm, at(0), 5 * P, R)).to.equal(ENOMEM);
    expect(drawAreas(mm, BASE, 5)).to.equal(picture("Rr.Ww"));
    expect(doMprotect(mm, at(2), 2 * P, R)).to.equal(ENOMEM);
    expect(doMprotect(mm, at(3), 3 * P, R)).to.equal(ENOMEM);
    expect(doMprotect(mm, at(9), P, R)).to.equal(ENOMEM);
    expect(drawAreas(mm, BASE, 5)).to.equal(picture("Rr.Rr"));
  });

  it("checks its arguments", () => {
    const mm = space();
    mapAnon(mm, at(0), 2 * P);
    expect(doMprotect(mm, (at(0) + 1) as Va, P, R)).to.equal(EINVAL);
    expect(doMprotect(mm, at(0), 0, R)).to.equal(0);
    expect(doMprotect(mm, at(0), 2 ** 64 - P, R)).to.equal(ENOMEM);
    for (const prot of [0x10, 0x20, 0x40, 0x03000000]) expect(doMprotect(mm, at(0), P, prot), prot.toString(16)).to.equal(EINVAL);
    expect(doMprotect(mm, at(0), P, 0x8 | RW), "PROT_SEM").to.equal(0);
  });

  it("PROT_GROWSDOWN reaches down to the start of a growing area", () => {
    const mm = space();
    mapAnon(mm, at(0), 4 * P, RW, 0x132);
    mapAnon(mm, at(4), P);
    expect(doMprotect(mm, at(2), P, RX | 0x01000000)).to.equal(0);
    expect(drawAreas(mm, BASE, 5)).to.equal(picture("XxxWW"));
    expect(doMprotect(mm, at(4), P, R | 0x01000000)).to.equal(EINVAL);
    expect(doMprotect(mm, at(4), P, R | 0x02000000)).to.equal(EINVAL);
  });

  it("respects MDWE", () => {
    const mm = space();
    mapAnon(mm, at(0), 2 * P);
    mm.mdwe = 1;
    expect(doMprotect(mm, at(0), P, RX)).to.equal(EACCES);
    expect(doMprotect(mm, at(0), P, R)).to.equal(0);
  });

  it("accounts what becomes writable, and takes it back only from areas never touched", () => {
    const mm = space();
    mapAnon(mm, at(0), 4 * P, R);
    mapAnon(mm, at(8), 4 * P);
    touch(mm, at(8));
    expect([mm.dataVm, mm.sys.committedAs]).to.deep.equal([4, 4]);
    doMprotect(mm, at(0), 4 * P, RW);
    expect([mm.dataVm, mm.sys.committedAs]).to.deep.equal([8, 8]);
    doMprotect(mm, at(0), 4 * P, R);
    doMprotect(mm, at(8), 4 * P, R);
    expect([mm.dataVm, mm.sys.committedAs]).to.deep.equal([0, 4]);
    checkAreas(mm.sys, [mm]);
  });

  it("checks RLIMIT_DATA when an area turns into data", () => {
    const mm = space({ data: 4 * P });
    mapAnon(mm, at(0), 6 * P, R);
    expect(doMprotect(mm, at(0), 5 * P, RW)).to.equal(ENOMEM);
    expect(doMprotect(mm, at(0), 4 * P, RW)).to.equal(0);
    checkAreas(mm.sys, [mm]);
  });

  it("copies the pages of a locked area that becomes writable", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    mapAnon(mm, at(0), 4 * P, R, 0x2032);
    expect(mm.rss[1]).to.equal(0);
    doMprotect(mm, at(0), 4 * P, RW);
    expect(mm.rss[1]).to.equal(4);
    checkAreas(sys, [mm]);
  });

  it("mprotect_fixup changes an area as exec does with the stack", () => {
    const mm = space();
    mapAnon(mm, at(0), 4 * P, RW, 0x132);
    const vma = areaAt(mm, at(0));
    expect(mprotectFixup(vma, vma.start, vma.end, vma.flags | 0x4)).to.equal(0);
    expect([vma.flags & 0x7, vma.pageProt]).to.deep.equal([7, 0x20000000000fc3n]);
  });
});

describe("mprotect of entries", () => {
  it("takes and gives write permission where the page is exclusive", () => {
    const mm = space();
    mapAnon(mm, at(0), 3 * P);
    touch(mm, at(0));
    touch(mm, at(1), false);
    const zero = attributes(mm, at(1));
    expect(attributes(mm, at(0))).to.equal(ANON_RW);
    expect(zero).to.equal(0x0160000000000fc3n);
    doMprotect(mm, at(0), 3 * P, R);
    // Dirtiness moves to the software bit, as mkdirty of a read-only entry.
    expect(attributes(mm, at(0))).to.equal(ANON_RO_DIRTY);
    doMprotect(mm, at(0), 3 * P, RW);
    expect(attributes(mm, at(0))).to.equal(ANON_RW);
    expect(attributes(mm, at(1)), "zero page").to.equal(zero);
    expect(pteAt(mm, at(2))).to.equal(0n);
    checkAreas(mm.sys, [mm]);
  });

  it("does not give write permission to pages shared with a child", () => {
    const mm = space();
    mapAnon(mm, at(0), P);
    touch(mm, at(0));
    const child = dupMm(mm, limits())!;
    doMprotect(mm, at(0), P, R);
    doMprotect(mm, at(0), P, RW);
    expect(attributes(mm, at(0)) & (1n << 51n)).to.equal(0n);
    checkAreas(mm.sys, [mm, child]);
  });

  it("PROT_NONE keeps the page, invalid for the hardware", () => {
    const { sys } = testMachine();
    const free = sys.buddy.nrFree;
    const mm = testMm(sys);
    mapAnon(mm, at(0), P);
    touch(mm, at(0));
    const frame = pteAt(mm, at(0)) & ADDRESS;
    doMprotect(mm, at(0), P, NONE);
    // valid and user clear, read-only, present-invalid, dirty
    expect(pteAt(mm, at(0))).to.equal(0x00e0000000000f82n | frame);
    expect(mm.rss[1]).to.equal(1);
    checkAreas(sys, [mm]);
    doMprotect(mm, at(0), P, RW);
    expect(pteAt(mm, at(0))).to.equal(ANON_RW | frame);
    releaseAll(sys, [mm], free);
  });

  it("makes shared pages writable only if they are dirty already", () => {
    const mm = space();
    mapAnon(mm, at(0), 2 * P, RW, 0x31);
    touch(mm, at(0));
    const dirty = attributes(mm, at(0));
    doMprotect(mm, at(0), 2 * P, R);
    doMprotect(mm, at(0), 2 * P, RW);
    expect(attributes(mm, at(0)) & (1n << 51n)).to.equal(1n << 51n);
    expect(dirty & (1n << 51n)).to.equal(1n << 51n);
    checkAreas(mm.sys, [mm]);
  });

  it("leaves clean pages of a file to the fault that tells the file system", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    const { file } = createTestFile(sys, { policy: EXT4_POLICY, size: 4 * P });
    doMmap(mm, { addr: at(0), len: 2 * P, prot: RW, flags: 0x11, file, pgoff: 0 });
    touch(mm, at(0), false);
    touch(mm, at(1));
    const writable = (page: number): bigint => (pteAt(mm, at(page)) >> 51n) & 1n;
    expect([writable(0), writable(1)]).to.deep.equal([0n, 1n]);
    doMprotect(mm, at(0), 2 * P, R);
    expect([writable(0), writable(1)]).to.deep.equal([0n, 0n]);
    doMprotect(mm, at(0), 2 * P, RW);
    expect([writable(0), writable(1)]).to.deep.equal([0n, 1n]);
    checkAreas(sys, [mm]);
  });

  it("splits a block of which it is given a part", () => {
    const mm = testMm(testMachine({ hugepages: true }).sys);
    mapAnon(mm, BASE, 2 ** 21);
    touch(mm, BASE);
    const vma = areaAt(mm, BASE);
    vma.pageProt = 0x60000000000f82n;
    const tlb = new MmuGather(mm);
    expect(changeProtection(tlb, vma, at(3), at(5), 0)).to.equal(2);
    tlb.finish();
    expect([2, 3, 4, 5].map((page) => pteAt(mm, at(page)) & 1n)).to.deep.equal([1n, 0n, 0n, 1n]);
  });

  it("counts the pages that it changes", () => {
    const mm = space();
    mapAnon(mm, at(0), 600 * P);
    for (const page of [0, 3, 511, 512, 599]) touch(mm, at(page));
    const vma = areaAt(mm, at(0));
    const tlb = new MmuGather(mm);
    expect(changeProtection(tlb, vma, at(0), at(600), 0)).to.equal(5);
    expect(changeProtection(tlb, vma, at(1), at(511), 0)).to.equal(1);
    tlb.finish();
  });

  it("splits a block that is covered in part, and changes a whole one as a block", () => {
    const { sys } = testMachine({ hugepages: true });
    const free = sys.buddy.nrFree;
    const mm = testMm(sys);
    const huge = BASE + 2 ** 21;
    mapAnon(mm, huge, 2 ** 22);
    touch(mm, huge);
    touch(mm, huge + 2 ** 21);
    expect(pteAt(mm, huge) & 3n, "a block").to.equal(1n);
    doMprotect(mm, huge as Va, 2 ** 21, R);
    expect(pteAt(mm, huge) & ~ADDRESS).to.equal(ANON_RO_DIRTY & ~2n);
    expect(sys.vmstat.get("thp_split_pmd")).to.equal(0);
    doMprotect(mm, (huge + 2 ** 21 + 7 * P) as Va, P, R);
    expect(sys.vmstat.get("thp_split_pmd")).to.equal(1);
    expect(attributes(mm, huge + 2 ** 21 + 7 * P)).to.equal(ANON_RO_DIRTY);
    expect(attributes(mm, huge + 2 ** 21 + 32 * P)).to.equal(ANON_RW | CONT);
    checkAreas(sys, [mm]);
    releaseAll(sys, [mm], free);
  });
});

describe("TLB maintenance of mprotect, as counted on a real kernel", () => {
  const folios = { "64K": 0, order0: 1 } as const;
  type Expected = readonly [Record<string, number>, Record<string, number>];
  const rows: readonly [string, number, readonly [number, number, number][], Expected[]][] = [
    // blocks, [offset, length, prot] in pages (-1: all), counts for 64K folios and order 0
    ["first page and back", 1, [[0, 1, R], [0, 1, RW]], [[{ vale1is: 17, dsb: 2 }, { vale1is: 1, dsb: 1 }], [{ vale1is: 1, dsb: 1 }, { vale1is: 1, dsb: 1 }]]],
    ["page 7 and back", 1, [[7, 1, R], [7, 1, RW]], [[{ vale1is: 17, dsb: 2 }, { vale1is: 1, dsb: 1 }], [{ vale1is: 1, dsb: 1 }, { vale1is: 1, dsb: 1 }]]],
    ["last page and back (folds)", 1, [[15, 1, R], [15, 1, RW]], [[{ vale1is: 17, dsb: 2 }, { vale1is: 1, dsb: 1 }], [{ vale1is: 17, dsb: 2 }, { vale1is: 1, dsb: 1 }]]],
    ["first half and back", 1, [[0, 8, R], [0, 8, RW]], [[{ vale1is: 24, dsb: 2 }, { vale1is: 8, dsb: 1 }], [{ vale1is: 8, dsb: 1 }, { vale1is: 8, dsb: 1 }]]],
    ["second half and back", 1, [[8, 8, R], [8, 8, RW]], [[{ vale1is: 24, dsb: 2 }, { vale1is: 8, dsb: 1 }], [{ vale1is: 24, dsb: 2 }, { vale1is: 8, dsb: 1 }]]],
    ["all of one block and back", 1, [[0, 16, R], [0, 16, RW]], [[{ vale1is: 48, dsb: 3 }, { vale1is: 16, dsb: 1 }], [{ vale1is: 48, dsb: 3 }, { vale1is: 16, dsb: 1 }]]],
    ["none and back", 1, [[0, 16, NONE], [0, 16, RW]], [[{ vale1is: 32, dsb: 2 }, { vale1is: 16, dsb: 1 }], [{ vale1is: 32, dsb: 2 }, { vale1is: 16, dsb: 1 }]]],
    ["all of 16 blocks and back", 16, [[0, 256, R], [0, 256, RW]], [[{ vale1is: 768, dsb: 33 }, { vale1is: 256, dsb: 1 }], [{ vale1is: 768, dsb: 33 }, { vale1is: 256, dsb: 1 }]]],
    ["16 blocks to none and back", 16, [[0, 256, NONE], [0, 256, RW]], [[{ vale1is: 512, dsb: 17 }, { vale1is: 256, dsb: 1 }], [{ vale1is: 512, dsb: 17 }, { vale1is: 256, dsb: 1 }]]],
  ];
  for (const [what, blocks, steps, expected] of rows) {
    for (const config of ["64K", "order0"] as const) {
      it(`${what}, ${config}`, () => {
        const { mm, reg, count } = tlbiRegion(config, blocks);
        steps.forEach(([offset, length, prot], step) => {
          expect(count(() => doMprotect(mm, (reg + offset * P) as Va, length * P, prot)), `step ${step}`).to.deep.equal(expected[step]![folios[config]]);
        });
      });
    }
  }

  it("a whole PMD range ends with the ASID, which waits twice", () => {
    const region = (config: "64K" | "order0") => tlbiRegion(config, 32, { at: 0x5000000000 + 2 ** 22 });
    const large = region("64K");
    expect(large.count(() => doMprotect(large.mm, large.reg, large.len, R))).to.deep.equal({ vale1is: 1024, aside1is: 1, dsb: 66 });
    const small = region("order0");
    expect(small.count(() => doMprotect(small.mm, small.reg, small.len, R))).to.deep.equal({ aside1is: 1, dsb: 2 });
  });

  it("flushes area by area", () => {
    const { mm, reg, count } = tlbiRegion("order0", 1);
    doMadvise(mm, reg, 4 * P, 10);
    expect(count(() => doMprotect(mm, reg, CB, R))).to.deep.equal({ vale1is: 16, dsb: 2 });
  });

  it("with range instructions one per flush", () => {
    const { mm, reg, len, count } = tlbiRegion("64K", 16, { cpu: WITH_RANGES });
    expect(count(() => doMprotect(mm, reg, len, R))).to.deep.equal({ rvale1is: 33, dsb: 33 });
    expect(count(() => doMprotect(mm, reg, CB, RW))).to.deep.equal({ rvale1is: 3, dsb: 3 });
  });

  it("flushes once what reclaim had deferred", () => {
    const { mm, reg, count } = tlbiRegion("order0", 1);
    mm.tlbFlushBatched = true;
    expect(count(() => doMprotect(mm, reg, P, R))).to.deep.equal({ aside1is: 1, vale1is: 1, dsb: 2 });
    expect(count(() => doMprotect(mm, reg, P, RW))).to.deep.equal({ vale1is: 1, dsb: 1 });
  });
});
