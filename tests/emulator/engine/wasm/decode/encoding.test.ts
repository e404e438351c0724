/** Patterns of the decode table: fixed bits, fields, and what is refused. */
import { expect } from "chai";
import { ModelBug } from "../../../../../emulator/arch/errors.js";
import { encoding, parsePattern } from "../../../../../emulator/engine/wasm/decode/encoding.js";

describe("encodings", () => {
  it("have the fixed bits and the fields of their pattern", () => {
    const { mask, value, fields } = parsePattern("sf:1 op:1 1 100010 sh:1 imm12:12 Rn:5 Rd:5");
    expect(mask).to.equal(0x3f80_0000);
    expect(value).to.equal(0x3100_0000);
    expect(fields).to.deep.equal([
      { name: "sf", low: 31, width: 1, mask: 1 },
      { name: "op", low: 30, width: 1, mask: 1 },
      { name: "sh", low: 22, width: 1, mask: 1 },
      { name: "imm12", low: 10, width: 12, mask: 0xfff },
      { name: "Rn", low: 5, width: 5, mask: 31 },
      { name: "Rd", low: 0, width: 5, mask: 31 },
    ]);
    expect(parsePattern("11010101000000110011111111011111")).to.deep.equal({ mask: 0xffff_ffff, value: 0xd503_3fdf, fields: [] });
  });

  it("refuse a pattern that has not 32 bits, or other letters", () => {
    expect(() => parsePattern("sf:1 00 Rd:5")).to.throw(ModelBug, "has 8 bits");
    expect(() => parsePattern("sf:1 0x Rd:5")).to.throw(ModelBug, "bit x");
    expect(() => parsePattern(`sf:1  0 Rd:5`)).to.throw(ModelBug, "decode table: pattern");
  });

  it("hand the fields of a word to what asks for them", () => {
    const seen: number[] = [];
    const row = encoding(
      "TEST",
      "sf:1 0000000000000000000 imm7:7 Rd:5",
      (_t, { sf, imm7, Rd }) => {
        seen.push(sf, imm7, Rd);
      },
      ({ imm7 }) => imm7 !== 0,
      (words, { Rd }) => {
        words[Rd] = 7n;
      },
    );
    expect(row.legal(0x8000_0fe3)).to.equal(true);
    expect(row.legal(0x8000_0003)).to.equal(false);
    row.translate(undefined as never, 0x8000_0fe3);
    expect(seen).to.deep.equal([1, 127, 3]);
    const words = new BigUint64Array(4);
    row.interpret!(words, 0x8000_0fe3);
    expect(words[3]).to.equal(7n);
  });

  it("allow every combination of fields unless told otherwise", () => {
    const row = encoding("TEST", "0000000000000000000000000000 x:4", () => undefined);
    expect(row.legal(15)).to.equal(true);
    expect(row.interpret).to.equal(undefined);
  });
});
