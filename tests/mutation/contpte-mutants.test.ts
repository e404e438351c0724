/**
 * Mutation test of --check: the contpte layer and its TLB maintenance are broken on purpose, one way at a time, and the checker names the
 * rule. The same scenario on the sound layer is silent, so that it is the defect that is named.
 */
import { expect } from "chai";
import type { Asid, Pa, Pfn, Va } from "../../emulator/arch/addr.js";
import type { Violation } from "../../emulator/validate/rule.js";
import type { Contpte } from "../../kernel-model/arch/arm64/contpte.js";
import type { RawPte } from "../../kernel-model/arch/arm64/raw-pte.js";
import type { TlbFlush } from "../../kernel-model/arch/arm64/tlbflush.js";
import type { MemorySystem } from "../../kernel-model/mm/memory-system.js";
import { doMadvise } from "../../kernel-model/mm/madvise.js";
import type { MmStruct } from "../../kernel-model/mm/mm-struct.js";
import { doMprotect } from "../../kernel-model/mm/mprotect.js";
import { doMremap } from "../../kernel-model/mm/mremap.js";
import { doMunmap } from "../../kernel-model/mm/munmap.js";
import type { Vma } from "../../kernel-model/mm/vma.js";
import { attachChecker, type Checker } from "../../lab/observers/checker.js";
import { CPU_RANGE, CPU_SINGLE, testAnonFolio, testMm, testPte, testSystem, testVma } from "../support/memory-system.js";
import { MmHarness } from "../support/mm-harness.js";

/* Retyped: private anonymous written, read-only, clean shared; and single bits. */
const RW = 0x00e8_0000_0000_0f43n;
const RO = 0x0060_0000_0000_0fc3n;
const CLEAN = 0x0068_0000_0000_0fc3n;
const NONE = 0x0060_0000_0000_0f82n;
const VALID_PAGE = 3n;
const CONT = 1n << 52n;
const DBM = 1n << 51n;
const DIRTY = 1n << 55n;
const SPECIAL = 1n << 56n;
const AF = 0x400n;
const RDONLY = 0x80n;

const N = 16;
const P = 4096;
const BLOCK = N * P;
const BASE = 0x5000000000;

/** What the layer keeps private and a defect is put into. */
interface Layer {
  tryFold(mm: MmStruct, addr: Va, ptep: Pa, pte: bigint): void;
  tryUnfold(mm: MmStruct, addr: Va, ptep: Pa, pte: bigint): void;
  unfold(mm: MmStruct, addr: Va, ptep: Pa, pte: bigint): void;
  tryUnfoldPartial(mm: MmStruct, addr: Va, ptep: Pa, nr: number): void;
  convert(mm: MmStruct, addr: Va, ptep: Pa, target: bigint): void;
  flushBlock(mm: MmStruct, addr: Va, nosync: boolean): void;
  setPtes: Contpte["setPtes"];
  wrprotectPtes: Contpte["wrprotectPtes"];
  ptepGet: Contpte["ptepGet"];
  ptepTestAndClearYoung: Contpte["ptepTestAndClearYoung"];
  clearYoungDirtyPtes: Contpte["clearYoungDirtyPtes"];
  ptepSetAccessFlags: Contpte["ptepSetAccessFlags"];
  getAndClearFullPtes: Contpte["getAndClearFullPtes"];
}

/** What the public interface keeps private. */
interface Wrapper {
  readonly cont: Layer;
  readonly raw: RawPte;
  unfoldOne(cont: Layer, mm: MmStruct, addr: Va, ptep: Pa): void;
  foldLast(cont: Layer, mm: MmStruct, addr: Va, ptep: Pa, pte: bigint): void;
}

/** Issues one TLBI, without a barrier. */
interface RawFlush {
  tlbi(op: string, mm: MmStruct, start: Va, end: Va, level: number | undefined): void;
}

const blockOf = (ptep: Pa): Pa => (ptep - (ptep % (N * 8))) as Pa;
const start = (addr: number): Va => (addr - (addr % BLOCK)) as Va;
const firstOf = (pte: bigint): bigint => pte & ~0xf000n;

/** An address space of four blocks of 4K pages over one folio, watched by the checker. */
class Bench {
  readonly sys: MemorySystem;
  readonly mm: MmStruct;
  readonly vma: Vma;
  readonly ptep: Pa;
  readonly folio: Pfn;
  readonly rules: string[] = [];
  readonly checker: Checker;
  readonly layer: Layer;
  readonly wrapper: Wrapper;
  readonly raw: RawPte;
  readonly tlb: TlbFlush;

