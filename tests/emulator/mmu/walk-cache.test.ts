/**
 * The walk cache: where a walk begins, and what is kept.
 */
import { expect } from "chai";
import type { Asid } from "../../../emulator/arch/addr.js";
import { granule } from "../../../emulator/arch/granule.js";
import type { GranuleName } from "../../../emulator/arch/granule.js";
import { Tlb } from "../../../emulator/mmu/tlb.js";
import { WalkCache } from "../../../emulator/mmu/walk-cache.js";
import { newWalkResult, startAtRoot, walkPage } from "../../../emulator/mmu/walk.js";
import type { WalkResult } from "../../../emulator/mmu/walk.js";
import { PageTables } from "./page-table-builder.js";

const READ = 1;
const ANON = 0x00e8_0000_0000_0f43n;

function setUp(reach: "last-table" | "all-tables", name: GranuleName = "4k"): { tables: PageTables; store: Tlb; cache: WalkCache; walk: (page: number) => WalkResult } {
  const tables = new PageTables(name);
  const store = new Tlb({ entries: 16, ways: 4, pageSizes: [tables.pageSize], contiguous: "ignored", splinter: "page", coalescedPages: 1, policy: "lru" }, granule(name), 1);
  store.setAsid(1 as Asid);
  const cache = new WalkCache(store, granule(name), reach);
  const result = newWalkResult();
  const walk = (page: number): WalkResult => {
    const [lo, hi] = [page | 0, Math.floor(page / 2 ** 32)];
    const unit = store.page(lo, hi);
    if (!cache.find(unit, result)) startAtRoot(tables.regime(), result);
    walkPage(tables.memory, tables.regime(), lo, hi, READ, false, result);
    cache.fill(unit, result);
    return result;
  };
  return { tables, store, cache, walk };
}

describe("WalkCache", () => {
  it("last-table: a second walk under the same level-3 table fetches one descriptor", () => {
    const { tables, walk } = setUp("last-table");
    for (const page of [3, 4, 513, 2 ** 18]) tables.map(page * 4096, 3, ANON | BigInt(0x100_0000 + (page % 1000) * 4096));
    expect([walk(3).firstLevel, walk(4).firstLevel, walk(513).firstLevel, walk(2 ** 18).firstLevel]).to.deep.equal([0, 3, 0, 0]);
    expect(walk(4)).to.include({ fault: "none", frame: 0x1000 + 4 });
  });

  it("all-tables: the walk begins at the deepest table known", () => {
    const { tables, walk } = setUp("all-tables");
    for (const page of [3, 513, 2 ** 18, 2 ** 27]) tables.map(page * 4096, 3, ANON | 0x100_0000n);
    expect([walk(3).firstLevel, walk(513).firstLevel, walk(2 ** 18).firstLevel, walk(2 ** 27).firstLevel, walk(2 ** 27).firstLevel]).to.deep.equal([0, 2, 1, 0, 3]);
  });

  it("a walk that ends in a block leaves only the tables above it", () => {
    const last = setUp("last-table");
    last.tables.map(0, 2, (ANON & ~2n) | 0x100_0000n);
    last.walk(3);
    expect(last.store.size).to.equal(0);
    const all = setUp("all-tables");
    all.tables.map(0, 2, (ANON & ~2n) | 0x100_0000n);
    all.walk(3);
    expect([...all.store].map(({ level }) => level as number).sort((a, b) => a - b)).to.deep.equal([0, 1]);
    expect(all.walk(4).firstLevel).to.equal(2);
  });

  it("keeps what the tables forbid", () => {
    const { tables, walk } = setUp("last-table");
    tables.map(0x3000, 3, ANON | 0x100_0000n, 1n << 62n);
    tables.map(0x4000, 3, ANON | 0x100_1000n);
    expect(walk(3).perms, "APTable[1]: read only").to.equal(1);
    expect(walk(4)).to.include({ firstLevel: 3, perms: 1 });
  });

  it("ASIDs do not share tables", () => {
    const { tables, store, walk } = setUp("last-table");
    tables.map(0x3000, 3, ANON | 0x100_0000n);
    walk(3);
    store.setAsid(2 as Asid);
    expect(walk(3).firstLevel).to.equal(0);
  });

  it("leaves out level 0 of the 16K granule, which is wider than a tag", () => {
    const { tables, store, walk } = setUp("all-tables", "16k");
    tables.map(0x4000, 3, ANON | 0x100_0000n);
    walk(1);
    expect([...store].map(({ level }) => level as number).sort((a, b) => a - b)).to.deep.equal([1, 2]);
  });
});
