/**
 * The fast path as WebAssembly against the structures' own methods: any sizes, policies and entries, pages held and not.
 */
import { expect } from "chai";
import fc from "fast-check";
import type { Asid } from "../../../emulator/arch/addr.js";
import { granule } from "../../../emulator/arch/granule.js";
import { Arena } from "../../../emulator/mmu/tlb-cells.js";
import { FastPath } from "../../../emulator/mmu/tlb-fast.js";
import type { FastSide } from "../../../emulator/mmu/tlb-fast.js";
import { pin, unpin } from "../../../emulator/mmu/tlb-place.js";
import { TlbStorage } from "../../../emulator/mmu/tlb-storage.js";
import { Tlb } from "../../../emulator/mmu/tlb.js";
import type { TlbSpec } from "../../../emulator/mmu/tlb.js";
import { UnitIndex } from "../../../emulator/mmu/unit-index.js";
import { recordWords, TraceFilter } from "../../support/filtered-trace.js";
import { seededAssert } from "../../support/seed.js";

const [FETCH, WRITE, LEAVE] = [0, 2, 3];
const DIRTY_BIT = 2;
/** Level 3, readable and writable. */
const CLEAN = (3 << 2) | (3 << 9);

const L1S: readonly Partial<TlbSpec>[] = [
  { entries: 6, ways: "full" }, { entries: 8, ways: 4 }, { entries: 8, ways: 2 }, { entries: 40, ways: 20 }, { entries: 5, ways: "full", pageSizes: [4096] },
  { entries: 4, ways: "full", contiguous: "ignored" }, { entries: 6, ways: "full", policy: "fifo" }, { entries: 8, ways: 4, splinter: "page" },
];
const L2S: readonly (readonly Partial<TlbSpec>[])[] = [
  [{ entries: 32, ways: 4 }], [{ entries: 64, ways: "full" }], [{ entries: 20, ways: 5, pageSizes: [4096] }, { entries: 8, ways: 2, pageSizes: [65536, 2 ** 21] }], [{ entries: 64, ways: 4, policy: "fifo" }],
];
const BASE: TlbSpec = { entries: 1, ways: "full", pageSizes: [4096, 65536, 2 ** 21], contiguous: "whole", splinter: "largest", coalescedPages: 1, policy: "lru" };

/** A hierarchy of which one half of the tests uses the fast path where it can, and the other never does. */
class Hierarchy {
  readonly structures: readonly Tlb[];
  readonly misses = [0, 0];
  readonly path: FastPath;
  private readonly pinnedCells: Int32Array;
  private readonly missCells: Float64Array;
  consumed = 0;
  private readonly index = new UnitIndex(TlbStorage.inMemory());
  private readonly arena: Arena;
  private readonly pinned = new Map<number, number>();
  private readonly pins: boolean;

  constructor(l1: TlbSpec, l2: readonly TlbSpec[]) {
    const specs = [l1, l1, ...l2];
    this.arena = new Arena(specs.reduce((sum, spec) => sum + Tlb.cellsOf(spec), 0), specs.length, this.index);
    this.structures = specs.map((spec) => new Tlb(spec, granule("4k"), 1, this.arena));
    for (const tlb of this.structures) tlb.setAsid(1 as Asid);
    this.pins = l1.policy === "lru";
    const { storage } = this.index;
    const headers = this.structures.slice(2).map(({ header }) => header);
    this.pinnedCells = storage.int32(256).fill(-1);
    this.missCells = storage.float64(2);
    const side = (tlb: Tlb): FastSide => ({ l1: tlb.header, pins: this.pins, l1Orders: tlb.entryOrder, l2: headers, pageL2: -1, runL2: -1 });
    this.path = new FastPath({ arena: this.arena, instruction: side(this.structures[0]!), data: side(this.structures[1]!), walker: undefined, pinned: this.pinnedCells, misses: this.missCells });
  }

  /** What a walk leaves: pages of every 16th group of 16 are contiguous runs, of every 7th block of 512 one block. */
  private fill(page: number, l1: Tlb, write: boolean): void {
    const order = Math.floor(page / 512) % 7 === 6 ? 9 : Math.floor(page / 16) % 16 === 15 ? 4 : 0;
    const state = CLEAN | (write || page % 3 > 0 ? DIRTY_BIT : 0);
    const of = (tlb: Tlb): number => tlb.page(page, 0);
    const l2 = this.structures.slice(2).find((tlb) => tlb.orderFor(order, order) >= 0)!;
    l2.fill(of(l2), false, order, state, page, 0);
    l1.fill(of(l1), false, order, state, page, 0);
  }