  constructor(range = false) {
    const { sys, sink } = testSystem({ cpu: range ? CPU_RANGE : CPU_SINGLE });
    this.sys = sys;
    this.tlb = sys.tlb;
    this.mm = testMm(sys);
    this.vma = testVma(this.mm, BASE, BASE + 4 * BLOCK, 0x73);
    this.ptep = testPte(this.mm, BASE);
    this.folio = testAnonFolio(sys, 6);
    this.wrapper = sys.pgtable as unknown as Wrapper;
    this.layer = this.wrapper.cont;
    this.raw = this.wrapper.raw;
    const report = ({ rule }: Violation): void => {
      if (!this.rules.includes(rule.id)) this.rules.push(rule.id);
    };
    this.checker = attachChecker({ sys, sink, report });
  }

  va(page: number): Va {
    return (BASE + page * P) as Va;
  }

  at(page: number): Pa {
    return (this.ptep + page * 8) as Pa;
  }

  value(page: number, prot = RW): bigint {
    return prot | BigInt((this.folio + page) * P);
  }

  /** Map pages of the folio in one call. */
  map(from: number, nr: number, prot = RW, frame = from): this {
    this.sys.pgtable.setPtes(this.mm, this.va(from), this.at(from), this.value(frame, prot), nr);
    return this;
  }

  set(page: number, prot = RW, frame = page): this {
    this.sys.pgtable.setPteAt(this.mm, this.va(page), this.at(page), this.value(frame, prot));
    return this;
  }

  /** The hardware writes to a page: one entry becomes dirty. */
  hardwareWrite(page: number): this {
    this.raw.set(this.at(page), (this.raw.get(this.at(page)) & ~RDONLY) | AF);
    return this;
  }

  /** What the caller of a batch does at its end. */
  flush(): this {
    this.tlb.flushTlbMm(this.mm);
    return this;
  }

  done(): this {
    this.checker.returnToUser();
    return this;
  }
}

interface Mutant {
  readonly name: string;
  /** Rules in the order in which the checker names them. */
  readonly rules: readonly string[];
  readonly range?: boolean;
  readonly defect: (b: Bench) => void;
  readonly scenario: (b: Bench) => void;
}

const clearOne = (b: Bench): void => {
  b.map(0, N).done();
  b.sys.pgtable.ptepClearFlush(b.vma, b.va(3), b.at(3));
  b.done();
};
const wrprotectOne = (b: Bench): void => {
  b.map(0, N).done();
  b.sys.pgtable.ptepSetWrprotect(b.mm, b.va(4), b.at(4));
  b.flush().done();
};
const fillAscending =
  (prot = RW, frame = (page: number) => page) =>
  (b: Bench): void => {
    for (let page = 0; page < N; page++) b.set(page, prot, frame(page));
    b.done();
  };
/** Block 0 in clean entries, one of which the hardware has made dirty; then one page goes. */
const dirtyThenUnfold = (b: Bench): void => {
  b.map(0, N, CLEAN).hardwareWrite(9).done();
  b.sys.pgtable.ptepClearFlush(b.vma, b.va(3), b.at(3));
  b.done();
};

/** contpte_convert() with some of its steps replaced. */
function convertWith(b: Bench, steps: Partial<Record<"gather" | "clear" | "flush" | "paint", (mm: MmStruct, addr: Va, block: Pa, value: bigint) => bigint | void>>, order: readonly ("gather" | "clear" | "flush" | "paint")[] = ["gather", "clear", "flush", "paint"]): void {
  const { layer, raw } = b;
  layer.convert = (mm, addr, ptep, target) => {
    const block = blockOf(ptep);
    let value = firstOf(target);
    const sound: Record<string, () => bigint | void> = {
      gather: () => raw.gather(block, value, N),
      clear: () => raw.clearFull(block, N),
      flush: () => layer.flushBlock(mm, addr, false),
      paint: () => raw.setPtes(block, value, N),
    };
    for (const step of order) {
      const custom = steps[step];
      const result = custom === undefined ? sound[step]!() : custom(mm, addr, block, value);
      if (typeof result === "bigint") value = result;
    }
  };
}

