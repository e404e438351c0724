/** Alignment of shared mappings. */
import { expect } from "chai";
import type { Order } from "../../../emulator/arch/addr.js";
import type { FolioPolicy } from "../../../kernel-model/fs/file.js";
import { SHM_MNT_POLICY, TMPFS_POLICIES } from "../../../kernel-model/fs/folio-policies.js";
import { shmemPlacementOrder } from "../../../kernel-model/mm/shmem-placement.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile } from "../../support/page-cache.js";

describe("placement of shared memory", () => {
  it("of tmpfs files goes by the mount", () => {
    const { sys } = new MmHarness();
    const order = (policy: FolioPolicy): number | undefined => shmemPlacementOrder(sys, createTestFile(sys, { policy, size: 0 }).file);
    expect([order(TMPFS_POLICIES.never), order(TMPFS_POLICIES.always), order(TMPFS_POLICIES.advise), order(SHM_MNT_POLICY)]).to.deep.equal([undefined, 9, 9, undefined]);
    sys.thp.shmemEnabled = "deny";
    expect(order(TMPFS_POLICIES.always)).to.equal(undefined);
    sys.thp.shmemEnabled = "force";
    expect(order(TMPFS_POLICIES.never)).to.equal(9);
  });

  it("of shared anonymous memory goes by the largest size that is on", () => {
    const { sys } = new MmHarness();
    expect(shmemPlacementOrder(sys, undefined)).to.equal(undefined);
    sys.thp.setShmemSizeEnabled(4 as Order, "always");
    expect(shmemPlacementOrder(sys, undefined)).to.equal(4);
    sys.thp.setShmemSizeEnabled(6 as Order, "advise");
    expect(shmemPlacementOrder(sys, undefined)).to.equal(6);
    sys.thp.shmemEnabled = "always";
    expect(shmemPlacementOrder(sys, undefined), "the PMD size inherits").to.equal(9);
    sys.thp.setShmemSizeEnabled(9 as Order, "never");
    expect(shmemPlacementOrder(sys, undefined)).to.equal(6);
  });
});
