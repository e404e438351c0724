/**
 * Miss curves from one pass equal separate simulations, with runs, blocks, several address spaces and TLB maintenance.
 */
import { expect } from "chai";
import type { Asid, Va } from "../../../emulator/arch/addr.js";
import { ModelBug } from "../../../emulator/arch/errors.js";
import { granule } from "../../../emulator/arch/granule.js";
import { PhysicalMemory } from "../../../emulator/memory/physical-memory.js";
import { corePreset } from "../../../emulator/mmu/cores.js";
import { Mmu } from "../../../emulator/mmu/mmu.js";
import { PlaceTree, StackDistances, popLatest, pushLatest } from "../../../emulator/mmu/stack-distance.js";
import type { Tlbi } from "../../../emulator/mmu/tlbi.js";
import { PageTables } from "./page-table-builder.js";

const ANON = 0x00e8_0000_0000_0f43n;
const CONT = 1n << 52n;
const G4K = granule("4k");
const ENTRY = { pageSizes: [4096, 65536, 2 ** 21], contiguous: "whole", splinter: "largest" } as const;
const SIZES = [1, 2, 3, 5, 8, 13, 21, 34, 55, 200];

const words = (pages: readonly number[], access = 1): Uint32Array => Uint32Array.from(pages.flatMap((page) => [page, access]));

/** Misses of one fully associative LRU TLB, by the MMU model. */
function simulated(memory: PhysicalMemory, entries: number): Mmu {
  const base = corePreset("neoverse-n1");
  const core = { ...base, l1d: { ...base.l1d, ...ENTRY, entries, ways: "full" as const, policy: "lru" as const }, l2: [], walkCache: undefined };
  return new Mmu({ core, memory, granule: G4K, updatesDescriptors: false, seed: 1 });
}

