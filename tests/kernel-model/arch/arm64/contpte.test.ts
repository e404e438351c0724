/** The contpte layer: fold, unfold, flags, dispatch, observer calls, and the cost of each operation on one block. */
import { expect } from "chai";
import type { Pa, Pfn, Va } from "../../../../emulator/arch/addr.js";
import type { GranuleName } from "../../../../emulator/arch/granule.js";
import type { ContpteCounters } from "../../../../kernel-model/arch/arm64/raw-pte.js";
import { checkMm } from "../../../../kernel-model/mm/check.js";
import type { MemorySystem } from "../../../../kernel-model/mm/memory-system.js";
import type { MmStruct } from "../../../../kernel-model/mm/mm-struct.js";
import type { Vma } from "../../../../kernel-model/mm/vma.js";
import { CPU_RANGE, CPU_SINGLE, type RecordingSink, testAnonFolio, testMm, testPte, testSystem, testVma } from "../../../support/memory-system.js";

/* Descriptor values retyped: private anonymous, written; after fork; shared file, clean. */
const RW = 0x00e8000000000f43n;
const RO = 0x00e0000000000fc3n;
const SHARED_CLEAN = 0x0068000000000fc3n;
const READONLY = 0x0060000000000fc3n;
const CONT = 1n << 52n;
const DIRTY = 1n << 55n;
const AF = 0x400n;
const RDONLY = 0x80n;
const SPECIAL = 1n << 56n;

const N: Readonly<Record<GranuleName, number>> = { "4k": 16, "16k": 128, "64k": 32 };
const PAGE: Readonly<Record<GranuleName, number>> = { "4k": 4096, "16k": 16384, "64k": 65536 };
const BASE = 0x5000000000;

/** A window of two contpte blocks at BASE over one folio of that size. */
class Bench {
  readonly sys: MemorySystem;
  readonly sink: RecordingSink;
  readonly mm: MmStruct;
  readonly vma: Vma;
  readonly n: number;
  readonly page: number;
  readonly folio: Pfn;
  readonly ptep: Pa;
  readonly events: string[] = [];

  constructor(name: GranuleName = "4k", range = false, contpte = true) {
    const { sys, sink } = testSystem({ granule: name, cpu: range ? CPU_RANGE : CPU_SINGLE, contpte });
    this.sys = sys;
    this.sink = sink;
    this.n = N[name];
    this.page = PAGE[name];
    this.mm = testMm(sys);
    this.vma = testVma(this.mm, BASE, BASE + 4 * this.n * this.page, 0x73);
    this.folio = testAnonFolio(sys, Math.log2(2 * this.n));
    this.ptep = testPte(this.mm, BASE);
    sys.observer = {
      abort: () => undefined,
      faultEnter: () => undefined,
      faultExit: () => undefined,
      faultServed: () => undefined,
      contpteConvert: (_mm, address, target) => void this.events.push(`${(target & CONT) !== 0n ? "fold" : "unfold"}@${this.pageOf(address)}`),
      contpteCall: (_mm, call, address, nr) => void this.events.push(`${call}@${this.pageOf(address)}${nr === 1 ? "" : `x${nr}`}`),
    };
    this.clear();
  }

  pageOf(address: number): number {
    return (address - BASE) / this.page;
  }

  va(page: number): Va {
    return (BASE + page * this.page) as Va;
  }

  at(page: number): Pa {
    return (this.ptep + page * 8) as Pa;
  }

  value(page: number, prot: bigint): bigint {
    return prot | BigInt((this.folio + page) * this.page);
  }

  raw(page: number): bigint {
    return this.sys.pgtable.rawGet(this.at(page));
  }

  /** Attributes of the entries from `from` on. */
  attributes(from: number, nr: number): bigint[] {
    return Array.from({ length: nr }, (_, i) => this.raw(from + i) & ~0x0003fffffffff000n);
  }

  /** Map `nr` pages of the folio where they belong, in one call. */
  map(from: number, nr: number, prot = RW): this {
    this.sys.pgtable.setPtes(this.mm, this.va(from), this.at(from), this.value(from, prot), nr);
    return this;
  }

