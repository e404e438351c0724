/** Depth of the trace filter: from policy and ways to pages. */
import { expect } from "chai";
import { exactFilterPages, filterPagesFor } from "../../../emulator/engine/trace-filter.js";

describe("depth of the trace filter", () => {
  it("LRU: the ways of a set", () => {
    expect(exactFilterPages({ entries: 48, ways: "full", policy: "lru" })).to.equal(48);
    expect(exactFilterPages({ entries: 160, ways: 5, policy: "lru" })).to.equal(5);
    expect(exactFilterPages({ entries: 256, ways: 1, policy: "lru" })).to.equal(1);
  });

  it("tree-PLRU: what the tree protects, and the newest", () => {
    expect([1, 2, 4, 8, 16].map((ways) => exactFilterPages({ entries: 64, ways, policy: "tree-plru" }))).to.deep.equal([1, 2, 3, 4, 5]);
  });

  it("others: the last page", () => {
    for (const policy of ["fifo", "random", "nru"] as const) expect(exactFilterPages({ entries: 48, ways: "full", policy })).to.equal(1);
  });

  it("several TLBs: the smallest, and not more than pays", () => {
    expect(filterPagesFor([])).to.equal(4);
    expect(filterPagesFor([{ entries: 48, ways: "full", policy: "lru" }])).to.equal(4);
    expect(
      filterPagesFor([
        { entries: 48, ways: "full", policy: "lru" },
        { entries: 256, ways: 1, policy: "lru" },
      ]),
    ).to.equal(1);
    expect(filterPagesFor([{ entries: 32, ways: 4, policy: "tree-plru" }])).to.equal(3);
  });
});