describe("StackDistances", () => {
  it("a loop over n pages: all misses below n entries, none from n on", () => {
    const tables = new PageTables();
    const pages = Array.from({ length: 10 }, (_, i) => i);
    for (const page of pages) tables.map(page * 4096, 3, ANON | BigInt(page * 8192));
    const curve = new StackDistances({ memory: tables.memory, granule: G4K, entry: ENTRY, side: "data" });
    curve.setRegime(tables.regime());
    for (let round = 0; round < 4; round++) curve.consume(words(pages), pages.length);
    expect([1, 9, 10, 11].map((entries) => curve.misses(entries))).to.deep.equal([40, 40, 10, 10]);
    expect(curve.touches).to.equal(40);
  });

  it("a contiguous run counts as one translation", () => {
    const tables = new PageTables();
    const pages = Array.from({ length: 32 }, (_, i) => i);
    for (const page of pages) tables.map(page * 4096, 3, ANON | CONT | BigInt(page * 4096));
    const curve = new StackDistances({ memory: tables.memory, granule: G4K, entry: ENTRY, side: "data" });
    curve.setRegime(tables.regime());
    for (let round = 0; round < 3; round++) curve.consume(words(pages), 32);
    expect([1, 2].map((entries) => curve.misses(entries))).to.deep.equal([6, 2]);
  });

  it("counts the side asked for", () => {
    const tables = new PageTables();
    tables.map(0, 3, 0x0020_0000_0000_0fc3n);
    const touches = (side: "instruction" | "data" | "both"): number => {
      const curve = new StackDistances({ memory: tables.memory, granule: G4K, entry: ENTRY, side });
      curve.setRegime(tables.regime());
      curve.consume(words([0, 0, 0], 0), 3);
      curve.consume(words([0, 0]), 2);
      return curve.touches;
    };
    expect([touches("instruction"), touches("data"), touches("both")]).to.deep.equal([3, 2, 5]);
  });

  it("refuses an access that the tables do not allow, or before any table", () => {
    const tables = new PageTables();
    const curve = new StackDistances({ memory: tables.memory, granule: G4K, entry: ENTRY, side: "data" });
    expect(() => curve.consume(words([1]), 1)).to.throw(ModelBug, "before the first setRegime");
    curve.setRegime(tables.regime());
    expect(() => curve.consume(words([1]), 1)).to.throw(ModelBug, "translation fault");
  });

  it("equals separate simulations at ten sizes, on random traces with maintenance", () => {
    for (let seed = 1; seed <= 25; seed++) {
      let state = seed * 7919;
      const below = (bound: number): number => {
        state = (Math.imul(state, 1664525) + 1013904223) | 0;
        return ((state >>> 5) ^ (state >>> 17)) % bound;
      };
      const memory = new PhysicalMemory(64 * 2 ** 20);
      const spaces = [1, 2].map((asid) => ({ asid, tables: new PageTables("4k", 48, 0, memory, asid * 2 ** 22), pages: [] as number[] }));
      for (const { tables, pages } of spaces) {
        for (let group = 0; group < 10; group++) {
          const first = group * 16;
          const run = below(3) === 0;
          for (let page = first; page < first + 16; page++) {
            tables.map(page * 4096, 3, ANON | (run ? CONT : 0n) | BigInt(page * 4096));
            pages.push(page);
          }
        }
        tables.map(2 ** 30, 2, (ANON & ~2n) | 0x20_0000n);
        pages.push(2 ** 18, 2 ** 18 + 77);
      }
      // A small tree, so that times are renumbered often.
      const curve = new StackDistances({ memory, granule: G4K, entry: ENTRY, side: "data" }, 64);
      const machines = SIZES.map((entries) => simulated(memory, entries));
      const listeners = [curve, ...machines];
      let current = spaces[0]!;
      for (let step = 0; step < 40; step++) {
        if (step === 0 || below(4) === 0) {
          current = spaces[below(2)]!;
          for (const listener of listeners) listener.setRegime(current.tables.regime({ asid: current.asid }));
        }
        if (below(2) === 0) {
          const page = current.pages[below(current.pages.length)]!;
          const operation: Tlbi = {
            op: (["vale1is", "rvae1is", "rvale1is", "vae1is", "aside1is", "vmalle1is"] as const)[below(12) < 10 ? below(4) : below(6)]!,
            asid: (1 + below(2)) as Asid,
            start: (page * 4096) as Va,
            end: ((page + [1, 4, 40][below(3)]!) * 4096) as Va,
            level: ([undefined, undefined, 2, 3] as const)[below(4)],
          };
          for (const listener of listeners) listener.tlbi(operation);
        }
        const base = below(current.pages.length);
        const pages = Array.from({ length: 1 + below(60) }, () => current.pages[(base + below(below(3) === 0 ? 160 : 25)) % current.pages.length]!);
        for (const listener of listeners) listener.consume(words(pages), pages.length);
      }
      const separate = machines.map((machine) => machine.stats({ instructions: 0, loads: 0, stores: 0 }).l1d.misses);
      expect(SIZES.map((entries) => curve.misses(entries)), `seed ${seed}`).to.deep.equal(separate);
    }
  });
});

describe("parts of the stack", () => {
  it("PlaceTree counts from a time on", () => {
    const tree = new PlaceTree(20);
    for (const time of [0, 3, 4, 19]) tree.add(time, 1);
    tree.add(3, -1);
    expect([0, 1, 3, 4, 5, 19].map((time) => tree.countFrom(time))).to.deep.equal([3, 2, 2, 2, 1, 1]);
    expect(tree.countFrom(20)).to.equal(0);
  });

  it("the heap gives the latest first", () => {
    const heap: number[] = [];
    const values = [5, 1, 9, 3, 9, 2, 8, 0, 7];
    for (const value of values) pushLatest(heap, value);
    expect(values.map(() => popLatest(heap))).to.deep.equal([9, 9, 8, 7, 5, 3, 2, 1, 0]);
    expect(heap).to.deep.equal([]);
  });
});
