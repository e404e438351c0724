/**
 * The fast path of walks: which walks it makes, and that they count as those of the general path.
 */
import { expect } from "chai";
import { granule } from "../../../emulator/arch/granule.js";
import { CORE_NAMES, corePreset } from "../../../emulator/mmu/cores.js";
import { Mmu } from "../../../emulator/mmu/mmu.js";
import { walkPlainPage } from "../../../emulator/mmu/walk-fast.js";
import type { FastWalker } from "../../../emulator/mmu/walk-fast.js";
import type { FastOptions } from "../../../emulator/mmu/tlb-fast.js";
import { PageTables } from "./page-table-builder.js";

const FETCH = 0;
const READ = 1;
const WRITE = 2;
/** Valid page, EL0, AF, nG, writable with DBM; PXN. Executable. */
const PLAIN = 0x0028_0000_0000_0f43n;
const AP2 = 1n << 7n;
const AF = 1n << 10n;
const NG = 1n << 11n;
const CONT = 1n << 52n;
const UXN = 1n << 54n;
const ZERO = { instructions: 0, loads: 0, stores: 0 };

/** What a test needs of the parts that an Mmu keeps to itself. */
interface Inside {
  readonly fastOptions: FastOptions & { readonly walker: FastWalker };
}

/** An Mmu that knows the level-3 table of pages 0 to 511, has its structures full of other pages, which cannot be coalesced, and has never seen page 5. */
function rig(leaf: bigint, core = "neoverse-n1", output = 0x100_5000): { mmu: Mmu; walk: (access: number) => boolean } {
  const tables = new PageTables();
  for (let page = 0; page < 512 * 8; page++) tables.map(page * 4096, 3, PLAIN | BigInt(0x100_1000 + page * 4096));
  const at = 5;
  tables.map(at * 4096, 3, leaf | BigInt(output));
  const mmu = new Mmu({ core: corePreset(core), memory: tables.memory, granule: granule("4k"), updatesDescriptors: false, seed: 1, fastAfter: 0 });
  mmu.setRegime(tables.regime({ hd: true }));
  const others = Array.from({ length: 512 * 7 }, (_, i) => 512 + i);
  const feed = (pages: readonly number[], access: number): void => {
    mmu.consume(Uint32Array.from(pages.flatMap((page) => [page, access])), pages.length);
  };
  for (const access of [FETCH, READ]) feed([...others, ...others], access);
  feed([6], READ);
  const { arena, walker, instruction, data } = (mmu as unknown as Inside).fastOptions;
  return {
    mmu,
    walk: (access) => walkPlainPage(arena, walker, access === FETCH ? instruction : data, mmu.l1d.page(at, 0), access) >= 0,
  };
}

