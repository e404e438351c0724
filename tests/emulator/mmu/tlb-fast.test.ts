/**
 * The fast path: what it consumes, and that it leaves everything else untouched.
 */
import { expect } from "chai";
import type { Asid } from "../../../emulator/arch/addr.js";
import { ModelBug } from "../../../emulator/arch/errors.js";
import { granule } from "../../../emulator/arch/granule.js";
import { Arena } from "../../../emulator/mmu/tlb-cells.js";
import { FastPath } from "../../../emulator/mmu/tlb-fast.js";
import type { FastSide } from "../../../emulator/mmu/tlb-fast.js";
import { TlbStorage } from "../../../emulator/mmu/tlb-storage.js";
import { Tlb } from "../../../emulator/mmu/tlb.js";
import type { TlbSpec } from "../../../emulator/mmu/tlb.js";
import { UnitIndex } from "../../../emulator/mmu/unit-index.js";
import { recordWords } from "../../support/filtered-trace.js";

const FETCH = 0;
const READ = 1;
const WRITE = 2;
const L1: TlbSpec = { entries: 2, ways: "full", pageSizes: [4096, 65536], contiguous: "whole", splinter: "largest", coalescedPages: 1, policy: "lru" };
const L2: TlbSpec = { ...L1, entries: 16, ways: 4, pageSizes: [4096, 65536, 2 ** 21] };
/** Level 3, readable and writable; bit 1 is dirty. */
const CLEAN = (3 << 2) | (3 << 9);
const DIRTY = CLEAN | 2;

interface Rig {
  readonly l1i: Tlb;
  readonly l1d: Tlb;
  readonly l2: Tlb;
  readonly arena: Arena;
  readonly path: FastPath;
  readonly misses: Float64Array;
  /** Feeds records and returns how many were consumed. */
  readonly feed: (...records: [page: number, access: number, held?: number][]) => number;
}

function rig(l1 = L1, l2 = L2): Rig {
  const index = new UnitIndex(TlbStorage.inMemory());
  const arena = new Arena(2 * Tlb.cellsOf(l1) + Tlb.cellsOf(l2), 3, index);
  const [i, d, second] = [l1, l1, l2].map((spec) => new Tlb(spec, granule("4k"), 1, arena)) as [Tlb, Tlb, Tlb];
  for (const tlb of [i, d, second]) tlb.setAsid(1 as Asid);
  const side = (tlb: Tlb): FastSide => ({ l1: tlb.header, pins: l1.policy === "lru", l1Orders: tlb.entryOrder, l2: [second.header], pageL2: second.header, runL2: second.header });
  const misses = index.storage.float64(2);
  const path = new FastPath({ arena, instruction: side(i), data: side(d), walker: undefined, pinned: index.storage.int32(256).fill(-1), misses });
  const feed = (...records: [page: number, access: number, held?: number][]): number => {
    const words = Uint32Array.from(records.flatMap(([page, access, held]) => recordWords(page, access, held)));
    return path.consume(index.resolve(words, records.length, 1 as Asid), 0, records.length);
  };
  return { l1i: i, l1d: d, l2: second, arena, path, misses, feed };
}

const fill = (tlb: Tlb, page: number, state = DIRTY, unitOrder = 0): void => tlb.fill(tlb.page(page, 0), false, unitOrder, state, page, 0);
const pages = (tlb: Tlb): number[] => [...tlb].map(({ start }) => start / 4096).sort((a, b) => a - b);

