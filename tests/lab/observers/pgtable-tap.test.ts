/** The tap on the page-table interface: each outer call once, with its place; inner calls and reads inside calls not at all. */
import { expect } from "chai";
import type { Pa, Va } from "../../../emulator/arch/addr.js";
import { type PgtableListener, tapPgtable } from "../../../lab/observers/pgtable-tap.js";
import { testAnonFolio, testMm, testPte, testSystem, testVma } from "../../support/memory-system.js";

const RW = 0x00e8_0000_0000_0f43n;
const BASE = 0x5000000000 as Va;

describe("tap on the page-table interface", () => {
  const { sys } = testSystem();
  const mm = testMm(sys);
  const vma = testVma(mm, BASE, BASE + 65536, 0x73);
  const ptep = testPte(mm, BASE);
  const folio = testAnonFolio(sys, 4);
  const seen: string[] = [];
  const listener: PgtableListener = {
    enter: ({ name, intent, addr, entry, nr, level, value }) => void seen.push(`> ${name} ${intent} ${addr - BASE} ${(entry - ptep) / 8} x${nr} L${level}${value === undefined ? "" : " value"}`),
    leave: ({ name }, result) => void seen.push(`< ${name} ${typeof result}`),
    read: (entry) => void seen.push(`read ${(entry - ptep) / 8}`),
    unhooked: (entry, value) => void seen.push(`unhooked ${entry} ${value}`),
    hooked: (value) => void seen.push(`hooked ${value}`),
    freed: (_mm, table) => void seen.push(`freed ${table}`),
  };
  tapPgtable(sys.pgtable, listener);
  const take = (): string[] => seen.splice(0);
  const value = RW | BigInt(folio * 4096);
  const { pgtable } = sys;

  it("sees calls with their place and result, and does not change what they do", () => {
    pgtable.setPtes(mm, BASE, ptep, value, 16);
    expect(take()).to.deep.equal(["> setPtes set 0 0 x16 L3 value", "< setPtes undefined"]);
    expect(pgtable.rawGet(ptep)).to.equal(value | (1n << 52n));
    expect(pgtable.ptepGet((ptep + 8) as Pa)).to.equal((value + 4096n) | (1n << 52n));
    expect(take()).to.deep.equal(["read 1"]);
    expect(pgtable.ptepTestAndClearYoung(vma, BASE, ptep)).to.equal(true);
    expect(take()).to.deep.equal(["> ptepTestAndClearYoung young 0 0 x1 L3", "< ptepTestAndClearYoung boolean"]);
  });

  it("counts what a method calls as part of it", () => {
    pgtable.ptepClearFlush(vma, (BASE + 4096) as Va, (ptep + 8) as Pa);
    expect(take()).to.deep.equal(["> ptepClearFlush clear-flush 4096 1 x1 L3", "< ptepClearFlush bigint"]);
    pgtable.ptepModifyProtCommit(vma, (BASE + 4096) as Va, (ptep + 8) as Pa, 0n, value + 4096n);
    expect(take()).to.deep.equal(["> ptepModifyProtCommit set 4096 1 x1 L3 value", "< ptepModifyProtCommit undefined"]);
    pgtable.ptepSetWrprotect(mm, BASE, ptep);
    expect(take()).to.have.length(2);
  });

  it("knows batches, blocks and flags", () => {
    pgtable.clearYoungDirtyPtes(vma, BASE, ptep, 4, { young: true, dirty: false });
    pgtable.ptepSetAccessFlags(vma, BASE, ptep, value, true);
    pgtable.getAndClearFullPtes(mm, BASE, ptep, 3, false);
    pgtable.clearFullPtes(mm, (BASE + 3 * 4096) as Va, (ptep + 24) as Pa, 2, true);
    expect(take().filter((line) => line.startsWith(">"))).to.deep.equal([
      "> clearYoungDirtyPtes young-dirty 0 0 x4 L3",
      "> ptepSetAccessFlags access-flags 0 0 x1 L3 value",
      "> getAndClearFullPtes get-and-clear 0 0 x3 L3",
      "> clearFullPtes clear 12288 3 x2 L3",
    ]);
  });

  it("sees tables come and go", () => {
    const pmdp = pgtable.pmdOffset(mm, BASE);
    const pmd = pgtable.rawGet(pmdp);
    pgtable.rawSet(pmdp, 0n);
    pgtable.rawSet(pmdp, pmd);
    const spare = pgtable.allocTable(mm, 3);
    pgtable.freeTable(mm, 3, spare);
    expect(take()).to.deep.equal([`unhooked ${pmdp} ${pmd}`, `hooked ${pmd}`, `freed ${spare}`]);
  });

  it("lets errors through and goes on listening", () => {
    expect(() => pgtable.setPtes(mm, (BASE + 5 * 4096) as Va, (ptep + 40) as Pa, value, 4)).to.throw("valid already");
    take();
    pgtable.pteClear(mm, (BASE + 6 * 4096) as Va, (ptep + 48) as Pa);
    expect(take()).to.have.length(2);
  });
});
