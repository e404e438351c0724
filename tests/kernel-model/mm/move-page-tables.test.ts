/**
 * Moving entries, level-3 tables, level-2 tables and blocks: contents, flushes, and failures half-way.
 */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { checkMm } from "../../../kernel-model/mm/check.js";
import { movePageTables } from "../../../kernel-model/mm/move-page-tables.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { copyVma } from "../../../kernel-model/mm/vma-merge.js";
import type { MemorySystem } from "../../../kernel-model/mm/memory-system.js";
import type { Vma } from "../../../kernel-model/mm/vma.js";
import { areaAt, frameAt, mapAnon, testMachine, type TestMachineOptions, testMm, touchRange } from "../../support/areas.js";

const P = 4096;
const PMD = 2 ** 21;
const PUD = 2 ** 30;
const FROM = 0x5000000000;
const TO = 0x5800000000;

interface Move {
  readonly mm: MmStruct;
  readonly sys: MemorySystem;
  readonly source: Vma;
  readonly created: Vma;
  readonly frames: readonly number[];
  run(): { moved: number; tlbi: Record<string, number> };
}

/** An area of `pages` pages at FROM + `from` of which the given ones are touched, and its destination at TO + `to`. */
function prepare(pages: number, from: number, to: number, touched: readonly (readonly [number, number])[], options: TestMachineOptions = {}): Move {
  const { sys, takeTlbi } = testMachine(options);
  const mm = testMm(sys);
  const start = FROM + from;
  mapAnon(mm, start, pages * P);
  for (const [first, count] of touched) touchRange(mm, start + first * P, count * P);
  const frames = Array.from({ length: pages }, (_, page) => frameAt(mm, start + page * P));
  const { created, source } = copyVma(areaAt(mm, start), (TO + to) as Va, pages * P, start / P);
  takeTlbi();
  return {
    mm,
    sys,
    source,
    created,
    frames,
    run() {
      const moved = movePageTables(source, source.start, created, created.start, pages * P);
      return { moved, tlbi: takeTlbi() };
    },
  };
}

/** Everything has arrived, and nothing was left behind. */
function expectMoved({ mm, source, created, frames }: Move): void {
  for (const [page, frame] of frames.entries()) {
    expect(frameAt(mm, created.start + page * P), `page ${page}`).to.equal(frame);
    expect(frameAt(mm, source.start + page * P), `old page ${page}`).to.equal(-1);
  }
}

describe("moving entries", () => {
  it("moves what is there, at any distance", () => {
    const move = prepare(20, 3 * P, 7 * P, [[0, 2], [5, 1], [19, 1]]);
    expect(move.run()).to.deep.equal({ moved: 20 * P, tlbi: { vae1is: 20, dsb: 1 } });
    expectMoved(move);
  });

  it("does not flush where nothing was present", () => {
    const move = prepare(20, 0, 0, []);
    expect(move.run()).to.deep.equal({ moved: 20 * P, tlbi: {} });
  });

  it("works across tables that do not match", () => {
    // 1000 pages from the middle of one table, to a quarter of another
    const move = prepare(1000, 256 * P, 128 * P, [[0, 1000]]);
    const { moved } = move.run();
    expect(moved).to.equal(1000 * P);
    expectMoved(move);
  });

  it("keeps a block contiguous only at a congruent address", () => {
    const cont = (mm: MmStruct, addr: number): boolean => (mm.sys.pgtable.rawGet(mm.sys.pgtable.pteOffset(mm.sys.pgtable.pmdpGet(mm.sys.pgtable.pmdOffset(mm, addr as Va)), addr as Va)) & (1n << 52n)) !== 0n;
    for (const [to, kept] of [[65536, true], [P, false]] as const) {
      const { sys } = testMachine();
      sys.thp.setSizeEnabled(4 as never, "always");
      const mm = testMm(sys);
      mapAnon(mm, FROM, 65536);
      touchRange(mm, FROM, 65536);
      expect(cont(mm, FROM)).to.equal(true);
      const { created, source } = copyVma(areaAt(mm, FROM), (TO + to) as Va, 65536, FROM / P);
      movePageTables(source, FROM as Va, created, (TO + to) as Va, 65536);
      expect(cont(mm, TO + to)).to.equal(kept);
    }
  });

  it("flushes once what reclaim had deferred", () => {
    const move = prepare(4, 0, 0, [[0, 4]]);
    move.mm.tlbFlushBatched = true;
    expect(move.run().tlbi).to.deep.equal({ aside1is: 1, vae1is: 4, dsb: 2 });
  });

  it("reports how far it came when no table can be made", () => {
    const move = prepare(1024, 0, 0, [[0, 2], [512, 1]], { memoryMib: 16 });
    const { sys, mm } = move;
    const taken: number[] = [];
    for (let page = sys.buddy.allocPages(0 as never); page !== -1; page = sys.buddy.allocPages(0 as never)) taken.push(page);
    expect(move.run().moved, "no frame at all").to.equal(0);
    expect(frameAt(mm, FROM)).to.equal(move.frames[0]);
    for (const page of taken) sys.buddy.freePages(page as never, 0 as never);
    expect(move.run().moved).to.equal(1024 * P);
    expectMoved(move);
  });
});

