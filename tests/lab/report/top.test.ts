/** Tables of a profile: every list, sorted, with the columns that have something to say. */
import { expect } from "chai";
import type { PcRow, ProfileResult } from "../../../lab/profile/top.js";
import { mainCause, placeName, topText } from "../../../lab/report/top.js";

const NONE = { cold: 0, capacity: 0, conflict: 0, invalidated: 0 };

function row(changes: Partial<PcRow>): PcRow {
  return { pc: "0x400100", module: "/p", function: "f", offset: 8, instruction: "ldr x0, [x1]", source: null, causes: NONE, l1i: 0, l1d: 0, l2: 0, walkCycles: 0, faults: 0, ...changes };
}

const PROFILE: ProfileResult = {
  core: "neoverse-n1",
  causes: { l1i: { ...NONE, cold: 3 }, l1d: { ...NONE, cold: 1, capacity: 2999 }, l2: { ...NONE, conflict: 5 } },
  entries: [{ kind: "page", bytes: 4096, l1i: 3, l1d: 2000, l2: 5 }, { kind: "contiguous", bytes: 65536, l1i: 0, l1d: 1000, l2: 0 }],
  pcs: [
    row({ function: "hot", l1d: 2990, l2: 5, walkCycles: 55, causes: { ...NONE, capacity: 2990 } }),
    row({ function: "start", offset: 0, l1d: 10, faults: 4, causes: { ...NONE, cold: 1, capacity: 9 } }),
    row({ function: "only_faults", faults: 9 }),
  ],
  functions: [],
  areas: [{ start: "0x1000", end: "0x5000", permissions: "rw-p", name: "", l1i: 0, l1d: 3000, l2: 5, walkCycles: 55, faults: 13 }],
};

describe("topText", () => {
  const text = topText(PROFILE, 2);

  it("shows causes per structure, in parts of all", () => {
    expect(text).to.match(/TLB misses of neoverse-n1 by cause/);
    expect(text).to.match(/│ L1D +│ +3,000 │ +1 \(0.03 %\) │ +2,999 \(100.0 %\) │ +0 │ +0 │/);
    expect(text).to.match(/│ L2 +│ +5 │ +0 │ +0 │ +5 \(100.0 %\) │ +0 │/);
    expect(topText({ ...PROFILE, causes: { ...PROFILE.causes, l2: null } }, 2)).to.not.match(/│ L2 /);
  });

  it("shows what kind of entry came in", () => {
    expect(text).to.match(/│ 64k contiguous +│ +0 │ 1,000 │ +0 │/);
  });

  it("lists instructions by misses, then by faults; rows without a miss are not among the misses", () => {
    const [misses, faults] = text.split("page faults by instruction");
    expect(misses).to.match(/hot\+0x8[^]*start /);
    expect(misses).to.not.include("only_faults");
    expect(faults).to.match(/only_faults\+0x8[^]*start /);
    expect(faults!.split("by area")[0]).to.not.include("hot");
    expect(text).to.match(/│ 2,990 │ +0 │ +5 │ +55 │ +0 │ capacity +│ 400100 │ hot\+0x8 +│ ldr x0, \[x1\] │/);
  });

  it("shows areas with range, permissions and name", () => {
    expect(text).to.match(/│ 3,000 │ +0 │ +5 │ +55 │ +13 │ 1000-5000 │ rw-p │ anonymous │/);
  });

  it("has a column of source lines only if there are any, and says why there are none", () => {
    expect(text).to.not.include("source");
    const lines = topText({ ...PROFILE, symbolizer: "llvm-symbolizer", pcs: [row({ l1d: 1, source: "a.c:7" })] }, 1);
    expect(lines).to.match(/│ source │[^]*│ a.c:7 +│/);
    expect(topText({ ...PROFILE, symbolizer: null }, 1)).to.match(/source lines: .* neither llvm-symbolizer nor aarch64-linux-gnu-addr2line is installed$/);
  });

  it("a run without faults has no table of them", () => {
    expect(topText({ ...PROFILE, pcs: [row({ l1d: 1 })] }, 1)).to.not.include("page faults");
  });
});

describe("mainCause", () => {
  it("is the cause of most, with its share if there are others", () => {
    expect(mainCause(NONE)).to.equal("");
    expect(mainCause({ ...NONE, invalidated: 4 })).to.equal("invalidated");
    expect(mainCause({ ...NONE, cold: 1, conflict: 3 })).to.equal("conflict 75.0 %");
  });
});

describe("placeName", () => {
  it("adds the offset, not at the first instruction", () => {
    expect([placeName({ function: "f", offset: 0 }), placeName({ function: "f", offset: 32 })]).to.deep.equal(["f", "f+0x20"]);
  });
});
