/**
 * The empty state of huge pages.
 */
import { expect } from "chai";
import { createHugeMemoryState } from "../../../kernel-model/mm/huge-memory-state.js";

describe("state of huge pages", () => {
  it("begins empty, for each machine by itself", () => {
    const one = createHugeMemoryState();
    const other = createHugeMemoryState();
    expect([one.hugeZeroPfn, one.hugeZeroRefcount, one.deferredSplit.size, one.deposited.size]).to.deep.equal([-1, 0, 0, 0]);
    expect(one.deferredSplit).to.not.equal(other.deferredSplit);
    expect(one.deposited).to.not.equal(other.deposited);
  });
});