  set(page: number, prot = RW): void {
    this.sys.pgtable.setPteAt(this.mm, this.va(page), this.at(page), this.value(page, prot));
  }

  /** Forget all that was counted so far. */
  clear(): this {
    this.sink.clear();
    this.events.length = 0;
    for (const key of Object.keys(this.counters) as (keyof ContpteCounters)[]) this.counters[key] = 0;
    return this;
  }

  get counters(): ContpteCounters {
    return this.sys.pgtable.counters;
  }

  isFolded(block = 0): boolean {
    return this.attributes(block * this.n, this.n).every((value) => (value & CONT) !== 0n);
  }

  isPlain(block = 0): boolean {
    return this.attributes(block * this.n, this.n).every((value) => (value & CONT) === 0n);
  }
}

describe("contpte: setting", () => {
  for (const name of ["4k", "16k", "64k"] as const) {
    it(`maps whole blocks that are aligned in VA and PA contiguous at once (${name})`, () => {
      const b = new Bench(name).map(0, 2 * N[name]);
      expect([b.isFolded(0), b.isFolded(1)]).to.deep.equal([true, true]);
      expect(b.raw(N[name] + 3)).to.equal(b.value(N[name] + 3, RW | CONT));
      expect(b.sink.counts()).to.deep.equal({});
      expect(b.events).to.deep.equal([`setPtes@0x${2 * N[name]}`]);
      expect(b.counters).to.include({ setPtes: 1, setPtesBlocks: 2, convert: 0 });
    });
  }

  it("cuts a range at block boundaries: only the covered block is contiguous", () => {
    const b = new Bench().map(5, 20);
    expect([b.isPlain(0), b.isFolded(1)]).to.deep.equal([true, false]);
    const c = new Bench().map(5, 27);
    expect([c.isPlain(0), c.isFolded(1)]).to.deep.equal([true, true]);
  });

  it("leaves a block alone that is not congruent: VA aligned, PA not", () => {
    const b = new Bench();
    b.sys.pgtable.setPtes(b.mm, b.va(0), b.at(0), b.value(1, RW), 16);
    expect(b.isPlain()).to.equal(true);
    expect(b.counters.setPtesBlocks).to.equal(0);
  });

  it("never folds two halves", () => {
    const b = new Bench().map(0, 8).map(8, 8);
    expect(b.isPlain()).to.equal(true);
    expect(b.counters.convert).to.equal(0);
  });

  it("refuses to set several entries over valid ones", () => {
    const b = new Bench().map(3, 1);
    expect(() => b.map(0, 8)).to.throw("valid already");
  });

  it("strips PTE_CONT from what a caller hands in", () => {
    const b = new Bench();
    b.set(0, RW | CONT);
    expect(b.raw(0)).to.equal(b.value(0, RW));
    b.sys.pgtable.setPtes(b.mm, b.va(1), b.at(1), b.value(1, RW | CONT), 3);
    expect(b.attributes(1, 3)).to.deep.equal([RW, RW, RW]);
  });
});

