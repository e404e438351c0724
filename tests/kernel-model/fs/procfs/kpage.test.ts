/** /proc/kpageflags and kpagecount: the bits of include/uapi/linux/kernel-page-flags.h for frames of every kind. */
import { expect } from "chai";
import type { Pfn } from "../../../../emulator/arch/addr.js";
import { EXT4_POLICY } from "../../../../kernel-model/fs/folio-policies.js";
import { kpageFlags, readKpageCount, readKpageFlags } from "../../../../kernel-model/fs/procfs/kpage.js";
import type { MemorySystem } from "../../../../kernel-model/mm/memory-system.js";
import { MmHarness } from "../../../support/mm-harness.js";
import { createTestFile, KIB, mapFile, MAP_PRIVATE, PROT_READ } from "../../../support/page-cache.js";

const P = 4096;
const PMD = 2 ** 21;
const BASE = 0x4000_0000;

/* include/uapi/linux/kernel-page-flags.h, include/linux/kernel-page-flags.h */
const KPF: Readonly<Record<string, number>> = {
  LOCKED: 0,
  REFERENCED: 2,
  UPTODATE: 3,
  DIRTY: 4,
  LRU: 5,
  ACTIVE: 6,
  WRITEBACK: 8,
  RECLAIM: 9,
  BUDDY: 10,
  MMAP: 11,
  ANON: 12,
  SWAPCACHE: 13,
  SWAPBACKED: 14,
  COMPOUND_HEAD: 15,
  COMPOUND_TAIL: 16,
  UNEVICTABLE: 18,
  NOPAGE: 20,
  KSM: 21,
  THP: 22,
  ZERO_PAGE: 24,
  PGTABLE: 26,
  RESERVED: 32,
  MLOCKED: 33,
  OWNER_2: 34,
};

/** Names of the bits that are set. */
function names(sys: MemorySystem, frame: number): string[] {
  const value = kpageFlags(sys, frame as Pfn);
  const known = Object.entries(KPF).filter(([, bit]) => ((value >> BigInt(bit)) & 1n) !== 0n);
  expect(known.reduce((set, [, bit]) => set | (1n << BigInt(bit)), 0n), "no bit without a name").to.equal(value);
  return known.map(([name]) => name);
}

