/** Numbers of sites. */
import { expect } from "chai";
import { SiteTable, type Site } from "../../../../emulator/engine/wasm/sites.js";

describe("sites", () => {
  const site = (index: number): Site => ({ kind: "access", block: { start: 0, instructions: 1, loads: 0, stores: 0 }, index, loads: 0, stores: 0, ownLoads: 0, ownStores: 0, run: undefined });

  it("numbers that were given back are used again, so the table does not grow", () => {
    const table = new SiteTable();
    const numbers = Array.from({ length: 100 }, (_, i) => table.add(site(i)));
    expect(new Set(numbers).size).to.equal(100);
    expect(table.get(numbers[42]!)?.index).to.equal(42);
    for (const number of numbers) table.remove(number);
    expect(table.size).to.equal(0);
    expect(table.get(numbers[42]!)).to.equal(undefined);
    const again = Array.from({ length: 100 }, (_, i) => table.add(site(i)));
    expect(new Set(again)).to.deep.equal(new Set(numbers));
  });
});
