/** The checker must find each broken rule: every test breaks exactly one. */
import { expect } from "chai";
import type { Order, Pa, Pfn, Va } from "../../../emulator/arch/addr.js";
import type { GranuleName } from "../../../emulator/arch/granule.js";
import { checkMm, checkSystem, flattenPageTable } from "../../../kernel-model/mm/check.js";
import type { MemorySystem } from "../../../kernel-model/mm/memory-system.js";
import { folioAddLru } from "../../../kernel-model/mm/swap-lru.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { testAnonFolio, testMm, testPte, testSystem, testVma } from "../../support/memory-system.js";

const RW = 0x00e8000000000f43n;
const AF = 0x400n;
const RDONLY = 0x80n;
const WRITE = 1n << 51n;
const CONT = 1n << 52n;
const SPECIAL = 1n << 56n;
const BASE = 0x5000000000;
const PRIVATE_RW = 0x73;
const ANONPAGES = 1;

/** One address space with one contpte block, the first half of a folio of 32 pages, and everything counted as it should be. */
class World {
  readonly sys: MemorySystem;
  readonly mm: MmStruct;
  readonly folio: Pfn;
  readonly ptep: Pa;
  readonly n: number;

  constructor(name: GranuleName = "4k", contpte = true, swapBytes = 0) {
    const { sys } = testSystem({ granule: name, contpte, swapBytes });
    const n = sys.granule.contPtes;
    this.sys = sys;
    this.n = n;
    this.mm = testMm(sys);
    testVma(this.mm, BASE, BASE + 4 * n * sys.granule.pageSize, PRIVATE_RW);
    this.folio = testAnonFolio(sys, Math.log2(2 * n));
    this.ptep = testPte(this.mm, BASE);
    const { pages } = sys;
    sys.pgtable.setPtes(this.mm, BASE as Va, this.ptep, sys.pgtable.pfnPte(this.folio, RW), n);
    pages.refcount[this.folio] = n;
    pages.largeMapcount[this.folio] = n;
    pages.nrPagesMapped[this.folio] = n;
    pages.mapcount.fill(1, this.folio, this.folio + n);
    this.mm.rss[ANONPAGES] = n;
    sys.vmstat.add("nr_anon_pages", n);
    sys.thp.statInc(Math.log2(2 * n) as Order, "nr_anon");
  }

  entry(page: number): Pa {
    return (this.ptep + page * 8) as Pa;
  }

  get(page: number): bigint {
    return this.sys.pgtable.rawGet(this.entry(page));
  }

  put(page: number, value: bigint): this {
    this.sys.pgtable.rawSet(this.entry(page), value);
    return this;
  }

  /** All entries of the block changed. */
  each(change: (value: bigint) => bigint): this {
    for (let page = 0; page < this.n; page++) this.put(page, change(this.get(page)));
    return this;
  }

  /** The message of the check, or "fine". */
  mmVerdict(): string {
    return verdict(() => checkMm(this.mm));
  }

  verdict(): string {
    return verdict(() => checkSystem(this.sys, [this.mm]));
  }
}

function verdict(check: () => void): string {
  try {
    check();
    return "fine";
  } catch (error) {
    return String(error);
  }
}

