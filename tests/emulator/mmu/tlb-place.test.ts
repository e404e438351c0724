/**
 * The order of use over the cells: the same victims as the policy objects choose.
 */
import { expect } from "chai";
import type { Asid } from "../../../emulator/arch/addr.js";
import { ModelBug } from "../../../emulator/arch/errors.js";
import { granule } from "../../../emulator/arch/granule.js";
import { Arena } from "../../../emulator/mmu/tlb-cells.js";
import { canReplace, oldestOf, pin, refresh, replace, setOf, unpin } from "../../../emulator/mmu/tlb-place.js";
import { Tlb } from "../../../emulator/mmu/tlb.js";
import type { TlbSpec } from "../../../emulator/mmu/tlb.js";
import { Random } from "../../support/random-instructions.js";
import { runSeed } from "../../support/seed.js";

const SPEC: TlbSpec = { entries: 16, ways: 4, pageSizes: [4096, 65536], contiguous: "whole", splinter: "largest", coalescedPages: 1, policy: "lru" };
/** Level 3, readable and writable, dirty. */
const DIRTY = 2 | (3 << 2) | (3 << 9);
/** The same as a plain page in an entry: valid, all pages. */
const ENTRY = DIRTY | 1 | (0xff << 16);

function make(spec: TlbSpec): { tlb: Tlb; arena: Arena } {
  const arena = new Arena(Tlb.cellsOf(spec), 1);
  const tlb = new Tlb(spec, granule("4k"), 1, arena);
  tlb.setAsid(1 as Asid);
  return { tlb, arena };
}

describe("the place of a new entry", () => {
  const kinds: readonly [string, Partial<TlbSpec>][] = [
    ["time stamps", {}],
    ["one ring", { ways: "full" }],
    ["rings", { entries: 64, ways: 32 }],
    ["fifo", { policy: "fifo" }],
    ["one way", { ways: 1 }],
  ];
  for (const [name, change] of kinds) {
    it(`${name}: what the structure itself would replace, whatever was used`, () => {
      const spec = { ...SPEC, ...change };
      const [own, over] = [make(spec), make(spec)];
      const seed = 0x1ace;
      let state = seed;
      const below = (bound: number): number => {
        state = (Math.imul(state, 1664525) + 1013904223) | 0;
        return (state >>> 8) % bound;
      };
      for (let page = 0; page < spec.entries; page++) for (const { tlb } of [own, over]) tlb.fill(tlb.page(page, 0), false, 0, DIRTY, page, 0);
      for (let i = 0; i < 2000; i++) {
        const page = below(2 * spec.entries);
        const number = own.tlb.page(page, 0);
        if (own.tlb.lookup(number) < 0) own.tlb.fill(number, false, 0, DIRTY, page, 0);
        const { arena, tlb } = over;
        const unit = tlb.page(page, 0);
        const entry = tlb.peek(unit);
        if (entry >= 0) {
          refresh(arena, arena.cells, tlb.header, entry);
        } else {
          const set = setOf(arena, arena.cells, tlb.header, unit);
          const place = oldestOf(arena.cells, tlb.header, set);
          expect(canReplace(arena.cells, tlb.header, place, 0)).to.equal(true);
          replace(arena, arena.cells, tlb.header, set, place, unit, ENTRY, page);
        }
        if (i % 50 === 0) expect([...tlb], `seed ${seed}, step ${i}`).to.deep.equal([...own.tlb]);
      }
    });
  }

  for (const [name, change] of [kinds[0]!, kinds[1]!, kinds[2]!] as const) {
    it(`${name}: never an entry that is pinned; what pins no longer was used just now`, () => {
      const spec = { ...SPEC, ...change };
      const { tlb, arena } = make(spec);
      const { cells } = arena;
      const sets = spec.ways === "full" ? 1 : spec.entries / spec.ways;
      const random = new Random(runSeed());
      /** By set: pages by last use, the oldest first; and how often each is pinned. */
      const orders = Array.from({ length: sets }, (): number[] => []);
      const pins = new Map<number, number>();
      const entryOf = (page: number): number => tlb.peek(tlb.page(page, 0));
      const use = (order: number[], page: number): void => {
        const at = order.indexOf(page);
        if (at >= 0) order.splice(at, 1);
        order.push(page);
      };
      for (let page = 0; page < spec.entries; page++) {
        tlb.fill(tlb.page(page, 0), false, 0, DIRTY, page, 0);
        use(orders[page % sets]!, page);
      }
      for (let i = 0; i < 4000; i++) {
        const set = random.below(sets);
        const order = orders[set]!;
        const page = random.pick(order);
        const count = pins.get(page) ?? 0;
        const free = order.filter((each) => (pins.get(each) ?? 0) === 0);
        switch (random.below(4)) {
          case 0:
            if (count === 0 && free.length === 1) break;
            tlb.lookup(tlb.page(page, 0));
            pin(arena, cells, tlb.header, entryOf(page));
            pins.set(page, count + 1);
            break;
          case 1:
            if (count === 0) break;
            unpin(arena, cells, tlb.header, entryOf(page));
            pins.set(page, count - 1);
            if (count === 1) use(order, page);
            break;
          case 2:
            // A use of what is pinned already, which changes nothing.
            if (count === 0) break;
            if (random.below(2) === 0) tlb.lookup(tlb.page(page, 0));
            else refresh(arena, cells, tlb.header, entryOf(page));
            break;
          default: {
            if (free.length < 2) break;
            expect(oldestOf(cells, tlb.header, set), `step ${i}`).to.equal(entryOf(free[0]!));
            const fresh = spec.entries * (1 + i) + set;
            tlb.fill(tlb.page(fresh, 0), false, 0, DIRTY, fresh, 0);
            pin(arena, cells, tlb.header, entryOf(fresh));
            pins.set(fresh, 1);
            order.splice(order.indexOf(free[0]!), 1);
            use(order, fresh);
          }
        }
        if (i % 1000 === 999) tlb.rewind();
      }
      expect(() => tlb.invalidateAll()).to.throw(ModelBug, "still holds a page");
    });
  }

  it("is not free for a class that comes or goes, or while a way is invalid", () => {
    const { tlb, arena } = make({ ...SPEC, entries: 3, ways: "full" });
    const { cells } = arena;
    const fill = (page: number, order: number): void => tlb.fill(tlb.page(page, 0), false, order, DIRTY, page, 0);
    fill(1, 0);
    fill(2, 0);
    expect(canReplace(cells, tlb.header, oldestOf(cells, tlb.header, 0), 0), "an invalid way").to.equal(false);
    fill(16, 4);
    const page = tlb.peek(tlb.page(1, 0));
    const run = tlb.peek(tlb.page(16, 0));
    expect(canReplace(cells, tlb.header, page, 0), "page for page").to.equal(true);
    expect(canReplace(cells, tlb.header, page, 4), "run for page").to.equal(true);
    expect(canReplace(cells, tlb.header, page, 9), "first block").to.equal(false);
    expect(canReplace(cells, tlb.header, run, 0), "page for the last run").to.equal(false);
    expect(canReplace(cells, tlb.header, run, 4), "run for run").to.equal(true);
  });
});
