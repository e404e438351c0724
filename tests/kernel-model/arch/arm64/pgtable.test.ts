/** Tables of every granule and width, single entries, and level-2 blocks. */
import { expect } from "chai";
import type { Order, Pa, Pfn, Va } from "../../../../emulator/arch/addr.js";
import { granule, type GranuleName } from "../../../../emulator/arch/granule.js";
import { PhysicalMemory } from "../../../../emulator/memory/physical-memory.js";
import { createMemorySystem } from "../../../../kernel-model/mm/memory-system-create.js";
import type { MemorySystem } from "../../../../kernel-model/mm/memory-system.js";
import { CPU_RANGE, CPU_SINGLE, RecordingSink, testMm, testPte, testSystem, testVma } from "../../../support/memory-system.js";

const VALID_TABLE = 3n;
const PXNTABLE = 1n << 59n;
const FAR = 0x0000aaaac1234000;

/** The entry for `addr` by hand: table base + 8 * index at each level. */
function descend(sys: MemorySystem, pgd: Pa, addr: number, shifts: readonly number[]): Pa {
  let table: number = pgd;
  const indexBits = Math.log2(sys.granule.pageSize) - 3;
  shifts.forEach((shift, i) => {
    const index = i === 0 ? Math.floor(addr / 2 ** shift) : Math.floor(addr / 2 ** shift) % 2 ** indexBits;
    table = table + 8 * index;
    if (i < shifts.length - 1) table = Number(sys.memory.read64(table as Pa) & 0xfffffffff000n);
  });
  return table as Pa;
}

describe("Pgtable: tables", () => {
  const shapes: readonly [GranuleName, number, readonly number[]][] = [
    ["4k", 48, [39, 30, 21, 12]],
    ["4k", 39, [30, 21, 12]],
    ["16k", 48, [47, 36, 25, 14]],
    ["16k", 47, [36, 25, 14]],
    ["64k", 48, [42, 29, 16]],
    ["64k", 42, [29, 16]],
  ];
  for (const [name, vaBits, shifts] of shapes) {
    it(`make one table per level below the first (${name}, ${vaBits} bits)`, () => {
      const sys = createMemorySystem({ granule: granule(name, vaBits), cpu: CPU_SINGLE, memory: new PhysicalMemory(256 * 2 ** 20), sink: new RecordingSink(), contpte: true });
      const mm = testMm(sys);
      const { pgtable } = sys;
      const addr = (FAR % 2 ** vaBits) as Va;
      const nrFree = sys.buddy.nrFree;
      if (shifts.length > 2) expect(pgtable.pmdOffset(mm, addr), "nothing there yet").to.equal(-1);
      const pmdp = pgtable.pmdAlloc(mm, addr);
      expect(pmdp).to.equal(descend(sys, mm.pgd, addr, shifts.slice(0, -1)));
      expect(pgtable.pmdOffset(mm, addr)).to.equal(pmdp);
      expect(pgtable.pteAlloc(mm, pmdp)).to.equal(true);
      expect(pgtable.pteAlloc(mm, pmdp), "once is enough").to.equal(true);
      const ptep = descend(sys, mm.pgd, addr, shifts);
      expect([pgtable.pteOffset(pgtable.pmdpGet(pmdp), addr), pgtable.pteOffsetAt(pmdp, addr)]).to.deep.equal([ptep, ptep]);
      expect([pgtable.rawIsTable(pmdp), pgtable.rawIsTable(ptep)]).to.deep.equal([true, false]);
      const made = shifts.length - 1;
      expect(nrFree - sys.buddy.nrFree).to.equal(made);
      expect(mm.pgtablesBytes).to.equal(made * sys.granule.pageSize);
      expect(sys.vmstat.get("nr_page_table_pages")).to.equal(made);
      const entry = pgtable.pmdpGet(pmdp);
      expect(entry & ~0xfffffffff000n, "a table that forbids execution at EL1").to.equal(VALID_TABLE | PXNTABLE);
      expect(sys.pages.test((Number(entry & 0xfffffffff000n) / sys.granule.pageSize) as Pfn, 1 << 15), "PG_TABLE").to.equal(true);
    });
  }

  it("look at entries that are empty, normal, special and swapped out, and count a load for each that is got", () => {
    const { sys } = testSystem();
    const { pgtable } = sys;
    const ptep = testPte(testMm(sys), FAR);
    const loads = pgtable.counters.ptepGetLoads;
    for (const [value, normal] of [[0n, false], [0x00e8000012345f43n, true], [0x01e8000012345f43n, false], [0x12340c0n, false]] as const) {
      sys.memory.write64(ptep, value);
      expect(pgtable.rawIsNormal(ptep), value.toString(16)).to.equal(normal);
      pgtable.ptepGetUnused(ptep);
    }
    expect(pgtable.counters.ptepGetLoads - loads).to.equal(4);
    sys.memory.write64(ptep, 0x00f8000012345f43n);
    pgtable.ptepGetUnused(ptep);
    pgtable.ptepGet(ptep);
    expect(pgtable.counters.ptepGetLoads - loads, "a contiguous block is gathered").to.equal(4 + 2 * 17);
  });

  it("order their stores before the walker by one DSB ISHST each", () => {
    const { sys, sink } = testSystem();
    testPte(testMm(sys), FAR);
    expect(sink.barriers).to.deep.equal(["ishst", "ishst", "ishst"]);
  });

  it("are empty when handed out and gone when freed", () => {
    const { sys } = testSystem();
    const { pgtable, pages } = sys;
    const nrFree = sys.buddy.nrFree;
    const mm = testMm(sys);
    const table = pgtable.allocTable(mm, 3);
    expect(sys.memory.slice(table, 4096).every((byte) => byte === 0)).to.equal(true);
    expect(mm.pgtablesBytes).to.equal(4096);
    pgtable.freeTable(mm, 3, table);
    expect([mm.pgtablesBytes, sys.vmstat.get("nr_page_table_pages")]).to.deep.equal([0, 0]);
    expect(sys.memory.slice(table, 4096).every((byte) => byte === 0xaa), "poisoned").to.equal(true);
    expect(pages.test((table / 4096) as Pfn, 1 << 15)).to.equal(false);
    expect(() => pgtable.freeTable(mm, 3, table)).to.throw("holds no table");
    pgtable.freePgd(mm);
    expect(sys.buddy.nrFree).to.equal(nrFree);
  });

  it("report that memory is out and keep what was made", () => {
    const { sys } = testSystem();
    const mm = testMm(sys);
    let one: Pfn;
    let last = -1 as Pfn;
    while ((one = sys.buddy.allocPages(0 as Order)) !== -1) last = one;
    expect(sys.pgtable.pmdAlloc(mm, FAR as Va)).to.equal(-1);
    sys.buddy.freePages(last, 0 as Order);
    expect(sys.pgtable.pmdAlloc(mm, FAR as Va), "one of two").to.equal(-1);
    expect(mm.pgtablesBytes).to.equal(4096);
    expect(sys.pgtable.pgdAlloc()).to.equal(-1);
    expect(sys.pgtable.allocTable(mm, 3)).to.equal(-1);
  });
});

