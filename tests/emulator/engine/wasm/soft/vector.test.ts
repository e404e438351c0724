/** Vector registers as lists of elements. */
import { expect } from "chai";
import { elements, setElements } from "../../../../../emulator/engine/wasm/soft/vector.js";

/** Words of a context: V1 begins at 39. */
const registers = (): BigUint64Array => {
  const words = new BigUint64Array(101);
  words[39] = 0x8001_7fff_0002_ffffn;
  words[40] = 0xffff_ffff_0000_0001n;
  return words;
};

describe("elements of vectors", () => {
  it("are read with and without signs", () => {
    expect(elements(registers(), 1, 1, 4, true)).to.deep.equal([-1n, 2n, 32767n, -32767n]);
    expect(elements(registers(), 1, 2, 4, false)).to.deep.equal([0x0002_ffffn, 0x8001_7fffn, 1n, 0xffff_ffffn]);
  });

  it("are set, zeros behind them", () => {
    const words = registers();
    setElements(words, 1, 0, [-1n, 2n]);
    expect([words[39], words[40]]).to.deep.equal([0x02ffn, 0n]);
  });
});
