/** The numbers of the engine contract, which trace consumers and both halves of an engine share. */
import { expect } from "chai";
import {
  ACCESS_FETCH, ACCESS_LEAVE, ACCESS_READ, ACCESS_WRITE, CONTEXT_WORDS, FIRST_CODE_HELD, PERM_EXEC, PERM_READ, PERM_WRITE, RECORD_HELD, RECORD_HELD_SHIFT, RECORD_PAGE_HIGH,
} from "../../../emulator/engine/engine.js";
import { MAX_FILTER_PAGES } from "../../../emulator/engine/trace-filter.js";

describe("engine contract", () => {
  it("accesses fit the two bits that a trace record has for them", () => {
    expect([ACCESS_FETCH, ACCESS_READ, ACCESS_WRITE, ACCESS_LEAVE]).to.deep.equal([0, 1, 2, 3]);
  });

  it("page number and held page of a trace record do not overlap, and every number of a held page fits", () => {
    expect([RECORD_PAGE_HIGH, RECORD_HELD_SHIFT, RECORD_HELD]).to.deep.equal([0xff, 10, 0xff]);
    expect(MAX_FILTER_PAGES).to.be.lessThan(FIRST_CODE_HELD);
    expect(FIRST_CODE_HELD + MAX_FILTER_PAGES - 1).to.be.at.most(0xff);
  });

  it("permissions are single bits", () => {
    expect([PERM_READ, PERM_WRITE, PERM_EXEC]).to.deep.equal([1, 2, 4]);
  });

  it("a context has 31 general registers, six others and 32 vectors of two words", () => {
    expect(CONTEXT_WORDS).to.equal(31 + 6 + 2 * 32);
  });
});
