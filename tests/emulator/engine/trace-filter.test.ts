/** Depth of the trace filter: from policy and ways to pages. */
import { expect } from "chai";
import { ConfigError } from "../../../emulator/arch/errors.js";
import { filterDepths, filterPagesFor } from "../../../emulator/engine/trace-filter.js";

describe("depth of the trace filter", () => {
  it("several TLBs: the smallest, and not more than there is room for", () => {
    expect(filterPagesFor([])).to.equal(32);
    expect(filterPagesFor([{ entries: 48, ways: "full", policy: "lru", coalescedPages: 1 }])).to.equal(32);
    expect(
      filterPagesFor([
        { entries: 48, ways: "full", policy: "lru", coalescedPages: 1 },
        { entries: 256, ways: 1, policy: "lru", coalescedPages: 1 },
      ]),
    ).to.equal(1);
    expect(filterPagesFor([{ entries: 32, ways: 4, policy: "lru", coalescedPages: 1 }])).to.equal(4);
    expect(filterPagesFor([{ entries: 32, ways: 4, policy: "fifo", coalescedPages: 1 }])).to.equal(1);
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
