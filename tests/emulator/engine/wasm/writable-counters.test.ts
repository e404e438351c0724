/**
 * Counters that the engine writes: exits by reason, in the order in which they first occurred.
 */
import { expect } from "chai";
import { WritableCounters } from "../../../../emulator/engine/wasm/writable-counters.js";

describe("WritableCounters", () => {
  it("begin with no exits but hand-overs of the trace, of which there were none", () => {
    const { instructions, loads, stores, exits } = new WritableCounters();
    expect({ instructions, loads, stores, exits }).to.deep.equal({ instructions: 0, loads: 0, stores: 0, exits: { "trace-drain": 0 } });
  });

  it("count exits by reason, in the order of their first one", () => {
    const counters = new WritableCounters();
    for (const reason of ["svc", "translation-miss", "trace-drain", "svc", "budget-spent", "translation-miss", "svc"] as const) counters.countExit(reason);
    expect(Object.entries(counters.exits)).to.deep.equal([["trace-drain", 1], ["svc", 3], ["translation-miss", 2], ["budget-spent", 1]]);
  });
});
