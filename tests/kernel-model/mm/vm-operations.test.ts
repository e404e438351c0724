/** vm_operations by file system. */
import { expect } from "chai";
import type { FolioPolicy } from "../../../kernel-model/fs/file.js";
import { AFS_POLICY, EROFS_POLICY, EXT4_POLICY, INITRAMFS_POLICY, SHM_MNT_POLICY, TMPFS_POLICIES, XFS_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { vmOpsFor } from "../../../kernel-model/mm/vm-operations.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile } from "../../support/page-cache.js";

const VM_FAULT_FALLBACK = 0x800;

describe("vm_operations", () => {
  const { sys } = new MmHarness();
  const ops = (policy: FolioPolicy, nlink = 1): ReturnType<typeof vmOpsFor> => vmOpsFor(createTestFile(sys, { policy, size: 0, nlink, resident: policy === INITRAMFS_POLICY }).mapping);

  it("carry the kernel's names", () => {
    const named = [XFS_POLICY, EXT4_POLICY, AFS_POLICY, EROFS_POLICY, TMPFS_POLICIES.always, INITRAMFS_POLICY].map((policy) => ops(policy).name);
    expect(named).to.deep.equal(["xfs_file_vm_ops", "ext4_file_vm_ops", "afs_vm_ops", "generic_file_vm_ops", "shmem_vm_ops", "shmem_vm_ops"]);
  });

  it("a tmpfs file without a name counts as anonymous shared memory", () => {
    expect([ops(SHM_MNT_POLICY, 0).name, ops(TMPFS_POLICIES.never, 0).name]).to.deep.equal(["shmem_anon_vm_ops", "shmem_anon_vm_ops"]);
  });

  it("all fault around; disk files want to know of the first write, shared memory does not", () => {
    for (const policy of [XFS_POLICY, EXT4_POLICY, AFS_POLICY, EROFS_POLICY]) {
      expect(ops(policy).mapPages).to.be.a("function");
      expect(ops(policy).pageMkwrite).to.be.a("function");
    }
    expect(ops(TMPFS_POLICIES.always).mapPages).to.be.a("function");
    expect(ops(TMPFS_POLICIES.always).pageMkwrite).to.equal(undefined);
  });

  it("XFS has a huge_fault operation that declines", () => {
    expect(ops(XFS_POLICY).hugeFault!(undefined as never, 9)).to.equal(VM_FAULT_FALLBACK);
    expect(ops(EXT4_POLICY).hugeFault).to.equal(undefined);
  });
});
