/** Depth and limits of the trace filter, as an engine takes them. */
import { expect } from "chai";
import { ConfigError } from "../../../emulator/arch/errors.js";
import { areOrders, filterDepths, filterLimits, filterPagesFor, heldLimit } from "../../../emulator/engine/trace-filter.js";

describe("depth of the trace filter", () => {
  it("as many pages as the first level allows, and as there is room for", () => {
    const spec = { entries: 160, ways: 5, policy: "lru", coalescedPages: 1, pageSizes: [4096], contiguous: "whole", splinter: "largest" } as const;
    expect(filterPagesFor([])).to.deep.equal({ pages: 32, limit: undefined });
    expect(filterPagesFor([{ spec, next: [] }])).to.deep.equal({ pages: 32, limit: spec });
    expect(filterPagesFor([{ spec: { ...spec, policy: "fifo" }, next: [] }])).to.deep.equal({ pages: 1, limit: undefined });
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