describe("contpte: folding", () => {
  for (const name of ["4k", "16k", "64k"] as const) {
    it(`folds a block filled page by page with its last page (${name})`, () => {
      const b = new Bench(name);
      for (let page = 0; page < N[name] - 1; page++) b.set(page);
      expect([b.isPlain(), b.events.length]).to.deep.equal([true, 0]);
      b.set(N[name] - 1);
      expect(b.isFolded()).to.equal(true);
      expect(b.events).to.deep.equal([`tryFold@${N[name] - 1}`, `fold@${N[name] - 1}`]);
      expect(b.counters).to.include({ tryFold: 1, fold: 1, unfold: 0, convert: 1 });
    });
  }

  it("never folds in descending order", () => {
    const b = new Bench();
    for (let page = 15; page >= 0; page--) b.set(page);
    expect(b.isPlain()).to.equal(true);
    expect(b.counters).to.include({ tryFold: 1, fold: 0 });
  });

  it("spreads young and dirty of any page to all", () => {
    const b = new Bench();
    for (let page = 0; page < 16; page++) b.set(page, page === 6 ? (SHARED_CLEAN | DIRTY) & ~RDONLY : SHARED_CLEAN & ~AF);
    expect(b.attributes(0, 16)).to.deep.equal(new Array(16).fill(((SHARED_CLEAN | DIRTY | CONT) & ~RDONLY)));
  });

  it("declines with one page missing, different, special, of another folio or out of order", () => {
    const fill = (b: Bench, spoil: (page: number) => bigint): boolean => {
      for (let page = 0; page < 16; page++) b.sys.pgtable.setPteAt(b.mm, b.va(page), b.at(page), spoil(page));
      expect(b.counters.fold).to.equal(0);
      return b.isPlain();
    };
    const b = (): Bench => new Bench();
    let x = b();
    expect(fill(x, (page) => (page === 4 ? 0n : x.value(page, RW)))).to.equal(true);
    x = b();
    expect(fill(x, (page) => x.value(page, page === 4 ? RO : RW)), "write bit").to.equal(true);
    x = b();
    expect(fill(x, (page) => x.value(page, page === 4 ? RW & ~(1n << 54n) : RW)), "execute bit").to.equal(true);
    x = b();
    expect(fill(x, (page) => x.value(page === 4 ? 20 : page, RW)), "frame").to.equal(true);
    x = b();
    expect(fill(x, (page) => x.value(page, RW | SPECIAL)), "special").to.equal(true);
    expect(x.counters.tryFold, "the inline test refuses special entries").to.equal(0);
    x = b();
    expect(fill(x, (page) => x.value(page, 0x0060000000000f82n)), "PROT_NONE").to.equal(true);
    x = b();
    expect(fill(x, (page) => x.value(page + 1, RW)), "not congruent").to.equal(true);
    expect(x.counters.tryFold, "the inline test refuses misaligned frames").to.equal(0);
  });

  it("declines when sixteen neighbouring frames are not one folio", () => {
    const b = new Bench();
    const { pages } = b.sys;
    for (let page: number = b.folio; page < b.folio + 16; page++) {
      pages.flags[page]! &= ~((1 << 16) | (1 << 17));
      pages.order[page] = 0;
      pages.compoundHead[page] = 0;
    }
    for (let page = 0; page < 16; page++) b.set(page);
    expect([b.isPlain(), b.counters.tryFold, b.counters.fold]).to.deep.equal([true, 1, 0]);
  });
});

