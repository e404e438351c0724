/** The list of rows of integer SIMD. */
import { expect } from "chai";
import { SIMD } from "../../../../../emulator/engine/wasm/a64/simd.js";
import { Decoder } from "../../../../../emulator/engine/wasm/decode/decoder.js";

describe("the rows of integer SIMD", () => {
  it("have names of their own", () => {
    const names = SIMD.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).to.deep.equal([]);
  });

  it("hold an instruction of each room", () => {
    // LDR Q0, [X1]; LD4; DUP; MOVI; ZIP1; SQADD; RADDHN; MLA by element; SDOT; REV64; UADDLV; SHRN; AESE
    const words = [
      0x3dc0_0420, 0x4cdf_0020, 0x4e0e_0420, 0x4f00_c640, 0x0e02_3820, 0x4e62_0c20, 0x2e22_4020, 0x6f72_0820, 0x0e82_9420, 0x4e60_0820, 0x6e70_3820, 0x0f0c_8420, 0x4e28_4820,
    ];
    const decoder = new Decoder(SIMD);
    expect(words.filter((word) => decoder.find(word) === undefined)).to.deep.equal([]);
  });
});
