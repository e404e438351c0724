/** Address randomisation: off, and over seeds. */
import { expect } from "chai";
import { AddressRandomizer } from "../../../kernel-model/kernel/aslr.js";
import { SeededRandom } from "../../../kernel-model/kernel/random.js";
import { exitCode, programOf } from "../../support/elf-builder.js";
import { createTestMachine } from "../../support/kernel-machine.js";

describe("address randomisation", () => {
  function layout(randomizeAddresses: boolean, seed: number) {
    const machine = createTestMachine({ files: { "/p": programOf(...exitCode(0)) }, kernel: { randomizeAddresses, seed } });
    machine.kernel.spawn("/p", ["p"], []);
    const mm = machine.kernel.currentMm();
    const result = { stack: [...mm.vmas].at(-1)!.end as number, mmap: mm.mmapBase as number, vdso: mm.vdsoBase as number, brk: mm.startBrk as number, sp: mm.startStack as number };
    expect(machine.kernel.run({ instructions: 1000 })).to.deep.equal({ kind: "exit", code: 0 });
    expect(machine.shutdown()).to.equal(0);
    return result;
  }

  it("off: every run has the same layout, whatever the seed", () => {
    expect(layout(false, 1)).to.deep.equal(layout(false, 2));
    expect(layout(false, 1).stack).to.equal(2 ** 48);
  });

  it("on: the seed chooses, within Linux's ranges and page aligned", () => {
    expect(layout(true, 7)).to.deep.equal(layout(true, 7));
    const stacks = new Set<number>();
    for (let seed = 1; seed <= 20; seed++) {
      const { stack, mmap, vdso, brk, sp } = layout(true, seed);
      stacks.add(stack);
      for (const address of [stack, mmap, vdso, brk]) expect(address % 4096).to.equal(0);
      expect(stack).to.be.within(2 ** 48 - 2 ** 30, 2 ** 48);
      expect(mmap).to.be.within(2 ** 48 - 2 ** 35, 2 ** 48 - 2 ** 27);
      expect(vdso).to.be.lessThan(mmap);
      expect(brk).to.be.within(0x402000, 0x402000 + 2 ** 30 + 4096);
      expect(sp % 16).to.equal(0);
    }
    expect(stacks.size).to.be.greaterThan(15);
  });

  it("without a source of random numbers nothing moves", () => {
    const machine = createTestMachine({ files: { "/p": programOf(...exitCode(0)) } });
    machine.kernel.spawn("/p", ["p"], []);
    const mm = machine.kernel.currentMm();
    const off = new AddressRandomizer(undefined);
    expect([off.stackTop(mm), off.mmapOffset(mm), off.stackShuffle(mm), off.brk(mm, 0x5000, false)]).to.deep.equal([2 ** 48, 0, 0, 0x5000]);
    const on = new AddressRandomizer(new SeededRandom(1));
    expect(on.mmapOffset(mm) % 4096).to.equal(0);
    machine.shutdown();
  });
});
