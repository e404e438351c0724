/** Folio orders that tmpfs and shared anonymous memory may use. */
import { expect } from "chai";
import type { Order } from "../../../emulator/arch/addr.js";
import { SHM_MNT_POLICY, TMPFS_POLICIES } from "../../../kernel-model/fs/folio-policies.js";
import type { FolioPolicy } from "../../../kernel-model/fs/file.js";
import { highestOrder, shmemAllowableHugeOrders, shmemMountHuge } from "../../../kernel-model/mm/shmem-orders.js";
import type { Vma } from "../../../kernel-model/mm/vma.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile, MAP_SHARED, mapFile, MIB, PROT_RW } from "../../support/page-cache.js";

const VM_HUGEPAGE = 0x20000000;
const VM_NOHUGEPAGE = 0x40000000;
const PMD = 1 << 9;

function area(policy: FolioPolicy, size: number, nlink: number): { readonly harness: MmHarness; readonly vma: Vma; orders(index: number, writeEnd?: number): number } {
  const harness = new MmHarness();
  const opened = createTestFile(harness.sys, { policy, size, nlink });
  const mm = harness.newMm();
  mapFile(mm, 0x50_0000_0000, 64 * MIB, PROT_RW, MAP_SHARED, opened.file);
  const vma = mm.vmas.lookup(0x50_0000_0000)!;
  return { harness, vma, orders: (index, writeEnd = 0) => shmemAllowableHugeOrders(opened.mapping, vma, index, writeEnd) };
}

describe("orders of shared memory", () => {
  it("of a tmpfs file follow huge= and know the PMD order only", () => {
    expect(area(TMPFS_POLICIES.never, 64 * MIB, 1).orders(0)).to.equal(0);
    expect(area(TMPFS_POLICIES.always, 4096, 1).orders(0)).to.equal(PMD);
    const within = area(TMPFS_POLICIES.within_size, 3 * MIB, 1);
    expect([within.orders(0), within.orders(511), within.orders(512), within.orders(512, 4 * MIB)]).to.deep.equal([PMD, PMD, 0, PMD]);
    const advise = area(TMPFS_POLICIES.advise, 4 * MIB, 1);
    expect(advise.orders(0)).to.equal(0);
    advise.vma.flags |= VM_HUGEPAGE;
    expect(advise.orders(0)).to.equal(PMD);
    within.vma.flags |= VM_HUGEPAGE;
    expect(within.orders(512), "advice helps within_size too").to.equal(PMD);
  });

  it("are none with MADV_NOHUGEPAGE, PR_SET_THP_DISABLE or shmem_enabled = deny", () => {
    const { harness, vma, orders } = area(TMPFS_POLICIES.always, 4 * MIB, 1);
    vma.flags |= VM_NOHUGEPAGE;
    expect(orders(0)).to.equal(0);
    vma.flags &= ~VM_NOHUGEPAGE;
    (vma.mm as { thpDisabled: boolean }).thpDisabled = true;
    expect(orders(0)).to.equal(0);
    (vma.mm as { thpDisabled: boolean }).thpDisabled = false;
    harness.sys.thp.shmemEnabled = "deny";
    expect(orders(0)).to.equal(0);
    harness.sys.thp.shmemEnabled = "force";
    expect(area(TMPFS_POLICIES.never, 4096, 1).orders(0)).to.equal(0);
    expect(orders(0)).to.equal(PMD);
  });

  it("of anonymous shared memory follow the switch of each size", () => {
    const { harness, vma, orders } = area(SHM_MNT_POLICY, 3 * MIB, 0);
    const { thp } = harness.sys;
    expect(orders(0), "PMD size inherits, the top level says never").to.equal(0);
    thp.setShmemSizeEnabled(4 as Order, "always");
    thp.setShmemSizeEnabled(2 as Order, "advise");
    expect(orders(0)).to.equal(1 << 4);
    vma.flags |= VM_HUGEPAGE;
    expect(orders(0)).to.equal((1 << 4) | (1 << 2));
    vma.flags &= ~VM_HUGEPAGE;
    thp.shmemEnabled = "always";
    expect(orders(0)).to.equal((1 << 4) | PMD);
    thp.shmemEnabled = "deny";
    expect(orders(0)).to.equal(0);
    thp.shmemEnabled = "force";
    expect(orders(0), "inherit sizes alone").to.equal(PMD);
  });

  it("within_size counts for all sizes once the largest that fits does", () => {
    const { harness, orders } = area(SHM_MNT_POLICY, 20 * 4096, 0);
    const { thp } = harness.sys;
    thp.setShmemSizeEnabled(9 as Order, "never");
    thp.setShmemSizeEnabled(5 as Order, "within_size");
    thp.setShmemSizeEnabled(3 as Order, "within_size");
    // 20 pages: order 5 never ends inside, order 3 does for pages 0 to 15.
    expect([orders(0), orders(15), orders(16), orders(19)]).to.deep.equal([1 << 3, 1 << 3, 0, 0]);
  });

  it("64K pages have no PMD-sized page cache", () => {
    const { sys } = new MmHarness({ granule: "64k", memoryMib: 64 });
    const { mapping } = createTestFile(sys, { policy: TMPFS_POLICIES.always, size: MIB });
    expect(shmemAllowableHugeOrders(mapping, undefined, 0, 0)).to.equal(0);
  });

  it("the kernel's mount takes huge= from the top-level switch", () => {
    const { sys } = new MmHarness();
    sys.thp.shmemEnabled = "within_size";
    expect([shmemMountHuge(sys, SHM_MNT_POLICY), shmemMountHuge(sys, TMPFS_POLICIES.advise)]).to.deep.equal(["within_size", "advise"]);
    sys.thp.shmemEnabled = "force";
    expect(shmemMountHuge(sys, SHM_MNT_POLICY)).to.equal("never");
  });

  it("highestOrder", () => {
    expect([0, 1, 2, 0x214].map(highestOrder)).to.deep.equal([-1, 0, 1, 9]);
  });
});
