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
    distinct([layout.H_BUCKETS, layout.H_SHIFT, layout.H_SET_MASK, layout.H_NEWEST, layout.H_PROBES, layout.H_END_PROBE, layout.H_INVALID, layout.H_REFRESH], 8);
    distinct([layout.TAG_LO, layout.TAG_HI, layout.STATE, layout.FRAME, layout.CHAIN, layout.BUCKET, layout.OLDER, layout.NEWER], 1 << layout.ENTRY_SHIFT);
    distinct([layout.PROBE_ORDER, layout.PROBE_TAG, layout.PROBE_SALT, layout.PROBE_PAGES], 1 << layout.PROBE_SHIFT);
  });

  it("fields of the state and the high tag do not overlap", () => {
    const fields = (masks: readonly number[]): void => {
      let seen = 0;
      for (const mask of masks) {
        expect(seen & mask, mask.toString(16)).to.equal(0);
        seen |= mask;
      }
    };
    fields([layout.STATE_VALID, layout.STATE_DIRTY, 3 << layout.STATE_LEVEL_SHIFT, 31 << layout.STATE_LEAF_SHIFT, 7 << layout.STATE_PERMS_SHIFT, layout.STATE_PAGES]);
    fields([layout.TAG_PAGE_HIGH, layout.TAG_CLASS, 0xffff << layout.TAG_ASID_SHIFT]);
    fields([layout.CLASS_ORDER, layout.CLASS_GLOBAL, layout.CLASS_COALESCED, layout.CLASS_TABLE]);
    expect(layout.STATE_PAGES >>> layout.STATE_PAGES_SHIFT).to.equal(0xff);
    expect(layout.CLASSES).to.equal(256);
  });
});
