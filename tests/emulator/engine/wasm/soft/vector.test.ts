/** Vector registers as lists of elements. */
import { expect } from "chai";
import { elements, saturate, setElements, setQc, shiftBy } from "../../../../../emulator/engine/wasm/soft/vector.js";

/** Words of a context: V1 begins at 39, FPSR is 35. */
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

  it("saturate and set FPSR.QC", () => {
    const words = registers();
    expect([saturate(words, 127n, 0, true), saturate(words, -128n, 0, true), words[35]]).to.deep.equal([127n, -128n, 0n]);
    expect([saturate(words, 300n, 0, false), saturate(words, -1n, 0, false), words[35]]).to.deep.equal([255n, 0n, 1n << 27n]);
  });

  it("keep the other bits of FPSR", () => {
    const words = registers();
    words[35] = 0x1fn;
    setQc(words);
    expect(words[35]).to.equal(0x0800_001fn);
  });

  it("shift by a signed byte", () => {
    expect([shiftBy(5n, 0x102n, false), shiftBy(5n, 0xffn, false), shiftBy(5n, 0xffn, true), shiftBy(-5n, 0xffn, false)]).to.deep.equal([20n, 2n, 3n, -3n]);
  });
});
