/**
 * Resolving as WebAssembly against resolving as plainly as it can be said.
 */
import { expect } from "chai";
import fc from "fast-check";
import type { Asid } from "../../../emulator/arch/addr.js";
import { ModelBug } from "../../../emulator/arch/errors.js";
import { TlbStorage } from "../../../emulator/mmu/tlb-storage.js";
import { UnitIndex } from "../../../emulator/mmu/unit-index.js";
import { recordWords } from "../../support/filtered-trace.js";
import { seededAssert } from "../../support/seed.js";

interface Touch {
  readonly page: number;
  readonly access: number;
  readonly held: number;
}

/** What is expected of a batch: page, access and held page of each resolved record; no page where one leaves. */
function resolved(batch: readonly Touch[], merge: boolean): string[] {
  const shown: Touch[] = [];
  for (const touch of batch) {
    const last = shown.at(-1);
    const follows = last !== undefined && last.page === touch.page && last.access === 1 && touch.access === 2 && touch.held === 0;
    if (merge && follows) shown[shown.length - 1] = { ...last, access: 3 };
    else shown.push(touch.access === 3 ? { page: -1, access: 0, held: touch.held } : touch);
  }
  return shown.map(({ page, access, held }) => `${page}:${access}:${held}`);
}

describe("the code of UnitIndex.resolve", () => {
  it("gives every page its number, in batches of all sizes, with many pages and few, merged or not", () => {
    const page = fc.oneof(fc.nat(40), fc.nat(2 ** 16), fc.maxSafeNat().map((n) => n % 2 ** 36), fc.nat(300).map((n) => n * 2 ** 20));
    const touch = fc.oneof(
      fc.record({ page, access: fc.nat(2), held: fc.oneof(fc.constant(0), fc.nat(255)) }),
      fc.record({ page: fc.constant(0), access: fc.constant(3), held: fc.integer({ min: 1, max: 255 }) }),
    );
    const batches = fc.array(fc.record({ touches: fc.array(touch, { maxLength: 60 }), asid: fc.integer({ min: 1, max: 65535 }), merge: fc.boolean() }), { maxLength: 12 });
    seededAssert(fc.property(batches, fc.integer({ min: 2, max: 200 }), (all, manyBlocks) => {
      const index = new UnitIndex(TlbStorage.inMemory(), manyBlocks);
      for (const { touches, asid, merge } of all) {
        const words = Uint32Array.from(touches.flatMap(({ page: of, access, held }) => recordWords(of, access, held)));
        const records = [...index.resolve(words, touches.length, asid as Asid, merge)];
        const shown = records.map((record) => {
          const unit = record >>> 10;
          if (unit !== 0) expect(index.highOf(unit) >>> 16).to.equal(asid);
          return `${unit === 0 ? -1 : index.pageNumber(unit)}:${record & 3}:${(record >>> 2) & 255}`;
        });
        expect(shown).to.deep.equal(resolved(touches, merge));
      }
    }));
  });

  it("more blocks in one batch than there was room for", () => {
    const index = new UnitIndex(TlbStorage.inMemory());
    const pages = Array.from({ length: 5000 }, (_, i) => (i * 7919 * 16) % 2 ** 36);
    const words = Uint32Array.from(pages.flatMap((page) => recordWords(page, 1)));
    expect(Array.from(index.resolve(words, pages.length, 1 as Asid), (record) => index.pageNumber(record >>> 10))).to.deep.equal(pages);
  });

  it("batches that grow by a record each take no more room than they need", () => {
    const index = new UnitIndex(TlbStorage.inMemory());
    const words = Uint32Array.from({ length: 2 * 8192 }, (_, i) => (i % 2 === 0 ? i : 1));
    for (let count = 1; count <= 8192; count++) expect(index.resolve(words, count, 1 as Asid)).to.have.length(count);
  });

  it("an index that is not in memory resolves nothing", () => {
    expect(() => new UnitIndex().resolve(new Uint32Array(2), 1, 1 as Asid)).to.throw(ModelBug, "not in memory");
  });
});
