/**
 * A filter behind a filter passes on what one filter of its depth would.
 */
import { expect } from "chai";
import fc from "fast-check";
import type { Asid } from "../../../emulator/arch/addr.js";
import { ModelBug } from "../../../emulator/arch/errors.js";
import { RecordFilter } from "../../../emulator/mmu/record-filter.js";
import { TlbStorage } from "../../../emulator/mmu/tlb-storage.js";
import { UnitIndex } from "../../../emulator/mmu/unit-index.js";
import { TraceFilter, plainTrace } from "../../support/filtered-trace.js";
import type { Access, Depths } from "../../support/filtered-trace.js";
import { seededAssert } from "../../support/seed.js";

/** "r1 w2 f3": accesses to pages 1, 2 and 3; "-": every page leaves. */
type Step = Access | "-";
const LETTERS = "frwb";

function parse(text: string): Step[] {
  return text.split(" ").filter((word) => word !== "").map((word) => (word === "-" ? "-" : { page: Number(word.slice(1)), access: LETTERS.indexOf(word[0]!) }));
}

/** Shows resolved records: "r3" a page that comes in, "r3/1" in place of page 1, "w3!" a first write, "/1" page 1 leaves. */
class Picture {
  private readonly held = new Map<number, number>();

  constructor(private readonly index: UnitIndex) {}

  of(records: Int32Array): string[] {
    return Array.from(records, (record) => {
      const number = (record >>> 2) & 255;
      const page = record >>> 10 === 0 ? undefined : this.index.pageNumber(record >>> 10);
      const left = this.held.get(number);
      const leaves = left === undefined ? "" : `/${left}`;
      if (number === 0) return `${LETTERS[record & 3]!}${page!}!`;
      this.held.delete(number);
      if (page === undefined) return leaves;
      this.held.set(number, page);
      return `${LETTERS[record & 3]!}${page}${leaves}`;
    });
  }
}

/** What is left of the steps behind filters of these depths, the first of which is that of an engine. `batch`: accesses that are handed over at once. */
function left(steps: readonly Step[], depths: readonly [Depths, ...Depths[]], { batch = 3, index = new UnitIndex(TlbStorage.inMemory()) } = {}): string[] {
  const engine = new TraceFilter(depths[0]);
  const filters = depths.slice(1).map((each) => new RecordFilter(index, each));
  const picture = new Picture(index);
  const shown: string[] = [];
  const hand = (words: Uint32Array): void => {
    shown.push(...picture.of(filters.reduce((records, filter) => filter.filter(records), index.resolve(words, words.length / 2, 1 as Asid))));
  };
  let accesses: Access[] = [];
  const flush = (): void => {
    hand(engine.trace(accesses));
    accesses = [];
  };
  for (const step of [...steps, "-" as const]) {
    if (step !== "-") {
      accesses.push(step);
      if (accesses.length === batch) flush();
      continue;
    }
    flush();
    hand(engine.leave());
    for (const [i, filter] of filters.entries()) shown.push(...picture.of(filters.slice(i + 1).reduce((records, next) => next.filter(records), filter.clear())));
  }
  return shown;
}

const two = (steps: string, first: Depths, second: Depths): string => left(parse(steps), [first, second]).join(" ");

describe("RecordFilter", () => {
  const shallow = { data: 1, code: 1 };
  const deep = { data: 2, code: 2 };

  it("passes on a page once while it holds it, and who leaves for it", () => {
    expect(two("r1 r2 r1 r2 r1", shallow, deep)).to.equal("r1 r2 /2 /1");
    expect(two("r1 r2 r1 r3 r1", shallow, deep)).to.equal("r1 r2 r3/2 /3 /1");
    expect(two("f1 f1 f2 f1 f3", shallow, deep)).to.equal("f1 f2 f3/2 /1 /3");
    expect(two("", shallow, deep)).to.equal("");
  });

  it("passes on the first write to a page", () => {
    expect(two("r1 r2 w1 w1 r2 w2", shallow, deep)).to.equal("r1 r2 w1! w2! /1 /2");
    expect(two("w1 w1 r2 r1 w1", shallow, deep)).to.equal("w1 r2 /2 /1");
  });

  it("holds code and data apart", () => {
    expect(two("r1 f1 r2 f2 r3 f1", shallow, deep)).to.equal("r1 f1 r2 f2 r3/1 /2 /3 /2 /1");
  });

  it("makes one record of a read and the write that is next to it", () => {
    const index = new UnitIndex(TlbStorage.inMemory());
    const filter = new RecordFilter(index, deep);
    const records = index.resolve(plainTrace(parse("r1 w1 r2 r1 w2 r3 w2 r2 r4 w3") as Access[]), 10, 1 as Asid);
    expect(new Picture(index).of(filter.filter(records))).to.deep.equal(["b1", "b2", "r3/1", "r4/3", "w3/2"]);
  });

  it("anything: as one filter of its depth", () => {
    const page = fc.oneof(fc.nat(5), fc.nat(40));
    const access = fc.record({ page, access: fc.constantFrom(0, 1, 1, 2) });
    const depth = fc.record({ data: fc.integer({ min: 1, max: 6 }), code: fc.integer({ min: 1, max: 6 }) });
    const more = ({ data, code }: Depths, by: Depths): Depths => ({ data: data + by.data, code: code + by.code });
    seededAssert(
      fc.property(fc.array(fc.oneof({ weight: 60, arbitrary: access }, { weight: 1, arbitrary: fc.constant("-" as const) }), { maxLength: 400 }), depth, depth, depth, fc.integer({ min: 1, max: 60 }), (steps, first, by, again, batch) => {
        const [second, third] = [more(first, by), more(more(first, by), again)];
        const apart = (records: string[]): string[] => records.flatMap((record) => (record.startsWith("b") ? [`r${record.slice(1)}`, `w${/[0-9]+/.exec(record)![0]}!`] : [record]));
        const one = left(steps, [third], { batch });
        // Some pages stay held while numbering starts anew.
        expect(apart(left(steps, [first, second, third], { batch, index: new UnitIndex(TlbStorage.inMemory(), 4) }))).to.deep.equal(one);
        expect(apart(left(steps, [first, third], { batch: batch * 2 }))).to.deep.equal(one);
      }),
      300,
    );
  });

  it("may not be emptied while the filter before holds a page", () => {
    const index = new UnitIndex(TlbStorage.inMemory());
    const filter = new RecordFilter(index, deep);
    filter.filter(index.resolve(new TraceFilter(shallow).trace([{ page: 1, access: 1 }]), 1, 1 as Asid));
    expect(() => filter.clear()).to.throw(ModelBug, "still holds a page");
  });

  it("holds at most 127 pages of a kind, and at least one", () => {
    for (const depths of [{ data: 0, code: 1 }, { data: 1, code: 128 }]) expect(() => new RecordFilter(new UnitIndex(TlbStorage.inMemory()), depths)).to.throw(ModelBug, "are not 1 to 127");
  });
});
