/**
 * Anonymous faults, and the flags that software sets where the CPU does not.
 */
import { expect } from "chai";
import type { Order, Va } from "../../../emulator/arch/addr.js";
import { handleMmFault } from "../../../kernel-model/mm/memory.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { CPU_SINGLE } from "../../support/memory-system.js";
import { MmHarness, type HarnessOptions } from "../../support/mm-harness.js";

const P = 4096;
const BASE = 0x5000000000;
const CPU_NO_HAFDBS = { ...CPU_SINGLE, hardwareAf: false, hardwareDirty: false };
const SIGSEGV = 0x40;

/** A machine with the given sizes "always" (order -> policy) and an address space. */
function machine(sizes: Readonly<Record<number, "always" | "madvise" | "inherit">> = {}, options: HarnessOptions = {}): { h: MmHarness; mm: MmStruct } {
  const h = new MmHarness(options);
  for (const order of h.sys.thp.anonOrders) h.sys.thp.setSizeEnabled(order, sizes[order] ?? "never");
  return { h, mm: h.newMm() };
}

/** Orders of the folios mapped at each page of [0, pages), "." where nothing is. */
function orders(h: MmHarness, mm: MmStruct, pages: number): string {
  let row = "";
  for (let i = 0; i < pages; i++) {
    const at = BASE + i * P;
    row += h.pte(mm, at) === 0n ? "." : h.frame(mm, at) === h.sys.zeroPfn ? "z" : String(h.sys.pages.folioOrder(h.sys.pages.head(h.frame(mm, at) as never)));
  }
  return row;
}

describe("anonymous faults", () => {
  it("map the zero page for a read, special and read-only", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, P);
    h.touch(mm, BASE, "read");
    expect(h.attributes(mm, BASE)).to.equal(0x0160000000000fc3n);
    expect([...mm.rss]).to.deep.equal([0, 0, 0, 0]);
    expect(mm.vmas.lookup(BASE)!.anonVma, "a read needs none").to.equal(undefined);
    h.close();
  });

  it("map a zeroed page for a write: dirty, young, exclusive", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, P);
    h.touch(mm, BASE + 8, "write");
    expect(h.attributes(mm, BASE)).to.equal(0x00e8000000000f43n);
    const page = h.frame(mm, BASE);
    expect(h.sys.memory.u8.subarray(page * P, page * P + P).every((byte) => byte === 0)).to.equal(true);
    expect(h.served).to.deep.equal([{ address: BASE + 8, kind: "anonWrite", order: 0 }]);
    expect(mm.rss[1]).to.equal(1);
    h.close();
  });

  it("map a read-only page where the area is not writable", () => {
    // FOLL_FORCE: a write fault in an area without VM_WRITE.
    const { h, mm } = machine();
    const vma = h.anon(mm, BASE, P, 1);
    expect(handleMmFault(vma, BASE as Va, 1)).to.equal(0);
    expect(h.attributes(mm, BASE)).to.equal(0x0060000000000fc3n);
    h.close();
  });

  it("take the largest enabled size whose aligned range lies in the area", () => {
    const { h, mm } = machine({ 2: "always", 4: "always" });
    h.anon(mm, BASE + 3 * P, 34 * P);
    h.touchAll(mm, BASE + 3 * P, BASE + 37 * P, "write");
    expect(orders(h, mm, 40)).to.equal("...0222222222222" + "4444444444444444" + "22220...");
    h.close();
  });

  it("take a smaller size where part of the range is populated", () => {
    const { h, mm } = machine({ 2: "always", 3: "always", 4: "always" });
    h.anon(mm, BASE, 16 * P);
    h.touch(mm, BASE + 5 * P, "read");
    h.touch(mm, BASE + 6 * P, "write");
    h.touch(mm, BASE + 15 * P, "write");
    h.touch(mm, BASE + 2 * P, "write");
    expect(orders(h, mm, 16)).to.equal("2222.z0.33333333");
    h.close();
  });

  it("fall back when there is no block of the size, and count it", () => {
    const { h, mm } = machine({ 4: "always", 2: "always" }, { fragment: "order=3,free=50%" });
    h.anon(mm, BASE, 16 * P);
    h.touch(mm, BASE, "write");
    expect(orders(h, mm, 5)).to.equal("2222.");
    const { thp } = h.sys;
    expect([thp.stat(4 as Order, "anon_fault_fallback"), thp.stat(2 as Order, "anon_fault_fallback"), thp.stat(2 as Order, "anon_fault_alloc")]).to.deep.equal([1, 0, 1]);
    h.close();
  });

  it("obey madvise, prctl and the top-level switch", () => {
    const { h, mm } = machine({ 2: "madvise", 3: "inherit" });
    h.sys.thp.enabled = "madvise";
    const first = (flags: number): string => {
      const vma = h.anon(mm, BASE, 8 * P);
      vma.flags |= flags;
      h.touch(mm, BASE, "write");
      return orders(h, mm, 8);
    };
    expect(first(0)).to.equal("0.......");
    expect(first(0x20000000), "VM_HUGEPAGE: size 8 inherits madvise").to.equal("33333333");
    expect(first(0x20000000 | 0x40000000), "VM_NOHUGEPAGE").to.equal("0.......");
    h.sys.thp.enabled = "never";
    expect(first(0x20000000)).to.equal("2222....");
    h.sys.thp.enabled = "always";
    expect(first(0)).to.equal("33333333");
    mm.thpDisabled = true;
    expect(first(0x20000000)).to.equal("0.......");
    h.close();
  });

  it("refuse writes to areas that can never be written", () => {
    const { h, mm } = machine();
    const vma = h.anon(mm, BASE, P, 1);
    vma.flags &= ~0x20;
    expect(handleMmFault(vma, BASE as Va, 1)).to.equal(SIGSEGV);
    expect(h.sys.vmstat.get("pgfault"), "counted as a fault").to.equal(1);
    expect(mm.minFlt, "but not the task's").to.equal(0);
    h.close();
  });

  it("count for the task that runs", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, 2 * P);
    const task = { minFlt: 0, majFlt: 0 };
    h.sys.current = task;
    h.touchAll(mm, BASE, BASE + 2 * P, "write");
    expect(task).to.deep.equal({ minFlt: 2, majFlt: 0 });
    expect(mm.minFlt).to.equal(2);
    h.close();
  });
});

