/** Page caches are made with their inode and give everything back with it. */
import { expect } from "chai";
import { ModelBug } from "../../../emulator/arch/errors.js";
import { createAddressSpace, releaseMapping } from "../../../kernel-model/fs/address-space.js";
import { INITRAMFS_POLICY, TMPFS_POLICIES, XFS_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { pageCacheRead, pageCacheWrite } from "../../../kernel-model/mm/filemap-io.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile, expectNoPageCache, MAP_SHARED, mapFile, patternBytes, PROT_READ } from "../../support/page-cache.js";

describe("address space", () => {
  it("belongs to its inode until it is released, and frees dirty folios with it", () => {
    const harness = new MmHarness();
    const { inode, mapping, file } = createTestFile(harness.sys, { policy: XFS_POLICY, size: 300000 });
    expect(inode.mapping).to.equal(mapping);
    expect(harness.sys.mappings.addressSpace(mapping.id)).to.equal(mapping);
    pageCacheRead(file, 0, new Uint8Array(200000));
    pageCacheWrite(file, 250000, new Uint8Array(90000));
    expect(harness.sys.vmstat.get("nr_dirty")).to.be.above(0);
    releaseMapping(mapping);
    expect(inode.mapping).to.equal(undefined);
    expectNoPageCache(harness.sys);
    harness.close();
  });

  it("is not released while an area maps it", () => {
    const harness = new MmHarness();
    const opened = createTestFile(harness.sys, { policy: TMPFS_POLICIES.never, size: 8192 });
    const mm = harness.newMm();
    mapFile(mm, 0x10000000, 8192, PROT_READ, MAP_SHARED, opened.file);
    expect(() => opened.dispose()).to.throw(ModelBug, "still mapped");
    harness.exit(mm);
    opened.dispose();
    harness.close();
  });

  it("needs a backing unless it is shmem", () => {
    const { sys } = new MmHarness();
    const inode = { ino: 1, dev: 1, mode: 0o100644, nlink: 1, uid: 0, gid: 0, size: 0, mapping: undefined };
    expect(() => createAddressSpace(sys, inode, XFS_POLICY, undefined)).to.throw(ModelBug, "needs a backing");
    expect(createAddressSpace(sys, inode, TMPFS_POLICIES.never, undefined).resident).to.equal(undefined);
  });

  it("of the initramfs costs nothing until someone looks, and gives back only what it took", () => {
    const harness = new MmHarness();
    const opened = createTestFile(harness.sys, { policy: INITRAMFS_POLICY, size: 1 << 20, resident: true });
    expect(opened.mapping.nrPages).to.equal(0);
    const bytes = new Uint8Array(5000);
    expect(pageCacheRead(opened.file, 4096, bytes)).to.equal(5000);
    expect(Buffer.compare(bytes, patternBytes(4096, 5000))).to.equal(0);
    expect(opened.mapping.nrPages).to.equal(2);
    opened.dispose();
    expectNoPageCache(harness.sys);
    harness.close();
  });
});
