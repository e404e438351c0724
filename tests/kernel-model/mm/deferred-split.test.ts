/**
 * The deferred split queue and its counters.
 */
import { expect } from "chai";
import type { Order, Pfn } from "../../../emulator/arch/addr.js";
import { deferredSplitFolio, folioUnqueueDeferredSplit } from "../../../kernel-model/mm/deferred-split.js";
import type { MemorySystem } from "../../../kernel-model/mm/memory-system.js";
import { testAnonFolio, testSystem } from "../../support/memory-system.js";

const SWAPCACHE = 1 << 23;

/** [queue length, split_deferred, nr_anon_partially_mapped, thp_deferred_split_page] of the order. */
function state(sys: MemorySystem, order: number): number[] {
  const stat = (name: "split_deferred" | "nr_anon_partially_mapped"): number => sys.thp.stat(order as Order, name);
  return [sys.hugeMemory.deferredSplit.size, stat("split_deferred"), stat("nr_anon_partially_mapped"), sys.vmstat.get("thp_deferred_split_page")];
}

describe("deferred split queue", () => {
  it("takes a folio once, and counts it once", () => {
    const { sys } = testSystem();
    const folio = testAnonFolio(sys, 4);
    deferredSplitFolio(sys, folio, true);
    deferredSplitFolio(sys, folio, true);
    expect(state(sys, 4)).to.deep.equal([1, 1, 1, 0]);
    folioUnqueueDeferredSplit(sys, folio);
    folioUnqueueDeferredSplit(sys, folio);
    expect(state(sys, 4)).to.deep.equal([0, 1, 0, 0]);
  });

  it("counts a folio of PMD size in vmstat too", () => {
    const { sys } = testSystem();
    deferredSplitFolio(sys, testAnonFolio(sys, 9), true);
    expect(state(sys, 9)).to.deep.equal([1, 1, 1, 1]);
  });

  it("takes a new PMD-sized folio, which may turn out underused, without counting", () => {
    const { sys } = testSystem();
    const folio = testAnonFolio(sys, 9);
    deferredSplitFolio(sys, folio, false);
    expect(state(sys, 9)).to.deep.equal([1, 0, 0, 0]);
    deferredSplitFolio(sys, folio, true);
    expect(state(sys, 9)).to.deep.equal([1, 1, 1, 1]);
  });

  it("keeps the order of arrival", () => {
    const { sys } = testSystem();
    const folios: Pfn[] = [2, 4, 3].map((order) => testAnonFolio(sys, order));
    for (const folio of folios) deferredSplitFolio(sys, folio, true);
    expect([...sys.hugeMemory.deferredSplit]).to.deep.equal(folios);
  });

  it("leaves out pairs of pages and folios in the swap cache", () => {
    const { sys } = testSystem();
    deferredSplitFolio(sys, testAnonFolio(sys, 1), true);
    const folio = testAnonFolio(sys, 4);
    sys.pages.set(folio, SWAPCACHE);
    deferredSplitFolio(sys, folio, true);
    expect(sys.hugeMemory.deferredSplit.size).to.equal(0);
  });
});