describe("contpte: unfolding", () => {
  it("happens when one entry is set, cleared or write-protected", () => {
    const single: readonly [string, (b: Bench) => void, string[]][] = [
      ["set", (b) => b.set(5, RO), ["tryUnfold@5", "unfold@5"]],
      ["clear", (b) => b.sys.pgtable.pteClear(b.mm, b.va(5), b.at(5)), ["tryUnfold@5", "unfold@5"]],
      ["get and clear", (b) => void b.sys.pgtable.ptepGetAndClear(b.mm, b.va(5), b.at(5)), ["tryUnfold@5", "unfold@5"]],
      ["clear one of a range", (b) => b.sys.pgtable.clearFullPtes(b.mm, b.va(5), b.at(5), 1, false), ["tryUnfold@5", "unfold@5"]],
      ["get and clear one", (b) => void b.sys.pgtable.getAndClearFullPtes(b.mm, b.va(5), b.at(5), 1, false), ["tryUnfold@5", "unfold@5"]],
      ["write-protect", (b) => b.sys.pgtable.ptepSetWrprotect(b.mm, b.va(5), b.at(5)), ["tryUnfold@5", "unfold@5"]],
      ["modify", (b) => void b.sys.pgtable.ptepModifyProtStart(b.vma, b.va(5), b.at(5)), ["tryUnfold@5", "unfold@5"]],
    ];
    for (const [name, act, events] of single) {
      const b = new Bench().map(0, 32).clear();
      act(b);
      expect([b.isPlain(0), b.isFolded(1)], name).to.deep.equal([true, true]);
      expect(b.events, name).to.deep.equal(events);
      for (let page = 0; page < 16; page++) if (page !== 5) expect(b.raw(page), `${name}, page ${page}`).to.equal(b.value(page, RW));
    }
  });

  it("happens at the ends of a range that cuts blocks, and is reported there", () => {
    const act: readonly [string, (b: Bench, from: number, nr: number) => void][] = [
      ["clearFullPtes", (b, from, nr) => b.sys.pgtable.clearFullPtes(b.mm, b.va(from), b.at(from), nr, false)],
      ["getAndClearFullPtes", (b, from, nr) => void b.sys.pgtable.getAndClearFullPtes(b.mm, b.va(from), b.at(from), nr, false)],
      ["wrprotectPtes", (b, from, nr) => b.sys.pgtable.wrprotectPtes(b.mm, b.va(from), b.at(from), nr)],
    ];
    for (const [call, run] of act) {
      const over = (from: number, nr: number): string[] => {
        const b = new Bench().map(0, 32).clear();
        run(b, from, nr);
        return b.events;
      };
      const head = (from: number, nr: number): string[] => [`${call}@${from}x${nr}`, `unfoldPartial@${from}x${nr}`];
      expect(over(0, 16), `${call} whole block`).to.deep.equal(head(0, 16));
      expect(over(0, 32), `${call} two blocks`).to.deep.equal(head(0, 32));
      expect(over(0, 8), `${call} first half`).to.deep.equal([...head(0, 8), "unfold@0"]);
      expect(over(8, 8), `${call} second half`).to.deep.equal([...head(8, 8), "unfold@8"]);
      expect(over(14, 4), `${call} over the boundary`).to.deep.equal([...head(14, 4), "unfold@14", "unfold@17"]);
      expect(over(8, 24), `${call} half and whole`).to.deep.equal([...head(8, 24), "unfold@8"]);
      expect(over(0, 24), `${call} whole and half`).to.deep.equal([...head(0, 24), "unfold@23"]);
    }
  });

  it("does not refold what was split, until the last page is set again", () => {
    const b = new Bench().map(0, 16);
    b.set(5, RO);
    b.set(5, RW);
    expect(b.isPlain()).to.equal(true);
    b.set(15, RW);
    expect(b.isFolded()).to.equal(true);
  });
});

