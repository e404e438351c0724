/**
 * Faults on behalf of the kernel: remote pages, populating.
 */
import { expect } from "chai";
import type { Pfn, Va } from "../../../emulator/arch/addr.js";
import { EXT4_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { folioPut } from "../../../kernel-model/mm/folio.js";
import { faultinPageRange, getUserPagesRemote, mmPopulate, populateVmaPageRange } from "../../../kernel-model/mm/gup.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile, MAP_PRIVATE, MAP_SHARED, mapFile, PROT_RW } from "../../support/page-cache.js";

const P = 4096;
const PMD = 2 ** 21;
const BASE = 0x5000000000;
const EFAULT = 14;
const ENOMEM = 12;
const EINVAL = 22;

function machine(): { h: MmHarness; mm: MmStruct } {
  const h = new MmHarness();
  h.sys.thp.enabled = "never";
  return { h, mm: h.newMm() };
}

const at = (page: number): Va => (BASE + page * P) as Va;
const log = (h: MmHarness): number[][] => h.faults.map(({ esr, flags, result }) => [esr, flags, result]);

describe("get_user_pages_remote", () => {
  it("faults the page in and holds it", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, 2 * P);
    const page = getUserPagesRemote(mm, (BASE + 100) as Va, { write: true });
    expect(page).to.equal(h.frame(mm, BASE));
    expect(log(h), "FAULT_FLAG_WRITE | FAULT_FLAG_REMOTE, no abort").to.deep.equal([[0, 0x81, 0]]);
    expect(h.sys.pages.refcount[page]).to.equal(2);
    folioPut(h.sys, page);
    h.close();
  });

  it("writes into areas that forbid it, by a private copy, unless told to respect them", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, P, 1);
    expect(getUserPagesRemote(mm, at(0), { write: true, force: false })).to.equal(-EFAULT);
    const page = getUserPagesRemote(mm, at(0), { write: true });
    expect(page).to.equal(h.frame(mm, BASE));
    expect(h.attributes(mm, BASE) & (1n << 51n), "still read-only for the program").to.equal(0n);
    folioPut(h.sys, page);
    h.close();
  });

  it("breaks copy on write first", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, P);
    h.writeByte(mm, BASE, 3);
    const child = h.fork(mm);
    const page = getUserPagesRemote(child, at(0), { write: true });
    expect(page).to.not.equal(h.frame(mm, BASE));
    folioPut(h.sys, page);
    const shared = getUserPagesRemote(mm, at(0), { write: false });
    expect(shared).to.equal(h.frame(mm, BASE));
    folioPut(h.sys, shared);
    h.close();
  });

  it("knows no stack growth and no holes", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, P).flags |= 0x100;
    expect(getUserPagesRemote(mm, at(-1), { write: true })).to.equal(-EFAULT);
    h.close();
  });

  it("finds pages inside PMD mappings", () => {
    const { h, mm } = machine();
    h.sys.thp.enabled = "always";
    h.anon(mm, BASE, PMD);
    h.touch(mm, BASE, "write");
    const page = getUserPagesRemote(mm, at(77), { write: true });
    const head = Number((h.pmd(mm, BASE) & 0x0000fffffffff000n) / 4096n);
    expect(page).to.equal(head + 77);
    folioPut(h.sys, head as Pfn);
    h.close();
  });
});

describe("populate", () => {
  it("writes private areas and reads the others, with the flags of mlock()", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, 2 * P);
    h.anon(mm, BASE + 2 * P, P, 1);
    h.anon(mm, BASE + 4 * P, P, 0);
    expect(mmPopulate(mm, at(0), 6 * P, true)).to.equal(0);
    expect(log(h)).to.deep.equal([
      [0, 0x15, 0],
      [0, 0x15, 0],
      [0, 0x14, 0],
    ]);
    expect(h.frame(mm, BASE + 2 * P)).to.equal(h.sys.zeroPfn);
    expect(mmPopulate(mm, at(0), 6 * P, false), "PROT_NONE cannot be populated").to.equal(-EFAULT);
    h.close();
  });

  it("steps over what is there", () => {
    const { h, mm } = machine();
    const vma = h.anon(mm, BASE, 4 * P);
    h.touch(mm, BASE + P, "write");
    h.clear();
    expect(populateVmaPageRange(vma, at(0), at(4), true)).to.equal(4);
    expect(h.faults.map(({ address }) => (address - BASE) / P)).to.deep.equal([0, 2, 3]);
    vma.flags |= 0x80000;
    expect(populateVmaPageRange(vma, at(0), at(4), true), "VM_LOCKONFAULT").to.equal(4);
    h.close();
  });

  it("may not give up the lock when mprotect() asks: the faults cannot be tried again", () => {
    const { h, mm } = machine();
    const vma = h.anon(mm, BASE, 2 * P);
    h.clear();
    populateVmaPageRange(vma, at(0), at(1), false);
    populateVmaPageRange(vma, at(1), at(2), true);
    expect(h.faults.map(({ flags }) => flags)).to.deep.equal([0x1, 0x15]);
    h.close();
  });

  it("tries a page again after I/O, without the mark of a second attempt", () => {
    const { h, mm } = machine();
    const test = createTestFile(h.sys, { policy: EXT4_POLICY, size: P });
    mapFile(mm, BASE, P, 1, MAP_SHARED, test.file);
    expect(mmPopulate(mm, at(0), P, true)).to.equal(0);
    expect(h.faults.map(({ flags }) => flags)).to.deep.equal([0x14, 0x14]);
    expect(h.faults[0]!.result & 0x404, "major, retry").to.equal(0x404);
    expect([mm.minFlt, mm.majFlt]).to.deep.equal([1, 0]);
    h.exit(mm);
    test.dispose();
    h.close();
  });
});

describe("MADV_POPULATE_READ and MADV_POPULATE_WRITE", () => {
  it("fault like the access, and count a page that needed I/O as major", () => {
    const { h, mm } = machine();
    const test = createTestFile(h.sys, { policy: EXT4_POLICY, size: 2 * P });
    h.sys.tunables.faultAroundBytes = P;
    mapFile(mm, BASE, 2 * P, PROT_RW, MAP_PRIVATE, test.file);
    expect(faultinPageRange(mm, at(0), at(2), false)).to.equal(2);
    expect(h.faults.map(({ flags }) => flags)).to.deep.equal([0x14, 0x34, 0x14]);
    expect([mm.minFlt, mm.majFlt]).to.deep.equal([1, 1]);
    h.clear();
    expect(faultinPageRange(mm, at(0), at(2), true)).to.equal(2);
    expect(h.faults.map(({ flags }) => flags)).to.deep.equal([0x15, 0x15]);
    h.exit(mm);
    test.dispose();
    h.close();
  });

  it("tell a hole from an area that forbids it", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, P, 1);
    expect(faultinPageRange(mm, at(0), at(2), false), "one page, then a hole").to.equal(1);
    expect(faultinPageRange(mm, at(1), at(2), false)).to.equal(-ENOMEM);
    expect(faultinPageRange(mm, at(0), at(1), true)).to.equal(-EINVAL);
    h.close();
  });
});