describe("Pgtable: entries", () => {
  it("convert between frames and values", () => {
    for (const [name, page, pmd] of [
      ["4k", 4096, 2 ** 21],
      ["16k", 16384, 2 ** 25],
      ["64k", 65536, 2 ** 29],
    ] as const) {
      const { sys } = testSystem({ granule: name });
      const { pgtable } = sys;
      const value = pgtable.pfnPte(513 as Pfn, 0x00e8000000000f43n);
      expect(value).to.equal(0x00e8000000000f43n | BigInt(513 * page));
      expect(pgtable.ptePfn(value)).to.equal(513);
      expect(pgtable.pteAdvancePfn(value, 3)).to.equal(0x00e8000000000f43n | BigInt(516 * page));
      const block = pgtable.pfnPmd(((3 * pmd) / page) as Pfn, 0x00e8000000000f41n);
      expect(block).to.equal(0x00e8000000000f41n | BigInt(3 * pmd));
      expect(pgtable.pmdPfn(block)).to.equal((3 * pmd) / page);
    }
  });

  it("give the protection of an area, for LPA2 without shareability", () => {
    expect(testSystem().sys.pgtable.pageProt(3)).to.equal(0x0060000000000fc3n);
    expect(testSystem({ cpu: { ...CPU_RANGE, lpa2: true } }).sys.pgtable.pageProt(3)).to.equal(0x0060000000000cc3n);
  });

  it("are read raw and gathered, with the loads counted", () => {
    const { sys } = testSystem();
    const mm = testMm(sys);
    const ptep = testPte(mm, FAR);
    expect(sys.pgtable.rawIsNone(ptep)).to.equal(true);
    sys.pgtable.setPteAt(mm, FAR as Va, ptep, 0x00e8000000123f43n);
    expect([sys.pgtable.rawIsNone(ptep), sys.pgtable.rawPfn(ptep), sys.pgtable.rawGet(ptep)]).to.deep.equal([false, 0x123, 0x00e8000000123f43n]);
    expect([sys.pgtable.ptepGet(ptep), sys.pgtable.ptepGetLockless(ptep)]).to.deep.equal([0x00e8000000123f43n, 0x00e8000000123f43n]);
    expect(sys.pgtable.counters.ptepGetLoads).to.equal(1);
  });

  it("need no flush when cleared while invalid", () => {
    const { sys, sink } = testSystem();
    const mm = testMm(sys);
    const vma = testVma(mm, FAR, FAR + 4096, 0x73);
    const ptep = testPte(mm, FAR);
    sys.pgtable.setPteAt(mm, FAR as Va, ptep, 0x0060000000123f82n);
    sink.clear();
    expect(sys.pgtable.ptepClearFlush(vma, FAR as Va, ptep)).to.equal(0x0060000000123f82n);
    expect(sink.counts()).to.deep.equal({});
    sys.pgtable.setPteAt(mm, FAR as Va, ptep, 0x00e8000000123f43n);
    sys.pgtable.ptepClearFlush(vma, FAR as Va, ptep);
    expect(sink.counts()).to.deep.equal({ vale1is: 1 });
  });

  it("flush one page when flags of an ordinary entry change and it may be cached read-only", () => {
    const { sys, sink } = testSystem();
    const mm = testMm(sys);
    const vma = testVma(mm, FAR, FAR + 4096, 0x73);
    const ptep = testPte(mm, FAR);
    sys.pgtable.setPteAt(mm, FAR as Va, ptep, 0x0060000000123bc3n);
    sink.clear();
    expect(sys.pgtable.ptepSetAccessFlags(vma, FAR as Va, ptep, 0x0060000000123fc3n, false)).to.equal(true);
    expect(sink.counts()).to.deep.equal({});
    expect(sys.pgtable.ptepSetAccessFlags(vma, FAR as Va, ptep, 0x00e8000000123f43n, true)).to.equal(true);
    expect(sink.counts()).to.deep.equal({ vale1is: 1 });
    expect(sys.pgtable.ptepSetAccessFlags(vma, FAR as Va, ptep, 0x00e8000000123f43n, true), "no change, no flush").to.equal(false);
    expect(sink.counts()).to.deep.equal({ vale1is: 1 });
    expect(sys.pgtable.ptepClearFlushYoung(vma, FAR as Va, ptep)).to.equal(true);
    expect([sink.counts(), sink.waits()]).to.deep.equal([{ vale1is: 2 }, 1]);
    expect(sys.pgtable.ptepClearFlushYoung(vma, FAR as Va, ptep)).to.equal(false);
  });
});

