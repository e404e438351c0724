/**
 * A filtered batch does to every hierarchy that allows the filter's depth what the whole batch does.
 */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { ModelBug } from "../../../emulator/arch/errors.js";
import { granule } from "../../../emulator/arch/granule.js";
import { CORE_NAMES, corePreset } from "../../../emulator/mmu/cores.js";
import { Mmu } from "../../../emulator/mmu/mmu.js";
import { RecordFilter } from "../../../emulator/mmu/record-filter.js";
import { exactFilterPages } from "../../../emulator/mmu/tlb-policy.js";
import { UnitIndex } from "../../../emulator/mmu/unit-index.js";
import { PageTables } from "./page-table-builder.js";

const ANON = 0x00a8_0000_0000_0f43n;
const CLEAN = 0x0028_0000_0000_0fc3n;
const CONT = 1n << 52n;
const ZERO = { instructions: 0, loads: 0, stores: 0 };

/** "r1 w1 b2 f3": a read and a write of page 1, both of page 2 in one record, a fetch from page 3. */
const LETTERS = "frwb";

function batch(text: string): Int32Array {
  return Int32Array.from(text.split(" ").filter((word) => word !== ""), (word) => (Number(word.slice(1)) << 2) | LETTERS.indexOf(word[0]!));
}

function written(records: Int32Array): string {
  return Array.from(records, (record) => `${LETTERS[record & 3]!}${record >> 2}`).join(" ");
}

function expectLeft(given: string, left: string, data = 2, code = 1): void {
  const filter = new RecordFilter(new UnitIndex(), { data, code });
  for (const time of ["first", "second"]) expect(written(filter.filter(batch(given))), `${given}, ${time} time`).to.equal(left);
}

describe("RecordFilter", () => {
  it("passes on each page once while no other comes in", () => {
    expectLeft("r1 r2 r1 r2 r1", "r1 r2 r1");
    expectLeft("r1 r2 r1 r2", "r1 r2 r1 r2");
    expectLeft("f1 f1 f1", "f1");
    expectLeft("", "");
  });

  it("restores the order of last uses before a page comes in", () => {
    expectLeft("r1 r2 r1 r2 r1 r3", "r1 r2 r1 r3");
    // The third page takes the place of the least recent one, so that one comes in again.
    expectLeft("r1 r2 r1 r3 r2", "r1 r2 r1 r3 r2");
    expectLeft("r1 r2 r3 r2 r1 r3 r4", "r1 r2 r3 r2 r1 r3 r4", 3);
  });

  it("leaves out the page that is where it was", () => {
    expectLeft("r1 r2 r2 r3", "r1 r2 r3", 3);
    expectLeft("r1 r2 r2 r1 r3", "r1 r2 r1 r3", 3);
  });

  it("passes on the first write to a page, in order", () => {
    expectLeft("r1 r2 w1 w1 r1 w2", "r1 r2 w1 w2");
    expectLeft("r1 r2 r3 r2 w1", "r1 r2 r3 r2 w1", 3);
    expectLeft("w1 w1 r2 b1 w2", "w1 r2 r1 w2");
    expectLeft("b1 w1 b1", "b1");
    expectLeft("r1 r2 b1", "r1 r2 b1");
  });

  it("makes one record of a read and the write that has become its neighbour", () => {
    expectLeft("r1 r1 w1", "b1");
    expectLeft("r2 r1 r1 w1 w2", "r2 b1 w2");
  });

  it("holds code and data apart", () => {
    expectLeft("r1 r2 f1 r1 f1 f3 f1", "r1 r2 f1 f3 f1 r1");
    expectLeft("f1 r1 f2 f1 f2 r2 f3", "f1 r1 f2 r2 f1 f2 f3", 2, 2);
  });

  it("holds at most 255 pages of a kind, and at least one", () => {
    for (const depths of [{ data: 0, code: 1 }, { data: 1, code: 256 }]) expect(() => new RecordFilter(new UnitIndex(), depths)).to.throw(ModelBug, "are not 1 to 255");
  });

  it("every preset counts the same with as deep a filter as it allows", () => {
    const seed = 0x5eed_0f17;
    let state = seed;
    const below = (bound: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return (state >>> 8) % bound;
    };
    for (const name of CORE_NAMES) {
      const core = corePreset(name);
      const most = { data: exactFilterPages(core.l1d), code: exactFilterPages(core.l1i) };
      // Each has tables of its own, which it updates.
      const make = (): { tables: PageTables; mmu: Mmu } => {
        const tables = new PageTables();
        for (let page = 0; page < 2048; page++) {
          const run = (page & 512) !== 0 ? CONT : 0n;
          tables.map(page * 4096, 3, ((page & 256) === 0 ? ANON : CLEAN) | run | BigInt(0x100_0000 + page * 4096));
        }
        return { tables, mmu: new Mmu({ core, memory: tables.memory, granule: granule("4k"), updatesDescriptors: true, seed: 1, index: new UnitIndex(48) }) };
      };
      const all = make();
      const less = make();
      const filters = [most, { data: Math.ceil(most.data / 2), code: Math.ceil(most.code / 3) }].map((depths) => new RecordFilter(less.mmu.index, { data: Math.min(255, depths.data), code: Math.min(255, depths.code) }));
      let heldBack = 0;
      for (let round = 0; round < 40; round++) {
        const label = `${name}, seed ${seed}, round ${round}`;
        const count = 1 + below(600);
        const trace = new Uint32Array(2 * count);
        const near = 2 + below(2 * most.data);
        for (let i = 0; i < count; i++) {
          const far = below(8) === 0;
          trace[2 * i] = (far ? below(2048) : (round * 37 + below(near)) % 2048) >>> 0;
          trace[2 * i + 1] = below(3);
        }
        for (const { tables, mmu } of [all, less]) mmu.setRegime(tables.regime({ asid: 1 + (round % 3) }));
        all.mmu.consume(trace, count);
        const resolved = less.mmu.resolve(trace, count, true);
        // One filter behind the other, the shallow one first.
        const left = round % 2 === 0 ? filters[0]!.filter(resolved) : filters[0]!.filter(filters[1]!.filter(resolved));
        heldBack += resolved.length - left.length;
        less.mmu.consumeResolved(left, 0, left.length);
        expect(less.mmu.stats(ZERO), label).to.deep.equal(all.mmu.stats(ZERO));
        less.mmu.structures.forEach((tlb, i) => {
          expect([...tlb], `${label}, structure ${i}`).to.deep.equal([...all.mmu.structures[i]!]);
        });
        const start = below(2048) * 4096;
        for (const { tables, mmu } of [all, less]) {
          mmu.tlbi({ op: "rvale1is", asid: tables.regime({ asid: 1 + (round % 3) }).asid, start: start as Va, end: (start + 65536) as Va, level: undefined });
        }
      }
      expect(heldBack, name).to.be.greaterThan(most.data > 1 ? 500 : 0);
    }
  });
});