describe("checkMm", () => {
  for (const name of ["4k", "16k", "64k"] as const) {
    it(`accepts a sound address space (${name})`, () => {
      const w = new World(name);
      expect([w.mmVerdict(), w.verdict()]).to.deep.equal(["fine", "fine"]);
      expect(new World(name, false).verdict()).to.equal("fine");
    });
  }

  it("accepts what the hardware may do to a block: young and dirty in some entries only", () => {
    const w = new World().each((value) => (value | RDONLY) & ~AF & ~(1n << 55n));
    w.put(3, w.get(3) | AF).put(7, w.get(7) & ~RDONLY);
    expect(w.mmVerdict()).to.equal("fine");
  });

  it("1: finds an entry without the bit among contiguous ones", () => {
    const w = new World();
    expect(w.put(5, w.get(5) & ~CONT).mmVerdict()).to.include("invariant 1:");
    const first = new World();
    expect(first.put(0, first.get(0) & ~CONT).mmVerdict(), "the first one too").to.include("invariant 1:");
  });

  it("2: finds an incomplete block", () => {
    const w = new World().put(9, 0n);
    expect(w.mmVerdict()).to.include("invariant 2:");
    const none = new World().put(0, 0n);
    expect(none.mmVerdict()).to.include("invariant 2:");
  });

  it("3: finds frames that do not follow each other or are not aligned", () => {
    const w = new World();
    expect(w.put(5, w.get(5) + 0x1000n).mmVerdict()).to.include("invariant 3:");
    expect(new World().each((value) => value + 0x1000n).mmVerdict()).to.include("invariant 3:");
  });

  it("4: finds attributes that differ within a block", () => {
    for (const bit of [54n, 50n, 58n]) {
      const w = new World();
      const found = w.put(5, w.get(5) ^ (1n << bit)).mmVerdict();
      expect(found, `bit ${bit}`).to.match(/invariant (4|12):/);
    }
    const w = new World();
    expect(w.put(5, (w.get(5) & ~WRITE) | RDONLY).mmVerdict(), "write permission").to.include("invariant 4:");
  });

  it("7: finds a block that is not one folio", () => {
    const w = new World();
    const { pages } = w.sys;
    for (let page: number = w.folio; page < w.folio + 32; page++) {
      pages.compoundHead[page] = 0;
      pages.order[page] = 0;
      pages.flags[page] = (1 << 11) | (1 << 12);
      pages.refcount[page] = 1;
    }
    expect(w.mmVerdict()).to.include("invariant 7:");
  });

  it("10: finds writable pages that are not this mm's alone", () => {
    const w = new World();
    w.sys.pages.clear((w.folio + 4) as Pfn, 1 << 12);
    expect(w.mmVerdict()).to.include("invariant 10:");
    const file = new World();
    file.sys.pages.clear(file.folio, 1 << 11);
    expect(file.mmVerdict(), "a file's page in a private area").to.include("invariant 10:");
    const readonly = new World();
    readonly.mm.vmas.lookup(BASE as Va)!.flags &= ~2;
    expect(readonly.mmVerdict(), "an area that is not writable").to.include("invariant 10:");
    const shared = new World();
    shared.mm.vmas.lookup(BASE as Va)!.flags |= 8;
    expect(shared.mmVerdict(), "anonymous in a shared area").to.include("invariant 10:");
  });

  it("11: finds PTE_CONT where it must never be", () => {
    expect(new World().each((value) => value | SPECIAL).mmVerdict()).to.include("invariant 11:");
    const off = new World("4k", false);
    expect(off.each((value) => value | CONT).mmVerdict(), "contpte off").to.include("invariant 11:");
  });

  it("12: finds impossible encodings", () => {
    const broken = (change: (value: bigint) => bigint): string => {
      const w = new World("4k", false);
      return w.put(2, change(w.get(2))).mmVerdict();
    };
    expect(broken((value) => value & ~WRITE), "neither WRITE nor RDONLY").to.include("invariant 12:");
    expect(broken((value) => value & ~0x800n), "global").to.include("invariant 12:");
    expect(broken((value) => value & ~(1n << 53n)), "executable at EL1").to.include("invariant 12:");
    expect(broken((value) => value & ~1n), "invalid with user access").to.include("invariant 12:");
    expect(broken((value) => value & ~2n), "block type at level 3").to.include("invariant 12:");
    expect(broken((value) => value & ~(1n << 54n)), "executable in a data area").to.include("invariant 12:");
    expect(broken((value) => (value & 0xffn) | 0x00e8000000000f00n | 0x1000n), "zero page without SPECIAL").to.include("invariant 12:");
    expect(broken(() => 0x00e8fffff0000f43n), "no such frame").to.include("invariant 12:");
    expect(broken(() => (5n << 12n) | 2n), "swap entry with a type bit").to.include("invariant 12:");
    const outside = new World();
    outside.sys.pgtable.setPteAt(outside.mm, (BASE + 100 * 4096) as Va, outside.entry(100), RW | BigInt((outside.folio + 20) * 4096));
    expect(outside.mmVerdict(), "no area").to.include("outside every area");
  });

  it("13: finds sums that are wrong", () => {
    const rss = new World();
    rss.mm.rss[ANONPAGES]!++;
    expect(rss.mmVerdict()).to.include("rss counter 1");
    const tables = new World();
    tables.mm.pgtablesBytes += 4096;
    expect(tables.mmVerdict()).to.include("pgtables_bytes");
    const swap = new World("4k", true, 64 * 4096);
    const slot = swap.sys.swap!.allocate(0);
    swap.sys.swap!.duplicate(slot);
    swap.put(40, BigInt(slot) << 12n);
    expect(swap.mmVerdict()).to.include("rss counter 2");
    swap.mm.rss[2] = 1;
    expect(swap.mmVerdict()).to.equal("fine");
  });

  it("10, 12, 13: finds swap entries that stand for no slot, or are said to be the only ones", () => {
    const broken = (change: (w: World, slot: number) => void): string => {
      const w = new World("4k", true, 64 * 4096);
      const slot = w.sys.swap!.allocate(0);
      w.sys.swap!.duplicate(slot);
      w.put(40, BigInt(slot) << 12n);
      w.mm.rss[2] = 1;
      change(w, slot);
      return w.verdict();
    };
    expect(broken((w, slot) => w.sys.swap!.clearCache(slot, 1))).to.equal("fine");
    expect(broken(() => undefined), "marked as cached, and no folio").to.include("swap cache disagree");
    expect(broken((w, slot) => w.put(40, (BigInt(slot) << 12n) | (1n << 6n))), "another area").to.include("invariant 12:");
    expect(broken((w, slot) => w.put(40, (BigInt(slot) << 12n) | 8n)), "userfaultfd mark").to.include("invariant 12:");
    expect(broken((w) => w.put(40, 64n << 12n)), "behind the end").to.include("no slot 64");
    expect(broken((w) => w.put(40, 4n)), "the header").to.include("no slot 0");
    expect(broken((w, slot) => w.put(40, BigInt(slot + 1) << 12n)), "a free slot").to.include("is not in use");
    const twice = (mark: bigint) => (w: World, slot: number): void => {
      w.sys.swap!.clearCache(slot, 1);
      w.sys.swap!.duplicate(slot);
      w.put(40, (BigInt(slot) << 12n) | mark);
    };
    expect(broken(twice(4n)), "exclusive, but used twice").to.include("invariant 10:");
    expect(broken(twice(0n)), "used once more than there are entries").to.include(`entries of slot`);
  });

  it("13: finds folios on wrong lists", () => {
    const moved = new World();
    folioAddLru(moved.sys, moved.folio);
    expect(moved.verdict()).to.equal("fine");
    moved.sys.pages.flags[moved.folio]! ^= 1 << 5;
    expect(moved.verdict(), "the active flag behind the list's back").to.include("is on list");
    const lost = new World();
    lost.sys.pages.set(lost.folio, 1 << 4);
    expect(lost.verdict(), "said to be on a list").to.include("LRU lists");
  });

  it("13: finds tables in frames that hold none, and entries that map them", () => {
    const w = new World();
    w.sys.pages.clear((w.mm.pgd / 4096) as Pfn, 1 << 15);
    expect(w.mmVerdict()).to.include("holds no table");
    const mapped = new World("4k", false);
    mapped.put(3, RW | BigInt(mapped.mm.pgd));
    expect(mapped.mmVerdict()).to.include("not a page in use");
    const stale = new World("4k", false);
    const freed = stale.sys.buddy.allocPages(0 as Order);
    stale.sys.buddy.freePages(freed, 0 as Order);
    stale.put(3, RW | BigInt(freed * 4096));
    expect(stale.mmVerdict()).to.include("not a page in use");
  });
});

