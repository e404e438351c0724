/** What a trace filter may hold: from policy, ways and sets of the first level to a number of pages and a limit. */
import { expect } from "chai";
import { heldBounds, type FirstLevel } from "../../../emulator/mmu/held-bounds.js";

const K = 1024;

function structure(spec: Partial<FirstLevel["spec"]>, ...next: readonly Partial<FirstLevel["next"][number]>[]): FirstLevel {
  const sizes = { pageSizes: [4 * K, 64 * K], contiguous: "whole", splinter: "largest" } as const;
  return { spec: { entries: 48, ways: "full", policy: "lru", coalescedPages: 1, ...sizes, ...spec }, next: next.map((each) => ({ ...sizes, ...each })) };
}

const FULL = structure({});
const TEN = structure({ entries: 10 });
const FIVE_WAYS = structure({ entries: 160, ways: 5 });
const FOUR_WAYS = structure({ entries: 32, ways: 4 });

describe("bounds of held pages", () => {
  const pagesFor = (...firstLevel: readonly FirstLevel[]): readonly [number, number | "full" | undefined] => {
    const { pages, limit } = heldBounds(firstLevel, 32);
    return [pages, limit?.ways];
  };

  it("several TLBs: the smallest, and not more than there is room for", () => {
    expect(pagesFor()).to.deep.equal([32, undefined]);
    expect(pagesFor(FULL)).to.deep.equal([32, undefined]);
    expect(pagesFor(FULL, TEN)).to.deep.equal([10, undefined]);
    expect(pagesFor(FULL, structure({ entries: 256, ways: 1 }))).to.deep.equal([1, undefined]);
    for (const policy of ["fifo", "random", "nru", "tree-plru"] as const) expect(pagesFor(structure({ entries: 32, ways: 4, policy }))).to.deep.equal([1, undefined]);
    expect(pagesFor(structure({ entries: 32, ways: 4, coalescedPages: 4 }))).to.deep.equal([1, undefined]);
    expect(heldBounds([FULL, structure({ entries: 100 })], 127).pages).to.equal(48);
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
      heldBounds([structure({ entries: 160, ways: 5, ...spec }, ...next)], 32).limit !== undefined;
    expect(same({}, {})).to.equal(true);
    expect(same({}, { pageSizes: [4 * K, 16 * K, 64 * K] })).to.equal(true);
    expect(same({}, { pageSizes: [4 * K] })).to.equal(false);
    expect(same({}, {}, { pageSizes: [4 * K] })).to.equal(false);
    expect(same({}, { contiguous: "ignored" })).to.equal(false);
    expect(same({}, { splinter: "page" })).to.equal(false);
    expect(same({ contiguous: "ignored" }, { contiguous: "ignored" })).to.equal(true);
    expect(same({ splinter: "page" }, { splinter: "page", pageSizes: [4 * K], contiguous: "ignored" })).to.equal(true);
  });
});
