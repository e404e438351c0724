/**
 * One TLB structure: sizes, sets, ASIDs, coalescing, maintenance.
 */
import { expect } from "chai";
import type { Asid, Va } from "../../../emulator/arch/addr.js";
import { ModelBug } from "../../../emulator/arch/errors.js";
import { granule } from "../../../emulator/arch/granule.js";
import type { Level } from "../../../emulator/arch/granule.js";
import { Arena } from "../../../emulator/mmu/tlb-cells.js";
import { PINS } from "../../../emulator/mmu/tlb-layout.js";
import { Tlb } from "../../../emulator/mmu/tlb.js";
import type { TlbSpec } from "../../../emulator/mmu/tlb.js";
import { matchTlbi } from "../../../emulator/mmu/tlbi.js";
import type { Tlbi } from "../../../emulator/mmu/tlbi.js";

const K = 1024;
const M = 1024 * K;
const SPEC: TlbSpec = { entries: 8, ways: 2, pageSizes: [4 * K, 64 * K, 2 * M], contiguous: "whole", splinter: "largest", coalescedPages: 1, policy: "lru" };
const G4K = granule("4k");
/** State bits: dirty 1, level from bit 2, leafOrder from bit 4, perms from bit 9. */
const leaf = (level: number, leafOrder = 0, dirty = true): number => (dirty ? 2 : 0) | (level << 2) | (leafOrder << 4) | (3 << 9);

const make = (changes: Partial<TlbSpec> = {}, asid = 1): Tlb => {
  const tlb = new Tlb({ ...SPEC, ...changes }, G4K, 1);
  tlb.setAsid(asid as Asid);
  return tlb;
};
const fillPage = (tlb: Tlb, page: number, frame = page): void => tlb.fill(tlb.page(page | 0, Math.floor(page / 2 ** 32)), false, 0, leaf(3), frame, 0);
const ranges = (tlb: Tlb): string[] => [...tlb].map(({ start, end }) => `${start / 4096}-${end / 4096}`).sort();

