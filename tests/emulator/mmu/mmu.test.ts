/**
 * The hierarchy: counters, updates and maintenance by example, then random machines against the plain reference.
 */
import { expect } from "chai";
import type { Asid, Va } from "../../../emulator/arch/addr.js";
import { ModelBug, NotModelled } from "../../../emulator/arch/errors.js";
import type { GranuleName, Level } from "../../../emulator/arch/granule.js";
import { granule } from "../../../emulator/arch/granule.js";
import { PhysicalMemory } from "../../../emulator/memory/physical-memory.js";
import { corePreset } from "../../../emulator/mmu/cores.js";
import type { CorePreset } from "../../../emulator/mmu/cores.js";
import { Mmu } from "../../../emulator/mmu/mmu.js";
import type { Tlb, TlbSpec } from "../../../emulator/mmu/tlb.js";
import type { Tlbi } from "../../../emulator/mmu/tlbi.js";
import { PageTables } from "./page-table-builder.js";
import { ReferenceMmu } from "./reference-mmu.js";
import type { AddressSpace, Mapping } from "./reference-mmu.js";
import { describeEntry } from "./reference-tlb.js";

const FETCH = 0;
const READ = 1;
const WRITE = 2;
const CONT = 1n << 52n;
const ANON = 0x00e8_0000_0000_0f43n;
const SHARED_CLEAN = 0x0068_0000_0000_0fc3n;
const ZERO = { instructions: 0, loads: 0, stores: 0 };

/** Trace words of [page, access] pairs. */
function trace(records: readonly (readonly [number, number])[]): Uint32Array {
  const words = new Uint32Array(records.length * 2);
  records.forEach(([page, access], i) => {
    words[i * 2] = page % 2 ** 32;
    words[i * 2 + 1] = Math.floor(page / 2 ** 32) * 4 + access;
  });
  return words;
}

function feed(mmu: Mmu, records: readonly (readonly [number, number])[]): void {
  mmu.consume(trace(records), records.length);
}

function make(tables: PageTables, core: CorePreset | string = "neoverse-n1", updatesDescriptors = true): Mmu {
  const mmu = new Mmu({ core: typeof core === "string" ? corePreset(core) : core, memory: tables.memory, granule: granule(tables.granuleName, tables.vaBits), updatesDescriptors, seed: 1, fastAfter: 0 });
  mmu.setRegime(tables.regime());
  return mmu;
}

