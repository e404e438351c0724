/* What an address space maps, counted from its tables. */
import { expect } from "chai";
import { order } from "../../../emulator/arch/addr.js";
import { snapshotMm } from "../../../lab/observers/mm-snapshot.js";
import { MmHarness } from "../../support/mm-harness.js";

const KIB = 1024;
const BASE = 0x5000_0000;

describe("snapshotMm", () => {
  it("tells contiguous runs from single pages, and folios by order", () => {
    const harness = new MmHarness();
    const { sys } = harness;
    const mm = harness.newMm();
    sys.thp.setSizeEnabled(order(4), "always");
    harness.anon(mm, BASE, 128 * KIB);
    harness.touch(mm, BASE, "write");
    sys.thp.setSizeEnabled(order(4), "never");
    harness.touch(mm, BASE + 64 * KIB, "write");
    const loads = sys.pgtable.counters.ptepGetLoads;
    const snapshot = snapshotMm(mm);
    expect(snapshot).to.deep.include({ mappedBytes: 68 * KIB, mappedBytesCont: 64 * KIB, folios: { "0": 1, "4": 1 } });
    expect(snapshot.pageTableBytes).to.equal(mm.pgtablesBytes).and.to.equal(3 * 4 * KIB);
    expect(sys.pgtable.counters.ptepGetLoads).to.equal(loads);
    harness.exit(mm);
  });

  it("counts the zero page as mapped and as no folio", () => {
    const harness = new MmHarness();
    const mm = harness.newMm();
    harness.anon(mm, BASE, 8 * KIB);
    harness.touch(mm, BASE, "read");
    expect(snapshotMm(mm)).to.deep.include({ mappedBytes: 4 * KIB, mappedBytesCont: 0, folios: {} });
    harness.exit(mm);
  });

  it("is empty for an empty address space", () => {
    const harness = new MmHarness();
    const mm = harness.newMm();
    expect(snapshotMm(mm)).to.deep.include({ mappedBytes: 0, mappedBytesCont: 0, folios: {} });
    harness.exit(mm);
  });
});