describe("contpte: access and dirty flags", () => {
  it("are gathered over the block by the getters, which leak PTE_CONT", () => {
    const b = new Bench().map(0, 16, SHARED_CLEAN & ~AF).clear();
    const { pgtable } = b.sys;
    expect(pgtable.ptepGet(b.at(3))).to.equal(b.value(3, (SHARED_CLEAN & ~AF) | CONT));
    /* Hardware marks two different entries. */
    pgtable.rawSet(b.at(9), b.raw(9) | AF);
    pgtable.rawSet(b.at(12), b.raw(12) & ~RDONLY);
    const dirtyYoung = (SHARED_CLEAN | CONT | DIRTY) & ~RDONLY;
    expect(pgtable.ptepGet(b.at(3))).to.equal(b.value(3, dirtyYoung));
    expect(pgtable.ptepGet(b.at(15))).to.equal(b.value(15, dirtyYoung));
    expect(pgtable.ptepGetLockless(b.at(3))).to.equal(b.value(3, dirtyYoung));
    expect(b.raw(3), "memory is not changed").to.equal(b.value(3, (SHARED_CLEAN & ~AF) | CONT));
    expect(b.counters.ptepGetLoads).to.equal(3 * 17);
    expect(b.events).to.deep.equal([]);
  });

  it("of an inconsistent block break the lockless getter", () => {
    const b = new Bench().map(0, 16);
    b.sys.pgtable.rawSet(b.at(9), b.raw(9) ^ (1n << 51n));
    expect(() => b.sys.pgtable.ptepGetLockless(b.at(3))).to.throw("not consistent");
  });

  it("are cleared in the whole block", () => {
    const b = new Bench().map(0, 32).clear();
    expect(b.sys.pgtable.ptepTestAndClearYoung(b.vma, b.va(4), b.at(4))).to.equal(true);
    expect(b.sys.pgtable.ptepTestAndClearYoung(b.vma, b.va(5), b.at(5))).to.equal(false);
    expect(b.attributes(0, 16)).to.deep.equal(new Array(16).fill((RW | CONT) & ~AF));
    expect(b.attributes(16, 1), "the neighbour block stays young").to.deep.equal([RW | CONT]);
    expect([b.sink.counts(), b.events]).to.deep.equal([{}, ["testClearYoung@4", "testClearYoung@5"]]);
    b.clear();
    expect(b.sys.pgtable.ptepClearFlushYoung(b.vma, b.va(20), b.at(20))).to.equal(true);
    expect(b.sys.pgtable.ptepClearFlushYoung(b.vma, b.va(21), b.at(21))).to.equal(false);
    expect([b.sink.counts(), b.sink.waits()]).to.deep.equal([{ vale1is: 16 }, 0]);
    expect(b.events).to.deep.equal(["clearFlushYoung@20", "testClearYoung@20", "clearFlushYoung@21", "testClearYoung@21"]);
  });

  it("are cleared by MADV_FREE and MADV_COLD in every block that the range touches", () => {
    const b = new Bench().map(0, 32).clear();
    b.sys.pgtable.clearYoungDirtyPtes(b.vma, b.va(14), b.at(14), 4, { young: true, dirty: true });
    const clean = (RW | CONT | RDONLY) & ~DIRTY & ~AF;
    expect(b.attributes(0, 32)).to.deep.equal(new Array(32).fill(clean));
    expect([b.sink.counts(), b.events]).to.deep.equal([{}, ["clearYoungDirty@14x4"]]);
    const c = new Bench().map(0, 8).clear();
    c.sys.pgtable.clearYoungDirtyPtes(c.vma, c.va(2), c.at(2), 2, { young: true, dirty: false });
    expect(c.attributes(0, 8).map((value) => (value & AF) !== 0n)).to.deep.equal([true, true, false, false, true, true, true, true]);
  });

  it("are set in all entries if the write bit stays, one flush if dirty", () => {
    const b = new Bench().map(0, 16, SHARED_CLEAN & ~AF).clear();
    const young = b.value(3, SHARED_CLEAN);
    expect(b.sys.pgtable.ptepSetAccessFlags(b.vma, b.va(3), b.at(3), young, false)).to.equal(true);
    expect(b.attributes(0, 16)).to.deep.equal(new Array(16).fill(SHARED_CLEAN | CONT));
    expect([b.sink.counts(), b.counters.pteStores]).to.deep.equal([{}, 16]);
    expect(b.sys.pgtable.ptepSetAccessFlags(b.vma, b.va(3), b.at(3), young, false), "already so").to.equal(false);
    const dirty = b.value(3, (SHARED_CLEAN | DIRTY) & ~RDONLY);
    expect(b.sys.pgtable.ptepSetAccessFlags(b.vma, b.va(3), b.at(3), dirty, true)).to.equal(true);
    expect(b.attributes(0, 16)).to.deep.equal(new Array(16).fill((SHARED_CLEAN | DIRTY | CONT) & ~RDONLY));
    expect([b.sink.counts(), b.sink.waits()]).to.deep.equal([{ vale1is: 16 }, 1]);
    expect(b.events).to.deep.equal(["setAccessFlags@3", "setAccessFlags@3", "setAccessFlags@3"]);
  });

  it("are set although a sibling has them already: each raw entry counts", () => {
    const b = new Bench().map(0, 16, SHARED_CLEAN & ~AF).clear();
    b.sys.pgtable.rawSet(b.at(9), b.raw(9) | AF);
    expect(b.sys.pgtable.ptepSetAccessFlags(b.vma, b.va(3), b.at(3), b.value(3, SHARED_CLEAN), false)).to.equal(true);
    expect(b.attributes(0, 16)).to.deep.equal(new Array(16).fill(SHARED_CLEAN | CONT));
  });

  it("with the write bit unfold the block and upgrade one page", () => {
    const b = new Bench().map(0, 16, READONLY).clear();
    expect(b.sys.pgtable.ptepSetAccessFlags(b.vma, b.va(5), b.at(5), b.value(5, RW), true)).to.equal(true);
    expect(b.attributes(0, 16)).to.deep.equal(Array.from({ length: 16 }, (_, i) => (i === 5 ? RW : READONLY)));
    expect(b.events, "the unfold within the layer is no tryUnfold").to.deep.equal(["setAccessFlags@5", "unfold@5"]);
    expect(b.sink.counts()).to.deep.equal({ vale1is: 17 });
  });

  it("survive a repaint: dirty of one page is dirty of all", () => {
    const b = new Bench().map(0, 16, SHARED_CLEAN);
    b.sys.pgtable.rawSet(b.at(9), b.raw(9) & ~RDONLY);
    b.sys.pgtable.pteClear(b.mm, b.va(0), b.at(0));
    expect(b.attributes(1, 15)).to.deep.equal(new Array(15).fill((SHARED_CLEAN | DIRTY) & ~RDONLY));
  });

  it("are returned by get and clear", () => {
    const b = new Bench().map(0, 16, SHARED_CLEAN & ~AF);
    b.sys.pgtable.rawSet(b.at(9), (b.raw(9) & ~RDONLY) | AF);
    expect(b.sys.pgtable.getAndClearFullPtes(b.mm, b.va(0), b.at(0), 16, false)).to.equal(b.value(0, (SHARED_CLEAN | DIRTY | CONT) & ~RDONLY));
    expect(b.attributes(0, 16)).to.deep.equal(new Array(16).fill(0n));
  });
});