const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe("Mmu", () => {
  it("counts L1 misses, L2 misses, walks and fetches of a cold page", () => {
    const tables = new PageTables();
    tables.map(0x5000, 3, ANON | 0x10_0000n);
    const mmu = make(tables);
    feed(mmu, [[5, READ], [5, READ], [5, WRITE]]);
    const stats = mmu.stats({ instructions: 10, loads: 7, stores: 3 });
    expect(stats.l1d).to.deep.equal({ accesses: 10, misses: 1 });
    expect(stats.l1i).to.deep.equal({ accesses: 10, misses: 0 });
    expect(stats.l2).to.deep.equal({ accesses: 1, misses: 1 });
    expect(stats.walks).to.equal(1);
    expect(stats.descriptorFetches).to.deep.equal({ l0: 1, l1: 1, l2: 1, l3: 1 });
    expect(stats.walkCycles).to.equal(4 * mmu.core.latencies.descriptorFetch);
    expect(stats.descriptorFetchMisses).to.equal(4);
    expect(stats.l2HitCycles).to.equal(0);
  });

  it("fetches go through the L1I and share the L2", () => {
    const tables = new PageTables();
    tables.map(0x5000, 3, 0x0020_0000_0000_0fc3n | 0x10_0000n);
    const mmu = make(tables);
    feed(mmu, [[5, FETCH], [5, READ], [5, FETCH]]);
    const stats = mmu.stats(ZERO);
    expect([stats.l1i.misses, stats.l1d.misses, stats.l2.accesses, stats.l2.misses]).to.deep.equal([1, 1, 2, 1]);
  });

  it("49 pages in turn miss a 48-entry LRU always, 48 pages only once each", () => {
    const tables = new PageTables();
    for (const page of count(49)) tables.map(page * 4096, 3, ANON | BigInt(0x10_0000 + page * 8192));
    const fits = make(tables);
    for (let round = 0; round < 5; round++) feed(fits, count(48).map((page) => [page, READ]));
    expect(fits.stats(ZERO).l1d.misses).to.equal(48);
    const thrashes = make(tables);
    for (let round = 0; round < 5; round++) feed(thrashes, count(49).map((page) => [page, READ]));
    expect(thrashes.stats(ZERO).l1d.misses).to.equal(5 * 49);
    expect(thrashes.stats(ZERO).l2.misses).to.equal(49);
  });

  it("each level's descriptor goes through the data caches by its own address", () => {
    const tables = new PageTables();
    for (const page of [0, 512, 512 * 8]) tables.map(page * 4096, 3, ANON | BigInt(0x10_0000 + page * 4096));
    const core = { ...corePreset("neoverse-n1"), walkCache: undefined, walker: { parallelWalks: 4 }, descriptorCaches: [{ name: "l2" as const, bytes: 8192, ways: 128, latency: 10 }], latencies: { l2Hit: 5, descriptorFetch: 100 } };
    const mmu = make(tables, core);
    const misses = [0, 512, 512 * 8].map((page) => {
      feed(mmu, [[page, READ]]);
      return mmu.stats(ZERO).descriptorFetchMisses;
    });
    // The second page shares the lines of levels 0 to 2, the third those of levels 0 and 1.
    expect(misses).to.deep.equal([4, 5, 7]);
    const stats = mmu.stats(ZERO);
    expect(stats.descriptorCacheHits).to.deep.equal({ l1d: 0, l2: 5, l3: 0 });
    expect([stats.walkCycles, stats.walkCyclesOverlapped]).to.deep.equal([750, 187.5]);
  });

  it("a contiguous run is one entry on Neoverse N1, sixteen under QEMU", () => {
    const tables = new PageTables();
    for (const page of count(16)) tables.map(0x1_0000 + page * 4096, 3, ANON | CONT | BigInt(0x20_0000 + page * 4096));
    const records = count(16).map((page) => [16 + page, READ] as const);
    const whole = make(tables);
    feed(whole, records);
    expect(whole.stats(ZERO).walks).to.equal(1);
    const pages = make(tables, "qemu");
    feed(pages, records);
    expect(pages.stats(ZERO).walks).to.equal(16);
    expect(pages.stats(ZERO).l2).to.deep.equal({ accesses: 0, misses: 0 });
  });

  it("a 32 MiB run lies whole in the L2 and L1I of Cortex-A76, in 2 MiB pieces in its L1D", () => {
    const tables = new PageTables();
    for (const block of count(16)) tables.map(2 ** 30 + block * 2 ** 21, 2, (ANON & ~2n) | CONT | BigInt(2 ** 25 + block * 2 ** 21));
    const mmu = make(tables, "cortex-a76");
    feed(mmu, count(16).map((block) => [2 ** 18 + block * 512, READ]));
    const stats = mmu.stats(ZERO);
    expect([stats.l1d.misses, stats.l2.misses]).to.deep.equal([16, 1]);
    expect([...mmu.l1d].map(({ start, end }) => end - start)).to.deep.equal(Array(16).fill(2 ** 21));
    expect([...mmu.l2d[0]!].filter(({ table }) => !table).map(({ start, end }) => end - start)).to.deep.equal([2 ** 25]);
  });

  it("the walk cache leaves one fetch of four, and a block nothing in it", () => {
    const tables = new PageTables();
    for (const page of count(8)) tables.map(page * 4096, 3, ANON | BigInt(page * 8192));
    const mmu = make(tables, "cortex-a53");
    feed(mmu, count(8).map((page) => [page, READ]));
    const stats = mmu.stats(ZERO);
    expect(stats.descriptorFetches).to.deep.equal({ l0: 1, l1: 1, l2: 1, l3: 8 });
    expect(stats.walkCacheHits).to.equal(7);
    // Eight descriptors of eight bytes are one line.
    expect([stats.descriptorCacheHits, stats.descriptorFetchMisses]).to.deep.equal([{ l1d: 7, l2: 0, l3: 0 }, 4]);
    const blocks = new PageTables();
    for (const block of count(4)) blocks.map(block * 2 ** 21, 2, (ANON & ~2n) | BigInt(block * 2 ** 21));
    const big = make(blocks, "cortex-a53");
    feed(big, count(4).map((block) => [block * 512, READ]));
    expect(big.stats(ZERO).descriptorFetches).to.deep.equal({ l0: 4, l1: 4, l2: 4, l3: 0 });
  });

  it("ASIDs keep translations apart; a change of ASID empties QEMU's TLB", () => {
    const memory = new PhysicalMemory(64 * 2 ** 20);
    const one = new PageTables("4k", 48, 0, memory, 0x10_0000);
    const two = new PageTables("4k", 48, 0, memory, 0x20_0000);
    for (const tables of [one, two]) tables.map(0x5000, 3, ANON | 0x100_0000n);
    for (const [core, walks] of [["neoverse-n1", 2], ["qemu", 4]] as const) {
      const mmu = make(one, core);
      for (const tables of [one, two, one, two]) {
        mmu.setRegime(tables.regime({ asid: tables === one ? 1 : 2 }));
        feed(mmu, [[5, READ]]);
      }
      expect(mmu.stats(ZERO).walks, core).to.equal(walks);
    }
  });

  it("a TLBI makes the next access walk again; last-level operations leave the walk cache", () => {
    const tables = new PageTables();
    tables.map(0x5000, 3, ANON | 0x10_0000n);
    const mmu = make(tables);
    const operation: Tlbi = { op: "vale1is", asid: 1 as Asid, start: 0x5000 as Va, end: 0x6000 as Va, level: 3 };
    feed(mmu, [[5, READ]]);
    mmu.tlbi(operation);
    feed(mmu, [[5, READ]]);
    expect(mmu.stats(ZERO).descriptorFetches).to.deep.equal({ l0: 1, l1: 1, l2: 1, l3: 2 });
    mmu.tlbi({ ...operation, op: "vae1is", level: undefined });
    feed(mmu, [[5, READ]]);
    expect(mmu.stats(ZERO).descriptorFetches).to.deep.equal({ l0: 2, l1: 2, l2: 2, l3: 3 });
    mmu.tlbi({ ...operation, asid: 2 as Asid });
    mmu.tlbi({ ...operation, level: 2 });
    feed(mmu, [[5, READ]]);
    expect(mmu.stats(ZERO).walks, "another ASID's, and a wrong level hint").to.equal(3);
  });
});