const MUTANTS: readonly Mutant[] = [
  {
    name: "an entry of a folded block is cleared without unfolding",
    rules: ["L-CONT-HOLE"],
    defect: (b) => (b.wrapper.unfoldOne = () => undefined),
    scenario: clearOne,
  },
  {
    name: "an entry of a folded block is write-protected without unfolding",
    rules: ["A-CONT-ATTR"],
    defect: (b) => (b.layer.tryUnfold = () => undefined),
    scenario: wrprotectOne,
  },
  {
    name: "a batch inside a block does not unfold it",
    rules: ["L-CONT-HOLE"],
    defect: (b) => (b.layer.tryUnfoldPartial = () => undefined),
    scenario: (b) => {
      b.map(0, N).done();
      b.sys.pgtable.clearFullPtes(b.mm, b.va(4), b.at(4), 8, false);
      b.flush().done();
    },
  },
  {
    name: "a batch unfolds the block at its start, not the one at its end",
    rules: ["A-CONT-ATTR"],
    defect: (b) => {
      b.layer.tryUnfoldPartial = (mm, addr, ptep, nr) => {
        if ((ptep % (N * 8) !== 0 || nr < N) && b.raw.isValidCont(ptep)) b.layer.unfold(mm, addr, ptep, b.raw.get(ptep));
      };
    },
    scenario: (b) => {
      b.map(0, 2 * N).done();
      b.sys.pgtable.wrprotectPtes(b.mm, b.va(0), b.at(0), N + 8);
      b.flush().done();
    },
  },
  {
    name: "half of a folded block is write-protected",
    rules: ["L-EFFECT", "A-CONT-ATTR"],
    defect: (b) => (b.layer.wrprotectPtes = (_mm, _addr, ptep, nr) => b.raw.wrprotect(ptep, nr / 2)),
    scenario: (b) => {
      b.map(0, N).done();
      b.sys.pgtable.wrprotectPtes(b.mm, b.va(0), b.at(0), N);
      b.flush().done();
    },
  },
  {
    name: "write protection forgets what the hardware knew of dirtiness",
    rules: ["L-DIRTY-LOST"],
    defect: (b) =>
      (b.raw.wrprotect = (ptep, nr) => {
        for (let i = 0; i < nr; i++) b.raw.set((ptep + i * 8) as Pa, (b.raw.get((ptep + i * 8) as Pa) & ~DBM) | RDONLY);
      }),
    scenario: (b) => {
      b.map(0, N, CLEAN).hardwareWrite(2).done();
      b.sys.pgtable.wrprotectPtes(b.mm, b.va(0), b.at(0), N);
      b.flush().done();
    },
  },
  {
    name: "conversion without TLBI",
    rules: ["T-BBM-CONT"],
    defect: (b) => (b.layer.flushBlock = () => undefined),
    scenario: clearOne,
  },
  {
    name: "conversion invalidates one page of the block",
    rules: ["T-BBM-CONT"],
    defect: (b) => (b.layer.flushBlock = (mm, addr) => b.tlb.flushTlbPage(mm, addr)),
    scenario: clearOne,
  },
  {
    name: "conversion invalidates half of the block",
    rules: ["T-BBM-CONT"],
    range: true,
    defect: (b) => (b.layer.flushBlock = (mm, addr) => b.tlb.flushTlbRange(mm, start(addr), (start(addr) + BLOCK / 2) as Va, { stride: P, lastLevel: true, level: 3 })),
    scenario: clearOne,
  },
  {
    name: "conversion invalidates the block behind its own",
    rules: ["T-BBM-CONT"],
    range: true,
    defect: (b) => (b.layer.flushBlock = (mm, addr) => b.tlb.flushTlbRange(mm, (start(addr) + BLOCK) as Va, (start(addr) + 2 * BLOCK) as Va, { stride: P, lastLevel: true, level: 3 })),
    scenario: clearOne,
  },
  {
    name: "conversion gives TLBI the level hint of a block",
    rules: ["T-TLBI-LEVEL"],
    range: true,
    defect: (b) => (b.layer.flushBlock = (mm, addr) => b.tlb.flushTlbRange(mm, start(addr), (start(addr) + BLOCK) as Va, { stride: P, lastLevel: true, level: 2 })),
    scenario: clearOne,
  },
  {
    name: "conversion invalidates in another address space",
    rules: ["T-TLBI-ASID"],
    defect: (b) => (b.layer.flushBlock = (mm, addr) => b.tlb.flushTlbRange({ ...mm, contextId: mm.contextId + 1 }, start(addr), (start(addr) + BLOCK) as Va, { stride: P, lastLevel: true, level: 3 })),
    scenario: clearOne,
  },
  {
    name: "conversion does not wait for its TLBI",
    rules: ["T-TLBI-SYNC"],
    defect: (b) => {
      const { flushBlock } = b.layer;
      b.layer.flushBlock = (mm, addr) => flushBlock.call(b.layer, mm, addr, true);
    },
    scenario: clearOne,
  },
  {
    name: "conversion issues TLBI before its stores are ordered",
    rules: ["T-TLBI-ORDER"],
    range: true,
    defect: (b) =>
      (b.layer.flushBlock = (mm, addr) => {
        (b.tlb as unknown as RawFlush).tlbi("rvale1is", mm, start(addr), (start(addr) + BLOCK) as Va, 3);
        b.tlb.sync();
      }),
    scenario: clearOne,
  },
  {
    name: "conversion invalidates before it clears the entries",
    rules: ["T-BBM-CONT"],
    defect: (b) => convertWith(b, {}, ["gather", "flush", "clear", "paint"]),
    scenario: clearOne,
  },
  {
    name: "conversion overwrites live entries",
    rules: ["T-BBM-CONT"],
    defect: (b) => convertWith(b, {}, ["gather", "paint", "flush"]),
    scenario: clearOne,
  },
  {
    name: "conversion forgets that one page is dirty",
    rules: ["L-DIRTY-LOST"],
    defect: (b) => convertWith(b, { gather: (_mm, _addr, block, value) => (b.raw.gather(block, value, N) & ~DIRTY) | RDONLY }),
    scenario: dirtyThenUnfold,
  },
  {
    name: "conversion forgets that one page is young",
    rules: ["L-YOUNG-LOST"],
    defect: (b) => convertWith(b, { gather: (_mm, _addr, block, value) => b.raw.gather(block, value, N) & ~AF }),
    scenario: dirtyThenUnfold,
  },
  {
    name: "conversion repaints one entry too few",
    rules: ["L-NEIGHBOUR"],
    defect: (b) => convertWith(b, { paint: (_mm, _addr, block, value) => b.raw.setPtes(block, value, N - 1) }),
    scenario: wrprotectOne,
  },
  {
    name: "folding repaints one entry too few",
    rules: ["L-EFFECT", "L-DIRTY-LOST", "L-YOUNG-LOST", "L-CONT-HOLE"],
    defect: (b) => convertWith(b, { paint: (_mm, _addr, block, value) => b.raw.setPtes(block, value, N - 1) }),
    scenario: fillAscending(),
  },
  {
    name: "conversion does not advance the frame",
    rules: ["L-NEIGHBOUR", "L-EFFECT"],
    defect: (b) =>
      convertWith(b, {
        paint: (_mm, _addr, block, value) => {
          for (let i = 0; i < N; i++) b.raw.set((block + i * 8) as Pa, value);
        },
      }),
    scenario: wrprotectOne,
  },
  {
    name: "a block is folded that spans two folios",
    rules: ["L-CONT-FOLIO"],
    defect: (b) => {
      b.layer.tryFold = (mm, addr, ptep, pte) => {
        if (b.raw.areUniform(blockOf(ptep), firstOf((pte & ~(AF | DIRTY)) | RDONLY), N)) b.layer.convert(mm, addr, ptep, pte | CONT);
      };
    },
    scenario: (b) => {
      const { pages } = b.sys;
      /* The folio of 64 pages becomes eight of 8. */
      for (let page = 0; page < 64; page++) {
        const head = b.folio + page - (page % 8);
        pages.compoundHead[b.folio + page] = page % 8 === 0 ? 0 : head + 1;
        pages.order[head] = 3;
        if (page % 8 === 0) pages.refcount[head] = 1;
      }
      fillAscending()(b);
    },
  },
  {
    name: "a block is folded whose frames are not aligned",
    rules: ["L-NEIGHBOUR", "L-EFFECT"],
    defect: (b) => (b.wrapper.foldLast = (_cont, mm, addr, ptep, pte) => b.layer.convert(mm, addr, ptep, pte | CONT)),
    scenario: fillAscending(RW, (page) => page + 3),
  },
  {
    name: "a block is folded over pages with other permissions",
    rules: ["L-NEIGHBOUR"],
    defect: (b) => (b.raw.areUniform = () => true),
    scenario: (b) => {
      for (let page = 0; page < N; page++) b.set(page, page === 5 ? RO : RW);
      b.done();
    },
  },
  {
    name: "special entries are folded",
    rules: ["L-CONT-SPECIAL"],
    defect: (b) => (b.wrapper.foldLast = (cont, mm, addr, ptep, pte) => cont.tryFold(mm, addr, ptep, pte)),
    scenario: fillAscending(RO | SPECIAL),
  },
  {
    name: "pte_mkcont makes PROT_NONE entries valid (as in 6.9 to 6.14, if fold did not test for valid)",
    rules: ["L-NEIGHBOUR", "L-EFFECT", "L-USER"],
    defect: (b) => (b.wrapper.foldLast = (_cont, mm, addr, ptep, pte) => b.layer.convert(mm, addr, ptep, pte | CONT | VALID_PAGE)),
    scenario: fillAscending(NONE),
  },
  {
    name: "set_ptes marks blocks contiguous that it covers in part",
    rules: ["L-CONT-HOLE"],
    defect: (b) => (b.layer.setPtes = (_mm, _addr, ptep, pte, nr) => b.raw.setPtes(ptep, pte | CONT, nr)),
    scenario: (b) => void b.map(0, 8).done(),
  },
  {
    name: "set_ptes does not look at the alignment of the frames",
    rules: ["A-CONT-ALIGN"],
    defect: (b) => (b.layer.setPtes = (_mm, _addr, ptep, pte, nr) => b.raw.setPtes(ptep, pte | CONT, nr)),
    scenario: (b) => void b.map(0, N, RW, 5).done(),
  },
  {
    name: "set_ptes never folds",
    rules: ["L-FOLD"],
    defect: (b) => (b.layer.setPtes = (_mm, _addr, ptep, pte, nr) => b.raw.setPtes(ptep, pte, nr)),
    scenario: (b) => void b.map(0, N).done(),
  },
  {
    name: "the last page of a block does not fold it",
    rules: ["L-FOLD"],
    defect: (b) => (b.layer.tryFold = () => undefined),
    scenario: fillAscending(),
  },
  {
    name: "ptep_get returns the one entry",
    rules: ["L-GATHER"],
    defect: (b) => (b.layer.ptepGet = (_ptep, pte) => pte),
    scenario: (b) => {
      b.map(0, N, CLEAN & ~AF).hardwareWrite(7).done();
      b.sys.pgtable.ptepGet(b.at(2));
    },
  },
  {
    name: "get_and_clear_full_ptes returns the first entry's dirty bit alone",
    rules: ["L-DIRTY-LOST"],
    defect: (b) =>
      (b.layer.getAndClearFullPtes = (_mm, _addr, ptep, nr) => {
        const first = b.raw.get(ptep);
        b.raw.clearFull(ptep, nr);
        return first;
      }),
    scenario: (b) => {
      b.map(0, N, CLEAN).hardwareWrite(11).done();
      b.sys.pgtable.getAndClearFullPtes(b.mm, b.va(0), b.at(0), N, false);
      b.flush().done();
    },
  },
  {
    name: "test_and_clear_young makes one entry of the block old",
    rules: ["L-EFFECT"],
    defect: (b) => (b.layer.ptepTestAndClearYoung = (_vma, _addr, ptep) => b.raw.testAndClearYoung(ptep, 1)),
    scenario: (b) => {
      b.map(0, N).done();
      b.sys.pgtable.ptepTestAndClearYoung(b.vma, b.va(3), b.at(3));
      b.done();
    },
  },
  {
    name: "clear_young_dirty_ptes takes bytes for pages (6.10-rc1)",
    rules: ["L-NEIGHBOUR"],
    defect: (b) => (b.layer.clearYoungDirtyPtes = (_vma, _addr, ptep, nr, clear) => b.raw.clearYoungDirty(blockOf(ptep), nr * 8, clear)),
    scenario: (b) => {
      b.map(0, 4 * N).done();
      b.sys.pgtable.clearYoungDirtyPtes(b.vma, b.va(0), b.at(0), N, { young: true, dirty: true });
      b.flush().done();
    },
  },
  {
    name: "clear_young_dirty_ptes does not widen to the block",
    rules: ["L-EFFECT"],
    defect: (b) => (b.layer.clearYoungDirtyPtes = (_vma, _addr, ptep, nr, clear) => b.raw.clearYoungDirty(ptep, nr, clear)),
    scenario: (b) => {
      b.map(0, N).done();
      b.sys.pgtable.clearYoungDirtyPtes(b.vma, b.va(5), b.at(5), 2, { young: true, dirty: true });
      b.flush().done();
    },
  },
  {
    name: "one page of a folded block becomes writable without unfolding",
    rules: ["A-CONT-ATTR"],
    defect: (b) =>
      (b.layer.ptepSetAccessFlags = (vma, addr, ptep, entry, dirty) => {
        const changed = b.raw.setAccessFlags(ptep, entry);
        if (changed && dirty) b.tlb.flushTlbPage(vma.mm, addr);
        return changed;
      }),
    scenario: (b) => {
      b.map(0, N, RO).done();
      b.sys.pgtable.ptepSetAccessFlags(b.vma, b.va(6), b.at(6), b.value(6, RW), true);
      b.done();
    },
  },
  {
    name: "the access-flag no-op test looks at gathered flags (before 7.0-rc3)",
    rules: ["L-FAULT-LOOP"],
    defect: (b) => {
      const sound = b.layer.ptepSetAccessFlags.bind(b.layer);
      b.layer.ptepSetAccessFlags = (vma, addr, ptep, entry, dirty) => {
        const mask = RDONLY | AF | DBM | DIRTY;
        const got = b.raw.gather(blockOf(ptep), b.raw.get(ptep), N);
        return ((got ^ entry) & mask) === 0n ? false : sound(vma, addr, ptep, entry, dirty);
      };
    },
    scenario: (b) => {
      b.map(0, N, CLEAN).done();
      /* A CPU with hardware dirty state has written page 0; an agent without it faults on page 1. */
      b.raw.set(b.at(0), (b.raw.get(b.at(0)) & ~RDONLY) | DIRTY);
      b.sys.pgtable.ptepSetAccessFlags(b.vma, b.va(1), b.at(1), (b.value(1, CLEAN) & ~RDONLY) | DIRTY, true);
      b.done();
    },
  },
  {
    name: "more access flags without TLBI",
    rules: ["T-SPURIOUS"],
    defect: (b) => (b.layer.flushBlock = () => undefined),
    scenario: (b) => {
      b.map(0, N, CLEAN).done();
      b.sys.pgtable.ptepSetAccessFlags(b.vma, b.va(1), b.at(1), (b.value(1, CLEAN) & ~RDONLY) | DIRTY, true);
      b.done();
    },
  },
  {
    name: "ptep_clear_flush returns before the page is invalidated",
    rules: ["T-STALE"],
    defect: (b) => (b.tlb.flushTlbPage = () => undefined),
    scenario: (b) => {
      b.map(0, 3).done();
      b.sys.pgtable.ptepClearFlush(b.vma, b.va(1), b.at(1));
      b.done();
    },
  },
];