  private touch(page: number, access: number): void {
    const l1 = this.structures[access === FETCH ? 0 : 1]!;
    const unit = l1.page(page, 0);
    const entry = l1.lookup(unit);
    if (entry >= 0) {
      if (access === WRITE) l1.setDirty(entry);
      return;
    }
    this.misses[access === FETCH ? 0 : 1]!++;
    for (const next of this.structures.slice(2)) {
      const found = next.lookup(unit);
      if (found < 0) continue;
      if (access === WRITE) next.setDirty(found);
      l1.fillFrom(next, found, unit);
      return;
    }
    this.fill(page, l1, access === WRITE);
  }

  private leave(held: number): void {
    const entry = this.pinned.get(held);
    this.pinned.delete(held);
    if (entry !== undefined) unpin(this.arena, this.arena.cells, this.structures[held < 128 ? 1 : 0]!.header, entry);
  }

  /** All of a record by the structures' own methods. */
  slow(page: number, access: number, held: number): void {
    if (held !== 0) this.leave(held);
    if (access === LEAVE) return;
    this.touch(page, access);
    if (held === 0 || !this.pins) return;
    const l1 = this.structures[access === FETCH ? 0 : 1]!;
    const entry = l1.peek(l1.page(page, 0));
    pin(this.arena, this.arena.cells, l1.header, entry);
    this.pinned.set(held, entry);
  }

  /** The record by the fast path, or what it leaves of it as above. */
  fast(page: number, access: number, held: number): void {
    for (const [number, entry] of this.pinned) this.pinnedCells[number] = entry;
    const records = this.index.resolve(Uint32Array.from(recordWords(page, access, held)), 1, 1 as Asid);
    const done = this.path.consume(records, 0, 1);
    this.pinned.clear();
    this.pinnedCells.forEach((entry, number) => {
      if (entry >= 0) this.pinned.set(number, entry);
    });
    this.pinnedCells.fill(-1);
    this.consumed += done;
    if (done === 0) this.slow(page, access, held);
  }

  /** Entries by place and by class, classes that are looked for, misses of both ways, and pins. */
  state(): unknown {
    const { cells } = this.arena;
    const entries = this.structures.map((tlb) => [...tlb].map(({ start, end, dirty, frame }) => [start, end, dirty, frame]));
    const [END_PROBE, COUNTS, CLASSES] = [4, 10, 256];
    const counts = this.structures.map(({ header }) => [...cells.subarray(cells[header | COUNTS], cells[header | COUNTS]! + CLASSES)]);
    return { entries, counts, probes: this.structures.map(({ header }) => cells[header | END_PROBE]), misses: this.misses.map((n, side) => n + this.missCells[side]!), pins: [...this.pinned].sort(([a], [b]) => a - b).map(([held, entry]) => [held, entry, cells[entry | 5]]) };
  }
}

describe("the code of FastPath.consume", () => {
  it("leaves the structures as their own methods do, whatever they are", () => {
    let consumed = 0;
    const page = fc.oneof({ weight: 6, arbitrary: fc.nat(20) }, { weight: 2, arbitrary: fc.nat(300) }, { weight: 1, arbitrary: fc.nat(4000) });
    const access = fc.record({ page, access: fc.nat(WRITE) });
    const part = fc.oneof({ weight: 3, arbitrary: fc.array(access, { minLength: 50, maxLength: 250 }) }, { weight: 1, arbitrary: fc.constant("leave" as const) });
    seededAssert(fc.property(fc.constantFrom(...L1S), fc.constantFrom(...L2S), fc.array(part, { minLength: 3, maxLength: 8 }), fc.boolean(), (l1, l2, parts, deep) => {
      const specs = [{ ...BASE, ...l1 }, l2.map((each) => ({ ...BASE, ...each }))] as const;
      const [one, other] = [new Hierarchy(...specs), new Hierarchy(...specs)];
      // Two pages of data and two of code, so that every set has room; or as many as a structure of one set has entries, all of which are pinned then.
      const depth = l1.policy === "fifo" ? 1 : deep && l1.ways === "full" ? l1.entries! : 2;
      const filter = new TraceFilter({ data: depth, code: depth });
      for (const each of parts) {
        const words = each === "leave" ? filter.leave() : filter.trace(each);
        for (let at = 0; at < words.length; at += 2) {
          const record = [words[at]!, words[at + 1]! & 3, words[at + 1]! >>> 10] as const;
          one.fast(...record);
          other.slow(...record);
          if (at % 16 === 0 || at === words.length - 2) expect(one.state()).to.deep.equal(other.state());
        }
      }
      consumed += one.consumed;
    }), 60);
    expect(consumed, "records that the code served").to.be.greaterThan(1000);
  });
});
