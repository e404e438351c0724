/* What maps an address space, read from its tables. */
import { expect } from "chai";
import { order } from "../../../emulator/arch/addr.js";
import { mappedBytes, mappingRanges } from "../../../lab/observers/mapping-scan.js";
import { snapshotMm } from "../../../lab/observers/mm-snapshot.js";
import { MmHarness } from "../../support/mm-harness.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const BASE = 0x5000_0000;

describe("mappedBytes and mappingRanges", () => {
  it("tell pages, contiguous runs and blocks apart, without moving a counter", () => {
    const harness = new MmHarness();
    const { sys } = harness;
    const mm = harness.newMm();
    sys.thp.setSizeEnabled(order(4), "always");
    harness.anon(mm, BASE, 192 * KIB);
    harness.touch(mm, BASE, "write");
    harness.touch(mm, BASE + 64 * KIB, "write");
    sys.thp.setSizeEnabled(order(4), "never");
    harness.touch(mm, BASE + 128 * KIB, "write");
    sys.thp.setSizeEnabled(order(9), "always");
    harness.anon(mm, BASE + 4 * MIB, 2 * MIB);
    harness.touch(mm, BASE + 5 * MIB, "write");
    const loads = sys.pgtable.counters.ptepGetLoads;
    expect(mappedBytes(mm)).to.deep.equal({ page: 4 * KIB, contiguous: 128 * KIB, block: 2 * MIB });
    expect(mappingRanges(mm)).to.deep.equal([
      { start: BASE, end: BASE + 128 * KIB, kind: "contiguous" },
      { start: BASE + 128 * KIB, end: BASE + 132 * KIB, kind: "page" },
      { start: BASE + 4 * MIB, end: BASE + 6 * MIB, kind: "block" },
    ]);
    expect(sys.pgtable.counters.ptepGetLoads).to.equal(loads);
    const snapshot = snapshotMm(mm);
    expect(snapshot.mappedBytes).to.equal(132 * KIB + 2 * MIB);
    harness.exit(mm);
  });

  it("are empty for an empty address space", () => {
    const harness = new MmHarness();
    const mm = harness.newMm();
    expect(mappedBytes(mm)).to.deep.equal({ page: 0, contiguous: 0, block: 0 });
    expect(mappingRanges(mm)).to.deep.equal([]);
    harness.exit(mm);
  });
});