describe("mutation: the contpte layer", () => {
  it("has at least fifteen defects with different names", () => {
    expect(MUTANTS.length).to.be.greaterThan(15);
    expect(new Set(MUTANTS.map(({ name }) => name)).size).to.equal(MUTANTS.length);
  });

  for (const { name, rules, range = false, defect, scenario } of MUTANTS) {
    it(`${rules.join(", ")}: ${name}`, () => {
      const sound = new Bench(range);
      scenario(sound);
      expect(sound.rules, "the sound layer").to.deep.equal([]);
      const broken = new Bench(range);
      defect(broken);
      scenario(broken);
      expect(broken.rules).to.deep.equal(rules);
    });
  }
});

describe("mutation: callers of the layer", () => {
  function watch(contpte = true): { h: MmHarness; mm: MmStruct; checker: Checker; rules: string[] } {
    const h = new MmHarness({ contpte });
    for (const order of h.sys.thp.anonOrders) h.sys.thp.setSizeEnabled(order, order === 4 ? "always" : "never");
    const rules: string[] = [];
    const checker = attachChecker({ sys: h.sys, sink: h.sink, mms: () => h.mms, report: ({ rule }) => void (rules.includes(rule.id) || rules.push(rule.id)) });
    const mm = h.newMm();
    h.anon(mm, BASE, 4 * BLOCK);
    h.touchAll(mm, BASE, BASE + 4 * BLOCK, "write");
    checker.returnToUser();
    expect(rules).to.deep.equal([]);
    return { h, mm, checker, rules };
  }

  it("T-STALE: mprotect takes write permission away and does not flush", () => {
    const { h, mm, checker, rules } = watch(false);
    h.sys.tlb.flushTlbRange = () => undefined;
    expect(doMprotect(mm, BASE as Va, 2 * BLOCK, 1)).to.equal(0);
    checker.returnToUser();
    expect(rules).to.deep.equal(["T-STALE"]);
  });

  it("T-STALE: page tables are freed after a flush of leaf entries only", () => {
    const { h, mm, checker, rules } = watch();
    /* A neighbour keeps the tables above, so that one page table goes and the flush names addresses. */
    h.anon(mm, BASE + 2 ** 21, P);
    h.touch(mm, BASE + 2 ** 21, "write");
    const { tlb } = h.sys;
    const flush = tlb.flushTlbRange.bind(tlb);
    tlb.flushTlbRange = (of, from, to, range) => flush(of, from, to, { ...range, lastLevel: true });
    expect(doMunmap(mm, BASE as Va, 4 * BLOCK)).to.equal(0);
    checker.returnToUser();
    expect(rules).to.deep.equal(["T-STALE"]);
  });

  it("T-STALE: a page table moves (mremap) and the old addresses are not flushed", () => {
    const { h, mm, checker, rules } = watch();
    const PMD = 2 ** 21;
    h.anon(mm, BASE + 16 * PMD, PMD);
    h.touchAll(mm, BASE + 16 * PMD, BASE + 16 * PMD + 4 * BLOCK, "write");
    checker.returnToUser();
    h.sys.tlb.flushTlbRangeAllLevels = () => undefined;
    expect(doMremap(mm, { addr: (BASE + 16 * PMD) as Va, oldLen: PMD, newLen: PMD, flags: 3, newAddr: (BASE + 32 * PMD) as Va })).to.equal(BASE + 32 * PMD);
    checker.returnToUser();
    expect(rules).to.deep.equal(["T-STALE"]);
  });

  it("T-BBM: a page table becomes a block (MADV_COLLAPSE) while its pages may be cached", () => {
    const { h, mm, checker, rules } = watch(false);
    const PMD = 2 ** 21;
    h.anon(mm, BASE + 16 * PMD, PMD);
    h.touchAll(mm, BASE + 16 * PMD, BASE + 17 * PMD, "write");
    checker.returnToUser();
    h.sys.tlb.flushTlbRangeAllLevels = () => undefined;
    expect(doMadvise(mm, (BASE + 16 * PMD) as Va, PMD, 25)).to.equal(0);
    checker.returnToUser();
    expect(rules).to.include("T-BBM");
  });

  it("L-EFFECT: fork leaves the parent's pages writable", () => {
    const { h, mm, checker, rules } = watch();
    const layer = (h.sys.pgtable as unknown as Wrapper).cont;
    layer.wrprotectPtes = () => undefined;
    h.fork(mm);
    checker.returnToUser();
    expect(rules[0]).to.equal("L-EFFECT");
  });

  it("L-ACCOUNT: a map count is off by one", () => {
    const { h, mm, checker, rules } = watch();
    h.sys.pages.mapcount[h.frame(mm, BASE)]!++;
    h.anon(mm, BASE + 16 * BLOCK, P);
    h.touch(mm, BASE + 16 * BLOCK, "write");
    const always = attachChecker({ sys: h.sys, sink: h.sink, mms: () => h.mms, fullEvery: 1, report: ({ rule }) => void rules.push(rule.id) });
    h.anon(mm, BASE + 20 * BLOCK, P);
    h.touch(mm, BASE + 20 * BLOCK, "write");
    always.returnToUser();
    expect(rules).to.include("L-ACCOUNT");
    expect(checker.counts.returns).to.be.greaterThan(0);
  });

  it("T-ASID-REUSE: an ASID goes to other tables without a flush", () => {
    const { checker, rules } = watch();
    checker.runsWith(0x1000 as Pa, 9 as Asid);
    checker.runsWith(0x2000 as Pa, 9 as Asid);
    expect(rules).to.deep.equal(["T-ASID-REUSE"]);
  });
});
