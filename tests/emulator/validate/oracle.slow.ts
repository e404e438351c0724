/** 10,000 random tables per granule: Unicorn's own MMU and our walker agree on every address asked for. */
import { expect } from "chai";
import { compareRandomTables } from "../../support/random-tables.js";

describe("hardware oracle, at length", () => {
  for (const name of ["4k", "16k", "64k"] as const) {
    it(`agrees with the walker on 10,000 random tables (${name})`, () => {
      const { compared, limits } = compareRandomTables(name, 10_000, 20);
      expect(compared).to.be.greaterThan(200_000);
      // Malformed tables were among them: reserved encodings, tables outside of memory, misaligned blocks.
      for (const limit of ["unmapped-reads-zero", "reserved-as-block", "block-low-bits"]) expect(limits[limit], limit).to.be.greaterThan(100);
      if (name === "64k") expect(limits["no-address-size"]).to.be.greaterThan(100);
    });
  }
});
