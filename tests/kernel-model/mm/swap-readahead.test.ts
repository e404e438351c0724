/**
 * Readahead from swap: only slots that others use too go through the swap cache, and their neighbours with them.
 */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { doMadvise } from "../../../kernel-model/mm/madvise.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { MmHarness } from "../../support/mm-harness.js";

const P = 4096;
const BASE = 0x5000000000;
const PAGEOUT = 21;
const WILLNEED = 3;

/** `pages` written pages that are swapped out and shared with a child. */
function shared(pages: number): { h: MmHarness; mm: MmStruct; child: MmStruct; cached: () => string } {
  const h = new MmHarness({ swapBytes: 2 ** 24 });
  const mm = h.newMm();
  h.anon(mm, BASE, pages * P);
  for (let page = 0; page < pages; page++) h.writeByte(mm, BASE + page * P, page + 1);
  expect(doMadvise(mm, BASE as Va, pages * P, PAGEOUT)).to.equal(0);
  const child = h.fork(mm);
  const { swap } = h.sys;
  const cached = (): string =>
    Array.from({ length: pages }, (_, page) => {
      const pte = h.pte(mm, BASE + page * P);
      return (pte & 1n) === 1n ? "m" : swap!.cache[Number(pte >> 12n)] === -1 ? "." : "c";
    }).join("");
  return { h, mm, child, cached };
}

describe("readahead from swap", () => {
  it("the first window is eight pages around the fault; hits keep it, none makes it small", () => {
    const { h, mm, cached } = shared(40);
    h.touch(mm, BASE + 10 * P, "read");
    expect(cached(), "four hits are assumed at first").to.equal(".......cccmcccc.........................");
    expect([h.sys.vmstat.get("swap_ra"), h.sys.vmstat.get("pswpin")]).to.deep.equal([7, 8]);
    h.touch(mm, BASE + 30 * P, "read");
    expect(cached(), "no hit since: half the last window").to.equal(".......cccmcccc..............cmcc.......");
    h.close();
  });

  it("pages that were read ahead are minor faults, and hits", () => {
    const { h, mm } = shared(16);
    h.touch(mm, BASE + 3 * P, "read");
    h.clear();
    expect(h.readByte(mm, BASE + 4 * P)).to.equal(5);
    expect(h.faults.map(({ result }) => result)).to.deep.equal([0]);
    expect([h.sys.vmstat.get("swap_ra_hit"), h.sys.vmstat.get("pgmajfault")]).to.deep.equal([1, 1]);
    h.close();
  });

  it("ascending faults read ahead of themselves", () => {
    const { h, mm, cached } = shared(40);
    h.touch(mm, BASE + 10 * P, "read");
    for (let page = 11; page < 15; page++) h.touch(mm, BASE + page * P, "read");
    h.touch(mm, BASE + 15 * P, "read");
    expect(cached()).to.equal(".......cccmmmmmmccccccc.................");
    h.close();
  });

  it("the window stays inside the area", () => {
    const { h, mm, cached } = shared(6);
    h.touch(mm, BASE + P, "read");
    expect(cached()).to.equal("cmcccc");
    h.close();
  });

  it("MADV_WILLNEED reads everything of the range into the swap cache", () => {
    const { h, mm, cached } = shared(12);
    expect(doMadvise(mm, (BASE + 2 * P) as Va, 8 * P, WILLNEED)).to.equal(0);
    expect(cached()).to.equal("..cccccccc..");
    expect(h.sys.vmstat.get("pswpin")).to.equal(8);
    h.check();
    h.close();
  });

  it("a slot of one process alone is read past the cache, without neighbours", () => {
    const { h, mm, child, cached } = shared(16);
    h.exit(child);
    h.touch(mm, BASE + 5 * P, "read");
    expect(cached()).to.equal(".....m..........");
    h.close();
  });
});