describe("checkSystem", () => {
  const broken = (spoil: (w: World) => void): string => {
    const w = new World();
    spoil(w);
    return w.verdict();
  };

  it("finds wrong counts of mappings and references", () => {
    expect(broken((w) => void w.sys.pages.mapcount[w.folio + 3]!++)).to.include("map count of page");
    expect(broken((w) => void w.sys.pages.largeMapcount[w.folio]!++)).to.include("map count of folio");
    expect(broken((w) => void w.sys.pages.nrPagesMapped[w.folio]!--)).to.include("mapped pages of folio");
    expect(broken((w) => void w.sys.pages.entireMapcount[w.folio]!++)).to.include("entire map count");
    expect(broken((w) => void w.sys.pages.refcount[w.folio]!--)).to.include("15 references, 16 mappings");
  });

  it("finds wrong sums", () => {
    expect(broken((w) => w.sys.thp.statInc(5 as Order, "nr_anon"))).to.include("nr_anon of order 5");
    expect(broken((w) => w.sys.vmstat.inc("nr_anon_pages"))).to.include("nr_anon_pages");
    expect(broken((w) => w.sys.vmstat.inc("nr_mapped"))).to.include("nr_mapped");
    expect(broken((w) => w.sys.vmstat.inc("nr_page_table_pages"))).to.include("nr_page_table_pages");
  });

  it("finds a page that is exclusive to two address spaces", () => {
    const w = new World();
    const other = testMm(w.sys);
    testVma(other, BASE, BASE + 2 ** 20, PRIVATE_RW);
    const ptep = testPte(other, BASE);
    w.sys.pgtable.setPteAt(other, BASE as Va, ptep, (RW & ~WRITE) | RDONLY | BigInt(w.folio * 4096));
    other.rss[ANONPAGES] = 1;
    w.sys.pages.mapcount[w.folio]!++;
    w.sys.pages.largeMapcount[w.folio]!++;
    w.sys.pages.refcount[w.folio]!++;
    expect(verdict(() => checkSystem(w.sys, [w.mm, other]))).to.include("invariant 10: page");
  });

  it("finds broken free lists", () => {
    expect(broken((w) => void w.sys.buddy.nrFree--)).to.include("free pages");
    expect(broken((w) => void (w.sys.pages.refcount[[...w.sys.buddy.freeBlocks(10 as Order)][0]! + 5] = 1))).to.include("free frame");
    expect(broken((w) => void (w.sys.pages.order[[...w.sys.buddy.freeBlocks(10 as Order)][0]!] = 3))).to.include("misshapen");
  });

  it("finds folios that are not what was allocated", () => {
    expect(broken((w) => void (w.sys.pages.order[w.folio] = 4))).to.include("has order 4, its allocation 5");
    expect(broken((w) => void (w.sys.pages.compoundHead[w.folio + 20] = 0))).to.include("is not a tail");
  });
});

