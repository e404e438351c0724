/** Places behind guest RAM. */
import { expect } from "chai";
import { HELD_BYTES } from "../../../../emulator/engine/wasm/held-pages.js";
import * as layout from "../../../../emulator/engine/wasm/layout.js";

describe("layout", () => {
  it("the registers lie as in a saved context", () => {
    expect([layout.X0, layout.SP, layout.PC, layout.FPCR, layout.FPSR, layout.TPIDR_EL0, layout.V0]).to.deep.equal([0, 248, 256, 272, 280, 288, 296]);
  });

  it("tables do not overlap, and end with the engine's bytes", () => {
    const areas: readonly (readonly [number, number])[] = [
      [0, 101 * 8],
      [layout.HELD_DATA, layout.HELD_DATA + HELD_BYTES],
      [layout.HELD_CODE, layout.HELD_CODE + HELD_BYTES],
      [layout.CELLS_END, layout.CELLS_END],
      [layout.RING, layout.RING + 8 * layout.RING_RECORDS],
      [layout.RING_PCS, layout.RING_PCS + 8 * layout.RING_RECORDS],
      [layout.FRONT, layout.FRONT + (layout.FRONT_ENTRIES << layout.ENTRY_SHIFT)],
      [layout.JUMP_CACHE, layout.JUMP_CACHE + (layout.JUMP_ENTRIES << layout.ENTRY_SHIFT)],
    ];
    for (const [i, [, end]] of areas.entries()) expect(end, `area ${i}`).to.be.at.most(areas[i + 1]?.[0] ?? layout.ENGINE_BYTES);
    expect(layout.ENGINE_BYTES % 65536).to.equal(0);
  });
});
