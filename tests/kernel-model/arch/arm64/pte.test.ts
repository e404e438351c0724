/** The algebra of the entry helpers over all protections, after debug_vm_pgtable. */
import { expect } from "chai";
import * as pte from "../../../../kernel-model/arch/arm64/pte.js";

const AF = 0x400n;
const RDONLY = 0x80n;
const DBM = 1n << 51n;
const CONT = 1n << 52n;
const DIRTY = 1n << 55n;
const SPECIAL = 1n << 56n;
const PA = 0x7654321000n;

/** Every protection that Linux gives to user pages, old and young, soft-dirty and not, clean and hardware-dirty. */
const PROTECTIONS = [0x0060000000000fc3n, 0x0020000000000fc3n, 0x0068000000000fc3n, 0x0028000000000fc3n, 0x0060000000000f82n];
const VALUES = PROTECTIONS.flatMap((prot) => [prot, prot & ~AF])
  .flatMap((value) => [value, value | DIRTY])
  .flatMap((value) => ((value & DBM) === 0n ? [value] : [value, value & ~RDONLY]))
  .flatMap((value) => [value, value | SPECIAL, value | CONT])
  .map((value) => value | PA);

describe("pte", () => {
  it("tests each bit it is named for", () => {
    expect(VALUES.length).to.equal(84);
    for (const value of VALUES) {
      expect(pte.pteYoung(value)).to.equal((value & AF) !== 0n);
      expect(pte.pteWrite(value)).to.equal((value & DBM) !== 0n);
      expect(pte.pteRdonly(value)).to.equal((value & RDONLY) !== 0n);
      expect(pte.pteSpecial(value)).to.equal((value & SPECIAL) !== 0n);
      expect(pte.pteCont(value)).to.equal((value & CONT) !== 0n);
      expect(pte.pteHwDirty(value)).to.equal((value & DBM) !== 0n && (value & RDONLY) === 0n);
      expect(pte.pteSwDirty(value)).to.equal((value & DIRTY) !== 0n);
      expect(pte.pteDirty(value)).to.equal(pte.pteHwDirty(value) || pte.pteSwDirty(value));
      expect(pte.ptePresent(value)).to.equal(true);
      expect(pte.pteValid(value)).to.equal((value & 1n) === 1n);
      expect(pte.pteProtnone(value)).to.equal((value & 1n) === 0n);
      expect(pte.pteIsSwap(value)).to.equal(false);
      expect(pte.pteValidCont(value)).to.equal((value & 1n) === 1n && (value & CONT) !== 0n);
      expect(pte.pteUserExec(value)).to.equal((value & (1n << 54n)) === 0n);
      expect(pte.pteAccessPermitted(value, false)).to.equal((value & 0x41n) === 0x41n);
      expect(pte.pteAccessPermitted(value, true)).to.equal((value & 0x41n) === 0x41n && (value & DBM) !== 0n);
    }
  });

  it("transforms as the algebra of the helpers demands", () => {
    for (const value of VALUES) {
      const name = `0x${value.toString(16)}`;
      expect(pte.pteYoung(pte.pteMkold(pte.pteMkyoung(value))), name).to.equal(false);
      expect(pte.pteYoung(pte.pteMkyoung(pte.pteMkold(value))), name).to.equal(true);
      expect(pte.pteDirty(pte.pteMkclean(pte.pteMkdirty(value))), name).to.equal(false);
      expect(pte.pteDirty(pte.pteMkdirty(pte.pteMkclean(value))), name).to.equal(true);
      expect(pte.pteWrite(pte.pteMkwrite(pte.pteWrprotect(value))), name).to.equal(true);
      expect(pte.pteWrite(pte.pteWrprotect(pte.pteMkwrite(value))), name).to.equal(false);
      expect(pte.pteDirty(pte.pteWrprotect(value)), `${name}: write protection keeps dirtiness`).to.equal(pte.pteDirty(value));
      expect(pte.pteDirty(pte.pteMkwrite(value)), `${name}: a clean page stays clean`).to.equal(pte.pteDirty(value));
      expect(pte.pteDirty(pte.pteWrprotect(pte.pteMkclean(value))), name).to.equal(false);
      expect(pte.pteWrite(pte.pteMkdirty(value)), name).to.equal(pte.pteWrite(value));
      expect(pte.pteWrite(pte.pteMkclean(value)), name).to.equal(pte.pteWrite(value));
      expect(pte.pteCont(pte.pteMknoncont(value)), name).to.equal(false);
      expect(pte.pteSame(pte.pteMkold(value), value), name).to.equal(!pte.pteYoung(value));
      for (const result of [pte.pteMkold(value), pte.pteMkdirty(value), pte.pteMkwrite(value), pte.pteWrprotect(value), pte.pteMkclean(value)]) {
        expect(pte.pteToPhys(result), name).to.equal(Number(PA));
        expect(pte.pteWrite(result) || pte.pteRdonly(result), `${name}: never neither writable nor read-only`).to.equal(true);
      }
    }
  });

  it("modifies permissions and nothing else", () => {
    for (const value of VALUES) {
      for (const prot of PROTECTIONS) {
        const result = pte.pteModify(value, prot);
        const name = `0x${value.toString(16)} to 0x${prot.toString(16)}`;
        expect(pte.pteToPhys(result), name).to.equal(Number(PA));
        expect(pte.pteYoung(result), name).to.equal(pte.pteYoung(value));
        expect(pte.pteDirty(result), name).to.equal(pte.pteDirty(value));
        expect(pte.pteSpecial(result), name).to.equal(pte.pteSpecial(value));
        expect(pte.pteWrite(result), name).to.equal((prot & DBM) !== 0n);
        expect(pte.pteUser(result), name).to.equal((prot & 0x40n) !== 0n);
        expect(pte.pteUserExec(result), name).to.equal(pte.pteUserExec(prot));
        expect(pte.pteValid(result), name).to.equal((prot & 1n) !== 0n);
      }
    }
  });

  it("gives the entries of the life of an anonymous page", () => {
    const fault = pte.pteMkwrite(pte.pteMkdirty(0x0060000000000fc3n));
    expect(fault).to.equal(0x00e8000000000f43n);
    expect(pte.pteMkcont(fault)).to.equal(0x00f8000000000f43n);
    const parent = pte.pteWrprotect(pte.pteMkcont(fault));
    expect(parent).to.equal(0x00f0000000000fc3n);
    expect(pte.pteMkold(parent)).to.equal(0x00f0000000000bc3n);
    expect(pte.pteMkspecial(0x0060000000000fc3n)).to.equal(0x0160000000000fc3n);
    expect(pte.pteMkcont(0x0020000000000fc3n)).to.equal(0x0030000000000fc3n);
  });

  it("splits a value into address and attributes", () => {
    expect(pte.ptePgprot(0x00e8123456789f43n)).to.equal(0x00e8000000000f43n);
    expect(pte.pteToPhys(0x00e8123456789f43n)).to.equal(0x123456789000);
  });

  it("tells tables from blocks", () => {
    const table = 0x0800000012345003n;
    const block = 0x00e8000040000f41n;
    expect([pte.pmdTable(table), pte.pmdLeaf(table), pte.pmdTransHuge(table), pte.pmdBad(table)]).to.deep.equal([true, false, false, false]);
    expect([pte.pmdTable(block), pte.pmdLeaf(block), pte.pmdTransHuge(block), pte.pmdBad(block)]).to.deep.equal([false, true, true, true]);
    expect(pte.pmdMkhuge(0x00e8000040000f43n)).to.equal(block);
    const changing = pte.pmdMkinvalid(block);
    expect(changing).to.equal(0x00e8000040000f40n);
    expect([pte.pmdPresent(changing), pte.pmdValid(changing), pte.pmdTransHuge(changing), pte.pmdTable(changing)]).to.deep.equal([true, false, true, false]);
    expect([pte.pmdNone(0n), pte.pmdPresent(0n), pte.pmdTransHuge(0n)]).to.deep.equal([true, false, false]);
  });

  it("encodes swap entries", () => {
    const entry = pte.swpEntryToPte(5, 0x123456789);
    expect(entry).to.equal((5n << 6n) | (0x123456789n << 12n));
    expect([pte.swpType(entry), pte.swpOffset(entry)]).to.deep.equal([5, 0x123456789]);
    expect([pte.pteIsSwap(entry), pte.ptePresent(entry), pte.pteNone(entry)]).to.deep.equal([true, false, false]);
    const exclusive = pte.pteSwpMkexclusive(entry);
    expect(exclusive).to.equal(entry | 4n);
    expect([pte.pteSwpExclusive(exclusive), pte.pteSwpExclusive(entry)]).to.deep.equal([true, false]);
    expect(pte.pteSwpClearExclusive(exclusive)).to.equal(entry);
    for (const type of [0, 31]) expect(pte.swpEntryToPte(type, 1) & 0x803n, "bits 0, 1 and 11 stay clear").to.equal(0n);
    expect(pte.pteIsSwap(0n)).to.equal(false);
  });
});
