/**
 * Skipping ranges without page tables.
 */
import { expect } from "chai";
import type { Pa } from "../../../emulator/arch/addr.js";
import type { GranuleName } from "../../../emulator/arch/granule.js";
import { firstTable, forEachPmd, tableAt } from "../../../kernel-model/mm/page-walk.js";
import { testMm, testPte, testSystem } from "../../support/memory-system.js";

describe("page-table walk", () => {
  for (const name of ["4k", "16k", "64k"] as const satisfies readonly GranuleName[]) {
    it(`finds the next address with a level-2 table, ${name}`, () => {
      const { sys } = testSystem({ granule: name });
      const mm = testMm(sys);
      const end = 2 ** 47;
      expect(firstTable(mm, 0, end), "no tables at all").to.be.at.least(end);
      // The range of one level-2 table: what one level-1 entry maps.
      const span = sys.granule.levels[1]!.size;
      const at = 5 * span + 3 * sys.granule.pmdSize;
      testPte(mm, at);
      expect(firstTable(mm, 0, end)).to.equal(5 * span);
      expect(firstTable(mm, at + 7, end), "inside: the address itself").to.equal(at + 7);
      expect(firstTable(mm, 6 * span, end)).to.be.at.least(end);
      expect(firstTable(mm, 0, 3 * span), "beyond the end").to.be.at.least(3 * span);
    });
  }

  it("visits the level-2 entries of a range that are not empty, each with its part of the range", () => {
    const { sys } = testSystem();
    const mm = testMm(sys);
    const base = 0x5000000000;
    const pmd = 2 ** 21;
    for (const at of [base, base + 2 * pmd, base + 2 ** 30]) testPte(mm, at);
    const seen: number[][] = [];
    forEachPmd(mm, base + 4096, base + 2 ** 30 + 8192, (pmdp, addr, next) => {
      expect(pmdp).to.equal(sys.pgtable.pmdOffset(mm, addr));
      seen.push([addr - base, next - base]);
    });
    expect(seen).to.deep.equal([
      [4096, pmd],
      [2 * pmd, 3 * pmd],
      [2 ** 30, 2 ** 30 + 8192],
    ]);
  });

  it("reads table addresses from descriptors", () => {
    const u32 = Uint32Array.of(0x12345003, 0x08000000, 0, 0, 0xfffff003, 0);
    expect(tableAt(u32, 0 as Pa, 4096)).to.equal(0x12345000);
    expect(tableAt(u32, 8 as Pa, 4096)).to.equal(-1);
    expect(tableAt(u32, 16 as Pa, 4096), "above 2 GiB").to.equal(0xfffff000);
  });
});
