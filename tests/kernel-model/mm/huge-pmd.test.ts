/**
 * PMD mappings under split, mprotect, mremap and MADV_FREE.
 */
import { expect } from "chai";
import type { Pa, Va } from "../../../emulator/arch/addr.js";
import { ModelBug } from "../../../emulator/arch/errors.js";
import { TMPFS_POLICIES } from "../../../kernel-model/fs/folio-policies.js";
import { changeHugePmd, cleanHugePmd, isHugeZeroPmd, moveHugePmd, pgtableDeposit, pgtableWithdraw, splitHugePmd, splitHugePmdAddress } from "../../../kernel-model/mm/huge-pmd.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { MmuGather } from "../../../kernel-model/mm/mmu-gather.js";
import type { Vma } from "../../../kernel-model/mm/vma.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile, MAP_SHARED, mapFile, PROT_RW } from "../../support/page-cache.js";

const P = 4096;
const PMD = 2 ** 21;
const BASE = 0x5000000000;
const WRITE = 1n << 51n;
const RDONLY = 1n << 7n;
const PAGE_READONLY = 0x0060000000000fc3n;

/** A PMD range mapped by one block. */
function block(kind: "write" | "read" = "write"): { h: MmHarness; mm: MmStruct; vma: Vma; pmdp: Pa } {
  const h = new MmHarness();
  const mm = h.newMm();
  const vma = h.anon(mm, BASE, PMD);
  h.touch(mm, BASE, kind);
  h.clear();
  return { h, mm, vma, pmdp: h.sys.pgtable.pmdOffset(mm, BASE as Va) };
}

describe("tables in reserve", () => {
  it("come back in any order, each once", () => {
    const { h, mm, pmdp } = block();
    const { pgtable } = h.sys;
    const mine = pgtableWithdraw(h.sys, pmdp);
    expect(() => pgtableWithdraw(h.sys, pmdp)).to.throw(ModelBug);
    const more = pgtable.allocTable(mm, 3);
    pgtableDeposit(h.sys, pmdp, mine);
    pgtableDeposit(h.sys, pmdp, more);
    expect(new Set([pgtableWithdraw(h.sys, pmdp), pgtableWithdraw(h.sys, pmdp)])).to.deep.equal(new Set([mine, more]));
    pgtableDeposit(h.sys, pmdp, mine);
    pgtable.freeTable(mm, 3, more);
    h.close();
  });
});

describe("split of a PMD mapping", () => {
  it("gives every page its entry, in contiguous blocks, with the flags of the block", () => {
    const { h, mm, vma, pmdp } = block();
    const first = Number((h.pmd(mm, BASE) & 0x0000fffffffff000n) / 4096n);
    splitHugePmd(vma, pmdp, (BASE + 9 * P) as Va);
    expect(h.attributes(mm, BASE + 511 * P)).to.equal(0x00f8000000000f43n);
    expect(h.frame(mm, BASE + 511 * P)).to.equal(first + 511);
    expect(h.sys.pgtable.counters.setPtesBlocks).to.equal(32);
    expect([h.sys.pages.largeMapcount[first], h.sys.pages.refcount[first]]).to.deep.equal([512, 512]);
    expect(h.sys.pages.test((first + 77) as never, 1 << 12), "exclusive page by page").to.equal(true);
    expect(h.maintenance()).to.deep.equal({ vae1is: 1, "dsb ish": 1 });
    splitHugePmd(vma, pmdp, BASE as Va);
    expect(h.sys.vmstat.get("thp_split_pmd"), "a table is left alone").to.equal(1);
    h.close();
  });

  it("of the huge zero folio maps the zero page everywhere", () => {
    const { h, mm, vma, pmdp } = block("read");
    expect(isHugeZeroPmd(h.sys, h.pmd(mm, BASE))).to.equal(true);
    splitHugePmd(vma, pmdp, BASE as Va);
    expect([h.frame(mm, BASE), h.frame(mm, BASE + 511 * P)]).to.deep.equal([h.sys.zeroPfn, h.sys.zeroPfn]);
    expect(h.attributes(mm, BASE + P)).to.equal(0x0160000000000fc3n);
    h.close();
  });

  it("of a file just removes it", () => {
    const h = new MmHarness();
    const test = createTestFile(h.sys, { policy: TMPFS_POLICIES.always, size: PMD });
    const mm = h.newMm();
    mapFile(mm, BASE, PMD, PROT_RW, MAP_SHARED, test.file);
    h.touch(mm, BASE, "write");
    expect(h.pmd(mm, BASE) & 3n).to.equal(1n);
    splitHugePmdAddress(mm.vmas.lookup(BASE)!, (BASE + P) as Va);
    expect([h.pmd(mm, BASE), mm.rss[3]]).to.deep.equal([0n, 0]);
    splitHugePmdAddress(mm.vmas.lookup(BASE)!, (BASE + P) as Va);
    h.exit(mm);
    test.dispose();
    h.close();
  });
});

