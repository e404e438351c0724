/**
 * What fork copies, in batches and page by page.
 */
import { expect } from "chai";
import type { Order, Pfn, Va } from "../../../emulator/arch/addr.js";
import { EXT4_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { folioAlloc, folioPut } from "../../../kernel-model/mm/folio.js";
import { copyPageRange } from "../../../kernel-model/mm/fork-copy.js";
import { doMprotect } from "../../../kernel-model/mm/mprotect.js";
import { MmHarness, type HarnessOptions } from "../../support/mm-harness.js";
import { createTestFile, MAP_SHARED, MAP_PRIVATE, mapFile, PROT_READ, PROT_RW } from "../../support/page-cache.js";

const P = 4096;
const BASE = 0x5000000000;
const EXCLUSIVE = 1 << 12;

function machine(order: number, options: HarnessOptions = {}): { h: MmHarness; mm: MmStruct } {
  const h = new MmHarness(options);
  if (order > 0) h.sys.thp.setSizeEnabled(order as Order, "always");
  return { h, mm: h.newMm() };
}

describe("fork", () => {
  it("write-protects private pages in both, makes the child's old, and takes the exclusivity", () => {
    const { h, mm } = machine(0);
    h.anon(mm, BASE, 2 * P);
    h.touchAll(mm, BASE, BASE + 2 * P, "write");
    const child = h.fork(mm);
    expect(h.attributes(mm, BASE)).to.equal(0x00e0000000000fc3n);
    expect(h.attributes(child, BASE)).to.equal(0x00e0000000000bc3n);
    const page = h.frame(mm, BASE) as Pfn;
    expect(h.frame(child, BASE)).to.equal(page);
    expect([h.sys.pages.mapcount[page], h.sys.pages.refcount[page], h.sys.pages.test(page, EXCLUSIVE)]).to.deep.equal([2, 2, false]);
    expect(child.rss[1]).to.equal(2);
    h.close();
  });

  it("keeps a contiguous block folded in both", () => {
    const { h, mm } = machine(4);
    h.anon(mm, BASE, 16 * P);
    h.touch(mm, BASE, "write");
    h.clear();
    const child = h.fork(mm);
    expect(h.attributes(mm, BASE + 15 * P)).to.equal(0x00f0000000000fc3n);
    expect(h.attributes(child, BASE + 15 * P)).to.equal(0x00f0000000000bc3n);
    expect(h.maintenance()).to.deep.equal({ aside1is: 1, "dsb ish": 1 });
    h.close();
  });

  it("without batches goes page by page, which unfolds and refolds", () => {
    const { h, mm } = machine(4, { batch: false });
    h.anon(mm, BASE, 16 * P);
    h.touch(mm, BASE, "write");
    h.clear();
    h.fork(mm);
    const { counters } = h.sys.pgtable;
    expect([counters.wrprotectPtes, counters.unfold, counters.fold]).to.deep.equal([0, 1, 1]);
    expect(h.maintenance(), "unfold the parent's, fold the child's").to.deep.equal({ aside1is: 1, vale1is: 32, "dsb ish": 3 });
    h.close();
  });

  it("copies one batch where some pages are writable and some not", () => {
    const { h, mm } = machine(4);
    h.anon(mm, BASE, 16 * P);
    h.touch(mm, BASE, "write");
    expect(doMprotect(mm, (BASE + 4 * P) as Va, 4 * P, 1)).to.equal(0);
    expect(doMprotect(mm, (BASE + 4 * P) as Va, 4 * P, 3)).to.equal(0);
    const { pgtable } = h.sys;
    const ptep = pgtable.pteOffset(pgtable.pmdpGet(pgtable.pmdOffset(mm, BASE as Va)), BASE as Va);
    pgtable.ptepSetWrprotect(mm, (BASE + 2 * P) as Va, (ptep + 16) as never);
    const child = h.fork(mm);
    for (let i = 0; i < 16; i++) {
      expect(h.attributes(mm, BASE + i * P) & (1n << 51n), `page ${i} of the parent`).to.equal(0n);
      expect(h.attributes(child, BASE + i * P) & (1n << 51n), `page ${i} of the child`).to.equal(0n);
      expect(h.frame(child, BASE + i * P)).to.equal(h.frame(mm, BASE + i * P));
    }
    h.close();
  });

  it("copies the zero page, and leaves untouched pages untouched", () => {
    const { h, mm } = machine(0);
    h.anon(mm, BASE, 3 * P);
    h.touch(mm, BASE, "write");
    h.touch(mm, BASE + P, "read");
    const child = h.fork(mm);
    expect(h.attributes(child, BASE + P)).to.equal(0x0160000000000bc3n);
    expect(h.pte(child, BASE + 2 * P)).to.equal(0n);
    h.close();
  });

  it("does not copy what faults can bring back", () => {
    const { h, mm } = machine(0);
    const test = createTestFile(h.sys, { policy: EXT4_POLICY, size: 4 * P });
    mapFile(mm, BASE, 4 * P, PROT_READ, MAP_SHARED, test.file);
    mapFile(mm, BASE + 16 * P, 4 * P, PROT_RW, MAP_PRIVATE, test.file);
    h.touch(mm, BASE, "read");
    h.touch(mm, BASE + 16 * P, "read");
    let child = h.fork(mm);
    expect([h.pte(child, BASE), h.pte(child, BASE + 16 * P)]).to.deep.equal([0n, 0n]);
    h.exit(child);
    // A private area with a copied page has an anon_vma and is copied whole, file pages included.
    h.writeByte(mm, BASE + 17 * P, 1);
    child = h.fork(mm);
    expect(h.frame(child, BASE + 16 * P)).to.equal(h.frame(mm, BASE + 16 * P));
    expect([...child.rss]).to.deep.equal([3, 1, 0, 0]);
    h.exit(child);
    h.exit(mm);
    test.dispose();
    h.close();
  });

  it("copies PMD mappings, write-protected, and gives the child a table in reserve", () => {
    const { h, mm } = machine(9);
    h.anon(mm, BASE, 2 ** 21);
    h.touch(mm, BASE, "write");
    const child = h.fork(mm);
    expect(h.pmd(child, BASE) & (1n << 51n | 3n)).to.equal(1n);
    expect(h.pmd(mm, BASE) & (1n << 51n)).to.equal(0n);
    expect(child.rss[1]).to.equal(512);
    h.check();
    h.exit(mm);
    h.writeByte(child, BASE + 5, 1);
    expect(h.pmd(child, BASE) & 3n, "the last owner reuses the folio").to.equal(1n);
    h.close();
  });

  it("reports when a table cannot be had", () => {
    const { h, mm } = machine(0);
    const vma = h.anon(mm, BASE, P);
    h.touch(mm, BASE, "write");
    const other = h.newMm();
    const copy = h.anon(other, BASE, P);
    copy.anonVma = vma.anonVma;
    const held: Pfn[] = [];
    for (let page = folioAlloc(h.sys, 0 as Order); page !== -1; page = folioAlloc(h.sys, 0 as Order)) held.push(page);
    expect(copyPageRange(copy, vma)).to.equal(-12);
    copy.anonVma = undefined;
    for (const page of held) folioPut(h.sys, page);
    h.close();
  });
});