describe("contpte: batch hint", () => {
  it("is the rest of the block, or one page", () => {
    const b = new Bench().map(0, 16).map(16, 4);
    const hint = (page: number): number => b.sys.pgtable.pteBatchHint(b.at(page), b.raw(page));
    expect([hint(0), hint(1), hint(15), hint(16)]).to.deep.equal([16, 15, 1, 1]);
  });
});

describe("contpte off", () => {
  it("never sets the bit, counts nothing but loads and stores, and does what was asked", () => {
    const b = new Bench("4k", false, false).map(0, 16);
    for (let page = 16; page < 32; page++) b.set(page);
    expect([b.isPlain(0), b.isPlain(1)]).to.deep.equal([true, true]);
    b.sys.pgtable.wrprotectPtes(b.mm, b.va(2), b.at(2), 3);
    expect(b.attributes(0, 6)).to.deep.equal([RW, RW, RO, RO, RO, RW]);
    b.sys.pgtable.clearFullPtes(b.mm, b.va(0), b.at(0), 2, false);
    b.sys.pgtable.clearYoungDirtyPtes(b.vma, b.va(8), b.at(8), 2, { young: true, dirty: false });
    expect(b.attributes(8, 3)).to.deep.equal([RW & ~AF, RW & ~AF, RW]);
    expect(b.sys.pgtable.getAndClearFullPtes(b.mm, b.va(8), b.at(8), 3, false)).to.equal(b.value(8, RW));
    expect(b.sys.pgtable.ptepTestAndClearYoung(b.vma, b.va(20), b.at(20))).to.equal(true);
    b.sys.pgtable.ptepGet(b.at(12));
    expect([b.events, b.sink.counts()]).to.deep.equal([[], {}]);
    expect(b.counters).to.include({ setPtes: 0, convert: 0, wrprotectPtes: 0, clearFullPtes: 0, unfoldPartial: 0, ptepGetLoads: 1, pteStores: 32 + 3 + 2 + 2 + 3 + 1 });
    expect(b.sys.pgtable.contpte).to.equal(false);
  });
});

interface Cost {
  readonly name: string;
  readonly prepare?: (b: Bench) => void;
  readonly act: (b: Bench) => void;
  /** Entries written, loads by ptep_get, TLBI blocks flushed (each N or 1), single TLBI beside them, waits. */
  readonly stores: (n: number) => number;
  readonly loads?: (n: number) => number;
  readonly blocks: number;
  readonly singles?: number;
  readonly waits: number;
}

