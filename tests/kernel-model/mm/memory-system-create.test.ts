/** A machine is wired as its options say. */
import { expect } from "chai";
import type { Order } from "../../../emulator/arch/addr.js";
import { ConfigError } from "../../../emulator/arch/errors.js";
import { checkSystem } from "../../../kernel-model/mm/check.js";
import { testMm, testSystem } from "../../support/memory-system.js";

describe("createMemorySystem", () => {
  for (const [name, nr] of [
    ["4k", 16384],
    ["16k", 16384],
    ["64k", 16384],
  ] as const) {
    it(`boots an idle machine (${name})`, () => {
      const { sys, sink } = testSystem({ granule: name });
      expect([sys.pages.nr, sys.buddy.nrReserved, sys.buddy.nrFree, sys.zeroPfn]).to.deep.equal([nr, 2, nr - 2, 1]);
      expect(sys.pages.test(sys.zeroPfn, 1 << 13), "PG_RESERVED").to.equal(true);
      expect(sys.tunables.faultAroundBytes).to.equal(65536);
      expect([sink.operations.length, sink.barriers.length]).to.deep.equal([0, 0]);
      checkSystem(sys, []);
    });
  }

  it("wires counters that other parts keep", () => {
    const { sys } = testSystem();
    const { vmstat, buddy } = sys;
    buddy.freePages(buddy.allocPages(3 as Order), 3 as Order);
    vmstat.add("nr_inactive_anon", 5);
    vmstat.add("nr_dirty", 2);
    vmstat.add("nr_writeback", 1);
    expect(vmstat.snapshot()).to.include({
      nr_free_pages: buddy.nrFree,
      pgalloc_dma: 8,
      pgfree: 8,
      numa_hit: 1,
      numa_local: 1,
      nr_zone_inactive_anon: 5,
      nr_zone_write_pending: 3,
    });
  });

  it("derives the dirty limits from free memory and page cache", () => {
    const { sys } = testSystem();
    /* 16382 free, high watermark 255 + 2 * 63 = 381: 16002 pages may be dirtied; 20 % is 819/4096, 10 % is 409/4096. */
    expect(sys.buddy.watermarks.high).to.equal(381);
    expect([sys.vmstat.get("nr_dirty_threshold"), sys.vmstat.get("nr_dirty_background_threshold")]).to.deep.equal([3199, 1597]);
    sys.vmstat.add("nr_inactive_file", 1000);
    expect(sys.vmstat.get("nr_dirty_threshold")).to.equal(3399);
  });

  it("reserves and fragments as asked", () => {
    const { sys } = testSystem({ reservedBytes: 2 ** 20, fragment: "order=4,free=25%" });
    expect([sys.buddy.nrReserved, sys.buddy.buddyinfo().slice(4).some((count) => count > 0)]).to.deep.equal([256, false]);
    checkSystem(sys, []);
    expect(() => testSystem({ reservedBytes: 64 * 2 ** 20 })).to.throw(ConfigError);
  });

  it("hands its options to the parts", () => {
    const { sys, sink } = testSystem({ kpti: true, contpte: false, batch: false });
    expect([sys.pgtable.contpte, sys.tunables.batch, sys.tlb.kpti]).to.deep.equal([false, false, true]);
    sys.tlb.flushTlbMm(testMm(sys));
    expect(sink.counts()).to.deep.equal({ aside1is: 2 });
  });

  it("makes machines that share nothing", () => {
    const [a, b] = [testSystem().sys, testSystem().sys];
    a.buddy.allocPages(0 as Order);
    a.vmstat.inc("pgfault");
    a.thp.enabled = "never";
    expect([b.buddy.nrAllocations, b.vmstat.get("pgfault"), b.thp.enabled]).to.deep.equal([0, 0, "always"]);
  });
});