describe("faults on a CPU that sets neither access flag nor dirty state", () => {
  it("make an old entry young without TLB maintenance", () => {
    const { h, mm } = machine({}, { cpu: CPU_NO_HAFDBS });
    h.anon(mm, BASE, P);
    h.touch(mm, BASE, "write");
    const child = h.fork(mm);
    h.clear();
    expect(h.touch(child, BASE, "read").faults).to.equal(1);
    expect(h.faults.map(({ esr, flags }) => [esr, flags])).to.deep.equal([[0x9200000b, 0x1254]]);
    expect(h.served.map(({ kind }) => kind)).to.deep.equal(["accessFlag"]);
    expect(h.maintenance()).to.deep.equal({ "dsb ish": 0 });
    expect(h.attributes(child, BASE)).to.equal(0x00e0000000000fc3n);
    h.close();
  });

  it("make a writable clean entry dirty, and flush the read-only translation", () => {
    const { h, mm } = machine({}, { cpu: CPU_NO_HAFDBS });
    h.anon(mm, BASE, P);
    h.touch(mm, BASE, "write");
    const { pgtable } = h.sys;
    const ptep = pgtable.pteOffset(pgtable.pmdpGet(pgtable.pmdOffset(mm, BASE as Va)), BASE as Va);
    pgtable.clearYoungDirtyPtes(mm.vmas.lookup(BASE)!, BASE as Va, ptep, 1, { young: false, dirty: true });
    expect(h.attributes(mm, BASE)).to.equal(0x0068000000000fc3n);
    h.clear();
    h.touch(mm, BASE, "write");
    expect(h.faults.map(({ esr }) => esr)).to.deep.equal([0x9200004f]);
    expect(h.served.map(({ kind }) => kind)).to.deep.equal(["dirty"]);
    expect(h.maintenance()).to.deep.equal({ vale1is: 1, "dsb ish": 1 });
    expect(h.attributes(mm, BASE)).to.equal(0x00e8000000000f43n);
    h.close();
  });

  it("apply to the whole contiguous block", () => {
    const { h, mm } = machine({ 4: "always" }, { cpu: CPU_NO_HAFDBS });
    h.anon(mm, BASE, 16 * P);
    h.touch(mm, BASE, "write");
    const child = h.fork(mm);
    h.clear();
    expect(h.touchAll(child, BASE, BASE + 16 * P, "read")).to.equal(1);
    expect(h.attributes(child, BASE + 15 * P)).to.equal(0x00f0000000000fc3n);
    h.close();
  });
});
