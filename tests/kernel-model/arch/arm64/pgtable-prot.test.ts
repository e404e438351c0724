/** Protections and software bits, retyped from what a real kernel writes. */
import { expect } from "chai";
import { PAGE_NONE, PAGE_READONLY, PAGE_READONLY_EXEC, PAGE_SHARED, PAGE_SHARED_EXEC, protectionMap, PTE_DIRTY, PTE_PRESENT_INVALID, PTE_SPECIAL, PTE_WRITE } from "../../../../kernel-model/arch/arm64/pgtable-prot.js";

const READ = 1;
const WRITE = 2;
const EXEC = 4;
const SHARED = 8;

describe("pgtable-prot", () => {
  it("has Linux's software bits where Linux has them", () => {
    expect(PTE_WRITE).to.equal(0x0008000000000000n);
    expect(PTE_DIRTY).to.equal(0x0080000000000000n);
    expect(PTE_SPECIAL).to.equal(0x0100000000000000n);
    expect(PTE_PRESENT_INVALID).to.equal(0x800n);
  });

  it("computes the values that a real kernel writes", () => {
    expect(PAGE_READONLY).to.equal(0x0060000000000fc3n);
    expect(PAGE_READONLY_EXEC).to.equal(0x0020000000000fc3n);
    expect(PAGE_SHARED).to.equal(0x0068000000000fc3n);
    expect(PAGE_SHARED_EXEC).to.equal(0x0028000000000fc3n);
    expect(PAGE_NONE).to.equal(0x0060000000000f82n);
  });

  it("maps area flags to protections: private areas are never writable at first", () => {
    const table: readonly [number, bigint][] = [
      [0, PAGE_NONE],
      [READ, PAGE_READONLY],
      [WRITE, PAGE_READONLY],
      [READ | WRITE, PAGE_READONLY],
      [EXEC, PAGE_READONLY_EXEC],
      [READ | EXEC, PAGE_READONLY_EXEC],
      [WRITE | EXEC, PAGE_READONLY_EXEC],
      [READ | WRITE | EXEC, PAGE_READONLY_EXEC],
      [SHARED, PAGE_NONE],
      [SHARED | READ, PAGE_READONLY],
      [SHARED | WRITE, PAGE_SHARED],
      [SHARED | READ | WRITE, PAGE_SHARED],
      [SHARED | EXEC, PAGE_READONLY_EXEC],
      [SHARED | READ | EXEC, PAGE_READONLY_EXEC],
      [SHARED | WRITE | EXEC, PAGE_SHARED_EXEC],
      [SHARED | READ | WRITE | EXEC, PAGE_SHARED_EXEC],
    ];
    for (const [flags, prot] of table) expect(protectionMap(flags), `flags ${flags}`).to.equal(prot);
    expect(protectionMap(READ | 0x100073), "other VM_* bits do not matter").to.equal(PAGE_READONLY);
  });

  it("leaves the shareability field free for address bits with LPA2", () => {
    expect(protectionMap(READ, true)).to.equal(0x0060000000000cc3n);
  });
});
