/**
 * The layout of an address space, compared with addresses seen on real kernels, and the commit account.
 */
import { expect } from "chai";
import type { GranuleName } from "../../../emulator/arch/granule.js";
import { archPickMmapLayout, mayWriteFile, stackGuardGap, taskUnmappedBase, vmAcctMemory, vmCommitLimit, vmEnoughMemory, vmUnacctMemory } from "../../../kernel-model/mm/util.js";
import type { File } from "../../../kernel-model/fs/file.js";
import { testMachine, testMm } from "../../support/areas.js";

const MIB = 2 ** 20;
const GIB = 2 ** 30;

describe("arch_pick_mmap_layout", () => {
  /* The page right below mmap_base, as instructions and data of the vDSO of real kernels show it without randomisation. */
  const recorded: readonly [GranuleName, number, number][] = [
    ["4k", 4096, 68719443966 + 2],
    ["16k", 16384, 8589926399 + 1],
    ["64k", 65536, 4294965247 + 1],
  ];
  for (const [granule, pageSize, basePage] of recorded) {
    it(`leaves 128 MiB below the top with an 8 MiB stack, ${granule}`, () => {
      const mm = testMm(testMachine({ granule }).sys);
      expect(mm.mmapBase / pageSize).to.equal(basePage);
      expect(mm.taskSize - mm.mmapBase).to.equal(128 * MIB);
      expect(mm.topDown).to.equal(true);
    });
  }

  it("leaves a larger stack its limit and the guard gap", () => {
    const mm = testMm(testMachine().sys, { stack: 512 * MIB });
    expect(mm.taskSize - mm.mmapBase).to.equal(513 * MIB);
    expect(stackGuardGap(mm.sys)).to.equal(MIB);
    expect(stackGuardGap(testMachine({ granule: "64k" }).sys)).to.equal(16 * MIB);
  });

  it("never gives the stack more than five sixths", () => {
    const mm = testMm(testMachine().sys, { stack: 2 ** 47.9 });
    expect(mm.mmapBase).to.be.closeTo(2 ** 48 / 6, 8192);
    expect(mm.mmapBase % 4096).to.equal(0);
  });

  it("goes upwards from a quarter of the space with an unlimited stack", () => {
    const mm = testMm(testMachine().sys, { stack: Infinity });
    expect(mm.topDown).to.equal(false);
    expect(mm.mmapBase).to.equal(2 ** 46);
    expect(taskUnmappedBase(mm)).to.equal(2 ** 46);
    mm.rlimits.stack = 8 * MIB;
    archPickMmapLayout(mm);
    expect(mm.topDown).to.equal(true);
  });
});

describe("commit accounting", () => {
  const RAM_PAGES = (64 * MIB) / 4096;

  it("by heuristic refuses only what exceeds all memory", () => {
    const mm = testMm(testMachine().sys);
    expect(vmEnoughMemory(mm, RAM_PAGES + 1)).to.equal(-12);
    expect(mm.sys.committedAs).to.equal(0);
    expect(vmEnoughMemory(mm, RAM_PAGES - 100)).to.equal(0);
    expect(vmEnoughMemory(mm, RAM_PAGES - 100)).to.equal(0);
    expect(mm.sys.committedAs).to.equal(2 * (RAM_PAGES - 100));
    vmUnacctMemory(mm.sys, RAM_PAGES - 100);
    vmAcctMemory(mm.sys, 1);
    expect(mm.sys.committedAs).to.equal(RAM_PAGES - 99);
  });

  it("always allows with vm.overcommit_memory = 1", () => {
    const mm = testMm(testMachine().sys);
    mm.sys.tunables.overcommitMemory = 1;
    expect(vmEnoughMemory(mm, 100 * RAM_PAGES)).to.equal(0);
  });

  it("with 2 stops at half the memory less the reserves", () => {
    const mm = testMm(testMachine().sys);
    mm.sys.tunables.overcommitMemory = 2;
    const limit = vmCommitLimit(mm.sys);
    expect(limit).to.be.closeTo(RAM_PAGES / 2, RAM_PAGES / 50);
    // admin_reserve_kbytes: a 32nd of memory, 2 MiB
    const allowed = limit - (2 * MIB) / 4096;
    expect(vmEnoughMemory(mm, allowed + 100)).to.equal(-12);
    expect(vmEnoughMemory(mm, allowed - 100)).to.equal(0);
    expect(vmEnoughMemory(mm, 200)).to.equal(-12);
    mm.rlimits.privileged = true;
    expect(vmEnoughMemory(mm, 200)).to.equal(0);
    expect(mm.sys.committedAs).to.equal(allowed + 100);
    // A large process leaves up to a 32nd of itself to others.
    mm.totalVm = GIB / 4096;
    expect(vmEnoughMemory(mm, limit - allowed - 200)).to.equal(-12);
  });
});

describe("mayWriteFile", () => {
  it("is true for the privileged and for descriptions open for writing", () => {
    const mm = testMm(testMachine().sys);
    const file = (writable: boolean): File => ({ writable }) as File;
    expect([mayWriteFile(mm, file(false)), mayWriteFile(mm, file(true))]).to.deep.equal([false, true]);
    mm.rlimits.privileged = true;
    expect(mayWriteFile(mm, file(false))).to.equal(true);
  });
});
