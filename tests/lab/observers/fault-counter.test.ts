/* Faults are counted once each, by kind and by folio order. */
import { expect } from "chai";
import { order } from "../../../emulator/arch/addr.js";
import { FaultCounter } from "../../../lab/observers/fault-counter.js";

describe("FaultCounter", () => {
  it("starts with every kind at 0 and no order", () => {
    const counter = new FaultCounter();
    expect(counter.byKind).to.include({ anonRead: 0, anonWrite: 0, fileRead: 0, wpCopy: 0, spurious: 0 });
    expect(counter.byOrder()).to.deep.equal({});
  });

  it("counts by kind and by order", () => {
    const counter = new FaultCounter();
    counter.faultServed(undefined, undefined, "anonWrite", order(4));
    counter.faultServed(undefined, undefined, "anonWrite", order(0));
    counter.faultServed(undefined, undefined, "fileRead", order(4));
    expect(counter.byKind).to.include({ anonWrite: 2, fileRead: 1, anonRead: 0 });
    expect(counter.byOrder()).to.deep.equal({ "0": 1, "4": 2 });
  });
});