const whole = (b: Bench): unknown => b.map(0, b.n);
const COSTS: readonly Cost[] = [
  { name: "map a block in one call", act: whole, stores: (n) => n, blocks: 0, waits: 0 },
  {
    name: "map it page by page, ascending",
    act: (b) => {
      for (let page = 0; page < b.n; page++) b.set(page);
    },
    stores: (n) => 3 * n,
    blocks: 1,
    waits: 1,
  },
  { name: "ptep_get of one entry", prepare: whole, act: (b) => void b.sys.pgtable.ptepGet(b.at(3)), stores: () => 0, loads: (n) => n + 1, blocks: 0, waits: 0 },
  {
    name: "visit all with ptep_get",
    prepare: whole,
    act: (b) => {
      for (let page = 0; page < b.n; page++) b.sys.pgtable.ptepGet(b.at(page));
    },
    stores: () => 0,
    loads: (n) => n * (n + 1),
    blocks: 0,
    waits: 0,
  },
  {
    name: "visit all with pte_batch_hint",
    prepare: whole,
    act: (b) => {
      for (let page = 0; page < b.n; ) page += b.sys.pgtable.pteBatchHint(b.at(page), b.sys.pgtable.ptepGet(b.at(page)));
    },
    stores: () => 0,
    loads: (n) => n + 1,
    blocks: 0,
    waits: 0,
  },
  { name: "test and clear young", prepare: whole, act: (b) => void b.sys.pgtable.ptepTestAndClearYoung(b.vma, b.va(3), b.at(3)), stores: (n) => n, blocks: 0, waits: 0 },
  { name: "clear young with flush", prepare: whole, act: (b) => void b.sys.pgtable.ptepClearFlushYoung(b.vma, b.va(3), b.at(3)), stores: (n) => n, blocks: 1, waits: 0 },
  {
    name: "access-flag fault without hardware AF",
    prepare: (b) => b.map(0, b.n, SHARED_CLEAN & ~AF),
    act: (b) => void b.sys.pgtable.ptepSetAccessFlags(b.vma, b.va(3), b.at(3), b.value(3, SHARED_CLEAN), false),
    stores: (n) => n,
    blocks: 0,
    waits: 0,
  },
  {
    name: "dirty fault without hardware dirty state",
    prepare: (b) => b.map(0, b.n, SHARED_CLEAN),
    act: (b) => void b.sys.pgtable.ptepSetAccessFlags(b.vma, b.va(3), b.at(3), b.value(3, (SHARED_CLEAN | DIRTY) & ~RDONLY), true),
    stores: (n) => n,
    blocks: 1,
    waits: 1,
  },
  { name: "write-protect the whole block (fork)", prepare: whole, act: (b) => b.sys.pgtable.wrprotectPtes(b.mm, b.va(0), b.at(0), b.n), stores: (n) => n, blocks: 0, waits: 0 },
  {
    name: "write-protect half of it (fork at an area's edge)",
    prepare: whole,
    act: (b) => b.sys.pgtable.wrprotectPtes(b.mm, b.va(0), b.at(0), b.n / 2),
    stores: (n) => 2 * n + n / 2,
    blocks: 1,
    waits: 1,
  },
  {
    name: "first COW copy in the block",
    prepare: (b) => b.map(0, b.n, RO),
    act: (b) => {
      b.sys.pgtable.ptepClearFlush(b.vma, b.va(5), b.at(5));
      b.set(5);
    },
    stores: (n) => 2 * n + 2,
    blocks: 1,
    singles: 1,
    waits: 2,
  },
  {
    name: "each further COW copy",
    prepare: (b) => {
      b.map(0, b.n, RO);
      b.sys.pgtable.ptepClearFlush(b.vma, b.va(5), b.at(5));
    },
    act: (b) => {
      b.sys.pgtable.ptepClearFlush(b.vma, b.va(6), b.at(6));
      b.set(6);
    },
    stores: () => 2,
    blocks: 0,
    singles: 1,
    waits: 1,
  },
  {
    name: "first write reuse of a read-only block",
    prepare: (b) => b.map(0, b.n, RO),
    act: (b) => void b.sys.pgtable.ptepSetAccessFlags(b.vma, b.va(5), b.at(5), b.value(5, RW), true),
    stores: (n) => 2 * n + 1,
    blocks: 1,
    singles: 1,
    waits: 2,
  },
  { name: "clear the whole block (munmap, exit)", prepare: whole, act: (b) => b.sys.pgtable.clearFullPtes(b.mm, b.va(0), b.at(0), b.n, false), stores: (n) => n, blocks: 0, waits: 0 },
  { name: "clear half of it", prepare: whole, act: (b) => b.sys.pgtable.clearFullPtes(b.mm, b.va(0), b.at(0), b.n / 2, false), stores: (n) => 2 * n + n / 2, blocks: 1, waits: 1 },
  {
    name: "change protection page by page (mprotect)",
    prepare: whole,
    act: (b) => {
      for (let page = 0; page < b.n; page++) {
        const old = b.sys.pgtable.ptepModifyProtStart(b.vma, b.va(page), b.at(page));
        b.sys.pgtable.ptepModifyProtCommit(b.vma, b.va(page), b.at(page), old, b.value(page, RO));
      }
    },
    stores: (n) => 2 * 2 * n + 2 * n,
    blocks: 2,
    waits: 2,
  },
  { name: "MADV_FREE of the block", prepare: whole, act: (b) => b.sys.pgtable.clearYoungDirtyPtes(b.vma, b.va(0), b.at(0), b.n, { young: true, dirty: true }), stores: (n) => n, blocks: 0, waits: 0 },
  {
    name: "unmap for swap-out page by page, wait deferred",
    prepare: whole,
    act: (b) => {
      for (let page = 0; page < b.n; page++) {
        b.sys.pgtable.ptepGetAndClear(b.mm, b.va(page), b.at(page));
        b.sys.tlb.tlbbatchAddPending(b.mm, b.va(page));
        b.sys.pgtable.setPteAt(b.mm, b.va(page), b.at(page), BigInt(page + 1) << 12n);
      }
      b.sys.tlb.tlbbatchFlush();
    },
    stores: (n) => 2 * n + 2 * n,
    blocks: 1,
    singles: -1,
    waits: 2,
  },
];

