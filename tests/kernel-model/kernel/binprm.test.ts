/** The stack of a program to be: strings, limits, final size. */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { AddressRandomizer } from "../../../kernel-model/kernel/aslr.js";
import { bprmMmInit, bprmRelease, bprmStackLimits, copyAllStrings, copyString, setupArgPages, type Binprm } from "../../../kernel-model/kernel/binprm.js";
import { VM_EXEC, VM_GROWSDOWN, VM_RAND_READ } from "../../../kernel-model/mm/vma.js";
import type { OpenFile } from "../../../kernel-model/fs/vfs.js";
import { createTestMachine, type TestMachine } from "../../support/kernel-machine.js";

const LIMITS = { stack: 8 * 2 ** 20, data: Infinity, dataMax: Infinity, as: Infinity, memlock: 65536, privileged: true };

function newBprm(machine: TestMachine, argv: readonly string[], envp: readonly string[], limits = LIMITS): Binprm {
  const space = bprmMmInit(machine.sys, limits, new AddressRandomizer(undefined), undefined)!;
  return { ...space, file: undefined as unknown as OpenFile, filename: "/bin/name", interp: "/bin/name", argv, envp, p: space.stack.end - 8, exec: 0, argMin: 0 };
}

describe("argument pages", () => {
  let machine: TestMachine;
  beforeEach(() => {
    machine = createTestMachine();
  });
  afterEach(() => {
    expect(machine.shutdown(), "frames leaked").to.equal(0);
  });

  it("the temporary stack is one page at the top and marked as unfinished", () => {
    const bprm = newBprm(machine, ["a"], []);
    expect([bprm.stack.start, bprm.stack.end]).to.deep.equal([2 ** 48 - 4096, 2 ** 48]);
    expect(bprm.stack.flags & (VM_GROWSDOWN | VM_RAND_READ)).to.equal(VM_GROWSDOWN | VM_RAND_READ);
    expect(bprm.mm.temporaryStack).to.equal(bprm.stack);
    expect(bprm.mm.totalVm).to.equal(1);
    bprmRelease(bprm);
  });

  it("strings grow downwards from 8 bytes below the top; each page is faulted in once", () => {
    const bprm = newBprm(machine, ["one", "two"], ["E=1"]);
    bprmStackLimits(bprm);
    expect(copyAllStrings(bprm)).to.equal(0);
    expect(bprm.exec).to.equal(2 ** 48 - 8 - "/bin/name\0".length);
    expect(bprm.p).to.equal(2 ** 48 - 8 - "one\0two\0E=1\0/bin/name\0".length);
    expect(bprm.mm.rss[1]).to.equal(1);
    expect(copyString(bprm, "x".repeat(3 * 4096))).to.equal(0);
    expect(bprm.mm.rss[1]).to.equal(4);
    expect(bprm.stack.start).to.equal(2 ** 48 - 4 * 4096);
    machine.kernel.activateMm(bprm.mm);
    expect(machine.kernel.user.string(bprm.exec as Va, 100, 7)).to.equal("/bin/name");
    expect(machine.kernel.user.string(bprm.p as Va, 20_000, 7)).to.equal("x".repeat(3 * 4096));
    machine.kernel.deactivateMm();
    bprmRelease(bprm);
  });

  it("limits: one string 32 pages, all together a quarter of the stack limit but at least 128 KiB, at most 6 MiB", () => {
    const tooLong = newBprm(machine, ["a"], []);
    bprmStackLimits(tooLong);
    expect(copyString(tooLong, "x".repeat(32 * 4096))).to.equal(-7);
    expect(copyString(tooLong, "x".repeat(32 * 4096 - 1))).to.equal(0);
    bprmRelease(tooLong);
    const limitOf = (stack: number, argv: readonly string[] = ["a"]): number => {
      const bprm = newBprm(machine, argv, [], { ...LIMITS, stack });
      const error = bprmStackLimits(bprm);
      const room = bprm.p - bprm.argMin;
      bprmRelease(bprm);
      return error < 0 ? error : room;
    };
    expect(limitOf(8 * 2 ** 20)).to.equal(2 * 2 ** 20 - 8);
    expect(limitOf(Infinity)).to.equal(6 * 2 ** 20 - 8);
    expect(limitOf(65536)).to.equal(131072 - 8);
    expect(limitOf(65536, new Array<string>(20_000).fill(""))).to.equal(-7);
  });

  it("the finished stack has room for 128 KiB more, is executable if asked, and no longer unfinished", () => {
    for (const [executable, flag] of [["disable", 0], ["default", 0], ["enable", VM_EXEC]] as const) {
      const bprm = newBprm(machine, ["a"], []);
      bprmStackLimits(bprm);
      copyAllStrings(bprm);
      expect(setupArgPages(bprm, executable)).to.equal(0);
      expect(bprm.stack.end - bprm.stack.start).to.equal(4096 + 131072);
      expect(bprm.stack.flags & (VM_EXEC | VM_RAND_READ)).to.equal(flag);
      expect(bprm.mm.temporaryStack).to.equal(undefined);
      expect(bprm.mm.argStart).to.equal(bprm.p);
      bprmRelease(bprm);
    }
  });

  it("a stack limit below that keeps it smaller", () => {
    const bprm = newBprm(machine, ["a"], [], { ...LIMITS, stack: 40_000 });
    bprmStackLimits(bprm);
    copyAllStrings(bprm);
    expect(setupArgPages(bprm, "disable")).to.equal(0);
    expect(bprm.stack.end - bprm.stack.start).to.equal(9 * 4096);
    bprmRelease(bprm);
  });
});