describe("FastPath.consume", () => {
  it("consumes hits and keeps the order of use", () => {
    const { l1d, misses, feed } = rig();
    fill(l1d, 1);
    fill(l1d, 2);
    expect(feed([2, READ], [1, READ], [1, WRITE])).to.equal(3);
    fill(l1d, 3);
    expect(pages(l1d), "page 2 was the oldest").to.deep.equal([1, 3]);
    expect([...misses]).to.deep.equal([0, 0]);
  });

  it("copies from the L2 to a full L1, each side its own, and counts the miss", () => {
    const { l1i, l1d, l2, misses, feed } = rig();
    for (const page of [1, 2, 3]) fill(l2, page);
    for (const tlb of [l1i, l1d]) for (const page of [8, 9]) fill(tlb, page);
    expect(feed([1, READ], [2, FETCH], [1, WRITE], [3, READ])).to.equal(4);
    expect(pages(l1d)).to.deep.equal([1, 3]);
    expect(pages(l1i)).to.deep.equal([2, 9]);
    expect([...misses]).to.deep.equal([1, 2]);
  });

  it("a hit in the L2 counts as its use", () => {
    const { l1d, l2, feed } = rig(L1, { ...L2, entries: 2, ways: "full" });
    fill(l1d, 8);
    fill(l1d, 9);
    fill(l2, 1);
    fill(l2, 2);
    feed([1, READ]);
    fill(l2, 3);
    expect(pages(l2)).to.deep.equal([1, 3]);
  });

  it("stops untouched at what is not its work", () => {
    const cases: [string, (r: Rig) => void, [number, number], boolean][] = [
      ["a page that no one has: a walk is due", () => undefined, [1, READ], true],
      ["a write to a clean entry of the L1", ({ l1d }) => fill(l1d, 1, CLEAN), [1, WRITE], false],
      ["a write to a clean entry of the L2", ({ l1d, l2 }) => [8, 9].forEach((page) => fill(l1d, page)) ?? fill(l2, 1, CLEAN), [1, WRITE], false],
      ["room in the L1", ({ l2 }) => fill(l2, 1), [1, READ], false],
      ["an oldest entry of another class", ({ l1d, l2 }) => [32, 64].forEach((page) => fill(l1d, page, DIRTY, 4)) ?? fill(l2, 1), [1, READ], false],
      ["an entry that the L1 must splinter", ({ l1d, l2 }) => [8, 9].forEach((page) => fill(l1d, page)) ?? fill(l2, 513, DIRTY, 9), [513, READ], false],
    ];
    for (const [name, prepare, record, walkDue] of cases) {
      const made = rig();
      prepare(made);
      const before = [...made.arena.cells];
      expect(made.feed(record), name).to.equal(0);
      expect(made.path.walkIsDue, name).to.equal(walkDue);
      expect([...made.arena.cells], name).to.deep.equal(before);
      expect([...made.misses], name).to.deep.equal([0, 0]);
    }
  });

  it("keeps the entry of a held page whatever else is used; its leaving is its use", () => {
    for (const change of [{}, { entries: 4, ways: 2 }]) {
      const { l1i, l1d, l2, feed } = rig({ ...L1, ...change });
      const sets = change.entries === undefined ? 1 : 2;
      for (const page of [1, 2, 3, 4, 5]) fill(l2, page * sets);
      for (const tlb of [l1i, l1d]) for (const page of [8, 9, ...(sets === 2 ? [10, 11] : [])]) fill(tlb, page * sets + (page > 9 ? 1 : 0));
      const [access, first] = [READ, 1];
      // Page 1 is held as the first, then others come and go as the second.
      expect(feed([1 * sets, access, first], [2 * sets, access, first + 1], [3 * sets, access, first + 1], [4 * sets, access, first + 1])).to.equal(4);
      expect(pages(l1d).filter((page) => page % sets === 0 && page < 8 * sets)).to.deep.equal([1 * sets, 4 * sets]);
      // Page 4 leaves before page 1, so it is the less recent one.
      expect(feed([0, 3, first + 1], [0, 3, first], [5 * sets, access, first])).to.equal(3);
      expect(pages(l1d).filter((page) => page % sets === 0 && page < 8 * sets)).to.deep.equal([1 * sets, 5 * sets]);
      expect(feed([1 * sets, FETCH, 128], [2 * sets, FETCH, 129], [3 * sets, FETCH, 129], [1 * sets, FETCH, 129])).to.equal(4);
      expect(pages(l1i)).to.include(1 * sets);
    }
  });

  it("an entry that translates several held pages stays until the last of them has left", () => {
    const { l1d, l2, feed } = rig();
    for (const page of [32, 64]) fill(l1d, page, DIRTY, 4);
    fill(l2, 96, DIRTY, 4);
    feed([40, READ, 1], [41, READ, 2], [64, READ, 3], [0, 3, 1], [0, 3, 3], [96, READ, 1]);
    expect(pages(l1d), "page 41 is held").to.deep.equal([32, 96]);
    feed([0, 3, 2], [0, 3, 1], [41, READ]);
    fill(l1d, 128, DIRTY, 4);
    expect(pages(l1d)).to.deep.equal([32, 128]);
  });

  it("a page held too many is a bug of whoever holds it, on both sides", () => {
    for (const [access, first] of [[READ, 1], [FETCH, 128]] as const) {
      for (const change of [{}, { entries: 4, ways: 2 }]) {
        const { l1i, l1d, l2, feed } = rig({ ...L1, ...change });
        for (const page of [2, 4, 6]) fill(l2, page);
        for (const tlb of [l1i, l1d]) for (const page of [8, 10, ...(change.entries === undefined ? [] : [9, 11])]) fill(tlb, page);
        expect(feed([2, access, first], [4, access, first + 1])).to.equal(2);
        expect(() => feed([6, access, first + 2]), JSON.stringify(change)).to.throw(ModelBug, "still holds a page");
      }
    }
  });

  it("so is an entry that has to give way for one of its pages while another one is held", () => {
    for (const [access, first] of [[READ, 1], [FETCH, 128]] as const) {
      const { l1i, l1d, l2, feed } = rig();
      fill(l2, 48, DIRTY, 4);
      for (const tlb of [l1i, l1d]) for (const page of [16, 32]) fill(tlb, page, DIRTY, 4);
      expect(feed([16, access, first], [17, access, first + 1], [32, access, first + 2])).to.equal(3);
      expect(() => feed([48, access, first])).to.throw(ModelBug, "still holds a page");
    }
  });

  it("fifo: a hit changes no order", () => {
    const { l1d, feed } = rig({ ...L1, policy: "fifo" });
    fill(l1d, 1);
    fill(l1d, 2);
    feed([1, READ]);
    fill(l1d, 3);
    expect(pages(l1d)).to.deep.equal([2, 3]);
  });

  it("page numbers of 36 bits", () => {
    const { l1d, feed } = rig();
    l1d.fill(l1d.page(5, 15), false, 0, DIRTY, 5, 0);
    expect(feed([15 * 2 ** 32 + 5, READ])).to.equal(1);
    expect(feed([14 * 2 ** 32 + 5, READ])).to.equal(0);
  });
});
