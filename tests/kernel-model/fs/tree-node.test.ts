/* Space that files take, and its limit. */
import { expect } from "chai";
import { SPACE_UNIT, TreeSpace } from "../../../kernel-model/fs/tree-node.js";

describe("space of a file system", () => {
  it("is taken up to its limit and given back", () => {
    const space = new TreeSpace(10 * SPACE_UNIT, 5);
    expect([space.charge(8 * SPACE_UNIT), space.charge(3 * SPACE_UNIT), space.charge(2 * SPACE_UNIT)]).to.deep.equal([true, false, true]);
    expect(space.charge(-4 * SPACE_UNIT)).to.equal(true);
    expect(space.usedBytes).to.equal(6 * 65536);
  });
});
