/**
 * No two things of the TLB cells share a place.
 */
import { expect } from "chai";
import * as layout from "../../../emulator/mmu/tlb-layout.js";

const distinct = (places: readonly number[], below: number): void => {
  expect(new Set(places).size).to.equal(places.length);
  for (const place of places) expect(place).to.be.within(0, below - 1);
};

describe("layout of TLB cells", () => {
  it("header, entry and probe cells are apart and fit", () => {
    const header = Object.entries(layout).filter(([name]) => name.startsWith("H_"));
    expect(header.length).to.be.greaterThan(10);
    distinct(header.map(([, place]) => place), layout.HEADER_CELLS);
    distinct([layout.STATE, layout.FRAME, layout.AT, layout.OLDER, layout.NEWER], 1 << layout.ENTRY_SHIFT);
    distinct([layout.PROBE_CLASS, layout.PROBE_COLUMN, layout.PROBE_PAGES], 1 << layout.PROBE_SHIFT);
    distinct([layout.ORDER_FIFO, layout.ORDER_RING, layout.ORDER_STAMPS, layout.ORDER_OTHER], 4);
  });

  it("fields of the state and the high tag do not overlap", () => {
    const fields = (masks: readonly number[]): void => {
      let seen = 0;
      for (const mask of masks) {
        expect(seen & mask, mask.toString(16)).to.equal(0);
        seen |= mask;
      }
    };
    fields([layout.STATE_VALID, layout.STATE_DIRTY, 3 << layout.STATE_LEVEL_SHIFT, 31 << layout.STATE_LEAF_SHIFT, 7 << layout.STATE_PERMS_SHIFT, layout.STATE_PAGES, layout.STATE_CLASS]);
    fields([layout.TAG_PAGE_HIGH, 0xff << layout.TAG_CLASS_SHIFT, 0xffff << layout.TAG_ASID_SHIFT]);
    fields([layout.CLASS_ORDER, layout.CLASS_GLOBAL, layout.CLASS_COALESCED, layout.CLASS_TABLE]);
    expect(layout.STATE_PAGES >>> layout.STATE_PAGES_SHIFT).to.equal(0xff);
    expect(layout.STATE_CLASS >>> layout.STATE_CLASS_SHIFT).to.equal(0xff);
    expect(layout.CLASSES).to.equal(256);
    expect(layout.BLOCK_UNITS).to.equal(2 ** layout.BLOCK_SHIFT);
  });
});
