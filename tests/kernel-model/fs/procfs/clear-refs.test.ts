/** /proc/PID/clear_refs: what each type makes old, without TLB flush, and the reset of the peak. */
import { expect } from "chai";
import type { Pfn } from "../../../../emulator/arch/addr.js";
import { EXT4_POLICY } from "../../../../kernel-model/fs/folio-policies.js";
import { clearRefs } from "../../../../kernel-model/fs/procfs/clear-refs.js";
import type { MmStruct } from "../../../../kernel-model/mm/mm-struct.js";
import { MmHarness } from "../../../support/mm-harness.js";
import { createTestFile, KIB, mapFile, MAP_PRIVATE, PROT_READ } from "../../../support/page-cache.js";

const P = 4096;
const PMD = 2 ** 21;
const ANON = 0x4000_0000;
const FILE = 0x6000_0000;
const AF = 1n << 10n;
const PG_REFERENCED = 1 << 1;

interface Both {
  readonly h: MmHarness;
  readonly mm: MmStruct;
  readonly close: () => void;
}

/** One anonymous and one file page, both accessed. */
function both(): Both {
  const h = new MmHarness();
  h.sys.tunables.faultAroundBytes = P;
  const mm = h.newMm();
  const { file, dispose } = createTestFile(h.sys, { policy: EXT4_POLICY, size: 64 * KIB });
  h.anon(mm, ANON, P);
  mapFile(mm, FILE, P, PROT_READ, MAP_PRIVATE, file);
  h.touch(mm, ANON, "write");
  h.touch(mm, FILE, "read");
  for (const at of [ANON, FILE]) {
    const frame = h.frame(mm, at);
    h.sys.pages.flags[h.sys.pages.head(frame as Pfn)]! |= PG_REFERENCED;
  }
  h.clear();
  return {
    h,
    mm,
    close: () => {
      h.exit(mm);
      dispose();
      h.close();
    },
  };
}

/** [young, PG_referenced] of the anonymous and of the file page. */
function ages({ h, mm }: Both): [boolean, boolean][] {
  return [ANON, FILE].map((at) => [(h.pte(mm, at) & AF) !== 0n, (h.sys.pages.flags[h.sys.pages.head(h.frame(mm, at) as Pfn)]! & PG_REFERENCED) !== 0]);
}

const YOUNG: [boolean, boolean] = [true, true];
const OLD: [boolean, boolean] = [false, false];

describe("/proc/PID/clear_refs", () => {
  it("1 all, 2 anonymous areas, 3 areas of files: entries and folios become old, and nothing is flushed", () => {
    for (const [type, expected] of [[1, [OLD, OLD]], [2, [OLD, YOUNG]], [3, [YOUNG, OLD]]] as const) {
      const pages = both();
      expect(ages(pages)).to.deep.equal([YOUNG, YOUNG]);
      clearRefs(pages.mm, type);
      expect(ages(pages), `type ${type}`).to.deep.equal(expected);
      expect(pages.h.sink.operations, `type ${type}: TLBI`).to.deep.equal([]);
      pages.close();
    }
  });

  it("4, soft-dirty, is no more than a flush on arm64", () => {
    const pages = both();
    clearRefs(pages.mm, 4);
    expect(ages(pages)).to.deep.equal([YOUNG, YOUNG]);
    expect(pages.h.sink.counts()).to.deep.equal({ aside1is: 1 });
    pages.close();
  });

  it("5 sets the peak to what is resident now", () => {
    const pages = both();
    pages.mm.hiwaterRss = 1000;
    clearRefs(pages.mm, 5);
    expect(pages.mm.hiwaterRss).to.equal(2);
    expect(ages(pages)).to.deep.equal([YOUNG, YOUNG]);
    pages.close();
  });

  it("a contiguous block becomes old as a whole and stays contiguous", () => {
    const h = new MmHarness();
    h.sys.thp.set("hugepages-64kB/enabled", "always");
    const mm = h.newMm();
    h.anon(mm, ANON, 16 * P);
    h.touch(mm, ANON, "write");
    clearRefs(mm, 1);
    for (let i = 0; i < 16; i++) expect((h.pte(mm, ANON + i * P) >> 10n) & (1n | (1n << 42n)), `page ${i}: AF, PTE_CONT`).to.equal(1n << 42n);
    h.close();
  });

  it("a block becomes old too; the zero page is left alone", () => {
    const h = new MmHarness();
    const mm = h.newMm();
    h.anon(mm, ANON, P);
    h.touch(mm, ANON, "read");
    h.sys.thp.set("enabled", "always");
    h.anon(mm, 0x5000_0000, PMD);
    h.touch(mm, 0x5000_0000, "write");
    clearRefs(mm, 1);
    expect(h.pmd(mm, 0x5000_0000) & AF).to.equal(0n);
    expect(h.pte(mm, ANON) & AF).to.equal(AF);
    h.close();
  });
});
