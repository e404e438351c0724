/** Operands of integer instructions: signs, widths, masks of logical immediates. */
import { expect } from "chai";
import { bitMask, signed, widthOf } from "../../../../../emulator/engine/wasm/a64/operands.js";

describe("operands", () => {
  it("are signed by their top bit", () => {
    expect([signed(0xff, 8), signed(0x80, 8), signed(0x7f, 8), signed(0x3ff_ffff, 26)]).to.deep.equal([-1, -128, 127, -1]);
    expect([widthOf(0), widthOf(1)]).to.deep.equal([32, 64]);
  });

  it("have masks of repeated, rotated runs of ones", () => {
    // Fields as in the instruction: N, imms, immr.
    expect(bitMask(1, 1, 0b000000, 0)).to.equal(1n);
    expect(bitMask(1, 1, 0b111110, 0)).to.equal(0x7fff_ffff_ffff_ffffn);
    expect(bitMask(1, 1, 0b000111, 60)).to.equal(0xff0n);
    expect(bitMask(1, 0, 0b111100, 0)).to.equal(0x5555_5555_5555_5555n);
    expect(bitMask(1, 0, 0b111100, 1)).to.equal(0xaaaa_aaaa_aaaa_aaaan);
    expect(bitMask(1, 0, 0b100111, 4)).to.equal(0xf00f_f00f_f00f_f00fn);
    expect(bitMask(0, 0, 0b011110, 31)).to.equal(0xffff_fffen);
  });

  it("know each mask of 64 bits from one combination only, and no reserved one", () => {
    const masks: bigint[] = [];
    for (let n = 0; n < 2; n++) {
      for (let imms = 0; imms < 64; imms++) {
        for (let immr = 0; immr < 64; immr++) {
          const mask = bitMask(1, n, imms, immr);
          if (mask !== undefined) masks.push(mask);
        }
      }
    }
    // Sizes 2 to 64, size - 1 lengths, size rotations; smaller sizes leave upper bits of immr free.
    expect(new Set(masks).size).to.equal([2, 4, 8, 16, 32, 64].reduce((sum, size) => sum + (size - 1) * size, 0));
    expect(masks).not.to.include(0n).and.not.to.include(0xffff_ffff_ffff_ffffn);
    expect(bitMask(0, 1, 0, 0)).to.equal(undefined);
    expect(bitMask(1, 1, 0b111111, 0)).to.equal(undefined);
    expect(bitMask(1, 0, 0b111111, 0)).to.equal(undefined);
  });
});
