/* Sums over CPUs. */
import { expect } from "chai";
import { sumOfCpus } from "../../lab/cpu-results.js";
import type { CpuResult, TlbStats } from "../../lab/result.js";

const stats = (n: number): TlbStats => ({
  l1i: { accesses: n, misses: 1 },
  l1d: { accesses: 2 * n, misses: 2 },
  l2: { accesses: 3, misses: 1 },
  walks: n,
  descriptorFetches: { l0: 0, l1: 1, l2: 2, l3: n },
  walkCycles: 10 * n,
});
const cpu = (n: number): CpuResult => ({ instructions: n, loads: n, stores: n, contextSwitches: 0, tlbiReceived: {}, tlb: { a: stats(n), b: stats(1) } });

describe("sumOfCpus", () => {
  it("adds every number, preset by preset", () => {
    expect(sumOfCpus([cpu(5), cpu(7)])).to.deep.equal({
      a: {
        l1i: { accesses: 12, misses: 2 },
        l1d: { accesses: 24, misses: 4 },
        l2: { accesses: 6, misses: 2 },
        walks: 12,
        descriptorFetches: { l0: 0, l1: 2, l2: 4, l3: 12 },
        walkCycles: 120,
      },
      b: { l1i: { accesses: 2, misses: 2 }, l1d: { accesses: 4, misses: 4 }, l2: { accesses: 6, misses: 2 }, walks: 2, descriptorFetches: { l0: 0, l1: 2, l2: 4, l3: 2 }, walkCycles: 20 },
    });
  });

  it("one CPU is the sum itself", () => {
    expect(sumOfCpus([cpu(3)])).to.deep.equal(cpu(3).tlb);
  });
});
