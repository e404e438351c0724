/* The coverage map: areas with what maps them, drawn in columns. */
import { expect } from "chai";
import { order } from "../../../../emulator/arch/addr.js";
import { cellsOf, coverageOf } from "../../../../lab/report/html/coverage.js";
import { MmHarness } from "../../../support/mm-harness.js";

const KIB = 1024;
const BASE = 0x5000_0000;

describe("coverageOf", () => {
  it("tells for each area which of it is mapped, and by what", () => {
    const harness = new MmHarness();
    const { sys } = harness;
    const mm = harness.newMm();
    sys.thp.setSizeEnabled(order(4), "always");
    harness.anon(mm, BASE, 192 * KIB);
    harness.touch(mm, BASE, "write");
    sys.thp.setSizeEnabled(order(4), "never");
    harness.touch(mm, BASE + 128 * KIB, "write");
    harness.anon(mm, BASE + 1024 * KIB, 64 * KIB);
    expect(coverageOf(mm)).to.deep.equal([
      {
        start: BASE,
        end: BASE + 192 * KIB,
        permissions: "rw-p",
        name: "",
        mapped: { page: 4 * KIB, contiguous: 64 * KIB, block: 0 },
        ranges: [
          { start: BASE, end: BASE + 64 * KIB, kind: "contiguous" },
          { start: BASE + 128 * KIB, end: BASE + 132 * KIB, kind: "page" },
        ],
      },
      { start: BASE + 1024 * KIB, end: BASE + 1088 * KIB, permissions: "rw-p", name: "", mapped: { page: 0, contiguous: 0, block: 0 }, ranges: [] },
    ]);
    harness.exit(mm);
  });
});

describe("cellsOf", () => {
  const area = { start: 0, end: 1000, ranges: [{ start: 100, end: 400, kind: "page" }, { start: 400, end: 460, kind: "contiguous" }, { start: 990, end: 1000, kind: "block" }] } as const;

  it("joins columns that look the same", () => {
    expect(cellsOf(area, 10)).to.deep.equal([
      { kind: "unmapped", columns: 1, start: 0, end: 100 },
      { kind: "page", columns: 3, start: 100, end: 400 },
      { kind: "contiguous", columns: 1, start: 400, end: 500 },
      { kind: "unmapped", columns: 4, start: 500, end: 900 },
      { kind: "block", columns: 1, start: 900, end: 1000 },
    ]);
  });

  it("a column shows what maps most of it, and is never empty if anything is mapped", () => {
    expect(cellsOf(area, 1)).to.deep.equal([{ kind: "page", columns: 1, start: 0, end: 1000 }]);
    expect(cellsOf(area, 2).map(({ kind }) => kind)).to.deep.equal(["page", "block"]);
    expect(cellsOf(area, 100).reduce((sum, { columns }) => sum + columns, 0)).to.equal(100);
  });
});
