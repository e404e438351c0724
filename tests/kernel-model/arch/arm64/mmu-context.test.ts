/** ASIDs: generations, rollover, reservation, page-table isolation. */
import { expect } from "chai";
import { granule } from "../../../../emulator/arch/granule.js";
import { MmuContext } from "../../../../kernel-model/arch/arm64/mmu-context.js";
import { TlbFlush } from "../../../../kernel-model/arch/arm64/tlbflush.js";
import type { MmStruct } from "../../../../kernel-model/mm/mm-struct.js";
import { CPU_SINGLE, RecordingSink } from "../../../support/memory-system.js";

function setup(asidBits: 8 | 16, kpti = false): { context: MmuContext; sink: RecordingSink } {
  const sink = new RecordingSink();
  const cpu = { ...CPU_SINGLE, asidBits };
  return { context: new MmuContext({ cpu, tlb: new TlbFlush({ granule: granule("4k"), cpu, sink, kpti }) }), sink };
}

const newMm = (): MmStruct => ({ contextId: 0 }) as MmStruct;

describe("MmuContext", () => {
  it("gives ASIDs from 1 up and keeps them", () => {
    const { context, sink } = setup(16);
    const [a, b] = [newMm(), newMm()];
    expect(context.asidOf(a)).to.equal(0);
    expect(context.checkAndSwitchContext(a)).to.deep.equal({ asid: 1, flushAll: false });
    expect(context.checkAndSwitchContext(b)).to.deep.equal({ asid: 2, flushAll: false });
    expect(context.checkAndSwitchContext(a)).to.deep.equal({ asid: 1, flushAll: false });
    expect(context.asidOf(b)).to.equal(2);
    expect(sink.operations).to.deep.equal([]);
  });

  it("wraps after 255 ASIDs of 8 bits: one full flush, the running mm keeps its own", () => {
    const { context, sink } = setup(8);
    const mms = Array.from({ length: 255 }, newMm);
    mms.forEach((mm, i) => expect(context.checkAndSwitchContext(mm).asid).to.equal(i + 1));
    expect(sink.operations).to.deep.equal([]);
    const late = newMm();
    expect(context.checkAndSwitchContext(late)).to.deep.equal({ asid: 1, flushAll: true });
    expect(sink.counts()).to.deep.equal({ vmalle1: 1 });
    expect(sink.barriers).to.deep.equal(["nshst", "nsh"]);
    expect(context.checkAndSwitchContext(mms[254]!), "ran during the rollover").to.deep.equal({ asid: 255, flushAll: false });
    expect(context.checkAndSwitchContext(mms[9]!), "its old number is still free").to.deep.equal({ asid: 10, flushAll: false });
    expect(context.checkAndSwitchContext(mms[0]!), "its old number is taken").to.deep.equal({ asid: 2, flushAll: false });
    expect(sink.counts()).to.deep.equal({ vmalle1: 1 });
  });

  it("never gives one ASID to two address spaces of a generation", () => {
    const { context } = setup(8);
    const mms = Array.from({ length: 300 }, newMm);
    for (let round = 0; round < 5; round++) {
      for (const mm of mms) {
        context.checkAndSwitchContext(mm);
        const same = mms.filter(({ contextId }) => contextId === mm.contextId);
        expect(same.length).to.equal(1);
      }
    }
  });

  it("hands out even ASIDs with page-table isolation", () => {
    const { context } = setup(8, true);
    const asids = Array.from({ length: 130 }, () => context.checkAndSwitchContext(newMm()));
    expect(asids.slice(0, 3).map(({ asid }) => asid)).to.deep.equal([2, 4, 6]);
    expect(asids.every(({ asid }) => asid % 2 === 0)).to.equal(true);
    expect(asids.findIndex(({ flushAll }) => flushAll)).to.equal(127);
  });
});
