/**
 * Which page tables go with an area.
 */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { freePgdRange, freePgtables } from "../../../kernel-model/mm/free-pgtables.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { MmuGather } from "../../../kernel-model/mm/mmu-gather.js";
import { doMunmap } from "../../../kernel-model/mm/munmap.js";
import { unmapVmas } from "../../../kernel-model/mm/zap.js";
import { MmHarness, type HarnessOptions } from "../../support/mm-harness.js";

const P = 4096;
const PMD = 2 ** 21;
const PUD = 2 ** 30;
const BASE = 0x5000000000;

function machine(options: HarnessOptions = {}): { h: MmHarness; mm: MmStruct } {
  const h = new MmHarness(options);
  h.sys.thp.enabled = "never";
  return { h, mm: h.newMm() };
}

function area(h: MmHarness, mm: MmStruct, at: number, bytes = P): void {
  h.anon(mm, at, bytes);
  h.touch(mm, at, "write");
}

const tables = (mm: MmStruct): number => mm.pgtablesBytes / mm.sys.granule.pageSize;

describe("free_pgtables", () => {
  it("frees a table when its last area goes", () => {
    const { h, mm } = machine();
    area(h, mm, BASE);
    area(h, mm, BASE + 5 * P);
    expect(tables(mm)).to.equal(3);
    doMunmap(mm, BASE as Va, P);
    expect(tables(mm), "a neighbour in the same table").to.equal(3);
    doMunmap(mm, (BASE + 5 * P) as Va, P);
    expect(tables(mm)).to.equal(0);
    h.close();
  });

  it("keeps upper tables that others need", () => {
    const { h, mm } = machine();
    area(h, mm, BASE);
    area(h, mm, BASE + PMD);
    area(h, mm, BASE + PUD);
    expect(tables(mm)).to.equal(1 + 2 + 3);
    doMunmap(mm, (BASE + PMD) as Va, P);
    expect(tables(mm)).to.equal(1 + 2 + 2);
    doMunmap(mm, (BASE + PUD) as Va, P);
    expect(tables(mm)).to.equal(1 + 1 + 1);
    h.close();
  });

  it("frees every table between two areas that stay", () => {
    const { h, mm } = machine();
    area(h, mm, BASE);
    h.anon(mm, BASE + PMD, 4 * PMD);
    for (let i = 0; i < 4; i++) h.touch(mm, BASE + PMD + i * PMD, "write");
    area(h, mm, BASE + 5 * PMD);
    h.clear();
    doMunmap(mm, (BASE + PMD) as Va, 4 * PMD);
    expect(tables(mm)).to.equal(2 + 2);
    // The gap is 4 level-2 entries wide; all levels, one stride each.
    expect(h.maintenance()).to.deep.include({ vae1is: 4 });
    h.close();
  });

  it("keeps a table whose other end a neighbour shares", () => {
    const { h, mm } = machine();
    area(h, mm, BASE + PMD - P);
    area(h, mm, BASE + PMD);
    area(h, mm, BASE + 2 * PMD - P);
    doMunmap(mm, (BASE + PMD) as Va, P);
    expect(tables(mm)).to.equal(4);
    doMunmap(mm, (BASE + 2 * PMD - P) as Va, P);
    expect(tables(mm)).to.equal(3);
    h.close();
  });

  it("works where the root is level 1", () => {
    const { h, mm } = machine({ granule: "64k" });
    h.anon(mm, BASE, 65536);
    h.touch(mm, BASE, "write");
    expect(tables(mm)).to.equal(2);
    doMunmap(mm, BASE as Va, 65536);
    expect(tables(mm)).to.equal(0);
    h.close();
  });

  it("unlinks areas from their anon_vmas", () => {
    const { h, mm } = machine();
    area(h, mm, BASE);
    area(h, mm, BASE + 3 * PMD);
    const areas = [...mm.vmas];
    const tlb = new MmuGather(mm);
    unmapVmas(tlb, areas, 0 as Va, mm.taskSize);
    freePgtables(tlb, areas, 0 as Va, mm.taskSize);
    tlb.finish();
    expect(areas.map(({ anonVma, anonVmaChain }) => [anonVma, anonVmaChain.length])).to.deep.equal([
      [undefined, 0],
      [undefined, 0],
    ]);
    expect(tables(mm)).to.equal(0);
    h.close();
  });

  it("does nothing where floor and ceiling leave no whole table", () => {
    const { h, mm } = machine();
    area(h, mm, BASE);
    const before = tables(mm);
    const tlb = new MmuGather(mm);
    freePgdRange(tlb, BASE + P, BASE + 2 * P, BASE + P, BASE + PMD);
    freePgdRange(tlb, BASE, BASE + P, 0, BASE + 2 * P);
    freePgdRange(tlb, 0, P, 0, P);
    tlb.finish();
    expect(tables(mm)).to.equal(before);
    h.close();
  });
});