describe("descriptor updates", () => {
  it("the first write through a clean entry marks the descriptor, later ones nothing", () => {
    const tables = new PageTables();
    const place = tables.map(0x5000, 3, SHARED_CLEAN | 0x10_0000n);
    const mmu = make(tables);
    feed(mmu, [[5, READ]]);
    expect(tables.read(place)).to.equal(SHARED_CLEAN | 0x10_0000n);
    feed(mmu, [[5, WRITE]]);
    expect(tables.read(place)).to.equal((SHARED_CLEAN & ~0x80n) | 0x10_0000n);
    tables.map(0x5000, 3, SHARED_CLEAN | 0x10_0000n);
    feed(mmu, [[5, WRITE]]);
    expect(tables.read(place), "cached dirty: made clean without TLBI, the hardware does not look again").to.equal(SHARED_CLEAN | 0x10_0000n);
    const stats = mmu.stats(ZERO);
    expect([stats.walks, stats.updateWalks, stats.dirtyUpdates, stats.l1d.misses, stats.l2.misses]).to.deep.equal([2, 1, 1, 1, 1]);
  });

  it("one descriptor of a run is marked, and the whole run is then dirty in the TLB", () => {
    const tables = new PageTables();
    const places = count(16).map((page) => tables.map(0x1_0000 + page * 4096, 3, SHARED_CLEAN | CONT | BigInt(0x20_0000 + page * 4096)));
    const mmu = make(tables);
    feed(mmu, [[18, READ], ...count(16).map((page) => [31 - page, WRITE] as const)]);
    expect(places.filter((place) => (tables.read(place) & 0x80n) === 0n)).to.deep.equal([places[15]]);
    expect(mmu.stats(ZERO).dirtyUpdates).to.equal(1);
  });

  it("under QEMU every page of the run is marked on its own", () => {
    const tables = new PageTables();
    const places = count(16).map((page) => tables.map(0x1_0000 + page * 4096, 3, SHARED_CLEAN | CONT | BigInt(0x20_0000 + page * 4096)));
    const mmu = make(tables, "qemu");
    feed(mmu, count(16).map((page) => [16 + page, WRITE]));
    expect(places.every((place) => (tables.read(place) & 0x80n) === 0n)).to.equal(true);
  });

  it("pages of a coalesced entry are marked one by one: no write goes unrecorded", () => {
    const tables = new PageTables();
    const places = count(4).map((page) => tables.map(page * 4096, 3, SHARED_CLEAN | BigInt(0x20_0000 + page * 4096)));
    const mmu = make(tables, "cortex-a76");
    feed(mmu, [[0, READ], [1, READ], [2, READ]]);
    expect(mmu.stats(ZERO).l2.misses, "one walk for the group").to.equal(1);
    feed(mmu, count(4).map((page) => [page, WRITE]));
    expect(places.map((place) => (tables.read(place) & 0x80n) === 0n)).to.deep.equal([true, true, true, true]);
  });

  it("a listener counts the same and changes nothing", () => {
    const tables = new PageTables();
    const place = tables.map(0x5000, 3, (SHARED_CLEAN & ~0x400n) | 0x10_0000n);
    const listener = make(tables, "neoverse-n1", false);
    feed(listener, [[5, READ], [5, WRITE], [5, WRITE]]);
    expect(tables.read(place)).to.equal((SHARED_CLEAN & ~0x400n) | 0x10_0000n);
    const before = listener.stats(ZERO);
    const primary = make(tables);
    feed(primary, [[5, READ], [5, WRITE], [5, WRITE]]);
    expect(primary.stats(ZERO).dirtyUpdates).to.equal(before.dirtyUpdates);
    expect(primary.stats(ZERO).walks).to.equal(before.walks);
  });
});

