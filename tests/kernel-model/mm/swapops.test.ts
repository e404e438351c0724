/**
 * Migration entries, and entries for slots of the swap area.
 */
import { expect } from "chai";
import { pteIsSwap, swpEntryToPte, swpOffset, swpType } from "../../../kernel-model/arch/arm64/pte.js";
import {
  isMigrationEntry,
  makeSwapPte,
  MIGRATION_DIRTY,
  MIGRATION_READ,
  MIGRATION_READ_EXCLUSIVE,
  MIGRATION_WRITE,
  MIGRATION_YOUNG,
  migrationPfn,
  pteMoveSwpOffset,
  swapPteBatch,
} from "../../../kernel-model/mm/swapops.js";
import { testMm, testPte, testSystem, testVma } from "../../support/memory-system.js";

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

describe("swap entries", () => {
  it("have the slot above bit 12 and the mark of an exclusive page in bit 2, and are no migration entries", () => {
    expect(makeSwapPte(0x1234, false)).to.equal(0x1234000n);
    expect(makeSwapPte(0x1234, true)).to.equal(0x1234004n);
    expect([isMigrationEntry(makeSwapPte(0x1234, true)), isMigrationEntry(swpEntryToPte(MIGRATION_READ, 5))]).to.deep.equal([false, true]);
  });

  it("move by slots and keep their mark", () => {
    expect(pteMoveSwpOffset(0x1234004n, 3)).to.equal(0x1237004n);
    expect(pteMoveSwpOffset(0x1234000n, -4)).to.equal(0x1230000n);
  });

  it("are a batch as long as slots follow each other with the same mark", () => {
    const { sys } = testSystem();
    const mm = testMm(sys);
    const at = 0x5000000000;
    testVma(mm, at, at + 8 * 4096, 0x73);
    const ptep = testPte(mm, at);
    [10n, 11n, 12n, 14n].forEach((slot, i) => sys.pgtable.rawSet((ptep + i * 8) as never, (slot << 12n) | 4n));
    expect(swapPteBatch(sys, ptep, 8, (10n << 12n) | 4n)).to.equal(3);
    expect(swapPteBatch(sys, ptep, 2, (10n << 12n) | 4n), "no further than asked").to.equal(2);
    sys.pgtable.rawSet((ptep + 8) as never, 11n << 12n);
    expect(swapPteBatch(sys, ptep, 8, (10n << 12n) | 4n), "another mark").to.equal(1);
  });
});