describe("moving whole tables", () => {
  it("by the level-2 entry, with one flush of its range", () => {
    const move = prepare(1024, 0, 0, [[0, 3], [700, 1]]);
    expect(move.run()).to.deep.equal({ moved: 1024 * P, tlbi: { aside1is: 2, dsb: 4 } });
    expectMoved(move);
    expect(move.mm.pgtablesBytes, "one of level 1, two of level 2, two of level 3").to.equal(5 * P);
  });

  it("from the start of the first table when nothing else lies in it", () => {
    // starts at page 100 of a table, both sides alike
    const move = prepare(512, 100 * P, 100 * P, [[0, 2], [411, 3]]);
    const { tlbi } = move.run();
    expectMoved(move);
    // One table as a whole, then 100 entries.
    expect(tlbi).to.deep.equal({ aside1is: 1, vae1is: 100, dsb: 3 });
  });

  it("but not when another area lies before the source or the destination", () => {
    for (const other of [FROM, TO]) {
      const { sys, takeTlbi } = testMachine();
      const mm = testMm(sys);
      mapAnon(mm, other, P, 1);
      mapAnon(mm, FROM + 100 * P, 512 * P);
      touchRange(mm, FROM + 100 * P, 3 * P);
      const { created, source } = copyVma(areaAt(mm, FROM + 100 * P), (TO + 100 * P) as Va, 512 * P, FROM / P + 100);
      takeTlbi();
      movePageTables(source, source.start, created, created.start, 512 * P);
      expect(takeTlbi()).to.deep.equal({ vae1is: 412, dsb: 1 });
    }
  });

  it("goes entry by entry when the destination has a table already", () => {
    const { sys, takeTlbi } = testMachine();
    const mm = testMm(sys);
    mapAnon(mm, FROM, PMD);
    touchRange(mm, FROM, 2 * P);
    mapAnon(mm, TO + PMD - P, P, 1);
    touchRange(mm, TO + PMD - P, P, false);
    mm.vmas.remove(areaAt(mm, TO + PMD - P));
    sys.pgtable.ptepGetAndClear(mm, (TO + PMD - P) as Va, sys.pgtable.pteOffset(sys.pgtable.pmdpGet(sys.pgtable.pmdOffset(mm, TO as Va)), (TO + PMD - P) as Va));
    const { created, source } = copyVma(areaAt(mm, FROM), TO as Va, PMD, FROM / P);
    takeTlbi();
    movePageTables(source, FROM as Va, created, TO as Va, PMD);
    expect(takeTlbi()).to.deep.equal({ aside1is: 1, dsb: 2 });
    expect(frameAt(mm, TO)).to.not.equal(-1);
    // No table is lost: each is reached, and counted.
    checkMm(mm);
  });

  it("level-2 entry by level-2 entry when the destination has a level-2 table already", () => {
    const { sys, takeTlbi } = testMachine();
    sys.tunables.overcommitMemory = 1;
    const mm = testMm(sys);
    mapAnon(mm, FROM, PUD);
    touchRange(mm, FROM + 5 * PMD, P);
    touchRange(mm, FROM + 9 * PMD, P);
    sys.pgtable.pmdAlloc(mm, TO as Va);
    const { created, source } = copyVma(areaAt(mm, FROM), TO as Va, PUD, FROM / P);
    takeTlbi();
    movePageTables(source, FROM as Va, created, TO as Va, PUD);
    expect(takeTlbi()).to.deep.equal({ aside1is: 2, dsb: 4 });
    checkMm(mm);
  });

  it("moves PMD mappings, and splits one that does not fit", () => {
    const move = prepare(1024, 0, PMD, [[0, 1024]], { hugepages: true });
    expect(move.run()).to.deep.equal({ moved: 1024 * P, tlbi: { vae1is: 2, dsb: 2 } });
    expectMoved(move);
    const split = prepare(512, 0, P, [[0, 512]], { hugepages: true });
    split.run();
    expect(split.sys.vmstat.get("thp_split_pmd")).to.equal(1);
    expectMoved(split);
  });

  it("by the level-1 entry where the destination has room for it", () => {
    const { sys, takeTlbi } = testMachine();
    const mm = testMm(sys);
    const pages = PUD / P;
    sys.tunables.overcommitMemory = 1;
    mapAnon(mm, TO - P, P, 1);
    touchRange(mm, TO - P, P, false);
    mapAnon(mm, FROM, PUD);
    touchRange(mm, FROM + 5 * PMD, 2 * P);
    touchRange(mm, FROM + PUD - P, P);
    const frames = [FROM + 5 * PMD, FROM + PUD - P].map((addr) => frameAt(mm, addr));
    const { created, source } = copyVma(areaAt(mm, FROM), TO as Va, PUD, FROM / P);
    takeTlbi();
    expect(movePageTables(source, FROM as Va, created, TO as Va, PUD)).to.equal(pages * P);
    expect(takeTlbi()).to.deep.equal({ aside1is: 1, dsb: 2 });
    expect([TO + 5 * PMD, TO + PUD - P].map((addr) => frameAt(mm, addr))).to.deep.equal(frames);
    expect(frameAt(mm, FROM + 5 * PMD)).to.equal(-1);
  });
});