describe("a CPU without hardware access flag", () => {
  it("goes on using a page whose access flag was cleared without TLBI, also when its TLB has lost the entry", () => {
    const tables = new PageTables();
    const old = tables.map(0x5000, 3, (ANON & ~0x400n) | 0x10_0000n);
    const mmu = make(tables, "cortex-a72");
    mmu.setRegime({ ...tables.regime(), ha: false, hd: false });
    feed(mmu, [[5, READ], [5, WRITE]]);
    expect([mmu.stats(ZERO).walks, mmu.stats(ZERO).accessFlagUpdates]).to.deep.equal([1, 0]);
    expect(tables.memory.u32[old / 4]! & 0x400, "AF is not the walker's to set").to.equal(0);
  });
});

describe("what an MMU refuses", () => {
  it("an access that the tables do not allow, or before any table", () => {
    const tables = new PageTables();
    const mmu = new Mmu({ core: corePreset("neoverse-n1"), memory: tables.memory, granule: granule("4k"), updatesDescriptors: true, seed: 1 });
    expect(() => feed(mmu, [[1, READ]])).to.throw(ModelBug, "before the first setRegime");
    mmu.setRegime(tables.regime());
    expect(() => feed(mmu, [[1, READ]])).to.throw(ModelBug, "translation fault at level 0");
  });

  it("a granule that the core does not have, or another than it was made for", () => {
    const small = new PageTables("16k");
    expect(() => make(small, "cortex-a72")).to.throw(NotModelled, "no 16k granule");
    const mmu = make(new PageTables("4k"));
    expect(() => mmu.setRegime(small.regime())).to.throw(ModelBug, "16k");
  });
});

