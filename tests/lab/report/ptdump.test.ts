/* Page tables as ranges: one line per range, attribute columns as ptdump names them. */
import { expect } from "chai";
import { order } from "../../../emulator/arch/addr.js";
import { formatPtdump } from "../../../lab/report/ptdump.js";
import { MmHarness } from "../../support/mm-harness.js";

const KIB = 1024;
const BASE = 0x5000_0000;

describe("formatPtdump", () => {
  it("shows a contiguous block, single pages and the area they belong to", () => {
    const harness = new MmHarness();
    const mm = harness.newMm();
    harness.sys.thp.setSizeEnabled(order(4), "always");
    harness.anon(mm, BASE, 128 * KIB);
    harness.touch(mm, BASE, "write");
    harness.touch(mm, BASE + 64 * KIB, "read");
    const lines = formatPtdump(mm).trimEnd().split("\n");
    expect(lines).to.have.length(3);
    expect(lines[0]).to.equal("---[ 50000000-50020000 anonymous ]---");
    expect(lines[1]).to.match(/^0x0000000050000000-0x0000000050010000 {7}64K PTE pa 0x[0-9a-f]{6}0000 USR RW NX SHD AF NG CON UXN DBM DIRTY {9}\s+MEM\/NORMAL$/);
    expect(lines[2]).to.match(/^0x0000000050010000-0x0000000050011000 {8}4K PTE pa 0x[0-9a-f]{10} USR ro NX SHD AF NG {5}UXN {11}SPECIAL\s+MEM\/NORMAL$/);
    harness.exit(mm);
  });

  it("is empty for an empty address space", () => {
    const harness = new MmHarness();
    const mm = harness.newMm();
    expect(formatPtdump(mm)).to.equal("");
    harness.exit(mm);
  });
});