describe("Pgtable: blocks", () => {
  const BLOCK = 0x00e8000000400f41n;

  it("are set, protected, aged, dirtied, invalidated and cleared", () => {
    const { sys, sink } = testSystem();
    const mm = testMm(sys);
    const at = 0xaaaac1200000 as Va;
    const vma = testVma(mm, at, at + 2 ** 21, 0x73);
    const { pgtable } = sys;
    const pmdp = pgtable.pmdAlloc(mm, at);
    pgtable.setPmdAt(mm, at, pmdp, BLOCK);
    sink.clear();
    expect(pgtable.pmdpGet(pmdp)).to.equal(BLOCK);
    pgtable.pmdpSetWrprotect(mm, at, pmdp);
    expect(pgtable.pmdpGet(pmdp)).to.equal(0x00e0000000400fc1n);
    expect(pgtable.pmdpTestAndClearYoung(vma, at, pmdp)).to.equal(true);
    expect(pgtable.pmdpTestAndClearYoung(vma, at, pmdp)).to.equal(false);
    expect(pgtable.pmdpGet(pmdp)).to.equal(0x00e0000000400bc1n);
    expect(sink.counts()).to.deep.equal({});
    expect(pgtable.pmdpSetAccessFlags(vma, at, pmdp, BLOCK, true)).to.equal(true);
    expect(pgtable.pmdpGet(pmdp)).to.equal(BLOCK);
    expect(sink.counts()).to.deep.equal({ vale1is: 1 });
    sink.clear();
    expect(pgtable.pmdpInvalidate(vma, at, pmdp)).to.equal(BLOCK);
    expect(pgtable.pmdpGet(pmdp), "present, but not for the hardware").to.equal(0x00e8000000400f40n);
    expect([sink.counts(), sink.waits()]).to.deep.equal([{ vae1is: 1 }, 1]);
    expect(pgtable.pmdpHugeGetAndClear(mm, at, pmdp)).to.equal(0x00e8000000400f40n);
    expect(pgtable.pmdpGet(pmdp)).to.equal(0n);
    expect(() => pgtable.pmdpInvalidate(vma, at, pmdp)).to.throw("not present");
    sink.clear();
    pgtable.setPmdAt(mm, at, pmdp, BLOCK);
    expect(pgtable.pmdpHugeClearFlush(vma, at, pmdp)).to.equal(BLOCK);
    expect(sink.counts()).to.deep.equal({ vae1is: 1 });
    expect(pgtable.counters.pteStores, "level-3 entries only").to.equal(0);
  });

  it("are not replaced by another block while live", () => {
    const { sys } = testSystem();
    const mm = testMm(sys);
    const pmdp = sys.pgtable.pmdAlloc(mm, FAR as Va);
    sys.pgtable.setPmdAt(mm, FAR as Va, pmdp, BLOCK);
    expect(() => sys.pgtable.setPmdAt(mm, FAR as Va, pmdp, BLOCK + 0x200000n)).to.throw("break-before-make");
  });
});