// Against the reference.

const GRANULE_SIZES: Readonly<Record<GranuleName, { page: number; contPages: number; blockOrder: number; contBlocks: number }>> = {
  "4k": { page: 4096, contPages: 4, blockOrder: 9, contBlocks: 4 },
  "16k": { page: 16384, contPages: 7, blockOrder: 11, contBlocks: 5 },
  "64k": { page: 65536, contPages: 5, blockOrder: 13, contBlocks: 5 },
};

/** A repeatable source of numbers. */
class Dice {
  constructor(private state: number) {}
  below(bound: number): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) | 0;
    return ((this.state >>> 5) ^ (this.state >>> 17)) % bound;
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
}

function randomStructure(dice: Dice, page: number): TlbSpec {
  const ways = dice.pick([1, 2, 3, 4, 5, 8]);
  const full = dice.chance(30);
  const sizes = [1, 4, 16, 32, 128, 512, 2048, 8192, 2 ** 13].filter(() => dice.chance(50)).map((pages) => pages * page);
  return {
    entries: full ? 1 + dice.below(20) : ways * 2 ** dice.below(5),
    ways: full ? "full" : ways,
    pageSizes: [...new Set([page, ...sizes])],
    contiguous: dice.pick(["whole", "whole", "ignored"]),
    splinter: dice.pick(["largest", "largest", "page"]),
    coalescedPages: dice.pick([1, 1, 2, 4, 8]),
    policy: dice.pick(["lru", "lru", "lru", "fifo", "tree-plru", "random", "nru"]),
  };
}

function randomCore(dice: Dice, page: number): CorePreset {
  const base = corePreset("neoverse-n1");
  const simple = dice.chance(40);
  const structure = (): TlbSpec => {
    const spec = randomStructure(dice, page);
    return simple ? { ...spec, policy: dice.pick(["lru", "fifo"]) } : spec;
  };
  const l2 = simple
    ? [{ ...structure(), serves: "both" as const }]
    : dice.pick([
        [],
        [{ ...structure(), serves: "both" as const }],
        [{ ...structure(), serves: "instruction" as const }, { ...structure(), serves: "data" as const }],
        [{ ...structure(), serves: "both" as const, pageSizes: [page, page * 16] }, { ...structure(), serves: "both" as const, pageSizes: [page * 512, page * 2048, page * 8192], splinter: "largest" as const }],
      ]);
  const store = l2.length > 0 && dice.chance(50) ? "l2" : "own";
  return {
    ...base,
    name: "random",
    granules: ["4k", "16k", "64k"],
    maintenanceFlushesL1: dice.chance(20),
    flushOnAsidChange: dice.chance(10),
    l1i: structure(),
    l1d: structure(),
    l2,
    walkCache: dice.chance(75) ? { store, entries: 8, ways: 4, reach: dice.pick(["last-table", "all-tables"]), policy: simple ? "lru" : dice.pick(["lru", "nru"]) } : undefined,
  };
}

/** The real tables and the reference's list of one address space, changed together. */
class Space implements AddressSpace {
  readonly pages = new Map<number, Mapping>();
  readonly tables: PageTables;
  private readonly places = new Map<Mapping, number>();

  constructor(readonly asid: number, name: GranuleName, memory: PhysicalMemory, root: number) {
    this.tables = new PageTables(name, 48, 0, memory, root);
  }

  map(mapping: Mapping): void {
    const { page } = GRANULE_SIZES[this.tables.granuleName];
    for (const i of count(2 ** mapping.leafOrder)) this.pages.set(mapping.firstPage + i, mapping);
    const place = this.tables.slot(mapping.firstPage * page, mapping.level as Level);
    this.places.set(mapping, place);
    this.tables.memory.u64[place / 8] = this.descriptor(mapping);
  }