describe("Tlb", () => {
  it("finds what was filled, in the ASID in which it was filled", () => {
    const tlb = make();
    fillPage(tlb, 0x8_1234_5678, 99);
    const entry = tlb.lookup(tlb.page(0x1234_5678, 8));
    expect(tlb.frameFor(entry, 0x1234_5678)).to.equal(99);
    expect(tlb.lookup(tlb.page(0x1234_5678, 7))).to.equal(-1);
    expect(tlb.lookup(tlb.page(0x1234_5679, 8))).to.equal(-1);
    tlb.setAsid(2 as Asid);
    expect(tlb.lookup(tlb.page(0x1234_5678, 8))).to.equal(-1);
    tlb.setAsid(1 as Asid);
    expect(tlb.lookup(tlb.page(0x1234_5678, 8))).to.equal(entry);
    expect(tlb.size).to.equal(1);
  });

  it("ASIDs of all 16 bits are apart", () => {
    const tlb = make({ entries: 4, ways: "full" });
    for (const asid of [0, 1, 0x8000, 0xffff]) {
      tlb.setAsid(asid as Asid);
      fillPage(tlb, 5, asid);
    }
    for (const asid of [0, 1, 0x8000, 0xffff]) {
      tlb.setAsid(asid as Asid);
      expect(tlb.frameFor(tlb.lookup(tlb.page(5, 0)), 5)).to.equal(asid);
    }
    expect([...tlb].map((entry) => entry.asid as number).sort((a, b) => a - b)).to.deep.equal([0, 1, 0x8000, 0xffff]);
  });

  it("a global entry is found in every ASID and survives aside1is", () => {
    const tlb = make();
    tlb.fill(tlb.page(5, 0), true, 0, leaf(3), 5, 0);
    tlb.setAsid(9 as Asid);
    expect(tlb.isGlobal(tlb.lookup(tlb.page(5, 0)))).to.equal(true);
    tlb.tlbi({ op: "aside1is", asid: 1 as Asid, start: 0 as Va, end: 0 as Va, level: undefined });
    expect(tlb.size).to.equal(1);
    tlb.tlbi({ op: "vale1is", asid: 4 as Asid, start: 0x5000 as Va, end: 0x6000 as Va, level: undefined });
    expect(tlb.size).to.equal(0);
  });

  it("sets are the low bits of the page number of the entry's size", () => {
    const tlb = make();
    for (const page of [0, 4, 8]) fillPage(tlb, page);
    expect(ranges(tlb)).to.deep.equal(["4-5", "8-9"]);
    fillPage(tlb, 1);
    expect(ranges(tlb)).to.deep.equal(["1-2", "4-5", "8-9"]);
    // A run of 16 pages at page 64: unit 4, set 0.
    tlb.fill(tlb.page(64, 0), false, 4, leaf(3), 64, 0);
    expect(ranges(tlb)).to.deep.equal(["1-2", "64-80", "8-9"]);
  });

  it("caches a translation as the largest size held, around the page asked for", () => {
    const cases: [Partial<TlbSpec>, number, number, string][] = [
      [{}, 4, 0, "1008-1024"],
      [{ pageSizes: [4 * K, 16 * K] }, 4, 0, "1020-1024"],
      [{ pageSizes: [4 * K] }, 4, 0, "1023-1024"],
      [{ splinter: "page" }, 4, 0, "1023-1024"],
      [{ contiguous: "ignored" }, 4, 0, "1023-1024"],
      [{}, 9, 9, "512-1024"],
      [{}, 13, 9, "512-1024"],
      [{ contiguous: "ignored" }, 13, 9, "512-1024"],
      [{ splinter: "page" }, 9, 9, "1023-1024"],
      [{ pageSizes: [4 * K, 32 * M] }, 13, 9, "0-8192"],
    ];
    for (const [changes, unitOrder, leafOrder, expected] of cases) {
      const tlb = make(changes);
      tlb.fill(tlb.page(1023, 0), false, unitOrder, leaf(leafOrder === 0 ? 3 : 2, leafOrder), 5000 + 1023, 0);
      expect(ranges(tlb), JSON.stringify(changes)).to.deep.equal([expected]);
      const [start] = expected.split("-").map(Number);
      expect([...tlb][0]!.frame).to.equal(5000 + start!);
      expect(tlb.frameFor(tlb.lookup(tlb.page(1023, 0)), 1023)).to.equal(6023);
    }
  });

  it("fillFrom takes over what fits and splinters what does not", () => {
    const l2 = make({ entries: 16, ways: 4, pageSizes: [4 * K, 64 * K, 2 * M, 32 * M] });
    l2.fill(l2.page(8000, 0), false, 13, leaf(2, 9, false), 8000, 0);
    const entry = l2.lookup(l2.page(8000, 0));
    const l1 = make();
    l1.fillFrom(l2, entry, l1.page(8000, 0));
    expect(ranges(l1)).to.deep.equal(["7680-8192"]);
    expect([...l1][0]).to.include({ frame: 7680, dirty: false, level: 2, asid: 1 });
    const pages = make({ contiguous: "ignored", pageSizes: [4 * K] });
    pages.fillFrom(l2, entry, pages.page(8000, 0));
    expect(ranges(pages)).to.deep.equal(["8000-8001"]);
    const same = make({ pageSizes: [4 * K, 32 * M] });
    same.fillFrom(l2, entry, same.page(8000, 0));
    expect(ranges(same)).to.deep.equal(["0-8192"]);
  });

  it("a coalesced entry hits on its valid pages only and grows when walked again", () => {
    const tlb = make({ coalescedPages: 4 });
    fillPage(tlb, 6, 106);
    tlb.fill(tlb.page(5, 0), false, 0, leaf(3), 105, 0b0110);
    expect(ranges(tlb), "the page that stood alone is in the group now").to.deep.equal(["5-6", "6-7"]);
    expect(tlb.size).to.equal(1);
    expect(tlb.lookup(tlb.page(4, 0))).to.equal(-1);
    expect(tlb.frameFor(tlb.lookup(tlb.page(6, 0)), 6)).to.equal(106);
    tlb.fill(tlb.page(7, 0), false, 0, leaf(3), 107, 0b1110);
    expect(tlb.size).to.equal(1);
    expect(ranges(tlb)).to.deep.equal(["5-6", "6-7", "7-8"]);
    tlb.tlbi({ op: "vale1is", asid: 1 as Asid, start: 0x6000 as Va, end: 0x7000 as Va, level: 3 });
    expect(ranges(tlb)).to.deep.equal(["5-6", "7-8"]);
    tlb.dropCoalescedPage(tlb.lookup(tlb.page(5, 0)), 5);
    tlb.dropCoalescedPage(tlb.lookup(tlb.page(7, 0)), 7);
    expect(tlb.size).to.equal(0);
  });

  it("peek leaves the order of replacement alone, lookup does not", () => {
    const tlb = make({ entries: 2, ways: "full" });
    fillPage(tlb, 1);
    fillPage(tlb, 2);
    tlb.peek(tlb.page(1, 0));
    fillPage(tlb, 3);
    expect(ranges(tlb)).to.deep.equal(["2-3", "3-4"]);
    tlb.lookup(tlb.page(2, 0));
    fillPage(tlb, 4);
    expect(ranges(tlb)).to.deep.equal(["2-3", "4-5"]);
  });

  it("table entries are found by level only, never as translations", () => {
    const tlb = make();
    tlb.fillTable(tlb.page(0x12345, 0), 9, 2, 777, 5);
    expect(tlb.lookup(tlb.page(0x12345, 0))).to.equal(-1);
    const entry = tlb.findTable(tlb.page(0x12200, 0), 9);
    expect([tlb.tableIndexOf(entry), tlb.forbidsOf(entry)]).to.deep.equal([777, 5]);
    expect(tlb.findTable(tlb.page(0x12345, 0), 18)).to.equal(-1);
    expect(tlb.findTable(tlb.page(0x12400, 0), 9)).to.equal(-1);
    tlb.fillTable(tlb.page(0x12346, 0), 9, 2, 888, 0);
    expect(tlb.tableIndexOf(entry), "the same descriptor is kept once").to.equal(777);
    expect(tlb.size).to.equal(1);
  });

  it("a victim whose page the trace filter holds is a bug of whoever holds too many", () => {
    for (const policy of ["lru", "tree-plru"] as const) {
      const spec = { ...SPEC, entries: 2, ways: "full", policy } as const;
      const arena = new Arena(Tlb.cellsOf(spec), 1);
      const tlb = new Tlb(spec, G4K, 1, arena);
      for (const page of [1, 2]) {
        fillPage(tlb, page);
        arena.cells[tlb.peek(tlb.page(page, 0)) | PINS] = 1;
      }
      expect(() => { fillPage(tlb, 3); }, policy).to.throw(ModelBug, "still holds a page");
    }
  });

  it("refuses sets that are no power of two", () => {
    expect(() => make({ entries: 12, ways: 2 })).to.throw(ModelBug, "12 entries in 2 ways");
  });

  it("tlbi removes exactly what matchTlbi names", () => {
    const seed = 77;
    let state = seed;
    const below = (bound: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return ((state >>> 5) ^ (state >>> 17)) % bound;
    };
    for (let round = 0; round < 300; round++) {
      const tlb = make({ entries: 64, ways: 4, pageSizes: [4 * K, 16 * K, 64 * K, 2 * M, 1024 * M] });
      for (let i = 0; i < 60; i++) {
        tlb.setAsid((1 + below(3)) as Asid);
        const page = below(4) * 2 ** below(33) + below(600);
        const [unitOrder, leafOrder, level] = [[0, 0, 3], [4, 0, 3], [9, 9, 2], [18, 18, 1]][below(4)] as [number, number, Level];
        if (below(5) === 0) tlb.fillTable(tlb.page(page | 0, Math.floor(page / 2 ** 32)), [9, 18, 27][below(3)]!, [2, 1, 0][below(3)] as Level, 1, 0);
        else if (tlb.peek(tlb.page(page | 0, Math.floor(page / 2 ** 32))) < 0) tlb.fill(tlb.page(page | 0, Math.floor(page / 2 ** 32)), below(8) === 0, unitOrder, leaf(level, leafOrder), page % 2 ** 20, 0);
      }
      const first = below(4) * 2 ** below(33) + below(600);
      const operation: Tlbi = {
        op: (["vae1is", "vale1is", "rvae1is", "rvale1is", "aside1is", "vmalle1is"] as const)[below(6)]!,
        asid: (1 + below(3)) as Asid,
        start: (first * 4096) as Va,
        end: ((first + [1, 2, 16, 512, 70000][below(5)]!) * 4096) as Va,
        level: ([undefined, 1, 2, 3] as const)[below(4)],
      };
      const expected = [...tlb].filter((entry) => !matchTlbi(operation, entry));
      tlb.tlbi(operation);
      expect([...tlb], `seed ${seed}, round ${round}, ${JSON.stringify(operation)}`).to.deep.equal(expected);
    }
  });
});
