/** What the rows of scalar floating point share: formats by field. */
import { expect } from "chai";
import { formatOf, isFormat, nativeOf } from "../../../../../emulator/engine/wasm/a64/fp-operands.js";

describe("formats of scalar floating point", () => {
  it("are single, double, none, half", () => {
    expect([0, 1, 3].map((ftype) => formatOf(ftype).width)).to.deep.equal([32, 64, 16]);
    expect([0, 1, 2, 3].map((ftype) => isFormat({ ftype }))).to.deep.equal([true, true, false, true]);
  });

  it("have their smallest normal number", () => {
    expect([nativeOf(0).least, nativeOf(1).least]).to.deep.equal([2 ** -126, 2 ** -1022]);
  });
});