  descriptor(mapping: Mapping): bigint {
    const { page } = GRANULE_SIZES[this.tables.granuleName];
    return (
      1n |
      (mapping.level === 3 ? 2n : 0n) |
      0x340n |
      (mapping.readOnly ? 0x80n : 0n) |
      (mapping.af ? 0x400n : 0n) |
      (mapping.global ? 0n : 0x800n) |
      (mapping.dbm ? 1n << 51n : 0n) |
      (mapping.unitOrder > mapping.leafOrder ? 1n << 52n : 0n) |
      BigInt(mapping.frame * page)
    );
  }

  /** Descriptors in memory that differ from the list. */
  differences(): string[] {
    return [...this.places].filter(([mapping, place]) => this.tables.read(place) !== this.descriptor(mapping)).map(([mapping, place]) => `page ${mapping.firstPage}: ${this.tables.read(place).toString(16)} is not ${this.descriptor(mapping).toString(16)}`);
  }
}

function contents(tlb: Tlb, page: number): string[] {
  return [...tlb].map((entry) => describeEntry(entry.table, entry.global ? -1 : entry.asid, entry.start / page, entry.end / page, entry.level, entry.table ? 0 : entry.frame, entry.dirty, entry.perms)).sort();
}

/** One random machine, tables and trace; throws with the seed where the two part. */
function compare(seed: number): void {
  const dice = new Dice(seed);
  const name = dice.pick(["4k", "16k", "64k"] as const);
  const sizes = GRANULE_SIZES[name];
  const core = randomCore(dice, sizes.page);
  const memory = new PhysicalMemory(192 * 2 ** 20);
  const spaces = count(3).map((i) => new Space(i + 1, name, memory, 2 ** 20 + i * 2 ** 24));
  const geometry = granule(name);
  const orders = count(4).map((level) => (geometry.levels[level] === undefined ? undefined : Math.log2(geometry.levels[level].size / sizes.page)));
  const real = new Mmu({ core, memory, granule: geometry, updatesDescriptors: true, seed, fastAfter: seed % 4 === 0 ? Infinity : 0 });
  const reference = new ReferenceMmu(core, sizes.page, orders, seed);

  const hot: number[][] = spaces.map(() => []);
  spaces.forEach((space, i) => {
    const attributes = (): Pick<Mapping, "af" | "readOnly" | "dbm" | "global"> => ({ af: dice.chance(80), readOnly: dice.chance(50), dbm: true, global: false });
    // A page-mapped area with single pages, groups that could coalesce, and runs; far apart areas for the walk cache.
    for (const area of [0, 2 ** 10, 2 ** 19, 2 ** 31]) {
      const runPages = 2 ** sizes.contPages;
      for (const group of count(4)) {
        const first = area + group * Math.max(16, runPages);
        const run = dice.chance(50);
        const frame = (dice.below(8) + 1) * 2048;
        const shared = attributes();
        for (const page of count(Math.min(run ? runPages : 16, 2 ** 11))) {
          if (!run && dice.chance(15)) continue;
          const mapping: Mapping = { firstPage: first + page, leafOrder: 0, unitOrder: run ? sizes.contPages : 0, level: 3, frame: frame + page, ...(run || dice.chance(70) ? shared : attributes()) };
          space.map(mapping);
          if (page < 24) hot[i]!.push(first + page);
        }
      }
    }
    // Blocks, alone and in runs.
    for (const block of count(2 ** sizes.contBlocks + 2)) {
      const inRun = block >= 2;
      const firstPage = 2 ** 22 + (inRun ? 2 ** (sizes.blockOrder + sizes.contBlocks) : 0) + (inRun ? block - 2 : block) * 2 ** sizes.blockOrder;
      const mapping: Mapping = { firstPage, leafOrder: sizes.blockOrder, unitOrder: sizes.blockOrder + (inRun ? sizes.contBlocks : 0), level: 2, frame: (block + 1) * 2 ** sizes.blockOrder, af: true, readOnly: true, dbm: true, global: false };
      if (inRun) mapping.frame = (block - 2 + 2 ** sizes.contBlocks) * 2 ** sizes.blockOrder;
      space.map(mapping);
      hot[i]!.push(firstPage, firstPage + dice.below(2 ** sizes.blockOrder));
    }
  });

  let current = 0;
  const enter = (i: number): void => {
    current = i;
    real.setRegime(spaces[i]!.tables.regime({ asid: spaces[i]!.asid }));
    reference.setSpace(spaces[i]!);
  };
  enter(0);
  for (let step = 0; step < 60; step++) {
    if (dice.chance(15)) enter(dice.below(3));
    if (dice.chance(35)) {
      const page = dice.pick(hot[current]!);
      const operation: Tlbi = {
        op: dice.pick(["vae1is", "vale1is", "vale1is", "rvae1is", "rvale1is", "aside1is", "vmalle1is"]),
        asid: (dice.chance(80) ? spaces[current]!.asid : 1 + dice.below(3)) as Asid,
        start: (page * sizes.page) as Va,
        end: ((page + 1) * sizes.page) as Va,
        level: dice.pick([undefined, undefined, 2, 3]),
      };
      const ranged = operation.op.startsWith("r") ? { ...operation, end: (operation.end + dice.pick([0, 3, 40, 3000]) * sizes.page) as Va } : operation;
      real.tlbi(ranged);
      reference.tlbi(ranged);
    }
    const base = dice.below(hot[current]!.length);
    const records = count(1 + dice.below(80)).map(() => {
      const near = dice.chance(70) ? (base + dice.below(12)) % hot[current]!.length : dice.below(hot[current]!.length);
      return [hot[current]![near]!, dice.pick([FETCH, READ, READ, WRITE])] as const;
    });
    feed(real, records);
    for (const [page, access] of records) reference.access(page, access as 0 | 1 | 2);

    const label = `seed ${seed}, step ${step}, ${name}`;
    real.structures.forEach((tlb, i) => {
      const expected = reference.structures()[i]!.contents();
      expect(contents(tlb, sizes.page), `${label}, structure ${i} ${JSON.stringify(reference.structures()[i]!.spec)}`).to.deep.equal(expected);
      expect(tlb.size, label).to.equal(reference.structures()[i]!.sets.flat().filter((entry) => entry !== undefined).length);
    });
    const { counts } = reference;
    const stats = real.stats(ZERO);
    const noL2 = core.l2.length === 0;
    expect(stats, label).to.deep.include({
      l1i: { accesses: 0, misses: counts.l1i },
      l1d: { accesses: 0, misses: counts.l1d },
      l2: { accesses: noL2 ? 0 : counts.l1i + counts.l1d, misses: noL2 ? 0 : counts.l2 },
      walks: counts.walks,
      updateWalks: counts.updateWalks,
      walkCacheHits: counts.walkCacheHits,
      accessFlagUpdates: counts.af,
      dirtyUpdates: counts.dirty,
      descriptorFetches: { l0: counts.fetches[0], l1: counts.fetches[1], l2: counts.fetches[2], l3: counts.fetches[3] },
    });
    const { l1d, l2, l3 } = stats.descriptorCacheHits;
    expect(l1d + l2 + l3 + stats.descriptorFetchMisses, label).to.equal(counts.fetches.reduce((a, b) => a + b, 0));
  }
  for (const space of spaces) expect(space.differences(), `seed ${seed}: descriptors`).to.deep.equal([]);
}

describe("against the reference, random machines, tables, traces and TLBIs", () => {
  const SEEDS = 40;
  it(`seeds 1 to ${SEEDS}`, () => {
    for (let seed = 1; seed <= SEEDS; seed++) compare(seed);
  });
});
