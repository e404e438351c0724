/** Depth and limits of the trace filter, as an engine takes them, and the writes that it leaves out. */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { ConfigError } from "../../../emulator/arch/errors.js";
import { granule } from "../../../emulator/arch/granule.js";
import { areOrders, filterDepths, filterLimits, filterPagesFor, hearsWritesOnce, heldLimit } from "../../../emulator/engine/trace-filter.js";
import { CORE_NAMES, corePreset, type CorePreset } from "../../../emulator/mmu/cores.js";
import { Mmu } from "../../../emulator/mmu/mmu.js";
import { exactFilterPages } from "../../../emulator/mmu/tlb-policy.js";
import { plainTrace, TraceFilter, type Access } from "../../support/filtered-trace.js";
import { Random } from "../../support/random-instructions.js";
import { runSeed } from "../../support/seed.js";
import { PageTables } from "../mmu/page-table-builder.js";

describe("depth of the trace filter", () => {
  it("as many pages as the first level allows, and as there is room for", () => {
    const spec = { entries: 160, ways: 5, policy: "lru", coalescedPages: 1, pageSizes: [4096], contiguous: "whole", splinter: "largest" } as const;
    expect(filterPagesFor([])).to.deep.equal({ pages: 64, limit: undefined });
    expect(filterPagesFor([{ spec, next: [] }])).to.deep.equal({ pages: 64, limit: spec });
    expect(filterPagesFor([{ spec: { ...spec, policy: "fifo" }, next: [] }])).to.deep.equal({ pages: 1, limit: undefined });
  });

  it("an engine holds 1 to 64 pages of each kind", () => {
    const options = { pageSize: 4096, trace: true };
    expect(filterDepths(options)).to.deep.equal({ data: 4, code: 1 });
    expect(filterDepths({ ...options, filterPages: 64, fetchPages: 2 })).to.deep.equal({ data: 64, code: 2 });
    for (const pages of [0, 65, 1.5]) {
      expect(() => filterDepths({ ...options, filterPages: pages })).to.throw(ConfigError);
      expect(() => filterDepths({ ...options, fetchPages: pages })).to.throw(ConfigError);
    }
  });

  it("an engine's limits: sets and ways, unless no set can have too many pages", () => {
    expect(heldLimit({ entries: 160, ways: 5 })).to.deep.equal({ sets: 32, ways: 5 });
    expect(heldLimit({ entries: 48, ways: "full" })).to.deep.equal({ sets: 1, ways: 48 });
    expect(filterLimits({})).to.deep.equal([undefined, undefined]);
    expect(filterLimits({ filterLimit: { sets: 32, ways: 5 } })).to.deep.equal([{ sets: 32, ways: 5 }, undefined]);
    expect(filterLimits({ filterLimit: { sets: 2, ways: 64 }, fetchLimit: { sets: 1, ways: 63 } })).to.deep.equal([undefined, { sets: 1, ways: 63 }]);
    for (const limit of [{ sets: 3, ways: 1 }, { sets: 0, ways: 1 }, { sets: 0.5, ways: 1 }, { sets: 2 ** 16, ways: 1 }, { sets: 2, ways: 0 }, { sets: 2, ways: 1.5 }]) {
      expect(() => filterLimits({ filterLimit: limit }), JSON.stringify(limit)).to.throw(ConfigError);
      expect(() => filterLimits({ fetchLimit: limit }), JSON.stringify(limit)).to.throw(ConfigError);
    }
  });

  it("orders of a translation are 0 to 31", () => {
    for (const [data, code, can] of [[0, 0, true], [31, 31, true], [32, 0, false], [0, 32, false], [-1, 0, false], [0, 1.5, false]] as const) {
      expect(areOrders({ data, code }), `${data} ${code}`).to.equal(can);
    }
  });
});

