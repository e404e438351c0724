/** What the trace filter may hold: from policy, ways and sets of the first level to a number of pages and a limit. */
import { expect } from "chai";
import { ConfigError } from "../../../emulator/arch/errors.js";
import { areOrders, filterDepths, filterLimits, filterPagesFor, heldLimit, type FirstLevel } from "../../../emulator/engine/trace-filter.js";

const K = 1024;

function structure(spec: Partial<FirstLevel["spec"]>, ...next: readonly Partial<FirstLevel["next"][number]>[]): FirstLevel {
  const sizes = { pageSizes: [4 * K, 64 * K], contiguous: "whole", splinter: "largest" } as const;
  return { spec: { entries: 48, ways: "full", policy: "lru", coalescedPages: 1, ...sizes, ...spec }, next: next.map((each) => ({ ...sizes, ...each })) };
}

const FULL = structure({});
const TEN = structure({ entries: 10 });
const FIVE_WAYS = structure({ entries: 160, ways: 5 });
const FOUR_WAYS = structure({ entries: 32, ways: 4 });

describe("depth of the trace filter", () => {
  const pagesFor = (...firstLevel: readonly FirstLevel[]): readonly [number, number | "full" | undefined] => {
    const { pages, limit } = filterPagesFor(firstLevel);
    return [pages, limit?.ways];
  };

  it("several TLBs: the smallest, and not more than there is room for", () => {
    expect(pagesFor()).to.deep.equal([32, undefined]);
    expect(pagesFor(FULL)).to.deep.equal([32, undefined]);
    expect(pagesFor(FULL, TEN)).to.deep.equal([10, undefined]);
    expect(pagesFor(FULL, structure({ entries: 256, ways: 1 }))).to.deep.equal([1, undefined]);
    for (const policy of ["fifo", "random", "nru", "tree-plru"] as const) expect(pagesFor(structure({ entries: 32, ways: 4, policy }))).to.deep.equal([1, undefined]);
    expect(pagesFor(structure({ entries: 32, ways: 4, coalescedPages: 4 }))).to.deep.equal([1, undefined]);
    expect(filterPagesFor([FULL, structure({ entries: 100 })], 127).pages).to.equal(48);
  });

  it("one with sets is a limit, with all that are like it; others with sets bound the number by their ways", () => {
    expect(pagesFor(FIVE_WAYS)).to.deep.equal([32, 5]);
    expect(pagesFor(TEN, FIVE_WAYS, FULL)).to.deep.equal([10, 5]);
    expect(pagesFor(TEN, FIVE_WAYS, { ...FIVE_WAYS })).to.deep.equal([10, 5]);
    expect(pagesFor(FOUR_WAYS, FIVE_WAYS)).to.deep.equal([5, 4]);
    expect(pagesFor(FIVE_WAYS, structure({ entries: 160, ways: 5, contiguous: "ignored" }))).to.deep.equal([5, undefined]);
    expect(pagesFor(FIVE_WAYS, structure({ entries: 80, ways: 5 }))).to.deep.equal([5, undefined]);
    expect(pagesFor(FIVE_WAYS, structure({ entries: 160, ways: 5, pageSizes: [4 * K] }))).to.deep.equal([5, undefined]);
    // So few pages do not fill a set.
    expect(pagesFor(FIVE_WAYS, structure({ entries: 5 }))).to.deep.equal([5, undefined]);
    // One set is none.
    expect(pagesFor(structure({ entries: 8, ways: 8 }))).to.deep.equal([8, undefined]);
  });

  it("a structure is a limit only if the entry for a page is the same after a walk and after a hit of the next level", () => {
    const same = (spec: Partial<FirstLevel["spec"]>, ...next: readonly Partial<FirstLevel["next"][number]>[]): boolean =>
      filterPagesFor([structure({ entries: 160, ways: 5, ...spec }, ...next)]).limit !== undefined;
    expect(same({}, {})).to.equal(true);
    expect(same({}, { pageSizes: [4 * K, 16 * K, 64 * K] })).to.equal(true);
    expect(same({}, { pageSizes: [4 * K] })).to.equal(false);
    expect(same({}, {}, { pageSizes: [4 * K] })).to.equal(false);
    expect(same({}, { contiguous: "ignored" })).to.equal(false);
    expect(same({}, { splinter: "page" })).to.equal(false);
    expect(same({ contiguous: "ignored" }, { contiguous: "ignored" })).to.equal(true);
    expect(same({ splinter: "page" }, { splinter: "page", pageSizes: [4 * K], contiguous: "ignored" })).to.equal(true);
  });

  it("an engine holds 1 to 32 pages of each kind", () => {
    const options = { pageSize: 4096, trace: true };
    expect(filterDepths(options)).to.deep.equal({ data: 4, code: 1 });
    expect(filterDepths({ ...options, filterPages: 32, fetchPages: 2 })).to.deep.equal({ data: 32, code: 2 });
    for (const pages of [0, 33, 1.5]) {
      expect(() => filterDepths({ ...options, filterPages: pages })).to.throw(ConfigError);
      expect(() => filterDepths({ ...options, fetchPages: pages })).to.throw(ConfigError);
    }
  });

  it("an engine's limits: sets and ways, unless no set can have too many pages", () => {
    expect(heldLimit({ entries: 160, ways: 5 })).to.deep.equal({ sets: 32, ways: 5 });
    expect(heldLimit({ entries: 48, ways: "full" })).to.deep.equal({ sets: 1, ways: 48 });
    expect(filterLimits({})).to.deep.equal([undefined, undefined]);
    expect(filterLimits({ filterLimit: { sets: 32, ways: 5 } })).to.deep.equal([{ sets: 32, ways: 5 }, undefined]);
    expect(filterLimits({ filterLimit: { sets: 2, ways: 32 }, fetchLimit: { sets: 1, ways: 31 } })).to.deep.equal([undefined, { sets: 1, ways: 31 }]);
    for (const limit of [{ sets: 3, ways: 1 }, { sets: 0, ways: 1 }, { sets: 0.5, ways: 1 }, { sets: 2 ** 16, ways: 1 }, { sets: 2, ways: 0 }, { sets: 2, ways: 1.5 }]) {
      expect(() => filterLimits({ filterLimit: limit }), JSON.stringify(limit)).to.throw(ConfigError);
      expect(() => filterLimits({ fetchLimit: limit }), JSON.stringify(limit)).to.throw(ConfigError);
    }
  });

  it("orders of a translation are 0 to 31", () => {
    for (const [data, code, can] of [[0, 0, true], [31, 31, true], [32, 0, false], [0, 32, false], [-1, 0, false], [0, 1.5, false]] as const) {
      expect(areOrders({ data, code }), `${data} ${code}`).to.equal(can);
    }
  });
});