describe("flattenPageTable", () => {
  it("gives maximal ranges", () => {
    const w = new World();
    const { pgtable } = w.sys;
    const at = BASE + 20 * 4096;
    pgtable.setPtes(w.mm, at as Va, w.entry(20), pgtable.pfnPte((w.folio + 20) as Pfn, RW), 3);
    pgtable.setPteAt(w.mm, (at + 3 * 4096) as Va, w.entry(23), pgtable.pfnPte((w.folio + 30) as Pfn, RW));
    w.put(24, (7n << 12n) | 4n).put(25, (8n << 12n) | 4n).put(26, 9n << 12n);
    const block = (BASE + 2 ** 30) as Va;
    pgtable.setPmdAt(w.mm, block, pgtable.pmdAlloc(w.mm, block), 0x00e8000000400f41n);
    expect(flattenPageTable(w.mm)).to.deep.equal([
      { start: BASE, end: BASE + 16 * 4096, level: 3, attributes: RW | CONT, target: w.folio * 4096 },
      { start: at, end: at + 3 * 4096, level: 3, attributes: RW, target: (w.folio + 20) * 4096 },
      { start: at + 3 * 4096, end: at + 4 * 4096, level: 3, attributes: RW, target: (w.folio + 30) * 4096 },
      { start: at + 4 * 4096, end: at + 6 * 4096, level: 3, attributes: 4n, target: 7 },
      { start: at + 6 * 4096, end: at + 7 * 4096, level: 3, attributes: 0n, target: 9 },
      { start: block, end: block + 2 ** 21, level: 2, attributes: 0x00e8000000000f41n, target: 0x400000 },
    ]);
  });

  it("is empty for an address space without pages", () => {
    const { sys } = testSystem();
    expect(flattenPageTable(testMm(sys))).to.deep.equal([]);
  });
});
