/** Areas and faults: the bits of include/linux/mm.h and mm_types.h, typed in, and the two questions about an area. */
import { expect } from "chai";
import * as vma from "../../../kernel-model/mm/vma.js";
import { EXT4_POLICY, SHM_MNT_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { vmaIsAnonymous, vmaPages } from "../../../kernel-model/mm/vma.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile, KIB, mapFile, MAP_PRIVATE, MAP_SHARED, PROT_RW } from "../../support/page-cache.js";

/* include/linux/mm.h */
const VM: Readonly<Record<string, number>> = {
  VM_READ: 0x00000001,
  VM_WRITE: 0x00000002,
  VM_EXEC: 0x00000004,
  VM_SHARED: 0x00000008,
  VM_MAYREAD: 0x00000010,
  VM_MAYWRITE: 0x00000020,
  VM_MAYEXEC: 0x00000040,
  VM_MAYSHARE: 0x00000080,
  VM_GROWSDOWN: 0x00000100,
  VM_PFNMAP: 0x00000400,
  VM_LOCKED: 0x00002000,
  VM_IO: 0x00004000,
  VM_SEQ_READ: 0x00008000,
  VM_RAND_READ: 0x00010000,
  VM_DONTCOPY: 0x00020000,
  VM_DONTEXPAND: 0x00040000,
  VM_LOCKONFAULT: 0x00080000,
  VM_ACCOUNT: 0x00100000,
  VM_NORESERVE: 0x00200000,
  VM_WIPEONFORK: 0x02000000,
  VM_UFFD_MISSING: 0x00000200,
  VM_DONTDUMP: 0x04000000,
  VM_MIXEDMAP: 0x10000000,
  VM_HUGEPAGE: 0x20000000,
  VM_NOHUGEPAGE: 0x40000000,
  VM_MERGEABLE: 0x80000000,
};

/* Sets: VM_READ|WRITE|EXEC; IO|DONTEXPAND|PFNMAP|MIXEDMAP; LOCKED|LOCKONFAULT; VM_DATA_FLAGS_TSK_EXEC without READ_IMPLIES_EXEC. */
const SETS: Readonly<Record<string, number>> = {
  VM_ACCESS_FLAGS: 0x7,
  VM_SPECIAL: 0x10044400,
  VM_LOCKED_MASK: 0x82000,
  VM_DATA_DEFAULT_FLAGS: 0x73,
  VM_STACK_FLAGS: 0x100173,
  VM_STACK_INCOMPLETE_SETUP: 0x18000,
};

/* include/linux/mm_types.h enum vm_fault_reason; VM_FAULT_ERROR without the poison codes, which the model has not. */
const VM_FAULT: Readonly<Record<string, number>> = {
  VM_FAULT_OOM: 0x1,
  VM_FAULT_SIGBUS: 0x2,
  VM_FAULT_MAJOR: 0x4,
  VM_FAULT_SIGSEGV: 0x40,
  VM_FAULT_NOPAGE: 0x100,
  VM_FAULT_LOCKED: 0x200,
  VM_FAULT_RETRY: 0x400,
  VM_FAULT_FALLBACK: 0x800,
  VM_FAULT_DONE_COW: 0x1000,
  VM_FAULT_NEEDDSYNC: 0x2000,
  VM_FAULT_COMPLETED: 0x4000,
  VM_FAULT_ERROR: 0x843,
};

/* include/linux/mm_types.h enum fault_flag, bits 0 to 12 in this order. */
const FAULT_FLAGS = ["WRITE", "MKWRITE", "ALLOW_RETRY", "RETRY_NOWAIT", "KILLABLE", "TRIED", "USER", "REMOTE", "INSTRUCTION", "INTERRUPTIBLE", "UNSHARE", "ORIG_PTE_VALID", "VMA_LOCK"];

describe("vma", () => {
  it("every constant has the kernel's value, and none is without a check", () => {
    const flags = Object.fromEntries(FAULT_FLAGS.map((name, bit) => [`FAULT_FLAG_${name}`, 2 ** bit]));
    const expected: Record<string, number> = { ...VM, ...SETS, ...VM_FAULT, ...flags };
    const numbers = Object.entries(vma).filter(([, value]) => typeof value === "number") as [string, number][];
    expect(Object.fromEntries(numbers.map(([name, value]) => [name, value >>> 0]))).to.deep.equal(expected);
  });

  it("the limits of mprotect are the permissions four bits up", () => {
    for (const [may, now] of [["VM_MAYREAD", "VM_READ"], ["VM_MAYWRITE", "VM_WRITE"], ["VM_MAYEXEC", "VM_EXEC"], ["VM_MAYSHARE", "VM_SHARED"]] as const) expect(vma[may] >> 4, may).to.equal(vma[now]);
  });

  it("an area without operations is anonymous; shared anonymous memory is a file", () => {
    const h = new MmHarness();
    const mm = h.newMm();
    const disk = createTestFile(h.sys, { policy: EXT4_POLICY, size: 64 * KIB });
    const shm = createTestFile(h.sys, { policy: SHM_MNT_POLICY, size: 64 * KIB, nlink: 0 });
    mapFile(mm, 0x2000_0000, 64 * KIB, PROT_RW, MAP_PRIVATE, disk.file);
    mapFile(mm, 0x3000_0000, 64 * KIB, PROT_RW, MAP_SHARED, shm.file);
    const areas = [h.anon(mm, 0x1000_0000, 64 * KIB), mm.vmas.lookup(0x2000_0000)!, mm.vmas.lookup(0x3000_0000)!];
    expect(areas.map(vmaIsAnonymous)).to.deep.equal([true, false, false]);
    h.close();
    disk.dispose();
    shm.dispose();
  });

  for (const [granule, pages] of [["4k", 512], ["16k", 128], ["64k", 32]] as const) {
    it(`2 MiB are ${pages} pages of ${granule}`, () => {
      const h = new MmHarness({ granule });
      expect(vmaPages(h.anon(h.newMm(), 0x1000_0000, 2 ** 21))).to.equal(pages);
      h.close();
    });
  }
});