describe("/proc/kpageflags", () => {
  it("an anonymous page; 6.12 shows every one as KSM too", () => {
    const h = new MmHarness();
    h.sys.thp.set("enabled", "never");
    const mm = h.newMm();
    h.anon(mm, BASE, P);
    h.touch(mm, BASE, "write");
    const found = names(h.sys, h.frame(mm, BASE));
    expect(found).to.include.members(["MMAP", "ANON", "KSM", "SWAPBACKED", "UPTODATE"]);
    expect(found.filter((name) => /COMPOUND|THP|BUDDY|PGTABLE|ZERO/.test(name))).to.deep.equal([]);
    h.close();
  });

  it("a large folio: head, tails, and MMAP on all pages as long as one is mapped", () => {
    const h = new MmHarness();
    h.sys.thp.set("hugepages-64kB/enabled", "always");
    const mm = h.newMm();
    h.anon(mm, BASE, 16 * P);
    h.touch(mm, BASE, "write");
    const first = h.frame(mm, BASE);
    const pick = (frame: number): string[] => names(h.sys, frame).filter((name) => /COMPOUND|THP|MMAP/.test(name));
    expect(pick(first)).to.deep.equal(["MMAP", "COMPOUND_HEAD", "THP"]);
    for (let i = 1; i < 16; i++) expect(pick(first + i), `tail ${i}`).to.deep.equal(["MMAP", "COMPOUND_TAIL", "THP"]);
    const child = h.fork(mm);
    h.exit(mm);
    h.touch(child, BASE, "read");
    // The child copies page 3 away: it is mapped nowhere, but the folio is.
    const other = h.fork(child);
    h.touch(child, BASE + 3 * P, "write");
    h.exit(other);
    expect(h.sys.pages.mapcount[first + 3]).to.equal(0);
    expect(pick(first + 3)).to.deep.equal(["MMAP", "COMPOUND_TAIL", "THP"]);
    h.close();
  });

  it("zero page, huge zero folio, page tables, free blocks, frames beyond RAM", () => {
    const h = new MmHarness();
    h.sys.thp.set("enabled", "always");
    const mm = h.newMm();
    h.anon(mm, BASE, PMD);
    h.touch(mm, BASE, "read");
    const { sys } = h;
    const huge = sys.hugeMemory.hugeZeroPfn;
    expect(names(sys, sys.zeroPfn)).to.include.members(["ZERO_PAGE", "RESERVED"]);
    expect(names(sys, sys.zeroPfn)).not.to.include("THP");
    expect(names(sys, huge)).to.include.members(["ZERO_PAGE", "THP", "COMPOUND_HEAD"]);
    expect(names(sys, huge + 511)).to.include.members(["ZERO_PAGE", "THP", "COMPOUND_TAIL"]);
    expect(names(sys, mm.pgd / P)).to.deep.equal(["PGTABLE"]);
    const PG_BUDDY = 1 << 14;
    const free = sys.pages.flags.findIndex((flags) => (flags & PG_BUDDY) !== 0);
    expect(names(sys, free)).to.deep.equal(["BUDDY"]);
    expect(sys.pages.order[free], "a block of several pages").to.be.greaterThan(0);
    expect(names(sys, free + 1), "its other pages").to.deep.equal(["BUDDY"]);
    expect(names(sys, sys.pages.nr)).to.deep.equal(["NOPAGE"]);
    h.close();
  });

  it("a page of a file is neither anonymous nor swap-backed; its tails show the folio's flags", () => {
    const h = new MmHarness();
    const mm = h.newMm();
    const { file, dispose } = createTestFile(h.sys, { policy: EXT4_POLICY, size: 64 * KIB });
    mapFile(mm, BASE, 16 * P, PROT_READ, MAP_PRIVATE, file);
    h.touch(mm, BASE, "read");
    const found = names(h.sys, h.frame(mm, BASE));
    expect(found).to.include.members(["MMAP", "LRU", "UPTODATE"]);
    expect(found.filter((name) => /ANON|SWAPBACKED|KSM|DIRTY|LOCKED/.test(name))).to.deep.equal([]);
    h.exit(mm);
    dispose();
    h.close();
  });

  it("flags that Linux keeps in page->flags appear as their bits", () => {
    const { sys } = new MmHarness();
    const frame = sys.buddy.allocPages(0 as Parameters<typeof sys.buddy.allocPages>[0]);
    // Bits of the model's own columns, one by one: LOCKED, REFERENCED, UPTODATE, DIRTY, LRU, ACTIVE, SWAPBACKED, WRITEBACK, READAHEAD (PG_reclaim's bit), UNEVICTABLE, MLOCKED.
    const expected = ["LOCKED", "REFERENCED", "UPTODATE", "DIRTY", "LRU", "ACTIVE", "SWAPBACKED", "WRITEBACK", "RECLAIM", "UNEVICTABLE", "MLOCKED"];
    expected.forEach((name, bit) => {
      sys.pages.flags[frame] = 1 << bit;
      expect(names(sys, frame), name).to.deep.equal([name]);
    });
    sys.pages.flags[frame] = 1 << 12;
    expect(names(sys, frame), "PG_anon_exclusive is PG_owner_2").to.deep.equal(["OWNER_2"]);
    sys.pages.flags[frame] = 0;
    expect(names(sys, frame), "in use by the kernel").to.deep.equal([]);
  });

  it("is read by frame number", () => {
    const { sys } = new MmHarness();
    const into = new BigUint64Array(4);
    readKpageFlags(sys, sys.pages.nr - 2, into);
    expect(into[0]).to.equal(kpageFlags(sys, (sys.pages.nr - 2) as Pfn));
    expect([into[2], into[3]]).to.deep.equal([1n << 20n, 1n << 20n]);
  });
});

describe("/proc/kpagecount", () => {
  it("counts the mappings of each page", () => {
    const h = new MmHarness();
    h.sys.thp.set("hugepages-64kB/enabled", "always");
    const mm = h.newMm();
    h.anon(mm, BASE, 16 * P);
    h.touch(mm, BASE, "write");
    const first = h.frame(mm, BASE);
    const child = h.fork(mm);
    h.fork(child);
    h.touch(child, BASE + 3 * P, "write");
    const into = new BigUint64Array(16);
    readKpageCount(h.sys, first, into);
    expect([...into]).to.deep.equal(Array.from({ length: 16 }, (_, i) => (i === 3 ? 2n : 3n)));
    const beyond = new BigUint64Array(1).fill(7n);
    readKpageCount(h.sys, h.sys.pages.nr, beyond);
    expect(beyond[0]).to.equal(0n);
    h.close();
  });

  it("a block counts for each of its pages", () => {
    const h = new MmHarness();
    h.sys.thp.set("enabled", "always");
    const mm = h.newMm();
    h.anon(mm, BASE, PMD);
    h.touch(mm, BASE, "write");
    h.fork(mm);
    const into = new BigUint64Array(512);
    readKpageCount(h.sys, Number((h.pmd(mm, BASE) & 0xffff_ffff_f000n) >> 12n), into);
    expect(into.every((count) => count === 2n)).to.equal(true);
    h.close();
  });
});
