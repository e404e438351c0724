/** Words of 64 bits among cells, against bigints over the same buffer. */
import { expect } from "chai";
import { addressAt, clearWord, copyWord, isUserAddress, setWord } from "../../../../emulator/engine/wasm/cell-words.js";

function cellsWith(...values: bigint[]): { cells: Uint32Array; words: BigUint64Array } {
  const words = new BigUint64Array(values);
  return { cells: new Uint32Array(words.buffer), words };
}

describe("words among the engine's cells", () => {
  it("copies and clears both halves", () => {
    const { cells, words } = cellsWith(0x1234_5678_9abc_def0n, 0xffff_ffff_ffff_ffffn, 7n);
    copyWord(cells, 0, 8);
    expect(words[1]).to.equal(0x1234_5678_9abc_def0n);
    clearWord(cells, 0);
    expect([...words]).to.deep.equal([0n, 0x1234_5678_9abc_def0n, 7n]);
  });

  it("sets a number, and says whether the word was another one", () => {
    const { cells, words } = cellsWith(0xffff_ffff_ffff_ffffn, 0n);
    expect(setWord(cells, 0, 0x8_0000_0001)).to.equal(true);
    expect(words[0]).to.equal(0x8_0000_0001n);
    expect(setWord(cells, 0, 0x8_0000_0001)).to.equal(false);
    expect(setWord(cells, 0, 0x9_0000_0001)).to.equal(true);
    expect(setWord(cells, 0, 0x9_0000_0002)).to.equal(true);
    expect(words[0]).to.equal(0x9_0000_0002n);
  });

  for (const [word, address] of [
    [0n, 0],
    [0x0000_ffff_dead_b000n, 0xffff_dead_b000],
    [0x0000_8000_8000_8000n, 0x8000_8000_8000],
    // A tag goes, bits 55:48 stay.
    [0x5a00_0000_5000_0010n, 0x5000_0010],
    [0x5a7f_0000_0000_0000n, 0x7f_0000_0000_0000],
    // Bit 55 set: the tag becomes copies of it. 0xffff_8000_0000_0000 is a sum of few powers of two.
    [0x00ff_8000_0000_0000n, 0xffff_8000_0000_0000],
  ] as const) {
    it(`reads ${word.toString(16)} as an address without its tag`, () => {
      const { cells } = cellsWith(word, word);
      expect(addressAt(cells, 8)).to.equal(address);
    });
  }

  it("knows addresses below 2^48", () => {
    const { cells } = cellsWith(0x0000_ffff_ffff_ffffn, 0x0001_0000_0000_0000n, 0xff00_0000_0000_0000n);
    expect([0, 8, 16].map((at) => isUserAddress(cells, at))).to.deep.equal([true, false, false]);
  });
});