describe("change_huge_pmd", () => {
  it("takes write permission and gives it back to an exclusive folio", () => {
    const { h, mm, vma, pmdp } = block();
    const change = (prot: bigint, flags: number): void => {
      const tlb = new MmuGather(mm);
      expect(changeHugePmd(tlb, vma, pmdp, BASE as Va, prot, flags)).to.equal(512);
      tlb.finish();
    };
    change(PAGE_READONLY, 0);
    expect(h.pmd(mm, BASE) & (WRITE | RDONLY | 3n)).to.equal(RDONLY | 1n);
    expect(h.maintenance(), "invalidate, then the gather").to.deep.equal({ vae1is: 1, vale1is: 1, "dsb ish": 2 });
    change(PAGE_READONLY, 1);
    expect(h.pmd(mm, BASE) & (WRITE | RDONLY)).to.equal(WRITE);
    const child = h.fork(mm);
    change(PAGE_READONLY, 1);
    expect(h.pmd(mm, BASE) & WRITE, "shared with the child").to.equal(0n);
    h.exit(child);
    h.close();
  });
});

describe("move_huge_pmd", () => {
  it("moves entry and reserved table, and flushes the source", () => {
    const { h, mm, vma, pmdp } = block();
    // The target lies in another level-2 table.
    const target = BASE + 2 ** 31;
    h.anon(mm, target, PMD);
    const to = h.sys.pgtable.pmdAlloc(mm, target as Va);
    const before = h.pmd(mm, BASE);
    expect(moveHugePmd(vma, BASE as Va, target as Va, pmdp, to)).to.equal(true);
    expect([h.pmd(mm, BASE), h.pmd(mm, target)]).to.deep.equal([0n, before]);
    expect(h.maintenance()).to.deep.equal({ vae1is: 1, "dsb ish": 1 });
    expect(moveHugePmd(vma, BASE as Va, target as Va, pmdp, to), "nothing to move").to.equal(false);
    expect(moveHugePmd(vma, target as Va, BASE as Va, to, pmdp)).to.equal(true);
    h.close();
  });
});

describe("MADV_FREE of a block", () => {
  it("makes it old and clean", () => {
    const { h, mm, vma, pmdp } = block();
    const tlb = new MmuGather(mm);
    cleanHugePmd(tlb, vma, pmdp, BASE as Va);
    tlb.finish();
    expect(h.pmd(mm, BASE) & 0xfff0000000000fffn).to.equal(0x0068000000000bc1n & 0xfff0000000000fffn);
    h.sink.clear();
    const again = new MmuGather(mm);
    cleanHugePmd(again, vma, pmdp, BASE as Va);
    again.finish();
    expect(h.maintenance(), "already").to.deep.equal({ "dsb ish": 0 });
    h.close();
  });
});
