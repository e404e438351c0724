/** The numbers of the engine contract, which trace consumers and both halves of an engine share. */
import { expect } from "chai";
import { ACCESS_FETCH, ACCESS_READ, ACCESS_WRITE, CONTEXT_WORDS, PERM_EXEC, PERM_READ, PERM_WRITE } from "../../../emulator/engine/engine.js";

describe("engine contract", () => {
  it("accesses fit the two bits that a trace record has for them", () => {
    expect([ACCESS_FETCH, ACCESS_READ, ACCESS_WRITE]).to.deep.equal([0, 1, 2]);
  });

  it("permissions are single bits", () => {
    expect([PERM_READ, PERM_WRITE, PERM_EXEC]).to.deep.equal([1, 2, 4]);
  });

  it("a context has 31 general registers, six others and 32 vectors of two words", () => {
    expect(CONTEXT_WORDS).to.equal(31 + 6 + 2 * 32);
  });
});
