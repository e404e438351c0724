/**
 * Batches of entries that map one folio.
 */
import { expect } from "chai";
import type { Pa, Pfn, Va } from "../../../emulator/arch/addr.js";
import type { MemorySystem } from "../../../kernel-model/mm/memory-system.js";
import { folioPteBatch, FPB_IGNORE_DIRTY, type BatchFacts } from "../../../kernel-model/mm/pte-batch.js";
import { testAnonFolio, testMm, testPte, testSystem } from "../../support/memory-system.js";

const BASE = 0x5000000000;
/** Private anonymous page: clean and read-only; writable and dirty in hardware; AF apart. */
const RO = 0x0060000000000bc3n;
const AF = 1n << 10n;
const RDONLY = 1n << 7n;
const WRITE = 1n << 51n;
const DIRTY = 1n << 55n;
const CONT = 1n << 52n;

/** A folio of order 4 in entries 0 to 15; `change` sets each entry's attributes. */
function table(change: (index: number) => bigint): { sys: MemorySystem; folio: Pfn; ptep: Pa; pte: bigint } {
  const { sys } = testSystem();
  const mm = testMm(sys);
  const folio = testAnonFolio(sys, 4);
  const ptep = testPte(mm, BASE as Va);
  for (let i = 0; i < 16; i++) sys.pgtable.rawSet((ptep + i * 8) as Pa, BigInt((folio + i) * 4096) | change(i));
  return { sys, folio, ptep, pte: sys.pgtable.ptepGet(ptep) };
}

const facts = (): BatchFacts => ({ anyWritable: true, anyYoung: true, anyDirty: true });

describe("folio_pte_batch", () => {
  it("covers entries that differ in access flag and write permission only", () => {
    const { sys, folio, ptep, pte } = table((i) => RO | DIRTY | (i % 2 === 0 ? AF : 0n) | (i === 5 ? WRITE : 0n));
    const found = facts();
    expect(folioPteBatch(sys, folio, ptep, pte, 100, 0, found)).to.equal(16);
    expect(found).to.deep.equal({ anyWritable: true, anyYoung: true, anyDirty: true });
  });

  it("leaves the first entry out of the facts", () => {
    const { sys, folio, ptep, pte } = table((i) => (i === 0 ? (RO | WRITE | DIRTY | AF) & ~RDONLY : RO));
    const found = facts();
    expect(folioPteBatch(sys, folio, ptep, pte, 16, FPB_IGNORE_DIRTY, found)).to.equal(16);
    expect(found).to.deep.equal({ anyWritable: false, anyYoung: false, anyDirty: false });
  });

  it("ends where the dirty state changes, unless that is ignored", () => {
    const { sys, folio, ptep, pte } = table((i) => (i < 7 ? RO | DIRTY : RO));
    expect(folioPteBatch(sys, folio, ptep, pte, 16, 0)).to.equal(7);
    expect(folioPteBatch(sys, folio, ptep, pte, 16, FPB_IGNORE_DIRTY)).to.equal(16);
  });

  it("takes hardware dirtiness for dirtiness", () => {
    const { sys, folio, ptep, pte } = table((i) => (i < 3 ? (RO | WRITE) & ~RDONLY : RO | WRITE));
    expect(folioPteBatch(sys, folio, ptep, pte, 16, 0)).to.equal(3);
  });

  it("ends at a hole, another frame, or another permission", () => {
    for (const odd of [0n, (RO | (1n << 54n)) ^ (1n << 54n)]) {
      const { sys, folio, ptep, pte } = table((i) => (i === 9 ? odd : RO));
      if (odd === 0n) sys.pgtable.rawSet((ptep + 9 * 8) as Pa, 0n);
      expect(folioPteBatch(sys, folio, ptep, pte, 16, FPB_IGNORE_DIRTY)).to.equal(9);
    }
    const { sys, folio, ptep, pte } = table(() => RO);
    sys.pgtable.rawSet((ptep + 4 * 8) as Pa, sys.pgtable.rawGet((ptep + 5 * 8) as Pa));
    expect(folioPteBatch(sys, folio, ptep, pte, 16, 0)).to.equal(4);
  });

  it("stays within the folio and the number asked for", () => {
    const { sys, folio, ptep } = table(() => RO);
    const at = (ptep + 10 * 8) as Pa;
    const pte = sys.pgtable.ptepGet(at);
    expect(folioPteBatch(sys, folio, at, pte, 100, 0)).to.equal(6);
    expect(folioPteBatch(sys, folio, at, pte, 2, 0)).to.equal(2);
  });

  it("steps over a contiguous block with one gather", () => {
    const { sys, folio, ptep, pte } = table(() => RO | AF | CONT);
    const before = sys.pgtable.counters.ptepGetLoads;
    expect(folioPteBatch(sys, folio, ptep, pte, 16, 0)).to.equal(16);
    expect(sys.pgtable.counters.ptepGetLoads - before, "the caller's gather was enough").to.equal(0);
    const middle = (ptep + 6 * 8) as Pa;
    expect(folioPteBatch(sys, folio, middle, sys.pgtable.ptepGet(middle), 4, 0)).to.equal(4);
  });
});
