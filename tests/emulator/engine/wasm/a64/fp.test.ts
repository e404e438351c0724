/** The list of rows of floating point. */
import { expect } from "chai";
import { FP } from "../../../../../emulator/engine/wasm/a64/fp.js";
import { Decoder } from "../../../../../emulator/engine/wasm/decode/decoder.js";

describe("the rows of floating point", () => {
  it("have names of their own", () => {
    const names = FP.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).to.deep.equal([]);
  });

  it("hold an instruction of each room, and can all be interpreted but for moves", () => {
    // FADD D; FCMP; SCVTF; FMLA 4S; FMLA by element; FCADD; FCVTL2
    const words = [0x1e62_2820, 0x1e61_2000, 0x9e63_0000, 0x4e22_cc20, 0x4fc2_1820, 0x6e82_e420, 0x4e61_7820];
    const decoder = new Decoder(FP);
    expect(words.filter((word) => decoder.find(word) === undefined)).to.deep.equal([]);
    expect(FP.filter(({ interpret }) => interpret === undefined).map(({ name }) => name)).to.deep.equal([
      "FCSEL", "FMOV (to general)", "FMOV (from general)", "FMOV (top half to general)", "FMOV (general to top half)",
    ]);
  });
});
