/** The decoder: the row with most fixed bits that takes the word. */
import { expect } from "chai";
import { Decoder } from "../../../../../emulator/engine/wasm/decode/decoder.js";
import { encoding } from "../../../../../emulator/engine/wasm/decode/encoding.js";

const nothing = (): void => undefined;
const general = encoding("general", "0 op:2 11111111111111111111 x:9", nothing, ({ op }) => op !== 3);
const special = encoding("special", "0 op:2 11111111111111111111 00000 x:4", nothing, ({ op }) => op < 2);
const other = encoding("other", "1 any:31", nothing);

/** `op`, and the nine low bits. */
const word = (op: number, low: number): number => ((op << 29) | (0xf_ffff << 9) | low) >>> 0;

describe("the decoder", () => {
  const decoder = new Decoder([general, special, other]);

  it("prefers the row with more fixed bits", () => {
    expect(decoder.find(word(0, 0x1f0))).to.equal(general);
    expect(decoder.find(word(0, 0x00f))).to.equal(special);
    expect(new Decoder([special, general]).find(word(1, 0x00f))).to.equal(special);
  });

  it("falls back to the more general row where the special one is unallocated", () => {
    expect(decoder.find(word(2, 0x00f))).to.equal(general);
  });

  it("finds nothing for words that no row takes", () => {
    expect(decoder.find(word(3, 0))).to.equal(undefined);
    expect(decoder.find(0)).to.equal(undefined);
  });

  it("takes words with the top bit set as unsigned", () => {
    expect(decoder.find(0xffff_ffff)).to.equal(other);
    expect(decoder.find(0x8000_0000)).to.equal(other);
  });
});