describe("writes that the trace filter leaves out", () => {
  /* Arm: DDI 0487 D8.3. A page of anonymous memory, writable: dirty, and as the hardware will mark it; bit 52. */
  const DIRTY = 0x0028_0000_0000_0f43n;
  const CLEAN = 0x0028_0000_0000_0fc3n;
  const CONT = 1n << 52n;
  const PAGES = 2048;
  const PAGE = 4096;
  /** Fetches, reads and writes of a page, one after the other. */
  const USES = [[0], [1], [1], [1, 2], [1, 2], [2], [1, 0, 2]];
  const ZERO = { instructions: 0, loads: 0, stores: 0 };
  /** Pages in contiguous runs, and those whose neighbours are not neighbours in memory. */
  const inRun = (page: number): boolean => (page & 256) !== 0;
  const apart = (page: number): boolean => (page & 128) !== 0;
  const descriptor = (page: number, clean: boolean): bigint => (clean ? CLEAN : DIRTY) | (inRun(page) ? CONT : 0n) | BigInt(0x100_0000 + (apart(page) ? page ^ 1 : page) * PAGE);

  /** CPUs with these hierarchies each, over tables of their own; the first of each CPU marks descriptors. */
  function machine(cores: readonly CorePreset[], cpus: number): { readonly tables: PageTables; readonly mmus: readonly (readonly Mmu[])[] } {
    const tables = new PageTables();
    for (let page = 0; page < PAGES; page++) tables.map(page * PAGE, 3, descriptor(page, true));
    const mmus = Array.from({ length: cpus }, () => cores.map((core, i) => new Mmu({ core, memory: tables.memory, granule: granule("4k"), updatesDescriptors: i === 0, seed: 1 })));
    for (const mmu of mmus.flat()) mmu.setRegime(tables.regime({ hd: true }));
    return { tables, mmus };
  }

  /** Random accesses, given to one machine whole and to one filtered; the first batch after which they have seen something else, or -1; and how many records less than without the rule. */
  function compare(cores: readonly CorePreset[], cpus: number, ownDirty: (page: number) => boolean, { forgets = true, changesSink = true, salt = 0 } = {}): { readonly differs: number; readonly saved: number } {
    const random = new Random(runSeed() + salt);
    const [whole, filtered] = [machine(cores, cpus), machine(cores, cpus)];
    const depths = {
      data: Math.min(64, ...cores.map(({ l1d }) => exactFilterPages(l1d))),
      code: Math.min(64, ...cores.map(({ l1i }) => exactFilterPages(l1i))),
    };
    const filter = new TraceFilter({ ...depths, ownDirty });
    const plain = new TraceFilter(depths);
    let [cpu, saved] = [0, 0];
    for (let batch = 0; batch < 150; batch++) {
      const span = [8, 40, 200, 1000, PAGES][random.below(5)]!;
      const base = random.below(PAGES - span + 1);
      const accesses: Access[] = Array.from({ length: 1 + random.below(150) }, () => {
        const page = base + random.below(span);
        return USES[random.below(USES.length)]!.map((access) => ({ page, access }));
      }).flat();
      const records = filter.trace(accesses);
      saved += plain.trace(accesses).length - records.length;
      const leaving = filter.leave();
      plain.leave();
      whole.mmus[cpu]!.forEach((mmu) => { mmu.consume(plainTrace(accesses), accesses.length); });
      filtered.mmus[cpu]!.forEach((mmu) => {
        mmu.consume(records, records.length / 2);
        mmu.consume(leaving, leaving.length / 2);
      });
      if (random.below(3) === 0) {
        // The kernel cleans some pages, and says so.
        const first = Math.floor((base + random.below(span)) / 16) * 16;
        const end = first + 16;
        for (const { tables, mmus } of [whole, filtered]) {
          for (let page = first; page < end; page++) tables.map(page * PAGE, 3, descriptor(page, true));
          for (const mmu of mmus.flat()) mmu.tlbi({ op: "vale1is", asid: tables.regime().asid, start: (first * PAGE) as Va, end: (end * PAGE) as Va, level: undefined });
        }
        if (forgets) filter.forget((page) => page >= first && page < end);
      }
      if (random.below(4) === 0) {
        cpu = random.below(cpus);
        if (changesSink) filter.forget();
      }
      const seen = ({ mmus }: typeof whole): unknown => mmus.flat().map((mmu) => [mmu.stats(ZERO), mmu.structures.map((tlb) => [...tlb])]);
      if (JSON.stringify(seen(whole)) !== JSON.stringify(seen(filtered))) return { differs: batch, saved: saved / 2 };
    }
    return { differs: -1, saved: saved / 2 };
  }

  /** Whether one of several machines sees something else: what has to come together for it does not always. */
  const canDiffer = (...[cores, cpus, ownDirty, options]: Parameters<typeof compare>): boolean =>
    Array.from({ length: 16 }, (_, salt) => salt).some((salt) => compare(cores, cpus, ownDirty, { ...options, salt }).differs >= 0);

  const ownPages = (page: number): boolean => !inRun(page);

  for (const name of CORE_NAMES) {
    it(`${name}, and Cortex-A76 beside it, see what they would see of all`, () => {
      const cores = [corePreset(name), corePreset("cortex-a76")];
      expect(cores.map(hearsWritesOnce)).to.deep.equal([true, true]);
      const { differs, saved } = compare(cores.filter(({ granules }) => granules.includes("4k")), 2, ownPages);
      expect(differs, `seed ${runSeed()}`).to.equal(-1);
      expect(saved).to.be.greaterThan(20);
    });
  }

  /** A core with 2 pages of L1, and these L2 structures. */
  function core(coalescedPages: number, ...l2: readonly (readonly [serves: "both" | "instruction" | "data", coalescedPages: number])[]): CorePreset {
    const base = corePreset("neoverse-n1");
    const spec = { entries: 2, ways: "full", policy: "lru", pageSizes: [PAGE, 16 * PAGE], contiguous: "whole", splinter: "largest" } as const;
    return { ...base, l1i: { ...spec, coalescedPages: 1 }, l1d: { ...spec, coalescedPages }, l2: l2.map(([serves, pages]) => ({ ...spec, entries: 4, serves, coalescedPages: pages })) };
  }

  it("needs every L2 entry for data where a write finds it, and L1 entries of neighbours from L2 entries of neighbours", () => {
    for (const [structures, once] of [
      [core(1), true], [core(4), true], [core(1, ["both", 1]), true], [core(1, ["both", 4]), true], [core(1, ["instruction", 1], ["data", 4]), true], [core(4, ["both", 4]), true],
      [core(1, ["both", 1], ["both", 1]), true], [core(1, ["instruction", 1], ["both", 1]), true],
      [core(1, ["data", 1], ["both", 1]), false], [core(4, ["both", 1]), false], [core(4, ["both", 2]), false], [core(4, ["both", 4], ["both", 1]), false],
    ] as const) expect(hearsWritesOnce(structures), JSON.stringify(structures.l2.map(({ serves, coalescedPages }) => [serves, coalescedPages]))).to.equal(once);
    expect(compare([core(1, ["instruction", 1], ["data", 1])], 1, ownPages).differs).to.equal(-1);
    expect(canDiffer([core(1, ["data", 1], ["both", 1])], 1, ownPages)).to.equal(true);
  });

  describe("the test can fail", () => {
    const small = [core(1, ["both", 1])];

    it("no one has to hear twice", () => {
      expect(compare(small, 2, ownPages).differs).to.equal(-1);
    });

    it("pages of a run share a dirty state that no single descriptor has", () => {
      expect(canDiffer(small, 1, () => true)).to.equal(true);
    });

    it("another CPU has not heard", () => {
      expect(canDiffer([corePreset("neoverse-n1")], 2, ownPages, { changesSink: false })).to.equal(true);
    });

    it("what the kernel has cleaned is written for the first time", () => {
      expect(canDiffer(small, 1, ownPages, { forgets: false })).to.equal(true);
    });
  });
});