describe("contpte: events per operation on one block", () => {
  for (const name of ["4k", "16k", "64k"] as const) {
    for (const { name: what, prepare, act, stores, loads, blocks, singles = 0, waits } of COSTS) {
      it(`${what} (${name})`, () => {
        for (const range of [false, true]) {
          const b = new Bench(name, range);
          prepare?.(b);
          b.clear();
          act(b);
          const n = N[name];
          const alone = singles < 0 ? n : singles;
          const expected: Record<string, number> = {};
          const vale = range ? alone : alone + blocks * n;
          if (vale > 0) expected["vale1is"] = vale;
          if (range && blocks > 0) expected["rvale1is"] = blocks;
          expect(b.sink.counts(), range ? "range instructions" : "single instructions").to.deep.equal(expected);
          expect(b.sink.waits(), "DSB ISH").to.equal(waits);
          expect(b.counters.pteStores, "entries written").to.equal(stores(n));
          expect(b.counters.ptepGetLoads, "loads by ptep_get").to.equal(loads?.(n) ?? 0);
        }
      });
    }
  }
});

describe("contpte: repaint", () => {
  it("invalidates all entries before the TLB flush and writes them after the wait", () => {
    const b = new Bench().map(0, 16);
    const seen: bigint[][] = [];
    const tlbi = b.sink.tlbi.bind(b.sink);
    b.sink.tlbi = (operation) => {
      seen.push(b.attributes(0, 16));
      tlbi(operation);
    };
    b.sink.dsb = (domain) => void seen.push(domain === "ish" ? b.attributes(0, 16) : []);
    b.sys.pgtable.pteClear(b.mm, b.va(3), b.at(3));
    expect(seen.length).to.equal(18);
    for (const state of seen.slice(1)) expect(state).to.deep.equal(new Array(16).fill(0n));
  });

  it("keeps what the checker checks", () => {
    const b = new Bench().map(0, 32);
    b.mm.rss[1] = 32;
    checkMm(b.mm);
    b.set(7, RO);
    checkMm(b.mm);
    expect(b.isPlain(0)).to.equal(true);
  });
});
