/**
 * Write-protect faults: copy, reuse, shared pages.
 */
import { expect } from "chai";
import type { Order, Pfn, Va } from "../../../emulator/arch/addr.js";
import { folioAlloc, folioGet, folioPut } from "../../../kernel-model/mm/folio.js";
import { handleMmFault } from "../../../kernel-model/mm/memory.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import type { VmFault } from "../../../kernel-model/mm/vma.js";
import { vmfCanCallFault } from "../../../kernel-model/mm/wp-fault.js";
import { XFS_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile, MAP_PRIVATE, MAP_SHARED, mapFile, patternByte, PROT_RW } from "../../support/page-cache.js";

const P = 4096;
const BASE = 0x5000000000;
const EXCLUSIVE = 1 << 12;

function machine(order = 0): { h: MmHarness; mm: MmStruct } {
  const h = new MmHarness();
  if (order > 0) h.sys.thp.setSizeEnabled(order as Order, "always");
  return { h, mm: h.newMm() };
}

const kinds = (h: MmHarness): string[] => h.served.map(({ kind }) => kind);

describe("do_wp_page", () => {
  it("copies a page that a child still maps", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, P);
    h.writeByte(mm, BASE + 9, 42);
    const child = h.fork(mm);
    h.clear();
    h.writeByte(child, BASE, 7);
    expect(kinds(h)).to.deep.equal(["wpCopy"]);
    expect(h.frame(child, BASE)).to.not.equal(h.frame(mm, BASE));
    expect([h.readByte(child, BASE + 9), h.readByte(mm, BASE)]).to.deep.equal([42, 0]);
    expect(h.sys.vmstat.get("pgreuse")).to.equal(0);
    h.close();
  });

  it("reuses the page once the child is gone", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, P);
    h.writeByte(mm, BASE, 1);
    const frame = h.frame(mm, BASE);
    h.exit(h.fork(mm));
    expect(h.sys.pages.test(frame as Pfn, EXCLUSIVE), "fork took the exclusivity").to.equal(false);
    h.clear();
    h.writeByte(mm, BASE, 2);
    expect(kinds(h)).to.deep.equal(["wpReuse"]);
    expect(h.frame(mm, BASE)).to.equal(frame);
    expect(h.sys.pages.test(frame as Pfn, EXCLUSIVE)).to.equal(true);
    expect(h.sys.vmstat.get("pgreuse")).to.equal(1);
    expect(h.maintenance()).to.deep.equal({ vale1is: 1, "dsb ish": 1 });
    h.close();
  });

  it("does not reuse while somebody else holds a reference", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, P);
    h.writeByte(mm, BASE, 1);
    const frame = h.frame(mm, BASE) as Pfn;
    h.exit(h.fork(mm));
    folioGet(h.sys, frame);
    h.clear();
    h.writeByte(mm, BASE, 2);
    expect(kinds(h)).to.deep.equal(["wpCopy"]);
    folioPut(h.sys, frame);
    h.close();
  });

  it("never reuses a page of a large folio that was shared", () => {
    const { h, mm } = machine(4);
    h.anon(mm, BASE, 16 * P);
    h.writeByte(mm, BASE, 1);
    h.exit(h.fork(mm));
    h.clear();
    h.touchAll(mm, BASE, BASE + 16 * P, "write");
    expect(kinds(h)).to.deep.equal(Array<string>(16).fill("wpCopy"));
    expect(h.sys.thp.stat(4 as Order, "split_deferred")).to.equal(1);
    expect(h.sys.thp.stat(4 as Order, "nr_anon"), "the last page frees the folio").to.equal(0);
    h.close();
  });

  it("reuses an exclusive page of a large folio at once", () => {
    const { h, mm } = machine(4);
    h.anon(mm, BASE, 16 * P);
    h.writeByte(mm, BASE, 1);
    const { pgtable } = h.sys;
    const vma = mm.vmas.lookup(BASE)!;
    const ptep = pgtable.pteOffset(pgtable.pmdpGet(pgtable.pmdOffset(mm, BASE as Va)), BASE as Va);
    pgtable.wrprotectPtes(mm, BASE as Va, ptep, 16);
    h.clear();
    expect(handleMmFault(vma, (BASE + 5 * P) as Va, 0x1255)).to.equal(0);
    expect(kinds(h)).to.deep.equal(["wpReuse"]);
    expect(h.maintenance(), "unfold, then the page").to.deep.equal({ vale1is: 17, "dsb ish": 2 });
    h.close();
  });

  it("replaces the zero page by a zeroed one", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, P);
    h.readByte(mm, BASE);
    h.clear();
    h.writeByte(mm, BASE, 3);
    expect(kinds(h)).to.deep.equal(["wpCopy"]);
    expect([h.readByte(mm, BASE), h.readByte(mm, BASE + P - 1)]).to.deep.equal([3, 0]);
    expect(mm.rss[1]).to.equal(1);
    h.close();
  });

  it("copies a page of a private file mapping and moves it between the RSS counters", () => {
    const { h, mm } = machine();
    const test = createTestFile(h.sys, { policy: XFS_POLICY, size: 4 * P });
    mapFile(mm, BASE, 4 * P, PROT_RW, MAP_PRIVATE, test.file);
    h.touchAll(mm, BASE, BASE + 4 * P, "read");
    expect([...mm.rss]).to.deep.equal([4, 0, 0, 0]);
    h.clear();
    h.writeByte(mm, BASE + P, 0x99);
    expect(kinds(h)).to.deep.equal(["wpCopy"]);
    expect([...mm.rss]).to.deep.equal([3, 1, 0, 0]);
    expect([h.readByte(mm, BASE + P + 1), h.readByte(mm, BASE)]).to.deep.equal([patternByte(P + 1), patternByte(0)]);
    h.exit(mm);
    test.dispose();
    h.close();
  });

  it("asks the file system before a shared page becomes writable", () => {
    const { h, mm } = machine();
    const test = createTestFile(h.sys, { policy: XFS_POLICY, size: 16 * P });
    mapFile(mm, BASE, 16 * P, PROT_RW, MAP_SHARED, test.file);
    h.touchAll(mm, BASE, BASE + 16 * P, "read");
    expect(test.mapping.dirty.size).to.equal(0);
    h.clear();
    h.writeByte(mm, BASE + 5 * P, 0x77);
    expect(h.faults.map(({ flags, result }) => [flags, result])).to.deep.equal([[0x1255, 0x4000]]);
    expect(kinds(h)).to.deep.equal(["wpReuse"]);
    expect(test.mapping.dirty.size).to.equal(1);
    expect(h.attributes(mm, BASE + 5 * P)).to.equal(0x00e8000000000f43n);
    h.exit(mm);
    test.dispose();
    h.close();
  });

  it("gives up without an error when page_mkwrite finds the page gone", () => {
    const { h, mm } = machine();
    const test = createTestFile(h.sys, { policy: XFS_POLICY, size: P });
    mapFile(mm, BASE, P, PROT_RW, MAP_SHARED, test.file);
    h.readByte(mm, BASE);
    const vma = mm.vmas.lookup(BASE)!;
    const { pageMkwrite: _asked, ...others } = vma.ops!;
    let seen = 0;
    vma.ops = {
      ...others,
      pageMkwrite: (vmf) => {
        seen = vmf.flags;
        return 0x100;
      },
    };
    h.clear();
    expect(handleMmFault(vma, BASE as Va, 0x1255)).to.equal(0x100);
    expect(seen, "FAULT_FLAG_WRITE | FAULT_FLAG_MKWRITE").to.equal(3);
    expect(h.attributes(mm, BASE) & 0x80n, "still read-only").to.equal(0x80n);
    h.exit(mm);
    test.dispose();
    h.close();
  });

  it("unshares a page for a read pin: a copy that stays read-only", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, P);
    h.writeByte(mm, BASE, 5);
    const child = h.fork(mm);
    const old = h.frame(child, BASE);
    expect(handleMmFault(child.vmas.lookup(BASE)!, BASE as Va, 0x400)).to.equal(0);
    expect(h.frame(child, BASE)).to.not.equal(old);
    expect(h.attributes(child, BASE) & (1n << 51n)).to.equal(0n);
    expect(h.readByte(child, BASE)).to.equal(5);
    h.close();
  });

  it("reports when memory is out, with the old page in place", () => {
    const { h, mm } = machine();
    const held: Pfn[] = [];
    h.anon(mm, BASE, P);
    h.writeByte(mm, BASE, 5);
    const child = h.fork(mm);
    for (let page = folioAlloc(h.sys, 0 as Order); page !== -1; page = folioAlloc(h.sys, 0 as Order)) held.push(page);
    expect(handleMmFault(mm.vmas.lookup(BASE)!, BASE as Va, 0x1255)).to.equal(1);
    for (const page of held) folioPut(h.sys, page);
    expect([h.readByte(mm, BASE), h.readByte(child, BASE)]).to.deep.equal([5, 5]);
    h.close();
  });
});

describe("vmf_can_call_fault", () => {
  it("asks for the mmap_lock only where the handler was not made for the per-VMA lock", () => {
    const asked = (flags: number, mapPages: boolean): number =>
      vmfCanCallFault({ flags, vma: { ops: { name: "x", fault: () => 0, ...(mapPages ? { mapPages: () => 0 } : {}) } } } as unknown as VmFault);
    expect([asked(0x1254, true), asked(0x1254, false), asked(0x254, false)]).to.deep.equal([0, 0x400, 0]);
  });
});
