/**
 * Hierarchies in a group count what each counts alone.
 */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { ModelBug } from "../../../emulator/arch/errors.js";
import { granule } from "../../../emulator/arch/granule.js";
import { CORE_NAMES, corePreset } from "../../../emulator/mmu/cores.js";
import { MmuGroup, filterTiers, grouped } from "../../../emulator/mmu/mmu-group.js";
import { Mmu } from "../../../emulator/mmu/mmu.js";
import type { TlbListener } from "../../../emulator/mmu/tlb-listener.js";
import { exactFilterPages } from "../../../emulator/mmu/tlb-policy.js";
import { TlbStorage } from "../../../emulator/mmu/tlb-storage.js";
import { UnitIndex } from "../../../emulator/mmu/unit-index.js";
import { Random } from "../../support/random-instructions.js";
import { TraceFilter, plainTrace } from "../../support/filtered-trace.js";
import { runSeed } from "../../support/seed.js";
import { PageTables } from "./page-table-builder.js";

const ANON = 0x00a8_0000_0000_0f43n;
const CLEAN = 0x0028_0000_0000_0fc3n;
const CONT = 1n << 52n;
const ZERO = { instructions: 0, loads: 0, stores: 0 };

function build(tables: PageTables, index: () => UnitIndex, names: readonly string[] = CORE_NAMES): [Mmu, ...Mmu[]] {
  return names.map((name) => new Mmu({ core: corePreset(name), memory: tables.memory, granule: granule("4k"), updatesDescriptors: false, seed: 1, fastAfter: 0, index: index() })) as [Mmu, ...Mmu[]];
}