describe("walkPlainPage", () => {
  it("walks for a plain page and fills L2 and L1", () => {
    for (const access of [FETCH, READ, WRITE, READ | WRITE]) {
      const { mmu, walk } = rig(PLAIN);
      expect(walk(access), String(access)).to.equal(true);
      const entries = [access === FETCH ? mmu.l1i : mmu.l1d, mmu.l2d[0]!].map((tlb) => [...tlb].find(({ start, table }) => start === 5 * 4096 && !table));
      for (const entry of entries) expect(entry).to.include({ frame: 0x1005, dirty: true, perms: 7, level: 3, global: false });
    }
  });

  it("an entry has what the descriptor allows, and is dirty if a write needs no update", () => {
    const made = (leaf: bigint): object | undefined => {
      const { mmu, walk } = rig(leaf);
      expect(walk(READ)).to.equal(true);
      return [...mmu.l1d].find(({ start }) => start === 5 * 4096);
    };
    expect(made(PLAIN | UXN)).to.include({ perms: 3, dirty: true });
    expect(made(PLAIN | AP2)).to.include({ perms: 7, dirty: false });
    expect(made((PLAIN | AP2) & ~(1n << 51n))).to.include({ perms: 5, dirty: false });
  });

  it("leaves everything else to the general path", () => {
    const cases: readonly [string, bigint, number][] = [
      ["a write to a clean page", PLAIN | AP2, WRITE],
      ["a read and a write of a clean page", PLAIN | AP2, READ | WRITE],
      ["a fetch that is not allowed", PLAIN | UXN, FETCH],
      ["a page not accessed yet", PLAIN & ~AF, READ],
      ["a global page", PLAIN & ~NG, READ],
      ["the first run that a structure has", PLAIN | CONT, READ],
      ["an address above 4 GiB", PLAIN | (1n << 40n), READ],
      ["an invalid descriptor", 0n, READ],
    ];
    for (const [name, leaf, access] of cases) {
      const { mmu, walk } = rig(leaf);
      const before = mmu.structures.map((tlb) => [...tlb]);
      const counts = mmu.stats(ZERO);
      expect(walk(access), name).to.equal(false);
      expect(mmu.structures.map((tlb) => [...tlb]), name).to.deep.equal(before);
      expect(mmu.stats(ZERO), name).to.deep.equal(counts);
    }
  });

  it("fills with a whole run what holds runs, as the general path does", () => {
    const tables = new PageTables();
    for (let page = 0; page < 4096; page++) tables.map(page * 4096, 3, PLAIN | ((page & 16) === 0 ? CONT : 0n) | BigInt(0x100_0000 + page * 4096));
    const seed = 77;
    for (const name of ["neoverse-n1", "cortex-a53", "cortex-a57", "cortex-a725", "m1-firestorm"]) {
      let state = seed;
      const below = (bound: number): number => {
        state = (Math.imul(state, 1664525) + 1013904223) | 0;
        return (state >>> 8) % bound;
      };
      const [fast, general] = [0, Infinity].map((fastAfter) => {
        const mmu = new Mmu({ core: corePreset(name), memory: tables.memory, granule: granule("4k"), updatesDescriptors: false, seed: 1, fastAfter });
        mmu.setRegime(tables.regime({ hd: true }));
        return mmu;
      }) as [Mmu, Mmu];
      for (let batch = 0; batch < 40; batch++) {
        const trace = Uint32Array.from({ length: 1000 }, (_, i) => (i % 2 === 0 ? below(4096) : below(3)));
        for (const mmu of [fast, general]) mmu.consume(trace, 500);
        expect(fast.stats(ZERO), `${name}, seed ${seed}, batch ${batch}`).to.deep.equal(general.stats(ZERO));
        fast.structures.forEach((tlb, i) => {
          expect([...tlb], `${name}, seed ${seed}, batch ${batch}, structure ${i}`).to.deep.equal([...general.structures[i]!]);
        });
      }
      expect((fast as unknown as Inside).fastOptions.walker.walks, name).to.be.greaterThan(1000);
      expect((general as unknown as Inside).fastOptions.walker.walks, name).to.equal(0);
    }
  });

  it("counts a walk of one descriptor that began in the walk cache", () => {
    const { mmu, walk } = rig(PLAIN);
    const before = mmu.stats(ZERO);
    walk(READ);
    const after = mmu.stats(ZERO);
    expect(after.walks - before.walks).to.equal(1);
    expect(after.l2.misses - before.l2.misses).to.equal(1);
    expect(after.walkCacheHits - before.walkCacheHits).to.equal(1);
    expect(after.descriptorFetches).to.deep.equal({ ...before.descriptorFetches, l3: before.descriptorFetches.l3 + 1 });
  });

  it("leaves a page to the general path that may be one entry with its neighbours", () => {
    expect(rig(PLAIN, "cortex-a76").walk(READ)).to.equal(false);
    const { mmu, walk } = rig(PLAIN, "cortex-a76", 0x100_6000);
    expect(walk(READ)).to.equal(true);
    expect([...mmu.l2d[0]!].find(({ start, table }) => start === 5 * 4096 && !table)).to.include({ frame: 0x1006, end: 6 * 4096 });
  });

  it("is left out where there is no walk cache", () => {
    for (const name of CORE_NAMES) {
      const core = corePreset(name);
      const mmu = new Mmu({ core, memory: new PageTables().memory, granule: granule("4k"), updatesDescriptors: false, seed: 1, fastAfter: 0 });
      expect((mmu as unknown as Inside).fastOptions.walker === undefined, name).to.equal(core.walkCache === undefined);
    }
  });
});
