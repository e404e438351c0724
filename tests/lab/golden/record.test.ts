/* Two records are equal in what is reproducible, and a difference is named by its field. */
import { expect } from "chai";
import { compactRuns, firstDifference, normalize, type GoldenRecord, type Run } from "../../../lab/golden/record.js";

const base: GoldenRecord = {
  prog: "anon_seq",
  cfg: "off",
  step: "w_seq",
  page: 4096,
  va: "5000000000",
  len: 8192,
  minflt: 2,
  majflt: 0,
  faults: 2,
  aborts: 2,
  contpte: { try_fold: 3, fold: 1 },
  fltlog: [[0, 1, 2, "92000047", "1255", "0", 1]],
  mthp: {},
  vmstat: { pgfault: 2 },
  smaps: { vmas: 1, Rss: 8 },
  sum: { present: 2, young: 2 },
  runs: [
    [0, 1, "e80000461e4f43", "0", 0, 0, 1, 1, 1, 355, "400205828", "102"],
    [1, 1, "e80000999e4f43", "0", 0, 0, 1, 1, 2, 307, "400205828", "102"],
  ],
};

describe("comparison of recordings", () => {
  it("merges scattered order-0 pages into one run marked s", () => {
    const [first, second] = base.runs!;
    const onLru: Run[] = [first!, [...second!]];
    onLru[1]![9] = 355 - 64;
    expect(compactRuns(onLru, 4096)).to.deep.equal([[0, 2, "e80000461e4f43", "0", 0, 0, 1, 1, 1, 355, "400205828", "102", "s"]]);
  });

  it("keeps runs apart that differ in more than the address", () => {
    const runs: Run[] = [
      [0, 1, "e80000461e4f43", "0", 0, 0, 1, 1, 1, 355, "1", "102"],
      [1, 1, "e80000461e5fc3", "0", 0, 0, 1, 1, 1, 355, "1", "102"],
    ];
    expect(compactRuns(runs, 4096)).to.have.length(2);
  });

  it("drops addresses, refcounts, LRU flags and fold attempts", () => {
    const n = normalize(base);
    expect(n["contpte"]).to.deep.equal({ fold: 1 });
    expect(n["layout"]).to.deep.equal([[0, 2, "e8000000000f43", false, 0, 1, 1, 291]]);
  });

  it("agrees when only placement differs", () => {
    const moved: GoldenRecord = { ...base, contpte: { fold: 1 }, runs: [[0, 2, "e80000123e4f43", "0", 0, 0, 1, 1, 9, 291, "7", "102"]] };
    expect(firstDifference(base, moved)).to.equal(undefined);
  });

  const changes: readonly [string, Partial<GoldenRecord>][] = [
    ["minflt", { minflt: 3 }],
    ["contpte", { contpte: { fold: 2 } }],
    ["fltlog", { fltlog: [[0, 1, 2, "92000047", "255", "0", 1]] }],
    ["sum", { sum: { present: 2, young: 1 } }],
    ["layout", { runs: [[0, 2, "e80000123e4b43", "0", 0, 0, 1, 1, 1, 355, "7", "102"]] }],
    ["mthp", { mthp: { "64kB/nr_anon": 1 } }],
    ["vmstat", { vmstat: { pgfault: 3 } }],
    ["smaps", { smaps: { vmas: 1, Rss: 12 } }],
  ];
  for (const [field, change] of changes) {
    it(`names ${field} when it differs`, () => {
      expect(firstDifference(base, { ...base, ...change })).to.have.property("field", field);
    });
  }

  it("leaves out the fault order of lifetime:fork and the young bits after a clear without flush", () => {
    const fork = { ...base, prog: "lifetime:fork" };
    expect(firstDifference(fork, { ...fork, fltlog: [] })).to.equal(undefined);
    const cleared = { ...base, step: "after_clear_refs" };
    expect(firstDifference(cleared, { ...cleared, sum: { present: 2, young: 0 } })).to.equal(undefined);
    expect(firstDifference(cleared, { ...cleared, sum: { present: 1, young: 2 } })).to.have.property("field", "sum");
  });
});
