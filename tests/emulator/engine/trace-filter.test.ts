/** Depth of the trace filter: from policy and ways to pages. */
import { expect } from "chai";
import { ConfigError } from "../../../emulator/arch/errors.js";
import { exactFilterPages, filterDepths, filterPagesFor } from "../../../emulator/engine/trace-filter.js";

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

  it("several TLBs: the smallest, and not more than there is room for", () => {
    expect(filterPagesFor([])).to.equal(32);
    expect(filterPagesFor([{ entries: 48, ways: "full", policy: "lru" }])).to.equal(32);
    expect(
      filterPagesFor([
        { entries: 48, ways: "full", policy: "lru" },
        { entries: 256, ways: 1, policy: "lru" },
      ]),
    ).to.equal(1);
    expect(filterPagesFor([{ entries: 32, ways: 4, policy: "tree-plru" }])).to.equal(3);
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
});