describe("MmuGroup", () => {
  it("every preset counts in a group what it counts alone", () => {
    const tables = new PageTables();
    for (let page = 0; page < 4096; page++) {
      const run = (page & 512) !== 0 ? CONT : 0n;
      tables.map(page * 4096, 3, ((page & 256) === 0 ? ANON : CLEAN) | run | BigInt(0x100_0000 + page * 4096));
    }
    const shared = new UnitIndex(TlbStorage.inMemory(), 64);
    const members = build(tables, () => shared);
    const group = new MmuGroup(members);
    const alone = build(tables, () => new UnitIndex(TlbStorage.inMemory()));
    let state = 99;
    const below = (bound: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return (state >>> 8) % bound;
    };
    for (let batch = 0; batch < 80; batch++) {
      const regime = tables.regime({ asid: 1 + (batch % 2) });
      const records = 1 + below(500);
      const span = [9, 30, 60, 700, 4096][below(5)]!;
      const trace = Uint32Array.from({ length: 2 * records }, (_, i) => (i % 2 === 0 ? below(span) : below(3)));
      const start = below(4096) * 4096;
      const operation = { op: "rvale1is", asid: regime.asid, start: start as Va, end: (start + 65536) as Va, level: undefined } as const;
      for (const listener of [group, ...alone]) {
        listener.setRegime(regime);
        listener.consume(trace, records);
        listener.tlbi(operation);
      }
      members.forEach((mmu, i) => {
        expect(mmu.stats(ZERO), `${mmu.core.name}, batch ${batch}`).to.deep.equal(alone[i]!.stats(ZERO));
      });
    }
    expect(members[0].stats(ZERO).l2.misses).to.be.greaterThan(1000);
  });

  it("every preset, alone and in a group, does with a filtered trace what it does with every access", () => {
    const tables = new PageTables();
    for (let page = 0; page < 4096; page++) {
      const run = (page & 512) !== 0 ? CONT : 0n;
      tables.map(page * 4096, 3, ((page & 256) === 0 ? ANON : CLEAN) | run | BigInt(0x100_0000 + page * 4096));
    }
    for (let block = 8; block < 16; block++) tables.map(block * 2 ** 21, 2, (CLEAN & ~2n) | BigInt(0x800_0000 + block * 2 ** 21));
    const shared = new UnitIndex(TlbStorage.inMemory(), 64);
    // Behind direct-mapped structures a filter holds one page.
    const names = CORE_NAMES.filter((name) => !name.startsWith("qemu"));
    const members = build(tables, () => shared, names);
    const group = new MmuGroup(members);
    const whole = build(tables, () => new UnitIndex(TlbStorage.inMemory()), names);
    const alone = build(tables, () => new UnitIndex(TlbStorage.inMemory(), 64), names);
    const depths = alone.map(({ core }) => ({ data: Math.min(127, exactFilterPages(core.l1d)), code: Math.min(127, exactFilterPages(core.l1i)) }));
    const of = ({ core }: Mmu): boolean => core.name === "m1-firestorm";
    const least = { data: Math.min(...depths.filter((_, i) => !of(alone[i]!)).map(({ data }) => data)), code: Math.min(...depths.filter((_, i) => !of(alone[i]!)).map(({ code }) => code)) };
    expect([least, depths.find((_, i) => of(alone[i]!))]).to.deep.equal([{ data: 10, code: 10 }, { data: 5, code: 6 }]);
    // Entries of 4K, of 16K in a run of 64K, and of 2M.
    const orderOf = (page: number): number => (page >= 8 * 512 ? 9 : (page & 512) !== 0 ? 2 : 0);
    const filter = new TraceFilter({ ...least, dataLimit: { sets: 32, ways: 5, orderOf }, codeLimit: { sets: 32, ways: 6, orderOf } });
    const filters = depths.map((each) => new TraceFilter(each));
    const feed = (listener: TlbListener, words: Uint32Array): void => {
      listener.consume(words, words.length / 2);
    };
    const random = new Random(runSeed());
    const below = random.below.bind(random);
    let asid = 1;
    for (const listener of [group, ...whole, ...alone]) listener.setRegime(tables.regime({ asid, hd: true }));
    let kept = 0;
    for (let batch = 0; batch < 60; batch++) {
      const span = [6, 12, 30, 60, 700, 4096, 8192][below(7)]!;
      const base = below(8192 - span + 1);
      // Pages side by side, or all in few sets.
      const stride = below(3) === 0 ? 32 : 1;
      const accesses = Array.from({ length: 1 + below(400) }, () => ({ page: Math.min(8191, base + stride * below(below(4) === 0 ? span : Math.min(span, 12))), access: below(3) }));
      const left = filter.trace(accesses);
      kept += accesses.length - left.length / 2;
      feed(group, left);
      whole.forEach((mmu) => feed(mmu, plainTrace(accesses)));
      alone.forEach((mmu, i) => feed(mmu, filters[i]!.trace(accesses)));
      if (below(2) === 0) {
        feed(group, filter.leave());
        alone.forEach((mmu, i) => feed(mmu, filters[i]!.leave()));
        if (below(3) === 0) asid = 3 - asid;
        const regime = tables.regime({ asid, hd: true });
        const start = below(8192) * 4096;
        const operation = { op: "rvale1is", asid: regime.asid, start: start as Va, end: (start + 65536) as Va, level: undefined } as const;
        for (const listener of [group, ...whole, ...alone]) {
          listener.setRegime(regime);
          listener.tlbi(operation);
        }
      }
      whole.forEach((mmu, i) => {
        expect(members[i]!.stats(ZERO), `${mmu.core.name} in the group, batch ${batch}`).to.deep.equal(mmu.stats(ZERO));
        expect(alone[i]!.stats(ZERO), `${mmu.core.name} alone, batch ${batch}`).to.deep.equal(mmu.stats(ZERO));
        mmu.structures.forEach((tlb, nr) => {
          expect([...alone[i]!.structures[nr]!], `${mmu.core.name}, structure ${nr}, batch ${batch}`).to.deep.equal([...tlb]);
        });
      });
    }
    expect(kept).to.be.greaterThan(1000);
  });

  it("feeds one of those that are alike, but always the one that updates descriptors", () => {
    const tables = new PageTables();
    for (let page = 0; page < 64; page++) tables.map(page * 4096, 3, ANON | BigInt(0x100_0000 + page * 4096));
    const index = new UnitIndex(TlbStorage.inMemory());
    const make = (name: string, updatesDescriptors = false): Mmu => new Mmu({ core: corePreset(name), memory: tables.memory, granule: granule("4k"), updatesDescriptors, seed: 1, fastAfter: 0, index });
    const [first, other, like, a57, a72] = [make("neoverse-v2", true), make("cortex-x2"), make("neoverse-v2"), make("cortex-a57"), make("cortex-a72")];
    const group = new MmuGroup([first, other, like, a57, a72]);
    group.setRegime(tables.regime());
    group.consume(Uint32Array.from({ length: 128 }, (_, i) => (i % 2 === 0 ? i / 2 : 1)), 64);
    const fed = [first, other, like, a57, a72].map((mmu) => mmu.l1d.size > 0);
    expect(fed).to.deep.equal([true, true, false, true, false]);
    for (const mmu of [first, other, like, a57, a72]) expect(mmu.stats(ZERO).walks, mmu.core.name).to.equal(64);
    expect(like.stats(ZERO)).to.deep.equal(other.stats(ZERO));
    expect(a57.isLike(a72)).to.equal(true);
    expect(other.isLike(first)).to.equal(false);
    expect(other.isLike(a57)).to.equal(false);
    // A57 and A72 differ in their second level of data cache, which all of these fetches miss the first time.
    expect(a72.stats(ZERO).descriptorFetchMisses).to.equal(a57.stats(ZERO).descriptorFetchMisses);
  });

  it("filters once more for those that allow it, as long as two of them see no other records", () => {
    const pages = (...numbers: readonly (readonly [number, number])[]): { data: number; code: number }[] => numbers.map(([data, code]) => ({ data, code }));
    expect(filterTiers(pages([4, 4], [48, 48], [48, 48], [96, 48]))).to.deep.equal(pages([48, 48]));
    expect(filterTiers(pages([4, 4], [48, 48]))).to.deep.equal([]);
    expect(filterTiers(pages([32, 48], [32, 48], [32, 48]))).to.deep.equal([]);
    // The fewer leave first: here those of shallow code, then the shallow data.
    expect(filterTiers(pages([5, 6], [10, 10], [10, 10], [32, 48], [32, 48], [32, 48], [32, 32], [48, 32], [48, 48], [48, 48]))).to.deep.equal(pages([10, 10], [32, 32], [32, 48], [48, 48]));
    expect(filterTiers(pages([1, 1], [16, 1], [16, 1]))).to.deep.equal(pages([16, 1]));
  });

  it("refuses hierarchies that number pages each for itself", () => {
    expect(() => new MmuGroup(build(new PageTables(), () => new UnitIndex(TlbStorage.inMemory())))).to.throw(ModelBug, "share an index");
  });

  it("an access before any table is a bug of the caller", () => {
    const index = new UnitIndex(TlbStorage.inMemory());
    expect(() => {
      new MmuGroup(build(new PageTables(), () => index)).consume(Uint32Array.of(1, 1), 1);
    }).to.throw(ModelBug, "before the first setRegime");
  });

  it("stands for hierarchies that share an index; others, and one alone, stand for themselves", () => {
    const tables = new PageTables();
    const index = new UnitIndex(TlbStorage.inMemory());
    const sharing = build(tables, () => index);
    const apart = build(tables, () => new UnitIndex(TlbStorage.inMemory()));
    expect(grouped(sharing)).to.have.length(1);
    expect(grouped(sharing)[0]).to.be.instanceOf(MmuGroup);
    expect(grouped(apart)).to.equal(apart);
    expect(grouped([sharing[0]])).to.deep.equal([sharing[0]]);
    expect(grouped([])).to.deep.equal([]);
  });
});
