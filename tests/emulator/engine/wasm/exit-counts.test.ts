/** Exits by reason. */
import { expect } from "chai";
import { ExitCounts, WritableCounters } from "../../../../emulator/engine/wasm/exit-counts.js";

describe("counts of exits", () => {
  it("are by reason, in the order of the first of each, whenever they are read", () => {
    const exits = new ExitCounts();
    const counters = new WritableCounters(exits);
    expect(counters).to.deep.include({ instructions: 0, loads: 0, stores: 0 });
    expect(Object.entries(counters.exits)).to.deep.equal([["trace-drain", 0]]);
    exits.count("translation-miss");
    exits.count("translation-miss");
    expect(counters.exits).to.deep.equal({ "trace-drain": 0, "translation-miss": 2 });
    exits.count("svc");
    exits.drains++;
    exits.count("translation-miss");
    expect(Object.entries(counters.exits)).to.deep.equal([["trace-drain", 1], ["translation-miss", 3], ["svc", 1]]);
    exits.count("translation-miss");
    exits.count("stopped");
    expect(Object.entries(counters.exits)).to.deep.equal([["trace-drain", 1], ["translation-miss", 4], ["svc", 1], ["stopped", 1]]);
  });
});
