/**
 * Migration entries.
 */
import { expect } from "chai";
import { pteIsSwap, swpEntryToPte, swpOffset, swpType } from "../../../kernel-model/arch/arm64/pte.js";
import { MIGRATION_DIRTY, MIGRATION_READ, MIGRATION_READ_EXCLUSIVE, MIGRATION_WRITE, MIGRATION_YOUNG, migrationPfn } from "../../../kernel-model/mm/swapops.js";

describe("migration entries", () => {
  it("keep the frame, and whether it was young and dirty, through an entry", () => {
    for (const type of [MIGRATION_READ, MIGRATION_READ_EXCLUSIVE, MIGRATION_WRITE]) {
      for (const frame of [1, 0xfffff, 2 ** 32 - 1]) {
        for (const bits of [0, MIGRATION_YOUNG, MIGRATION_DIRTY, MIGRATION_YOUNG + MIGRATION_DIRTY]) {
          const entry = swpEntryToPte(type, frame + bits);
          expect(pteIsSwap(entry)).to.equal(true);
          expect(swpType(entry)).to.equal(type);
          expect(migrationPfn(entry)).to.equal(frame);
          expect(swpOffset(entry) - frame).to.equal(bits);
        }
      }
    }
  });

  it("have types of their own, within five bits", () => {
    const types = new Set([MIGRATION_READ, MIGRATION_READ_EXCLUSIVE, MIGRATION_WRITE]);
    expect(types.size).to.equal(3);
    expect(Math.max(...types)).to.equal(31);
  });
});
