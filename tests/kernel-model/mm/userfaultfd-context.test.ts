/* Who waits for which page. */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { dropUserfaultfd, handleUserfault, Userfaultfd, userfaultfdMissing } from "../../../kernel-model/mm/userfaultfd-context.js";
import type { VmFault, Vma } from "../../../kernel-model/mm/vma.js";

const [MISSING, RETRY, SIGBUS] = [0x200, 0x400, 2];
const [WRITE, ALLOW_RETRY, USER] = [1, 4, 0x40];
const FEATURE_SIGBUS = 128;

function setup(features: number | undefined) {
  const mm = { sys: { granule: { pageSize: 4096 } } } as unknown as MmStruct;
  const uffd = new Userfaultfd(mm);
  uffd.features = features;
  const vma = { mm, flags: MISSING, uffd } as unknown as Vma;
  const fault = (address: number, flags: number): number => handleUserfault({ vma, address: address as Va, realAddress: address as Va, flags } as unknown as VmFault);
  return { mm, uffd, vma, fault };
}

describe("Userfaultfd", () => {
  it("a fault waits until its page is woken, read or not", () => {
    const { mm, uffd, fault } = setup(0);
    expect(fault(0x5008, USER | ALLOW_RETRY | WRITE)).to.equal(RETRY);
    const first = mm.userfaultWait!;
    expect(fault(0x9000, USER | ALLOW_RETRY)).to.equal(RETRY);
    expect([first.address, first.write, uffd.take() === first, uffd.pending.length]).to.deep.equal([0x5000, true, true, 1]);
    uffd.wake(0x6000, 0x9000);
    expect(first.resolved).to.equal(false);
    uffd.wake(0x5000, 0x6000);
    expect([first.resolved, uffd.pending.length]).to.deep.equal([true, 1]);
    uffd.wake(0, Infinity);
    expect(uffd.take()).to.equal(undefined);
  });

  it("who cannot wait gets SIGBUS", () => {
    const { uffd, fault } = setup(0);
    expect([fault(0x1000, ALLOW_RETRY), fault(0x1000, USER), setup(FEATURE_SIGBUS).fault(0x1000, USER | ALLOW_RETRY), setup(undefined).fault(0x1000, USER | ALLOW_RETRY)]).to.deep.equal([SIGBUS, SIGBUS, SIGBUS, SIGBUS]);
    uffd.released = true;
    expect(fault(0x1000, USER | ALLOW_RETRY)).to.equal(SIGBUS);
  });

  it("an area can be let go", () => {
    const { vma } = setup(0);
    expect(userfaultfdMissing(vma)).to.equal(true);
    dropUserfaultfd(vma);
    expect([userfaultfdMissing(vma), vma.uffd, vma.flags]).to.deep.equal([false, undefined, 0]);
  });
});
